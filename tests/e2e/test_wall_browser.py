"""The wall of phones in a real browser: what it shows, and what a hostile page in one of its frames can do: nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.packing.signing import new_key
from hotswap_dev.server import wall_site
from hotswap_dev.server.connections import Connection
from hotswap_dev.server.run import ServerOptions, serving
from hotswap_dev.storage.keys import KeyHome
from tests.e2e.browser import CHROMIUM, chromium, until
from tests.e2e.wall_tabs import holds, looking_at
from tests.server.asking import Asking
from tests.server.walls import opened, runs
from tests.unit.domain.clients import a_download, an_offer

DEMANDED = os.environ.get("HOTSWAP_DEV_REQUIRE_TOOLS") == "1"
pytestmark = [
    pytest.mark.screens,
    # Where tools are demanded (in CI) their absence is a failure.
    pytest.mark.skipif(CHROMIUM is None and not DEMANDED, reason="needs chromium"),
    pytest.mark.timeout(120),
]

SAMPLES = Path(__file__).parents[2] / "sample_bundles"

_TELL = "const tell = (what, how) => { new Image().src = `/told.svg?${encodeURIComponent(what)}=${how}` };"
"""How a page says something to a test: it asks for a file of its own, which is all that it may ask for."""


@dataclass
class Recording:
    """Every byte that any site of the server received, by port."""

    heard: list[tuple[int, bytes]] = field(default_factory=list)

    def of_browser(self, port: int) -> list[bytes]:
        """What a browser sent to this port."""
        return [data for at, data in self.heard if at == port and b"Mozilla" in data]

    def told(self, sequence: int) -> dict[str, str]:
        """What the page of a release said."""
        said: dict[str, str] = {}
        for _, data in self.heard:
            for piece in data.split(b"GET ")[1:]:
                if b"/told.svg?" in piece[:200] and f"Host: s{sequence}-".encode() in piece:
                    said |= parse_qsl(urlsplit(piece.split(b" ", 1)[0].decode()).query)
        return said


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Recording:
    kept = Recording()
    received = Connection.data_received

    def data_received(self: Connection, data: bytes) -> None:
        assert self.transport is not None
        kept.heard.append((self.transport.get_extra_info("sockname")[1], data))
        received(self, data)

    monkeypatch.setattr(Connection, "data_received", data_received)
    return kept


@pytest.fixture
async def server(tmp_path: Path, recording: Recording) -> AsyncIterator[Asking]:
    options = ServerOptions(
        engine=EngineOptions(dist=None, app_version="1.0.0", channel="production"),
        workspace=tmp_path / "w",
        app="my-app",
    )
    async with (
        serving(options, new_key(), KeyHome(tmp_path / "keys")) as running,
        aiohttp.ClientSession() as session,
    ):
        yield Asking(running, session)


async def told(recording: Recording, sequence: int, *names: str) -> dict[str, str]:
    """What a release's page said, once it said all of these."""

    async def whether() -> bool:
        return set(names) <= recording.told(sequence).keys()

    await until(whether, lambda: f"{names} of {recording.told(sequence)}")
    return recording.told(sequence)


def write_page(folder: Path, script: str, head: str = "", *, kind: str = "") -> Path:
    """A bundle with this script, absolute as Vite has it."""
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "app.js").write_text(script)
    (folder / "told.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "index.html").write_text(
        f"<!doctype html><html><head>{head}<script {kind} src='/assets/app.js'></script></head>"
        "<body>here</body></html>"
    )
    return folder


