"""The actual plugin and the reference client, side by side: both are told the same, and must say and do the same.

The server tells them apart by the header `X-Side` alone, so that the addresses in their errors are equal too.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from minisign import KeyPair

from hotswap_dev.client.updater import Disk, LaunchRefused, Memory, Outcome, Storage, Updater
from hotswap_dev.domain.plugin import Folder, runtime_config
from tests.real_client.answers import MANIFEST
from tests.real_client.driver import IDENTIFIER, RealClient
from tests.real_client.driver import LaunchRefused as RealLaunchRefused
from tests.real_client.scripted_server import Handler, answering, public_line, signed, tar_gz

SIDE = "X-Side"
KEY = KeyPair.generate()
GOOD = tar_gz({"index.html": "new page", "assets/app.js": "1"})
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class TwoSided:
    """A server that keeps what each side asked. `answer` may be swapped at any time, and may look at the side."""

    origin: str = ""
    answer: Answer | None = None
    asked: dict[str, list[tuple[str, dict[str, str]]]] = field(
        default_factory=lambda: {"real": [], "ours": []}
    )
    """Path and query, and headers in lower case, of each request; by its side."""

    @property
    def endpoint(self) -> str:
        return f"{self.origin}/check/{{{{current_sequence}}}}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked[headers.pop(SIDE.lower())].append((request.raw_path, headers))
        assert self.answer is not None
        return await self.answer(request)

    def count(self, request: web.Request) -> int:
        """How many requests its side has made, this one included."""
        return len(self.asked[side_of(request)])


def side_of(request: web.Request) -> str:
    return request.headers[SIDE]


@asynccontextmanager
async def two_sided() -> AsyncIterator[TwoSided]:
    """A running one."""
    server = TwoSided()
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", server.handle)
    async with TestServer(application) as running:
        server.origin = str(running.make_url("")).rstrip("/")
        yield server


# --- fixtures: a module has them by importing the functions ------------------------------------------------------

Pairing = Callable[..., Awaitable["Pair"]]


@pytest.fixture(name="server")
async def server_fixture() -> AsyncIterator[TwoSided]:
    async with two_sided() as server:
        yield server


@pytest.fixture(name="pair")
async def pair_fixture(real_client_binary: Path, tmp_path: Path, server: TwoSided) -> AsyncIterator[Pairing]:
    """`pair = await pair(version=…, max_retries=…)`: both launched, with the plugin's config changed so."""
    made: list[Pair] = []

    async def make(*, version: str | None = "0.1.0", memory: bool = False, **changes: Any) -> Pair:
        config = {
            "endpoint": server.endpoint,
            "pubkey": public_line(KEY),
            "require_https": False,
            "max_retries": 0,
            **changes,
        }
        made.append(Pair(real_client_binary, tmp_path, server, config, version, memory=memory))
        await made[-1].start()
        return made[-1]

    yield make
    for pair in made:
        await pair.close()


def serving(
    server: TwoSided,
    *,
    bundle: bytes = GOOD,
    signature: str | None = None,
    download: Handler | None = None,
    **fields: Any,
) -> None:
    """Offer a bundle to every check; `fields` change the manifest."""
    manifest = {
        **MANIFEST,
        "url": f"{server.origin}/files/bundle.tar.gz",
        "signature": signed(KEY, bundle) if signature is None else signature,
        **fields,
    }
    offer = answering(200, json.dumps(manifest).encode())
    send = download or answering(200, bundle, "application/octet-stream")

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (offer if request.path.startswith("/check") else send)(request)

    server.answer = answer


async def offered(pair: Pair) -> None:
    assert (await pair.do("check")).available


