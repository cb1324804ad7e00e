"""Answers to checks that break on purpose, as bare sockets see them: byte by byte, FIN from RST (issue 6)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from hotswap_dev.domain.faults import Fault, check, download, every_fault, presets
from hotswap_dev.domain.faults.presets import line_of
from hotswap_dev.server.guard import STAMPED
from hotswap_dev.server.misbehave import PlainAnswer, misbehave_check
from hotswap_dev.server.misbehaving.delivery import late
from tests.server.asking import until
from tests.server.misbehaving import (
    MANIFEST,
    NO_UPDATE,
    OFFER,
    Client,
    Site,
    get,
    hear,
    last,
    misbehaving_site,
    nothing_left,
)

pytestmark = pytest.mark.processes

UNREAD = 8 * 2**20
"""More than any system takes before somebody reads it."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    bundle = tmp_path / "bundle.tar.gz"
    bundle.write_bytes(b"")
    async with misbehaving_site(bundle) as running:
        yield running


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503, 599])
async def test_an_http_error_has_its_status_a_small_text_and_the_headers_of_every_answer(
    site: Site, status: int
) -> None:
    site.fault = check.CheckHttpError(status=status)

    heard = await hear(site.port, last("/check"))

    assert heard.status == status
    assert 0 < len(heard.body) < 200
    assert heard.body.decode().startswith(str(status))
    assert b"check/http-error" in heard.body
    assert heard.headers["content-length"] == str(len(heard.body))
    assert heard.headers["content-type"] == "text/plain; charset=utf-8"
    assert heard.headers["x-hotswap-reason"] == "fault"
    assert {name.lower(): value for name, value in STAMPED.items()}.items() <= heard.headers.items()


async def test_an_answer_that_is_only_wrong_leaves_the_connection_open_for_the_next_request(
    site: Site,
) -> None:
    for fault in (
        check.CheckHttpError(),
        check.MalformedJson(),
        check.HtmlPage(),
        check.CheckDelay(ms=1),
        check.SameSequence(),
    ):
        site.fault = fault
        heard = await hear(site.port, get("/check") + last("/healthy"))

        assert heard.ending == "fin"
        assert heard.data.count(b"HTTP/1.1 ") == 2, fault
        assert heard.data.endswith(MANIFEST)


async def test_a_delay_is_the_plain_answer_that_much_later(site: Site) -> None:
    site.fault = check.CheckDelay(ms=200)

    heard = await hear(site.port, last("/check"))

    assert (heard.status, heard.body) == (200, MANIFEST)
    assert 0.2 <= heard.at[0][0] < 5


async def test_a_delayed_204_has_no_body_and_no_length(site: Site) -> None:
    site.fault, site.answer = check.CheckDelay(ms=10), NO_UPDATE

    heard = await hear(site.port, last("/check"))

    assert (heard.status, heard.body) == (204, b"")
    assert "content-length" not in heard.headers


@given(
    ms=st.integers(0, 600_000),
    jitter=st.integers(0, 600_000),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_jitter_is_at_most_what_was_asked_for_either_way_and_no_delay_is_below_zero(
    ms: int, jitter: int, chance: float
) -> None:
    seconds = late(ms, jitter, lambda: chance)

    assert max(0, ms - jitter) / 1000 <= seconds + 1e-9
    assert seconds <= (ms + jitter) / 1000 + 1e-9
    assert late(ms, 0, lambda: chance) == ms / 1000
    assert late(ms, jitter, lambda: 0.5) == ms / 1000


async def test_a_hang_says_nothing_and_then_closes(site: Site) -> None:
    site.fault = check.Hang(seconds=1)

    heard = await hear(site.port, get("/check"))

    assert (heard.data, heard.ending) == (b"", "fin")
    assert 1 <= heard.ended_at < 6


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(get("/check"), id="a GET"),
        pytest.param(get("/check") + get("/check") * 200, id="more requests behind it"),
        pytest.param(
            b"POST /check HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % UNREAD + bytes(UNREAD),
            id="a body that nobody reads",
        ),
        pytest.param(get("/check", version="1.0"), id="HTTP/1.0"),
    ],
)
async def test_a_reset_is_an_rst_and_an_empty_response_a_fin_whatever_is_unread(
    site: Site, asked: bytes
) -> None:
    site.fault = check.CheckConnectionReset()
    reset = await hear(site.port, asked)
    assert (reset.data, reset.ending) == (b"", "reset")

    site.fault = check.EmptyResponse()
    closed = await hear(site.port, asked)
    assert (closed.data, closed.ending) == (b"", "fin")


