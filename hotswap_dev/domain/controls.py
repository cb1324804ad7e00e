"""All that a decision reads, rebuilt from facts alone: `apply(controls, fact)` is the only way that it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from functools import singledispatch
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.facts import (
    BuildChannelSet,
    BundlesPruned,
    ChannelCreated,
    ChannelPaused,
    ChannelResumed,
    ClientForgotten,
    ClientNamed,
    ClientPinned,
    ClientUnpinned,
    Fact,
    FaultArmed,
    FaultDisarmed,
    Forced204Lifted,
    Forced204Set,
    MandatorySet,
    NoteAdded,
    OverridesCleared,
    OverrideSpent,
    ProductMapped,
    ReleaseAdded,
    ReleaseEdited,
    ReleaseRestored,
    ReleaseWithheld,
    RequiredHeaderRemoved,
    RequiredHeaderSet,
    RolloutSet,
    SequenceFloorRaised,
    TargetsSet,
)
from hotswap_dev.domain.model import (
    DEFAULT_CHANNEL,
    ArmedFault,
    Channel,
    Forced204,
    Release,
    RequiredHeader,
)

K = TypeVar("K")
V = TypeVar("V")


class Controls(Struct, frozen=True, kw_only=True):
    """What is offered to whom. Never mutated: each fact makes the next one.

    `last_sequence` is the highest ever given out or known to be taken elsewhere; `build_counts` has, per binary
    version, the n of its newest `-ota.n`; `pruned` the hashes of bundles whose bytes are gone; `forced` is in the
    order in which it is asked, the narrowest scope first, and so are `faults`, of one scope the newest first;
    `last_override` the number of the newest override; `required` the header that a channel demands, by its name;
    `products` the channels of the second protocol's products.
    """

    last_sequence: int = 0
    build_channel: str = DEFAULT_CHANNEL
    configured_channel: str | None = None
    channels: Mapping[str, Channel] = {}
    releases: Mapping[int, Release] = {}
    build_counts: Mapping[str, int] = {}
    pruned: Set[str] = frozenset()
    mandatory_for_all: bool = False
    forced: tuple[Forced204, ...] = ()
    faults: tuple[ArmedFault, ...] = ()
    last_override: int = 0
    required: Mapping[str, RequiredHeader] = {}
    products: Mapping[str, str] = {}
    pins: Mapping[str, int] = {}
    names: Mapping[str, str] = {}

    @property
    def next_sequence(self) -> int:
        """The sequence that the next release takes."""
        return self.last_sequence + 1

    @property
    def overridden(self) -> bool:
        """Whether anything applies that belongs to this run alone (design §4, "Overrides")."""
        return self.mandatory_for_all or bool(self.forced or self.faults)

    def newest(self, channel: str) -> Release | None:
        """The newest release of a channel, whether or not anyone may have it."""
        known = self.channels.get(channel)
        return self.releases[known.releases[0]] if known and known.releases else None

    def has_bytes(self, release: Release) -> bool:
        """Whether the release's bundle can still be downloaded."""
        return release.bundle.hash not in self.pruned


def replay(facts: Iterable[Fact]) -> Controls:
    """The controls that these facts, in their order, lead to."""
    # Nobody sees the controls in between, so that their tables may grow where they are: a copy for each fact would
    # make a start slower with the square of the journal's length.
    controls = Controls(
        channels=_Growing(), releases=_Growing(), build_counts=_Growing(), pruned=_GrowingSet()
    )
    for fact in facts:
        controls = apply(controls, fact)
    return replace(
        controls,
        channels=dict(controls.channels),
        releases=dict(controls.releases),
        build_counts=dict(controls.build_counts),
        pruned=frozenset(controls.pruned),
    )


def apply(controls: Controls, fact: Fact) -> Controls:
    """The controls after `fact`. TypeError for a fact that has no rule here, which is a bug."""
    return _applied(fact, controls)


@singledispatch
def _applied(fact: Fact, controls: Controls) -> Controls:
    raise TypeError(f"no rule applies {type(fact).__name__}")


# Releases.


