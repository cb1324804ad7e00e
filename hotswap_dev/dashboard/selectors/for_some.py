"""A release that not everyone may have: its rollout, its targets, and why nobody is offered it."""

from __future__ import annotations

import functools

from msgspec import Struct

from hotswap_dev.dashboard.details.rollout_text import percent_words, targets_short
from hotswap_dev.dashboard.selectors.figures import bar, parted
from hotswap_dev.dashboard.selectors.passed import state_for_nobody
from hotswap_dev.dashboard.spans import Line, Role, Span
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.preview import next_check
from hotswap_dev.domain.reasons import Reason
from hotswap_dev.domain.rollout import WHOLE, Reach, inside, may_ask_for, missed_target, reach

ROLLING = "rolling out"
FOR_SOME = "for some"
POISONED = "poisoned"

_BAR = 4
_MANY_CLIENTS = 1_000


def offered_words(release: Release, *, reached: bool) -> tuple[str, Role]:
    """The state of a release that can be offered: `offered`, `rolling out`, `for some`, `poisoned`."""
    if release.origin == POISONED:
        return POISONED, "bad"
    if release.percent < WHOLE:
        return ROLLING, "good" if reached else "warn"
    if release.targets.restrict:
        return FOR_SOME, "good" if reached else "warn"
    return "offered", "good"


def nobody_words(reason: Reason | None) -> str:
    """The state of a release that no client is offered for this reason; "" for no reason."""
    if reason is None:
        return ""
    return _NOBODY.get(reason.code) or state_for_nobody(reason)


def leaves_out(release: Release, reason: Reason | None) -> bool:
    """Whether nobody is offered it for its own rollout or targets, as far as one reason can be named."""
    return (
        not release.whole
        and reason is not None
        and reason.code in ("not-in-rollout", "not-targeted", "several")
    )


_NOBODY = {
    "not-in-rollout": ROLLING,
    "not-targeted": FOR_SOME,
    "fault": "fault",
    "access-denied": "refused",
}


def share(release: Release, view: View, role: Role, *, columns: int = 0) -> Line:
    """`10 % █░░░`, as it will be when all that is pending is done: then with `…`.

    With `columns` it is the known clients that are drawn in so many: who has it, who is inside, who is outside.
    """
    after = view.expected.releases.get(release.sequence, release)
    pending = "…" if after.percent != release.percent else ""
    if columns and (split := split_of(after, view)).of:
        return (Span(f"{percent_words(after.percent)}{pending} ", role), *split_bar(split, columns))
    return (Span(f"{percent_words(after.percent)}{pending} ", role), *small_bar(after.percent))


def split_bar(split: Split, width: int) -> Line:
    """Who has it, who is inside of the rollout and does not have it yet, and who is outside, in `width` columns."""
    parts: tuple[tuple[int, str, Role], ...] = (
        (split.has, "█", "good"),
        (split.inside, "▓", "accent"),
        (split.outside, "░", "dim"),
    )
    return parted(parts, width)


def small_bar(percent: float) -> Line:
    """A percent drawn: more than nothing is never drawn as nothing, less than all never as all."""
    filled = round(percent * _BAR / WHOLE)
    if 0 < percent < WHOLE:
        filled = min(_BAR - 1, max(1, filled))
    return bar(((filled, "█", "accent"),), _BAR, _BAR)


def targets_mark(release: Release, view: View) -> str:
    """Whom it is for, in few words and as it will be; "" where it is for every kind."""
    after = view.expected.releases.get(release.sequence, release)
    pending = "…" if after.targets != release.targets else ""
    words = targets_short(after.targets, view.controls.names)
    return f"{words or 'for everyone'}{pending}" if words or pending else ""


def reach_of(release: Release, view: View) -> Reach:
    """How far a release reaches among all known clients; of many, counted at most once a second."""
    when = int(view.now.timestamp()) if len(view.clients) > _MANY_CLIENTS else view.revision
    return _reached(release, _Known(view, when))


class Split(Struct, frozen=True, kw_only=True):
    """The known clients that a release is meant for: who has it, or has been past it; who is inside of its rollout and
    does not have it yet; who is outside of it.
    """

    has: int
    inside: int
    outside: int

    @property
    def of(self) -> int:
        """All of them."""
        return self.has + self.inside + self.outside


def split_of(release: Release, view: View) -> Split:
    """Where a rollout stands among all known clients; of many, counted at most once a second."""
    when = int(view.now.timestamp()) if len(view.clients) > _MANY_CLIENTS else view.revision
    return _parted(release, _Known(view, when))


@functools.lru_cache(maxsize=8)
def _parted(release: Release, known: _Known) -> Split:
    has = within = outside = 0
    for client in known.clients.values():
        check = next_check(client)
        if check is None or not may_ask_for(release, check.channel, check.protocol):
            continue
        if check.sequence >= release.sequence:
            has += 1
        elif missed_target(release, check) is None:
            reached = inside(release, check.client)
            within += reached
            outside += not reached
    return Split(has=has, inside=within, outside=outside)


class _Known:
    """The clients of a moment as the key of a cache."""

    def __init__(self, view: View, when: int) -> None:
        self.clients = view.clients
        self.when = when

    def __hash__(self) -> int:
        return hash((id(self.clients), self.when))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and self.clients is other.clients and self.when == other.when


@functools.lru_cache(maxsize=8)
def _reached(release: Release, known: _Known) -> Reach:
    checks = (next_check(client) for client in known.clients.values())
    return reach(release, (one for one in checks if one is not None))
