"""How wide the columns of names, versions and channels have to be for nothing in them to be cut."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable

from msgspec import Struct
from rich.cells import cell_len

from hotswap_dev.dashboard.details.rollout_text import targets_short
from hotswap_dev.dashboard.selectors.figures import channel_of, name_of, seen_last_first
from hotswap_dev.dashboard.selectors.way import how_it_came
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.text import shown

_MOST = 300
"""Of so many clients and releases, the newest, the widths are taken: what a few screens show."""


class Widths(Struct, frozen=True):
    """In columns of the terminal, as wide as the widest one, within what a column may take at most."""

    name: int
    binary: int
    channel: int
    version: int
    whom: int
    """Of whom a release is for, or a bad copy of; 0 where all are for everyone."""


def widths(view: View) -> Widths:
    """What the rows of this moment would like; the same for each row, so that they stand below each other."""
    return _widths(_Known(view))


class _Known:
    """What the widths depend on, as the key of a cache: every row of a screen asks for the same."""

    def __init__(self, view: View) -> None:
        self.view = view

    def __hash__(self) -> int:
        return hash((id(self.view.controls), id(self.view.clients), self.view.revision))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Known):
            return False
        mine, its = self.view, other.view
        return mine.controls is its.controls and mine.clients is its.clients and mine.revision == its.revision


@functools.lru_cache(maxsize=2)
def _widths(known: _Known) -> Widths:
    view = known.view
    clients = list(itertools.islice(seen_last_first(view), _MOST))
    releases = sorted(view.controls.releases, reverse=True)[:_MOST]
    return Widths(
        name=_widest((name_of(one.id, view) for one in clients), 8, 28),
        binary=_widest((shown(one.binary_version or "?") for one in clients), 6, 16),
        channel=_widest(
            (*map(shown, view.controls.channels), *(shown(channel_of(one)) for one in clients)), 7, 20
        ),
        version=_widest((shown(view.controls.releases[one].version) for one in releases), 8, 24),
        whom=_widest((_whom(view.controls.releases[one], view) for one in releases), 0, 20),
    )


def _whom(release: Release, view: View) -> str:
    if release.origin == "poisoned" and not release.targets.restrict:
        return how_it_came(release)
    return targets_short(release.targets, view.controls.names)


def _widest(texts: Iterable[str], least: int, most: int) -> int:
    return max(least, min(most, max(map(cell_len, texts), default=least)))
