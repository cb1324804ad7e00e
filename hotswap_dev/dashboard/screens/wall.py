"""The link to the wall of phones, and a code for the camera of a phone that has a tunnel."""

from __future__ import annotations

from collections.abc import Sequence

from hotswap_dev.dashboard.details.qr import qr_rows
from hotswap_dev.dashboard.details.wall_text import wall_lines
from hotswap_dev.dashboard.screens.addresses import CodePage
from hotswap_dev.dashboard.screens.detail import DetailScreen
from hotswap_dev.dashboard.spans import Line
from hotswap_dev.dashboard.view import View
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.domain.text import LONGEST_PATH, shown


class WallScreen(DetailScreen):
    """Asks the server for its wall, which it opens then, and says where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.link: str | None = None

    def page(self) -> Lines:
        """The widget that lines and code are in."""
        return CodePage()

    async def load(self) -> None:
        """Have the wall opened; one that is open has the same link."""
        answer = await self.dashboard.control.post("/api/wall", {})
        if not isinstance(answer, dict) or not isinstance(answer.get("url"), str):
            raise ValueError("no link")  # another version's
        self.link = shown(answer["url"], LONGEST_PATH)

    def lines(self, view: View, width: int) -> Sequence[Line]:
        """The page."""
        page = self.query_one("#page", CodePage)
        page.code = () if self.link is None else qr_rows(self.link, in_ascii=self.dashboard.in_ascii)
        beside = width - page.code_width - 2 if page.code and page.fits_beside(width) else width
        lines = wall_lines(self.link, self.said, beside, code=bool(page.code))
        return page.placed(width, lines, lines)

    def action_copy(self) -> None:
        """The link."""
        if self.link is None:
            return
        self.app.copy_to_clipboard(self.link)
        self.dashboard.tell("copied: the wall's link", "nothing there? the terminal has to allow OSC 52")
