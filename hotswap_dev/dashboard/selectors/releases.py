"""The releases: one row each, those that nobody ever fetched folded, and who has them as a bar."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from hotswap_dev.dashboard.details.figures import size
from hotswap_dev.dashboard.selectors.columns import Column, in_columns
from hotswap_dev.dashboard.selectors.figures import age, bar, name_of
from hotswap_dev.dashboard.selectors.for_some import (
    POISONED,
    ROLLING,
    leaves_out,
    nobody_words,
    offered_words,
    share,
    targets_mark,
)
from hotswap_dev.dashboard.selectors.offers import (
    current_on,
    held_back,
    newest_offered_on,
    offers,
    whole_on,
)
from hotswap_dev.dashboard.selectors.way import how_it_came
from hotswap_dev.dashboard.selectors.widths import widths
from hotswap_dev.dashboard.spans import Line, Role, Span, cut, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE, Release
from hotswap_dev.domain.text import shown

_ROOMY = 90
_FOLDED_FROM = 2
_STATE = 9
"""Columns of `25 % █░░░`, the state that mostly goes before whom a release is for."""


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
        folds = not view.unfolded and sequence not in worth
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
    if view.alone is not None:
        worth.add(view.alone)
    worth.update(channel.releases[0] for channel in controls.channels.values() if channel.releases)
    for name in controls.channels:
        worth.update(
            one
            for one in (newest_offered_on(name, controls), current_on(name, view, controls))
            if one is not None
        )
    worth.update(controls.pins.values())
    for both in (controls.releases, view.expected.releases):
        worth.update(one for one, release in both.items() if not release.whole or release.mandatory)
        worth.update(one for one, release in both.items() if release.origin == POISONED)
    return worth


def release_heads(view: View, width: int) -> Line:
    """What the columns of `release_line` are, in the same places."""
    words = ("seq", "version", "channel", "size", "age", "state", "who", "runs")
    return _in_columns([line(Span(word, "dim")) for word in words], view, width)


def release_line(row: ReleaseRow, view: View, width: int) -> Line:
    """` 14  0.4.1-ota.14  1.2 MB  12 s  offered  ██░░ 1/4`, its columns by the room that there is."""
    if len(row.sequences) > 1:
        return _fold_line(row, view, width)
    release = view.controls.releases.get(row.key)
    if release is None:
        return ()
    state, role = release_state(release, view)
    current = current_on(release.channel, view, view.controls) == release.sequence
    adoption = view.adoption.get(release.sequence)
    who: Line = ()
    count = ""
    if adoption is not None:
        who = bar(
            (
                (adoption.running - adoption.again, "█", "good"),
                (adoption.fallen, "▒", "bad"),
                (adoption.fetched - adoption.running - adoption.fell_back, "▓", "accent"),
            ),
            adoption.clients,
            _bar(width),
        )
        count = f"{adoption.running}/{adoption.clients}"
    cells = (
        line(Span(str(release.sequence), "accent" if current else "text")),
        line(Span(shown(release.version), "strong" if current else "text")),
        line(Span(shown(release.channel), "dim")),
        line(Span(size(release.bundle.size), "dim")),
        line(Span(age(release.published_at, view.now), "dim")),
        (*_state_spans(release, view, state, role), *_marks(release, view)),
        who,
        line(Span(count, "good" if adoption and adoption.running else "dim")),
    )
    return _in_columns(cells, view, width)


def _state_spans(release: Release, view: View, state: str, role: Role) -> Line:
    """Its state in a word; of a rollout how far it is says more."""
    if state.removesuffix("…") == ROLLING:
        return share(release, view, role)
    return (Span(state, role),)


def _in_columns(cells: Sequence[Line], view: View, width: int) -> Line:
    number, version, channel, weight, made, state, who, count = cells
    several = (
        view.channel is None and len([one for one in view.controls.channels.values() if one.releases]) > 1
    )
    like = widths(view)
    # As wide as it can get with these clients, so that it is never cut and the columns of all rows are the same.
    counts = max(7 if width >= _ROOMY else 5, 2 * len(str(len(view.clients))) + 1)
    # Beside its number, its version and the count.
    room = width - _digits(view) - min(like.version, 12) - counts - 3 * 2
    named = min(_STATE + 1 + like.whom, room) if like.whom else 0
    return in_columns(
        (
            Column(number, _digits(view), right=True),
            Column(version, like.version, 1, min(like.version, 12)),
            # Cut, two channels could look like one: it goes as a whole.
            Column(channel, like.channel if several else 0, 3),
            Column(weight, 7, 5, right=True),
            Column(made, 6, 4, right=True),
            Column(state, max(11, named), 0, max(10, named), grows=True),
            # Whom a release is for says more than how many of all have it, which the count says too.
            Column(who, _bar(width), 6 if named else 2),
            Column(count, counts, 1),
        ),
        width,
    )


def _bar(width: int) -> int:
    return 16 if width >= _ROOMY else 6


def _digits(view: View) -> int:
    return max(3, len(str(view.controls.last_sequence)))


def _fold_line(row: ReleaseRow, view: View, width: int) -> Line:
    first = view.controls.releases.get(row.key)
    where = ""
    if view.channel is None and first is not None and len(view.controls.channels) > 1:
        where = f" on {shown(first.channel)}"
    return cut(
        line(
            Span(f"{row.key:>{_digits(view)}}…{row.sequences[-1]}", "dim"),
            Span(f"  never fetched{where}", "dim"),
            Span("   "),
            Span("enter", "key"),
            Span(" unfolds", "dim"),
        ),
        width,
    )


def release_state(release: Release, view: View) -> tuple[str, Role]:
    """Whether a release is offered, in a word, as it will be when all that is pending is done: then with `…`."""
    now = _state(release, view, view.controls)
    after = view.expected.releases.get(release.sequence)
    then = now if after is None or view.expected is view.controls else _state(after, view, view.expected)
    if then[0] == now[0]:
        return now
    return f"{then[0]}…", then[1]


def _state(release: Release, view: View, controls: Controls) -> tuple[str, Role]:
    held = held_back(release, controls)
    if held in ("bundle gone", "withheld"):
        return held, "dim" if held == "bundle gone" else "warn"
    if release.update_type != DEFAULT_UPDATE_TYPE:
        return f"type {shown(release.update_type, 20)}", "dim"
    found = offers(view, controls)
    if found.told.get(release.sequence):
        return offered_words(release, reached=True)
    whole = whole_on(release.channel, view, controls)
    if whole is not None and whole > release.sequence:
        return "superseded", "dim"
    if held:
        return held, "warn"
    reason = found.for_nobody(release, controls)
    if reason is None or leaves_out(release, reason) or release.origin == POISONED:
        return offered_words(release, reached=reason is None)
    return nobody_words(reason), "warn"


def _marks(release: Release, view: View) -> Line:
    """What a person set on it: whom it is for, mandatory, pinned."""
    after = view.expected.releases.get(release.sequence, release)
    out: list[Span] = []
    targets = targets_mark(release, view)
    if targets:
        out.append(Span(f" {targets}", "warn"))
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