async def test_every_client_is_a_frame_with_its_page_and_a_change_is_seen_at_once(
    server: Asking, tmp_path: Path
) -> None:
    for name in ("hello-v1", "hello-v2"):
        await server.publish(SAMPLES / name)
    wall = await opened(server)
    runs(server, "phone", 1)
    runs(server, "<b>bold</b>", 0)
    async with looking_at(wall, tmp_path) as tab:
        frames = "[...document.querySelectorAll('iframe')]"
        assert await tab.value(f"{frames}.map(f => f.src.replace(/-.*/, ''))") == ["http://s1"]
        assert await tab.value(f"{frames}.map(f => f.sandbox.value + f.allow + f.referrerPolicy)") == [
            "allow-scriptsno-referrer"
        ]
        await holds(tab, f"{frames}.every(f => f.classList.contains('loaded'))")
        assert "<b>bold</b>" in await tab.value("document.getElementById('wall').innerText")
        assert await tab.value("document.querySelectorAll('main b').length") == 3  # two sequences, one said

        server.engine.observe(an_offer(2, client="phone", sequence=1))
        server.engine.observe(a_download(2, client="phone"))
        runs(server, "phone", 2)
        await holds(tab, f"{frames}[0]?.src.startsWith('http://s2-')")
        await holds(tab, "document.querySelector('.line .came').textContent.startsWith('1 of 2 run it')")
        await holds(
            tab, "document.querySelector('[data-standing=newest] .standing').textContent === 'newest'"
        )

        runs(server, "phone", 1)
        await holds(tab, f"{frames}[0]?.src.startsWith('http://s1-')")
        await holds(tab, "document.querySelector('[data-tone=bad]').innerText.includes('fell back')")
        assert tab.complaints == []
        assert {url.partition("?")[0] for url, status in tab.statuses.items() if status >= 400} == set()
        own = {urlsplit(url).port for url in tab.requested if url.startswith("http")}
        assert own == {wall.port}


