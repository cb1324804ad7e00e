"""Pictures of a running dashboard for the README: `python -m tests.dashboard.picture` writes them anew.

A real server in a process of its own, real saves, and clients that check and download over loopback as the plugin does.
What is drawn is what the dashboard's own screen has, cell by cell: text stays text, nothing is loaded from elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import random
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from rich.cells import cell_len
from rich.style import Style
from textual.pilot import Pilot
from textual.strip import Strip

from hotswap_dev.client.control import ControlClient
from hotswap_dev.client.live import LiveControl
from hotswap_dev.dashboard.app import Dashboard
from hotswap_dev.dashboard.themes import DARK
from tests.e2e.server_process import ServerProcess, write_frontend

PICTURES = Path(__file__).parents[2] / "fixtures" / "pictures"
APP = "tide-clock"
VERSION = "0.4.1"

_CELL, _ROW, _FONT, _BASE, _MARGIN = 8.4, 19, 14, 14, 10
_FACES = "ui-monospace,'SF Mono','Cascadia Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace"
_PATIENCE = 20.0
_BEAT = 1.0
_NAMES = {"pixel-8": "Pixel 8", "ipad": "iPad", "mac": "Anna's Mac", "emulator": "Emulator"}


def main() -> None:
    """Write all of them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / APP
        write_project(project)
        with ServerProcess(
            "--project", project, "--port", str(_port()), cwd=project, everything=True
        ) as server:
            pictures = asyncio.run(look(server, project / "dist"))
    for name, drawn in pictures.items():
        (PICTURES / name).write_text(drawn, encoding="utf-8")
        print(f"{PICTURES / name}  {(PICTURES / name).stat().st_size} bytes", file=sys.stderr)


def write_project(project: Path) -> None:
    """A Tauri project whose frontend has been built once."""
    config = {
        "productName": APP,
        "version": VERSION,
        "identifier": "com.example.tideclock",
        "build": {"frontendDist": "../dist"},
        "plugins": {"hotswap": {"channel": "beta"}},
    }
    (project / "src-tauri").mkdir(parents=True)
    (project / "src-tauri" / "tauri.conf.json").write_text(json.dumps(config))
    (project / "package.json").write_text(json.dumps({"name": APP, "scripts": {"tauri": "tauri"}}))
    write_frontend(project / "dist", "build 1", [f"chunk-{number}.js" for number in range(9)])
    # What can't be compressed, as pictures can't.
    (project / "dist" / "harbour.webp").write_bytes(random.Random(1).randbytes(1_180_000))


# --- what happens ---------------------------------------------------------------------------------------------------


class App:
    """An app on a device, as the server sees it: it says who it is, asks, and downloads what it is offered."""

    def __init__(
        self, server: ServerProcess, device: str, platform: str, arch: str, version: str = VERSION
    ) -> None:
        self._server = server
        self._device = device
        self._asks = {"binary_version": version, "platform": platform, "arch": arch, "channel": "beta"}

    def checks(self, sequence: int, times: int = 1) -> Mapping[str, Any] | None:
        """It asks while it runs `sequence`; the manifest, if the last answer was one."""
        answer = b""
        for _ in range(times):
            answer = self._get(f"/api/ota/{sequence}?{urlencode(self._asks)}")
        return json.loads(answer) if answer else None

    def takes(self, sequence: int) -> int:
        """It asks, downloads what it is offered, and reports that; the sequence that it runs then."""
        manifest = self.checks(sequence)
        if manifest is None:
            raise RuntimeError(f"{self._device} was offered nothing above {sequence}")
        self._get(urlsplit(manifest["url"]).path)
        self.checks(manifest["sequence"])
        return int(manifest["sequence"])

    def _get(self, path: str) -> bytes:
        site = urlsplit(self._server.ready["site"])
        with contextlib.closing(
            http.client.HTTPConnection(site.hostname or "", site.port, timeout=_PATIENCE)
        ) as to:
            to.request("GET", path, headers={"X-Device-Id": self._device})
            return to.getresponse().read()


class Day:
    """A working day in fast motion: saves, devices that follow, one that falls back, one that is too old."""

    def __init__(self, server: ServerProcess, dist: Path) -> None:
        self._server = server
        self._dist = dist
        self._act = _commands(server)
        self._pixel = App(server, "pixel-8", "android", "aarch64")
        self._ipad = App(server, "ipad", "ios", "aarch64")
        self._mac = App(server, "mac", "macos", "aarch64")
        self._old = App(server, "emulator", "android", "x86_64", "0.3.0")

    def morning(self) -> None:
        """Until the newest release runs on two devices, and one of them gave it up."""
        self._server.event("published")
        for device, name in _NAMES.items():
            self._act("name-client", client=device, name=name)
        self._mac.takes(0)
        self._pixel.takes(0)
        for number in (2, 3, 4):
            self._saves(number)
        self._ipad.takes(0)
        self._saves(5)
        self._act("withhold", sequence=5)
        self._act("annotate", text="QA round 2: the start screen")
        self._pixel.takes(1)
        self._old.checks(0)
        time.sleep(_BEAT)
        self._saves(6)
        self._ipad.takes(4)
        self._mac.takes(1)
        time.sleep(_BEAT)
        self._ipad.checks(4)  # nobody confirmed 6, so the start after it went back
        self._act("force-204", on=True, client="ipad", times=2)
        self._ipad.checks(4)
        at = self._pixel.takes(4)
        for _ in range(9):
            time.sleep(_BEAT / 3)
            self._mac.checks(at)
            self._pixel.checks(at)

    def afternoon(self) -> None:
        """Until a device is kept waiting for two reasons."""
        self._saves(7)
        self._act("withhold", sequence=7)
        self._saves(8)
        self._act("edit-release", sequence=8, min_binary_version="0.5.0")
        self._mac.checks(6)
        self._pixel.checks(6, times=3)

    def _saves(self, number: int) -> None:
        time.sleep(_BEAT)
        write_frontend(self._dist, f"build {number}")
        self._server.event("published", lambda event: event["sequence"] == number)
        time.sleep(_BEAT)


