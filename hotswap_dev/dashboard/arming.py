"""Arming a fault as a person does it: for whom it can be, its parameters as fields, and the command that they make.

Pure, and it knows no fault by its name: one that joins the catalogue is found here, with its units and limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec
from msgspec import Struct

from hotswap_dev.dashboard.keys.meaning import channel_meant
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.fact_words import Names, scope_words
from hotswap_dev.domain.faults import Fault, every_fault
from hotswap_dev.domain.faults.presets import Offline
from hotswap_dev.domain.faults.reactions import Reaction
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

_COUNTED = ("times", "probability", "seed")
"""What every fault has beside its own parameters, unless it stands until it is disarmed."""

_MOST_CHANNELS = 20


class Scope(Struct, frozen=True):
    """Whom a fault is for: a client, who asks for a channel, a client in a channel, or everyone."""

    client: str | None = None
    channel: str | None = None

    def said(self, names: Names) -> str:
        """In words, without an escape in them."""
        return shown(scope_words(self.client, self.channel, names))


class Parameter(Struct, frozen=True, kw_only=True):
    """A field of a fault's form. `about` says its unit; `least` and `most` its limits, each in it or not."""

    name: str
    about: str
    default: str
    kind: type[int] | type[float] | type[str]
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    above: bool = False
    """Whether `least` itself is too little."""
    below: bool = False
    """Whether `most` itself is too much."""
    optional: bool = False
    """Whether an empty field means that there is none."""

    @property
    def limits(self) -> str:
        """`from 1 to 600`, `above 0, up to 1`; "" where there are none."""
        if self.least is None or self.most is None:
            return ""
        low = f"above {_number(self.least)}, " if self.above else f"from {_number(self.least)} "
        high = (
            f"below {_number(self.most)}"
            if self.below
            else f"{'up ' if self.above else ''}to {_number(self.most)}"
        )
        return low + high


class Asked(Struct, frozen=True, kw_only=True):
    """What the fields of a form come to: the command, or by its name each field that can't be meant."""

    command: ArmFault | None = None
    problems: Mapping[str, str] = MappingProxyType({})


def scopes(view: View, client: str | None) -> tuple[Scope, ...]:
    """Whom a fault could be for, the likeliest first: with a client that one, without one everyone."""
    channel = channel_meant(view) or view.channel or view.expected.build_channel
    channels = dict.fromkeys([channel, *view.expected.channels])
    everyone, *rest = Scope(), *(Scope(channel=one) for one in list(channels)[:_MOST_CHANNELS])
    if client is None:
        return (everyone, *rest)
    return (Scope(client=client), rest[0], everyone, *rest[1:], Scope(client=client, channel=channel))


def may_be_for(kind: type[Fault], scope: Scope) -> bool:
    """Whether this fault can be armed for these: a listener that closes is closed for everyone."""
    return scope == Scope() or not issubclass(kind, Offline)


def question_before(command: ArmFault, names: Names) -> str | None:
    """What is asked before a fault is armed, without the answers that change; None where it can be taken back."""
    fault = command.wanted()
    if fault.stage != "bundle":
        return None
    whom = scope_words(command.client, command.channel, names)
    return (
        f"Arm {fault.name} for {whom}? It publishes a poisoned release, a validly signed bad copy of what is offered, "
        "under the next sequence."
    )


# --- finding one ---------------------------------------------------------------------------------------------------


def found(query: str, reacts: Callable[[type[Fault]], Reaction]) -> list[type[Fault]]:
    """The faults in which every word of the query is found: in its name, what it does, or what the client does."""
    words = query.casefold().split()
    return [kind for kind in every_fault().values() if _fits(words, _text(kind, reacts(kind)))]


def best(query: str, kinds: Sequence[type[Fault]]) -> type[Fault] | None:
    """The one that is meant most likely: named so, beginning so, with it in its name; else the first."""
    wanted = query.casefold().strip()
    for fits in (str.__eq__, str.startswith, str.__contains__):
        for kind in kinds:
            if wanted and fits(kind.named, wanted):
                return kind
    named = (kind for kind in kinds if _fits(wanted.split(), f"{kind.stage} {kind.named}"))
    return next(named, kinds[0] if kinds else None)


def armed_found(query: str, armed: Sequence[ArmedFault], names: Names) -> list[ArmedFault]:
    """The armed faults in which every word is found: their name, and whom they are for."""
    words = query.casefold().split()
    return [
        one
        for one in armed
        if _fits(
            words, f"{one.override} {one.fault} {scope_words(one.client, one.channel, names)}".casefold()
        )
    ]


