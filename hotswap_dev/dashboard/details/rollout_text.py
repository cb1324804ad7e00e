"""Rollouts and targets in words: whom a release is for, how far it reaches, and what a change of it would come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hotswap_dev import wire
from hotswap_dev.dashboard.details.changes_text import change_lines
from hotswap_dev.dashboard.details.figures import counted
from hotswap_dev.dashboard.details.paragraphs import sentence
from hotswap_dev.dashboard.rollout_draft import STEPS, Draft, Instead, Outlook
from hotswap_dev.dashboard.spans import Line, Span, cut, line
from hotswap_dev.domain.fact_words import Names, who
from hotswap_dev.domain.model import Release, Targets
from hotswap_dev.domain.rollout import WHOLE, Reach
from hotswap_dev.domain.text import shown

_MOST_NAMES = 3
_ROOMY = 12

_NOTHING: Mapping[str, str] = {
    "not-in-rollout": "outside of the rollout, with nothing older to have",
    "not-targeted": "not meant, with nothing older to have",
    "release-withheld": "all of it is withheld",
    "binary-too-old": "binary too old",
    "forced-204": "no update is forced",
    "channel-paused": "the channel is paused",
    "pinned": "pinned to another",
    "fault": "a fault strikes",
    "access-denied": "no header",
}


def percent_words(percent: float) -> str:
    """`10 %`, `12.5 %`."""
    return f"{percent:g} %"


def reach_words(reach: Reach, names: Names) -> str:
    """How far a release reaches: `3 of 8 clients; Pixel flips in at 37 %`."""
    if not reach.of:
        return "no client that is known is meant"
    words = f"{reach.inside} of {counted(reach.of, 'client')}"
    if reach.next is None or reach.next_at is None:
        return words
    return f"{words}; {_called(reach.next, names)} flips in at {percent_words(reach.next_at)}"


def targets_short(targets: Targets, names: Names) -> str:
    """Whom a release is for, in few words: `android, ios`; "" where it is for everyone."""
    named = [_called(one, names) for one in targets.clients]
    parts = [
        ", ".join(map(shown, targets.platforms)),
        ", ".join(map(shown, targets.arches)),
        shown(targets.binary_versions or ""),
        ", ".join(named[:_MOST_NAMES])
        + (f" +{len(named) - _MOST_NAMES}" if len(named) > _MOST_NAMES else ""),
        "" if targets.having is None else f"who runs {targets.having}",
    ]
    return " ".join(part for part in parts if part)


def rollout_long(release: Release, names: Names) -> str:
    """A release's rollout as its page says it; "" where everyone may have it."""
    if release.percent >= WHOLE:
        return ""
    always = [shown(who(one, names)) for one in release.always]
    return f"rolled out to {percent_words(release.percent)}" + (
        f", and always to {_some(always)}" if always else ""
    )


def steps_line(percent: float, width: int) -> Line:
    """The usual percents, the one that is typed among them in brackets; each is a key to be clicked."""
    spans: list[Span] = []
    for one in STEPS:
        chosen = one == percent
        before, after = ("[", "]") if chosen else (" ", " ")
        spans += [Span(before, "dim"), Span(str(one), "key" if not chosen else "accent"), Span(after, "dim")]
        spans.append(Span("   "))
    return cut(tuple(spans), width)


def preview_lines(
    release: Release, draft: Draft, found: Outlook, names: Names, width: int, most: int
) -> list[Line]:
    """What a draft would come to: its reach, whose answers change, what those without it get."""
    lines: list[Line] = [line(Span(_capital(reach_words(found.reach, names)), "strong"))]
    others = sentence(_others(release, found.instead, names), width, role="dim", margin=0)
    kept = others[: 2 if most < _ROOMY else 3]
    if len(kept) < len(others):
        *before, last = kept[-1]
        kept[-1] = cut((*before, Span(f"{last.text} …", last.role)), width)  # it goes on, and says so
    lines += kept
    if not draft.commands:
        return [*lines, line(Span("nothing changes: it is so already", "dim"))]
    rows = max(1, most - len(lines) - 2)
    changed = change_lines(wire.plain(found.changes), names, width, rows)
    if found.unasked:
        note = (
            f"of the {len(found.changes):,} among those seen last; {found.unasked:,} more are not looked at"
        )
        changed.append(line(Span(note, "dim")))
    return [*lines, *changed]


def _others(release: Release, instead: Sequence[Instead], names: Names) -> str:
    if not instead:
        return f"Nobody who could have {release.sequence} is without it."
    said = []
    for one in instead:
        whom = _some([_called(client, names) for client in one.clients])
        what = (
            f"get {one.offered}"
            if one.offered is not None
            else f"get no update ({_NOTHING.get(one.code, shown(one.code))})"
        )
        said.append(f"{whom} {what if len(one.clients) > 1 else what.replace('get', 'gets', 1)}")
    return f"Without it: {'; '.join(said)}."


def _some(names: Sequence[str]) -> str:
    head = ", ".join(names[:_MOST_NAMES])
    return head if len(names) <= _MOST_NAMES else f"{head} and {len(names) - _MOST_NAMES:,} more"


def _called(client: str, names: Names) -> str:
    return shown(names.get(client) or client, 40)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
