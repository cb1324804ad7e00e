"""Knowing a private key by its first bytes, whatever it is called (hardening B6)."""

from __future__ import annotations

import base64
import binascii

from hotswap_dev.errors import BuildRefused


def refuse_private_key(path: str, data: bytes) -> None:
    """BuildRefused `secret` if a file's content (or its first kilobyte) is a private key."""
    if data.startswith(_MAYBE) and is_private_key(data):
        raise BuildRefused(
            "secret",
            f"{path} is a private key, and a bundle is readable by anyone who can reach the server",
            "keep it out of the build folder; if it was published anywhere, make a new one",
            path=path,
        )


def is_private_key(data: bytes) -> bool:
    """True for minisign's and the Tauri CLI's secret keys and for PEM private keys, by the file's first bytes.

    Only the start counts: a script that contains the words (crypto libraries do) is no key. minisign's second
    line is base64 of `Ed`, then the key derivation (`Sc`, or two zeros where there is none), then `B2`; the
    Tauri CLI writes the whole text as base64 once more.
    """
    head = data[:1024]
    if head.startswith(b"dW50"):
        line = head.split(b"\n", 1)[0].strip()
        try:
            head = base64.b64decode(line[: len(line) // 4 * 4])
        except binascii.Error:
            return False
    first, _, rest = head.partition(b"\n")
    if first.startswith(b"-----BEGIN "):
        return b"PRIVATE KEY" in first
    if b"untrusted comment:" not in first:
        return False
    return b"secret key" in first or rest.startswith((b"RWRTY0Iy", b"RWQAAEIy"))


_MAYBE = (
    b"untrusted comment:",
    b"\xef\xbb\xbfuntrusted comment:",
    b"dW50cnVzdGVkIGNvbW1lbnQ6",
    b"-----BEGIN ",
)
