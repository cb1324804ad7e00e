"""The engine: one state, one writer.

Facts are committed to the journal before they are applied, told or answered from; observations are told and recorded
and change nothing. Answering is synchronous and touches no disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.domain.builds import Builds
from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.clients import Client, ClientTable
from hotswap_dev.domain.commands import ArmFault, Command, Publish
from hotswap_dev.domain.commands.overrides import ClearOverrides
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import BundlesPruned, ClientForgotten, Fact, OverrideSpent
from hotswap_dev.domain.faults.signature import SignatureFault
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Release
from hotswap_dev.domain.observations import Level, Noticed, Observation
from hotswap_dev.domain.policy import Decision, Fetch, Offer, decide, decide_download
from hotswap_dev.domain.preview import Change, Preview, next_check
from hotswap_dev.domain.retention import prunable
from hotswap_dev.domain.rollout import Counted
from hotswap_dev.domain.text import LONGEST_PATH, shown
from hotswap_dev.engine.bus import Bus
from hotswap_dev.engine.ledger import Committed, Ledger
from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.engine.outcomes import Outcomes
from hotswap_dev.engine.poisoning import Poisoner
from hotswap_dev.engine.publishing import Publisher, release_in
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.signing import SigningKey
from hotswap_dev.packing.tree import Scan
from hotswap_dev.storage.bundles import BundleStore
from hotswap_dev.storage.history import History
from hotswap_dev.storage.journal import Journal
from hotswap_dev.storage.keys import KeyHome

_AT_A_TIME = 50
"""Clients whose answers are compared before the loop turns: about a millisecond."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Done(Struct, frozen=True, kw_only=True):
    """What a command came to, or for a dry run would come to.

    The bus's revision after it, its facts, the release it made, if any, and the clients that are answered otherwise
    from now on.
    """

    revision: int
    events: tuple[wire.Json, ...]
    result: wire.Json = None
    changes: tuple[Change, ...] = ()


