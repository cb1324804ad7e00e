"""A row of the check-ins, whole: the exchange of a check as it went, or what else happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace

from hotswap_dev.client.control import ServerRefused
from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.details.exchange import Exchange, read_exchange
from hotswap_dev.dashboard.details.exchange_text import row_lines
from hotswap_dev.dashboard.screens.copy import CopyScreen
from hotswap_dev.dashboard.screens.detail import OF_A_CLIENT, DetailScreen
from hotswap_dev.dashboard.spans import Line
from hotswap_dev.dashboard.view import Selected, View
from hotswap_dev.wire import stored_time

_NOT_KEPT = (
    "Headers and answer are gone: the server keeps the newest exchanges of its run, and this one left them. "
    "What the history has is above."
)


class ExchangeScreen(DetailScreen):
    """The page of a row as it was when it was opened: more of the same does not change it."""

    ACTS: ClassVar[Sequence[str]] = OF_A_CLIENT

    def __init__(self, row: Row) -> None:
        super().__init__()
        self.row = row
        self.exchange: Exchange | None = None
        self._kept = True

    def lines(self, view: View, width: int) -> Sequence[Line]:
        """The page."""
        return row_lines(self.row, view, width, self.exchange, self.said if self._kept else _NOT_KEPT)

    async def load(self) -> None:
        """The exchange, if it is a check's and still kept."""
        check = self.row.check
        if check is None:
            return
        try:
            found = await self.dashboard.control.get(
                "/api/exchange", client=check.client, at=stored_time(check.at)
            )
        except ServerRefused as refused:
            if refused.code not in ("not-kept", "not-found"):
                raise
            self._kept = False
            return
        self.exchange = read_exchange(found)

    def action_copy(self) -> None:
        """What can be copied of it, the request first."""
        self.app.push_screen(CopyScreen(self.chosen(self.view), self.exchange))

    def chosen(self, view: View) -> View:
        """The view with this row selected, whether or not the list still has it."""
        return replace(view, rows=(self.row,), selected=Selected("row", self.row.number))
