"""The actual `tauri-plugin-hotswap` as a Python object: build its driver once, launch it, ask it.

One `RealClient` is one launch of an app; a restart is another launch with the same `data_home`. What the driver
speaks is described in `driver/src/main.rs`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

IDENTIFIER = "com.example.real-client"
SOURCE = Path(__file__).parent / "driver"
BUILD_LIMIT = 30 * 60.0
ANSWER_LIMIT = 20.0
"""Seconds: an apply whose download fails takes 7 with the plugin's default of three retries."""
_MAX_LINE = 256 * 1024 * 1024


# --- building ------------------------------------------------------------------------------------------------------


def missing_requirement() -> str | None:
    """Why the driver can't be built or driven on this machine, or None."""
    if sys.platform != "linux":
        return "the plugin's data folder can be moved by XDG_DATA_HOME on Linux only"
    for tool in ("cargo", "pkg-config", "cc"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    for library, package in (("gtk+-3.0", "libgtk-3-dev"), ("openssl", "libssl-dev")):
        if subprocess.run(["pkg-config", "--exists", library], check=False).returncode != 0:
            return f"pkg-config does not find {library} (Debian: {package})"
    return None


def built_driver() -> Path:
    """The driver's binary: from the cache, or built into it by cargo (about 4 minutes on two cores, once).

    The cache is `$HOTSWAP_DEV_CACHE`, else `~/.cache/hotswap-dev`; a change of the driver's sources is another key.
    Cargo works on a copy there, so that a checkout gets neither a lock file nor a target folder. RuntimeError holds
    cargo's last words where it fails.
    """
    cache = (
        Path(os.environ.get("HOTSWAP_DEV_CACHE") or Path.home() / ".cache" / "hotswap-dev") / "real-client"
    )
    sources = _sources()
    binary = cache / f"driver-{_key(sources)}"
    if binary.exists():
        return binary
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "build.lock"):
        if not binary.exists():
            _build(cache, sources, binary)
    return binary


def _sources() -> dict[str, bytes]:
    names = ["Cargo.toml", ".cargo/config.toml", *(f"src/{path.name}" for path in SOURCE.glob("src/*.rs"))]
    return {name: (SOURCE / name).read_bytes() for name in sorted(names)}


