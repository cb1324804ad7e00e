"""Bundles, releases, controls, checks and observations: what a test does not name it does not care for.

The hypothesis strategies at the end make whole histories of facts, so that a law is held against states that could
have come about.
"""

from __future__ import annotations

import hashlib
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Union

import msgspec
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.commands import Built
from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.domain.facts import (
    BuildChannelSet,
    BundlesPruned,
    ChannelCreated,
    Fact,
    ReleaseAdded,
    SequenceFloorRaised,
)
from hotswap_dev.domain.model import SAME_AS_CLIENT, Bundle, Origin, Release
from hotswap_dev.domain.observations import CheckAnswered

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
BINARY_VERSIONS = ("0.9.0", "1.0.0-rc.1", "1.0.0", "1.0.0+5", "2.0.0")
_MINIMUMS = (*BINARY_VERSIONS, SAME_AS_CLIENT)
_ORIGINS: tuple[Origin, ...] = ("build", "publish", "promote", "reoffer", "roll-back", "poisoned")
_CONTENTS = tuple("abcdefgh")


@st.composite
def histories(draw: st.DrawFn, max_size: int = 16) -> list[Fact]:
    """Facts as a server could have journalled them: sequences rise, what is pruned was once added."""
    facts: list[Fact] = []
    last, at = 0, NOW
    hashes: list[str] = []
    for kind in draw(st.lists(st.sampled_from("rrrrrfpcb"), max_size=max_size)):
        at += timedelta(seconds=draw(st.integers(0, 3600)))
        if kind == "r":
            last += 1
            content = draw(st.sampled_from(_CONTENTS))
            release = a_release(
                last,
                channel=draw(st.sampled_from(CHANNELS)),
                bundle=a_bundle(content),
                binary_version=draw(st.sampled_from(BINARY_VERSIONS)),
                min_binary_version=draw(st.sampled_from(_MINIMUMS)),
                published_at=at,
                origin=draw(st.sampled_from(_ORIGINS)),
                mandatory=draw(st.booleans()),
                withheld=draw(st.booleans()),
                update_type=draw(st.sampled_from(("frontend", "frontend", "frontend", "sidecar"))),
            )
            hashes.append(release.bundle.hash)
            facts.append(ReleaseAdded(at=at, release=release))
        elif kind == "f":
            floor = draw(st.integers(0, last + 5))
            last = max(last, floor)
            facts.append(SequenceFloorRaised(at=at, floor=floor, source="--sequence-floor"))
        elif kind == "p" and hashes:
            facts.append(BundlesPruned(at=at, hashes=(draw(st.sampled_from(hashes)),)))
        elif kind == "c":
            facts.append(ChannelCreated(at=at, channel=draw(st.sampled_from(CHANNELS))))
        elif kind == "b":
            channel = draw(st.sampled_from(CHANNELS))
            facts.append(BuildChannelSet(at=at, channel=channel, configured=draw(st.booleans())))
    return facts


def all_controls(max_size: int = 16) -> st.SearchStrategy[Controls]:
    """Controls as some history led to them."""
    return histories(max_size).map(replay)


def checks() -> st.SearchStrategy[Check]:
    """Checks that `read_check` could have read, near the sequences of `histories` and far above."""
    return st.builds(
        Check,
        client=st.sampled_from(("phone", "local/linux/x86_64")),
        sequence=st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1)),
        binary_version=st.sampled_from((None, *BINARY_VERSIONS)),
        platform=st.sampled_from(("linux", "beos")),
        arch=st.just("x86_64"),
        channel=st.sampled_from((None, *CHANNELS, "nowhere")),
        flags=st.just(()),
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
