"""A server in a process of its own, as a person starts it; and what can be asked of it from outside."""

from __future__ import annotations

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

_PATIENCE = 20.0


class ServerProcess:
    """`hotswap-dev serve … --json`: its ready line, its events, its end. Always ended, by its own id."""

    def __init__(
        self,
        *arguments: str | Path,
        cwd: Path,
        environ: Mapping[str, str] | None = None,
        everything: bool = False,
    ) -> None:
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "hotswap_dev",
                "serve",
                *map(str, arguments),
                "--json=all" if everything else "--json",
            ],
            cwd=cwd,
            env={**clean_environment(cwd), **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.ready: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self.ready = self.event("ready")
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def event(self, name: str, where: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The next event of this name; the ones before it are passed over. AssertionError if none comes in time."""
        deadline = time.monotonic() + _PATIENCE
        passed: list[dict[str, Any]] = []
        while True:
            try:
                event = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {name!r} within {_PATIENCE} s, only {passed}") from None
            if event is None:
                raise AssertionError(
                    f"the server ended ({self.process.wait()}) before {name!r}: {self.errors()}"
                )
            if event["event"] == name and where(event):
                return event
            passed.append(event)

    def check(
        self, sequence: int = 0, binary_version: str = "0.1.0", **query: str
    ) -> tuple[int, dict[str, Any] | None]:
        """Ask as a client: (status, the manifest if one was offered)."""
        asked = {"binary_version": binary_version, "platform": "linux", "arch": "x86_64", **query}
        text = "&".join(f"{name}={value}" for name, value in asked.items())
        status, body = self.get(f"/api/ota/{sequence}?{text}")
        return status, json.loads(body) if status == 200 else None

    def get(self, path_or_url: str) -> tuple[int, bytes]:
        """GET from the client site."""
        site = urlsplit(self.ready["site"])
        parts = urlsplit(path_or_url)
        connection = http.client.HTTPConnection(site.hostname or "", site.port, timeout=_PATIENCE)
        try:
            connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def send(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(_PATIENCE)

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.wait(_PATIENCE)
        self._reader.join(_PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def errors(self) -> str:
        """What it said on stderr, once it has ended."""
        self.process.wait(_PATIENCE)
        return self.process.stderr.read().decode() if self.process.stderr else ""

    def _read(self) -> None:
        stdout = self.process.stdout
        if stdout is not None:
            try:
                for line in stdout:
                    self._lines.put(json.loads(line))
            except ValueError:
                pass
        self._lines.put(None)


def run_command(
    *arguments: str | Path, cwd: Path, environ: Mapping[str, str] | None = None, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, with nothing of this user's around it."""
    return subprocess.run(
        [sys.executable, "-m", "hotswap_dev", *map(str, arguments)],
        cwd=cwd,
        env={**clean_environment(cwd), **(environ or {})},
        input=stdin or "",
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )


def clean_environment(home: Path) -> dict[str, str]:
    """An environment without this user's settings and home."""
    kept = {
        name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "SYSTEMROOT", "TMPDIR")
    }
    return {**kept, "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "PYTHONWARNINGS": "error"}


def write_frontend(folder: Path, text: str = "hello", files: Sequence[str] = ()) -> Path:
    """A small frontend; `text` is in its page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        (folder / name).write_text(f"// {name}")
    (folder / "app.js").write_text(f"console.log({text!r})")
    (folder / "index.html").write_text(f"<!doctype html><script src=app.js></script><p>{text}</p>")
    return folder
