"""Each rule of the plugin, one by one: the reference client hears, asks and leaves behind what the real one does."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from tests.real_client.answers import NOT_VERSIONS, ROWS, Row, manifest
from tests.real_client.reference import GOOD, Pairing, TwoSided, offered, serving
from tests.real_client.reference import pair_fixture as pair_fixture
from tests.real_client.reference import server_fixture as server_fixture
from tests.real_client.scripted_server import Handler, answering, cut_short, resetting
from tests.real_client.test_apply import too_large

# --- checks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_an_answer_to_a_check_is_heard_alike(row: Row, server: TwoSided, pair: Pairing) -> None:
    both = await pair(version=row.binary_version)
    if row.sequence:
        serving(server, sequence=row.sequence)
        await offered(both)
        await both.do("apply")
    server.answer = answering(row.status, row.body, row.content_type)

    said = await both.do("check")

    assert said.events == row.expected.events
    assert said.error == row.expected.text


async def test_every_text_that_is_no_version_is_refused_in_the_same_words(
    server: TwoSided, pair: Pairing
) -> None:
    both = await pair()
    for text in NOT_VERSIONS:
        server.answer = answering(200, manifest(min_binary_version=text))

        assert "invalid min_binary_version" in ((await both.do("check")).error or "")


@pytest.mark.parametrize("answer", [resetting, cut_short(b'{"version": ', 400)], ids=["reset", "cut short"])
async def test_a_check_without_a_whole_answer_is_an_error_and_leaves_what_is_pending(
    answer: Handler, server: TwoSided, pair: Pairing
) -> None:
    both = await pair()
    serving(server)
    await offered(both)
    good = server.answer
    server.answer = answer
    assert (await both.do("check")).events == ("check-start", "check-error")
    server.answer = good

    assert (await both.do("apply")).error is None


async def test_a_server_that_is_gone_is_named_by_its_address(server: TwoSided, pair: Pairing) -> None:
    both = await pair(endpoint="http://127.0.0.1:9/{{current_sequence}}?a=b")

    said = await both.do("check")

    assert (said.error or "").startswith(
        "network error: error sending request for url (http://127.0.0.1:9/0?a=b&"
    )


async def test_an_answer_that_offers_nothing_takes_away_what_was_pending(
    server: TwoSided, pair: Pairing
) -> None:
    both = await pair()
    serving(server)
    await offered(both)
    server.answer = answering(204)
    await both.do("check")

    for command in ("apply", "download", "activate"):
        assert (await both.do(command)).error == "no pending update — call check first"


@pytest.mark.slow
@pytest.mark.parametrize("half", [b"", b'{"version": "'], ids=["no answer", "half an answer"])
async def test_a_check_is_given_up_after_15_seconds(half: bytes, server: TwoSided, pair: Pairing) -> None:
    both = await pair()
    over = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "500"})
        if half:
            await response.prepare(request)
            await response.write(half)
        await over.wait()
        return response

    server.answer = silent

    said = await both.do("check")

    assert (said.error or "").startswith(
        "invalid manifest" if half else "network error: error sending request"
    )
    assert 14 < said.requests[0].seconds < 17


# --- downloads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("download", "attempts"),
    [
        pytest.param(answering(503), 2, id="503"),
        pytest.param(answering(404, b"x" * 1000), 2, id="404"),
        pytest.param(answering(304), 2, id="304"),
        pytest.param(answering(204), 1, id="204, a success without a bundle"),
        pytest.param(cut_short(GOOD[:50], len(GOOD)), 2, id="cut short"),
        pytest.param(cut_short(b"", len(GOOD)), 2, id="cut at once"),
        pytest.param(resetting, 2, id="reset"),
        pytest.param(too_large, 2, id="600 MB announced"),
    ],
)
async def test_a_download_that_fails_is_heard_alike_and_tried_as_often(
    download: Handler, attempts: int, server: TwoSided, pair: Pairing
) -> None:
    both = await pair(max_retries=1)
    serving(server, download=download)
    await offered(both)

    said = await both.do("apply")

    assert said.error is not None
    assert len(server.asked["ours"]) == len(server.asked["real"]) == 1 + attempts


async def test_a_download_that_fails_once_of_two_attempts_is_applied(server: TwoSided, pair: Pairing) -> None:
    both = await pair(max_retries=1)
    serving(server)
    good = server.answer
    assert good is not None

    async def at_first_503(request: web.Request) -> web.StreamResponse:
        return await (answering(503) if server.count(request) == 2 else good)(request)

    server.answer = at_first_503
    await offered(both)

    assert (await both.do("apply")).events == ("download-start", "download-complete", "apply")


@pytest.mark.slow
async def test_the_real_one_waits_as_long_between_attempts_as_the_reference_would(
    server: TwoSided, pair: Pairing
) -> None:
    both = await pair(max_retries=3)
    serving(server, download=answering(503))
    await offered(both)

    await both.do("download", limit=30)

    assert len(server.asked["real"]) == 5
    assert 7 < both.real_seconds < 9


@pytest.mark.parametrize("limit", [len(GOOD) - 1, len(GOOD), 0])
async def test_the_limit_is_the_largest_size_that_is_taken(
    limit: int, server: TwoSided, pair: Pairing
) -> None:
    both = await pair(max_bundle_size=limit)
    serving(server)
    await offered(both)

    assert ((await both.do("apply")).error is None) == (limit >= len(GOOD))


async def test_download_activate_and_what_is_said_before_their_time(server: TwoSided, pair: Pairing) -> None:
    both = await pair()
    for command in ("apply", "download", "activate"):
        await both.do(command)
    serving(server)
    await offered(both)

    assert (await both.do("activate")).error == (
        "configuration error: update not downloaded yet — call download first"
    )
    await both.do("download")
    await both.do("download")
    assert (await both.do("activate")).result == "0.1.0-ota.7"
    assert (await both.do("activate")).error == "no pending update — call check first"


async def test_http_in_a_manifest_is_refused_before_any_request(server: TwoSided, pair: Pairing) -> None:
    """The endpoint must be https to start at all, so the check can't be answered here: `configure` shows the rule."""
    both = await pair(require_https=True, endpoint="https://127.0.0.1:9/{{current_sequence}}")

    assert (await both.do("configure", endpoint="http://127.0.0.1:9/", channel="beta")).error == (
        "insecure URL rejected: http://127.0.0.1:9/ (set require_https = false to allow)"
    )
    assert (await both.do("configure", endpoint="HTTPS://127.0.0.1:9/")).error is not None
