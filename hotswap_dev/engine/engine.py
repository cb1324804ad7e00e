"""The engine: one state, one writer.

Facts are committed to the journal before they are applied, told or answered from; observations are told and recorded
and change nothing. Answering is synchronous and touches no disk.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.clients import Client, advance
from hotswap_dev.domain.commands import Built, Command, Publish
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import (
    BundlesPruned,
    Fact,
    ReleaseAdded,
    SequenceFloorRaised,
)
from hotswap_dev.domain.model import Format, Origin, Release
from hotswap_dev.domain.observations import (
    BuildRefused,
    BuildSkipped,
    BuildStarted,
    CheckAnswered,
    DownloadEnded,
    Level,
    Noticed,
    Observation,
    Published,
)
from hotswap_dev.domain.policy import Decision, Offer, decide
from hotswap_dev.domain.retention import prunable
from hotswap_dev.domain.text import shown
from hotswap_dev.engine.builds import BundleMaker, Made
from hotswap_dev.engine.bus import Bus
from hotswap_dev.errors import BuildRefused as TreeRefused
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.archive import TreeMoved
from hotswap_dev.packing.signing import SigningKey
from hotswap_dev.packing.tree import Scan
from hotswap_dev.storage.bundles import BundleStore
from hotswap_dev.storage.history import MAX_CLIENTS, History
from hotswap_dev.storage.journal import Journal
from hotswap_dev.storage.keys import KeyHome

RETRY_SECONDS = 5.0
"""After a refusal that may pass by itself: nobody should have to save again because the disk was full."""

_PASSING = ("disk-full", "bundle-not-written", "key-home-not-writable", "key-home-busy", "database-busy")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the engine needs to be told; `settings` fills it.

    `min_binary_version` None stands for the app's version at the time of the build. `floors` are sequences that are
    known to be taken elsewhere, each with who knows it.
    """

    dist: Path | None
    app_version: str
    channel: str
    min_binary_version: str | None = None
    format: Format = "tar.gz"
    floors: tuple[tuple[int, str], ...] = ()


