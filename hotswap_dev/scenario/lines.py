"""On which line of a TOML file each block and each key of it stands: tomllib says that of syntax errors only.

It reads text that tomllib has accepted, and knows as much of TOML (1.0.0) as it takes to tell a header or a key from
what stands in a string, a comment or a value.
"""

from __future__ import annotations

import re
import tomllib

from msgspec import Struct

_BLANK = re.compile(r"[ \t\r\n]*(?:#[^\n]*[ \t\r\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"""[^"'#\[\]{}\n]+""")
_STRINGS = (
    # The long ones first: each begins as a short one does. Up to two quotes more may end a long one.
    re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


class Block(Struct, frozen=True):
    """A `[[block]]`: where its header stands, and its keys; those of a `[block.table]` below it count as `table`."""

    line: int
    keys: dict[str, int]


class Lines(Struct, frozen=True):
    """The lines of a file, from 1: the keys at its top, and its `[[blocks]]` by their name in their order."""

    top: dict[str, int]
    blocks: dict[str, list[Block]]


def lines_of(document: str) -> Lines:
    """The lines of what `tomllib.loads` takes; of anything else it may be nonsense, but it ends."""
    top: dict[str, int] = {}
    blocks: dict[str, list[Block]] = {}
    keys, under = top, 0
    at, line, counted = 0, 1, 0
    while True:
        at = _after(_BLANK, document, at)
        line += document.count("\n", counted, at)
        counted = at
        if at >= len(document):
            return Lines(top, blocks)
        if document[at] == "[":
            double = document.startswith("[[", at)
            path, at = _key(document, at + 1 + double)
            at = _rest_of_line(document, at)
            first = path[0] if path else ""
            if double and len(path) == 1:
                block = Block(line, {})
                blocks.setdefault(first, []).append(block)
                keys, under = block.keys, 0
            elif first in blocks:  # [block.table], [[block.list]]: of the block before
                blocks[first][-1].keys.setdefault(path[1] if len(path) > 1 else "", line)
                keys, under = {}, 1
            else:
                top.setdefault(first, line)
                keys, under = {}, 1
        else:
            path, at = _key(document, at)
            if path and not under:
                keys.setdefault(path[0], line)
            at = _value(document, at)


def _after(pattern: re.Pattern[str], document: str, at: int) -> int:
    found = pattern.match(document, at)
    return found.end() if found else at


def _key(document: str, at: int) -> tuple[list[str], int]:
    """The parts of a key or of a header's name, and where it ends."""
    parts: list[str] = []
    while True:
        at = _after(_SPACE, document, at)
        found = _BARE.match(document, at)
        if found:
            parts.append(found.group())
        elif (found := _string(document, at)) is not None:
            parts.append(_unquoted(found.group()))
        else:
            return parts, at
        at = _after(_SPACE, document, found.end())
        if document[at : at + 1] != ".":
            return parts, at
        at += 1


def _unquoted(quoted: str) -> str:
    try:
        return str(tomllib.loads(f"key = {quoted}")["key"])
    except tomllib.TOMLDecodeError:
        return quoted


def _string(document: str, at: int) -> re.Match[str] | None:
    if document[at : at + 1] not in ('"', "'"):
        return None
    return next((found for pattern in _STRINGS if (found := pattern.match(document, at))), None)


def _rest_of_line(document: str, at: int) -> int:
    end = document.find("\n", at)
    return len(document) if end < 0 else end


def _value(document: str, at: int) -> int:
    """Where the value that follows ends: at a newline that is in no string and no bracket."""
    depth = 0
    while at < len(document):
        letter = document[at]
        if letter == "\n" and depth == 0:
            return at
        if letter == "#":
            at = _rest_of_line(document, at)
        elif (found := _string(document, at)) is not None:
            at = found.end()
        elif (plain := _PLAIN.match(document, at)) is not None:
            at = plain.end()
        else:
            depth += (letter in "[{") - (letter in "]}")
            at += 1
    return at
