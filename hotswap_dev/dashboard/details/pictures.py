"""Bars of a release's page: who stands where on its way, and how far its rollout has reached; each part with a sign."""

from __future__ import annotations

from collections.abc import Mapping

from hotswap_dev.dashboard.details.paragraphs import MARGIN
from hotswap_dev.dashboard.selectors.figures import parted
from hotswap_dev.dashboard.selectors.for_some import Split, split_bar
from hotswap_dev.dashboard.spans import Line, Role, Span, cells, cut

SIGNS: Mapping[str, tuple[str, Role]] = {
    "confirmed": ("█", "good"),
    "running": ("▓", "good"),
    "fetched": ("▒", "accent"),
    "failed": ("✗", "bad"),
    "gave it up": ("↓", "bad"),
    "not yet": ("░", "dim"),
}
"""How each station is drawn: by a sign of its own, so that no colour is needed to tell them apart."""


def stations_bar(counts: Mapping[str, int], width: int) -> Line:
    """The clients of a release by their station, in `width` columns; `counts` by the names in `SIGNS`."""
    return parted([(counts.get(name, 0), sign, role) for name, (sign, role) in SIGNS.items()], width)


def rollout_lines(split: Split, width: int, bar: int) -> list[Line]:
    """The bar of a rollout with what its parts are, beside it or below; nothing where it is meant for nobody known."""
    if not split.of:
        return []
    told: list[Span] = []
    parts: tuple[tuple[int, str, Role, str], ...] = (
        (split.has, "█", "good", "have it, or newer"),
        (split.inside, "▓", "accent", "inside, not yet"),
        (split.outside, "░", "dim", "outside"),
    )
    for count, sign, role, words in parts:
        told += [Span("   "), Span(sign, role), Span(f" {count:,} {words}", "text" if count else "dim")]
    drawn: Line = (Span(" " * MARGIN), *split_bar(split, bar))
    beside = (*drawn, *told)
    if cells(beside) <= width:
        return [beside]
    return [cut(drawn, width), cut((Span(" " * MARGIN), *told[1:]), width)]
