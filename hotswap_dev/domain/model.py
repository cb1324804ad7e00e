"""The nouns: bundle, release, channel, manifest (design §4).

All of them are frozen and cross the wire as they are; JSON fields have these names.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

Format = Literal["tar.gz", "zip"]
Origin = Literal["build", "publish", "promote", "reoffer", "roll-back", "poisoned"]

Protocol = Literal["hotswap", "update-server"]
"""Which of the two a client speaks (contract/)."""

MAX_SEQUENCE = 2**64 - 1
"""The client's sequence is a u64 (plugin: manifest.rs)."""

FURTHEST_JUMP = 2**63 - 1
"""Where `jump-sequence` may lead: above it a sequence could not be stored as a number, and the last one comes near."""

DEFAULT_CHANNEL = "production"
"""What a check without a `channel` parameter asks for."""

DEFAULT_UPDATE_TYPE = "frontend"

SAME_AS_CLIENT = "same-as-client"
"""As a minimum: each client is told its own binary version, so no start ever finds its binary newer and discards."""


class Bundle(Struct, frozen=True, kw_only=True):
    """Immutable bytes that a client can apply. The list of its files is kept beside it, not here."""

    hash: str
    """sha256 of the archive, 64 hex digits: names the bytes for ever."""
    tree: str
    """Hash of the files' paths and contents, whatever the format: tells whether a build changed anything."""
    format: Format
    size: int
    files: int
    signature: str
    """minisign, prehashed, the raw four lines."""
    key_id: str

    @property
    def hash8(self) -> str:
        """The part of the hash that stands in a bundle's URL."""
        return self.hash[:8]


class Targets(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom a release is for; what is empty or None restricts nothing."""

    platforms: tuple[str, ...] = ()
    arches: tuple[str, ...] = ()
    binary_versions: str | None = None
    """A range such as `>=0.4,<0.6`, of the binary's release triple (packaging's specifiers)."""
    clients: tuple[str, ...] = ()
    having: int | None = None
    """Only who runs this very sequence: the way back for who took a poisoned release."""

    @property
    def restrict(self) -> bool:
        """Whether anyone is left out by them."""
        return self != _EVERYONE


_EVERYONE = Targets()


class Release(Struct, frozen=True, kw_only=True):
    """One sequence in one channel that points at one bundle. A sequence never means two bundles."""

    sequence: int
    channel: str
    bundle: Bundle
    version: str
    binary_version: str
    """The app's version when this was built; `version` is `{binary_version}-ota.{n}`."""
    min_binary_version: str
    published_at: datetime
    origin: Origin
    from_sequence: int | None = None
    notes: str | None = None
    mandatory: bool = False
    withheld: bool = False
    update_type: str = DEFAULT_UPDATE_TYPE
    percent: float = 100.0
    """How many of a hundred clients are offered it, by `domain.rollout`."""
    always: tuple[str, ...] = ()
    """Clients that are offered it whatever the percent."""
    targets: Targets = _EVERYONE

    @property
    def whole(self) -> bool:
        """Whether everyone in its channel may have it: no rollout, no targets, not withheld."""
        return not self.withheld and self.percent >= 100 and not self.targets.restrict


class Channel(Struct, frozen=True, kw_only=True):
    """A line of releases that clients follow by its name."""

    name: str
    paused: bool = False
    releases: tuple[int, ...] = ()
    """Sequences, newest first."""
    last_tree: str | None = None
    """`Bundle.tree` of the watched folder when it was last published here. What else comes (a roll-back, a promotion,
    another folder published by hand) leaves it, so that the next scan does not undo it."""
    last_minimum: str | None = None
    """The `min_binary_version` that it was published with; editing the release leaves it, for the same reason."""


class Forced204(Struct, frozen=True, kw_only=True):
    """An override: no update for its scope. Without client and channel it is for everyone."""

    override: int
    channel: str | None = None
    client: str | None = None
    left: int | None = None
    """How many answers more; None until it is lifted."""

    @property
    def breadth(self) -> int:
        """0 for a client in a channel, then a client, a channel, everyone: the narrowest goes first (design §6)."""
        return 2 * (self.client is None) + (self.channel is None)


class ArmedFault(Struct, frozen=True, kw_only=True):
    """An override: a fault (`domain.faults`) that strikes whoever is in its scope; without one, everyone."""

    override: int
    fault: str
    parameters: dict[str, int | float | str] = {}
    """All of them, in the units that the catalogue names."""
    client: str | None = None
    channel: str | None = None
    left: int | None = None
    """How many times more; None until it is disarmed."""
    probability: float | None = None
    """0 to 1, of each answer that it could strike; None: every one."""
    seed: int = 0
    fired: int = 0
    missed: int = 0
    """How often it struck, and how often the probability let one go; counted where there are times or a probability."""
    sequence: int | None = None
    """The poisoned release of a bundle fault."""

    @property
    def breadth(self) -> int:
        """As of a forced 204: the narrowest goes first."""
        return 2 * (self.client is None) + (self.channel is None)

    @property
    def counts(self) -> bool:
        """Whether what it does to an answer is counted: nothing else depends on how often it was asked."""
        return self.left is not None or self.probability is not None


class RequiredHeader(Struct, frozen=True, kw_only=True):
    """What a channel demands of every check and download; who does not send it is refused."""

    header: str
    status: int
    digest: str | None = None
    """`text.digest` of the value that is right; None where any value is. The value itself is kept nowhere."""


class Manifest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the client reads when an update is offered (contract, "Field Reference")."""

    version: str
    sequence: int
    min_binary_version: str
    url: str
    signature: str
    notes: str | None = None
    pub_date: str | None = None
    mandatory: bool | None = None
    bundle_size: int | None = None
