"""The releases: one row each, those that nobody ever fetched folded, and who has them as a bar."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from hotswap_dev.dashboard.details.figures import size
from hotswap_dev.dashboard.selectors.columns import Column, in_columns
from hotswap_dev.dashboard.selectors.figures import age, bar, name_of
from hotswap_dev.dashboard.selectors.way import held_back, how_it_came, shown_newest
from hotswap_dev.dashboard.spans import Line, Role, Span, cut, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE, Release
from hotswap_dev.domain.text import shown

_ROOMY = 90
_FOLDED_FROM = 2


class ReleaseRow(Struct, frozen=True):
    """A row of the releases: one of them, or several neighbours that were never fetched, the newest first."""

    sequences: tuple[int, ...]

    @property
    def key(self) -> int:
        """The sequence that the row is known by: the newest of them."""
        return self.sequences[0]


def release_rows(view: View) -> Sequence[ReleaseRow]:
    """The releases that are looked at, the newest first."""
    controls = view.controls
    if view.channel is None:
        order: Sequence[int] = sorted(controls.releases, reverse=True)
    else:
        channel = controls.channels.get(view.channel)
        order = channel.releases if channel is not None else ()
    worth = _worth_a_row(view)
    rows: list[ReleaseRow] = []
    run: list[int] = []
    for sequence in order:
        folds = sequence not in worth
        if run and not (folds and controls.releases[run[-1]].channel == controls.releases[sequence].channel):
            rows.extend(_folded(run))
            run = []
        if folds:
            run.append(sequence)
        else:
            rows.append(ReleaseRow((sequence,)))
    rows.extend(_folded(run))
    return rows


def _folded(run: Sequence[int]) -> list[ReleaseRow]:
    if len(run) >= _FOLDED_FROM:
        return [ReleaseRow(tuple(run))]
    return [ReleaseRow((one,)) for one in run]


def _worth_a_row(view: View) -> set[int]:
    """What is never folded: what somebody fetched, has or is offered, the newest, and what a person set apart."""
    controls = view.controls
    worth = set(view.in_play)
    worth.update(channel.releases[0] for channel in controls.channels.values() if channel.releases)
    worth.update(one for one in map(newest_offered(controls).get, controls.channels) if one is not None)
    worth.update(controls.pins.values())
    for both in (controls.releases, view.expected.releases):
        worth.update(one for one, release in both.items() if release.withheld or release.mandatory)
    return worth


def newest_offered(controls: Controls) -> dict[str, int]:
    """By channel, the newest release that can be offered there."""
    found: dict[str, int] = {}
    for name, channel in controls.channels.items():
        for sequence in channel.releases:
            release = controls.releases[sequence]
            if (
                not release.withheld
                and controls.has_bytes(release)
                and release.update_type == DEFAULT_UPDATE_TYPE
            ):
                found[name] = sequence
                break
    return found


def release_line(row: ReleaseRow, view: View, width: int) -> Line:
    """` 14  0.4.1-ota.14  1.2 MB  12 s  offered  ██░░ 1/4`, its columns by the room that there is."""
    controls = view.controls
    digits = max(2, len(str(controls.last_sequence)))
    if len(row.sequences) > 1:
        return _fold_line(row, view, digits, width)
    release = controls.releases.get(row.key)
    if release is None:
        return ()
    state, role = release_state(release, view)
    several = view.channel is None and len([one for one in controls.channels.values() if one.releases]) > 1
    roomy = width >= _ROOMY
    current = newest_offered_of(release, controls) == release.sequence
    channels = max((len(name) for name in controls.channels), default=0) if several else 0
    versions = _versions(view)
    adoption = view.adoption.get(release.sequence)
    who: Line = ()
    count = ""
    if adoption is not None:
        who = bar(
            (
                (adoption.running, "█", "good"),
                (adoption.fell_back, "▒", "bad"),
                (adoption.fetched - adoption.running - adoption.fell_back, "▓", "accent"),
            ),
            adoption.clients,
            16 if roomy else 6,
        )
        count = f"{adoption.running}/{adoption.clients}"
    # As wide as it can get with these clients, so that it is never cut and the columns of all rows are the same.
    counts = max(7 if roomy else 5, 2 * len(str(len(view.clients))) + 1)
    return in_columns(
        (
            Column(line(Span(str(release.sequence), "accent" if current else "text")), digits, right=True),
            Column(
                line(Span(shown(release.version), "strong" if current else "text")),
                versions,
                1,
                min(versions, 12),
            ),
            Column(line(Span(shown(release.channel), "dim")), min(12, channels), 3, 4),
            Column(line(Span(size(release.bundle.size), "dim")), 7, 5, right=True),
            Column(line(Span(age(release.published_at, view.now), "dim")), 6, 4, right=True),
            Column((Span(state, role), *_marks(release, view)), 10, 0, grows=True),
            Column(who, 16 if roomy else 6, 2),
            Column(line(Span(count, "good" if adoption and adoption.running else "dim")), counts, 1),
        ),
        width,
    )


def _versions(view: View) -> int:
    """Columns for a version: what the newest one takes, since others are like it."""
    newest = shown_newest(view)
    return 12 if newest is None else max(8, min(24, len(newest.version)))


def _fold_line(row: ReleaseRow, view: View, digits: int, width: int) -> Line:
    first = view.controls.releases.get(row.key)
    where = ""
    if view.channel is None and first is not None and len(view.controls.channels) > 1:
        where = f" on {shown(first.channel)}"
    return cut(
        line(
            Span(f"{row.key:>{digits}}…{row.sequences[-1]}", "dim"),
            Span(f"  never fetched{where}", "dim"),
        ),
        width,
    )


def newest_offered_of(release: Release, controls: Controls) -> int | None:
    """The newest release of this one's channel that can be offered."""
    channel = controls.channels.get(release.channel)
    for sequence in channel.releases if channel is not None else ():
        one = controls.releases[sequence]
        if not one.withheld and controls.has_bytes(one) and one.update_type == DEFAULT_UPDATE_TYPE:
            return sequence
    return None


