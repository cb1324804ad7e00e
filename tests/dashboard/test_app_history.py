"""The past of a real server: what its history answers is what the dashboard asks it for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest import mock

import pytest

from hotswap_dev.client.live import LiveControl
from hotswap_dev.dashboard import feed
from hotswap_dev.dashboard.app import Dashboard
from tests.server.asking import Asking, until
from tests.server.conftest import Serve, key, serve  # noqa: F401 - a server is a fixture

pytestmark = pytest.mark.screens


@asynccontextmanager
async def dashboard_of(server: Asking) -> AsyncIterator[Dashboard]:
    """A dashboard that is attached to a running server."""
    app = Dashboard(LiveControl(lambda: (server.running.file.control, server.token)), frame=0)
    async with app.run_test(size=(120, 36)):
        await until(lambda: app.feed.link.state == "live", "a live dashboard")
        yield app


def told(app: Dashboard) -> int:
    """The checks that the rows tell of."""
    return sum(row.times for row in app.mirror.checks.rows() if row.check is not None)


async def test_a_dashboard_that_comes_later_shows_what_was_asked_before(serve: Serve) -> None:  # noqa: F811
    async with serve() as server:
        for number in range(7):
            await server.check(headers={"X-Device-Id": f"phone {number % 2}"})
        await until(lambda: len(server.engine.history.checks(limit=9)) == 7, "seven checks recorded")
        async with dashboard_of(server) as app:
            await until(lambda: told(app) == 7, "the past on the screen")
            await server.check(headers={"X-Device-Id": "now"})
            await until(lambda: told(app) == 8, "the check of now as well")


async def test_scrolling_back_reads_page_after_page_of_a_real_servers_history(serve: Serve) -> None:  # noqa: F811
    async with serve() as server:
        for number in range(9):
            await server.check(headers={"X-Device-Id": f"phone {number % 2}"})
        await until(lambda: len(server.engine.history.checks(limit=9)) == 9, "nine checks recorded")
        # One page at a time: the plot of the rates would read on.
        with mock.patch.object(feed, "PAGE", 4), mock.patch.object(feed, "_MOST_PAGES", 1):
            async with dashboard_of(server) as app:
                await until(lambda: told(app) == 4, "the first page")
                app.read_older()
                await until(lambda: told(app) == 8, "the second page")
                app.read_older()
                await until(lambda: told(app) == 9, "all of them")
