"""Whether a condition holds for what is seen of a server, and in which words: what was expected, what was seen.

It asks the server's own rules (`domain.adoption`, the labels of its client rows, the reasons of its answers), so that a
scenario and a dashboard can't disagree. What does not hold explains itself by where the others are, and by the reason
of their last answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from hotswap_dev.domain.adoption import Adoption, adoptions
from hotswap_dev.domain.clients import Client, in_loop
from hotswap_dev.domain.labels import page
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Release
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import NotFound
from hotswap_dev.scenario.how_many import STATIONS, are_enough, how_many, is_counted, is_lone, so_many
from hotswap_dev.scenario.model import Condition
from hotswap_dev.scenario.words import nearest

_WELL = frozenset({"embedded", "running", "applied", "confirmed"})
"""Labels that say no more than the sequence does."""

_KINDS_TOLD = 6


class Seen(Struct, frozen=True, kw_only=True):
    """What can be asked of a server at one moment, and what the stage knows besides."""

    releases: Mapping[int, Release]
    clients: Mapping[str, Client]
    """The server's rows, by their ids."""
    called: Mapping[str, str] = {}
    """Id → the client's name (`name-client`)."""
    groups: Mapping[str, Sequence[str]] = {}
    """Group → its clients' ids, also of those that the server has not seen yet."""
    names: Mapping[str, int] = {}
    """What `@name`s stand for."""
    checks: Mapping[tuple[str, str], int] = {}
    """(id, reason) → how many checks were answered so since the scenario began."""
    uncounted: bool = False
    """Whether there were more checks than these: what is told faster than it is read, nobody counts."""


class Result(Struct, frozen=True, kw_only=True):
    """Whether it holds, and both sides in words; without a full stop."""

    holds: bool
    expected: str
    seen: str


def holds(condition: Condition, seen: Seen) -> Result:
    """Whether `condition` is true of `seen`. A release, group or client that there is none of makes it false."""
    result = _RULES[condition.is_](condition, seen)
    if condition.is_ != "answered" or not seen.uncounted:
        return result
    # There may have been more of them, so what must not be more can't be judged.
    bounded = condition.exactly is not None or condition.at_most is not None
    said = f"{result.seen}; some checks were answered too fast to be counted"
    return Result(holds=result.holds and not bounded, expected=result.expected, seen=said)


def sequence_of(written: str, seen: Seen, *, channel: str | None = None) -> int:
    """What `latest`, `@name` or a number stands for; NotFound where there is no such release or name yet."""
    if written == "latest":
        newest = _newest(seen, channel)
        if newest is None:
            where = f" in {channel}" if channel else ""
            raise NotFound(f"there is no release yet{where}", "save or publish one first", code="no-release")
        return newest
    if written.startswith("@"):
        name = written[1:]
        if name not in seen.names:
            raise NotFound(
                f"no release is called {shown(written)}", nearest(name, seen.names), code="unknown-name"
            )
        return seen.names[name]
    return int(written)


def client_of(written: str, seen: Seen) -> str:
    """The id of the client of this id or name; NotFound names the nearest of those that are known."""
    ids = {*seen.clients, *(one for group in seen.groups.values() for one in group)}
    if written in ids:
        return written
    found = [one for one, name in seen.called.items() if name == written]
    if found:
        return found[0]
    names = [name for one, name in seen.called.items() if one in ids]
    raise NotFound(
        f"no client is called {shown(written)}",
        nearest(written, names or sorted(ids)[:20], what="there are"),
        code="unknown-client",
    )


# --- of releases --------------------------------------------------------------------------------------------------


def _withheld(condition: Condition, seen: Seen) -> Result:
    sequence, release = _release(condition, seen)
    expected = f"{_said(condition, sequence)} is withheld"
    if release is None:
        return Result(holds=False, expected=expected, seen=_no_release(condition, sequence))
    return Result(
        holds=release.withheld,
        expected=expected,
        seen=f"{sequence} is {'withheld' if release.withheld else 'not withheld'}",
    )


def _is_newest(condition: Condition, seen: Seen) -> Result:
    channel = condition.channel or DEFAULT_CHANNEL
    wanted = _resolved(condition, seen)
    newest = _newest(seen, channel)
    return Result(
        holds=wanted is not None and wanted == newest,
        expected=f"the newest release of {channel} is {_said(condition, wanted)}",
        seen=f"it is {newest}" if newest is not None else f"{channel} has no release",
    )


# --- of clients ---------------------------------------------------------------------------------------------------


