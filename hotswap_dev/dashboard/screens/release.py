"""A release: what it is, what changed in it, who has it and how it spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType

from hotswap_dev.dashboard.details.release_text import FOLDED, ReleaseDetail, read_detail, release_lines
from hotswap_dev.dashboard.screens.detail import DetailScreen
from hotswap_dev.dashboard.spans import Line
from hotswap_dev.dashboard.view import Selected, View


class ReleaseScreen(DetailScreen):
    """The page of a release; it is asked for again whenever more or fewer run it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "unfold", "all files", show=False)]
    ACTS: ClassVar[Sequence[str]] = ("m", "w", "percent_sign", "r", "b", "greater_than_sign", "e", "z")

    def __init__(self, sequence: int) -> None:
        super().__init__()
        self.sequence = sequence
        self.detail: ReleaseDetail | None = None
        self.unfolded = False

    def lines(self, view: View, width: int) -> Sequence[Line]:
        """The page."""
        return release_lines(self.sequence, view, width, self.detail, self.said, unfolded=self.unfolded)

    async def load(self) -> None:
        """What changed, and how it spread."""
        if self.sequence in self.view.controls.releases:
            self.detail = read_detail(await self.dashboard.control.get(f"/api/releases/{self.sequence}"))

    def chosen(self, view: View) -> View:
        """The view with this release selected."""
        return replace(view, selected=Selected("release", self.sequence))

    def needs(self, view: View) -> object:
        """How many run it, and whether its bytes are there."""
        way = view.adoption.get(self.sequence)
        release = view.controls.releases.get(self.sequence)
        return (way and way.running, release is not None and view.controls.has_bytes(release))

    def keys(self) -> Sequence[tuple[str, str]]:
        """With enter where it shows more than there is."""
        unfolds = [("enter", "first files" if self.unfolded else "all files")] if self._folds else []
        first, *others = super().keys()
        return [first, *unfolds, *others]

    @property
    def _folds(self) -> bool:
        changes = None if self.detail is None else self.detail.changes
        return changes is not None and len(changes) > FOLDED

    def action_unfold(self) -> None:
        """All files that changed, or the first ones again."""
        if self._folds:
            self.unfolded = not self.unfolded
            self.redraw()
