"""Who may see the wall: who has its link, on this machine, from no other page (hardening A2 to A12)."""

from __future__ import annotations

from hotswap_dev.server.guard import STAMPED
from tests.server.asking import Asking
from tests.server.conftest import Serve
from tests.server.probes import FOREIGN_PAGES
from tests.server.walls import LINKED, NAVIGATES, opened, page_of, runs

FRAMED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}


async def test_A2_only_a_loopback_name_with_this_very_port_is_answered(server: Asking) -> None:
    wall = await opened(server)
    port = wall.port
    assert await wall.bare(f"Host: 127.0.0.1:{port}") == 200
    assert await wall.bare(f"Host: localhost:{port}") == 200
    assert await wall.bare(f"Host: [::1]:{port}") == 200
    for host in (
        "127.0.0.1",
        f"127.0.0.1:{port + 1}",
        f"127.0.0.1:1{port}",
        f"evil.example:{port}",
        f"localhost.evil.example:{port}",
        f"127.0.0.1.nip.io:{port}",
        f"192.168.1.20:{port}",
        f"10.0.2.2:{port}",
        f"evil.localhost:{port}",
        f"s1-0123456789abcdef.localhost:{port}",
        f"localhost@evil:{port}",
        f"localhost.:{port}",
        "",
    ):
        assert await wall.bare(f"Host: {host}") in (400, 403), host
    assert await wall.bare() == 400
    assert await wall.bare(f"Host: localhost:{port}", "Host: evil.example") == 400


async def test_A4_a_target_that_is_no_path_is_refused(server: Asking) -> None:
    wall = await opened(server)
    for target in (f"http://evil/{wall.path}", f"/{wall.path}", "*", f"{wall.path}#x"):
        assert await wall.bare(f"Host: localhost:{wall.port}", target=target) == 400, target


async def test_A10_nothing_is_there_without_the_key(server: Asking) -> None:
    wall = await opened(server)
    site = f"http://127.0.0.1:{wall.port}"
    key = wall.path.split("/")[2]
    guesses = ("", "/", "/wall", "/wall/", "/wall/events", "/events", f"/wall/{key[:-1]}/", f"/wall/{key}x/")
    more = (
        f"/wall/{'x' * len(key)}/",
        f"/wall/{key[:-1]}/events",
        f"/WALL/{key}/",
        "/wall/wall.js",
        "/api/state",
    )
    for guess in (*guesses, *more):
        assert (await server.get(site + guess)).status == 404, guess
    for part in ("", "wall.js", "wall.css"):
        assert (await wall.get(part, method="HEAD")).status == 200, part


async def test_A5_only_looking_is_possible(server: Asking) -> None:
    wall = await opened(server)
    page = await page_of(wall, 1)
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        for part in ("", "events", "wall.js"):
            assert (await wall.get(part, method=method)).status == 405, (method, part)
        assert (await wall.preview(page, method=method)).status == 405, method


async def test_A6_A12_no_other_page_reads_the_wall_or_its_events(server: Asking) -> None:
    wall = await opened(server)
    for sender, headers in FOREIGN_PAGES.items():
        for part in ("", "events", "wall.js", "wall.css"):
            assert (await wall.get(part, headers)).status == 403, (sender, part)
    for part in ("", "events", "wall.js"):
        assert (await wall.get(part, FRAMED)).status == 403, part


async def test_a_person_may_open_the_link_from_wherever_it_stands(server: Asking) -> None:
    wall = await opened(server)

    assert (await wall.get("", NAVIGATES)).status == 200
    assert (await wall.get("", LINKED)).status == 200
    assert (await wall.get("wall.js", LINKED)).status == 403


async def test_A7_A8_every_answer_of_the_wall_keeps_it_from_other_pages(server: Asking) -> None:
    wall = await opened(server)
    site = f"http://127.0.0.1:{wall.port}"
    for url in (wall.url, wall.url + "wall.js", wall.url + "wall.css", site + "/", wall.url + "nothing"):
        answer = await server.get(url)
        assert {name: answer.headers[name] for name in STAMPED} == STAMPED
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Set-Cookie" not in answer.headers
    policy = (await wall.get()).headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert f"frame-src http://*.localhost:{wall.port};" in policy
    assert "script-src 'self';" in policy
    async with wall.server.session.get(wall.url + "events") as events:
        assert {name: events.headers[name] for name in STAMPED} == STAMPED


async def test_A7_a_preview_is_framed_by_the_wall_alone_and_asks_for_nothing_but_its_own_files(
    server: Asking,
) -> None:
    wall = await opened(server)
    page = await page_of(wall, 1)
    own = page.rstrip("/")
    for path, headers in (("", {}), ("app.js", {}), ("missing", {}), ("any/route", FRAMED)):
        answer = await wall.preview(page, path, headers)
        policy = dict(
            part.partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split("; ")
        )
        assert policy["sandbox"] == "allow-scripts"
        assert policy["default-src"] == "'none'"
        assert policy["connect-src"] == own
        assert policy["frame-ancestors"] == f"http://127.0.0.1:{wall.port} http://localhost:{wall.port}"
        assert all(
            policy[name] == "'none'" for name in ("base-uri", "form-action", "frame-src", "object-src")
        )
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert ("immutable" in answer.headers["Cache-Control"]) == (answer.status == 200)
        assert "Set-Cookie" not in answer.headers


async def test_A10_a_previews_name_can_not_be_guessed_nor_made_of_anothers(server: Asking) -> None:
    """Else a page could lead its frame to another release's page, under the caption of its own phone."""
    wall = await opened(server)
    page = await page_of(wall, 1)
    assert (await wall.preview(page)).status == 200
    for other in (
        page.replace("s1-", "s0-"),
        page.replace("s1-", "s2-"),
        page.replace("s1-", "s01-"),
        page.replace("s1-", "s+1-"),
        page.replace("s1-", "s99999999999999999999-"),
        page.replace("s1-", "s18446744073709551616-"),
        page.replace("s1-", "s1-0"),
        page.replace("s1-", "x.s1-"),
        page.replace(".localhost", ".evil.example"),
        page.replace(".localhost", ".localhost.evil.example"),
    ):
        assert (await wall.preview(other)).status == 403, other
    # The page in a frame knows its own name, and of that the wall's key is no part.
    assert wall.path.split("/")[2] not in page
    assert (await wall.preview(page, wall.path.lstrip("/") + "events")).status == 404


async def test_A11_the_wall_s_key_is_in_no_file_of_the_workspace(server: Asking) -> None:
    wall = await opened(server)
    runs(server, "phone", 1)
    key = wall.path.split("/")[2].encode()
    for path in server.engine.store.folder.parent.rglob("*"):
        assert not path.is_file() or key not in path.read_bytes(), path


async def test_each_start_has_another_key(serve: Serve) -> None:
    keys = []
    for _ in range(2):
        async with serve() as server:
            keys.append((await opened(server)).path)
    assert keys[0] != keys[1]
