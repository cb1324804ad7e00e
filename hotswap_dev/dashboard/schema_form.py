"""A command as a form: its JSON schema to fields, and what was typed into them to the arguments that are sent.

Pure, and it knows no command by its name: one that a newer server has becomes a form as well. What is typed follows the
rules of the command line (interface.md): required arguments in their order, `on` and `off`, `none` for a null, `latest`
for a sequence; so a form can show the line that it is equal to, and a line can be read as a form that is filled in.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.dashboard.typed_values import EMPTY, as_item, items_in, object_in, pairs_of
from hotswap_dev.domain.client_names import meant
from hotswap_dev.domain.model import SAME_AS_CLIENT
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

Kind = Literal["text", "number", "switch", "choice", "list", "object"]
Subject = Literal["client", "channel", "sequence", "minimum"]
Texts = Mapping[str, str]
"""What stands in the fields, by their names; a switch is `on` or `off`, an empty text is "nothing"."""

PROGRAM = "hotswap-dev"
_SUBJECTS: Mapping[str, Subject] = {
    "client": "client",
    "clients": "client",
    "always": "client",
    "channel": "channel",
    "sequence": "sequence",
    "min_binary_version": "minimum",
}
_SECRET = "***"  # noqa: S105 - it stands in place of one
_KNOWN_SECRETS = frozenset({("set-required-header", "value")})
"""What is secret also where a server's schema does not say so."""

_MOST_SUGGESTED = 200
_LONGEST = 5000
"""Letters of a value: more than any argument may have."""


class Field(Struct, frozen=True, kw_only=True):
    """One argument. `choices` are its values where only some may be chosen, `default` what it is when left out."""

    name: str
    kind: Kind
    description: str = ""
    required: bool = False
    nullable: bool = False
    whole: bool = False
    """Of a number: whether it has no fraction."""
    choices: tuple[wire.Json, ...] = ()
    default: wire.Json = None
    item: Kind = "text"
    """Of a list: what it is a list of."""
    secret: bool = False
    """Whether it is shown nowhere, not even to who types it (JSON schema: `writeOnly`)."""

    @property
    def label(self) -> str:
        """What it is called in a form."""
        return self.name.replace("_", " ")

    @property
    def subject(self) -> Subject | None:
        """What of the server it names, where its name says that."""
        return _SUBJECTS.get(self.name)

    @property
    def positional(self) -> bool:
        """Whether it stands without its name on the command line."""
        return self.required or self.name == "path"


class Form(Struct, frozen=True, kw_only=True):
    """A command as `GET /api/commands` lists it, its arguments as fields."""

    name: str
    summary: str = ""
    help: str = ""
    group: str = ""
    example: str = ""
    final: bool = False
    fields: tuple[Field, ...] = ()


class Known(Struct, frozen=True, kw_only=True):
    """What there is that a field can name. `clients` are ids, the one seen last first; `sequences` newest first."""

    clients: tuple[str, ...] = ()
    names: Mapping[str, str] = {}
    channels: tuple[str, ...] = ()
    sequences: tuple[int, ...] = ()


class Typed(Struct, frozen=True, kw_only=True):
    """What the texts of a form mean: the arguments to send, and by its name each field that can't be meant."""

    arguments: Mapping[str, wire.Json] = {}
    problems: Mapping[str, str] = {}


def form_of(entry: Mapping[str, wire.Json]) -> Form:
    """The form of a command, from its entry in `GET /api/commands`; what the entry lacks is left out."""
    schema = _mapping(entry.get("arguments"))
    required = schema.get("required") or ()
    verb = str(entry.get("name", ""))
    return Form(
        name=verb,
        summary=str(entry.get("summary", "")),
        help=str(entry.get("help", "")),
        group=str(entry.get("group", "")),
        example=str(entry.get("example", "")),
        final=bool(entry.get("final", False)),
        fields=tuple(
            _field(
                str(name),
                _mapping(shape),
                required=name in required,
                known_secret=(verb, name) in _KNOWN_SECRETS,
            )
            for name, shape in _mapping(schema.get("properties")).items()
        ),
    )


@functools.cache
def own_forms() -> Mapping[str, Form]:
    """The forms of this version's own commands, by their names."""
    return {form.name: form for form in map(form_of, wire.command_schemas())}