def release_state(release: Release, view: View) -> tuple[str, Role]:
    """Whether a release is offered, in a word, as it will be when all that is pending is done: then with `…`."""
    now = _state(release, view.controls)
    after = view.expected.releases.get(release.sequence)
    then = now if after is None else _state(after, view.expected)
    if then[0] == now[0]:
        return now
    return f"{then[0]}…", then[1]


def _state(release: Release, controls: Controls) -> tuple[str, Role]:
    held = held_back(release, controls)
    if held in ("bundle gone", "withheld"):
        return held, "dim" if held == "bundle gone" else "warn"
    if release.update_type != DEFAULT_UPDATE_TYPE:
        return f"type {shown(release.update_type, 20)}", "dim"
    if newest_offered_of(release, controls) != release.sequence:
        return "superseded", "dim"
    return (held, "warn") if held else ("offered", "good")


def _marks(release: Release, view: View) -> Line:
    """What a person set on it: mandatory, pinned."""
    after = view.expected.releases.get(release.sequence, release)
    out: list[Span] = []
    if release.mandatory or after.mandatory:
        pending = "…" if release.mandatory != after.mandatory else ""
        word = "mandatory" if after.mandatory else "not mandatory"
        out.append(Span(f" {word}{pending}", "warn"))
    pinned = [client for client, sequence in view.expected.pins.items() if sequence == release.sequence]
    if pinned:
        whom = name_of(pinned[0], view) + (f" +{len(pinned) - 1}" if len(pinned) > 1 else "")
        out.append(Span(f" pinned {whom}", "accent"))
    came = how_it_came(release)
    if came:
        out.append(Span(f" {came}", "dim"))
    return tuple(out)
