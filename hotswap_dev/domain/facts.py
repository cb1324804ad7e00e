"""What changed the controls, in the past tense. The journal keeps these and nothing else; replaying them is the state.

A fact holds all that it needs to be applied again: no clock, file or chance is asked when it is replayed. A new field
must have a default; a fact whose name an older version does not know is refused there with a sentence.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from hotswap_dev.domain.model import Release


def kebab(name: str) -> str:
    """`ReleaseAdded` → `release-added`: what a fact, an observation or a command is called outside."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


class Fact(Struct, frozen=True, kw_only=True, tag_field="event", tag=kebab):
    """Something that was decided, with the time when it was."""

    at: datetime


class SequenceFloorRaised(Fact, frozen=True):
    """The next sequence is above `floor`, because somewhere it is known to be taken (design §5)."""

    floor: int
    source: str
    """`--sequence-floor`, the plugin's folder, or the key store: for the sentence that says so."""


class ChannelCreated(Fact, frozen=True):
    """Clients that ask for this channel are answered from it."""

    channel: str


class BuildChannelSet(Fact, frozen=True):
    """Builds go to this channel from now on."""

    channel: str
    configured: bool = False
    """Whether the settings said so: a start changes the build channel only when they say something new."""


class ReleaseAdded(Fact, frozen=True):
    """A sequence got its bundle. The one fact for build, publish, promote, re-offer and roll-back."""

    release: Release
    watched: bool = False
    """Whether it is the watched folder's tree: what the next scan of it is compared with."""


class BundlesPruned(Fact, frozen=True):
    """The bytes of these bundles (their hashes) are gone; their releases stay and are no longer offered."""

    hashes: tuple[str, ...]


def every_fact() -> tuple[type[Fact], ...]:
    """Each kind of fact, in the order of their definition."""
    return tuple(_leaves(Fact))


def _leaves(kind: type[Any]) -> list[type[Any]]:
    return [leaf for child in kind.__subclasses__() for leaf in (_leaves(child) or [child])]
