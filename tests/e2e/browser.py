"""A headless Chromium, driven over its DevTools protocol: what a person would see and type in a browser."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_PATIENCE = 30.0

_KEEPS_THE_TERMINAL = """
Object.defineProperty(Object.prototype, "terminal", {
  configurable: true,
  set(value) {
    Object.defineProperty(this, "terminal", {value, writable: true, configurable: true, enumerable: true});
    if (value && value.buffer) window.theTerminal = value;
  },
});
"""
"""The terminal draws on a canvas, and is a variable of the page's script: this keeps it where a test can read it."""

_TEXT = """
(() => {
  if (!window.theTerminal) return "";
  const buffer = window.theTerminal.buffer.active;
  return Array.from({length: window.theTerminal.rows}, (_, row) =>
    buffer.getLine(buffer.viewportY + row)?.translateToString(true) ?? "").join("\\n");
})()
"""


class Tab:
    """One tab: its requests, its complaints, what its terminal shows."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requested: list[str] = []
        self.complaints: list[str] = []
        self.statuses: dict[str, int] = {}
        self._changed = asyncio.Event()

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol."""
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await asyncio.wait_for(answer, _PATIENCE)

    async def listen(self) -> None:
        """Take what the browser says, until the tab is gone."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                waiting = self._answers.pop(said["id"], None)
                if waiting is not None and not waiting.done():
                    if "error" in said:
                        waiting.set_exception(AssertionError(said["error"]))
                    else:
                        waiting.set_result(said["result"])
                continue
            self._note(said["method"], said["params"])

    def _note(self, method: str, said: dict[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.requested.append(said["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(said["url"])
            case "Network.responseReceived":
                self.statuses[said["response"]["url"]] = said["response"]["status"]
            case "Log.entryAdded":
                self.complaints.append(said["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(said["exceptionDetails"]))

    async def go(self, url: str) -> None:
        """Open an address as a person does who types it."""
        await self.call("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """What JavaScript makes of an expression in the page; a promise is waited for."""
        said = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in said:
            raise AssertionError(said["exceptionDetails"])
        return said["result"].get("value")

    async def text(self) -> str:
        """The terminal's screen, line by line."""
        return str(await self.value(_TEXT))

    async def shows(self, *words: str, without: str | None = None) -> str:
        """The screen, once each of `words` is on it and `without` is not."""
        seen = ""

        async def whether() -> bool:
            nonlocal seen
            seen = await self.text()
            return all(word in seen for word in words) and (without is None or without not in seen)

        await until(whether, lambda: f"{words} but not {without!r} in the terminal, which shows:\n{seen}")
        return seen

    async def type(self, text: str) -> None:
        """Press these keys."""
        for letter in text:
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=letter)

    async def picture(self, path: Path) -> None:
        """A picture of the page, as PNG."""
        said = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(said["data"]))


class Browser:
    """A running browser with a profile of its own."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._site = f"http://127.0.0.1:{port}"

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """A new tab, which is closed at the end of the block."""
        async with self._session.put(f"{self._site}/json/new?about:blank") as answer:
            made = await answer.json()
        async with self._session.ws_connect(made["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            try:
                for domain in ("Page", "Network", "Runtime", "Log"):
                    await tab.call(f"{domain}.enable")
                await tab.call("Page.addScriptToEvaluateOnNewDocument", source=_KEEPS_THE_TERMINAL)
                yield tab
            finally:
                async with self._session.get(f"{self._site}/json/close/{made['id']}"):
                    pass
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)


@asynccontextmanager
async def chromium(profile: Path, *, width: int = 1200, height: int = 760) -> AsyncIterator[Browser]:
    """A browser that is ended, by its own id, with the block."""
    assert CHROMIUM is not None
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless=new",
        *root,
        f"--user-data-dir={profile}",
        "--remote-debugging-port=0",
        f"--window-size={width},{height}",
        "--disable-background-networking",
        "--disable-gpu",
        "--no-first-run",
        "about:blank",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    told = profile / "DevToolsActivePort"
    try:

        async def started() -> bool:
            return told.exists() and len(told.read_text().splitlines()) == 2

        await until(started, lambda: f"{CHROMIUM} to start; it ended with {process.returncode}")
        async with aiohttp.ClientSession() as session:
            yield Browser(session, int(told.read_text().splitlines()[0]))
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()


async def until(whether: Callable[[], Awaitable[bool]], what: Callable[[], str]) -> None:
    """Wait for a condition that has no event; AssertionError names it when it does not come."""
    try:
        async with asyncio.timeout(_PATIENCE):
            while not await whether():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"waited {_PATIENCE} s for {what()}") from None
