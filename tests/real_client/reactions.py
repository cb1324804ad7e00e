"""What the actual plugin does under a fault, told as a `Reaction`: a device that asks our server, and is watched."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hotswap_dev.domain.commands import ArmFault, Command
from hotswap_dev.domain.commands.overrides import Annotate
from hotswap_dev.domain.facts import NoteAdded
from hotswap_dev.domain.faults import Fault
from hotswap_dev.domain.faults.outcomes import ENOUGH_CHECKS
from hotswap_dev.domain.faults.reactions import Reaction, Requests, without_addresses
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded, FaultOutcome
from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.packing.signing import new_key
from hotswap_dev.server.run import RunningServer, ServerOptions, serving
from hotswap_dev.storage.keys import KeyHome
from tests.real_client.driver import Answer, RealClient
from tests.real_client.our_server import config_for, port_of

_SECONDS = 10
_CHECKING = "[hotswap] Checking for update at: "
_DOWNLOADING = "[hotswap] Downloading bundle from: "
EMBEDDED = {"/index.html": "<!doctype html><p>embedded</p>", "/app.js": "embedded script"}

# --- a server, with and without TLS -------------------------------------------------------------------------------


@asynccontextmanager
async def a_server(folder: Path, *, https: bool = False) -> AsyncIterator[tuple[RunningServer, Path | None]]:
    """A server of its own, and the certificate by which it is trusted where it is reached by https."""
    async with contextlib.AsyncExitStack() as stack:
        front = await stack.enter_async_context(_tls_front(folder)) if https else None
        options = ServerOptions(
            engine=EngineOptions(dist=None, app_version="0.1.0", channel="production"),
            workspace=folder / "w",
            app="app",
            public_url=front.url if front else None,
        )
        server = await stack.enter_async_context(serving(options, new_key(), KeyHome(folder / "key")))
        if front is not None:
            front.behind = port_of(server)
        yield server, front.certificate if front else None


@dataclass
class _TlsFront:
    """What a person has before a server to reach it by https: it hands on bytes, and changes none."""

    url: str
    certificate: Path
    behind: int = 0

    async def hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, inward = await asyncio.open_connection("127.0.0.1", self.behind)
        try:
            await asyncio.gather(_copied(reader, inward), _copied(inner, writer))
        finally:
            inward.close()
            writer.close()


async def _copied(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while some := await source.read(65536):
            target.write(some)
            await target.drain()
    target.close()


@asynccontextmanager
async def _tls_front(folder: Path) -> AsyncIterator[_TlsFront]:
    certificate = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    front = _TlsFront("", certificate)
    listening = await asyncio.start_server(front.hand_on, "127.0.0.1", 0, ssl=context)
    front.url = f"https://localhost:{listening.sockets[0].getsockname()[1]}"
    try:
        yield front
    finally:
        listening.close()


def _certificate(folder: Path) -> Path:
    """A certificate of localhost that vouches for itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


# --- a device -----------------------------------------------------------------------------------------------------