def _key(sources: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256(platform.machine().encode())
    for name, content in sources.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _build(cache: Path, sources: Mapping[str, bytes], binary: Path) -> None:
    crate, target = cache / "crate", cache / "target"
    # Cargo.lock stays from build to build: the same dependencies, and no network for a change of ours.
    shutil.rmtree(crate / "src", ignore_errors=True)
    for name, content in sources.items():
        (crate / name).parent.mkdir(parents=True, exist_ok=True)
        (crate / name).write_bytes(content)
    meant_elsewhere = ("CARGO_BUILD_TARGET", "CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS")
    built = subprocess.run(
        ["cargo", "build", "--target-dir", str(target)],
        cwd=crate,
        env={name: value for name, value in os.environ.items() if name not in meant_elsewhere},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=BUILD_LIMIT,
        check=False,
    )
    if built.returncode != 0:
        last = b"\n".join(built.stdout.splitlines()[-40:]).decode(errors="replace")
        raise RuntimeError(f"cargo could not build the driver around the real plugin:\n{last}")
    half = binary.with_suffix(".new")
    shutil.copy2(target / "debug" / "hotswap-real-client", half)
    half.replace(binary)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file for this process alone: several test runs may come to build at once."""
    import fcntl  # not on Windows, where `missing_requirement` says no before

    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# --- launching -----------------------------------------------------------------------------------------------------


class LaunchRefused(Exception):
    """The plugin's `init` failed, as it would end the app at its start; `str()` is the plugin's text."""


class Rejected(Exception):
    """The promise rejected where a value was asked for; `str()` is the plugin's text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command gave, and what the plugin said since the answer before."""

    error: str | None
    """What the promise rejected with, or None where it resolved."""
    result: Any
    """What the promise resolved to, as JSON."""
    lifecycle: tuple[dict[str, Any], ...]
    """Payloads on `hotswap://lifecycle`: event, and version, sequence, error where they apply."""
    log: tuple[str, ...]
    """What the plugin logged (`info: …`, `warn: …`): of a start-up's decisions the only word."""
    progress: int
    """How many events came on `hotswap://download-progress`."""
    seconds: float

    @property
    def value(self) -> Any:
        """The result; Rejected where there is none."""
        if self.error is not None:
            raise Rejected(self.error)
        return self.result

    @property
    def events(self) -> tuple[str, ...]:
        """The names of the lifecycle events, in order."""
        return tuple(payload["event"] for payload in self.lifecycle)

    @property
    def available(self) -> bool:
        """For a check: whether it offers an update; Rejected where it failed."""
        return bool(self.value["available"])


@dataclass(frozen=True, slots=True)
class Page:
    """What the window would get for a path."""

    mime: str
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()


class RealClient:
    """One launch of an app with the real plugin, from `async with` to its end.

    `config` is `plugins.hotswap` of a Tauri config; `static_manifest` (path or URL of a latest.json) wires the
    plugin's StaticFileResolver in place of the endpoint; `embedded` is the page compiled into the app, by path.
    Commands are answered one after the other, each within its limit in seconds: beyond it, and when the caller is
    cancelled, the process is killed; TimeoutError says at which command.
    """

    def __init__(
        self,
        binary: Path,
        data_home: Path,
        config: Mapping[str, Any] | None,
        identifier: str = IDENTIFIER,
        version: str | None = "0.1.0",
        *,
        static_manifest: str | None = None,
        embedded: Mapping[str, str] | None = None,
        limit: float = ANSWER_LIMIT,
    ) -> None:
        self.data_home = data_home
        self.identifier = identifier
        self.limit = limit
        self.started: Answer
        """The launch's own answer: `result` is what `current_version` says, `log` why a bundle was kept or not."""
        self._binary = binary
        self._launch = {
            "identifier": identifier,
            "version": version,
            "plugin": None if config is None else dict(config),
            "static_manifest": static_manifest,
            "embedded": dict({"index.html": "embedded"} if embedded is None else embedded),
        }
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: IO[bytes] | None = None
        self._talking = asyncio.Lock()

    @property
    def folder(self) -> Path:
        """The plugin's folder: `current` and `seq-N/`."""
        return self.data_home / self.identifier / "hotswap"

    async def __aenter__(self) -> Self:
        self.data_home.mkdir(parents=True, exist_ok=True)
        self._stderr = (self.data_home / "driver.stderr").open("ab")
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        # All traffic is loopback without TLS. Reading the system's certificates would be most of a launch: 80 of 97 ms.
        no_certificates = dict.fromkeys(("SSL_CERT_FILE", "SSL_CERT_DIR"), os.devnull)
        try:
            self._process = await asyncio.create_subprocess_exec(
                self._binary,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=self._stderr,
                env={**environment, **no_certificates, "XDG_DATA_HOME": str(self.data_home)},
                limit=_MAX_LINE,
            )
            self.started = await self._exchange(self._launch, "launch", self.limit)
            if self.started.error is not None:
                raise LaunchRefused(self.started.error)
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def check(self) -> Answer:
        """`checkUpdate()`: resolves to available, version, sequence, notes, mandatory, bundle_size."""
        return await self.command("check")

    async def apply(self, *, limit: float | None = None) -> Answer:
        """`applyUpdate()`: resolves to the new version."""
        return await self.command("apply", limit=limit)

    async def download(self, *, limit: float | None = None) -> Answer:
        """`downloadUpdate()`: resolves to the version downloaded."""
        return await self.command("download", limit=limit)

    async def activate(self) -> Answer:
        """`activateUpdate()`: resolves to the new version."""
        return await self.command("activate")

    async def rollback(self) -> Answer:
        """`rollback()`: resolves to version, sequence, binary_version, active."""
        return await self.command("rollback")

    async def current_version(self) -> Answer:
        """`getVersionInfo()`: resolves to version, sequence, binary_version, active."""
        return await self.command("current_version")

    async def sequence(self) -> int:
        """What is running: 0 for the embedded page."""
        return int((await self.current_version()).value["sequence"])

    async def notify_ready(self) -> Answer:
        """`notifyReady()`: resolves to nothing."""
        return await self.command("notify_ready")

    async def configure(self, **changes: Any) -> Answer:
        """`configure({channel, endpoint, headers})`: resolves to nothing."""
        return await self.command("configure", args=changes)

    async def get_config(self) -> Answer:
        """`getConfig()`: resolves to channel, endpoint, headers."""
        return await self.command("get_config")

    async def page(self, path: str = "/") -> Page:
        """What the window would get for `tauri://localhost{path}`; Rejected where nothing, not even index.html."""
        value = (await self.command("page", path=path)).value
        return Page(value["mime"], base64.b64decode(value["base64"]))

    async def command(self, name: str, *, limit: float | None = None, **rest: Any) -> Answer:
        """Send one command of the driver and wait for its answer."""
        return await self._exchange({"cmd": name, **rest}, name, self.limit if limit is None else limit)

    async def close(self) -> None:
        """End the app as a person does, by its window; a second time nothing happens. Killed if it won't go."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        await self._reap(patience=5)

    async def kill(self) -> None:
        """End the app at once (SIGKILL) and reap it, also in the middle of a command, which then raises."""
        await self._reap(patience=0)

    async def _reap(self, patience: float) -> None:
        """See the process gone: by itself within so many seconds, else by SIGKILL."""
        process = self._process
        if process is not None:
            if patience:
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), patience)
            if process.returncode is None:
                process.kill()
            async with self._talking:
                # Reads to the pipes' ends: until then their transports are open, which Python warns about.
                await process.communicate()
            self._process = None
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    async def _exchange(self, line: Mapping[str, Any], name: str, limit: float) -> Answer:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError(f"{name}: this launch has ended; launch again")
        begun = time.monotonic()
        try:
            async with self._talking, asyncio.timeout(limit):
                process.stdin.write(json.dumps(line).encode() + b"\n")
                await process.stdin.drain()
                raw = await process.stdout.readline()
        except asyncio.CancelledError:
            process.kill()  # its answer would be taken for the next command's; `close` reaps
            raise
        except TimeoutError:
            await self.kill()
            raise TimeoutError(f"the real client gave no answer to {name} in {limit:g} s") from None
        except ConnectionError:
            raw = b""
        if not raw:
            await self._reap(patience=5)  # it ends by itself: a signal now would hide its own exit code
            said = (self.data_home / "driver.stderr").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"the real client ended at {name}: {said or 'without a word'}")
        answer = json.loads(raw)
        return Answer(
            error=answer.get("error"),
            result=answer.get("ok"),
            lifecycle=tuple(answer["events"]),
            log=tuple(answer["log"]),
            progress=answer["progress"],
            seconds=time.monotonic() - begun,
        )


def compiled_in(tauri_config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a merged Tauri config that a launch is made of: `RealClient(…, **compiled_in(merged))`."""
    return {
        "identifier": tauri_config["identifier"],
        "version": tauri_config.get("version"),
        "config": tauri_config.get("plugins", {}).get("hotswap"),
    }
