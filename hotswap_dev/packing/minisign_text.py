"""minisign's texts taken apart: which of its kinds a text is, and the bytes in it. Opens nothing.

    secret key  untrusted comment: …    + base64 of 158 bytes (212 characters)
    public key  untrusted comment: …    + base64 of 42 bytes: the `RW…` line, 56 characters
    signature   untrusted comment: … / base64 of 74 bytes / trusted comment: … / base64 of 64 bytes

Tauri's CLI writes each of them once more in base64.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

from hotswap_dev.errors import HotswapError

COMMENT = "untrusted comment: "
TRUSTED = "trusted comment: "
TRUSTED_MAX = 8192 - 2 - len(TRUSTED)
"""The longest trusted comment, in bytes: minisign reads the line with its newline and a NUL into 8192 bytes."""

SECRET_LENGTH = 158
"""Algorithm 2, kdf 2, checksum's kind 2, salt 32, work 8, memory 8, then what a password encrypts: id 8, seed 32,
public half 32, checksum 32 (which says whether the password was right)."""
_PRIVATE = 54  # where the encrypted part begins
PUBLIC_LENGTH = 42
"""Algorithm 2, key id 8, key 32."""
SIGNATURE_LENGTH = 74
"""Algorithm 2, key id 8, signature 64."""
LEGACY = b"Ed"
ALGORITHMS = (LEGACY, b"ED")
"""Over the file itself, and over its hash. A key calls itself the former, whichever it signs with."""

Kind = Literal["secret", "public", "signature", "truncated", "unknown"]
Form = Literal["minisign", "tauri"]

_KINDS: dict[int, Kind] = {SECRET_LENGTH: "secret", PUBLIC_LENGTH: "public", SIGNATURE_LENGTH: "signature"}
_KEY_FILES = (
    "give a key file of `minisign -G`, `tauri signer generate` or `hotswap-dev key export`; "
    "of a public key, the line that begins with RW will do"
)
_INSTEAD: dict[Kind, tuple[str, str, str]] = {
    "secret": (
        "a secret key; a public one belongs here",
        "keep it out of the app's config; `hotswap-dev key show` prints the public line of the key in use",
        "key-is-secret",
    ),
    "public": (
        "a public key, and signing needs the secret one",
        "the secret file is the one beside it without .pub",
        "key-is-public",
    ),
    "signature": ("a signature, not a {} key", _KEY_FILES, "key-is-signature"),
    "truncated": ("cut short", "copy the whole text, to its last character", "key-truncated"),
    "unknown": ("not a {} key", _KEY_FILES, "key-not-a-key"),
}
_EN_TO_HAIR = "".join(map(chr, range(0x2000, 0x200B)))  # the spaces of Unicode's General Punctuation
_SECRET_MARKS = (b"\0\0B2", b"ScB2")  # a secret key's bytes 2 to 5, where other kinds have the key id


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a text is. `payload` is empty for what is truncated, unknown, or a signature of four lines."""

    kind: Kind
    form: Form
    payload: bytes = field(repr=False)


def demand(wanted: Kind, text: str, name: str) -> Recognised:
    """`recognise` a secret or public key; HotswapError that says what the text, called `name`, is instead."""
    found = recognise(text)
    if found.kind != wanted:
        what, hint, code = _INSTEAD[found.kind]
        raise HotswapError(f"{name} is {what.format(wanted)}", hint, code=code)
    return found


def recognise(text: str) -> Recognised:
    r"""Tell a key from another kind of text by its bytes, whatever its comment says.

    A BOM, CRLF, quotes around it, `\n` written out (.env files, CI secrets), wrapped lines and a missing comment
    don't matter. A checksum that a tool left zero is filled in.
    """
    text = text.strip("\ufeff \t\r\n\"'")
    if "\n" not in text:
        text = text.replace("\\r", "").replace("\\n", "\n")
    form: Form = "minisign"
    if not text.startswith("untrusted comment:"):
        inner = _as_far_as_it_goes("".join(text.split()))
        if inner.startswith(b"untrusted comment:"):
            form, text = "tauri", inner.decode("utf-8", "replace").strip()
    lines = [line.strip() for line in re.split(r"[\r\n]+", text)]
    if any(line.startswith(TRUSTED) for line in lines):
        return Recognised("signature", form, b"")
    commented = lines[0].startswith("untrusted comment:")
    body = "".join(lines[1:] if commented else lines)
    payload = decode(body) or b""
    kind = _KINDS.get(len(payload)) if payload[:2] in ALGORITHMS else None
    # A secret key that was cut after 42 bytes has a public key's length.
    if kind is not None and (kind == "secret" or payload[2:6] not in _SECRET_MARKS):
        # `minisign -G -W` (0.11) leaves it zero; other tools demand it, and py-minisign writes what it has read.
        if kind == "secret" and payload[2:4] == b"\0\0" and payload[-32:] == bytes(32):
            payload = payload[:-32] + checksum(payload)
        return Recognised(kind, form, payload)
    begun = re.fullmatch(r"R[WU][A-Za-z0-9+/]+={0,2}", body) is not None and len(payload) < SECRET_LENGTH
    return Recognised("truncated" if begun or (commented and not body) else "unknown", form, b"")


def checksum(secret: bytes) -> bytes:
    """What the last 32 bytes of a secret key must be, of one that is not encrypted."""
    return hashlib.blake2b(secret[:2] + secret[_PRIVATE:-32], digest_size=32).digest()


def scrypt_limits(secret: bytes) -> tuple[int, int]:
    """What opening an encrypted key takes: (work, memory in bytes). py-minisign doesn't tell."""
    return int.from_bytes(secret[38:46], "little"), int.from_bytes(secret[46:_PRIVATE], "little")


def signature_lines(text: str) -> list[str]:
    r"""The lines as Rust's `str::lines` sees them: a line ends with \n or \r\n, and with nothing else."""
    *ended, last = text.split("\n")
    return [line.removesuffix("\r") for line in ended] + ([last] if last else [])


def trim(text: str) -> str:
    """`str::trim` of Rust: Python's strip would take four separators (U+001C to U+001F) for spaces too."""
    return text.strip("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + _EN_TO_HAIR)


def encode(raw: bytes) -> str:
    """Standard base64 with its padding."""
    return base64.b64encode(raw).decode("ascii")


def decode(text: str) -> bytes | None:
    """Standard base64 as Rust decodes it: padding demanded, no stray bit (Python lets those pass) or character."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if encode(raw) == text else None


def _as_far_as_it_goes(text: str) -> bytes:
    """Decoded up to where it was cut, so that a cut text is still recognised; empty if it is no base64."""
    return decode(text) or decode(text[: len(text) // 4 * 4]) or b""