class _Asked(Struct, frozen=True):
    """Whom a condition is about: the rows that there are, and who should be there and never checked."""

    rows: tuple[Client, ...]
    missing: int
    who: str | None
    """The group, or the client's name; None for all."""
    one: bool = False

    @property
    def all(self) -> int:
        return len(self.rows) + self.missing


def _at_station(condition: Condition, seen: Seen) -> Result:
    asked = _asked(condition, seen)
    sequence, release = _release(condition, seen)
    one, many = STATIONS[condition.is_]
    about = _said(condition, sequence)
    expected = _expected(condition, asked, (f"{one} {about}", f"{many} {about}"))
    if asked is None:
        return Result(holds=False, expected=expected, seen=_nobody(condition, seen))
    if sequence is None or (release is None and condition.is_ != "running"):
        return Result(holds=False, expected=expected, seen=_no_release(condition, sequence))

    def is_there(client: Client) -> bool:
        if release is None:  # the embedded page, or what another server gave it
            return client.sequence == sequence
        return bool(_COUNTED[condition.is_](adoptions((release,), (client,))[release.sequence]))

    there = [client for client in asked.rows if is_there(client)]
    return _judged(condition, asked, there, expected, (f"{one} {page(sequence)}", f"{many} {page(sequence)}"))


def _labelled(condition: Condition, seen: Seen) -> Result:
    asked = _asked(condition, seen)
    words = (f"is labelled {condition.code}", f"are labelled {condition.code}")
    expected = _expected(condition, asked, words)
    if asked is None:
        return Result(holds=False, expected=expected, seen=_nobody(condition, seen))
    there = [one for one in asked.rows if _has_label(one, condition.code)]
    return _judged(condition, asked, there, expected, words)


def _has_label(client: Client, code: str | None) -> bool:
    if code == "rollback-loop":  # while it runs the release once more, too
        return in_loop(client)
    return client.label is not None and client.label.code == code


def _answered(condition: Condition, seen: Seen) -> Result:
    asked = _asked(condition, seen)
    code = condition.code or ""
    if condition.all_of:
        words = (f"was answered {code}", f"were answered {code}")
        expected = _expected(condition, asked, words)
        if asked is None:
            return Result(holds=False, expected=expected, seen=_nobody(condition, seen))
        there = [one for one in asked.rows if seen.checks.get((one.id, code))]
        return _judged(condition, asked, there, expected, words)
    of = f" of {asked.who}" if asked is not None and asked.who else ""
    one, many = f"check{of} is answered {code}", f"checks{of} are answered {code}"
    expected = f"{how_many(condition)} {one if is_lone(condition) else many}"
    if asked is None:
        return Result(holds=False, expected=expected, seen=_nobody(condition, seen))
    counts: Counter[str] = Counter()
    ids = {client.id for client in asked.rows}
    for (client, reason), times in seen.checks.items():
        if client in ids:
            counts[reason] += times
    others = [f"{times} {reason}" for reason, times in counts.most_common() if reason != code]
    told = f"{_number(counts[code])} {'was' if counts[code] == 1 else 'were'}"
    if others:
        told += f"; the others: {', '.join(others[:_KINDS_TOLD])}"
    elif not counts:
        told = f"no check{of} was answered at all"
    return Result(holds=are_enough(condition, counts[code]), expected=expected, seen=told)


def _asked(condition: Condition, seen: Seen) -> _Asked | None:
    """None where the group or client is none that is known."""
    if condition.client is not None:
        try:
            found = client_of(condition.client, seen)
        except NotFound:
            return None
        row = seen.clients.get(found)
        return _Asked((row,) if row else (), 0 if row else 1, shown(seen.called.get(found, found)), one=True)
    if condition.group is None and not seen.groups:
        return _Asked(tuple(seen.clients.values()), 0, None)
    groups = seen.groups.values() if condition.group is None else [seen.groups.get(condition.group)]
    ids = [one for group in groups for one in group or ()]
    if not ids:
        return None
    rows = tuple(seen.clients[one] for one in ids if one in seen.clients)
    return _Asked(rows, len(ids) - len(rows), None if condition.group is None else shown(condition.group))


def _expected(condition: Condition, asked: _Asked | None, words: tuple[str, str]) -> str:
    one, many = words
    if condition.client is not None and (condition.exactly == 0 or not is_counted(condition)):
        never = "it is not so that " if condition.exactly == 0 else ""
        return f"{never}{(asked and asked.who) or shown(condition.client)} {one}"
    group = (asked and asked.who) or shown(condition.client or condition.group or "")
    if condition.all_of:
        if asked is not None and asked.all == 1:
            return f"the only one of {group} {one}" if group else f"the only client {one}"
        count = str(asked.all) if asked else "clients"
        return f"all {count} of {group} {many}" if group else f"all {count} clients {many}"
    verb = one if is_lone(condition) else many
    if group:
        return f"{how_many(condition)} of {group} {verb}"
    return f"{so_many(condition, 'client', 'clients')} {verb}"