def texts_of(form: Form, given: Mapping[str, wire.Json]) -> dict[str, str]:
    """What stands in the fields at first: the values given, else the defaults."""
    return {
        field.name: "none"
        if field.required and field.nullable and field.name in given and given[field.name] is None
        else _text(field, given.get(field.name, field.default))
        for field in form.fields
    }


def typed(
    form: Form, texts: Texts, known: Known | None = None, today: Mapping[str, wire.Json] | None = None
) -> Typed:
    """Read the texts of a form.

    `today` are values that are so already: a field that still says so is left out, and one that was emptied sends the
    empty text, since that is another value. Any other empty field that may be left out is.
    """
    arguments: dict[str, wire.Json] = {}
    problems: dict[str, str] = {}
    for field, text in _sent(form, texts, today or {}):
        try:
            arguments[field.name] = _value(field, text, known or Known())
        except HotswapError as error:
            problems[field.name] = error.message.removeprefix(f"{field.name}: ")
    return Typed(arguments=arguments, problems=problems)


def command_line(form: Form, texts: Texts, today: Mapping[str, wire.Json] | None = None) -> str:
    """The command line that the form is equal to; what is still missing stands there in capitals, a secret as stars."""
    words: list[str] = []
    options: list[str] = []
    for field, text in _sent(form, texts, today or {}):
        if field.kind == "list" or _spelled_out(field, text):
            text = ",".join(as_item(one) for one in items_in(text))
        spelled = EMPTY if text in ("", EMPTY) else _SECRET if field.secret else shlex.quote(text)
        if field.positional:
            words.append(spelled if text or not field.required or _takes_empty(field) else _capitals(field))
        else:
            options += [f"--{field.name.replace('_', '-')}", spelled]
    if any(one.startswith("-") for one in words):  # an id may begin as an option does
        words, options = [*options, "--", *words], []
    return " ".join([PROGRAM, form.name, *words, *options])


def texts_in(form: Form, line: str) -> dict[str, str] | None:
    """The fields as a command line of this command fills them in; None where it is no such line."""
    try:
        program, name, *words = shlex.split(line)
    except ValueError:
        return None
    if program != PROGRAM or name != form.name:
        return None
    fields = {field.name: field for field in form.fields}
    positional = [field.name for field in form.fields if field.positional]
    texts: dict[str, str] = {}
    options = True
    while words:
        word = words.pop(0)
        if options and word == "--":
            options = False
            continue
        field_name = word[2:].replace("-", "_") if options and word.startswith("--") else None
        if field_name is None:
            if not positional:
                return None
            field_name, text = positional.pop(0), word
        elif field_name not in fields or not words:
            return None
        else:
            text = words.pop(0)
        listed = fields[field_name].kind in ("list", "object") and texts.get(field_name)
        texts[field_name] = f"{texts[field_name]}, {text}" if listed else text or EMPTY
    return texts if all(field.name in texts for field in form.fields if field.required) else None


def suggestions(field: Field, known: Known) -> tuple[str, ...]:
    """What there is that could be meant, the likeliest first."""
    if field.subject == "client":
        found = [*known.clients, *known.names.values()]
    elif field.subject == "channel":
        found = list(known.channels)
    elif field.subject == "sequence":
        found = ["latest"] if known.sequences else []
        found += [*(["none"] if field.nullable and field.required else []), *map(str, known.sequences)]
    elif field.subject == "minimum":
        found = [SAME_AS_CLIENT]
    else:
        found = []
    return tuple(dict.fromkeys(found))[:_MOST_SUGGESTED]


# --- a schema ------------------------------------------------------------------------------------------------------


def _field(
    name: str, schema: Mapping[str, wire.Json], *, required: bool, known_secret: bool = False
) -> Field:
    alternatives = [_mapping(one) for one in schema.get("anyOf") or [schema]]
    shapes = [one for one in alternatives if one.get("type") != "null"]
    # Several shapes are more than a field can say: then it is a text, and the server judges it.
    shape = shapes[0] if len(shapes) == 1 else {}
    several = shape.get("type") == "array"
    one = _mapping(shape.get("items")) if several else shape
    values = tuple(one.get("enum") or ())
    return Field(
        name=name,
        kind="list" if several else _kind(one),
        description=str(schema.get("description") or shape.get("description") or ""),
        required=required,
        nullable=len(shapes) < len(alternatives) or None in values,
        whole=one.get("type") == "integer",
        choices=tuple(value for value in values if value is not None),
        default=schema.get("default"),
        item=_kind(one),
        secret=known_secret or schema.get("writeOnly") is True or shape.get("writeOnly") is True,
    )


