"""Bundles, releases, controls, checks and observations: what a test does not name it does not care for.

The hypothesis strategies at the end draw commands of the registry and the histories that they lead to, so that a law is
held against states that could have come about, and a new command is held to every law without a line of its own.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import shlex
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar, Union

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.commands import ArmFault, Built, Command, registered
from hotswap_dev.domain.controls import Controls, apply, replay
from hotswap_dev.domain.facts import (
    BuildChannelSet,
    BundlesPruned,
    ChannelCreated,
    Fact,
    OverrideSpent,
    ReleaseAdded,
    SequenceFloorRaised,
)
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.model import SAME_AS_CLIENT, Bundle, Origin, Release
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.domain.text import digest
from hotswap_dev.errors import HotswapError

# On a machine that does other things too an example may take long: that says nothing of the law.
settings.register_profile("hotswap-dev", deadline=None, max_examples=40)
settings.load_profile("hotswap-dev")

C = TypeVar("C", bound=Command)

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def a_bundle(content: str = "hello", *, size: int = 1000) -> Bundle:
    """A bundle whose hashes follow from its content, as real ones do."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Bundle(
        hash=digest,
        tree=digest[::-1],
        format="tar.gz",
        size=size,
        files=3,
        signature="untrusted comment: t\nRU…\ntrusted comment: t\n…",
        key_id="3FqA",
    )


def a_release(sequence: int, **changes: Any) -> Release:
    """A release with a bundle of its own that any client of `production` may have."""
    release = Release(
        sequence=sequence,
        channel="production",
        bundle=a_bundle(str(sequence)),
        version=f"1.0.0-ota.{sequence}",
        binary_version="1.0.0",
        min_binary_version="1.0.0",
        published_at=NOW,
        origin="build",
    )
    return replace(release, **changes)


def added(*releases: Release) -> list[Fact]:
    """The facts that these releases came to be."""
    return [ReleaseAdded(at=NOW, release=release) for release in releases]


def controls_with(*releases: Release) -> Controls:
    """The controls once these releases came to be, in this order."""
    return replay(added(*releases))


def a_check(sequence: int = 0, **changes: Any) -> Check:
    """A check of a client that any of `a_release` suits."""
    check = Check(
        client="local/linux/x86_64",
        sequence=sequence,
        binary_version="1.0.0",
        platform="linux",
        arch="x86_64",
        channel=None,
    )
    return replace(check, **changes)


def built(content: str = "hello", *, origin: Origin = "build", **changes: Any) -> Built:
    """A bundle that was made just now, by an app of version 1.0.0."""
    made = Built(bundle=a_bundle(content), binary_version="1.0.0", min_binary_version="1.0.0", origin=origin)
    return replace(made, **changes)


def an_answered_check(client: str = "phone", **changes: Any) -> CheckAnswered:
    """An observation of a check that found nothing newer."""
    seen = CheckAnswered(
        at=NOW,
        client=client,
        peer="127.0.0.1",
        path="/api/ota/0",
        sequence=0,
        binary_version="1.0.0",
        platform="linux",
        arch="x86_64",
        channel=None,
        status=204,
        reason="up-to-date",
        args={"channel": "production", "current": 0, "newest": 0},
        offered=None,
        duration_ms=0.4,
    )
    return replace(seen, **changes)


# What hypothesis draws from.

CHANNELS = ("production", "beta", "nightly")
CLIENTS = ("phone", "local/linux/x86_64")
BINARY_VERSIONS = ("0.9.0", "1.0.0-rc.1", "1.0.0", "1.0.0+5", "2.0.0")
_MINIMUMS = (*BINARY_VERSIONS, SAME_AS_CLIENT)
_CONTENTS = tuple("abcdefgh")

API_KEY = "sk_test_1"


def _some(*values: str) -> Callable[[Controls], st.SearchStrategy[Any]]:
    return lambda _: st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


