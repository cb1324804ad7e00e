"""The check: from an answer to the verdict that the page sees.

It judges what the plugin's `HttpResolver` gets, after redirects: its `StaticFileResolver` ignores the status, and looks
at the sequence before the versions (plugin: resolver.rs, updater.rs).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from hotswap_dev.domain.model import MAX_SEQUENCE, Manifest
from hotswap_dev.domain.versions import Version, parse

LifecycleEvent = Literal[
    "check-start",
    "check-complete",
    "check-error",
    "download-start",
    "download-complete",
    "download-error",
    "apply",
    "ready-confirmed",
    "rollback",
]
"""The `event` field of what the plugin emits on `hotswap://lifecycle`."""

Kind = Literal["available", "not-available", "error"]

Dropped = Literal["no-content", "binary-too-old", "not-newer"]
"""Why the page hears "no update": the server said 204, or the plugin dropped the manifest without a word."""


class Answered(Struct, frozen=True):
    """An HTTP answer came back, redirects followed."""

    status: int
    manifest: Manifest | None = None
    """What `read_manifest` makes of the body; None where the plugin could not read one."""


class Unanswered(Struct, frozen=True):
    """No HTTP answer: refused, reset, timed out (after 15 s), over 10 redirects, or nothing that could be asked."""

    url: str
    """As asked, query included; for a redirect loop the one asked last; "" where there was none to name."""
    cause: Literal["send", "redirect", "builder"] = "send"
    """`builder`: an address or a header that no request can be made of."""


class Verdict(Struct, frozen=True):
    """What a check tells the page."""

    kind: Kind
    events: tuple[LifecycleEvent, ...]
    """All of the check's, in order."""
    text: str | None = None
    """What the promise rejects with; None where it resolves."""
    dropped: Dropped | None = None
    """For "not-available" alone: by which rule."""


_COMPLETE: tuple[LifecycleEvent, ...] = ("check-start", "check-complete")


def verdict(answer: Answered | Unanswered, *, sequence: int, binary_version: str) -> Verdict:
    """What the plugin makes of an answer to a check, when it runs `sequence` (0 = the embedded page).

    `binary_version` is the app's own, "" where its Tauri config has none. The order is the plugin's (`updater.rs`,
    `check_update`): status, body, both versions readable, binary old enough, sequence newer. A version that can't be
    read ends the check without any further event.
    """
    if isinstance(answer, Unanswered):
        return _check_error(unanswered(answer))
    if answer.status == 204:
        return Verdict("not-available", _COMPLETE, dropped="no-content")
    if not 200 <= answer.status <= 299:
        return _check_error(f"HTTP {answer.status}: update check failed")
    manifest = answer.manifest
    if manifest is None:
        return _check_error("invalid manifest: error decoding response body")
    required = read_version(manifest.min_binary_version)
    if isinstance(required, str):
        return _version_error(f"invalid min_binary_version: {required}")
    own = read_version(binary_version)
    if isinstance(own, str):
        return _version_error(f"invalid binary version: {own}")
    if own < required:
        return Verdict("not-available", _COMPLETE, dropped="binary-too-old")
    if manifest.sequence <= sequence:
        return Verdict("not-available", _COMPLETE, dropped="not-newer")
    return Verdict("available", _COMPLETE)


def unanswered(answer: Unanswered) -> str:
    """The text for a request that got no answer, of a check or a download (reqwest 0.12: error.rs)."""
    where = f" for url ({answer.url})" if answer.url else ""
    return f"network error: {_FAILED[answer.cause]}{where}"


_FAILED = {
    "send": "error sending request",
    "redirect": "error following redirect",
    "builder": "builder error",
}


def insecure_url(url: str, *, require_https: bool = True) -> str | None:
    """The text with which the plugin refuses `url`, or None where it takes it.

    Asked of the endpoint when the app starts (`init`, `init_with_config`) and in `configure()`, and of the manifest's
    URL on apply and download: before any request, and before any lifecycle event. The prefix is compared as it is:
    `HTTPS://` is refused too.
    """
    if not require_https or url.startswith("https://"):
        return None
    return f"insecure URL rejected: {url} (set require_https = false to allow)"


