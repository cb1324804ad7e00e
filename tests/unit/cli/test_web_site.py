"""Who may see the dashboard in a browser: the one that was given the address, and no page but its own."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from hotswap_dev.cli.web import command as web
from hotswap_dev.cli.web import site as web_site
from hotswap_dev.cli.web.site import Door, Shown, dashboard_site
from hotswap_dev.errors import HotswapError
from tests.unit.cli.saying import Say
from tests.unit.cli.tabs import APP, Visitor, command, visiting

LEAVES_A_TRACE = "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Is there once a process was started for a tab."""
    return tmp_path / "a process was started"


@pytest.fixture
async def visitor(trace: Path) -> AsyncIterator[Visitor]:
    """Somebody with an address that nobody has used."""
    async with visiting(command(LEAVES_A_TRACE, str(trace))) as one:
        yield one


FOREIGN: dict[str, dict[str, str | None]] = {
    "a page of elsewhere": {"Origin": "https://evil.example"},
    "a page of another port": {"Origin": "http://127.0.0.1:5173"},
    "the same page under another name": {"Origin": "http://localhost:{port}"},
    "a page over TLS": {"Origin": "https://127.0.0.1:{port}"},
    "a sandboxed page": {"Origin": "null"},
    "an empty origin": {"Origin": ""},
    "no browser": {"Origin": None},
    "a cross-site request": {"Sec-Fetch-Site": "cross-site"},
    "a same-site request": {"Sec-Fetch-Site": "same-site"},
    "a rebound name": {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
    "a rebound name of ours": {"Host": "127.0.0.1.nip.io:{port}", "Origin": "http://127.0.0.1.nip.io:{port}"},
    "a name under localhost": {"Host": "x.localhost:{port}", "Origin": "http://x.localhost:{port}"},
    "an address of the network": {"Host": "192.168.0.2:{port}", "Origin": "http://192.168.0.2:{port}"},
    "a host that is none": {"Host": "localhost:99999", "Origin": "http://localhost:99999"},
    "no cookie": {"Cookie": None},
    "another cookie": {"Cookie": "hotswap-dev=x"},
    "a cookie that is no text": {"Cookie": "hotswap-dev=\xff\xfe"},
    "an empty cookie": {"Cookie": "hotswap-dev="},
}


@pytest.mark.parametrize("who", FOREIGN)
async def test_A12_a_stranger_gets_a_403_before_a_terminal_opens(
    visitor: Visitor, trace: Path, who: str
) -> None:
    await visitor.enter()
    changes = {
        name: value and value.replace("{port}", str(visitor.port)) for name, value in FOREIGN[who].items()
    }

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await visitor.session.ws_connect(
            f"{visitor.site}{visitor.path}terminal", headers=visitor.handshake(changes)
        )

    assert refused.value.status == 403
    assert not trace.exists()


async def test_A12_a_token_instead_of_the_cookie_opens_no_terminal(visitor: Visitor, trace: Path) -> None:
    for path in (f"{visitor.path}terminal", "/terminal", "/"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await visitor.session.ws_connect(
                f"{visitor.site}{path}?{urlsplit(visitor.address).query}", headers=visitor.handshake()
            )
        assert refused.value.status == 403
    assert not trace.exists()
    await visitor.enter()


async def test_A12_the_page_itself_gets_its_terminal(trace: Path) -> None:
    async with visiting(command(APP)) as one:
        await one.enter()
        async with one.tab() as tab:
            assert await tab.shows(r"size=(\d+x\d+)") == "90x30"


async def test_A10_every_part_of_the_site_refuses_whoever_was_not_let_in(visitor: Visitor) -> None:
    site = dashboard_site(Door(), Shown((), {}, ""))
    names = {route.resource.canonical.rpartition("/")[2] for route in site.router.routes() if route.resource}
    assert {"", "terminal", "page.js", "textual.js"} <= names

    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
        for path in (*(visitor.path + name for name in names), "/", "/ws", "/static/", "/download/x"):
            status, _, _ = await visitor.ask(path, method=method)
            assert status == 403, (method, path)


@pytest.mark.parametrize("who", [who for who in FOREIGN if who != "no browser"])
async def test_A6_a_stranger_gets_no_part_of_the_page_either(visitor: Visitor, who: str) -> None:
    await visitor.enter()
    changes = {
        name: value and value.replace("{port}", str(visitor.port)) for name, value in FOREIGN[who].items()
    }

    for name in ("", "page.js", "textual.js", "xterm.css", "RobotoMono.ttf"):
        status, headers, _ = await visitor.ask(visitor.path + name, changes)
        assert status == 403, name
        assert "Access-Control-Allow-Origin" not in headers


async def test_the_address_works_once_and_then_only_in_that_browser(visitor: Visitor) -> None:
    address = visitor.address.removeprefix(visitor.site)

    status, headers, _ = await visitor.ask(address)
    cookie = headers["Set-Cookie"]
    again, _, told = await visitor.ask(address, {"Accept": "text/html"})
    same_browser, where, _ = await visitor.ask(address, {"Cookie": cookie.split(";")[0]})
    page, _, body = await visitor.ask(visitor.path, {"Cookie": cookie.split(";")[0]})

    assert (status, headers["Location"]) == (303, visitor.path)
    assert re.fullmatch(
        rf"hotswap-dev=[\w-]{{32}}; Path={re.escape(visitor.path)}; HttpOnly; SameSite=Strict", cookie
    )
    assert again == 403
    assert told.startswith("this address was used already")
    assert "start it again" in told
    assert (same_browser, where["Location"]) == (303, visitor.path)
    assert page == 200
    assert 'id="terminal"' in body


@pytest.mark.parametrize(
    ("change", "method"),
    [
        ({"Sec-Purpose": "prefetch;prerender"}, "GET"),
        ({"Purpose": "prefetch"}, "GET"),
        ({"Sec-Fetch-Site": "cross-site"}, "GET"),
        ({"Host": "evil.example"}, "GET"),
        ({}, "HEAD"),
        ({}, "POST"),
    ],
)
async def test_who_only_looks_ahead_does_not_use_the_address_up(
    visitor: Visitor, change: dict[str, str | None], method: str
) -> None:
    status, headers, _ = await visitor.ask(visitor.address.removeprefix(visitor.site), change, method=method)

    assert status in (403, 405)
    assert "Set-Cookie" not in headers
    await visitor.enter()


FROM_A_FILE: dict[str, str | None] = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


async def test_a_file_s_link_to_the_address_lets_in_by_a_page_that_goes_on_by_itself(
    visitor: Visitor,
) -> None:
    """Browsers send a Strict cookie with no redirect that another page's navigation has led to."""
    address = visitor.address.removeprefix(visitor.site)

    status, headers, body = await visitor.ask(address, FROM_A_FILE)
    again, _, _ = await visitor.ask(address, FROM_A_FILE)

    assert status == 200
    assert headers["Set-Cookie"].endswith(f"; Path={visitor.path}; HttpOnly; SameSite=Strict")
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    assert f'content="0; url={visitor.path}"' in body
    assert again == 403


@pytest.mark.parametrize(
    "change",
    [
        {"Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Sec-Purpose": "prefetch"},
    ],
)
async def test_A12_another_page_that_knew_the_address_would_get_no_further_by_it(
    visitor: Visitor, change: dict[str, str | None]
) -> None:
    address = visitor.address.removeprefix(visitor.site)

    status, headers, _ = await visitor.ask(address, {**FROM_A_FILE, **change})

    assert status == 403
    assert "Set-Cookie" not in headers
    await visitor.enter()


async def test_A12_a_link_to_the_page_itself_or_a_part_of_it_lets_nobody_in(visitor: Visitor) -> None:
    for path in (visitor.path, f"{visitor.path}textual.js?token=x", f"{visitor.path}?token=x"):
        assert (await visitor.ask(path, FROM_A_FILE))[0] == 403
    await visitor.enter()
    for path in (visitor.path, f"{visitor.path}textual.js"):
        assert (await visitor.ask(path, FROM_A_FILE))[0] == 403


@pytest.mark.parametrize("token", ["", "x", "\xe9" * 32, "x" * 32, "x" * 5000, "%00", "%ff"])
async def test_A11_another_token_lets_nobody_in_and_uses_nothing_up(visitor: Visitor, token: str) -> None:
    status, headers, _ = await visitor.ask(f"{visitor.path}?token={token}")

    assert status == 403
    assert "Set-Cookie" not in headers
    await visitor.enter()


async def test_two_dashboards_of_one_machine_keep_their_cookies_apart(visitor: Visitor) -> None:
    async with visiting(command(APP)) as other:
        await visitor.enter()
        await other.enter()

        assert visitor.path != other.path
        assert (await visitor.ask(visitor.path, {"Cookie": other.cookie}))[0] == 403
        both = f"{other.cookie}; theme=dark; {visitor.cookie}"
        assert (await visitor.ask(visitor.path, {"Cookie": both}))[0] == 200


async def test_all_that_the_page_names_is_its_own(visitor: Visitor) -> None:
    await visitor.enter()
    _, headers, page = await visitor.ask(visitor.path)
    _, _, style = await visitor.ask(f"{visitor.path}page.css")

    named = {*re.findall(r'(?:src|href)="([^"]+)"', page), *re.findall(r'url\("([^"]+)"\)', style)}
    assert named == {"data:,", "page.css", "page.js", "textual.js", "xterm.css", "RobotoMono.ttf"}
    for name in named - {"data:,"}:
        status, _, body = await visitor.ask(visitor.path + name)
        assert status == 200
        assert len(body) > 200, name
    policy = dict(one.split(" ", 1) for one in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["font-src"] == "'self'"
    assert policy["connect-src"] == f"'self' ws://127.0.0.1:{visitor.port}"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"


async def test_A8_every_answer_has_the_headers_that_keep_it_from_other_pages(visitor: Visitor) -> None:
    refused = (await visitor.ask(visitor.path))[1]
    await visitor.enter()

    for headers in (refused, *[(await visitor.ask(visitor.path + name))[1] for name in ("", "page.js", "x")]):
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "clipboard-read=()" in headers["Permissions-Policy"]


async def test_localhost_is_as_good_as_the_address(visitor: Visitor) -> None:
    await visitor.enter()

    for host in (f"localhost:{visitor.port}", f"[::1]:{visitor.port}", "localhost:8000"):
        status, headers, _ = await visitor.ask(
            visitor.path, {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        )
        assert status == 200
        assert "'self'" in headers["Content-Security-Policy"]


async def test_only_this_machine_can_connect(visitor: Visitor) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        own = probe.getsockname()[0]
    if own.startswith("127."):
        pytest.skip("this machine has no other address")

    with pytest.raises(aiohttp.ClientConnectorError):
        await visitor.session.get(f"http://{own}:{visitor.port}/")


async def test_D10_no_cookie_is_logged_whatever_it_is(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    for cookie in ("a=" + "b" * 4000, "=;=;=;" * 300, '$Version="1"; a="\\"', ";" * 4000, "a=\xff"):
        assert (await visitor.ask(visitor.path, {"Cookie": cookie}))[0] == 403

    assert caplog.records == []


@given(st.lists(st.text(st.characters(codec="latin-1"), max_size=60), max_size=3))
def test_A11_no_cookie_header_is_ours_by_chance_or_an_error(headers: list[str]) -> None:
    door = Door()
    pairs = [("Cookie", one) for one in headers]
    request = make_mocked_request("GET", "/", headers=CIMultiDict(pairs))

    assert not door.knows(request)


async def test_a_folder_s_name_is_text_on_the_page() -> None:
    async with visiting(command(APP), title="<script>alert(1)</script>\x1b") as one:
        await one.enter()
        _, _, page = await one.ask(one.path)

        assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;\\x1b</title>" in page


async def test_no_more_tabs_than_this_machine_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_site, "MOST_TABS", 1)
    async with visiting(command(APP)) as one:
        await one.enter()
        async with one.tab() as tab:
            await tab.pid()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with one.tab():
                    pass
            assert refused.value.status == 503


async def test_a_port_that_is_taken_is_said(visitor: Visitor) -> None:
    with pytest.raises(HotswapError) as refused:
        async with web.showing(Shown((), {}, ""), visitor.port):
            pass

    assert f"port {visitor.port} is in use" in refused.value.message
    assert "--auto-port" not in refused.value.hint


def test_without_a_server_it_ends_with_3(say: Say, tmp_path: Path) -> None:
    said = say("web", "--workspace", str(tmp_path / "nothing"))

    assert said.code == 3
    assert "no server runs in" in said.err
    assert said.out == ""


def test_without_the_extra_it_says_what_to_install(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    said = say("web")

    assert said.code == 1
    assert "pip install 'hotswap-dev[web]'" in said.err