_FIELDS: Mapping[str, Callable[[Controls], st.SearchStrategy[Any]]] = {
    "always": _some(*CLIENTS),
    "arches": lambda _: st.sampled_from(((), (), ("x86_64",), ("arm", "x86"))),
    "binary_versions": lambda _: st.sampled_from((">=1.0,<2", "<1.0", "==1.0.0")),
    "channel": lambda _: st.sampled_from((*CHANNELS, "production", "production")),
    "client": lambda _: st.sampled_from(CLIENTS),
    "clients": _some(*CLIENTS),
    "fault": lambda _: st.sampled_from(tuple(every_fault())),
    "header": lambda _: st.sampled_from(("X-API-Key", "Authorization")),
    "id": lambda controls: st.sampled_from([one.override for one in controls.faults] or [1]),
    "mandatory": lambda _: st.booleans(),
    "min_binary_version": lambda _: st.sampled_from(_MINIMUMS),
    "name": lambda _: st.sampled_from(("", "QA phone", "Ünal's")),
    "notes": lambda _: st.sampled_from(("", "new greeting", "fixes the start screen")),
    "on": lambda _: st.booleans(),
    "parameters": lambda _: st.just({}),
    "path": lambda _: st.none(),
    "percent": lambda _: st.sampled_from((0.0, 0.01, 12.5, 50.0, 99.99, 100.0)),
    "platforms": lambda _: st.sampled_from(((), (), ("linux",), ("android", "ios"))),
    "probability": lambda _: st.sampled_from((0.1, 0.5, 1.0)),
    "product": lambda _: st.sampled_from(("your_app", "another app")),
    "seed": lambda _: st.integers(0, 3),
    "sequence": lambda controls: st.sampled_from(sorted(controls.releases) or [1]),
    "status": lambda _: st.sampled_from((401, 403)),
    "text": lambda _: st.sampled_from(("QA round 2 starts", "x")),
    "times": lambda _: st.integers(1, 3),
    "to": lambda controls: st.integers(1, 5).map(lambda more: controls.last_sequence + more),
    "update_type": lambda _: st.sampled_from(("frontend", "frontend", "frontend", "sidecar")),
    "value": lambda _: st.just(API_KEY),
    "version": lambda _: st.sampled_from(("1.0.0-ota.1", "a name")),
}
"""What an argument may be, by its name: one that can be meant as things are."""


@st.composite
def commands(draw: st.DrawFn, kind: type[C], controls: Controls) -> C:
    """A command of this kind, with arguments that can be meant; an argument that may be left out often is."""
    given: dict[str, Any] = {}
    for name, optional in _arguments(kind):
        if name not in _FIELDS:
            raise TypeError(f"{kind.verb}: an argument of a new name, {name}, needs a line in _FIELDS")
        given[name] = None if optional and draw(st.booleans()) else draw(_FIELDS[name](controls))
    return kind(**given)


@functools.cache
def _arguments(kind: type[Command]) -> tuple[tuple[str, bool], ...]:
    """Each argument's name, and whether it may be None."""
    hints = typing.get_type_hints(kind)
    return tuple((name, type(None) in typing.get_args(hints[name])) for name in kind.__struct_fields__)


def bundles_for(kind: type[Command]) -> st.SearchStrategy[Built | None]:
    """What was built for a command of this kind; None where it builds nothing."""
    # A fault makes a bundle where it lies in one.
    return st.sampled_from(_BUILT) if kind.builds or kind is ArmFault else st.none()


def meant_by(line: str, *, latest: int) -> tuple[str, dict[str, Any]]:
    """The command and its arguments, as they go over HTTP, that a command line means by the rules of `interface.md`:
    required arguments are positional in their order, `on` and `off`, `none` and `latest` stand for what they say.
    """
    program, verb, *words = shlex.split(line)
    assert program == "hotswap-dev"
    fields = {field.name: field for field in msgspec.structs.fields(registered()[verb])}
    positional = [name for name in fields if fields[name].required or name == "path"]
    given: dict[str, str] = {}
    options = True
    while words:
        word = words.pop(0)
        if options and word == "--":
            options = False
        elif options and word.startswith("-"):
            given[word[2:].replace("-", "_")] = words.pop(0)
        else:
            given[positional.pop(0)] = word
    return verb, {name: _typed(text, str(fields[name].type), latest) for name, text in given.items()}


def _typed(text: str, kind: str, latest: int) -> Any:
    if "bool" in kind:
        return {"on": True, "off": False}[text]
    if "float" in kind and "dict" not in kind:
        return float(text)
    if "int" in kind or "Literal[40" in kind:
        return None if text == "none" else latest if text == "latest" else int(text)
    return text


def leads_to(command: Command, controls: Controls, at: datetime, made: Built | None = None) -> list[Fact]:
    """The facts that a command leads to; none where it is refused."""
    try:
        return command.events(controls, at, made)
    except HotswapError:
        return []


_BUILDS: tuple[Origin, ...] = ("build", "publish")
_BUILT = tuple(
    built(content, origin=origin, binary_version=binary, min_binary_version=minimum, watched=watched)
    for content, origin, binary, minimum, watched in itertools.product(
        _CONTENTS, _BUILDS, BINARY_VERSIONS, _MINIMUMS, (True, False)
    )
)