def _kind(shape: Mapping[str, wire.Json]) -> Kind:
    if "enum" in shape:
        return "choice"
    kinds: Mapping[str, Kind] = {"boolean": "switch", "integer": "number", "number": "number"}
    of = shape.get("type")
    return "object" if of == "object" or "$ref" in shape else kinds.get(str(of), "text")


def _mapping(found: wire.Json) -> Mapping[str, wire.Json]:
    return found if isinstance(found, Mapping) else {}


# --- values and texts ----------------------------------------------------------------------------------------------


def _sent(form: Form, texts: Texts, today: Mapping[str, wire.Json]) -> Iterator[tuple[Field, str]]:
    """The fields that the command is given, and their texts."""
    for field in form.fields:
        text = texts.get(field.name, "")
        if field.kind not in ("text", "object"):
            text = text.strip()
        if field.name in today:
            if text != _text(field, today[field.name]):
                yield field, text or EMPTY
        elif field.required or (text and text != _text(field, field.default)):
            yield field, text


def _text(field: Field, value: wire.Json) -> str:
    if field.kind == "switch" and (value is not None or not field.nullable):
        # Whoever asks for a switch without saying how means to switch it on.
        return "on" if value or (value is None and field.required) else "off"
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(as_item(shown(str(one), _LONGEST)) for one in value)
    if isinstance(value, Mapping) and (pairs := pairs_of(value)) is not None:
        return pairs
    # A field draws what stands in it: notes with an escape in them are shown as what they are (hardening C3).
    return shown(wire.encode(value).decode() if isinstance(value, Mapping) else str(value), _LONGEST)


def _value(field: Field, text: str, known: Known) -> wire.Json:
    """The argument that a text means; HotswapError says what is wrong with it."""
    if field.kind == "list":
        return [_one(field, field.item, one, known) for one in items_in(text)]
    if not text and field.required and not _takes_empty(field):
        raise HotswapError("this is needed", code="bad-arguments")
    return _one(field, field.kind, text, known)


def _one(field: Field, kind: Kind, text: str, known: Known) -> wire.Json:
    if kind == "text":
        text = "" if text == EMPTY and field.kind != "list" else text
        client = meant(text.strip(), known.clients, known.names) if field.subject == "client" else None
        return client or (text.strip() if field.subject else text)
    if field.nullable and text == "none":
        return None
    if kind == "number":
        return _number(field, text, known)
    if kind == "switch":
        if text not in ("on", "off"):
            raise HotswapError(f"{shown(text, 40)!r} is neither on nor off", code="bad-arguments")
        return text == "on"
    if kind == "choice":
        chosen = next((one for one in field.choices if str(one) == text), None)
        if chosen is None:
            there = ", ".join(str(one) for one in field.choices)
            raise HotswapError(f"{shown(text, 40)!r} is none of {there}", code="bad-arguments")
        return chosen
    return object_in(text)


def _number(field: Field, text: str, known: Known) -> int | float:
    sequence = field.subject == "sequence"
    if sequence and text == "latest":
        if not known.sequences:
            raise HotswapError("there is no release yet, so none is the latest", code="unknown-release")
        return known.sequences[0]
    # int() alone takes 1_000 and Arabic digits (hardening C5).
    if re.fullmatch("-?[0-9]{1,20}", text):
        return int(text)
    if not field.whole and re.fullmatch(r"-?[0-9]{1,20}\.[0-9]{1,20}", text):
        return float(text)
    words = [*(["latest"] if sequence else []), *(["none"] if field.nullable else [])]
    kind = "whole number" if field.whole else "number"
    raise HotswapError(
        f"{shown(text, 40)!r} is no {kind}" + "".join(f", nor {one}" for one in words), code="bad-arguments"
    )


def _spelled_out(field: Field, text: str) -> bool:
    """Whether it is an object that is given name by name, as the command line takes it too."""
    return field.kind == "object" and bool(text) and not text.lstrip().startswith("{")


def _takes_empty(field: Field) -> bool:
    """Whether an empty field is a value of its own: a name that is taken away."""
    return field.kind == "text" and field.subject is None and EMPTY in field.description


def _capitals(field: Field) -> str:
    return "on|off" if field.kind == "switch" else field.name.upper()