def read_manifest(body: bytes) -> Manifest | None:
    """The manifest that the plugin reads from a body, or None where its parser (serde_json) refuses.

    The Content-Type plays no part. Unknown fields are passed over, a known one that stands twice is refused, numbers
    are whole and from 0 to 2^64-1 (`1.0` is not), null stands for an absent optional. serde also takes an array with
    the fields in the order in which `manifest.rs` declares them.
    """
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=tuple,
            parse_int=lambda digits: -0.0 if digits == "-0" else int(digits),
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        return None
    if isinstance(document, list):
        if len(document) > len(_READERS):
            return None
        document = tuple(zip(_READERS, document, strict=False))
    if not isinstance(document, tuple):
        return None
    fields = [(name, value) for name, value in document if name in _READERS]
    values = dict(fields)
    if len(values) != len(fields) or not values.keys() >= _REQUIRED:
        return None
    if not all(_READERS[name](value) for name, value in fields):
        return None
    return Manifest(**values)


def _check_error(text: str) -> Verdict:
    return Verdict("error", ("check-start", "check-error"), text=text)


def _version_error(text: str) -> Verdict:
    return Verdict("error", ("check-start",), text=f"version error: {text}")


# --- reading JSON as serde does -----------------------------------------------------------------------------------


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is Python's idea of JSON")


def _is_text(value: object) -> bool:
    # Half of a surrogate pair, which JSON can escape and Python's parser lets through, is no text to serde.
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _is_u64(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SEQUENCE


# In the order of `manifest.rs`, which matters for arrays.
_READERS: Mapping[str, Callable[[object], bool]] = {
    "version": _is_text,
    "sequence": _is_u64,
    "url": _is_text,
    "signature": _is_text,
    "min_binary_version": _is_text,
    "notes": lambda value: value is None or _is_text(value),
    "pub_date": lambda value: value is None or _is_text(value),
    "mandatory": lambda value: value is None or isinstance(value, bool),
    "bundle_size": lambda value: value is None or _is_u64(value),
}
_REQUIRED = {"version", "sequence", "url", "signature", "min_binary_version"}


# --- versions, and what Rust's semver says of those that are none -------------------------------------------------

_DIGITS = frozenset("0123456789")
_IDENTIFIER = _DIGITS | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-")


def read_version(text: str) -> Version | str:
    """The version, or why the plugin can't read it, in the words of the `semver` crate."""
    refusal = _refusal(text)
    if refusal is not None:
        return refusal
    try:
        return parse(text)
    except ValueError as too_long:
        # The plugin has no limit of length; a version of over 256 characters is beyond what we order.
        return str(too_long)


def _refusal(text: str) -> str | None:
    """What the `semver` crate's parser objects to, or None (semver 1.0: parse.rs, error.rs)."""
    if not text:
        return "empty string, expected a semver version"
    rest, place = text, ""
    for place in ("major version number", "minor version number", "patch version number"):
        digits = _leading(rest, _DIGITS)
        rest = rest[len(digits) :]
        if not digits:
            return f"unexpected character {_quoted(rest[0])} while parsing {place}" if rest else _ended(place)
        if digits[0] == "0" and len(digits) > 1:
            return f"invalid leading zero in {place}"
        if len(digits) > len(str(MAX_SEQUENCE)) or int(digits) > MAX_SEQUENCE:
            return f"value of {place} exceeds u64::MAX"
        if place != "patch version number":
            if not rest.startswith("."):
                return f"unexpected character {_quoted(rest[0])} after {place}" if rest else _ended(place)
            rest = rest[1:]
    for sign, name in (("-", "pre-release identifier"), ("+", "build metadata")):
        if rest.startswith(sign):
            place = name
            segments = _leading(rest[1:], _IDENTIFIER | {"."})
            rest = rest[1 + len(segments) :]
            for segment in segments.split("."):
                if not segment:
                    return f"empty identifier segment in {place}"
                if sign == "-" and segment.isdigit() and segment[0] == "0" and len(segment) > 1:
                    return f"invalid leading zero in {place}"
    return f"unexpected character {_quoted(rest[0])} after {place}" if rest else None


def _leading(text: str, allowed: frozenset[str]) -> str:
    length = next((i for i, character in enumerate(text) if character not in allowed), len(text))
    return text[:length]


def _ended(place: str) -> str:
    return f"unexpected end of input while parsing {place}"


_ESCAPES = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", "'": "\\'", "\\": "\\\\"}


def _quoted(character: str) -> str:
    """A character as Rust's `{:?}` shows it."""
    if character in _ESCAPES:
        return f"'{_ESCAPES[character]}'"
    return f"'{character}'" if character.isprintable() else f"'\\u{{{ord(character):x}}}'"
