"""What scenarios are played on: a server, a fleet of clients, and what has a name so far."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.client.live import LiveControl
from hotswap_dev.domain.observations import BuildRefused, BuildSkipped, Published
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError, NotFound
from hotswap_dev.fleet.clock import Clock
from hotswap_dev.fleet.fleet import Fleet
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.fleet.plan import Crew, Phone, planned
from hotswap_dev.scenario.conditions import Seen, client_of
from hotswap_dev.scenario.conditions import sequence_of as numbered
from hotswap_dev.scenario.listening import BuildEvent, Listening, listening
from hotswap_dev.scenario.meeting import Meeting
from hotswap_dev.scenario.saving import save
from hotswap_dev.scenario.words import nearest

SAVED_WITHIN = 30.0
"""Seconds, of real time, in which a save must have become a release."""

_AFTER_A_REFUSAL = 1.0
_LOOK = 0.25
"""Seconds between two looks at the server while the clients live in real time."""

_MARGIN = 10
"""Sequences that may be used up before a phone that is to be ahead is looked at."""

_LOOKED_AT_EACH = 50
"""Up to so many clients, the server is looked at after each thing that one of them does."""


class Stage:
    """Made by `staged`. Scenarios are played on it one after the other: what they named stays.

    One driver at a time: whoever plays on it, or lets its clients live between two plays.
    """

    def __init__(
        self, meeting: Meeting, control: LiveControl, ears: Listening, fleet: Fleet, clock: Clock, prefix: str
    ) -> None:
        self.meeting = meeting
        self.control = control
        self.fleet = fleet
        self.clock = clock
        self.names: dict[str, int] = {}
        """What `@name` is: a release's sequence."""
        self.faults: dict[str, int] = {}
        """The same for the numbers of faults."""
        self.groups: dict[str, tuple[str, ...]] = {}
        """The ids of each group's clients."""
        self.spent: set[tuple[str, str, int]] = set()
        """Which beat has made use of which release under which name: played again, it wants a new one."""
        self._ears = ears
        self._prefix = prefix
        self._called: dict[str, str] = {}
        self._raised = 0
        self._before: Mapping[tuple[str, str], int] = {}
        self._gaps = 0

    # --- who is on it -------------------------------------------------------------------------------------------------

    async def add(self, crews: Iterable[Crew], seed: int) -> None:
        """Let these clients join, those of groups that are there already excepted.

        A phone that is to be ahead of the server is put ahead of where its counter stands by now, and so is the jump
        that is to pass it. When the server has passed it, such a crew joins once more, as another phone.
        """
        last = (await self.control.state()).controls.last_sequence
        new = [crew for crew in crews if crew.group not in self.groups or 0 < crew.sequence <= last]
        if not new:
            return
        if any(0 < crew.sequence <= last + _MARGIN for crew in new):
            self._raised = last
        joined: dict[str, list[str]] = {}
        called: dict[str, str] = {}
        phones = []
        for plan in planned(new, seed):
            phone = self._placed(plan)
            phones.append(phone)
            joined.setdefault(phone.group, []).append(phone.id)
            self._called.update({plan.id: phone.id, f"{plan.group}-{plan.number + 1}": phone.id})
            if plan.name:
                called[plan.name] = phone.id
            if phone.name:
                await self.control.command("name-client", {"client": phone.id, "name": phone.name})
        self._called.update(called)  # last: a name that somebody has given means whom it was given to
        self.groups.update({group: tuple(ids) for group, ids in joined.items()})
        self.fleet.add(phones)

    def _placed(self, plan: Phone) -> Phone:
        id_, name, number = self._prefix + plan.id, plan.name, 1
        while id_ in self.fleet.phones:
            number += 1
            id_ = f"{self._prefix}{plan.id}-{number}"
        if name and number > 1:
            name = f"{name[:60]} {number}"  # `name-client` takes 64 characters
        return replace(plan, id=id_, name=name, sequence=plan.sequence + self._raised if plan.sequence else 0)

    def client(self, word: str) -> str:
        """The id that is meant by a client's name, or by its id as its crew has it; any other word is an id itself."""
        return self._called.get(word, word)

    def clients(self, group: str | None, client: str | None) -> list[str]:
        """The ids of a group's clients, of one, or of all. HotswapError where none of them is on this stage."""
        if client is not None:
            wanted = [self.client(client)]
        else:
            wanted = list(self.fleet.phones) if group is None else list(self.groups.get(group, ()))
        here = [one for one in wanted if one in self.fleet.phones]
        if here:
            return here
        if client is not None:
            said, hint = (
                f"no client of this scenario is called {shown(client)!r}",
                nearest(client, self._called),
            )
        elif group is not None:
            said, hint = f"no group of this scenario is called {shown(group)!r}", nearest(group, self.groups)
        else:
            said, hint = "there are no clients", "add [[clients]]"
        raise NotFound(said, hint, code="unknown-client")

    # --- what is seen -------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """A scenario begins: answers are counted from here."""
        await self._ears.reach(await self.control.state())
        self._before, self._gaps = dict(self._ears.checks), self._ears.gaps

    async def look(self, *, answers: bool = True) -> Seen:
        """What conditions are asked of: the server as it is now, and the answers since `begin`.

        Without `answers` those may be behind: the events of what the server did last take a moment to be told.
        """
        state = await self.control.state()
        if answers:
            await self._ears.reach(state)
        checks = {
            who: count - self._before.get(who, 0)
            for who, count in self._ears.checks.items()
            if count > self._before.get(who, 0)
        }
        return Seen(
            releases=state.controls.releases,
            clients={client.id: client for client in state.clients},
            called=state.controls.names,
            groups=dict(self.groups),
            names=dict(self.names),
            checks=checks,
            uncounted=self._ears.gaps > self._gaps,
        )

    async def lives_on(self, until: float) -> bool:
        """Let the clients live a little, until this story time at most. False where it has come already."""
        now = self.clock.now
        if now >= until:
            return False
        if self.clock.pace:
            await self.live(min(until, now + _LOOK))
            return True
        for _ in range(1 + len(self.fleet.phones) // _LOOKED_AT_EACH):
            due = self.fleet.due()
            if due is None or due > until:
                await self.clock.until(until)
                break
            await self.fleet.step()
        await self.fleet.settled()
        return True

    async def live(self, until: float) -> None:
        """Let the clients live until this story time."""
        await self.fleet.live(until=until)
        await self.fleet.settled()

    # --- what is done -------------------------------------------------------------------------------------------------

    async def save(self, folder: str) -> int:
        """Have a build saved and published; the release's sequence.

        Where the server watches a folder of this stage, its files are replaced and the server finds them by itself;
        else the folder is published by the command. HotswapError where it refuses, or nothing comes of it in time.
        """
        if self.meeting.watched is None:
            done = await self.control.command("publish", {"path": folder})
            made = sequence_of(done["events"])
            if made is None:
                raise HotswapError("publish: the server says of no release", code="nothing-published")
            return made
        state = await self.control.state()
        last = state.controls.last_sequence
        mark = f"saved for release {last + 1}"
        await _saved(Path(folder), self.meeting.watched, mark)
        heard = await self._ears.build(
            lambda event: _ends_save(event, last), after=state.revision, within=SAVED_WITHIN
        )
        if isinstance(heard, BuildRefused):
            # It may be of what somebody published by a key, half a save ago.
            refused = heard
            heard = await self._ears.build(
                lambda event: not isinstance(event, BuildRefused) and _ends_save(event, last),
                after=state.revision,
                within=_AFTER_A_REFUSAL,
            )
            if heard is None:
                raise HotswapError(f"the build is refused: {refused.detail}", refused.hint, code=refused.code)
        if not isinstance(heard, Published | BuildSkipped):
            raise HotswapError(
                f"nothing was published within {SAVED_WITHIN:g} s of the save",
                f"does the server watch {self.meeting.watched}?",
                code="nothing-published",
            )
        return heard.sequence

    async def arguments(self, given: Mapping[str, Any], *, strict: bool = True) -> dict[str, wire.Json]:
        """A command's arguments as the server takes them: names and `latest` replaced.

        `strict`: a client that nobody knows is NotFound where its name is nearly another's: the server would take any.
        """
        return {key: await self._meant(key, value, strict) for key, value in given.items()}

    async def _meant(self, key: str, value: Any, strict: bool) -> wire.Json:  # noqa: ANN401 - as TOML has it
        if key == "sequence" and isinstance(value, str):
            return numbered(value, await self.look(answers=False))
        if key == "id" and isinstance(value, str) and value.startswith("@"):
            if value[1:] not in self.faults:
                raise HotswapError(f"{value} is no fault that was armed", code="unknown-fault")
            return self.faults[value[1:]]
        if key == "to" and isinstance(value, int):
            return value + self._raised
        if key == "client" and isinstance(value, str):
            return await self._known_client(value, strict)
        if key in ("clients", "always") and isinstance(value, list | tuple):
            return [await self._known_client(one, strict) if isinstance(one, str) else one for one in value]
        return value

    async def _known_client(self, word: str, strict: bool) -> str:
        """The id that is meant: of a client on this stage, of any that the server knows, else the word itself."""
        if word in self._called or not strict:
            return self.client(word)
        try:
            return client_of(word, await self.look(answers=False))
        except NotFound as unknown:
            near = nearest(word, self._called)
            if near.startswith("did you mean"):
                raise NotFound(unknown.message, near, code=unknown.code) from None
            return word


async def _saved(folder: Path, into: Path, mark: str) -> None:
    """`save` in a thread. Cancelled, it returns when the thread has ended: what is deleted then stays deleted."""
    stop = threading.Event()
    saving = asyncio.ensure_future(asyncio.to_thread(save, folder, into, mark=mark, stop=stop))
    try:
        await asyncio.shield(saving)
    except asyncio.CancelledError:
        stop.set()
        while not saving.done():  # a second signal does not shorten it: it is over after one file
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([saving])
        saving.cancelled() or saving.exception()  # it is nobody's any more
        raise


def sequence_of(events: Iterable[Mapping[str, Any]]) -> int | None:
    """The release that a command led to: the last one, where it is of several."""
    made = [event["release"]["sequence"] for event in events if event["event"] == "release-added"]
    return made[-1] if made else None


def _ends_save(event: BuildEvent, last: int) -> bool:
    """Whether this is what comes of a save, where `last` was the last sequence before it."""
    if isinstance(event, BuildRefused):
        return True
    # Whoever pressed a key meanwhile may have published the folder; then the watcher finds nothing new in it.
    if isinstance(event, Published):
        return event.sequence > last and event.origin in ("build", "publish")
    return event.sequence > last


@asynccontextmanager
async def staged(
    meeting: Meeting,
    *,
    tell: Callable[[Happened], None] = lambda _: None,
    pace: float = 0.0,
    prefix: str = "",
    at_once: int = 1,
    find: Callable[[], tuple[str, str]] | None = None,
) -> AsyncIterator[Stage]:
    """A stage at a server, without clients: `add` has them join, or `play` those of its scenario.

    `pace` 1 is real time, 0 as fast as the work goes. `tell` hears what each client does. `prefix` stands before the
    clients' ids, where other clients may have the same. `find` says where the control site is, if that may change.
    Unreachable where no server answers.
    """
    control = LiveControl(find or (lambda: (meeting.control, meeting.token)))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(control.close)
        ears = await stack.enter_async_context(listening(control))
        clock = Clock(pace)
        fleet = Fleet((), site=meeting.site, pubkey=meeting.pubkey, clock=clock, tell=tell, at_once=at_once)
        await stack.enter_async_context(fleet)
        yield Stage(meeting, control, ears, fleet, clock, prefix)
