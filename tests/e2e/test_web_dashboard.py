"""`hotswap-dev web` as a person starts it: its one line, its end, and the dashboard in a real browser."""

from __future__ import annotations

import asyncio
import html
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
import pytest

from tests.e2e.browser import CHROMIUM, Browser, chromium, until
from tests.e2e.server_process import ServerProcess, clean_environment, run_command, write_frontend
from tests.unit.cli.tabs import Visitor, is_gone

pytestmark = pytest.mark.screens

in_a_browser = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
    pytest.mark.timeout(120),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that offers release 1, in a folder that a shell or an import would trip over."""
    folder = tmp_path / "it's $(my) app"
    folder.mkdir()
    (folder / "textual.py").write_text("raise SystemExit('this is no Textual')")
    with ServerProcess(write_frontend(folder / "dist"), "--port", "0", cwd=folder) as running:
        running.event("published")
        yield running


@contextmanager
def web(
    server: ServerProcess, *arguments: str, environ: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`hotswap-dev web` beside the server, and the address that it prints."""
    workspace = server.ready["workspace"]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "hotswap_dev", "web", "--workspace", workspace, *arguments],
        cwd=Path(workspace).parent,
        env={**clean_environment(Path(workspace)), **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), process.communicate()
            yield process, address
        finally:
            process.kill()


@asynccontextmanager
async def visiting(address: str) -> AsyncIterator[Visitor]:
    """Somebody who was let in, without a browser."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        visitor = Visitor(session, address)
        await visitor.enter()
        yield visitor


def children(pid: int) -> list[int]:
    """The processes that this one started, where Linux says so."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def state(server: ServerProcess) -> dict[str, Any]:
    """`GET /api/state`, by the command line."""
    said = await asyncio.to_thread(
        run_command, "status", "--json", "--workspace", server.ready["workspace"], cwd=Path.cwd()
    )
    assert said.returncode == 0, said.stderr
    answer: dict[str, Any] = json.loads(said.stdout)
    return answer


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")


@needs_proc
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SIGINT", 130),
        pytest.param("SIGTERM", 143, marks=pytest.mark.slow),
        pytest.param("SIGHUP", 129, marks=pytest.mark.slow),
    ],
)
async def test_E16_a_signal_ends_it_in_order_and_every_tab_s_process(
    server: ServerProcess, name: str, code: int
) -> None:
    with web(server) as (process, address):
        async with visiting(address) as visitor, visitor.tab() as tab:
            await tab.shows("Releases")
            dashboards = children(process.pid)
            assert len(dashboards) == 1
            process.send_signal(getattr(signal, name))
            await tab.to_the_end()
        assert await asyncio.to_thread(process.wait, 5) == code
        assert process.communicate() == ("", "")
        for pid in dashboards:
            await is_gone(pid)
    assert server.check()[0] == 200


