"""Two dashboards on a real server: what one arms strikes a client on the wire, both show it, and either ends it."""

from __future__ import annotations

import aiohttp
import pytest

from tests.dashboard.attached import Attached, attached_to
from tests.server.asking import Asking
from tests.server.conftest import dist, key, serve, server  # noqa: F401 - a server is a fixture

pytestmark = pytest.mark.screens

PHONE = {"X-Device-Id": "phone"}


async def arm(server: Asking, fault: str, times: int) -> None:  # noqa: F811 - the fixture
    """For the phone alone."""
    asked = {"fault": fault, "times": times, "client": "phone"}
    told = await server.control("/api/commands/arm-fault", asked)
    assert told.status == 200


async def typed(desk: Attached, text: str) -> None:
    for letter in text:
        await desk.press({"-": "minus", "/": "slash", " ": "space"}.get(letter, letter))


async def test_what_one_dashboard_arms_strikes_both_show_it_and_the_other_ends_it(server: Asking) -> None:  # noqa: F811
    address, token = server.running.file.control, server.token
    await server.check(0, PHONE)
    async with attached_to(address, token) as one, attached_to(address, token, size=(80, 24)) as other:
        await one.press("2")
        await one.shows("phone")
        await one.press("x")
        await one.shows("type to find one")
        await typed(one, "http")
        await one.shows("HTTP 503", "1 check")
        await one.press("enter")
        await one.shows("arm check/http-error")
        await one.press("enter")
        await one.until(lambda: len(server.engine.controls.faults) == 1, "armed")

        assert (await server.check(0, PHONE)).status == 503
        await one.press("3")
        await one.shows("http-error", "503")
        await other.press("3")
        await other.shows("http-error", "503")

        await other.press("x")
        await other.shows("ARMED", "phone, until disarmed")
        await other.press("enter")
        await other.until(lambda: not server.engine.controls.faults, "disarmed")
        assert (await server.check(0, PHONE)).status == 200


async def test_a_reset_and_a_failed_attempt_are_seen_as_what_they_were(server: Asking) -> None:  # noqa: F811
    offered = await server.check(0, PHONE)
    url = offered.json["url"]
    async with attached_to(server.running.file.control, server.token, size=(140, 40)) as desk:
        await arm(server, "download/http-error", 1)
        async with server.session.get(url) as answer:
            assert answer.status == 503
        await desk.shows("http-error", "attempt 1 of 4")
        async with server.session.get(url) as answer:
            assert answer.status == 200
            await answer.read()
        await desk.shows("attempt 2 of 4", "complete")

        await arm(server, "check/connection-reset", 2)  # aiohttp asks once more by itself
        with pytest.raises(aiohttp.ClientError):
            await server.check(0, PHONE)
        await desk.shows("connection-reset", " — ", "reset")
        assert server.engine.controls.faults == ()
