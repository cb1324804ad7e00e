"""Reading what a client asked: a check request's path and query, strictly (contract, "Check Request").

What the contract demands and is not there, or can't be read, is a `BadCheck` that names the parameter, the value and an
example. What merely deviates (a platform nobody knows) is answered all the same and flagged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.model import DEFAULT_CHANNEL, DEFAULT_UPDATE_TYPE, MAX_SEQUENCE, Protocol
from hotswap_dev.domain.text import shown
from hotswap_dev.domain.versions import is_version

PLATFORMS = ("macos", "windows", "linux", "android", "ios")
ARCHES = ("x86_64", "aarch64", "x86", "arm")

CHANNEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a channel may be called; anything else could not be shown or typed."""

_SEQUENCE = re.compile(r"[0-9]{1,20}")  # int() alone takes 1_000 and Arabic digits (hardening C5)
_ID_LENGTH = 128


class Check(Struct, frozen=True, kw_only=True):
    """One client's question: is there anything newer than what I run?

    `binary_version` is None where it is unknown: then no minimum applies. `flags` are codes of what deviates.
    """

    client: str
    sequence: int
    binary_version: str | None
    platform: str
    arch: str
    channel: str | None
    flags: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    """Of the headers that a channel demands, those that came with it: lower-case name to `text.digest` of the value."""
    protocol: Protocol = "hotswap"
    update_type: str = DEFAULT_UPDATE_TYPE
    """The kind of release that it asks for; the plugin's clients know only the one."""

    @property
    def asked_channel(self) -> str:
        """The channel that is meant; without the parameter it is `production`."""
        return self.channel or DEFAULT_CHANNEL


class BadCheck(Struct, frozen=True, kw_only=True):
    """A check that can't be answered, and what would be right. It still names its client, as far as it is known."""

    client: str
    parameter: str
    value: str
    expected: str
    example: str


def read_check(
    sequence: str, query: Mapping[str, Sequence[str]], *, device: str | None, peer: str
) -> Check | BadCheck:
    """Read a check from the last part of its path and its decoded query.

    `query` maps a name to all its values, `device` is the id header's value if it was sent, `peer` the address that
    asked, without port. A name that occurs twice with different values is bad: two readers could read it differently.
    """
    return asked_by(read_question(sequence, query), query, device=device, peer=peer)


def asked_by(
    question: Check | BadCheck, query: Mapping[str, Sequence[str]], *, device: str | None, peer: str
) -> Check | BadCheck:
    """A question of `read_question` with the client that asks it."""
    platform, arch = _first(query, "platform"), _first(query, "arch")
    return replace(question, client=client_id(device, peer=peer, platform=platform or "?", arch=arch or "?"))


def read_question(sequence: str, query: Mapping[str, Sequence[str]]) -> Check | BadCheck:
    """What `read_check` reads, for no client yet (its id is ""): equal texts ask equal questions."""
    platform, arch = _first(query, "platform"), _first(query, "arch")

    def bad(parameter: str, value: str, expected: str, example: str) -> BadCheck:
        return BadCheck(client="", parameter=parameter, value=value, expected=expected, example=example)

    if not _SEQUENCE.fullmatch(sequence) or int(sequence) > MAX_SEQUENCE:
        return bad("sequence", sequence, f"a whole number from 0 to {MAX_SEQUENCE}", "/api/ota/0")
    for name in ("binary_version", "platform", "arch", "channel"):
        if len(set(query.get(name, ()))) > 1:
            return bad(name, ", ".join(query[name]), "one value", f"{name}=…")
    binary_version = _first(query, "binary_version")
    flags = []
    if binary_version is None:
        return bad("binary_version", "", "the app's version, always sent", "binary_version=0.1.0")
    if binary_version == "":
        # An app without `version` in its Tauri config sends it empty. Its plugin fails on every 200 with a text that
        # names the mistake ("invalid binary version"), which helps its developer more than our 400 would.
        flags.append("binary-version-empty")
    elif not is_version(binary_version):
        return bad("binary_version", binary_version, "a semantic version", "binary_version=0.1.0")
    if platform is None:
        return bad("platform", "", "one of " + ", ".join(PLATFORMS), "platform=linux")
    if arch is None:
        return bad("arch", "", "one of " + ", ".join(ARCHES), "arch=x86_64")
    if platform not in PLATFORMS:
        flags.append("platform-unknown")
    if arch not in ARCHES:
        flags.append("arch-unknown")
    channel = _first(query, "channel")
    if channel is not None and not CHANNEL_NAME.fullmatch(channel):
        return bad("channel", channel, "letters, digits, . _ -, at most 64", "channel=beta")
    return Check(
        client="",
        sequence=int(sequence),
        binary_version=binary_version or None,
        platform=platform,
        arch=arch,
        channel=channel,
        flags=tuple(flags),
    )


def client_id(device: str | None, *, peer: str, platform: str, arch: str) -> str:
    """Who this is: the id that the app sends, else where it asks from and what it runs on.

    No binary version is in it: after an upgrade it is the same client. Every loopback address is `local`: `localhost`
    reaches us by either family. What can't be shown or is too long is named by its sha256.
    """
    named = device or f"{'local' if is_loopback(peer) else peer}/{platform}/{arch}"
    if shown(named, _ID_LENGTH) != named:
        # surrogatepass: an undecodable byte arrives as a lone surrogate, which UTF-8 alone has no bytes for.
        return "h:" + hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return named


def is_loopback(address: str) -> bool:
    """Whether an address (no port, no brackets) is this machine's own loopback."""
    address = address.removeprefix("::ffff:")
    return address == "::1" or address.startswith("127.")


def _first(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = query.get(name)
    return values[0] if values else None
