"""Text from outside, made harmless: what a client or a file name says is never markup, escapes or a trick."""

from __future__ import annotations

import hashlib
import unicodedata

MAX_SHOWN = 256
LONGEST_PATH = 1000
"""Characters of a path, or of a sentence with paths in it, as they are shown."""

_MAX_MARKS = 4
_MARKS = ("Mn", "Me")


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    r"""`text` as it may be stored and drawn: printable, at most `limit` characters, at most 4 marks on a letter.

    Control characters, escapes, bidi and zero-width characters and lone surrogates become `\xNN` or `\u{…}`. What is
    cut ends with `…`. Doing it twice changes nothing (hardening C3, C4).
    """
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    out: list[str] = []
    marks = 0
    for letter in text:
        # By category: the combining class is 0 for many a mark that stacks (U+0489, U+20DD, Thai vowels).
        marks = marks + 1 if unicodedata.category(letter) in _MARKS else 0
        if marks > _MAX_MARKS:
            continue
        if len(out) > limit:
            break
        if letter.isprintable():
            out.append(letter)
        else:
            code = ord(letter)
            out.append(f"\\x{code:02x}" if code < 256 else f"\\u{{{code:x}}}")
    clean = "".join(out)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def digest(secret: str) -> str:
    """What stands for a secret where it is compared and kept: 16 hex digits of its sha256 (hardening C10)."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:16]
