"""A client: its story, what is known of it, why it is answered as it is and what it does next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace

from hotswap_dev.dashboard.details.client_story import LAST_CHECKS, client_lines, read_checks
from hotswap_dev.dashboard.screens.detail import OF_A_CLIENT, DetailScreen
from hotswap_dev.dashboard.spans import Line
from hotswap_dev.dashboard.view import Selected, View
from hotswap_dev.domain.observations import CheckAnswered


class ClientScreen(DetailScreen):
    """The page of a client; its check-ins are asked for again whenever it checked."""

    ACTS: ClassVar[Sequence[str]] = OF_A_CLIENT

    def __init__(self, client: str) -> None:
        super().__init__()
        self.client = client
        self.checks: tuple[CheckAnswered, ...] | None = None

    def lines(self, view: View, width: int) -> Sequence[Line]:
        """The page."""
        return client_lines(self.client, view, width, self.checks, self.said)

    async def load(self) -> None:
        """Its last check-ins."""
        found = await self.dashboard.control.get("/api/checks", client=self.client, limit=LAST_CHECKS)
        self.checks = read_checks(found)

    def chosen(self, view: View) -> View:
        """The view with this client selected."""
        return replace(view, selected=Selected("client", self.client))

    def needs(self, view: View) -> object:
        """When it checked last."""
        client = view.clients.get(self.client)
        return client and client.checks