async def test_one_wall_too_many_says_so_and_has_its_turn_when_another_is_closed(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = await opened(server)
    monkeypatch.setattr(wall_site, "MOST_VIEWERS", 0)
    async with chromium(tmp_path / "profile") as browser, browser.tab() as tab:
        await tab.go(wall.url)
        await holds(tab, "document.getElementById('trouble')?.textContent.includes('Too many walls')")
        monkeypatch.setattr(wall_site, "MOST_VIEWERS", 1)
        await holds(tab, "document.body.dataset.shown === 'yes'")
        assert await tab.value("document.getElementById('trouble').hidden")


@pytest.mark.parametrize(("count", "theme"), [(12, "light"), (24, "dark"), (90, "light")])
async def test_all_of_the_wall_is_in_sight_without_scrolling(
    server: Asking, tmp_path: Path, count: int, theme: str
) -> None:
    await server.publish(SAMPLES / "hello-v1")
    wall = await opened(server)
    for number in range(count):
        runs(server, f"phone-{number:02}", 1, platform="android")
    async with looking_at(wall, tmp_path, theme) as tab:
        shown = min(count, 60)
        assert await tab.value("document.querySelectorAll('figure').length") == shown
        seen = await tab.value(
            "[...document.querySelectorAll('figure')].filter(f => { const r = f.getBoundingClientRect(),"
            " c = f.querySelector('figcaption').getBoundingClientRect();"
            " return r.top >= 50 && c.bottom <= 700 && r.left >= 0 && r.right <= 1280 }).length"
        )
        assert seen == shown
        assert await tab.value("document.documentElement.scrollHeight") <= 720
        more = await tab.value("document.getElementById('more').textContent")
        assert more == ("and 30 more" if count == 90 else "")
        light = await tab.value("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] > 128")
        assert light == (theme == "light")


async def test_a_build_of_modules_with_absolute_addresses_runs(
    server: Asking, tmp_path: Path, recording: Recording
) -> None:
    script = (
        f"{_TELL} import {{ two }} from './two.js'; tell('module', two);"
        "import('/assets/lazy.js').then(m => tell('lazy', m.three));"
        "fetch('/data.json').then(r => r.json()).then(j => tell('json', j.four));"
        "tell('path', encodeURIComponent(location.pathname));"
    )
    folder = write_page(tmp_path / "vite", script, kind='type="module" crossorigin')
    (folder / "assets" / "two.js").write_text("export const two = 2")
    (folder / "assets" / "lazy.js").write_text("export const three = 3")
    (folder / "data.json").write_text('{"four": 4}')
    await server.publish(folder)
    wall = await opened(server)
    runs(server, "phone", 1)
    async with looking_at(wall, tmp_path):
        assert await told(recording, 1, "module", "lazy", "json", "path") == {
            "module": "2",
            "lazy": "3",
            "json": "4",
            "path": "/",
        }


_ATTEMPTS = """
const tries = [];
const attempt = (name, doing) => tries.push((async () => {
  try { const how = await doing(); tell(name, how === undefined ? "done" : how); }
  catch (error) { tell(name, error.name || "refused"); }
})());
const loads = (element, attribute, url) => new Promise((done) => {
  element.onload = () => done("loaded");
  element.onerror = () => done("refused");
  setTimeout(() => done("silence"), 1500);
  element[attribute] = url;
  document.body.append(element);
});
const event = (source) => new Promise((done) => {
  source.onopen = () => done("opened");
  source.onerror = () => done("refused");
  setTimeout(() => done("silence"), 1500);
});
const soon = (url) => new Promise((done) => setTimeout(done, 300));

addEventListener("DOMContentLoaded", async () => {
  attempt("parent", () => parent.document.title);
  attempt("top", () => top.location.href);
  attempt("storage", () => localStorage.length);
  attempt("cookie", () => document.cookie);
  attempt("database", () => indexedDB.open("x") && "opened");
  attempt("alert", () => { alert("evil"); });
  attempt("popup", () => String(window.open(TARGETS[0] + "popup")));
  attempt("worker", () => navigator.serviceWorker.register("/assets/app.js").then(() => "registered"));
  attempt("referrer", () => document.referrer || "none");
  for (const [at, target] of TARGETS.entries()) {
    const url = (kind) => `${target}${kind}`;
    attempt(`fetch${at}`, () => fetch(url("fetch"), { mode: "no-cors" }).then(() => "read"));
    attempt(`post${at}`, () => fetch(url("post"), { method: "POST", body: "{}", keepalive: true }).then(() => "read"));
    attempt(`xhr${at}`, () => new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("GET", url("xhr"));
      request.onload = () => done("read");
      request.onerror = () => done("refused");
      request.send();
    }));
    attempt(`beacon${at}`, () => String(navigator.sendBeacon(url("beacon"), "x")));
    attempt(`events${at}`, () => event(new EventSource(url("events"))));
    attempt(`socket${at}`, () => event(new WebSocket(url("socket").replace("http", "ws"))));
    attempt(`image${at}`, () => loads(document.createElement("img"), "src", url("image")));
    attempt(`script${at}`, () => loads(document.createElement("script"), "src", url("script")));
    attempt(`module${at}`, () => import(url("module")).then(() => "read"));
    attempt(`frame${at}`, () => loads(document.createElement("iframe"), "src", url("frame")));
    attempt(`object${at}`, () => loads(document.createElement("object"), "data", url("object")));
    attempt(`video${at}`, () => loads(document.createElement("video"), "src", url("video")));
    attempt(`font${at}`, () => new FontFace("x", `url(${url("font")})`).load().then(() => "read"));
    for (const rel of ["stylesheet", "prefetch", "preload", "manifest", "icon", "modulepreload", "prerender"]) {
      const link = document.createElement("link");
      Object.assign(link, { rel, as: rel === "preload" ? "image" : "" });
      attempt(`${rel}${at}`, () => loads(link, "href", url(rel)));
    }
    attempt(`form${at}`, () => {
      const form = Object.assign(document.createElement("form"), { action: url("form"), method: "post" });
      document.body.append(form);
      form.submit();
      return soon();
    });
    attempt(`ping${at}`, () => {
      const link = Object.assign(document.createElement("a"), { href: "#x", ping: url("ping") });
      document.body.append(link);
      link.click();
      return soon();
    });
    attempt(`top${at}`, () => {
      const link = Object.assign(document.createElement("a"), { href: url("top"), target: "_top" });
      document.body.append(link);
      link.click();
      return soon();
    });
    attempt(`location${at}`, () => { top.location = url("location"); });
    attempt(`blob${at}`, () => new Promise((done) => {
      const code = `fetch(${JSON.stringify(url("blob"))}, { mode: "no-cors" })`
        + ".then(() => postMessage('read'), () => postMessage('refused'))";
      const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
      worker.onmessage = (said) => done(said.data);
      worker.onerror = () => done("refused");
      setTimeout(() => done("silence"), 1500);
    }));
    const style = document.createElement("style");
    style.textContent = `@import "${url("import")}"; body { background: url(${url("background")}); }`;
    document.head.append(style);
    const rules = Object.assign(document.createElement("script"), { type: "speculationrules" });
    rules.textContent = JSON.stringify({ prefetch: [{ source: "list", urls: [url("speculation")] }] });
    document.head.append(rules);
    parent.postMessage(url("message"), "*");
  }
  try {
    const peer = new RTCPeerConnection({ iceServers: [{
      urls: `turn:${new URL(TARGETS[0]).host}?transport=tcp`, username: "evil", credential: "evil",
    }] });
    peer.createDataChannel("x");
    peer.setLocalDescription(await peer.createOffer());
  } catch { /* no HTTP in any case: wall/preview.py says what of it no policy stops */ }
  await Promise.all(tries);
  await new Promise((done) => setTimeout(done, 500));
  tell("all", tries.length);
});
"""

_SUCCESS = {"read", "opened", "loaded", "registered"}


async def test_A12_a_hostile_page_in_a_frame_reaches_neither_the_wall_nor_any_other_site(
    server: Asking, tmp_path: Path, recording: Recording
) -> None:
    """It even knows all of the addresses, keys and all."""
    wall = await opened(server)
    file = server.running.file
    targets = [f"{file.control}/api/state?evil=", f"{file.site}/api/ota/0?evil=", f"{wall.url}?evil="]
    targets += [f"{wall.url}events?evil="]
    script = f"{_TELL} const TARGETS = {targets!r};\n{_ATTEMPTS}"
    await server.publish(write_page(tmp_path / "hostile", script))
    escapes = [
        *(f"location.href = '{target}escape'" for target in targets),
        f"document.write('<meta http-equiv=refresh content=\"0; url={targets[0]}refresh\">')",
        "for (let i = 0; i < 100; i++) alert('evil')",
    ]
    for number, escape in enumerate(escapes):
        await server.publish(write_page(tmp_path / f"escape-{number}", f"{_TELL} tell('ran', 1); {escape}"))
    for sequence in range(1, len(escapes) + 2):
        runs(server, f"phone-{sequence}", sequence)
    dialogs: list[str] = []

    async with looking_at(wall, tmp_path) as tab:
        note = tab._note

        def noting(method: str, said: dict[str, Any]) -> None:
            if method == "Page.javascriptDialogOpening":
                dialogs.append(said["message"])
            note(method, said)

        tab._note = noting  # type: ignore[method-assign]
        outcomes = await told(recording, 1, "all")
        for sequence in range(2, len(escapes) + 2):
            await told(recording, sequence, "ran")
        runs(server, "one-more", 0)
        await holds(tab, f"document.querySelectorAll('figure').length === {len(escapes) + 2}")
        assert await tab.value("location.href") == wall.url
        assert await tab.value("window.length") == len(escapes) + 1

    assert len(outcomes) == int(outcomes["all"]) + 1
    # A frame is loaded with the browser's own words for what it refused: of that the recording tells.
    assert not [name for name, how in outcomes.items() if how in _SUCCESS and not name.startswith("frame")]
    for name in ("parent", "top", "storage", "cookie", "database", "worker"):
        assert outcomes[name] == "SecurityError", name
    assert (outcomes["popup"], outcomes["referrer"]) == ("null", "none")
    assert dialogs == []
    client, control = server.port, server.control_port
    assert recording.of_browser(control) == []
    assert recording.of_browser(client) == []
    # Nor does what is no HTTP, such as WebRTC's packets, carry a word of the page's there.
    assert not [data for at, data in recording.heard if at in (client, control) and b"evil" in data]
    # The wall's own names got what its own page asked for, and nothing of what was tried.
    reached = [
        data for data in recording.of_browser(wall.port) if f"Host: 127.0.0.1:{wall.port}".encode() in data
    ]
    assert reached
    assert not [data for data in reached if b"evil" in data]
    paths = [piece.split(b" ")[0] for data in reached for piece in data.split(b"GET ")[1:]]
    assert {path.decode().removeprefix(wall.path) for path in paths} == {"", "wall.css", "wall.js", "events"}


async def test_a_page_in_an_endless_loop_holds_up_neither_the_wall_nor_the_pages_of_other_releases(
    server: Asking, tmp_path: Path, recording: Recording
) -> None:
    """Each release has a host of its own, so that a browser that isolates sites gives it a process of its own."""
    loop = f"{_TELL} tell('ran', 1); setTimeout(() => {{ for (;;); }}, 300)"
    await server.publish(write_page(tmp_path / "loop", loop))
    beat = f"{_TELL} let beats = 0; setInterval(() => tell('beat' + beats++, 1), 100)"
    await server.publish(write_page(tmp_path / "beat", beat))
    wall = await opened(server)
    runs(server, "loops", 1)
    runs(server, "beats", 2)
    async with looking_at(wall, tmp_path) as tab:
        await told(recording, 1, "ran")
        await told(recording, 2, "beat20")
        runs(server, "late", 2)
        await holds(tab, "document.querySelectorAll('figure').length === 3")