async def test_a_reset_takes_nothing_from_the_answer_before_it(site: Site) -> None:
    site.fault = check.CheckConnectionReset()

    heard = await hear(site.port, get("/healthy") + get("/check"))

    assert (heard.status, heard.body, heard.ending) == (200, MANIFEST, "reset")


async def test_malformed_json_is_the_real_manifest_cut_in_the_middle(site: Site) -> None:
    site.fault = check.MalformedJson()

    heard = await hear(site.port, last("/check"))

    assert (heard.status, heard.headers["content-type"]) == (200, "application/json")
    assert heard.headers["content-length"] == str(len(heard.body))
    assert heard.body == MANIFEST[: (len(MANIFEST) + 1) // 2]
    with pytest.raises(json.JSONDecodeError):
        json.loads(heard.body)


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_malformed_json_is_never_json_and_never_empty(manifest: dict[str, int | str]) -> None:
    for answer in (PlainAnswer(200, OFFER.headers, json.dumps(manifest).encode()), NO_UPDATE):
        body = misbehave_check(check.MalformedJson(), answer).body

        assert isinstance(body, bytes)
        assert body
        with pytest.raises(ValueError, match=r"line 1|decode"):
            json.loads(body)


async def test_malformed_json_and_a_page_come_with_200_where_there_is_nothing_to_offer_too(
    site: Site,
) -> None:
    site.answer = NO_UPDATE
    for fault, content_type in (
        (check.MalformedJson(), "application/json"),
        (check.HtmlPage(), "text/html; charset=utf-8"),
    ):
        site.fault = fault
        heard = await hear(site.port, last("/check"))

        assert (heard.status, heard.headers["content-type"]) == (200, content_type)
        assert heard.headers["content-length"] == str(len(heard.body))
        assert heard.headers["x-hotswap-reason"] == "fault"
        assert len(heard.body) > 20


async def test_a_preset_makes_an_answer_late_and_leaves_it_as_it_is(site: Site) -> None:
    site.fault = presets.Fast3G()

    heard = await hear(site.port, last("/check"))

    assert (heard.status, heard.body) == (200, MANIFEST)
    assert 0.56 <= heard.at[0][0] < 6


def test_what_is_recorded_of_an_answer_is_what_the_catalogue_says() -> None:
    """`told_status` is what a decision says went out before anything does."""
    for kind in every_fault().values():
        if kind.stage in ("check", "signature") or line_of(kind()) is not None:
            for plain in (OFFER, NO_UPDATE):
                assert misbehave_check(kind(), plain).status == kind().told_status(plain.status), kind


@pytest.mark.parametrize(
    "fault",
    [kind() for kind in every_fault().values() if kind.stage in ("download", "bundle")],
    ids=lambda fault: fault.name,
)
def test_a_fault_of_another_stage_is_refused_and_not_forgotten(fault: Fault) -> None:
    with pytest.raises(TypeError, match=fault.name):
        misbehave_check(fault, OFFER)


def test_who_came_in_before_the_listener_was_closed_is_reset() -> None:
    assert misbehave_check(presets.Offline(), OFFER).status == 0


async def test_the_plain_answer_is_left_as_it_was() -> None:
    headers = CIMultiDict(OFFER.headers)
    for fault in (check.CheckHttpError(), check.HtmlPage(), check.CheckDelay(), download.Bandwidth()):
        if fault.stage == "check":
            misbehave_check(fault, OFFER).headers["X-More"] = "1"
    assert OFFER.headers == headers


@pytest.mark.parametrize("fault", [check.Hang(seconds=600), check.CheckDelay(ms=600_000), presets.Slow3G()])
async def test_who_leaves_in_the_middle_of_a_silence_leaves_nothing_behind(site: Site, fault: Fault) -> None:
    site.fault = fault
    async with nothing_left():
        async with Client(site.port) as client:
            await client.ask(get("/check"))
            await until(lambda: len(asyncio.all_tasks()) > 2, "it is being answered")
        await until(lambda: len(site.connections) == 0, "its connection is forgotten")