def _commands(server: ServerProcess) -> Any:
    address, token = _control(server)
    client = ControlClient(address, token)

    def act(verb: str, /, **arguments: Any) -> None:
        client.command(verb, arguments)

    return act


def _control(server: ServerProcess) -> tuple[str, str]:
    """Where its control site is, and the token that lets one in: both stand in `server.json`."""
    written = json.loads((Path(server.ready["workspace"]) / "server.json").read_text())
    return str(written["control"]), str(written["token"])


def _port() -> int:
    """The port that people know, if nobody has it now."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 3333))
        except OSError:
            return 0
    return 3333


# --- what is seen ---------------------------------------------------------------------------------------------------


async def look(server: ServerProcess, dist: Path) -> Mapping[str, str]:
    """The whole dashboard, what it says of a device that is kept waiting, a rollout and a fault that are about to be
    set: by the name of its file, each as SVG.
    """
    app = Dashboard(LiveControl(lambda: _control(server)))
    day = Day(server, dist)
    async with app.run_test(size=(120, 34)) as pilot:
        app.theme = DARK.name
        await asyncio.to_thread(day.morning)
        await _caught_up(app, server, pilot)
        await pilot.press("1", "g", "3")  # the newest release is the selected one
        whole = _drawn(app, range(34))
        await pilot.resize_terminal(96, 20)
        await asyncio.to_thread(day.afternoon)
        await _caught_up(app, server, pilot)
        why = _drawn(app, range(1, 20))
        await pilot.resize_terminal(100, 27)
        await pilot.press("1", "g", "j", "j", "percent_sign", *"10")
        await pilot.pause(_BEAT)
        rollout = _drawn(app, range(27))
        await pilot.press("escape", "2", "g", "x", *"signature")
        await pilot.pause(_BEAT)
        faults = _drawn(app, range(27))
    return {"dashboard.svg": whole, "why.svg": why, "rollout.svg": rollout, "faults.svg": faults}


async def _caught_up(app: Dashboard, server: ServerProcess, pilot: Pilot[int]) -> None:
    """The dashboard shows all that happened."""
    wanted = LiveControl(lambda: _control(server))
    revision = (await wanted.state()).revision
    await wanted.close()
    until = time.monotonic() + _PATIENCE
    while app.mirror.revision < revision:
        if time.monotonic() > until:
            raise RuntimeError(
                f"the dashboard is at {app.mirror.revision}, the server at {revision}: {app.feed.link}"
            )
        await pilot.pause(0.05)
    await pilot.pause()
    app.paint()
    await pilot.pause()


def _drawn(app: Dashboard, rows: range) -> str:
    strips = app.screen._compositor.render_strips()
    return svg([strips[row] for row in rows], app.screen.rich_style)


def svg(strips: Sequence[Strip], base: Style) -> str:
    """Lines of a screen as a picture: every run of text is put where its first cell is, and is as wide as its cells."""
    columns = max(strip.cell_length for strip in strips)
    width = round(columns * _CELL + 2 * _MARGIN)
    height = len(strips) * _ROW + 2 * _MARGIN
    paper = _colour(base, ink=False)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{_FACES}" font-size="{_FONT}">'
    )
    drawn = [
        head,
        "<style>text{white-space:pre}.b{font-weight:700}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{paper}"/>',
    ]
    for row, strip in enumerate(strips):
        drawn.extend(_line(strip, base, row, paper))
    return "\n".join([*drawn, "</svg>", ""])


def _line(strip: Strip, base: Style, row: int, paper: str) -> Iterator[str]:
    top = _MARGIN + row * _ROW
    column = 0
    texts: list[str] = []
    grounds: list[tuple[str, int, int]] = []
    for segment in strip:
        cells = cell_len(segment.text)
        style = base + (segment.style or Style.null())
        ink, ground = _colour(style), _colour(style, ink=False)
        if style.reverse:
            ink, ground = ground, ink
        if grounds and grounds[-1][0] == ground:
            grounds[-1] = (ground, grounds[-1][1], grounds[-1][2] + cells)
        else:
            grounds.append((ground, column, cells))
        said = segment.text.strip()
        if said:
            left = column + cell_len(segment.text) - cell_len(segment.text.lstrip())
            bold = ' class="b"' if style.bold else ""
            texts.append(
                f'<text x="{_MARGIN + left * _CELL:.1f}" y="{top + _BASE}" '
                f'textLength="{cell_len(said) * _CELL:.1f}" fill="{ink}"{bold}>{escape(said, quote=False)}</text>'
            )
        column += cells
    for ground, start, wide in grounds:
        if ground != paper:
            yield (
                f'<rect x="{_MARGIN + start * _CELL:.1f}" y="{top}" width="{wide * _CELL:.1f}" height="{_ROW}" '
                f'fill="{ground}"/>'
            )
    yield from texts


def _colour(style: Style, *, ink: bool = True) -> str:
    chosen = style.color if ink else style.bgcolor
    if chosen is None or chosen.triplet is None:
        return "#e8ebf0" if ink else "#10141a"
    return chosen.triplet.hex


if __name__ == "__main__":
    main()
