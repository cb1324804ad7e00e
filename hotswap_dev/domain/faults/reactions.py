"""What the plugin does under each fault: what its page hears, its lifecycle events, its requests, its next start.

Nothing of it is written down by hand but what a fault is on the wire: the rest is the plugin's own rules
(`domain.plugin`), driven with that. `tests/real_client` arms each fault and asks the actual plugin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, overload

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.faults import bundle, check, download, presets, signature
from hotswap_dev.domain.faults.manifests import bent_manifest
from hotswap_dev.domain.faults.registry import Fault
from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.plugin import (
    Act,
    App,
    Cached,
    Came,
    CheckResult,
    Config,
    Extract,
    Folder,
    Get,
    Heard,
    Received,
    Tell,
    TooLarge,
    Unanswered,
    Verify,
    Wait,
    launched,
    play,
    started,
)
from hotswap_dev.domain.plugin.app import DEFAULT_MAX_RETRIES
from hotswap_dev.domain.plugin.commands import CHECK_SECONDS, DOWNLOAD_SECONDS, notify_ready
from hotswap_dev.domain.plugin.commands import apply as apply_update
from hotswap_dev.domain.plugin.commands import check as check_update

HUGE = 600 * 1024 * 1024
"""Bytes that `huge-content-length` announces."""

RUNS, OFFERED = 1, 2
"""The client of the reactions runs the one, confirmed, and is offered the other, whole."""


class Requests(Struct, frozen=True, kw_only=True):
    """How often the server is asked."""

    check: int = 0
    download: int = 0


class Reaction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client of the plugin does when a fault strikes it, from a check to the start after apply.

    It has the plugin's default policies, and plain http is allowed to it, unless `needs` says otherwise; an address in
    a text is `…`, as `without_addresses` makes it.
    """

    sentence: str
    """In words, for a person who arms it."""
    check: str | None = None
    """What the check's promise rejects with; None where it resolves."""
    available: bool = False
    """Whether the check says that there is an update."""
    apply: str | None = None
    """What apply's promise rejects with; None where it resolves, or the page never comes to it."""
    applied: bool = False
    ready: bool = True
    """Whether the new page comes to say that it is ready; it counts where it was applied."""
    restart: Literal["keeps", "rolls-back"] = "keeps"
    """What the start after it does with what runs."""
    events: tuple[str, ...] = ()
    """The lifecycle events, in order, of the check, of apply where it is available, and of notifyReady()."""
    requests: Requests = Requests()
    needs: Mapping[str, bool | int] | None = None
    """The plugin's config without which it doesn't show."""


def reaction(fault: Fault, times: int | None = None, max_retries: int = DEFAULT_MAX_RETRIES) -> Reaction:
    """What a client does that `fault` strikes: each of its requests, or the first `times` of them.

    For downloads these are attempts, so that the plugin's retries may still come through; `max_retries` is the app's.
    """
    needs = {"require_https": True} if isinstance(fault, check.InsecureUrl) else None
    client = _Client(fault, times, max_retries, https=needs is not None)
    checked = client.play(check_update)
    available = isinstance(checked.result, CheckResult) and checked.result.available
    applied = client.play(apply_update) if available else None
    ready = not isinstance(fault, _NEVER_READY)
    if applied is not None and applied.error is None and ready:
        client.play(notify_ready)
    start = started(client.app.folder, binary_version=client.app.binary_version)
    told = Reaction(
        sentence="",
        check=without_addresses(checked.error),
        available=available,
        apply=None if applied is None else without_addresses(applied.error),
        applied=applied is not None and applied.error is None,
        ready=ready,
        restart="rolls-back" if start.did == "roll-back" else "keeps",
        events=tuple(client.events),
        requests=Requests(check=client.checks, download=client.downloads),
        needs=needs,
    )
    return replace(told, sentence=_sentence(fault, told, max_retries + 1, client.waited))


@overload
def without_addresses(text: str) -> str: ...
@overload
def without_addresses(text: None) -> None: ...
@overload
def without_addresses(text: str | None) -> str | None: ...
def without_addresses(text: str | None) -> str | None:
    """What a promise rejects with, each address in it as `…`: with the same fault it is the same everywhere."""
    return None if text is None else _ADDRESS.sub(_URL, text)


# --- the client, on a wire that misbehaves ------------------------------------------------------------------------

_URL = "…"
_ADDRESS = re.compile(r"https?://[^\s()]+")


def _manifest(sequence: int, *, https: bool) -> Manifest:
    return Manifest(
        version=f"0.1.0-ota.{sequence}",
        sequence=sequence,
        min_binary_version="0.1.0",
        url=f"{'https' if https else 'http'}://host/bundles/-/{sequence}/0123abcd.tar.gz",
        signature="untrusted comment: …",
    )


