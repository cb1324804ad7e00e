"""How an app reaches this server: addresses, key, overlays and the lines to paste; and the address for a phone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from urllib.parse import urlsplit

from hotswap_dev import wire
from hotswap_dev.dashboard.details.paragraphs import MARGIN, fields, head, section, sentence, whole
from hotswap_dev.dashboard.spans import Line, Span
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.checks import is_loopback
from hotswap_dev.domain.text import shown


def phone_address(about: wire.About) -> str | None:
    """The address by which a phone reaches the site; None where only this machine does."""
    return next((one for one in (about.site, *about.addresses) if _reachable(one)), None)


def _reachable(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return bool(host) and host not in ("localhost", "0.0.0.0", "::") and not is_loopback(host)  # noqa: S104 - read


def address_lines(view: View, width: int, *, code: Sequence[str] = ()) -> list[Line]:
    """The page. `code` is a QR code that stands beside it or below it, and is named here."""
    about = view.about
    if about is None:
        text = (
            "Nothing is known of the server yet."
            if view.link.state == "starting"
            else "This server does not say where it is: it is of another version."
        )
        return [head((Span("Addresses", "strong"),), (), width), (), *sentence(text, width, role="dim")]
    title: Line = (Span(about.app, "strong"), Span(f"   hotswap-dev {about.version}", "dim"))
    lines = [head(title, _key(about), width)]
    if about.production_key:
        lines += [
            (),
            *sentence(
                "This is the PRODUCTION key: every installed app would run what is signed here.",
                width,
                role="bad",
            ),
        ]
    lines += _labelled("endpoint", [about.endpoint], width, role_first=True)
    lines += _labelled("site", _once(about.site, *about.addresses), width)
    lines += _phone(about, width, code)
    lines += _labelled("public key", [about.pubkey], width)
    lines += _labelled("config overlays, desktop and phone", about.overlays, width)
    lines += _labelled("build once", _given(about.build_line), width)
    lines += _labelled("then", _given(about.watch_line), width)
    if about.devtools_line:
        lines += section("no OTA code? paste into the debug app's devtools", width, "y copies it")
        lines += whole(about.devtools_line, width, role="dim")[:_MOST_DEVTOOLS]
    lines += section("here", width)
    lines += fields(
        [
            ("workspace", about.workspace),
            ("watches", about.dist or "nothing: hotswap-dev publish DIST makes a release"),
            ("builds go to", f"{view.controls.build_channel}{_configured(view, about)}"),
        ],
        width,
    )
    return lines


_MOST_DEVTOOLS = 6


def _key(about: wire.About) -> Line:
    if about.production_key:
        return (Span(f" PRODUCTION KEY {about.key_id} ", "danger"),)
    return (Span("key ", "dim"), Span(about.key_id))


def _labelled(name: str, values: Sequence[str], width: int, *, role_first: bool = False) -> list[Line]:
    if not values:
        return []
    lines = section(name, width)
    for value in values:
        lines += whole(value, width, role="accent" if role_first else "text")
    return lines


def _phone(about: wire.About, width: int, code: Sequence[str]) -> list[Line]:
    lines = section("phones", width)
    address = phone_address(about)
    if address is None:
        lines += sentence(
            "Only this machine can ask: the server listens on loopback. For phones start it with", width
        )
        started = " ".join(
            ["hotswap-dev", *([shlex.quote(about.dist)] if about.dist else []), "--host 0.0.0.0"]
        )
        lines.append((Span(" " * MARGIN), Span(shown(started, 1000), "key")))
        port = urlsplit(about.site).port or 80
        lines += sentence(f"or, for Android over USB: adb reverse tcp:{port} tcp:{port}", width, role="dim")
        return lines
    lines += whole(address, width, role="accent")
    if code:
        lines += sentence("Scan the code: the page that opens says what is offered.", width, role="dim")
    return lines


def _configured(view: View, about: wire.About) -> str:
    chosen = view.controls.build_channel
    return "" if chosen == about.channel_configured else f" (configured is {about.channel_configured})"


def _given(line: str | None) -> list[str]:
    return [] if line is None else [line]


def _once(*values: str) -> list[str]:
    return list(dict.fromkeys(values))