def _judged(
    condition: Condition, asked: _Asked, there: Sequence[Client], expected: str, words: tuple[str, str]
) -> Result:
    """By how many there are; what is seen says where the others are, and why."""
    every = asked.all > 0 and len(there) == asked.all
    enough = every if condition.all_of else are_enough(condition, len(there))
    one, many = words
    if not asked.all:  # of nobody anything could be said: "exactly 0" too
        return Result(holds=False, expected=expected, seen="no client is known")
    if asked.one and there:
        told = [f"{asked.who or 'it'} {one}"]
    elif asked.one:
        told = []
    else:
        told = [f"{len(there) or 'none'} of {asked.all} {one if len(there) < 2 else many}"]
    has = {client.id for client in there}
    told += _elsewhere((client for client in asked.rows if client.id not in has), one=asked.one)
    if asked.missing:
        who = "it" if asked.one else asked.missing
        told.append(f"{who} {_plural(asked.missing, 'has', 'have')} not checked yet")
    return Result(holds=enough, expected=expected, seen="; ".join(told))


def _elsewhere(clients: Iterable[Client], *, one: bool) -> list[str]:
    """`2 run 11, last answered not-in-rollout`, the largest part first."""
    kinds = Counter((client.sequence, _trouble(client), client.reason) for client in clients)
    ordered = sorted(
        kinds.items(), key=lambda kind: (-kind[1], kind[0][0] or 0, kind[0][1], kind[0][2] or "")
    )
    told = []
    for (sequence, trouble, reason), count in ordered[:_KINDS_TOLD]:
        runs = "unreadable" if sequence is None else page(sequence)
        told.append(
            f"{'it' if one else count} {_plural(count, 'runs', 'run')} {runs}"
            + (f" ({trouble})" if trouble else "")
            + (f", last answered {shown(reason)}" if reason else "")
        )
    left = sum(count for _, count in ordered[_KINDS_TOLD:])
    return [*told, *([f"{left} more in other ways"] if left else [])]


def _trouble(client: Client) -> str:
    code = client.label.code if client.label else ""
    return "" if code in _WELL else shown(code)


# --- numbers and releases in words --------------------------------------------------------------------------------


def _number(count: int) -> str:
    return str(count) if count else "none"


def _plural(count: int | bool, one: str, many: str) -> str:
    return one if count == 1 else many


def _newest(seen: Seen, channel: str | None) -> int | None:
    return max(
        (one.sequence for one in seen.releases.values() if channel in (None, one.channel)), default=None
    )


def _resolved(condition: Condition, seen: Seen) -> int | None:
    try:
        return sequence_of(condition.sequence or "latest", seen, channel=condition.channel)
    except NotFound:
        return None


def _release(condition: Condition, seen: Seen) -> tuple[int | None, Release | None]:
    sequence = _resolved(condition, seen)
    return sequence, None if sequence is None else seen.releases.get(sequence)


def _said(condition: Condition, sequence: int | None) -> str:
    """`12 (@bad)`: the number with what the file calls it."""
    written = condition.sequence or "latest"
    if sequence is None:
        return shown(written)
    return page(sequence) if written == str(sequence) else f"{page(sequence)} ({shown(written)})"


def _no_release(condition: Condition, sequence: int | None) -> str:
    if sequence is not None:
        return f"there is no release {sequence}"
    if condition.sequence in (None, "latest"):
        return f"{condition.channel} has no release" if condition.channel else "there is no release yet"
    return f"no release is called {shown(condition.sequence or '')} yet"


def _nobody(condition: Condition, seen: Seen) -> str:
    if condition.client is not None:
        try:
            return client_of(condition.client, seen)
        except NotFound as unknown:
            return f"{unknown.message}; {unknown.hint}"
    there = ", ".join(shown(one) for one in seen.groups) or "none"
    return f"no group is called {shown(condition.group or '')}; there are: {there}"


_COUNTED: Mapping[str, Callable[[Adoption], int]] = {
    "running": lambda way: way.running,
    "confirmed": lambda way: way.confirmed,
    "fetched": lambda way: way.fetched,
    "offered": lambda way: way.offered,
    "fell-back": lambda way: way.fallen,
    "failed": lambda way: way.failed,
}
_RULES: Mapping[str, Callable[[Condition, Seen], Result]] = {
    **dict.fromkeys(STATIONS, _at_station),
    "labelled": _labelled,
    "answered": _answered,
    "withheld": _withheld,
    "newest": _is_newest,
}