class Pair:
    """The same app twice. Whatever it is told, both say the same; AssertionError names what differs."""

    def __init__(
        self,
        binary: Path,
        home: Path,
        server: TwoSided,
        config: Mapping[str, Any] | None,
        version: str | None = "0.1.0",
        *,
        session: ClientSession | None = None,
        memory: bool = False,
    ) -> None:
        self.real_seconds = 0.0
        """How long the real one took for its last command."""
        self.told: list[str] = []
        """What it was told so far, for whoever reads a failure."""
        self.happened: Counter[str] = Counter()
        """Lifecycle events, and what launches did."""
        self.server = server
        self.version = version
        self.folders = {side: home / side / IDENTIFIER / "hotswap" for side in ("real", "ours")}
        self._binary = binary
        self._home = home
        self._config = config
        self._session = session
        self._storage: Storage = Memory() if memory else Disk(self.folders["ours"])
        self._real: RealClient | None = None
        self._ours: Updater | None = None

    async def start(self, version: str | None = "same") -> None:
        """Launch both, as another binary where one is named; what ran before ends."""
        if version != "same":
            self.version = version
        self.told.append(f"start {self.version}")
        await self.close()
        real = RealClient(self._binary, self._home / "real", self._for("real"), version=self.version)
        ours = Updater(
            self._for("ours"),
            binary_version=self.version or "",
            storage=self._storage,
            session=self._session,
            platform="linux",
            sleep=_no_sleep,
        )
        said: list[str | None] = []
        sides: tuple[tuple[RealClient | Updater, type[Exception]], ...]
        sides = ((real, RealLaunchRefused), (ours, LaunchRefused))
        for side, refused in sides:
            try:
                await side.__aenter__()
                said.append(None)
            except refused as error:
                said.append(str(error))
        self.agree("the launch", *said)
        if said[0] is not None:
            raise RefusedByBoth(said[0])
        self._real, self._ours = real, ours
        self.happened[{"discard": "discarded", "roll-back": "rolled back"}.get(ours.started.did, "kept")] += 1
        at_first = real.started
        assert at_first.events == ()
        self.agree("what runs", at_first.value, msgspec.to_builtins(ours.version))
        self.agree("the log of the start", _plain(at_first.log, self.folders["real"]), self._log(ours))
        self._agree_on_folders()

    async def do(self, name: str, *, limit: float | None = None, **arguments: Any) -> Outcome:
        """One command, to both at once. Gives what both said."""
        self.told.append(f"{name} {arguments}" if arguments else name)
        assert self._real is not None
        assert self._ours is not None
        command: Callable[..., Awaitable[Outcome]] = getattr(self._ours, name)
        real, ours = await asyncio.gather(
            self._real.command(name, limit=limit, **({"args": arguments} if arguments else {})),
            command(**arguments),
        )
        self.real_seconds = real.seconds
        self.happened.update(real.events)
        self.told[-1] += f" -> {real.error or real.result}"
        self.agree("error", real.error, ours.error)
        self.agree("result", real.result, msgspec.to_builtins(ours.result))
        self.agree("events", list(real.lifecycle), [msgspec.to_builtins(one) for one in ours.lifecycle])
        self.agree("requests", self.server.asked["real"], self.server.asked["ours"])
        self.agree(
            "what runs",
            (await self._real.current_version()).value,
            msgspec.to_builtins(self._ours.version),
        )
        if name == "configure":
            self._agree_on_config((await self._real.get_config()).value)
        self._agree_on_folders()
        return ours

    def _agree_on_config(self, real: dict[str, Any]) -> None:
        assert self._ours is not None
        self.agree(
            "what is configured",
            _without_side(real),
            _without_side(msgspec.to_builtins(runtime_config(self._ours.app))),
        )

    @property
    def channel(self) -> str:
        """Which one they follow."""
        assert self._ours is not None
        followed = self._ours.app.channel
        return "production" if followed is None else followed

    async def page(self, path: str = "/") -> str:
        """What the real one shows."""
        assert self._real is not None
        return (await self._real.page(path)).text

    async def close(self) -> None:
        if self._real is not None:
            await self._real.close()
            self._real = None
        if self._ours is not None:
            await self._ours.__aexit__(None, None, None)
            self._ours = None

    def forget(self) -> None:
        """Uninstall both: nothing is left of their folders. They must have ended."""
        for folder in self.folders.values():
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(self._storage, Memory):
            self._storage = Memory()

    def agree(self, what: str, real: object, ours: object) -> None:
        if real != ours:
            story = "\n  ".join(self.told)
            raise AssertionError(f"{what} differs\n real: {real!r}\n ours: {ours!r}\n after\n  {story}")

    def _for(self, side: str) -> dict[str, Any] | None:
        if self._config is None:
            return None
        headers = self._config.get("headers", {})
        told = isinstance(headers, dict)  # else it is for the plugin to refuse
        return {**self._config, "headers": {**headers, SIDE: side} if told else headers}

    def _agree_on_folders(self) -> None:
        real = on_disk(self.folders["real"])
        if isinstance(self._storage, Memory):
            folder = self._storage.folder
            assert self._ours is not None
            self.agree("the folder", _named(Disk(self.folders["real"]).read()), _named(folder))
            self.agree("the folder in mind", _named(folder), _named(self._ours.app.folder))
        else:
            self.agree("the folder", real, on_disk(self.folders["ours"]))
            assert self._ours is not None
            self.agree("the folder in mind", _named(self._storage.read()), _named(self._ours.app.folder))

    def _log(self, ours: Updater) -> list[str]:
        return _plain(ours.started.log, Path(ours.started.folder.path))


class RefusedByBoth(Exception):
    """Neither starts; `str()` is the text of both."""


def on_disk(folder: Path) -> dict[str, object]:
    """Everything in a plugin's folder: contents by path, metadata read, folders as None."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            found[name] = None
        elif path.name == "hotswap-meta.json" and path.parent.parent == folder:
            found[name] = _json(path.read_bytes())
        else:
            found[name] = path.read_bytes()
    return found


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def _named(folder: Folder) -> Folder:
    return msgspec.structs.replace(folder, path="hotswap")


def _plain(log: tuple[str, ...], folder: Path) -> list[str]:
    return [line.replace(str(folder), "hotswap") for line in log]


def _without_side(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "headers": {name: value for name, value in config["headers"].items() if name != SIDE}}


async def _no_sleep(_: float) -> None:
    """The plugin waits between attempts; this one need not."""
