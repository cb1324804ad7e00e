"""Each rule of the plugin, one by one: the reference client hears, asks and leaves behind what the real one does."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from tests.real_client.answers import NOT_VERSIONS, ROWS, Row, manifest
from tests.real_client.reference import GOOD, Pairing, RefusedByBoth, TwoSided, offered, serving
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

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "500"})
        if half:
            await response.prepare(request)
            await response.write(half)
        assert request.transport is not None
        while not request.transport.is_closing():
            await request.protocol.wait_for_disconnection()
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


# --- addresses and redirects -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *(
            "?",
            "?a",
            "?a=b&",
            "?a=b c",
            "?a=b#there",
            "#there",
            "a/../b/./c",
            "a b/ü",
            "%7E/~/%zz",
            "a//b",
            "",
        ),
        *(
            "?x={{current_sequence}}&y={{current_sequence}}",
            "a{b}`c",
            'a"b<c>d|e^f',
            "?'q\"",
            ";a=1,2",
            "\\a\\b",
        ),
    ],
)
async def test_the_address_of_a_check_is_written_alike(path: str, server: TwoSided, pair: Pairing) -> None:
    server.answer = answering(204)
    both = await pair(endpoint=f"{server.origin}/{path}", channel="a b+c&d=é~*-._/")

    await both.do("check")

    assert len(server.asked["ours"]) == 1


@pytest.mark.parametrize(
    "endpoint",
    [
        *(
            "",
            "nowhere",
            "//host/x",
            "/x",
            "http://",
            "http:///x/",
            "http://[::1",
            "http://h:99999/",
            "http://h:x/",
        ),
        *(
            "http:",
            "ftp://127.0.0.1:9/x",
            "mailto:x",
            "file:///x",
            "http://a b/",
            "data:,x",
            "://x",
            "1http://x",
        ),
    ],
)
async def test_an_endpoint_that_is_none_is_refused_in_the_same_words(endpoint: str, pair: Pairing) -> None:
    both = await pair(endpoint=endpoint)

    said = await both.do("check")

    assert said.events == ("check-start", "check-error")


@pytest.mark.parametrize(
    "url",
    [
        "nowhere",
        "",
        "ftp://127.0.0.1:9/b",
        "mailto:x",
        "http://",
        "HTTP://127.0.0.1:9",
        "http://127.0.0.1:9/a b?c#d",
    ],
)
async def test_a_manifest_whose_address_is_none_is_refused_in_the_same_words(
    url: str, server: TwoSided, pair: Pairing
) -> None:
    both = await pair()
    serving(server, url=url)
    await offered(both)

    assert (await both.do("apply")).events == ("download-start", "download-error")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize(
    "location", ["/other?x=1", "other", "?only", "", None, "//127.0.0.1:9/x", "ftp://h/x", "http://["]
)
async def test_redirects_of_a_check_are_followed_alike(
    status: int, location: str | None, server: TwoSided, pair: Pairing
) -> None:
    both = await pair(headers={"Authorization": "secret", "X-Device-Id": "d"})

    async def answer(request: web.Request) -> web.StreamResponse:
        if server.count(request) > 1:
            return web.Response(status=204)
        return web.Response(status=status, headers={} if location is None else {"Location": location})

    server.answer = answer

    await both.do("check")


async def test_ten_redirects_are_followed_and_an_eleventh_is_not(server: TwoSided, pair: Pairing) -> None:
    both = await pair()
    for most, asked in ((10, 11), (11, 11)):
        for side in server.asked.values():
            side.clear()

        async def answer(request: web.Request, most: int = most) -> web.StreamResponse:
            count = server.count(request)
            headers = {"Location": f"/check/{count}"} if count <= most else {}
            return web.Response(status=302 if headers else 204, headers=headers)

        server.answer = answer

        said = await both.do("check")

        assert len(server.asked["ours"]) == asked
        assert (said.error is None) == (most == 10)


async def test_a_redirect_to_another_port_leaves_the_secrets_behind(server: TwoSided, pair: Pairing) -> None:
    both = await pair(headers={"Authorization": "secret", "Cookie": "secret", "X-Device-Id": "d"})
    other = server.origin.replace("127.0.0.1", "localhost")

    async def answer(request: web.Request) -> web.StreamResponse:
        there = request.host.startswith("localhost")
        return web.Response(status=204 if there else 302, headers={} if there else {"Location": f"{other}/x"})

    server.answer = answer

    await both.do("check")

    assert "authorization" in server.asked["ours"][0][1]
    assert not {"authorization", "cookie"} & server.asked["ours"][1][1].keys()


# --- configuration ---------------------------------------------------------------------------------------------------


async def test_what_configure_changes_is_sent_from_then_on(server: TwoSided, pair: Pairing) -> None:
    both = await pair(headers={"X-A": "1", "X-B": "1"}, channel="production")
    serving(server)
    changes: list[dict[str, Any]] = [
        {"channel": "beta"},
        {"headers": {"X-A": "2", "X-C": "3"}},
        {"headers": {"X-B": None, "X-D": None}},
        {"channel": None, "endpoint": None},
        {"channel": ""},
        {"endpoint": f"{server.origin}/check/elsewhere/{{{{current_sequence}}}}"},
        {},
    ]
    for change in changes:
        await both.do("configure", **change)
        await offered(both)
        await both.do("download")


@pytest.mark.parametrize(
    "header",
    [{"bad name": "x"}, {"X": "a\nb"}, {"X": "é"}, {"": "x"}, {"X": ""}, {"X": " a "}, {"X": "\x7f"}],
)
async def test_a_header_that_can_not_be_sent_is_refused_in_the_same_words(
    header: dict[str, str], server: TwoSided, pair: Pairing
) -> None:
    both = await pair()
    serving(server)
    await both.do("configure", headers=header)

    await both.do("check")


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": None},
        {"endpoint": "http://x/", "require_https": None},
        {"endpoint": "http://x/", "require_https": True},
        {"pubkey": None},
        {"max_bundle_size": -1},
        {"max_bundle_size": 1.0},
        {"max_bundle_size": 2**64},
        {"max_retries": 2**32},
        {"headers": {"X": 1}},
        {"headers": []},
        {"require_https": "no"},
        {"confirmation_policy": {"grace_period": {}}},
        {"rollback_policy": "none"},
        {"channel": 1},
    ],
    ids=str,
)
async def test_a_config_that_ends_the_app_at_its_start_is_refused_in_the_same_words(
    change: dict[str, Any], pair: Pairing
) -> None:
    with pytest.raises(RefusedByBoth, match=r"configuration error: |insecure URL rejected: "):
        await pair(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"max_bundle_size": 2**64 - 1},
        {"max_bundle_size": None, "max_retries": None, "headers": None, "channel": None},
        {"unknown": {"a": 1}},
        {"confirmation_policy": {"grace_period": {"max_unconfirmed_launches": 2, "more": 1}}},
    ],
    ids=str,
)
async def test_a_config_that_is_taken_by_one_is_taken_by_both(
    change: dict[str, Any], server: TwoSided, pair: Pairing
) -> None:
    server.answer = answering(204)
    both = await pair(**change)

    assert not (await both.do("check")).available if change.get("headers", "") is not None else True
