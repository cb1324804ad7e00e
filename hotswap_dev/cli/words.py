"""What the words of a command line can be: numbers, lists, pairs, and names that the running server knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from hotswap_dev import wire
from hotswap_dev.cli import completing
from hotswap_dev.dashboard.typed_values import items_in, object_in
from hotswap_dev.errors import HotswapError


class Latest:
    """Stands for the newest release's sequence until a server is asked."""


class Null:
    """Stands for a null: click takes None for "not given"."""


LATEST: Final = Latest()
NULL: Final = Null()

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_WHOLE = re.compile(r"-?[0-9]{1,20}")  # int() alone takes 1_000 and Arabic digits (hardening C5)


class Switch(click.Choice):  # type: ignore[type-arg]  # no generic in click 8.1
    """`on` or `off`."""

    def __init__(self) -> None:
        super().__init__(["on", "off"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """True or False."""
        return value if isinstance(value, bool) else super().convert(value, param, ctx) == "on"


class OneOf(click.Choice):  # type: ignore[type-arg]  # as above
    """One of the values of an enum; `none` where it may be null."""

    def __init__(self, values: Sequence[int | str], *, nullable: bool) -> None:
        self._values: dict[str, object] = {str(one): one for one in values}
        if nullable:
            self._values["none"] = NULL
        super().__init__(list(self._values))
        self.name = "|".join(self._values)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The value as JSON has it, or NULL."""
        return self._values[super().convert(value, param, ctx)] if isinstance(value, str) else value


class Whole(click.ParamType):  # type: ignore[type-arg]  # as above
    """A whole number; `latest` where it is a release's sequence, `none` where there may be none."""

    name = "N"

    def __init__(self, *, sequence: bool, nullable: bool) -> None:
        self._sequence = sequence
        self._words = {**({"latest": LATEST} if sequence else {}), **({"none": NULL} if nullable else {})}
        self.name = "|".join(["N", *self._words])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The number, LATEST or NULL."""
        if not isinstance(value, str):
            return value
        if value in self._words:
            return self._words[value]
        if not _WHOLE.fullmatch(value):
            self.fail(
                f"{value!r} is no whole number" + "".join(f", nor {word}" for word in self._words), param, ctx
            )
        return int(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The newest releases, where it is a sequence."""
        words = [CompletionItem(word) for word in self._words]
        return completing.matching(
            [*words, *(completing.sequences(ctx) if self._sequence else [])], incomplete
        )


class FaultNumber(Whole):
    """The number of an armed fault."""

    def __init__(self) -> None:
        super().__init__(sequence=False, nullable=False)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Those that are armed."""
        return completing.matching(completing.armed_faults(ctx), incomplete)


class Number(click.ParamType):  # type: ignore[type-arg]  # as above
    """A number, such as 12.5; `none` where there may be none."""

    def __init__(self, *, nullable: bool) -> None:
        self._nullable = nullable
        self.name = "X|none" if nullable else "X"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The number or NULL."""
        if not isinstance(value, str):
            return value
        if self._nullable and value == "none":
            return NULL
        if not _NUMBER.fullmatch(value):
            self.fail(f"{value!r} is no number, such as 12.5" + ", nor none" * self._nullable, param, ctx)
        return float(value)


class WordList(click.ParamType):  # type: ignore[type-arg]  # as above
    """Words with commas between them, one with a comma in double quotes; '' is the empty list."""

    name = "A,B"

    def __init__(self, proposed: Sequence[str] = ()) -> None:
        self._proposed = proposed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The words."""
        return items_in(value) if isinstance(value, str) else value

    @staticmethod
    def joined(_: click.Context, __: click.Parameter, given: Sequence[Sequence[str]]) -> list[str] | None:
        """What was given all over a line; None where nothing was."""
        return list(chain.from_iterable(given)) if given else None

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The last word of the list, of those that are known."""
        return completing.matching_last(self._known(ctx), incomplete)

    def _known(self, ctx: click.Context) -> list[CompletionItem]:
        return [CompletionItem(one) for one in self._proposed]


class ClientList(WordList):
    """Clients with commas between them."""

    name = "CLIENTS"

    def _known(self, ctx: click.Context) -> list[CompletionItem]:
        return completing.clients(ctx)


class ClientWord(click.ParamType):  # type: ignore[type-arg]  # as above
    """A client: its id, the beginning of it, or its name."""

    name = "CLIENT"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Clients that were seen."""
        return completing.matching(completing.clients(ctx), incomplete)


class ChannelWord(click.ParamType):  # type: ignore[type-arg]  # as above
    """A channel's name."""

    name = "CHANNEL"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Channels that there are."""
        return completing.matching(completing.channels(ctx), incomplete)


class FaultWord(click.ParamType):  # type: ignore[type-arg]  # as above
    """A fault's name."""

    name = "FAULT"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The catalogue."""
        return completing.matching(completing.faults(), incomplete)


class Pairs(click.ParamType):  # type: ignore[type-arg]  # as above
    """NAME=VALUE with commas between them, or a JSON object; a value that reads as a number is one."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The object."""
        try:
            return object_in(value) if isinstance(value, str) else value
        except HotswapError as error:
            self.fail(error.message, param, ctx)

    @staticmethod
    def joined(
        ctx: click.Context, param: click.Parameter, given: Sequence[Mapping[str, wire.Json]]
    ) -> dict[str, wire.Json] | None:
        """All of a line as one object; None where none was given."""
        found: dict[str, wire.Json] = {}
        for one in given:
            for name in found.keys() & one.keys():
                raise click.BadParameter(f"{name} is given twice", ctx, param)
            found |= one
        return found if given else None

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The parameters of the fault that stands on the line."""
        # An option that still waits for its value keeps click from naming the arguments.
        fault = ctx.params.get("fault") or next(iter(ctx.args), None)
        return completing.matching_last(completing.parameters_of_fault(fault), incomplete)