@_applied.register
def _(fact: ReleaseAdded, controls: Controls) -> Controls:
    release = fact.release
    channel = controls.channels.get(release.channel) or Channel(name=release.channel)
    counts = controls.build_counts
    if release.origin in ("build", "publish"):
        counts = _with(counts, release.binary_version, counts.get(release.binary_version, 0) + 1)
    return replace(
        _with_channel(
            controls,
            replace(
                channel,
                releases=(release.sequence, *channel.releases),
                last_tree=release.bundle.tree if fact.watched else channel.last_tree,
                last_minimum=release.min_binary_version if fact.watched else channel.last_minimum,
            ),
        ),
        last_sequence=max(controls.last_sequence, release.sequence),
        releases=_with(controls.releases, release.sequence, release),
        build_counts=counts,
        # The same content may be built again after its bytes were pruned.
        pruned=_minus(controls.pruned, release.bundle.hash),
    )


@_applied.register
def _(fact: ReleaseWithheld, controls: Controls) -> Controls:
    return _with_release(controls, replace(controls.releases[fact.sequence], withheld=True))


@_applied.register
def _(fact: ReleaseRestored, controls: Controls) -> Controls:
    return _with_release(controls, replace(controls.releases[fact.sequence], withheld=False))


@_applied.register
def _(fact: ReleaseEdited, controls: Controls) -> Controls:
    was = controls.releases[fact.sequence]
    return _with_release(
        controls,
        replace(
            was,
            notes=was.notes if fact.notes is None else fact.notes or None,
            min_binary_version=fact.min_binary_version or was.min_binary_version,
            version=fact.version or was.version,
        ),
    )


@_applied.register
def _(fact: RolloutSet, controls: Controls) -> Controls:
    was = controls.releases[fact.sequence]
    return _with_release(controls, replace(was, percent=fact.percent, always=fact.always))


@_applied.register
def _(fact: TargetsSet, controls: Controls) -> Controls:
    return _with_release(controls, replace(controls.releases[fact.sequence], targets=fact.targets))


@_applied.register
def _(fact: BundlesPruned, controls: Controls) -> Controls:
    return replace(controls, pruned=_plus(controls.pruned, fact.hashes))


@_applied.register
def _(fact: SequenceFloorRaised, controls: Controls) -> Controls:
    return replace(controls, last_sequence=max(controls.last_sequence, fact.floor))


# Channels.


@_applied.register
def _(fact: ChannelCreated, controls: Controls) -> Controls:
    return _with_channel(controls, controls.channels.get(fact.channel) or Channel(name=fact.channel))


@_applied.register
def _(fact: ChannelPaused, controls: Controls) -> Controls:
    return _with_channel(controls, replace(controls.channels[fact.channel], paused=True))


@_applied.register
def _(fact: ChannelResumed, controls: Controls) -> Controls:
    return _with_channel(controls, replace(controls.channels[fact.channel], paused=False))


@_applied.register
def _(fact: BuildChannelSet, controls: Controls) -> Controls:
    configured = fact.channel if fact.configured else controls.configured_channel
    return replace(controls, build_channel=fact.channel, configured_channel=configured)


# Clients.


@_applied.register
def _(fact: ClientPinned, controls: Controls) -> Controls:
    return replace(controls, pins=_with(controls.pins, fact.client, fact.sequence))


@_applied.register
def _(fact: ClientUnpinned, controls: Controls) -> Controls:
    return replace(controls, pins=_without(controls.pins, fact.client))


@_applied.register
def _(fact: ClientNamed, controls: Controls) -> Controls:
    named = _with(controls.names, fact.client, fact.name) if fact.name else None
    return replace(controls, names=_without(controls.names, fact.client) if named is None else named)


@_applied.register
def _(fact: ClientForgotten, controls: Controls) -> Controls:
    return replace(
        controls,
        pins=_without(controls.pins, fact.client),
        names=_without(controls.names, fact.client),
        forced=tuple(one for one in controls.forced if one.client != fact.client),
        faults=tuple(one for one in controls.faults if one.client != fact.client),
    )


# Overrides.


@_applied.register
def _(fact: MandatorySet, controls: Controls) -> Controls:
    if fact.sequence is None:
        return replace(controls, mandatory_for_all=fact.on)
    return _with_release(controls, replace(controls.releases[fact.sequence], mandatory=fact.on))


