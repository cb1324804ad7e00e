"""One tab of the browser: its own `attach`, between a WebSocket and Textual's packets.

A packet is a letter (`D` what the terminal gets, `M` JSON about the session), the length in 4 bytes, most significant
first, and that many bytes (textual/drivers/web_driver.py). The page sends JSON arrays: `["stdin", TEXT]`, `["resize",
{width, height}]`, `["focus"]`, `["blur"]`, `["ping", ANY]` (textual-serve's textual.js).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from hotswap_dev import wire
from hotswap_dev.domain.text import shown

_log = logging.getLogger(__name__)

DRIVER = "hotswap_dev.cli.web.driver:TabDriver"

_READY = b"__GANGLION__\n"
_LINES_BEFORE_READY = 100
_LARGEST_PACKET = 16 * 1024 * 1024
_LAST_WORDS = 4096
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;:<=>?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
"""Control sequences and operating system commands (ECMA-48 §5.4, §8.3.89): what gives a terminal back says nothing."""
_SECONDS_TO_TYPE = 10.0
_SECONDS_TO_END = 2.0
_SECONDS_TO_DIE = 1.0


@dataclass(frozen=True, slots=True)
class Size:
    """A terminal's size in characters, within what a screen could be."""

    columns: int
    rows: int

    @classmethod
    def within_reason(cls, columns: int, rows: int) -> Size:
        """The nearest size that is worth drawing: whoever asks for a million columns asks for our memory."""
        return cls(min(max(columns, 20), 600), min(max(rows, 5), 300))


async def show(
    command: Sequence[str], environ: Mapping[str, str], page: web.WebSocketResponse, size: Size
) -> None:
    """Run `command`, an app of Textual's, in the open `page` until one of the two ends; then neither is left.

    An app that never drew has its last words shown in the page. OSError if the command can't be started.
    """
    process = await _start(command, environ, size)
    words = asyncio.create_task(_last_words(process), name="last words of a tab")
    screen = asyncio.create_task(_screen(process, page), name="screen of a tab")
    keys = asyncio.create_task(_keys(process, page), name="keys of a tab")
    try:
        await asyncio.wait({screen, keys}, return_when=asyncio.FIRST_COMPLETED)
        # Whoever is left is told: the app by the end of its stdin, the page by the end of the connection.
        await _end(process)
        await asyncio.wait({screen, words}, timeout=_SECONDS_TO_DIE)
        drew = screen.done() and await screen
        said = await words if words.done() else ""
        if said:
            words_said = _clean(said, "\n  ")
            _log.warning("an app in a tab ended with %s and said:\n  %s", process.returncode, words_said)
        if not drew and not page.closed:
            await page.send_bytes(
                _clean(said or f"the dashboard ended with {process.returncode}", "\r\n").encode()
            )
        await page.close()
        await keys
    except ConnectionError:
        pass
    finally:
        for task in (screen, keys, words):
            task.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
        await asyncio.gather(screen, keys, words, return_exceptions=True)


async def _start(command: Sequence[str], environ: Mapping[str, str], size: Size) -> Process:
    drawing = {
        "TEXTUAL_DRIVER": DRIVER,
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "TEXTUAL_FPS": "30",
        "TERM_PROGRAM": "textual",
        "COLUMNS": str(size.columns),
        "ROWS": str(size.rows),
        "PYTHONIOENCODING": "utf-8",
    }
    # A process group of its own: Ctrl-C in our terminal is for us, and we end each tab in order. No shell: a folder
    # may be called anything.
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**environ, **drawing}, **apart
    )


async def _screen(process: Process, page: web.WebSocketResponse) -> bool:
    """Pass on what the app draws until it ends; whether it ever began.

    It is read to its end even when nobody looks: an app that can't write could not end either.
    """
    out = process.stdout
    assert out is not None  # noqa: S101 - a pipe was asked for
    try:
        for _ in range(_LINES_BEFORE_READY):
            line = await out.readline()
            if line == _READY:
                break
            if not line:
                return False
        else:
            return False
        while True:
            head = await out.readexactly(5)
            length = int.from_bytes(head[1:], "big")
            if length > _LARGEST_PACKET:
                _log.error("an app in a tab sent a packet of %d bytes, which is none", length)
                process.kill()
                return True
            packet = await out.readexactly(length)
            # Nothing else is passed on: the addresses that it would have the browser open, the files to take.
            if head[:1] == b"D" and not page.closed:
                with contextlib.suppress(ConnectionError):
                    await page.send_bytes(packet)
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        return True


async def _keys(process: Process, page: web.WebSocketResponse) -> None:
    """Pass on what is typed until the page or the app is gone."""
    stdin = process.stdin
    assert stdin is not None  # noqa: S101 - a pipe was asked for
    async for message in page:
        if message.type is not WSMsgType.TEXT:
            continue
        try:
            packet, answer = packet_of(wire.decode(message.data))
        except msgspec.DecodeError:
            continue
        if answer is not None:
            with contextlib.suppress(ConnectionError):
                await page.send_str(answer)
        if packet:
            try:
                stdin.write(packet)
                async with asyncio.timeout(_SECONDS_TO_TYPE):
                    await stdin.drain()
            except (ConnectionError, TimeoutError):
                return


def packet_of(said: wire.Json) -> tuple[bytes, str | None]:
    """What the app gets of a page's message, and what the page is answered; nothing for what is no such message."""
    match said:
        case ["stdin", str(text)]:
            return _packet(b"D", text.encode("utf-8", "replace")), None
        case ["resize", {"width": int(columns), "height": int(rows)}]:
            size = Size.within_reason(columns, rows)
            return _about(type="resize", width=size.columns, height=size.rows), None
        case ["focus" | "blur" as kind, *_]:
            return _about(type=kind), None
        case ["ping", str(text)]:
            return b"", wire.encode(["pong", text[:100]]).decode()
        case _:
            return b"", None


def _about(**fields: object) -> bytes:
    return _packet(b"M", wire.encode(fields))


def _packet(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload


async def _end(process: Process) -> None:
    """Have the process end: asked by the end of its stdin, then told, then killed."""
    if process.stdin is not None:
        process.stdin.close()
    for seconds, harder in ((_SECONDS_TO_END, process.terminate), (_SECONDS_TO_DIE, process.kill)):
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
                return
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                harder()
    await process.wait()


async def _last_words(process: Process) -> str:
    """The end of what the app says on stderr, which is read so that it never waits for us."""
    err = process.stderr
    assert err is not None  # noqa: S101 - a pipe was asked for
    said = b""
    while data := await err.read(_LAST_WORDS):
        said = (said + data)[-_LAST_WORDS:]
    return _ESCAPES.sub("", said.decode("utf-8", "replace")).strip()


def _clean(text: str, between: str) -> str:
    return between.join(shown(line, 500) for line in text.splitlines())
