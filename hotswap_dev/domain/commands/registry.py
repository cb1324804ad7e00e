"""What every command is, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from msgspec import Struct

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact, kebab
from hotswap_dev.domain.model import Bundle, Origin


class Built(Struct, frozen=True, kw_only=True):
    """A bundle that was made just now, and what the app was when it was."""

    bundle: Bundle
    binary_version: str
    min_binary_version: str
    origin: Origin
    watched: bool = False
    """Whether it is the watched folder's tree."""
    copy_of: int | None = None
    """For a poisoned bundle, the healthy release that it was made of."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action. `events` says which facts it leads to; HotswapError where it can't be done.

    What asks for a state that is already there leads to none: a script may say it twice.
    """

    verb: ClassVar[str]
    """What it is called: not `name`, which commands have as an argument."""
    group: ClassVar[str] = "change"
    summary: ClassVar[str]
    """One line, an imperative without a full stop."""
    example: ClassVar[str]
    """A command line that works, without the program's name."""
    builds: ClassVar[bool] = False
    """Whether a bundle is made first, which then reaches `events` as `built`."""
    final: ClassVar[bool] = False
    """Whether it can't be taken back: a person is asked first."""

    def __init_subclass__(cls) -> None:
        """Join the registry under the class's name in kebab-case."""
        cls.verb = kebab(cls.__name__)
        _COMMANDS[cls.verb] = cls

    def demand(self, controls: Controls) -> None:
        """HotswapError where this can't be done as things are: asked before a bundle is made for it, and again by
        `events`, since things may have changed meanwhile.
        """

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The facts that this leads to, none of them applied yet."""
        raise NotImplementedError(f"{type(self).__name__} says nothing of what it leads to")

    def outlook(self, controls: Controls, checks: Iterable[Check]) -> object | None:
        """What its caller may want to know besides, for the controls after it and the known clients' next checks."""
        return None


_COMMANDS: dict[str, type[Command]] = {}


def registered() -> Mapping[str, type[Command]]:
    """Every command by its name."""
    return MappingProxyType(_COMMANDS)