class _Client:
    """A client of the plugin, and what the wire does to its requests."""

    def __init__(self, fault: Fault, times: int | None, max_retries: int, *, https: bool) -> None:
        running = Cached(version="0.1.0-ota.1", sequence=RUNS, min_binary_version="0.1.0", confirmed=True)
        config = Config(
            endpoint="https://host/{{current_sequence}}",
            pubkey="RW…",
            require_https=https,
            max_retries=max_retries,
        )
        self.app: App = launched(
            config, Folder(current=RUNS, versions={RUNS: running}), binary_version="0.1.0"
        )[0]
        self.events: list[str] = []
        self.checks = self.downloads = self.waited = 0
        self._fault = fault
        self._times = times
        self._https = https
        self._checking = False

    def play(self, command: Callable[[App], object]) -> Heard:
        self._checking = command is check_update
        heard = play(command(self.app), self._respond)  # type: ignore[arg-type]
        self.app = heard.app
        return heard

    def _respond(self, act: Act) -> Came:
        match act:
            case Tell():
                self.events.append(act.event.event)
                return None
            case Wait():
                self.waited += act.seconds
                return None
            case Get() if self._checking:
                self.checks += 1
                return self._checked()
            case Get():
                self.downloads += 1
                return self._downloaded()
            case Verify():
                corrupt = isinstance(self._fault, download.CorruptByte) and self._strikes(self.downloads)
                return _BYTES if corrupt else _VERIFIED.get(type(self._fault))
            case Extract():
                return _EXTRACTED.get(type(self._fault))
        return None

    def _strikes(self, count: int) -> bool:
        return self._times is None or count <= self._times

    def _checked(self) -> Came:
        fault, offer = self._fault, _manifest(OFFERED, https=self._https)
        plain = Received(status=200, body=msgspec.json.encode(offer))
        match fault:
            case check.CheckHttpError():
                return Received(status=fault.status)
            case check.CheckDelay():
                return Unanswered(_URL) if fault.ms >= CHECK_SECONDS * 1000 else plain
            case check.Hang() | check.CheckConnectionReset() | check.EmptyResponse() | presets.Offline():
                return Unanswered(_URL)
            case check.MalformedJson() | check.HtmlPage():
                return Received(status=200, body=b"<")
            case check.ManifestFault():
                body = bent_manifest(fault, offer, RUNS, _manifest(RUNS, https=self._https))
                return Received(status=200, body=body)
        return plain

    def _downloaded(self) -> Came:
        fault = self._fault
        if isinstance(fault, check.MissingBundle):
            return Received(status=404)
        if not self._strikes(self.downloads):
            return Received(status=200)
        match fault:
            case download.DownloadHttpError():
                return Received(status=fault.status)
            case download.DownloadDelay() if fault.ms >= DOWNLOAD_SECONDS * 1000:
                return Unanswered(_URL)
            case download.Stall() if fault.seconds >= DOWNLOAD_SECONDS:
                return Received(status=200, body=None)
            case download.Truncate() | download.DownloadConnectionReset():
                return Received(status=200, body=None)
            case download.HugeContentLength():
                return TooLarge(HUGE)
        return Received(status=200)


_BYTES = "The signature verification failed"
_VERIFIED: Mapping[type[Fault], str] = MappingProxyType(
    {
        signature.WrongKey: "The signature was created with a different key than the one provided",
        signature.LegacySignature: "Unexpected signature algorithm",
        signature.OtherFilesSignature: _BYTES,
        signature.GarbageSignature: "base64 decode failed: Invalid symbol 45, offset 7.",
    }
)
_EXTRACTED: Mapping[type[Fault], str] = MappingProxyType(
    {
        bundle.PathTraversal: "extraction failed: unsafe path component in archive: ../evil",
        bundle.AbsolutePath: "extraction failed: absolute path in archive: /tmp/evil",
        bundle.NotGzip: "extraction failed: invalid gzip header",
    }
)
_NEVER_READY = (bundle.SecondGzipMember, bundle.Symlinks, bundle.BlankPage, bundle.CrashOnLoad)
"""An ordinary page: of the files that are missing the app shows its embedded ones, or index.html in their place, and
no script of the new page comes to run."""

# --- in words -----------------------------------------------------------------------------------------------------

_KEEPS = "it keeps what it runs"


def _sentence(fault: Fault, told: Reaction, attempts: int, waited: int) -> str:
    needs = " Only under require_https, which plain http has to be without." if told.needs else ""
    if told.check is not None:
        return f"Its check fails with `{told.check}`, and {_KEEPS}.{needs}"
    if not told.available:
        return f"It hears of no update, without an error, and {_KEEPS}.{needs}"
    if told.apply is not None:
        silent = "" if told.events[-1].endswith("error") else " No lifecycle event says so."
        return f"{_asked(told, waited)}apply fails with `{told.apply}`, and {_KEEPS}.{silent}{needs}"
    if told.restart == "rolls-back":
        return (
            "It applies it; the page never says that it is ready, the next start rolls it back, and it is offered "
            "again: a loop."
        )
    if told.requests.download > 1:
        failed = told.requests.download - 1
        return f"{failed} of its {attempts} attempts fail, the next comes through after {waited} s: applied."
    if isinstance(fault, bundle.NoIndex):
        return "It applies it, and shows the page that is compiled into the app."
    slow = isinstance(
        fault,
        check.CheckDelay | download.DownloadDelay | download.Bandwidth | download.Stall | presets.Preset,
    )
    return "It applies it as usual, only later." if slow else "It applies it as usual."


def _asked(told: Reaction, waited: int) -> str:
    times = told.requests.download
    if times == 0:
        return "It finds an update and asks for no bundle: "
    if times == 1:
        return "It fetches the bundle once: "
    return f"It tries to fetch the bundle {times} times, with pauses of {waited} s in all: "