def _fits(words: Sequence[str], text: str) -> bool:
    # At the beginning of a word: who types "reset" means no preset.
    return all(re.search(rf"(?<![a-z0-9]){re.escape(word)}", text) for word in words)


def _text(kind: type[Fault], reaction: Reaction) -> str:
    said = f"{reaction.sentence} {reaction.check or ''} {reaction.apply or ''}"
    return f"{kind.stage}/{kind.named} {kind.summary} {said}".casefold()


# --- its parameters ------------------------------------------------------------------------------------------------


def parameters(kind: type[Fault]) -> tuple[Parameter, ...]:
    """The fields of a fault's form: its own parameters, then times and chance where they mean anything."""
    own = _fields_of(kind)
    if kind.standing:
        return own
    return (*own, *(one for one in _fields_of(ArmFault) if one.name in _COUNTED))


def asked(kind: type[Fault], texts: Mapping[str, str], scope: Scope, controls: Controls) -> Asked:
    """Read the fields of a form. What the server would refuse as things are is a problem, of "" where of no field."""
    values: dict[str, int | float | str | None] = {}
    problems: dict[str, str] = {}
    for one in parameters(kind):
        try:
            values[one.name] = _value(one, texts.get(one.name, one.default).strip())
        except HotswapError as error:
            problems[one.name] = error.message
    if problems:
        return Asked(problems=problems)
    own = {name: value for name in kind.__struct_fields__ if (value := values[name]) is not None}
    command = msgspec.convert(
        {
            "fault": f"{kind.stage}/{kind.named}",
            "parameters": own,
            **{name: values[name] for name in _COUNTED if name in values},
            "client": scope.client,
            "channel": scope.channel,
        },
        ArmFault,
    )
    try:
        command.demand(controls)
    except HotswapError as error:
        field, _, rest = error.message.partition(": ")
        hint = f" ({error.hint})" if error.hint else ""
        if field in values:
            return Asked(problems={field: f"{rest}{hint}"})
        return Asked(problems={"": f"{error.message}{hint}"})
    return Asked(command=command)


def _fields_of(kind: type[Struct]) -> tuple[Parameter, ...]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101 - a Struct's is nothing else
    made = (_parameter(field) for field in info.fields)
    return tuple(one for one in made if one is not None)


def _parameter(field: msgspec.inspect.Field) -> Parameter | None:
    about, of = "", field.type
    if isinstance(of, msgspec.inspect.Metadata):
        about = str((of.extra_json_schema or {}).get("description", ""))
        of = of.type
    optional = False
    if isinstance(of, msgspec.inspect.UnionType):
        kinds = [one for one in of.types if not isinstance(one, msgspec.inspect.NoneType)]
        optional = len(kinds) < len(of.types)
        of = kinds[0]
    default = "" if field.default in (None, msgspec.NODEFAULT) else _number(field.default)
    if isinstance(of, msgspec.inspect.LiteralType):
        choices = tuple(str(value) for value in of.values)
        return Parameter(name=field.name, about=about, default=default, kind=str, choices=choices)
    if isinstance(of, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        return Parameter(
            name=field.name,
            about=about,
            default=default,
            kind=int if isinstance(of, msgspec.inspect.IntType) else float,
            least=of.ge if of.gt is None else of.gt,
            most=of.le if of.lt is None else of.lt,
            above=of.gt is not None,
            below=of.lt is not None,
            optional=optional,
        )
    if isinstance(of, msgspec.inspect.StrType):
        return Parameter(name=field.name, about=about, default=default, kind=str, optional=optional)
    return None


def _value(one: Parameter, text: str) -> int | float | str | None:
    if one.kind is str:
        return text or None
    if not text:
        if one.optional:
            return None
        raise _wrong("this is needed")
    # int() alone takes 1_000 and Arabic digits (hardening C5).
    if not re.fullmatch(r"-?[0-9]{1,20}" if one.kind is int else r"-?[0-9]{1,20}(\.[0-9]{1,20})?", text):
        raise _wrong(f"{shown(text, 40)!r} is no {'whole ' if one.kind is int else ''}number")
    value = int(text) if one.kind is int else float(text)
    too_little = one.least is not None and (value <= one.least if one.above else value < one.least)
    too_much = one.most is not None and (value >= one.most if one.below else value > one.most)
    if too_little or too_much:
        raise _wrong(f"{shown(text, 40)} is not {one.limits}")
    return value


def _wrong(message: str) -> HotswapError:
    return HotswapError(message, code="bad-parameters")


def _number(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, int | float) else str(value)
