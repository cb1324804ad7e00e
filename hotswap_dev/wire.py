"""The only JSON codec: facts, observations, manifests, commands and the server's file, to bytes and back.

Times are RFC 3339 in UTC, fields snake_case, events kebab-case under the key `event`.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Union, cast

import msgspec

from hotswap_dev.domain.builds import Builds
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.commands import Command, registered
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact, every_fact
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.file_changes import BundleList, ListedFile, TreeWarning
from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.observations import Observation
from hotswap_dev.domain.plain_words import in_plain_words
from hotswap_dev.errors import HotswapError, NotFound

PROTOCOL = 1
"""Rises when a reader of yesterday's JSON would misread today's."""

Json = Any
"""What a decoder makes of JSON whose shape is not ours."""


class ServerFile(msgspec.Struct, frozen=True, kw_only=True):
    """`server.json` and the `ready` line: where a running server is, and how to talk to it."""

    site: str
    endpoint: str
    addresses: tuple[str, ...]
    control: str
    pubkey: str
    workspace: str
    instance: str
    pid: int
    token: str | None = None
    """The control site's token: in the file (0600) only, never in the `ready` line."""
    version: str
    protocol: int = PROTOCOL


class Gap(msgspec.Struct, frozen=True, tag_field="event", tag="gap"):
    """Events were lost to this reader: it reads the state again."""

    at: datetime


Event = Fact | Observation | Gap


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What does not change while a server runs, as a person reads it: every text is as `text.shown` makes it."""

    app: str
    """The app's name."""
    version: str
    """Of hotswap-dev itself."""
    site: str
    endpoint: str
    """What an app is built with; the placeholder of the sequence is in it."""
    addresses: tuple[str, ...]
    pubkey: str
    key_id: str
    """The four characters by which people tell keys apart, as the first lines show them."""
    production_key: bool
    """Whether it signs with the key that the app's own config trusts: every installed app would run it."""
    workspace: str
    dist: str | None
    """The watched folder; None where nothing is watched."""
    overlays: tuple[str, ...]
    """The config overlays, for desktop and for phones; none outside of a Tauri project, as for the lines."""
    build_line: str | None
    watch_line: str | None
    devtools_line: str | None
    host_is_loopback: bool
    """Whether only this machine can ask."""
    channel_configured: str
    """The channel that builds go to unless `set-build-channel` said otherwise."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a mirror reads of `GET /api/state`: the events above `revision` lead on from it."""

    instance: str
    revision: int
    controls: Controls
    clients: tuple[Client, ...]
    """The one seen last comes last."""
    builds: Builds = Builds()
    about: About | None = None
    """None from a server that does not say it."""


class EventLine(msgspec.Struct, frozen=True):
    """A line of `GET /api/events`. Another `instance` than the state's means: read the state again."""

    instance: str
    revision: int
    event: Event


class _Numbered(msgspec.Struct):
    instance: str
    revision: int


_encoder = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """Any value of the domain as JSON, without a newline."""
    return _encoder.encode(value)


def decode(data: bytes | str) -> Json:
    """JSON of any shape. ValueError (msgspec.DecodeError is one) names what is wrong with it."""
    return msgspec.json.decode(data)


def plain(value: object) -> Json:
    """A value of the domain as the dicts, sequences and texts that its JSON is made of."""
    return msgspec.to_builtins(value, str_keys=True)


def encode_manifest(manifest: Manifest) -> bytes:
    """The body of an offer (contract, "Update available")."""
    return _encoder.encode(manifest)


