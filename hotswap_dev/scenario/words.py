"""The words of a scenario file: durations, shares, names; as values, or a `Mistake` that says what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from hotswap_dev.domain.text import shown

LONGEST_DURATION = 30 * 86_400.0
LONGEST_TEXT = 1000

_PART = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)"
_DURATION = re.compile(rf"(?:{_PART})+")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_MEANT = ("latest", "none")


class Mistake(Exception):
    """What is wrong in a block of the file, under which of its keys, and what would be right."""

    def __init__(self, key: str | None, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.message = message
        self.hint = hint


def nearest(word: str, known: Iterable[str], *, what: str = "there are") -> str:
    """The hint for a word that is none of `known`: the nearest of them, else all of them."""
    words = list(known)
    lowered = {one.lower(): one for one in words}
    near = difflib.get_close_matches(word[:128].lower(), lowered, 1)
    if near:
        return f"did you mean {shown(lowered[near[0]])}?"
    return f"{what}: {', '.join(shown(one) for one in words)}" if words else "there are none"


def quoted(value: object) -> str:
    """A value of the file as it may stand in a sentence."""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return shown(repr(value), 80)
    except ValueError:  # 0xfff… may be longer than Python writes in digits
        return "a huge number"


def duration(key: str, value: object, *, above_zero: bool = False) -> float:
    """Seconds: a number of them, or a text such as `10s`, `500ms`, `1m30s`."""
    if isinstance(value, str) and _DURATION.fullmatch(value):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(max(-1, min(value, 10**15)))
    else:
        raise Mistake(
            key, f"{key} is {quoted(value)}; expected is a duration", 'such as "10s", "500ms" or "2m"'
        )
    if not 0 <= seconds <= LONGEST_DURATION or (above_zero and seconds == 0):
        lowest = "above 0" if above_zero else "from 0"
        raise Mistake(
            key, f"{key} is {quoted(value)}; expected is a duration {lowest} to 30 days", 'such as "10s"'
        )
    return seconds


def chance(key: str, value: object) -> float:
    """A share or a probability, 0 to 1."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise Mistake(key, f"{key} is {quoted(value)}; expected is a share", "0 to 1, such as 0.1 for one in ten")


def whole(key: str, value: object, *, least: int, most: int) -> int:
    """A whole number within limits."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise Mistake(key, f"{key} is {quoted(value)}; expected is a whole number", f"{least} to {most}")


def text(key: str, value: object, *, longest: int = LONGEST_TEXT) -> str:
    """A sentence on one line, made harmless."""
    if not isinstance(value, str):
        raise Mistake(key, f"{key} is {quoted(value)}; expected is a text", f'such as {key} = "…"')
    line = " ".join(value.split())
    if not line or len(line) > longest:
        raise Mistake(key, f"{key} has {len(line)} characters; expected are 1 to {longest}")
    return shown(line, longest)


def word(key: str, value: object, known: Iterable[str], what: str) -> str:
    """One of `known`; `what` names their kind with its article, such as "a reason"."""
    words = list(known)
    if isinstance(value, str) and value in words:
        return value
    hint = nearest(value if isinstance(value, str) else "", words)
    raise Mistake(key, f"{key} is {quoted(value)}, which is not {what}", hint)


def yes_or_no(key: str, value: object) -> bool:
    """`true` or `false`."""
    if isinstance(value, bool):
        return value
    raise Mistake(key, f"{key} is {quoted(value)}; expected is true or false", f"such as {key} = true")


def name(key: str, value: object) -> str:
    """What a step may be called by the steps after it."""
    if isinstance(value, str) and value.startswith("@"):
        raise Mistake(
            key, f"{key} is {quoted(value)}: the @ belongs where it is used", f'{key} = "{value[1:65]}"'
        )
    if isinstance(value, str) and _NAME.fullmatch(value) and value not in _MEANT:
        return value
    raise Mistake(
        key,
        f"{key} is {quoted(value)}, which can't be a name",
        "a letter, then letters, digits, - and _, such as good; latest and none mean something already",
    )
