"""What a request to the control site asks for in its query, read strictly: errors name the parameter and the value."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

_SWITCHES = {"1": True, "on": True, "true": True, "0": False, "off": False, "false": False}

N = TypeVar("N", int, None)


def demand_known(request: web.Request, known: Collection[str]) -> None:
    """HotswapError for a parameter that is none of `known`: a filter that is misspelt must not match everything."""
    for name in request.query:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise bad_argument(
                f"there is no parameter {shown(name)!r}",
                f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}",
            )


def number(request: web.Request, name: str, default: N) -> int | N:
    """A whole number, or `default` where the parameter is not given."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise bad_argument(
            f"{name} is {shown(text)!r}; expected is a whole number", f"for example ?{name}=10"
        )
    return int(text)


def switch(request: web.Request, name: str) -> bool:
    """Whether a parameter is on; without it, it is off."""
    text = request.query.get(name, "0")
    if text.lower() not in _SWITCHES:
        raise bad_argument(f"{name} is {shown(text)!r}; expected is 1 or 0", f"for example ?{name}=1")
    return _SWITCHES[text.lower()]


def moment(request: web.Request, name: str) -> str | None:
    """An RFC 3339 time as the history has it: UTC, so that texts compare as times do."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
        # Beyond year 1 and 9999 there is no UTC to convert to.
        return wire.stored_time(when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise bad_argument(
            f"{name} is {shown(text)!r}; expected is a time", f"for example ?{name}=2026-04-05T12:00:00Z"
        ) from None


def bad_argument(message: str, hint: str) -> HotswapError:
    """The error of a parameter that can't be meant."""
    return HotswapError(message, hint, code="bad-arguments")
