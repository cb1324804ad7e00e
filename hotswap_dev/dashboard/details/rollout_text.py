"""Rollouts and targets in words: whom a release is for, how far it reaches, and what a change of it would come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hotswap_dev import wire
from hotswap_dev.dashboard.details.changes_text import change_lines
from hotswap_dev.dashboard.details.paragraphs import sentence
from hotswap_dev.dashboard.rollout_draft import STEPS, Draft, Instead, Outlook
from hotswap_dev.dashboard.spans import Line, Span, cut, line, plain
from hotswap_dev.dashboard.view import LinkState, View
from hotswap_dev.domain.fact_words import Names, reach_words, who
from hotswap_dev.domain.model import Release, Targets
from hotswap_dev.domain.rollout import WHOLE
from hotswap_dev.domain.text import shown

_MOST_NAMES = 3
_LONGEST_NAME = 16
"""Columns of a client's name among others."""

_KEYS = (
    ("enter", "send"),
    ("esc", "leave"),
    ("tab", "next"),
    ("←", "less"),
    ("→", "more"),
    ("+ -", "by one"),
)
_NOT_LIVE: Mapping[LinkState, str] = {
    "starting": "not connected yet",
    "gap": "the state is being read again",
    "gone": "the server has ended",
}
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


def about_line(sequence: int, view: View) -> Line:
    """What the release is, and for whom now; of one that can't be widened, why not."""
    release = view.expected.releases.get(sequence)
    if release is None and view.link.state != "live":
        return line(Span("The server does not answer.", "warn"))
    if release is None:
        return line(Span(f"Release {sequence} is not there any more.", "warn"))
    version = Span(shown(release.version, 40), "strong")
    if release.origin == "poisoned":
        said = f" is a poisoned copy of {release.from_sequence}: it is for whom its fault is"
        return line(version, Span(said, "warn"))
    if release.targets.having is not None:
        said = f" takes {release.targets.having} back: only who runs that is offered it"
        return line(version, Span(said, "warn"))
    names = view.controls.names
    targets = targets_short(release.targets, names)
    now = ", ".join(one for one in (rollout_long(release, names), f"for {targets or 'everyone'}") if one)
    return line(version, Span(f" on {shown(release.channel)}, now {now}", "dim"))


def keys_line(state: LinkState) -> Line:
    """What keys do there; without a server that nothing can be sent."""
    if state != "live":
        words = _NOT_LIVE.get(state, "the server does not answer")
        return line(
            Span("esc", "key"),
            Span(" leave", "dim"),
            Span("   "),
            Span(f"{words}: nothing can be sent", "warn"),
        )
    spans: list[Span] = []
    for key, does in _KEYS:
        spans += [Span(key, "key"), Span(f" {does}", "dim"), Span("   ")]
    return tuple(spans[:-1])


def preview_lines(
    release: Release, draft: Draft, found: Outlook, names: Names, width: int, most: int
) -> list[Line]:
    """What a draft would come to: its reach, whose answers change, what those without it get."""
    lines: list[Line] = [cut(line(Span(_capital(reach_words(found.reach, names)), "strong")), width)]
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
    """What those without it get, and then who: however long the names are, the outcome stands there."""
    if not instead:
        return f"Nobody who could have {release.sequence} is without it."
    said = []
    for one in instead:
        what = (
            str(one.offered)
            if one.offered is not None
            else f"no update ({_NOTHING.get(one.code, shown(one.code))})"
        )
        said.append(f"{what} for {_some([_called(client, names) for client in one.clients])}")
    return f"Without it: {'; '.join(said)}."


def _some(names: Sequence[str]) -> str:
    head = ", ".join(names[:_MOST_NAMES])
    return head if len(names) <= _MOST_NAMES else f"{head} and {len(names) - _MOST_NAMES:,} more"


def _called(client: str, names: Names, most: int = _LONGEST_NAME) -> str:
    """A client as it is called, in at most so many columns."""
    return plain(cut(line(Span(shown(names.get(client) or client, 40))), most))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
