"""The wall of phones: opened by the control site, live, bounded, and gone with the server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hotswap_dev.domain.commands.clients import NameClient
from hotswap_dev.server import sockets, wall_site
from hotswap_dev.server.wall.picture import MOST_PHONES, Picture, take_picture
from tests.server.asking import Asking, connection, write_frontend
from tests.server.conftest import Serve
from tests.server.walls import opened, runs
from tests.unit.domain.clients import a_download, a_report, an_offer


async def test_whoever_asks_is_given_the_same_link_and_the_page_is_there(server: Asking) -> None:
    wall, again, both = await asyncio.gather(opened(server), opened(server), opened(server))

    assert wall.url == again.url == both.url
    page = await wall.get()
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"wall.js" in page.body
    script, style = await wall.get("wall.js"), await wall.get("wall.css")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert style.headers["Content-Type"].startswith("text/css")


async def test_the_wall_takes_no_port_before_somebody_asks_for_it(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def remembered(host: str, port: int) -> object:
        asked.append(host)
        return sockets.listen(host, port)

    monkeypatch.setattr(wall_site, "listen", remembered)
    assert (await server.control("/api/state")).status == 200
    assert asked == []
    await opened(server)
    await opened(server)
    assert asked == ["localhost"]


async def test_a_misspelt_question_for_the_wall_is_named(server: Asking) -> None:
    answer = await server.control("/api/wall?prot=1", {})

    assert (answer.status, answer.json["title"]) == (400, "bad-arguments")


async def test_each_client_is_a_phone_with_the_page_that_it_runs(server: Asking) -> None:
    wall = await opened(server)
    runs(server, "phone", 1, platform="android")
    await server.engine.run(NameClient(client="phone", name="Pixel 8"))

    (phone,) = (await wall.picture())["phones"]

    assert {name: phone[name] for name in ("id", "name", "platform", "sequence", "kind", "words")} == {
        "id": "phone",
        "name": "Pixel 8",
        "platform": "android",
        "sequence": "1",
        "kind": "page",
        "words": "running",
    }
    assert (await wall.preview(phone["page"])).body.startswith(b"<!doctype html><title>hello")


async def test_a_bad_build_is_seen_to_break_a_phone_which_then_falls_back(
    server: Asking, tmp_path: Path
) -> None:
    await server.publish(write_frontend(tmp_path / "second", "two"))
    wall = await opened(server)
    see = server.engine.observe
    runs(server, "phone", 1)
    async with wall.watched() as pictures:
        (phone,) = (await pictures.next())["phones"]
        assert (phone["standing"], phone["standing_words"]) == ("due", "offered 2")

        see(an_offer(2, client="phone", sequence=1))
        see(a_download(2, client="phone"))
        runs(server, "phone", 2)
        picture = await pictures.until(lambda one: one["phones"][0]["sequence"] == "2")
        (phone,) = picture["phones"]
        assert (phone["standing"], phone["tone"], phone["words"]) == ("newest", "fine", "applied")
        assert picture["lines"][0]["running"] == 1

        runs(server, "phone", 1)
        picture = await pictures.until(lambda one: one["phones"][0]["sequence"] == "1")
        (phone,) = picture["phones"]
        assert (phone["tone"], phone["words"], phone["detail"]) == ("bad", "fell back", "from 2")
        assert picture["lines"][0]["fell_back"] == 1

        see(an_offer(2, client="phone", sequence=1))
        see(a_download(2, client="phone"))
        runs(server, "phone", 2)
        runs(server, "phone", 1)
        picture = await pictures.until(lambda one: one["phones"][0]["words"] == "rollback loop")
        assert picture["phones"][0]["detail"] == "from 2, ×2"
        assert "rollback loop" in picture["phones"][0]["sentence"]


async def test_a_phone_s_own_words_reach_the_wall(server: Asking) -> None:
    wall = await opened(server)
    see = server.engine.observe
    for name in ("confirms", "fails"):
        see(an_offer(1, client=name))
    see(a_download(1, client="confirms"))
    runs(server, "confirms", 1)
    see(a_report("ready-confirmed", 1, client="confirms"))
    see(a_report("download-error", 1, client="fails", error="HTTP 503: bundle download failed"))

    phones = {phone["id"]: phone for phone in (await wall.picture())["phones"]}

    assert (phones["confirms"]["tone"], phones["confirms"]["words"]) == ("good", "confirmed")
    assert (phones["fails"]["tone"], phones["fails"]["words"]) == ("bad", "failed")
    assert phones["fails"]["detail"] == "on 1"
    assert "HTTP 503" in phones["fails"]["sentence"]


async def test_who_looks_slowly_is_told_the_newest_and_nothing_that_was_passed_over(server: Asking) -> None:
    wall = await opened(server)
    async with wall.watched() as pictures:
        await pictures.next()
        for sequence in range(500):
            runs(server, "phone", sequence)
            if sequence % 50 == 0:
                await asyncio.sleep(0)
        picture = await pictures.until(lambda one: one["phones"] and one["phones"][0]["sequence"] == "499")

        assert len(picture["phones"]) == 1
        assert pictures.seen <= 4


async def test_however_many_look_each_picture_is_drawn_once(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    async def counted(*given: Any) -> Picture:
        drawn.append(server.engine.bus.revision)
        return await take_picture(*given)

    monkeypatch.setattr(wall_site, "PACE", 0.02)
    monkeypatch.setattr(wall_site, "take_picture", counted)
    wall = await opened(server)
    async with contextlib.AsyncExitStack() as stack:
        viewers = [await stack.enter_async_context(wall.watched()) for _ in range(6)]
        for count in range(5):
            for viewer in viewers:
                assert len((await viewer.next())["phones"]) == count
            runs(server, f"phone-{count}", 1)

    assert len(drawn) == len(set(drawn)) <= 6


async def test_an_event_that_changes_nothing_on_the_wall_is_not_sent(server: Asking) -> None:
    wall = await opened(server)
    runs(server, "phone", 1)
    async with wall.watched() as pictures:
        await pictures.next()
        for _ in range(10):
            runs(server, "phone", 1)
            server.engine.notice("info", "nothing", "nothing that is shown")
        runs(server, "tablet", 0)

        assert len((await pictures.next())["phones"]) == 2


async def test_a_crowd_has_so_many_phones_and_the_others_are_counted(server: Asking) -> None:
    wall = await opened(server)
    for number in range(MOST_PHONES + 40):
        runs(server, f"phone-{number:03}", 1)

    picture = await wall.picture()

    assert [phone["id"] for phone in picture["phones"]] == [
        f"phone-{number:03}" for number in range(MOST_PHONES)
    ]
    assert picture["more"] == 40
    assert picture["lines"][0]["clients"] == MOST_PHONES + 40


async def test_the_streams_and_the_port_end_with_the_server(serve: Serve) -> None:
    async with serve() as server:
        wall = await opened(server)
        reader, writer = await asyncio.open_connection("127.0.0.1", wall.port)
        writer.write(f"GET {wall.path}events HTTP/1.1\r\nHost: 127.0.0.1:{wall.port}\r\n\r\n".encode())
        async with asyncio.timeout(10):
            assert b"data: " in await reader.readuntil(b"\n\n\r\n")
    async with asyncio.timeout(10):
        assert (await reader.read()).endswith(b"0\r\n\r\n")
    writer.close()
    with pytest.raises(OSError, match="."):
        async with connection(wall.port):
            pass


async def test_C7_so_many_walls_at_once_and_no_more_and_a_place_that_is_left_is_free(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wall_site, "MOST_VIEWERS", 2)
    wall = await opened(server)
    async with wall.watched() as first, wall.watched() as second:
        await first.next()
        await second.next()
        refused = await wall.get("events")
        assert (refused.status, refused.json["title"]) == (503, "too-many-walls")

    async def looked() -> int:
        async with server.session.get(wall.url + "events") as answer:
            return answer.status

    async with asyncio.timeout(10):
        while await looked() != 200:
            # That somebody left is found out when the next picture is sent to them.
            runs(server, f"phone-{asyncio.get_running_loop().time()}", 1)
            await asyncio.sleep(0.05)


async def test_D4_who_stopped_reading_gives_its_place_to_another(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("MOST_VIEWERS", 1), ("PACE", 0.0), ("STALLED", 0.1)):
        monkeypatch.setattr(wall_site, name, value)
    wall = await opened(server)
    loop = asyncio.get_running_loop()
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.setblocking(False)
        await loop.sock_connect(stalled, ("127.0.0.1", wall.port))
        await loop.sock_sendall(
            stalled, f"GET {wall.path}events HTTP/1.1\r\nHost: 127.0.0.1:{wall.port}\r\n\r\n".encode()
        )
        assert (await loop.sock_recv(stalled, 12)).endswith(b"200")
        async with asyncio.timeout(20):
            while True:
                async with server.session.get(wall.url + "events") as answer:
                    if answer.status == 200:
                        break
                for number in range(MOST_PHONES):
                    runs(server, f"phone-{number}", int(loop.time() * 1000) % 10**9)
                await asyncio.sleep(0)


async def test_a_quiet_stream_says_that_it_lives(server: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall_site, "HEARTBEAT", 0.02)
    wall = await opened(server)
    async with server.session.get(wall.url + "events") as answer, asyncio.timeout(10):
        assert (await answer.content.readline()).startswith(b"data: ")
        assert await answer.content.readline() == b"\n"
        assert await answer.content.readline() == b":\n"


async def test_C1_what_a_client_calls_itself_is_text_and_no_more_than_that(server: Asking) -> None:
    wall = await opened(server)
    hostile = "<img src=x onerror=alert(1)>\x1b[2J\u202e" + "x" * 100
    runs(server, hostile, 1, platform="\x9b31m<b>" + "y" * 100)

    (phone,) = (await wall.picture())["phones"]

    assert phone["name"].startswith("<img src=x onerror=alert(1)>")
    assert phone["name"].isprintable()
    assert len(phone["name"]) <= 60
    assert phone["platform"].isprintable()
    assert len(phone["platform"]) <= 20


async def test_the_stream_is_for_browsers_of_this_machine_over_either_family(server: Asking) -> None:
    wall = await opened(server)
    try:
        async with server.session.get(
            wall.url.replace("127.0.0.1", "[::1]"), headers={"Host": f"localhost:{wall.port}"}
        ) as answer:
            assert answer.status == 200
    except aiohttp.ClientConnectorError:
        pytest.skip("no IPv6 here")