class Device:
    """An app on a device of its own, which calls itself `name`. `config` changes the plugin's, which never retries."""

    def __init__(
        self,
        name: str,
        server: RunningServer,
        binary: Path,
        data: Path,
        *,
        trusts: Path | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.server = server
        self._data = data
        self._binary = _trusting(binary, trusts, data) if trusts else binary
        self._config = config_for(server, headers={"X-Device-Id": name}, **(config or {}))
        self._running: RealClient | None = None

    @property
    def plugin(self) -> RealClient:
        """The launch that runs."""
        assert self._running is not None, "start it first"
        return self._running

    async def start(self) -> int:
        """Launch it; what runs ends first. The sequence that it runs then."""
        await self.close()
        self._running = RealClient(
            self._binary, self._data / self.name, self._config, embedded=EMBEDDED, limit=30
        )
        await self._running.__aenter__()
        return int(self._running.started.value["sequence"])

    async def close(self) -> None:
        """End it."""
        if self._running is not None:
            await self._running.close()
            self._running = None

    async def reports(self, answer: Answer, *, applying: bool = False) -> None:
        """Hand on what the plugin said, as the page does with the lines to paste (`tauri/snippet.py`)."""
        said = list(answer.lifecycle)
        if applying and answer.error is not None:
            said.append({"event": "apply-error", "error": answer.error})
        url = f"http://127.0.0.1:{port_of(self.server)}/api/lifecycle"
        async with aiohttp.ClientSession() as session:
            for payload in said:
                async with session.post(url, json={**payload, "device": self.name}) as response:
                    assert response.status == 204, await response.text()

    async def takes(self) -> int:
        """Check, apply and confirm; the sequence that it runs then."""
        assert (await self.plugin.check()).available
        _ = (await self.plugin.apply()).value
        _ = (await self.plugin.notify_ready()).value
        return await self.plugin.sequence()


def _trusting(binary: Path, certificate: Path, data: Path) -> Path:
    """The driver, started so that it trusts this certificate: a launch by itself trusts none."""
    path = data / "trusting-driver"
    data.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nSSL_CERT_FILE='{certificate}' exec '{binary}'\n")
    path.chmod(0o755)
    return path


@asynccontextmanager
async def device(
    name: str, server: RunningServer, binary: Path, data: Path, **more: Any
) -> AsyncIterator[Device]:
    """A device that runs; it ends with the block."""
    made = Device(name, server, binary, data, **more)
    try:
        await made.start()
        yield made
    finally:
        await made.close()


# --- what it does -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Reacted:
    """What the plugin did, and what the server has of it."""

    reaction: Reaction
    heard: Requests
    """The requests that the server recorded."""
    runs: int
    """The sequence after the restart."""
    outcomes: tuple[str, ...]
    """What the server said of it, once the restarted app had asked again."""


async def armed(server: RunningServer, fault: Fault, **more: Any) -> dict[str, Any]:
    """Arm a fault as anyone may; what the command came to."""
    parameters = {name: getattr(fault, name) for name in fault.__struct_fields__}
    done = await run(server, ArmFault(fault=fault.name, parameters=parameters, **more))
    assert isinstance(done, dict)
    return done


async def run(server: RunningServer, command: Command) -> Any:
    """Do what a command asks; its result."""
    return (await server.engine.run(command)).result


async def reacts(
    one: Device, expected: Reaction, heard: Requests, *, asks: int = ENOUGH_CHECKS, reports: bool = False
) -> Reacted:
    """Let the app check, apply what it is offered, say that it is ready if its page comes to that, and start again.

    `heard` are the requests that the server is waited for to have recorded. At its end the app asks `asks` times more,
    or until the server says what came of the fault. With `reports` its page hands on what the plugin says.
    """
    revision = one.server.engine.bus.revision
    before = await one.plugin.sequence()
    checked = await one.plugin.check()
    said = [checked]
    if reports:
        await one.reports(checked)
    available = checked.error is None and checked.available
    applied: Answer | None = None
    if available:
        applied = await one.plugin.apply()
        said.append(applied)
        if reports:
            await one.reports(applied, applying=True)
    went_well = applied is not None and applied.error is None
    if went_well and expected.ready:
        said.append(await one.plugin.notify_ready())
    running = await one.plugin.sequence()
    recorded = await _recorded(one, revision, heard)
    runs = await one.start()
    outcomes: tuple[str, ...] = ()
    for _ in range(asks):
        answer = await one.plugin.check()
        if reports:
            await one.reports(answer)
        outcomes = tuple(event.outcome for event in await told_since(one.server, revision, FaultOutcome))
        if outcomes:
            break
    reaction = Reaction(
        sentence=expected.sentence,
        check=without_addresses(checked.error),
        available=available,
        apply=None if applied is None else without_addresses(applied.error),
        applied=running != before,
        ready=expected.ready,
        restart="keeps" if runs == running else "rolls-back",
        events=tuple(event for answer in said for event in answer.events),
        requests=Requests(
            check=_logged(said, _CHECKING),
            download=_logged(said, _DOWNLOADING),
        ),
        needs=expected.needs,
    )
    return Reacted(
        reaction=reaction,
        heard=recorded,
        runs=runs,
        outcomes=outcomes,
    )


def _logged(said: list[Answer], words: str) -> int:
    return sum(words in line for answer in said for line in answer.log)


async def _recorded(one: Device, revision: int, least: Requests) -> Requests:
    """What the server recorded of this device since; waited for until it is that much, if it comes to that."""

    def counted(events: list[Any]) -> Requests:
        kinds = Counter(type(event) for event in events if getattr(event, "client", None) == one.name)
        return Requests(check=kinds[CheckAnswered], download=kinds[DownloadEnded])

    def enough(events: list[Any]) -> bool:
        now = counted(events)
        return now.check >= least.check and now.download >= least.download

    return counted(await _events(one.server, revision, enough))


async def told_since(server: RunningServer, revision: int, kind: type[Any]) -> list[Any]:
    """All events of a kind since then."""
    await server.engine.run(Annotate(text="so far"))
    events = await _events(
        server, revision, lambda events: any(isinstance(event, NoteAdded) for event in events)
    )
    return [event for event in events if isinstance(event, kind)]


async def _events(server: RunningServer, revision: int, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """The events since then, when they are enough or no more come in time."""
    events: list[Any] = []
    if enough(events):
        return events
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS):
            async for batch in server.engine.bus.read(revision):
                events += [event for _, event in batch]
                if enough(events):
                    return events
    return events


async def refused(server: RunningServer) -> None:
    """Wait until nobody is let in any more."""
    await _listens(server, False)


async def taken(server: RunningServer) -> None:
    """Wait until connections are taken."""
    await _listens(server, True)


async def _listens(server: RunningServer, wanted: bool) -> None:
    async with asyncio.timeout(_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
            except ConnectionError:  # refused, or reset where it was let in at the last moment
                listens = False
            else:
                listens = True
                writer.close()
            if listens == wanted:
                return
            await asyncio.sleep(0.01)
