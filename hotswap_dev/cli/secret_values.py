"""Values that may be secrets: named by where they lie, so that they stand in no history of a shell and in no list of
processes. What is wrong with one is said without it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hotswap_dev.errors import UsageError

HOW = "@FILE or - (stdin) keep it out of the shell's history"

_MOST = 64 * 1024  # bytes: a device without an end is no file


class SecretWord(click.ParamType):  # type: ignore[type-arg]  # no generic in click 8.1
    """A text; `-` reads it from standard input, `@FILE` from a file."""

    name = "TEXT|@FILE|-"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The value itself."""
        if not isinstance(value, str) or (ctx is not None and ctx.resilient_parsing):
            return value
        return secret_in(value, param.opts[0] if param is not None else "the value")


def secret_in(word: str, what: str) -> str:
    """What a word stands for; UsageError (`bad-secret`) where nothing can be read there. The last line's end is none
    of it. `what` is said of it in errors.
    """
    if word == "-":
        return _read(what, "standard input", lambda: sys.stdin.buffer.read(_MOST))
    if word.startswith("@"):

        def content() -> bytes:
            with Path(word[1:]).open("rb") as file:
                return file.read(_MOST)

        return _read(what, word[1:] or "a file without a name", content)
    return word


def _read(what: str, place: str, content: Callable[[], bytes]) -> str:
    hint = "give it as - to read it from standard input, or as @FILE"
    try:
        text = content().decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{what}: what is in {place} is not UTF-8", hint, code="bad-secret") from None
    except OSError as error:
        raise UsageError(
            f"{what}: {place} can't be read: {error.strerror}", hint, code="bad-secret"
        ) from None
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise UsageError(f"{what}: there is nothing in {place}", hint, code="bad-secret")
    return value