@_applied.register
def _(fact: Forced204Set, controls: Controls) -> Controls:
    others = (one for one in controls.forced if (one.client, one.channel) != (fact.client, fact.channel))
    made = Forced204(override=fact.override, channel=fact.channel, client=fact.client, left=fact.times)
    return replace(
        controls,
        forced=tuple(sorted((*others, made), key=lambda one: (one.breadth, one.override))),
        last_override=max(controls.last_override, fact.override),
    )


@_applied.register
def _(fact: Forced204Lifted, controls: Controls) -> Controls:
    return replace(controls, forced=tuple(one for one in controls.forced if one.override != fact.override))


@_applied.register
def _(fact: OverrideSpent, controls: Controls) -> Controls:
    if any(one.override == fact.override for one in controls.faults):
        struck = (_struck(one, fact) if one.override == fact.override else one for one in controls.faults)
        return replace(controls, faults=tuple(one for one in struck if one.left is None or one.left > 0))
    left = (_spent(one, fact.times) if one.override == fact.override else one for one in controls.forced)
    return replace(controls, forced=tuple(one for one in left if one.left is None or one.left > 0))


@_applied.register
def _(_: OverridesCleared, controls: Controls) -> Controls:
    return replace(controls, forced=(), faults=(), mandatory_for_all=False)


@_applied.register
def _(fact: FaultArmed, controls: Controls) -> Controls:
    armed = fact.armed
    others = (
        one
        for one in controls.faults
        if (one.fault, one.client, one.channel) != (armed.fault, armed.client, armed.channel)
    )
    return replace(
        controls,
        faults=tuple(sorted((*others, armed), key=lambda one: (one.breadth, -one.override))),
        last_override=max(controls.last_override, armed.override),
    )


@_applied.register
def _(fact: FaultDisarmed, controls: Controls) -> Controls:
    return replace(controls, faults=tuple(one for one in controls.faults if one.override != fact.override))


@_applied.register
def _(_: NoteAdded, controls: Controls) -> Controls:
    return controls


# Access and products.


@_applied.register
def _(fact: RequiredHeaderSet, controls: Controls) -> Controls:
    return replace(controls, required=_with(controls.required, fact.channel, fact.required))


@_applied.register
def _(fact: RequiredHeaderRemoved, controls: Controls) -> Controls:
    return replace(controls, required=_without(controls.required, fact.channel))


@_applied.register
def _(fact: ProductMapped, controls: Controls) -> Controls:
    return replace(controls, products=_with(controls.products, fact.product, fact.channel))


def _struck(armed: ArmedFault, fact: OverrideSpent) -> ArmedFault:
    return replace(
        armed,
        left=None if armed.left is None else armed.left - fact.times,
        fired=armed.fired + fact.times,
        missed=armed.missed + fact.missed,
    )


def _spent(override: Forced204, times: int) -> Forced204:
    return override if override.left is None else replace(override, left=override.left - times)


def _with_channel(controls: Controls, channel: Channel) -> Controls:
    return replace(controls, channels=_with(controls.channels, channel.name, channel))


def _with_release(controls: Controls, release: Release) -> Controls:
    return replace(controls, releases=_with(controls.releases, release.sequence, release))


class _Growing(dict[K, V]):
    """A table of controls that are being replayed: what is added to it is added in place."""


class _GrowingSet(set[K]):
    """The same for a set."""


def _with(table: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    if isinstance(table, _Growing):
        table[key] = value
        return table
    return {**table, key: value}


def _without(table: Mapping[K, V], key: K) -> Mapping[K, V]:
    return {name: value for name, value in table.items() if name != key}


def _plus(known: Set[K], more: Iterable[K]) -> Set[K]:
    if isinstance(known, _GrowingSet):
        known.update(more)
        return known
    return frozenset((*known, *more))


def _minus(known: Set[K], gone: K) -> Set[K]:
    if gone not in known:
        return known
    if isinstance(known, _GrowingSet):
        known.discard(gone)
        return known
    return frozenset(known) - {gone}
