"""A release as a page: what it is, what changed, who has it, and how it spread."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from rich.cells import cell_len

from hotswap_dev import wire
from hotswap_dev.dashboard.details.copying import release_url
from hotswap_dev.dashboard.details.figures import ago, counted, day_and_clock, size, took
from hotswap_dev.dashboard.details.paragraphs import MARGIN, fields, hanging, head, section, sentence, table
from hotswap_dev.dashboard.details.pictures import SIGNS, rollout_lines, stations_bar
from hotswap_dev.dashboard.details.plot import plot
from hotswap_dev.dashboard.details.rollout_text import percent_words, rollout_long
from hotswap_dev.dashboard.selectors.figures import name_of
from hotswap_dev.dashboard.selectors.for_some import offered_words, reach_of, split_of
from hotswap_dev.dashboard.spans import Line, Role, Span
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.adoption import Adoption, adoptions, station
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.fact_words import reach_words, targets_words
from hotswap_dev.domain.file_changes import ChangeCounts, FileChange, TreeWarning
from hotswap_dev.domain.model import SAME_AS_CLIENT, Release
from hotswap_dev.domain.rollout import WHOLE
from hotswap_dev.domain.text import shown

FOLDED = 8
"""Changed files that are shown until somebody asks for all."""

_MOST_NAMES = 12
_BAR = 24
_WIDE_BAR = 40
_ROOMY = 110
_PLOT_ROWS = 4


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How many clients ran a release, from each time on."""

    points: tuple[tuple[datetime, int], ...] = ()
    since: datetime | None = None
    """The oldest report that is kept: before it nothing is known."""


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """What both sides come to in bytes: their files, and their bundles."""

    before: int
    after: int
    bundle_before: int
    bundle_after: int


class ReleaseDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /api/releases/{sequence}` says of a release beyond what every dashboard has of it."""

    compared_with: int | None = None
    """The release before it in its channel; None for the first one."""
    changes: tuple[FileChange, ...] | None = None
    """At most 1,000 of them; None where there is nothing to compare with, or a list is gone."""
    changes_missing: str | None = None
    """Why."""
    counts: ChangeCounts | None = None
    """Of all of them."""
    sizes: Sizes | None = None
    warnings: tuple[TreeWarning, ...] | None = None
    """None where they are not known any more."""
    adoption: Spread = Spread()


def read_detail(found: wire.Json) -> ReleaseDetail:
    """Read the body of `GET /api/releases/{sequence}`; ValueError where this version can't."""
    return msgspec.convert(found, ReleaseDetail)


def release_lines(
    sequence: int,
    view: View,
    width: int,
    detail: ReleaseDetail | None = None,
    said: str = "",
    *,
    unfolded: bool = False,
) -> list[Line]:
    """The page of a release. `detail` is None where it is not there (yet), and `said` is why."""
    release = view.controls.releases.get(sequence)
    if release is None:
        return [
            head((Span(f"Release {sequence}", "strong"),), (), width),
            (),
            *sentence(f"There is no release {sequence} on this server.", width),
        ]
    lines = [head(_title(release, view), _state(release, view), width), ()]
    lines += fields(_facts(release, view), width)
    if release.notes:
        lines += section("notes", width)
        for part in release.notes.split("\n")[:20]:
            lines += sentence(shown(part, 1000), width)
    lines += _rolled_out(release, view, width)
    lines += _who(release, view, width)
    if detail is None:
        return [*lines, (), *sentence(said, width, role="dim")] if said else lines
    lines += _spread(release, view, detail.adoption, width)
    return [*lines, *_changed(detail, width, unfolded=unfolded), *_warnings(detail, width)]


def _title(release: Release, view: View) -> Line:
    return (
        Span(str(release.sequence), "accent"),
        Span("  "),
        Span(shown(release.version), "strong"),
        Span(f"   {release.channel} · {ago(release.published_at, view.now)}", "dim"),
    )


def state_words(release: Release, view: View) -> list[tuple[str, Role]]:
    """What bends a release: withheld, paused with its channel, mandatory, its bundle gone; else that it is offered."""
    controls = view.controls
    channel = controls.channels.get(release.channel)
    words: list[tuple[str, Role]] = []
    if release.withheld:
        words.append(("withheld", "warn"))
    if channel is not None and channel.paused:
        words.append(("channel paused", "warn"))
    if not controls.has_bytes(release):
        words.append(("bundle gone", "bad"))
    some, role = offered_words(release, reached=True)
    if some != "offered":
        words.append((some, "bad" if role == "bad" else "warn"))
    if release.mandatory or controls.mandatory_for_all:
        words.append(("mandatory", "warn"))
    newest = controls.newest(release.channel)
    if not words:
        is_newest = newest is not None and newest.sequence == release.sequence
        words.append(("newest", "good") if is_newest else ("superseded", "dim"))
    return words


def _state(release: Release, view: View) -> Line:
    out: list[Span] = []
    for text, role in state_words(release, view):
        out += [Span(" · ", "dim"), Span(text, role)] if out else [Span(text, role)]
    return tuple(out)


def _facts(release: Release, view: View) -> list[tuple[str, Line | str]]:
    bundle = release.bundle
    made = view.published.get(release.sequence)
    origin = _ORIGINS.get(release.origin, release.origin)
    if release.from_sequence is not None:
        origin += f" of {release.from_sequence}"
    needs = (
        "each client's own binary version"
        if release.min_binary_version == SAME_AS_CLIENT
        else f"binary {shown(release.min_binary_version)} or newer"
    )
    pinned = [client for client, sequence in view.controls.pins.items() if sequence == release.sequence]
    site = view.about.site if view.about is not None else ""
    names = view.controls.names
    targets = targets_words(wire.plain(release.targets), names) if release.targets.restrict else ""
    return [
        ("made", f"{origin}, {day_and_clock(release.published_at, view.now)}"),
        ("bundle", f"{size(bundle.size)}, {counted(bundle.files, 'file')}, {bundle.format}"),
        (
            "took",
            ""
            if made is None
            else f"scanned in {took(made.scan_ms)}, packed and signed in {took(made.pack_ms)}",
        ),
        ("needs", needs),
        ("built with", f"binary {shown(release.binary_version)}"),
        ("signed by", f"key {shown(bundle.key_id)}"),
        ("offered to", _offered_to(release, view)),
        ("meant for", shown(targets, 400)),
        ("pinned by", ", ".join(_called(pinned, view)) if pinned else ""),
        ("url", release_url(release, site)),
    ]


def _offered_to(release: Release, view: View) -> str:
    """How far it is rolled out; "" where everyone may have it."""
    if release.percent >= WHOLE and not release.targets.restrict:
        return ""
    names = view.controls.names
    said = [rollout_long(release, names), reach_words(reach_of(release, view), names)]
    return ": ".join(one for one in said if one)


_ORIGINS = {
    "build": "from the watched folder",
    "publish": "published by hand",
    "promote": "a promotion",
    "reoffer": "offered again: a copy",
    "roll-back": "rolled back: a copy",
    "poisoned": "a poisoned copy",
}


# --- who has it ------------------------------------------------------------------------------------------------------


def _who(release: Release, view: View, width: int) -> list[Line]:
    sequence = release.sequence
    way = view.adoption.get(sequence) or adoptions([release], view.clients.values())[sequence]
    groups = _groups(release, view.clients.values())
    lines = section("who has it", width, _way_words(way))
    if not any(groups.values()):
        text = f"No client has asked for channel {release.channel} yet."
        return [*lines, *sentence(text, width, role="dim")]
    drawn = stations_bar({label: len(clients) for label, clients in groups.items()}, _bar(width))
    lines.append((Span(" " * MARGIN), *drawn, Span(f"  {way.running} of {way.clients}")))
    # Each name stands behind the sign that it has in the bar: they are its legend.
    return lines + fields(
        (
            (f"{SIGNS[label][0]} {label}", _names(clients, view, _STANDINGS[label]))
            for label, clients in groups.items()
        ),
        width,
    )


def _rolled_out(release: Release, view: View, width: int) -> list[Line]:
    """How far a rollout has come among those that it is meant for; nothing where everyone may have it."""
    if release.percent >= WHOLE:
        return []
    drawn = rollout_lines(split_of(release, view), width, _bar(width))
    return [*section("rollout", width, percent_words(release.percent)), *drawn] if drawn else []


def _bar(width: int) -> int:
    return min(_BAR if width < _ROOMY else _WIDE_BAR, width // 3)


_STANDINGS: Mapping[str, Role] = {
    "confirmed": "good",
    "running": "good",
    "fetched": "text",
    "failed": "bad",
    "gave it up": "bad",
    "not yet": "dim",
}


def _groups(release: Release, clients: Iterable[Client]) -> Mapping[str, list[Client]]:
    """Who runs a release or asks for its channel, by how they stand to it; whoever was seen last comes last."""
    groups: dict[str, list[Client]] = {label: [] for label in _STANDINGS}
    for client in clients:
        standing = station(release, client)
        if standing is not None:
            groups[_CALLED.get(standing, standing)].append(client)
    return groups


_CALLED: Mapping[str, str] = {"fell-back": "gave it up", "offered": "not yet", "waiting": "not yet"}
"""The stations of a release's way, by what they are called here where that is another word."""


def _way_words(way: Adoption) -> str:
    """The funnel. Of what only reports tell nothing is said as long as there are none."""
    confirmed = f", confirmed {way.confirmed}" if way.confirmed else ""
    failed = f", failed {way.failed}" if way.failed else ""
    return (
        f"offered {way.offered}, fetched {way.fetched}, running {way.running}{confirmed}{failed}, "
        f"fell back {way.fallen}"
    )


def _names(clients: Sequence[Client], view: View, role: Role) -> Span:
    if not clients:
        return Span("")
    # Whoever was seen last is whom one looks for.
    names = _called([client.id for client in reversed(clients[-_MOST_NAMES:])], view)
    more = len(clients) - len(names)
    return Span(", ".join(names) + (f" and {more:,} more" if more > 0 else ""), role)


def _called(ids: Iterable[str], view: View) -> list[str]:
    return [shown(name_of(one, view), 40) for one in ids]


# --- how it spread, what changed -------------------------------------------------------------------------------------


def _spread(release: Release, view: View, spread: Spread, width: int) -> list[Line]:
    if not spread.points:
        return []
    top = max(value for _, value in spread.points)
    since = min(release.published_at, spread.points[0][0])
    if spread.since is not None:  # before it, nobody knows
        since = min(max(since, spread.since), spread.points[0][0])
    drawn = plot(
        spread.points,
        since=since,
        until=max(view.now, since),
        width=min(width - 2 * MARGIN, 100),
        height=min(_PLOT_ROWS, max(1, top)),
    )
    if not drawn:
        return []
    lines = section("running over time", width, f"at most {counted(top, 'client')} at once")
    return lines + [(Span(" " * MARGIN), *row) for row in drawn]


# A page is drawn anew each second, and its thousand paths are the same as before.
@functools.lru_cache(maxsize=2)
def _changed(detail: ReleaseDetail, width: int, *, unfolded: bool) -> tuple[Line, ...]:
    return tuple(_changed_lines(detail, width, unfolded=unfolded))


def _changed_lines(detail: ReleaseDetail, width: int, *, unfolded: bool) -> list[Line]:
    title = "what changed" if detail.compared_with is None else f"what changed since {detail.compared_with}"
    if detail.changes is None:
        why_not = shown(detail.changes_missing or "there is nothing to compare with", 1000)
        return [*section(title, width), *sentence(f"{why_not[:1].upper()}{why_not[1:]}.", width, role="dim")]
    if not detail.changes:
        text = "Nothing: the same files with the same content."
        return [*section(title, width), *sentence(text, width, role="dim")]
    counts = detail.counts or ChangeCounts()
    lines = section(title, width, _count_words(counts, detail.sizes))
    some = detail.changes if unfolded else detail.changes[:FOLDED]
    lines += table([_change(one, width) for one in some], width, right=frozenset({2, 4}))
    hidden = max(counts.added + counts.changed + counts.removed, len(detail.changes)) - len(some)
    if hidden and not unfolded:
        lines += hanging((Span("enter ", "key"),), f"shows {hidden:,} more", width, role="dim")
    elif hidden:
        lines += sentence(f"and {hidden:,} more that the server does not name", width, role="dim")
    return lines


def _count_words(counts: ChangeCounts, sizes: Sizes | None) -> str:
    kinds = (("added", counts.added), ("changed", counts.changed), ("removed", counts.removed))
    words = ", ".join(f"{count:,} {name}" for name, count in kinds if count)
    if sizes is None:
        return words
    files = f"{size(sizes.after)} of files ({_signed(sizes.after - sizes.before)})"
    return f"{words}   {files}, bundle {_signed(sizes.bundle_after - sizes.bundle_before)}"


_MARKS: dict[str, tuple[str, Role]] = {
    "added": ("+", "good"),
    "changed": ("~", "accent"),
    "removed": ("-", "bad"),
}


def _change(one: FileChange, width: int) -> tuple[Line, ...]:
    mark, role = _MARKS[one.change]
    before = "" if one.before is None else size(one.before)
    after = "" if one.after is None else size(one.after)
    difference = "" if one.before is None or one.after is None else _signed(one.after - one.before)
    arrow = "→" if before and after else ""
    return (
        (Span(mark, role),),
        (Span(_path(shown(one.path, 1000), max(12, width - 42))),),
        (Span(before, "dim"),),
        (Span(arrow, "dim"),),
        (Span(after),),
        (Span(difference, "dim"),),
    )


def _path(path: str, room: int) -> str:
    """A path in so many columns: its end says most, so what is cut is its beginning."""
    if cell_len(path) <= room:
        return path
    taken, begin = 1, len(path)  # a column for the dots
    while begin and (taken := taken + cell_len(path[begin - 1])) <= room:
        begin -= 1
    return f"…{path[begin:]}"


def _signed(count: int) -> str:
    return ("-" if count < 0 else "+") + size(abs(count))


def _warnings(detail: ReleaseDetail, width: int) -> list[Line]:
    if not detail.warnings:
        return []
    lines = section("warnings", width)
    for one in detail.warnings:
        where = f"{one.path}: " if one.path and one.path not in one.detail else ""
        lines += hanging((Span("! ", "warn"),), shown(f"{where}{one.detail}", 1000), width)
    return lines