_STEPS = (
    *(["publish"] * 12),
    *(["pin-client", "withhold", "force-204", "set-mandatory", "edit-release"] * 2),
    *(["set-rollout", "set-targets", "arm-fault", "arm-fault", "arm-fault"]),
    *registered(),
    *("spent", "spent", "pruned", "floor", "configured"),
)


@st.composite
def histories(draw: st.DrawFn, max_size: int = 16) -> list[Fact]:
    """Facts as a server could have journalled them: what commands of the registry led to, one after the other, and
    what a server adds by itself (answers that spent an override, bundles that were pruned, what a start settles).
    """
    facts: list[Fact] = []
    controls, at = Controls(), NOW
    # Left to itself a list is rarely longer than five, and the states that matter are made by several commands.
    count = draw(st.integers(0, max_size))
    for step in draw(st.lists(st.sampled_from(_STEPS), min_size=count, max_size=count)):
        at += timedelta(seconds=draw(st.integers(0, 3600)))
        for fact in _step(draw, step, controls, at):
            facts.append(fact)
            controls = apply(controls, fact)
    return facts


def _step(draw: st.DrawFn, step: str, controls: Controls, at: datetime) -> list[Fact]:
    if step == "spent":
        return _spent(draw, controls, at)
    if step == "pruned":
        there = sorted({one.bundle.hash for one in controls.releases.values()} - controls.pruned)
        return [BundlesPruned(at=at, hashes=(draw(st.sampled_from(there)),))] if there else []
    if step == "floor":
        floor = controls.last_sequence + draw(st.integers(-2, 5))
        return [SequenceFloorRaised(at=at, floor=max(0, floor), source="--sequence-floor")]
    if step == "configured":
        channel = draw(st.sampled_from(CHANNELS))
        return [
            BuildChannelSet(at=at, channel=channel, configured=True),
            ChannelCreated(at=at, channel=channel),
        ]
    kind = registered()[step]
    return leads_to(draw(commands(kind, controls)), controls, at, draw(bundles_for(kind)))


def _spent(draw: st.DrawFn, controls: Controls, at: datetime) -> list[Fact]:
    """Of an override that counts, no more than is left; of one that ended meanwhile, whatever was under way."""
    if controls.last_override == 0:
        return []
    override = draw(st.integers(1, controls.last_override))
    armed = next((one for one in controls.faults if one.override == override), None)
    if armed is not None:
        missed = 0 if armed.probability is None else draw(st.integers(0, 2))
        times = 0 if not armed.counts else draw(st.integers(0, 3 if armed.left is None else armed.left))
        return [OverrideSpent(at=at, override=override, times=times, missed=missed)] if times + missed else []
    left = next((one.left for one in controls.forced if one.override == override), 3)
    if left is None:
        return []
    return [OverrideSpent(at=at, override=override, times=draw(st.integers(1, left)))]


def all_controls(max_size: int = 16) -> st.SearchStrategy[Controls]:
    """Controls as some history led to them."""
    return histories(max_size).map(replay)


def checks() -> st.SearchStrategy[Check]:
    """Checks that `read_check` could have read, near the sequences of `histories` and far above."""
    return st.builds(
        Check,
        client=st.sampled_from(CLIENTS),
        sequence=st.one_of(st.integers(0, 5), st.integers(0, 40), st.integers(0, 2**64 - 1)),
        binary_version=st.sampled_from((None, *BINARY_VERSIONS)),
        platform=st.sampled_from(("linux", "beos")),
        arch=st.just("x86_64"),
        channel=st.sampled_from((None, None, *CHANNELS, "nowhere")),
        flags=st.just(()),
        headers=st.sampled_from(({}, {"x-api-key": digest(API_KEY)}, {"x-api-key": digest("another")})),
    )


def instances(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any value of a msgspec Struct, drawn from the types of its fields: a new field needs no line here."""
    hints = typing.get_type_hints(kind, include_extras=False)
    return st.builds(
        kind, **{field.name: _values(hints[field.name]) for field in msgspec.structs.fields(kind)}
    )


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)  # UTF-8 has no lone surrogates
_SCALARS: Mapping[Any, st.SearchStrategy[Any]] = {
    str: _TEXTS,
    bool: st.booleans(),
    int: st.integers(0, 2**64 - 1),
    float: st.floats(0, 1e9, allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


def _values(hint: Any) -> st.SearchStrategy[Any]:
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([_values(argument) for argument in arguments])
    if origin is tuple and arguments[1:] == (...,):
        return st.lists(_values(arguments[0]), max_size=3).map(tuple)
    if origin in (dict, Mapping):
        return st.dictionaries(_values(arguments[0]), _values(arguments[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return instances(hint)
    raise TypeError(f"no strategy for {hint!r}: a field of a new type needs one here")
