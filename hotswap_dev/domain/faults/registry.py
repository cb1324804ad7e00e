"""What every fault is, and the table of all of them."""

from __future__ import annotations

import difflib
import functools
import typing
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Struct

from hotswap_dev.domain.facts import kebab
from hotswap_dev.domain.plain_words import in_plain_words
from hotswap_dev.errors import HotswapError, NotFound

Stage = Literal["check", "signature", "download", "bundle", "preset"]
"""Where it strikes: the answer to a check, the signature in a manifest, the bytes of a bundle on their way, a bundle
that is bad in itself, or the whole line."""

STAGES: tuple[Stage, ...] = ("check", "signature", "download", "bundle", "preset")

Value = int | float | str
"""What a parameter is: a number in the unit that its description names, or a word."""


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to misbehave on purpose. A field is a parameter; its description names the unit."""

    stage: ClassVar[Stage]
    named: ClassVar[str]
    """What it is called within its stage."""
    summary: ClassVar[str]
    """What the server does, one line without a full stop."""
    at_offers: ClassVar[bool] = False
    """Whether it changes a manifest: then it fires, and counts, only where there is an offer (design §6)."""
    keeps_offer: ClassVar[bool] = False
    """Whether a client that is offered something still hears of it, so that it may come for the bundle."""
    standing: ClassVar[bool] = False
    """Whether it is a state until it is cleared, so that neither times nor a probability mean anything to it."""

    def __init_subclass__(cls) -> None:
        """Join the registry, if it is a fault and not a stage's own base."""
        if "summary" in cls.__dict__:
            if "named" not in cls.__dict__:
                cls.named = kebab(cls.__name__).removeprefix(f"{cls.stage}-")
            _FAULTS[f"{cls.stage}/{cls.named}"] = cls

    def told_status(self, status: int) -> int:
        """The HTTP status that goes out where it would have been `status`; 0 where nothing does."""
        return status

    @property
    def name(self) -> str:
        """What it is called outside; see `listed_name`."""
        return listed_name(type(self))


_FAULTS: dict[str, type[Fault]] = {}


def every_fault() -> Mapping[str, type[Fault]]:
    """Every fault by its name, stage by stage."""
    return MappingProxyType(
        {
            listed_name(kind): kind
            for kind in sorted(_FAULTS.values(), key=lambda kind: STAGES.index(kind.stage))
        }
    )


def listed_name(kind: type[Fault]) -> str:
    """`crash-on-load`, or with its stage where two stages share the name: `check/delay` (interface)."""
    shared = sum(other.named == kind.named for other in _FAULTS.values()) > 1
    return f"{kind.stage}/{kind.named}" if shared else kind.named


def fault_kind(name: str) -> type[Fault]:
    """The fault of this name, with or without its stage; NotFound names the nearest, or the stages to choose from."""
    known = every_fault()
    if name in known:
        return known[name]
    if name in _FAULTS:
        return _FAULTS[name]
    stages = [full for full, kind in _FAULTS.items() if kind.named == name]
    if stages:
        raise NotFound(
            f"fault: {name!r} is a fault of {len(stages)} stages",
            f"say {' or '.join(stages)}",
            code="unknown-fault",
        )
    names = {kind.named: full for full, kind in known.items()}
    near = [names.get(one, one) for one in difflib.get_close_matches(name, [*known, *names], 3)]
    raise NotFound(
        f"fault: there is no fault {name!r}",
        f"did you mean {' or '.join(dict.fromkeys(near))}?" if near else f"there are: {', '.join(known)}",
        code="unknown-fault",
    )


def read_fault(name: str, parameters: Mapping[str, Value]) -> Fault:
    """A fault with its parameters, those that are not given by their defaults.

    NotFound for a name that none has, HotswapError for a parameter that it does not have or that is out of its limits.
    """
    return _read(name, tuple(sorted(parameters.items())))


@functools.lru_cache(maxsize=256)
def _read(name: str, parameters: tuple[tuple[str, Any], ...]) -> Fault:
    kind = fault_kind(name)
    try:
        return msgspec.convert(dict(parameters), kind)
    except msgspec.ValidationError as error:
        fields = ", ".join(kind.__struct_fields__)
        raise HotswapError(
            f"parameters: {listed_name(kind)}: {in_plain_words(str(error), 'parameter')}",
            _choices(kind) or (f"its parameters: {fields}" if fields else "it has no parameters"),
            code="bad-parameters",
        ) from None


def _choices(kind: type[Fault]) -> str:
    """The words that a parameter of a few words may be; "" where there is none."""
    hints = typing.get_type_hints(kind)
    words = {
        name: typing.get_args(hints[name])
        for name in kind.__struct_fields__
        if typing.get_origin(hints[name]) is Literal
    }
    return "; ".join(f"{name} is one of {', '.join(choices)}" for name, choices in words.items())


def parameters_of(fault: Fault) -> dict[str, Value]:
    """All parameters of a fault by their names, the defaults too: what a fact keeps, so that it always means this."""
    return {name: getattr(fault, name) for name in fault.__struct_fields__}
