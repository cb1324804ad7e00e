"""Whether the plugin would take a signature, and its words where it would not."""

from __future__ import annotations

from hotswap_dev.packing import minisign_text as minitext
from hotswap_dev.packing.signing import SignatureBroken, verify

_PREFIX = "signature verification failed: "
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_PAD = ord("=")


def refusal(bundle: bytes, signature: str, pubkey: str) -> str | None:
    """None where the signature fits, else what stands behind "signature verification failed: ".

    In the plugin's order: public key, form, key id, algorithm, bytes (plugin: updater.rs, `verify_signature`).
    """
    try:
        verify(bundle, signature, pubkey)
    except SignatureBroken as broken:
        said = broken.client_says.removeprefix(_PREFIX)
        if not said.endswith("…"):
            return said
        raw = minitext.trim(signature).encode("utf-8", "surrogatepass")
        if said.startswith("base64"):
            return f"base64 decode failed: {_no_base64(raw)}"
        return f"signature is not valid UTF-8: {_no_utf8(minitext.decode(raw.decode()) or b'')}"
    return None


def _no_base64(text: bytes) -> str:
    """What the `base64` crate says of a text that is none (base64 0.22: its general-purpose engine, in its order)."""
    if len(text) % 4 == 1 and text[-1] not in _BASE64 and text[-1] != _PAD:
        return f"Invalid symbol {text[-1]}, offset {len(text) - 1}."
    last = (len(text) - 1) // 4 * 4  # where the quad begins that may have padding
    for place, symbol in enumerate(text[:last]):
        if symbol not in _BASE64:
            return f"Invalid symbol {symbol}, offset {place}."
    tail = text[last:]
    padding = tail.find(b"=")
    for place, symbol in enumerate(tail):
        if symbol == _PAD:
            if place < 2:
                return f"Invalid symbol {symbol}, offset {last + place}."
        elif 0 <= padding < place:
            return f"Invalid symbol {_PAD}, offset {last + padding}."
        elif symbol not in _BASE64:
            return f"Invalid symbol {symbol}, offset {last + place}."
    symbols = len(tail) if padding < 0 else padding
    if symbols < 2:
        return f"Invalid input length: {last + symbols}"
    if len(tail) % 4:
        return "Invalid padding"
    # All else was looked at: bits are left over behind the last whole byte.
    return f"Invalid last symbol {tail[symbols - 1]}, offset {last + symbols - 1}."


def _no_utf8(raw: bytes) -> str:
    """What Rust's standard library says of bytes that are no text (core::str::Utf8Error)."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return f"incomplete utf-8 byte sequence from index {error.start}"
        return f"invalid utf-8 sequence of {error.end - error.start} bytes from index {error.start}"
    raise ValueError("these bytes are a text")