class Done(Struct, frozen=True, kw_only=True):
    """What a command came to: the bus's revision after it, its facts, and the release it made, if any."""

    revision: int
    events: tuple[wire.Json, ...]
    result: wire.Json = None


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
        self.controls = controls
        self.bus = bus
        self.history = history
        self.store = store
        self.key = key
        self.app_version = options.app_version
        self.clients: OrderedDict[str, Client] = OrderedDict()
        self.building: str | None = None
        self._journal = journal
        self._key_home = key_home
        self._maker = BundleMaker(store, key, options.format, now)
        self._now = now
        self._publishing = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._offered: dict[str, datetime] = {}

    # Answering: synchronous, from memory.

    def answer(self, check: Check | BadCheck) -> Decision:
        """Decide, and use up what the decision spends, in one step that no other check can come between."""
        decision = decide(self.controls, check, self._now())
        if isinstance(decision.answer, Offer):
            self._offered[decision.answer.release.bundle.hash] = self._steady_now()
        return decision

    def bundle_file(self, release: Release) -> Path:
        """Where the bytes of a release's bundle lie."""
        return self.store.path(release.bundle.hash, release.bundle.format)

    def observe(self, observation: Observation) -> None:
        """Tell and record what was seen. Never waits."""
        client = None
        if isinstance(observation, CheckAnswered | DownloadEnded) and observation.client is not None:
            client = advance(self.clients.get(observation.client), observation)
            if client is not None:
                self._remember(client)
        self.bus.put(observation)
        self.history.record(observation, client)

    def notice(self, level: Level, code: str, message: str, hint: str = "") -> None:
        """Tell a person something that is neither a build nor a check."""
        self.observe(Noticed(at=self._now(), level=level, code=code, message=message, hint=hint))

    # Changing: one writer, the journal first.

    async def run(self, command: Command) -> Done:
        """Do what a command asks; HotswapError where it can't be done, and then nothing has changed."""
        if isinstance(command, Publish):
            return await self._publish_by_hand(command)
        facts = await self.commit(lambda controls: command.events(controls, self._now()))
        return self._done(facts)

    async def publish_settled(self, found: Scan, *, changed_at: float | None) -> float | None:
        """Publish a tree that the watcher found settled, unless its channel's last build had the same content.

        `changed_at` is the monotonic time of the newest change in it. A tree that must not be published is observed
        and leaves what is served as it is. Returned are the seconds after which the tree should be tried again, None if
        it need not be: at once where it moved while it was packed and has to settle, later where the disk was full.
        """
        try:
            async with self._publishing:
                channel = self.controls.build_channel
                last = self._last_built(channel)
                made = await self._make(found, unless=last.bundle.tree if last else None)
                if made is not None:
                    await self._publish(
                        Publish(channel=channel), made, "build", watched=True, changed_at=changed_at
                    )
                elif last is not None:
                    self.observe(BuildSkipped(at=self._now(), channel=channel, sequence=last.sequence))
        except TreeMoved:
            return 0.0
        except HotswapError as error:
            self._refused(error)
            if error.code in _PASSING:
                return RETRY_SECONDS
        return None

    async def commit(self, make: Callable[[Controls], Sequence[Fact]]) -> Sequence[Fact]:
        """Append the facts that `make` derives from the present controls, then apply and tell them.

        Once the journal has them they are applied, whatever becomes of the caller: a cancelled request must not leave
        memory behind the disk.
        """
        return await asyncio.shield(asyncio.ensure_future(self._commit(make)))

    def set_app_version(self, version: str) -> None:
        """The app has a new version; it counts from the next build."""
        self.app_version = version

    async def close(self) -> None:
        """Write what is queued, and let the files go. What is being committed is committed first."""
        async with self._writing:
            await asyncio.to_thread(self.history.close)
            self._journal.close()

    async def _publish_by_hand(self, command: Publish) -> Done:
        # An empty text is not "not given", as for the channel.
        root = self.options.dist if command.path is None else Path(command.path)
        if root is None:
            raise HotswapError(
                "publish: there is no watched folder", "give the folder to publish", code="nothing-watched"
            )
        if not root.is_absolute() or "\0" in str(root):
            raise HotswapError(
                f"publish: the path {command.path!r} is no absolute path",
                "give it absolute: the server does not know where you are",
                code="bad-arguments",
            )
        command.demand(self.controls)
        async with self._publishing:
            try:
                made = await self._make(root)
                if made is None:
                    raise AssertionError("a bundle is left out only where `unless` was given")
                added = await self._publish(command, made, "publish", watched=root == self.options.dist)
            except HotswapError as error:
                self._refused(error)
                raise
        return self._done([added], added.release)

    async def _make(self, tree: Path | Scan, *, unless: str | None = None) -> Made | None:
        root = tree.root if isinstance(tree, Scan) else tree
        self.building = str(root)
        self.observe(BuildStarted(at=self._now(), path=shown(str(root), 1000)))
        try:
            return await self._maker.make(tree, unless=unless)
        except OSError as error:
            raise TreeRefused(
                "disk-full" if error.errno == errno.ENOSPC else "bundle-not-written",
                f"the bundle could not be written: {error.strerror or error}",
                "free some space on the workspace's disk; what was served is served on",
            ) from None
        finally:
            self.building = None

    # From the first byte packed to the last one pruned one at a time: what has the same content as a bundle that is
    # on its way out, or that could not be committed, would lose its bytes with it.
    async def _publish(
        self,
        command: Publish,
        made: Made,
        origin: Origin,
        *,
        watched: bool,
        changed_at: float | None = None,
    ) -> ReleaseAdded:
        built = Built(
            bundle=made.bundle,
            binary_version=self.app_version,
            min_binary_version=self._minimum,
            origin=origin,
            watched=watched,
        )
        try:
            facts = await self.commit(lambda controls: command.events(controls, self._now(), built))
        except HotswapError:
            self._drop_unknown(made)
            raise
        offered = time.monotonic()
        added = next(fact for fact in facts if isinstance(fact, ReleaseAdded))
        release = added.release
        self.observe(
            Published(
                at=self._now(),
                sequence=release.sequence,
                version=release.version,
                channel=release.channel,
                origin=release.origin,
                bundle_size=release.bundle.size,
                files=release.bundle.files,
                changed=made.changed,
                scan_ms=round(made.scan_ms, 1),
                pack_ms=round(made.pack_ms, 1),
                offered_ms=None if changed_at is None else round((offered - changed_at) * 1000, 1),
            )
        )
        try:
            await self._prune()
        except HotswapError as error:
            # The release is out; that old ones stay on the disk is another matter.
            self.notice("warning", error.code, error.message, error.hint)
        return added

    async def _commit(self, make: Callable[[Controls], Sequence[Fact]]) -> Sequence[Fact]:
        async with self._writing:
            floors: list[Fact] = []
            controls = self.controls
            while True:
                facts = [*floors, *make(controls)]
                taken = await asyncio.to_thread(self._append, facts)
                if taken is None:
                    break
                # Another checkout of this app published meanwhile, and its numbers are on the devices too; or the
                # journal refused what had claimed it, and nobody can be sure that nothing of that reached the disk.
                source = "another checkout of this app, or a build that was not committed"
                floor = SequenceFloorRaised(at=self._now(), floor=taken, source=source)
                floors, controls = [floor], apply(self.controls, floor)
            controls = self.controls
            for fact in facts:
                controls = apply(controls, fact)
            self.controls = controls
            for fact in facts:
                self.bus.put(fact)
            return facts

    def _append(self, facts: Sequence[Fact]) -> int | None:
        """Put facts into the journal; or, where a sequence among them is taken elsewhere, say the highest that is.

        The key's mark first: a number too many is skipped, one too few would be given to two bundles.
        """
        for fact in facts:
            if isinstance(fact, ReleaseAdded):
                taken = self._key_home.claim(fact.release.sequence)
                if taken is not None:
                    return taken
        self._journal.append(facts)
        return None

    async def _prune(self) -> None:
        gone = prunable(self.controls, self._offered, self._steady_now())
        if not gone:
            return
        # The fact first: a bundle without its bytes must never be offered, one without its fact is only untidy.
        await self.commit(lambda _: [BundlesPruned(at=self._now(), hashes=gone)])
        for name in gone:
            self._offered.pop(name, None)
            await asyncio.to_thread(self.store.remove, name)

    def _refused(self, error: HotswapError) -> None:
        self.observe(
            BuildRefused(
                at=self._now(),
                code=error.code,
                detail=shown(error.message, 1000),
                hint=error.hint,
                path=shown(error.path, 1000) if isinstance(error, TreeRefused) and error.path else None,
            )
        )

    @property
    def _minimum(self) -> str:
        """The oldest app that may run what is built now."""
        return self.options.min_binary_version or self.app_version

    def _last_built(self, channel: str) -> Release | None:
        """The release that a build of an unchanged folder would repeat; None where there is none, or no bytes of it.

        With another key, format, app or minimum it would be another release: what another key signed, for one, an app
        that was built for this key refuses.
        """
        known = self.controls.channels.get(channel)
        if known is None or known.last_tree is None:
            return None
        having = (self.controls.releases[sequence] for sequence in known.releases)
        last = next((release for release in having if release.bundle.tree == known.last_tree), None)
        if last is None or not self.controls.has_bytes(last):
            return None
        was = (last.bundle.key_id, last.bundle.format, last.binary_version, last.min_binary_version)
        now = (self.key.key_id, self.options.format, self.app_version, self._minimum)
        return last if was == now else None

    def _drop_unknown(self, made: Made) -> None:
        if all(release.bundle.hash != made.bundle.hash for release in self.controls.releases.values()):
            self.store.remove(made.bundle.hash)

    def _steady_now(self) -> datetime:
        """A time for measuring only: it goes on from this run's start whatever somebody does to the clock."""
        return _EPOCH + timedelta(seconds=time.monotonic())

    def _remember(self, client: Client) -> None:
        self.clients[client.id] = client
        self.clients.move_to_end(client.id)
        if len(self.clients) > MAX_CLIENTS:
            self.clients.popitem(last=False)

    def _done(self, facts: Sequence[Fact], result: object = None) -> Done:
        return Done(
            revision=self.bus.revision,
            events=tuple(wire.plain(fact) for fact in facts),
            result=wire.plain(result),
        )


def utc_now() -> datetime:
    """The time of day, for facts and observations."""
    return datetime.now(UTC)