@pytest.fixture
def ignored_hangups() -> Iterator[None]:
    """As `nohup` has it: what is started from here ignores them from the start."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP here")
@pytest.mark.usefixtures("ignored_hangups")
async def test_E16_what_was_started_to_ignore_hangups_outlives_its_terminal(tmp_path: Path) -> None:
    dist = write_frontend(tmp_path / "dist")
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server, web(server) as (process, address):
        for started in (server.process, process):
            started.send_signal(signal.SIGHUP)

        async with visiting(address) as visitor, visitor.tab() as tab:
            await tab.shows("Releases")
        assert server.check()[0] in (200, 204)
        for started in (process, server.process):
            started.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(started.wait, 5) == 143


@needs_proc
@pytest.mark.slow
async def test_E16_a_kill_leaves_no_dashboard_behind(server: ServerProcess) -> None:
    with web(server) as (process, address):
        async with visiting(address) as visitor, visitor.tab() as tab:
            await tab.shows("Releases")
            dashboards = children(process.pid)
            process.kill()
        for pid in dashboards:
            await is_gone(pid)


async def test_a_tab_says_that_the_server_is_gone_when_it_is_opened_too_late(server: ServerProcess) -> None:
    with web(server) as (_, address):
        server.send(signal.SIGTERM)
        async with visiting(address) as visitor, visitor.tab() as tab:
            await tab.to_the_end()
            assert tab.drawn.startswith("error: no server runs in ")


async def test_A11_the_token_is_in_no_file_and_no_log(server: ServerProcess) -> None:
    with web(server) as (process, address):
        async with visiting(address) as visitor:
            await visitor.ask("/nothing")
            secrets = (urlsplit(address).query.partition("=")[2], visitor.cookie.partition("=")[2])
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 5)

    for path in Path(server.ready["workspace"]).rglob("*"):
        for secret in secrets if path.is_file() else ():
            assert secret.encode() not in path.read_bytes(), path


async def test_A11_the_browser_is_opened_without_the_address_in_the_list_of_processes_and_not_waited_for(
    server: ServerProcess, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    browser = tmp_path / "browser.py"
    browser.write_text(
        "import pathlib, sys\n"
        f"path = pathlib.Path({str(told)!r})\n"
        "path.with_suffix('.part').write_text(sys.argv[1])\n"
        "path.with_suffix('.part').rename(path)\n"
        "sys.stdin.read()\n"
    )
    with web(server, "--open", environ={"BROWSER": f"{sys.executable} {browser} %s"}) as (process, address):

        async def opened() -> bool:
            return told.exists()

        await until(opened, lambda: "the browser to be started")
        assert urlsplit(told.read_text()).scheme == "file"
        way_in = Path(unquote(urlsplit(told.read_text()).path))
        assert html.unescape(way_in.read_text()).count(address) == 2
        if sys.platform != "win32":
            assert way_in.stat().st_mode & 0o777 == 0o600
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 5) == 143
    assert not way_in.exists()


@needs_proc
async def test_A11_a_tab_s_process_is_given_no_key(server: ServerProcess) -> None:
    secrets = {
        "HOTSWAP_DEV_KEY_PASSWORD": "first secret",
        "TAURI_SIGNING_PRIVATE_KEY": "second secret",
        "TAURI_SIGNING_PRIVATE_KEY_PASSWORD": "third secret",
    }
    with web(server, environ={**secrets, "KEPT": "no secret"}) as (process, address):
        async with visiting(address) as visitor, visitor.tab() as tab:
            await tab.shows("Releases")
            (dashboard,) = children(process.pid)
            environ = Path(f"/proc/{dashboard}/environ").read_bytes().split(b"\0")

    assert b"KEPT=no secret" in environ
    for name, value in secrets.items():
        assert not any(name.encode() in one or value.encode() in one for one in environ)


@asynccontextmanager
async def a_browser(tmp_path: Path) -> AsyncIterator[Browser]:
    """A browser with a new profile."""
    async with chromium(tmp_path / "profile") as browser:
        yield browser


class TestInABrowser:
    """What only a real one shows."""

    pytestmark = in_a_browser

    async def test_the_dashboard_is_shown_and_a_key_acts(self, server: ServerProcess, tmp_path: Path) -> None:
        with web(server) as (_, address):
            async with a_browser(tmp_path) as browser, browser.tab() as tab:
                await tab.go(address)
                await tab.shows("Releases", "Clients")
                assert await tab.value("location.search") == ""
                assert (await state(server))["controls"]["forced"] == []

                await tab.type("N")
                await tab.shows("no update ×1")

                assert len((await state(server))["controls"]["forced"]) == 1
                assert server.check()[0] == 204
                await tab.shows("forced-204")

    async def test_the_file_that_leads_to_the_address_lets_its_browser_in(
        self, server: ServerProcess, tmp_path: Path
    ) -> None:
        told = tmp_path / "told"
        opener = tmp_path / "opener.py"
        opener.write_text(
            f"import pathlib, sys\npathlib.Path({str(told)!r}).write_text(sys.argv[1] + '\\n')\n"
        )
        environ = {"BROWSER": f"{sys.executable} {opener} %s"}
        with web(server, "--open", environ=environ) as (_, address):

            async def opened() -> bool:
                return told.exists() and told.read_text().endswith("\n")

            await until(opened, lambda: "the browser to be started")
            async with a_browser(tmp_path) as browser, browser.tab() as tab:
                await tab.go(told.read_text().strip())
                await tab.shows("Releases", "Clients")
                page = await tab.value("location.href")
                assert page == address.partition("?")[0]
                own = {status for url, status in tab.statuses.items() if url.startswith("http:")}
                assert own == {200}

    async def test_two_tabs_of_one_browser_agree(self, server: ServerProcess, tmp_path: Path) -> None:
        with web(server) as (process, address):
            async with a_browser(tmp_path) as browser, browser.tab() as first:
                await first.go(address)
                await first.shows("Releases")
                page = await first.value("location.href")
                async with browser.tab() as second:
                    await second.go(page)
                    await second.shows("Releases")
                    assert len(children(process.pid)) == 2

                    await first.type("N")
                    await asyncio.gather(first.shows("no update ×1"), second.shows("no update ×1"))
                    await second.type("Z")
                    await asyncio.gather(
                        first.shows(without="no update ×1"), second.shows(without="no update ×1")
                    )
                    assert (await state(server))["controls"]["forced"] == []

                async def one_is_left() -> bool:
                    return len(children(process.pid)) == 1

                await until(one_is_left, lambda: "the closed tab's process to end")

    async def test_nothing_is_asked_of_anybody_else(self, server: ServerProcess, tmp_path: Path) -> None:
        with web(server) as (_, address):
            async with a_browser(tmp_path) as browser, browser.tab() as tab:
                await tab.go(address)
                await tab.shows("Releases")

                own = urlsplit(address).netloc
                assert {urlsplit(url).netloc for url in tab.requested if not url.startswith("data:")} == {own}
                assert any(url.startswith(f"ws://{own}/") for url in tab.requested)
                assert set(tab.statuses.values()) == {200}
                assert [text for text in tab.complaints if "WebGL" not in text] == []
                # That the policy holds is seen by what it stops.
                stopped = "fetch('http://127.0.0.1:1/').then(() => 'went', () => 'stopped')"
                assert await tab.value(stopped) == "stopped"
                assert any("Content Security Policy" in text for text in tab.complaints)

    async def test_A12_another_page_of_the_same_browser_gets_no_terminal(
        self, server: ServerProcess, tmp_path: Path
    ) -> None:
        with web(server) as (process, address):
            async with a_browser(tmp_path) as browser, browser.tab() as tab:
                await tab.go(address)
                await tab.shows("Releases")
                page = urlsplit(await tab.value("location.href"))
                before = children(process.pid)
                async with browser.tab() as foreign:
                    # The server's own page: this machine, the same host, another port, and the browser has the cookie.
                    await foreign.go(server.ready["site"])
                    for url in (
                        f"ws://{page.netloc}{page.path}terminal",
                        f"ws://localhost:{page.port}{page.path}terminal",
                    ):
                        opened = await foreign.value(
                            f"new Promise(done => {{const s = new WebSocket({url!r});"
                            "s.onopen = () => done('opened'); s.onerror = () => done('refused')})"
                        )
                        assert opened == "refused"
                    for path in (page.path, f"{page.path}textual.js"):
                        got = await foreign.value(
                            f"fetch('http://{page.netloc}{path}', {{credentials: 'include'}})"
                            ".then(() => 'read', () => 'refused')"
                        )
                        assert got == "refused"
                assert children(process.pid) == before

    async def test_the_address_opens_no_second_browser(self, server: ServerProcess, tmp_path: Path) -> None:
        with web(server) as (_, address):
            async with a_browser(tmp_path / "first") as mine, mine.tab() as tab:
                await tab.go(address)
                await tab.shows("Releases")
                async with a_browser(tmp_path / "second") as other, other.tab() as late:
                    await late.go(address)

                    async def told() -> bool:
                        return "this address was used already" in str(
                            await late.value("document.body?.innerText ?? ''")
                        )

                    await until(told, lambda: "the refusal")
                    assert late.statuses[address] == 403
                await tab.go(address)
                await tab.shows("Releases")

    async def test_a_dashboard_that_ended_is_opened_again_by_a_button(
        self, server: ServerProcess, tmp_path: Path
    ) -> None:
        with web(server) as (_, address):
            async with a_browser(tmp_path) as browser, browser.tab() as tab:
                await tab.go(address)
                await tab.shows("Releases")
                await tab.type("q")

                async def ended() -> bool:
                    return bool(await tab.value("document.getElementById('again').offsetParent !== null"))

                await until(ended, lambda: "the dashboard to end")
                await tab.value("delete window.theTerminal; document.getElementById('again').click()")
                await tab.shows("Releases")

    async def test_C3_what_is_copied_reaches_the_clipboard_which_nothing_on_the_page_can_read(
        self, server: ServerProcess, tmp_path: Path
    ) -> None:
        with web(server) as (_, address):
            async with a_browser(tmp_path) as browser, browser.tab() as tab:
                await tab.go(address)
                await tab.shows("Releases")
                await tab.value("navigator.clipboard.writeText = async text => { window.copied = text }; 0")
                await tab.type("y")
                await tab.shows("Copy")
                await tab.type("\r")

                async def copied() -> bool:
                    return server.ready["site"] in str(await tab.value("window.copied ?? ''"))

                await until(copied, lambda: "the address to be copied")
                read = "navigator.clipboard.readText().then(() => 'read', error => error.name)"
                assert await tab.value(read) == "NotAllowedError"
