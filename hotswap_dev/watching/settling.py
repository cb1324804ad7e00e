"""When is a build finished: the rules, as a pure function from one look at the folder to the next.

The truth is what looks at the folder see; what the system reports ("heard") only says when to look, and
how long ago a change was. The rules are those of design 5 and facts 5. The clock is the caller's, in
monotonic seconds, so that recorded builds can be played through in no time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hotswap_dev.packing.gate import Gate
from hotswap_dev.packing.tree import Scan
from hotswap_dev.watching.seen import Polling, Seen, Settled, SettleNarrowed, SettleWidened, Waiting


@dataclass(frozen=True, slots=True)
class Pace:
    """The waiting times, in seconds."""

    settle: float = 0.3  # how long nothing may change before a tree counts as finished
    give_up: float = 10.0  # how long a still tree's missing references are waited for
    widest: float = 5.0  # what slow builds may widen `settle` to
    slow_build: float = 3.0  # new paths that change so soon after a tree was handed over belong to its build
    as_found: float = 2.0  # a folder untouched for so long when first looked at is not waited for
    patience: float = 1.0  # how long reports that no look confirms may put off a tree that stands still
    emptied: float = 1.0  # how long a folder that was handed over may lack something unsaid: builds empty it
    safety: float = 2.0  # between looks when nothing is reported
    share: float = 0.03  # of one core, which looks at an idle folder may take

    def pause(self, took: float, *, polling: bool) -> float:
        """How long to leave an idle folder alone after a look that took `took`."""
        return max(self.settle if polling else self.safety, took / self.share)


@dataclass(frozen=True, slots=True)
class Look:
    """The folder at one moment. Without a folder `scan` is None, and the gate says so."""

    at: float  # when it began
    took: float
    scan: Scan | None
    gate: Gate
    age: float = (
        0.0  # for how long the newest file had stood, by the file system's clock; asked of the first look
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """The changes that the system reported since a look began: when the first came, and the newest."""

    first: float
    newest: float
    ended: bool = False  # the reports ended with it: what came after was reported to nobody

    def since(self, at: float) -> Heard | None:
        """What of it came after `at`; where that is not known exactly, rather less."""
        if self.newest <= at:
            return None
        return self if self.first > at else replace(self, first=self.newest)


@dataclass(frozen=True, slots=True)
class Handed:
    """The newest tree that was handed over."""

    at: float
    changed_at: float  # its newest change
    touched: frozenset[str] | None  # the paths that its build wrote; None where nobody saw them written


@dataclass(frozen=True, slots=True)
class State:
    """All that the rules remember. `State(pace)` is a watcher that has seen nothing yet."""

    pace: Pace
    widened: float = 0.0  # the settle time, once slow builds made it longer than the pace's
    paused: bool = False  # the build that is going on has stood still for longer than the pace's settle time
    whole: int = 0  # builds since it was widened that never did
    look: Look | None = None
    wake: float = float("-inf")  # when to look again if nothing is heard
    changed_at: float = 0.0  # the newest change
    still_since: float = 0.0  # the same, pushed on by reports
    base: Scan | None = (
        None  # what changes are counted from: the first look's tree, then each one handed over
    )
    burst_at: float | None = None  # the first change since `base`
    handed: Handed | None = None
    emptied: bool = False  # since `base` the folder was without a page: somebody, or a build, began anew
    said: str = ""  # the code of the Waiting that stands
    given_up: frozenset[str] = frozenset()  # what the tree handed over lacked: not waited for once more
    again: bool = False  # hand the tree over even if it is the last one
    unheard: bool = False  # the last look found a change that nothing had reported by then
    deaf: int = 0  # how many changes in a row were never reported
    polling: str = ""  # why looks replace reports

    @property
    def settle(self) -> float:
        """How long nothing may change before a tree counts as finished, as learned so far."""
        return max(self.pace.settle, self.widened)


# Two, as the first may fall between a look at a new folder and the start of its reports.
_DEAF = 2
_WHOLE = 3  # builds without a pause, after which a longer wait was not needed
_WITHOUT_PAGE = ("folder-missing", "no-index", "empty-index")
_NOT_REPORTED = "this file system does not report changes"


def next_look(state: State, heard: Heard | None) -> float:
    """When to look again, in monotonic seconds. `heard` is what came since the last look began.

    After a report, look when all was quiet for a third of the settle time: a burst is then looked at twice
    (once to see it, once to see that it ended) and not once per file. A burst without end is looked at every
    now and then, for the folder may be another one by now.
    """
    if heard is None or state.look is None:
        return state.wake
    begun = max(heard.first, state.look.at)
    soon = min(heard.newest + state.pace.settle / 3, begun + max(1.0, 5 * state.look.took))
    return soon if state.burst_at is not None else min(soon, state.wake)


def advance(state: State, look: Look, heard: Heard | None, broken: str = "") -> tuple[State, Seen | None]:
    """What one more look teaches: the new state, and what is to be said, if anything.

    `heard` is what was reported since the look before this one began; `broken` is why nothing can be
    reported, or empty. Where there is more to say than one thing, the next look is due at once.
    """
    before = state.look
    state = _noticed(state, look, heard)
    polling = broken or (_NOT_REPORTED if state.deaf >= _DEAF else "")
    if polling != state.polling:
        state = replace(state, polling=polling)
        if polling:
            seconds = state.pace.pause(look.took, polling=True)
            return replace(state, wake=look.at), Polling(seconds, polling)
    ready_at = state.still_since + state.settle
    if before is not None and same(before.scan, look.scan) and look.at >= ready_at:
        return _judged(state, look)
    # The two looks that must agree lie apart: reports may be late, and file times have a grain. Only a
    # folder that was found long untouched is not kept waiting.
    apart = 0.0 if before is None and look.at >= ready_at else state.pace.settle / 3
    pause = state.pace.pause(look.took, polling=bool(state.polling))
    state = replace(state, wake=max(look.at + apart, min(ready_at, look.at + pause)))
    if state.burst_at is not None and look.at >= state.burst_at + state.pace.give_up and not state.said:
        detail = f"files have been changing for {look.at - state.burst_at:.0f} s, never still for {state.settle:g} s"
        return replace(state, said="still-changing"), Waiting("still-changing", detail)
    return state, None


def same(before: Scan | None, after: Scan | None) -> bool:
    """`before == after`, in steps: comparing two large dicts in one holds all other threads up for 20 ms.

    Of two looks that saw the same, the later holds the files of the earlier one (`look_at`): then it is free.
    """
    if before is None or after is None:
        return before is after
    if before.root_id != after.root_id or len(before.files) != len(after.files):
        return False
    if before.files is not after.files:
        # Both are in sorted order: the same paths stand at the same places.
        for old, new in zip(before.files.items(), after.files.items(), strict=True):
            if old != new:
                return False
    return replace(before, files={}) == replace(after, files={})


def _noticed(state: State, look: Look, heard: Heard | None) -> State:
    """The state with this look in it, and with what it says about when changes were."""
    before = state.look
    state = replace(state, look=look, emptied=state.emptied or look.gate.code in _WITHOUT_PAGE)
    if before is None:
        stood = look.age if look.age >= state.pace.as_found else 0.0
        return replace(state, changed_at=look.at, still_since=look.at - stood, base=look.scan)
    moved = not same(before.scan, look.scan)
    if heard:
        state = replace(state, deaf=0)
    elif state.unheard:
        state = replace(state, deaf=state.deaf + 1)
    state = replace(state, unheard=moved and heard is None)
    if moved:
        # A change that was reported is as old as its report; of any other all we know is that it is here now.
        # What was written to a folder before it became the root was reported to nobody.
        reported = heard is not None and not heard.ended and _same_root(before, look)
        changed_at = max(state.changed_at, heard.newest if heard and reported else look.at)
        begun = heard.first if heard else look.at
        paused = state.burst_at is not None and (state.paused or begun - state.changed_at > state.pace.settle)
        burst_at = begun if state.burst_at is None else state.burst_at
        return replace(state, changed_at=changed_at, still_since=changed_at, burst_at=burst_at, paused=paused)
    if heard:
        pushed = min(heard.newest, state.changed_at + state.pace.patience)
        return replace(state, still_since=max(state.still_since, pushed))
    return state


def _same_root(before: Look, after: Look) -> bool:
    return before.scan is not None and after.scan is not None and before.scan.root_id == after.scan.root_id


def _judged(state: State, look: Look) -> tuple[State, Seen | None]:
    """A tree stands still: hand it over, or say what it lacks."""
    gate, idle_until = look.gate, look.at + state.pace.pause(look.took, polling=bool(state.polling))
    gives_up_at = state.still_since + state.pace.give_up
    if gate.code == "missing-reference":
        passes = look.at >= gives_up_at or state.given_up.issuperset(gate.missing)
        idle_until = idle_until if passes else min(idle_until, gives_up_at)
    else:
        passes = gate.is_open
    scan = look.scan
    if scan is None or not passes:
        say_at = state.still_since + (state.pace.emptied if state.handed else 0.0)
        if state.said == gate.code or look.at < say_at:
            return replace(state, wake=min(idle_until, say_at) if look.at < say_at else idle_until), None
        return replace(state, wake=idle_until, said=gate.code), Waiting(gate.code, gate.detail)
    if state.handed and same(state.base, scan) and not state.said and not state.again:
        return replace(state, wake=idle_until, burst_at=None), None
    changed = _differing(state.base, scan)
    wider = _widened(state, changed)
    if wider > state.settle:
        gap = wider / 2
        why = f"a build went on after {gap:.1f} s of stillness, writing slowly in place"
        state = replace(state, widened=wider, wake=max(look.at, state.still_since + wider))
        return state, SettleWidened(wider, why)
    if state.widened and changed and not state.paused and state.whole >= _WHOLE - 1:
        # Nothing needed the longer wait since: those were saves of a person, one soon after the other.
        pace = replace(state.pace, widest=state.pace.settle)
        why = f"{_WHOLE} builds since came without a pause"
        return replace(state, pace=pace, widened=0.0, wake=look.at), SettleNarrowed(pace.settle, why)
    return _handed_over(state, look, scan, changed)


def _handed_over(state: State, look: Look, scan: Scan, changed: frozenset[str]) -> tuple[State, Settled]:
    touched = changed if state.burst_at is not None and changed else None
    if not changed and state.handed:
        touched = state.handed.touched  # the same tree again: what is known of its build still holds
    settled = Settled(
        scan=scan,
        changed_at=state.changed_at,
        scan_seconds=look.took,
        first=state.handed is None,
        missing_references=look.gate.missing,
        inline_scripts=look.gate.inline_scripts,
    )
    state = replace(
        state,
        base=scan,
        burst_at=None,
        paused=False,
        emptied=False,
        whole=state.whole + (1 if state.widened and changed and not state.paused else 0),
        handed=Handed(look.at + look.took, state.changed_at, touched),
        said="",
        again=False,
        given_up=frozenset(look.gate.missing),
        wake=look.at + state.pace.pause(look.took, polling=bool(state.polling)),
    )
    return state, settled


def _widened(state: State, changed: frozenset[str]) -> float:
    """The settle time that this tree's history asks for.

    Where, within 3 s after a tree was handed over, only paths changed that its build had not touched, this is
    the same build going on, slowly and in place, and no new save: twice the gap between the two bursts. A person who
    saves two files by turns looks just so; that costs three slow builds (`_judged` narrows it again).
    """
    handed, burst_at = state.handed, state.burst_at
    if handed is None or handed.touched is None or burst_at is None or not changed:
        return state.settle
    if state.emptied:
        # A page that went away and is back is no build going on: a person broke it and mended it.
        return state.settle
    if state.widened and not state.paused:
        # After a wait that long the gap says little: a person's next save is as far away. A slow build has pauses.
        return state.settle
    if burst_at > handed.at + state.pace.slow_build or not changed.isdisjoint(handed.touched):
        return state.settle
    return max(state.settle, min(round(2 * (burst_at - handed.changed_at), 2), state.pace.widest))


def _differing(before: Scan | None, after: Scan) -> frozenset[str]:
    """The paths that were written or removed between two scans."""
    old, new = before.files if before else {}, after.files
    return frozenset(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
