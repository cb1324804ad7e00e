"""What can be copied for what is selected, exactly as it is to be pasted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from urllib.parse import urlsplit

from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.dashboard.details.exchange import Exchange
from hotswap_dev.dashboard.details.why_text import why_text
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.checks import client_id
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.domain.text import shown

DEFAULT_ID_HEADER = "X-Device-Id"
_SITE = "http://127.0.0.1:3333"
_NO_REPEAT = ("host", "connection", "accept-encoding", "content-length", "transfer-encoding", "expect")
"""Headers that curl says by itself, or that would be wrong of it."""

_HIDDEN = "***"
_GLOB = "[]{}"


class Choice(Struct, frozen=True, kw_only=True):
    """One thing to copy: what it is called, and the text itself."""

    label: str
    text: str
    file: bool = False
    """Whether `text` is the path of a file, and its content is what is copied."""


class Curl(Struct, frozen=True, kw_only=True):
    """A request as a command line, and what it can't say."""

    line: str
    notes: tuple[str, ...] = ()


def choices(view: View, exchange: Exchange | None = None) -> tuple[Choice, ...]:
    """What can be copied now: first what belongs to the selection, then the server's own."""
    return tuple(_of_selection(view, exchange)) + tuple(_of_server(view.about))


def _of_selection(view: View, exchange: Exchange | None) -> Iterator[Choice]:
    row, client = view.row, view.client
    if row is not None and row.check is not None:
        yield Choice(label="curl of the request", text=curl_of(row.check, view.about, exchange).line)
    whom = client.id if client is not None else row.client if row is not None else None
    if whom is not None:
        yield Choice(label="client id", text=whom)
    if client is not None and (text := why_text(view, client)):
        yield Choice(label="why, in words", text=text)
    release = selected_release(view)
    if release is not None and view.about is not None:
        yield Choice(label=f"URL of release {release.sequence}", text=release_url(release, view.about.site))


def _of_server(about: wire.About | None) -> Iterator[Choice]:
    if about is None:
        return
    yield Choice(label="endpoint", text=about.endpoint)
    yield Choice(label="public key", text=about.pubkey)
    if about.build_line:
        yield Choice(label="build line", text=about.build_line)
    if about.watch_line:
        yield Choice(label="watch line", text=about.watch_line)
    if about.devtools_line:
        yield Choice(label="devtools line", text=about.devtools_line)
    for label, path in zip(("desktop", "phone"), about.overlays, strict=False):
        yield Choice(label=f"path of the {label} overlay", text=path)
        yield Choice(label=f"the {label} overlay, its JSON", text=path, file=True)


def selected_release(view: View) -> Release | None:
    """The release that the selection is about: its row, or what was offered or downloaded; None where none is."""
    chosen, row = view.selected, view.row
    if chosen is not None and chosen.kind == "release":
        return view.controls.releases.get(int(chosen.key))
    if row is not None:
        sequence = getattr(row.event, "offered", None) or getattr(row.event, "sequence", None)
        return view.controls.releases.get(sequence) if isinstance(sequence, int) else None
    client = view.client
    return view.controls.releases.get(client.offered or 0) if client is not None else None


def release_url(release: Release, site: str) -> str:
    """Where a release's bundle is; `-` stands for nobody's token (`server.client_site`)."""
    bundle = release.bundle
    return f"{site}/bundles/-/{release.sequence}/{bundle.hash8}.{bundle.format}"


def curl_of(event: CheckAnswered, about: wire.About | None, exchange: Exchange | None = None) -> Curl:
    """The check as a command line: what a client said is quoted for a shell, whatever it is.

    Where the exchange is kept, its headers are those that were sent; else the id header alone, by its usual name.
    """
    site = about.site if about is not None else _SITE
    target = exchange.target if exchange is not None else event.path
    notes: list[str] = []
    headers = list(_sent(exchange, site, notes) if exchange is not None else _known(event, notes))
    if target.endswith("…"):
        notes.append("The target was too long to be kept: what is missing ends with …")
    url = f"{site}{target}"
    words = ["curl", "-i", *(["-g"] if any(sign in url for sign in _GLOB) else [])]
    if event.protocol != "hotswap":
        headers = [(name, value) for name, value in headers if name.lower() != "content-type"]
        words += ["-H", "Content-Type: application/json", "--data", _document(event)]
        notes.append("Its document is made of what was read of it, and a locale of no meaning.")
    elif exchange is not None and exchange.method != "GET":
        words += ["-X", exchange.method]
    for name, value in headers:
        # A header without a value ends with `;`: `Name:` would take it away (curl's manual, --header).
        words += ["-H", f"{name}: {value}" if value else f"{name};"]
    return Curl(line=" ".join(shlex.quote(word) for word in (*words, url)), notes=tuple(notes))


def _document(event: CheckAnswered) -> str:
    """What a client of the second protocol asks (contract, update-server-protocol)."""
    version = event.binary_version or (event.sequence if event.sequence is not None else "?")
    asked = {
        "product": shown(event.product or "?"),
        "version": version,
        "platform": shown(event.platform or "?"),
    }
    return wire.encode({**asked, "locale": "en-US"}).decode()


def _sent(exchange: Exchange, site: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    hidden = []
    for name, value in exchange.headers:
        lower = name.lower()
        if value == _HIDDEN:
            hidden.append(name)
        elif lower == "host":
            if value != urlsplit(site).netloc:
                yield name, value
        elif lower not in _NO_REPEAT:
            yield name, value
    if hidden:
        notes.append(f"Left out, since its value is not kept: {', '.join(hidden)}.")


def _known(event: CheckAnswered, notes: list[str]) -> Iterator[tuple[str, str]]:
    derived = client_id(None, peer=event.peer, platform=event.platform or "?", arch=event.arch or "?")
    if event.client == derived:
        return
    if event.client.startswith("h:"):
        notes.append("Its id header could not be shown, so it is left out: the answer may be another one.")
        return
    yield DEFAULT_ID_HEADER, event.client
