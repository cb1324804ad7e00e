"""Addresses, redirects, headers and configs: the reference client asks where and as the real one does."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from tests.real_client.reference import Pairing, RefusedByBoth, TwoSided, offered, serving
from tests.real_client.reference import pair_fixture as pair_fixture
from tests.real_client.reference import server_fixture as server_fixture
from tests.real_client.scripted_server import (
    answering,
)

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
