"""Lists and objects as they are typed into one line: `android, ios` and `ms=500, jitter=50`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hotswap_dev import wire
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

EMPTY = "''"
"""Typed where an empty text is meant, as in a shell: an empty field means "not given"."""

_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"\s*|([^,]*))(?:,|$)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def items_in(text: str) -> Sequence[str]:
    """The items of a list, between commas. One in double quotes may hold commas: an id is any text."""
    items: list[str] = []
    place = 0
    while text != EMPTY and place < len(text) and (found := _ITEM.match(text, place)) is not None:
        place = found.end()
        quoted, bare = found.groups()
        item = bare.strip() if quoted is None else _ESCAPED.sub(r"\1", quoted)
        if item:
            items.append(item)
    return items


def as_item(text: str) -> str:
    """A text as an item of a list that is typed: in quotes where it would be read as something else."""
    if text and text == text.strip() and "," not in text and text[0] != '"' and text != EMPTY:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def object_in(text: str) -> wire.Json:
    """The object that `name=value, …` or its JSON means; HotswapError where it is neither."""
    found = None
    if text.lstrip().startswith("{"):
        try:
            found = wire.decode(text)
        except (ValueError, RecursionError):
            found = None
    else:
        pairs = [one.partition("=") for one in items_in(text)]
        if all(_NAME.fullmatch(name.strip()) and equals for name, equals, _ in pairs):
            found = {name.strip(): _scalar(value.strip()) for name, _, value in pairs}
    if not isinstance(found, dict):
        raise HotswapError(
            f"{shown(text, 40)!r} is neither name=value, such as ms=500, nor a JSON object",
            code="bad-arguments",
        )
    return found


def pairs_of(value: Mapping[str, wire.Json]) -> str | None:
    """An object as it is typed, `ms=500, jitter=50`; None where only JSON says it."""
    pairs = [f"{name}={one}" for name, one in value.items() if isinstance(one, int | float | str)]
    text = ", ".join(as_item(one) for one in pairs)
    try:
        same = len(pairs) == len(value) and wire.encode(object_in(text)) == wire.encode(value)
    except HotswapError:
        return None
    return text if same and shown(text, len(text) + 1) == text else None


def _scalar(text: str) -> wire.Json:
    """A number where it reads as one, else a text."""
    # int() alone takes 1_000 and Arabic digits (hardening C5).
    if re.fullmatch("-?[0-9]{1,20}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?[0-9]{1,20}\.[0-9]{1,20}", text) else text
