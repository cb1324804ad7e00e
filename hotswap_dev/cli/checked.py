"""What a check by the reference client came to, for people and as JSON. Texts from a server draw nothing here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.cli.lines import size
from hotswap_dev.cli.paragraphs import wrapped
from hotswap_dev.client.updater import Outcome, Request
from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.plugin import Answered, Dropped, Emitted, Unanswered, read_manifest, verdict
from hotswap_dev.domain.text import shown

_LABEL = 10
_LONGEST = 1000
_MOST_FIELDS = 32
_DROPPED: Mapping[Dropped, str] = {
    "no-content": "the server has none",
    "binary-too-old": "the manifest was dropped without a word: its min_binary_version is above the binary",
    "not-newer": "the manifest was dropped without a word: its sequence is not above what runs",
}


class Exchange(Struct, frozen=True, kw_only=True):
    """An HTTP answer as it came, of the last of a request's redirects."""

    url: str
    status: int
    reason: str | None
    """`X-Hotswap-Reason`; None from a server that does not say it."""
    body: bytes | None


class Subject(Struct, frozen=True, kw_only=True):
    """Who asks."""

    sequence: int
    binary_version: str
    headers: tuple[str, ...]
    """The names of those that it sends; their values may be secrets."""


class Checked(Struct, frozen=True, kw_only=True):
    """A check, done."""

    subject: Subject
    outcome: Outcome
    exchange: Exchange | None

    @property
    def dropped(self) -> Dropped | None:
        """By which rule the page hears of no update; None where it hears of one, or of an error."""
        request = self.outcome.requests[0] if self.outcome.requests else None
        if request is None or self.outcome.error is not None:
            return None
        body = self.exchange.body if self.exchange else None
        answer: Answered | Unanswered = Unanswered(request.url)
        if request.status is not None:
            answer = Answered(request.status, read_manifest(body) if body is not None else None)
        subject = self.subject
        return verdict(answer, sequence=subject.sequence, binary_version=subject.binary_version).dropped

    @property
    def manifest(self) -> Mapping[str, Any] | None:
        """The manifest as it was sent, whatever the plugin made of it; None where none was."""
        if self.exchange is None or self.exchange.body is None:
            return None
        try:
            found = json.loads(self.exchange.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


class Applied(Struct, frozen=True, kw_only=True):
    """An apply after it. `files` and `bytes` are those of the version that lies in `folder` then."""

    outcome: Outcome
    manifest: Manifest
    key: str
    """The last characters of the public key, by which people tell keys apart."""
    ready: Outcome | None
    """Of notifyReady() after it; None where that was not called."""
    folder: Path
    files: int
    bytes: int

    @property
    def confirmed(self) -> bool:
        """Whether it is confirmed, so that no start gives it up any more."""
        return self.ready is not None and self.ready.error is None

    @property
    def lifecycle(self) -> tuple[Emitted, ...]:
        """The events of both, in order."""
        return self.outcome.lifecycle + (() if self.ready is None else self.ready.lifecycle)


def check_lines(checked: Checked) -> Iterator[str]:
    """Request, answer, verdict, lifecycle events and manifest of a check."""
    outcome, exchange = checked.outcome, checked.exchange
    for request in outcome.requests:
        yield _whole("REQUEST", f"GET {shown(request.url, _LONGEST)}")
        for header in checked.subject.headers:
            yield from _labelled("", f"{header}: ***")
        for url in request.asked[1:]:
            yield _whole("", f"redirected to {shown(url, _LONGEST)}")
        yield from _labelled("ANSWER", _answer(request, exchange))
    yield from _labelled("VERDICT", click.style(_verdict(checked), bold=True))
    yield from _labelled("EVENTS", _events(outcome.lifecycle, outcome.error))
    if checked.manifest is not None:
        label = "MANIFEST"
        for name, value in list(checked.manifest.items())[:_MOST_FIELDS]:
            yield from _labelled(label, f"{shown(name):<18} {_value(name, value)}")
            label = ""


def apply_lines(applied: Applied) -> Iterator[str]:
    """Downloads, signature, extraction and activation of an apply, as far as it came."""
    outcome = applied.outcome
    for number, request in enumerate(outcome.requests, 1):
        which = f"attempt {number}: " if len(outcome.requests) > 1 else ""
        yield _whole("DOWNLOAD" if number == 1 else "", f"{which}GET {shown(request.url, _LONGEST)}")
        yield from _labelled("", _answer(request, None))
    if outcome.signed is not None:
        fits = "fits" if outcome.signed else "does not fit"
        yield from _labelled("SIGNATURE", f"{fits} the key {applied.key}")
    if outcome.error is None:
        place = applied.folder / f"seq-{applied.manifest.sequence}"
        files = "1 file" if applied.files == 1 else f"{applied.files} files"
        yield from _labelled("EXTRACTED", f"{files}, {size(applied.bytes)} in {place}")
        after = (
            "confirmed, as by a page that called notifyReady(): it runs from now on"
            if applied.confirmed
            else "it runs after the next reload; a start before notifyReady() would give it up (--confirm calls it)"
        )
        yield from _labelled("VERDICT", click.style(f"applied {applied.manifest.sequence}", bold=True))
        yield from _labelled("", after)
    else:
        error = shown(outcome.error, _LONGEST)
        yield from _labelled("VERDICT", click.style(f"apply rejects with: {error}", fg="red", bold=True))
    yield from _labelled("EVENTS", _events(applied.lifecycle, outcome.error))


def told_json(checked: Checked, applied: Applied | None) -> wire.Json:
    """All of it: what `check --json` prints."""
    outcome, exchange = checked.outcome, checked.exchange
    request = outcome.requests[0] if outcome.requests else None
    return {
        "request": None
        if request is None
        else {"url": request.url, "asked": request.asked, "headers": checked.subject.headers},
        "answer": None
        if request is None
        else {**_told(request), "reason": exchange.reason if exchange else None},
        "sequence": checked.subject.sequence,
        "available": outcome.available,
        "error": outcome.error,
        "dropped": checked.dropped,
        "events": wire.plain(outcome.lifecycle),
        "manifest": checked.manifest,
        "apply": None
        if applied is None
        else {
            "error": applied.outcome.error,
            "events": wire.plain(applied.lifecycle),
            "requests": [{"url": one.url, **_told(one)} for one in applied.outcome.requests],
            "signed": applied.outcome.signed,
            "key": applied.key,
            "sequence": applied.manifest.sequence,
            "folder": str(applied.folder),
            "files": applied.files,
            "bytes": applied.bytes,
            "confirmed": applied.confirmed,
        },
    }


def _told(request: Request) -> wire.Json:
    return {"status": request.status, "bytes": request.body, "duration_ms": round(request.seconds * 1000, 1)}


def _answer(request: Request, exchange: Exchange | None) -> str:
    took = f"in {request.seconds * 1000:.0f} ms"
    if request.status is None:
        return f"none, {took}"
    part = ""
    # The plugin reads the body of a 2xx alone, and a 204 has none.
    if 200 <= request.status < 300 and request.status != 204:
        part = f", {size(request.body)}" if request.body is not None else ", its body did not come whole"
    reason = f" ({shown(exchange.reason)})" if exchange is not None and exchange.reason else ""
    return f"{request.status}{reason}{part}, {took}"


def _verdict(checked: Checked) -> str:
    outcome = checked.outcome
    if outcome.error is not None:
        return click.style(f"the check rejects with: {shown(outcome.error, _LONGEST)}", fg="red")
    if outcome.manifest is not None:
        told = outcome.manifest
        return (
            f"available: {shown(told.version)}, sequence {told.sequence}; at {checked.subject.sequence} now"
        )
    dropped = checked.dropped
    return "no update" + (f": {_DROPPED[dropped]}" if dropped else "")


def _events(lifecycle: Sequence[Emitted], rejection: str | None) -> str:
    return ", ".join(_event(one, rejection) for one in lifecycle) or "none"


def _event(emitted: Emitted, rejection: str | None) -> str:
    about = "" if emitted.sequence is None else f" {emitted.sequence}"
    # What the promise rejects with stands above.
    error = "" if emitted.error in (None, rejection) else f" ({shown(str(emitted.error), _LONGEST)})"
    return f"{emitted.event}{about}{error}"


def _value(name: str, value: object) -> str:
    if name == "signature" and isinstance(value, str):
        lines = [line for line in value.splitlines() if line.strip()]
        second = lines[1] if len(lines) > 1 else value
        return f"{shown(second, 32)} ({len(value)} characters)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown(text)


def _whole(label: str, text: str) -> str:
    """A line that stays one: an address is copied."""
    return f"{label:<{_LABEL}}{text}"


def _labelled(label: str, text: str) -> Sequence[str]:
    return wrapped(text, indent=" " * _LABEL, first=f"{label:<{_LABEL}}", width=100)
