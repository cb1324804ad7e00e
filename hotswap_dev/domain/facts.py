"""What changed the controls, in the past tense. The journal keeps these and nothing else; replaying them is the state.

A fact holds all that it needs to be applied again: no clock, file or chance is asked when it is replayed. A new field
must have a default; a fact whose name an older version does not know is refused there with a sentence.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from msgspec import Struct

from hotswap_dev.domain.model import ArmedFault, Forced204, Release, RequiredHeader, Targets


def kebab(name: str) -> str:
    """`ReleaseAdded` → `release-added`, `Force204` → `force-204`: what a fact, an observation or a command is called
    outside.
    """
    return _WORDS.sub("-", name).lower()


_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])")


class Fact(Struct, frozen=True, kw_only=True, tag_field="event", tag=kebab):
    """Something that was decided, with the time when it was."""

    at: datetime


class SequenceFloorRaised(Fact, frozen=True):
    """The next sequence is above `floor`, because somewhere it is known to be taken (design §5)."""

    floor: int
    source: str
    """Who knows it: `--sequence-floor`, the plugin's folder, the key store, `jump-sequence`, another checkout."""


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


class ReleaseWithheld(Fact, frozen=True):
    """Nobody is offered this release any more; who has it keeps it."""

    sequence: int


class ReleaseRestored(Fact, frozen=True):
    """A withheld release is offered again."""

    sequence: int


class ReleaseEdited(Fact, frozen=True):
    """What a manifest says of a release is another text from now on; None leaves it as it was."""

    sequence: int
    notes: str | None = None
    """"" takes them away."""
    min_binary_version: str | None = None
    version: str | None = None


class MandatorySet(Fact, frozen=True):
    """Offers of this release say mandatory, or no longer; without a sequence, offers of any do, until it is off."""

    on: bool
    sequence: int | None = None


class RolloutSet(Fact, frozen=True):
    """So many of a hundred clients are offered this release, and some of them by their names."""

    sequence: int
    percent: float
    always: tuple[str, ...] = ()


class TargetsSet(Fact, frozen=True):
    """Whom this release is for from now on."""

    sequence: int
    targets: Targets


class ChannelPaused(Fact, frozen=True):
    """Whoever asks for this channel gets nothing."""

    channel: str


class ChannelResumed(Fact, frozen=True):
    """The channel's releases are offered again."""

    channel: str


class Forced204Set(Fact, frozen=True):
    """No update for whoever is in the scope (client and channel, either, or everyone), `times` times or until lifted.

    It takes the place of the one with the same scope.
    """

    override: int
    """Its number, never given twice: what was spent of another one is not spent of this."""
    channel: str | None = None
    client: str | None = None
    times: int | None = None


class Forced204Lifted(Fact, frozen=True):
    """A forced 204 ended before it was used up."""

    override: int
    lifted: Forced204 | None = None
    """What it was, so that the fact alone says for whom; None in facts of older versions."""


class FaultArmed(Fact, frozen=True):
    """The server misbehaves in this way from now on. It takes the place of the same fault with the same scope."""

    armed: ArmedFault


class FaultDisarmed(Fact, frozen=True):
    """A fault ended before it was used up."""

    override: int
    disarmed: ArmedFault | None = None
    """What it was, so that the fact alone says it."""


class RequiredHeaderSet(Fact, frozen=True):
    """Who asks for this channel must send a header from now on."""

    channel: str
    required: RequiredHeader


class RequiredHeaderRemoved(Fact, frozen=True):
    """A channel demands no header any more."""

    channel: str


class ProductMapped(Fact, frozen=True):
    """In the second protocol, who says that it is this product is answered from this channel."""

    product: str
    channel: str


class OverrideSpent(Fact, frozen=True):
    """Answers were given that count against an override; one that is used up ends.

    Told with the answer and journalled within 100 ms, several in one (design §6).
    """

    override: int
    times: int = 1
    missed: int = 0
    """How often a fault's probability let an answer go: it counts those too, to draw the next one."""


class OverridesCleared(Fact, frozen=True):
    """Every override ended: forced 204, mandatory for all, faults. A clean end of a run does it too (design §4)."""


class ClientPinned(Fact, frozen=True):
    """The client is offered this sequence and no other."""

    client: str
    sequence: int


class ClientUnpinned(Fact, frozen=True):
    """The client is answered like any other again."""

    client: str


class ClientNamed(Fact, frozen=True):
    """What people call this client; "" takes the name away."""

    client: str
    name: str


class ClientForgotten(Fact, frozen=True):
    """All that was known and set for this client is gone; when it asks again it is a new one."""

    client: str


class NoteAdded(Fact, frozen=True):
    """A person's remark, to be found between the answers later. It changes nothing."""

    text: str


class BundlesPruned(Fact, frozen=True):
    """The bytes of these bundles (their hashes) are gone; their releases stay and are no longer offered."""

    hashes: tuple[str, ...]


def every_fact() -> tuple[type[Fact], ...]:
    """Each kind of fact, in the order of their definition."""
    return tuple(_leaves(Fact))


def _leaves(kind: type[Any]) -> list[type[Any]]:
    return [leaf for child in kind.__subclasses__() for leaf in (_leaves(child) or [child])]