class Engine:
    """The state of a running server and all that may change it. Make one with `open_engine`."""

    def __init__(
        self,
        options: EngineOptions,
        *,
        controls: Controls,
        journal: Journal,
        history: History,
        store: BundleStore,
        key: SigningKey,
        key_home: KeyHome,
        bus: Bus,
        now: Callable[[], datetime],
    ) -> None:
        self.options = options
        self.bus = bus
        self.history = history
        self.store = store
        self.clients = ClientTable()
        self._outcomes = Outcomes(lambda: self.clients)
        self._ledger = Ledger(
            controls, journal=journal, key_home=key_home, now=now, tell=self._tell, trouble=self._troubled
        )
        self._now = now
        self._offered: dict[str, float] = {}
        self._poisoner = Poisoner(store, key, now)
        self._publisher = Publisher(
            options,
            ledger=self._ledger,
            store=store,
            key=key,
            now=now,
            observe=self.observe,
            prunable=self._prunable,
            poisoner=self._poisoner,
        )

    @property
    def controls(self) -> Controls:
        """What is offered to whom, now."""
        return self._ledger.controls

    @property
    def app_version(self) -> str:
        """What the next build's binary version is."""
        return self._publisher.app_version

    @property
    def building(self) -> str | None:
        """The folder that is being packed now."""
        return self._publisher.building

    @property
    def builds(self) -> Builds:
        """The folder that is watched, and what became of its newest builds in this run."""
        return replace(
            self._publisher.builds,
            building=_path_shown(self._publisher.building),
            dist=_path_shown(self.options.dist),
            app_version=shown(self.app_version),
        )

    # Answering: synchronous, from memory.

    def answer(self, check: Check | BadCheck) -> Decision:
        """Decide, and use up what the decision spends, in one step that no other check can come between."""
        decision = decide(self.controls, check, self._now())
        if decision.spends or decision.missed:
            self._ledger.spend(decision.spends, decision.missed)
        if decision.strike is not None:
            self._outcomes.struck(check.client, decision.strike)
        self._remember_offer(decision)
        return decision

    def answer_update(self, check: Check) -> Mapping[str, Decision]:
        """Decide for every type of release in the check's channel, by type; one request spends an override once."""
        channel = self.controls.channels.get(check.asked_channel)
        having = channel.releases if channel is not None else ()
        types = dict.fromkeys(self.controls.releases[one].update_type for one in having)
        now = self._now()
        decisions = {
            one: decide(self.controls, replace(check, update_type=one), now)
            for one in types or [check.update_type]
        }
        spends = {one for decision in decisions.values() for one in decision.spends}
        missed = {one for decision in decisions.values() for one in decision.missed} - spends
        if spends or missed:
            self._ledger.spend(tuple(spends), tuple(missed))
        for decision in decisions.values():
            self._remember_offer(decision)
        return decisions

    def fetch(self, release: Release, client: str | None, headers: Mapping[str, str]) -> Fetch:
        """Decide what becomes of one attempt at a release's bundle, and use up what that spends, in one step."""
        decided = decide_download(self.controls, release, client, headers)
        self._outcomes.fetches(client, release, decided.strike, self.controls.faults)
        if decided.spends or decided.missed:
            self._ledger.spend(decided.spends, decided.missed)
        return decided

    def bundle_file(self, release: Release) -> Path:
        """Where the bytes of a release's bundle lie."""
        return self.store.path(release.bundle.hash, release.bundle.format)

    async def bad_signature(self, fault: SignatureFault, release: Release) -> str:
        """A signature of a release's bundle that is bad as `fault` says."""
        return await self._poisoner.signature(fault, release.bundle)

    def observe(self, observation: Observation) -> None:
        """Tell and record what was seen. Never waits."""
        outcomes = self._outcomes.seen(observation)
        client = self.clients.see(observation)
        self.bus.put(observation)
        self.history.record(observation, client)
        for outcome in outcomes:
            self.bus.put(outcome)
            self.history.record(outcome)

    def notice(self, level: Level, code: str, message: str, hint: str = "") -> None:
        """Tell a person something that is neither a build nor a check. What the watched folder waits for stands in
        `builds` from then on.
        """
        self._publisher.noticed(Noticed(at=self._now(), level=level, code=code, message=message, hint=hint))

    # Changing: one writer, the journal first.

    async def run(self, command: Command, *, dry_run: bool = False) -> Done:
        """Do what a command asks; HotswapError where it can't be done, and then nothing has changed.

        A dry run says what it would come to and changes nothing: it is pure, and makes no bundle.
        """
        if dry_run:
            return await self._rehearsed(command)
        seen = tuple(self.clients.values())
        if isinstance(command, Publish):
            return await self._done(command, await self._publisher.publish(command), seen)
        if isinstance(command, ArmFault) and command.wanted().stage == "bundle":
            command = self._for_the_clients_channel(command)
            return await self._done(command, await self._publisher.poison(command), seen)
        committed = await self._ledger.commit(lambda controls: command.events(controls, self._now()))
        return await self._done(command, committed, seen)

    async def publish_settled(self, found: Scan, *, changed_at: float | None) -> float | None:
        """Publish a tree that the watcher found settled; see `Publisher.publish_settled`."""
        return await self._publisher.publish_settled(found, changed_at=changed_at)

    async def commit(self, make: Callable[[Controls], Sequence[Fact]]) -> Sequence[Fact]:
        """Append the facts that `make` derives from the present controls, then apply and tell them."""
        return (await self._ledger.commit(make)).facts

    async def end_overrides(self) -> None:
        """What a clean end of a run does: overrides belong to it (design §4), unless they are to be kept."""
        if self.options.keep_overrides:
            return
        try:
            await self.commit(lambda now: ClearOverrides().events(now, self._now()))
        except HotswapError as error:  # the next start finds them, and says so
            self._troubled(error)

    def remember_offers(self, ages: Mapping[str, timedelta]) -> None:
        """Bundles (their hashes) that were offered before this start, each with how long ago."""
        now = time.monotonic()
        self._offered.update({bundle: now - age.total_seconds() for bundle, age in ages.items()})

    def set_app_version(self, version: str) -> None:
        """The app has a new version; it counts from the next build."""
        self._publisher.app_version = version

    async def close(self) -> None:
        """Write what is queued, and let the files go. What is being committed is committed first."""
        await self._ledger.close()
        await asyncio.to_thread(self.history.close)

    def _remember_offer(self, decision: Decision) -> None:
        if isinstance(decision.answer, Offer):
            self._offered[decision.answer.release.bundle.hash] = time.monotonic()

    def _for_the_clients_channel(self, command: ArmFault) -> ArmFault:
        """A poisoned release lies in a channel: the one that its client asks for, where none is named."""
        client = self.clients.get(command.client or "")
        if client is None or command.channel is not None:
            return command
        return replace(command, channel=client.channel or DEFAULT_CHANNEL)

    async def _rehearsed(self, command: Command) -> Done:
        built = None
        if isinstance(command, Publish):
            built = self._publisher.imagined(command)
        elif isinstance(command, ArmFault) and command.wanted().stage == "bundle":
            command = self._for_the_clients_channel(command)
            built = self._publisher.imagined_poison(command)
        before = after = self.controls
        facts = command.events(before, self._now(), built)
        for fact in facts:
            after = apply(after, fact)
        return await self._done(command, Committed(facts, before, after), tuple(self.clients.values()))

    def _prunable(self, controls: Controls) -> tuple[str, ...]:
        # By a time that goes on from this run's start, whatever somebody does to the clock (hardening E4).
        offered = {bundle: _EPOCH + timedelta(seconds=when) for bundle, when in self._offered.items()}
        return prunable(controls, offered, _EPOCH + timedelta(seconds=time.monotonic()))

    def _tell(self, fact: Fact) -> None:
        self.clients.apply(fact)
        if isinstance(fact, ClientForgotten):
            self.history.forget(fact.client)
            self._outcomes.forget(fact.client)
        elif isinstance(fact, BundlesPruned):
            for name in fact.hashes:
                self._offered.pop(name, None)
        self.bus.put(fact)
        if not isinstance(fact, OverrideSpent):  # its check-in is recorded, and says so
            self.history.record(fact)

    def _troubled(self, error: HotswapError | None) -> None:
        if error is None:
            self.notice(
                "info", "journal-again", "what answers have used up of overrides is in the journal again"
            )
        else:
            self.notice("error", error.code, error.message, error.hint)

    async def _done(self, command: Command, committed: Committed, seen: Sequence[Client]) -> Done:
        changed: list[Change] = []
        if committed.facts:
            preview = Preview(committed.before, committed.after, self._now())
            for number, client in enumerate(seen):
                if number % _AT_A_TIME == 0:
                    # Answers go on meanwhile. A thread would not let them: at each of their system calls it would
                    # take the interpreter for 5 ms.
                    await asyncio.sleep(0)
                change = preview.change(client)
                if change is not None:
                    changed.append(change)
        outlook = await self._outlook(command, committed, seen)
        return Done(
            revision=self.bus.revision,
            events=tuple(wire.plain(fact) for fact in committed.facts),
            result=wire.plain(outlook),
            changes=tuple(changed),
        )

    async def _outlook(self, command: Command, committed: Committed, seen: Sequence[Client]) -> object | None:
        """What its caller may want to know besides; where it counts clients, answers go on meanwhile."""
        counted: Counted | None = None
        for first in range(0, max(len(seen), 1), _AT_A_TIME):
            if first:
                await asyncio.sleep(0)
            piece = seen[first : first + _AT_A_TIME]
            checks = (check for client in piece if (check := next_check(client)) is not None)
            outlook = command.outlook(committed.after, checks)
            if not isinstance(outlook, Counted):
                return outlook or release_in(committed.facts)
            counted = outlook if counted is None else counted.plus(outlook)
        return counted


def _path_shown(path: Path | str | None) -> str | None:
    return None if path is None else shown(str(path), LONGEST_PATH)


def utc_now() -> datetime:
    """The time of day, for facts and observations."""
    return datetime.now(UTC)