def rfc3339(when: datetime) -> str:
    """`2026-04-05T12:00:00.000Z`, as the contract's example has it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03}Z"


def stored_time(when: datetime) -> str:
    """A UTC time as observations have it; without their `Z` such texts compare as the times do.

    With it they don't: whole seconds have no fraction, and `Z` is above `.`.
    """
    return str(plain(when))


@functools.cache
def _fact_decoder() -> msgspec.json.Decoder[Fact]:
    return msgspec.json.Decoder(Union[every_fact()])  # noqa: UP007 - a union of what is only known when it runs


def decode_fact(data: bytes | str) -> Fact:
    """Read a fact of the journal; HotswapError for one that this version does not know."""
    try:
        return _fact_decoder().decode(data)
    except msgspec.DecodeError as error:
        raise HotswapError(
            f"the journal holds a fact {_event_of(data)!r} that this version can't read: {error}",
            "it was written by a newer hotswap-dev: update, or start with another --workspace",
            code="unknown-fact",
        ) from None


def _event_of(data: bytes | str) -> Json:
    """What a row says it is, or "?" where it is no object or no JSON at all."""
    with contextlib.suppress(msgspec.DecodeError):
        row = msgspec.json.decode(data)
        return row.get("event", "?") if isinstance(row, dict) else "?"
    return "?"


def command_kind(name: str) -> type[Command]:
    """The command of this name; NotFound names all that there are."""
    kind = registered().get(name)
    if kind is None:
        raise NotFound(
            f"there is no command {name!r}", f"there are: {', '.join(registered())}", code="unknown-command"
        )
    return kind


def read_command(name: str, arguments: Json) -> Command:
    """A command from its name and its arguments as decoded JSON; errors name the command or the field."""
    kind = command_kind(name)
    try:
        return msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        raise HotswapError(
            f"{name}: {in_plain_words(str(error))}",
            f"its arguments: {', '.join(kind.__struct_fields__) or 'none'}",
            code="bad-arguments",
        ) from None


@functools.cache
def event_names() -> tuple[str, ...]:
    """What facts and observations are called: the `event` of a row of the history and of a line of the stream."""
    return tuple(str(kind.__struct_config__.tag) for kind in (*Observation.__subclasses__(), *every_fact()))


def command_schemas() -> list[Mapping[str, Json]]:
    """Every command as `GET /api/commands` lists it: name, group, summary, help, example, final, JSON schema."""
    kinds = list(registered().values())
    _, components = msgspec.json.schema_components(kinds, ref_template="#/{name}")
    return [
        {
            "name": kind.verb,
            "group": kind.group,
            "summary": kind.summary,
            "help": inspect.cleandoc(kind.__doc__ or ""),
            "example": f"hotswap-dev {kind.example}",
            "final": kind.final,
            "arguments": components[kind.__name__],
        }
        for kind in kinds
    ]


def fault_schemas() -> list[Mapping[str, Json]]:
    """The catalogue as `GET /api/faults` lists it, but for the reactions: name, stage, summary, help, parameters as a
    JSON schema.
    """
    kinds = every_fault()
    _, components = msgspec.json.schema_components(kinds.values(), ref_template="#/{name}")
    return [
        {
            "name": name,
            "stage": kind.stage,
            "summary": kind.summary,
            "help": inspect.cleandoc(kind.__doc__ or ""),
            "parameters": components[kind.__name__],
        }
        for name, kind in kinds.items()
    ]


def decode_client(data: bytes | str) -> Client:
    """Read a client as it was stored."""
    return msgspec.json.decode(data, type=Client)


def decode_bundle_list(data: bytes) -> BundleList:
    """Read what is kept beside a bundle; ValueError where this version can't.

    Until warnings were kept it was the list of files alone.
    """
    if data.startswith(b"["):
        return BundleList(files=msgspec.json.decode(data, type=tuple[ListedFile, ...]))
    return msgspec.json.decode(data, type=BundleList)


def bundle_list_in_pieces(
    data: bytes,
) -> tuple[Iterator[tuple[ListedFile, ...]], tuple[TreeWarning, ...] | None]:
    """The files of what is kept beside a bundle, some hundreds at a time, and its warnings.

    To read the list of a large bundle at once would keep the interpreter from everything else for many milliseconds.
    ValueError, also by the iterator, where this version can't read it.
    """
    if data.startswith(b"[") and data.endswith(b"]"):
        return _in_pieces(data[1:-1]), None
    end = data.rfind(_LIST_TURNS)
    if not data.startswith(_LIST_BEGINS) or end < 0 or not data.endswith(b"}"):
        whole = decode_bundle_list(data)
        return iter((whole.files,)), whole.warnings
    warnings = msgspec.json.decode(data[end + len(_LIST_TURNS) : -1], type=tuple[TreeWarning, ...] | None)
    return _in_pieces(data[len(_LIST_BEGINS) : end]), warnings


def _in_pieces(files: bytes) -> Iterator[tuple[ListedFile, ...]]:
    begin = 0
    while begin < len(files):
        border = _BETWEEN_FILES.search(files, begin + _PIECE)
        end = border.start(1) if border else len(files)
        yield msgspec.json.decode(b"[%b]" % files[begin:end], type=tuple[ListedFile, ...])
        begin = end + 1


_PIECE = 32 * 1024
_LIST_BEGINS = b'{"files":['
_LIST_TURNS = b'],"warnings":'
_BETWEEN_FILES = re.compile(rb'[A-Za-z0-9+/=]"\](,)\["')
"""From one file's digest to the next one's path. No path has it in it: in a text, a quote follows a backslash."""


def decode_state(data: bytes | str) -> State:
    """Read the body of `GET /api/state`; ValueError where this version can't."""
    return msgspec.json.decode(data, type=State)


@functools.cache
def _event_decoder() -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(Union[(*every_fact(), *Observation.__subclasses__(), Gap)])


def decode_event(line: bytes | str) -> EventLine:
    """Read a line of `GET /api/events`; ValueError where this version can't."""
    numbered = msgspec.json.decode(line, type=_Numbered)
    return EventLine(numbered.instance, numbered.revision, _event_decoder().decode(line))


def event_of(row: Json) -> Fact | Observation:
    """A row of `GET /api/history` as the event that it was; ValueError where it can't be read."""
    event = msgspec.convert(row, Union[(*every_fact(), *Observation.__subclasses__())])
    return cast("Fact | Observation", event)
