"""All that a decision reads, rebuilt from facts alone: `apply(controls, fact)` is the only way that it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import singledispatch

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.facts import (
    BuildChannelSet,
    BundlesPruned,
    ChannelCreated,
    Fact,
    ReleaseAdded,
    SequenceFloorRaised,
)
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Channel, Release


class Controls(Struct, frozen=True, kw_only=True):
    """What is offered to whom. Never mutated: each fact makes the next one.

    `last_sequence` is the highest ever given out or known to be taken elsewhere; `build_counts` has, per binary
    version, the n of its newest `-ota.n`; `pruned` the hashes of bundles whose bytes are gone.
    """

    last_sequence: int = 0
    build_channel: str = DEFAULT_CHANNEL
    configured_channel: str | None = None
    channels: Mapping[str, Channel] = {}
    releases: Mapping[int, Release] = {}
    build_counts: Mapping[str, int] = {}
    pruned: frozenset[str] = frozenset()

    @property
    def next_sequence(self) -> int:
        """The sequence that the next release takes."""
        return self.last_sequence + 1

    def newest(self, channel: str) -> Release | None:
        """The newest release of a channel, whether or not anyone may have it."""
        known = self.channels.get(channel)
        return self.releases[known.releases[0]] if known and known.releases else None

    def has_bytes(self, release: Release) -> bool:
        """Whether the release's bundle can still be downloaded."""
        return release.bundle.hash not in self.pruned


def replay(facts: Iterable[Fact]) -> Controls:
    """The controls that these facts, in their order, lead to."""
    controls = Controls()
    for fact in facts:
        controls = apply(controls, fact)
    return controls


def apply(controls: Controls, fact: Fact) -> Controls:
    """The controls after `fact`. TypeError for a fact that has no rule here, which is a bug."""
    return _applied(fact, controls)


@singledispatch
def _applied(fact: Fact, controls: Controls) -> Controls:
    raise TypeError(f"no rule applies {type(fact).__name__}")


@_applied.register
def _(fact: SequenceFloorRaised, controls: Controls) -> Controls:
    return replace(controls, last_sequence=max(controls.last_sequence, fact.floor))


@_applied.register
def _(fact: ChannelCreated, controls: Controls) -> Controls:
    return _with_channel(controls, controls.channels.get(fact.channel) or Channel(name=fact.channel))


@_applied.register
def _(fact: BuildChannelSet, controls: Controls) -> Controls:
    configured = fact.channel if fact.configured else controls.configured_channel
    return replace(controls, build_channel=fact.channel, configured_channel=configured)


@_applied.register
def _(fact: ReleaseAdded, controls: Controls) -> Controls:
    release = fact.release
    channel = controls.channels.get(release.channel) or Channel(name=release.channel)
    built = release.origin in ("build", "publish")
    counts = controls.build_counts
    if built:
        counts = {**counts, release.binary_version: counts.get(release.binary_version, 0) + 1}
    return replace(
        _with_channel(
            controls,
            replace(
                channel,
                releases=(release.sequence, *channel.releases),
                last_tree=release.bundle.tree if fact.watched else channel.last_tree,
            ),
        ),
        last_sequence=max(controls.last_sequence, release.sequence),
        releases={**controls.releases, release.sequence: release},
        build_counts=counts,
        # The same content may be built again after its bytes were pruned.
        pruned=controls.pruned - {release.bundle.hash},
    )


@_applied.register
def _(fact: BundlesPruned, controls: Controls) -> Controls:
    return replace(controls, pruned=controls.pruned | frozenset(fact.hashes))


def _with_channel(controls: Controls, channel: Channel) -> Controls:
    return replace(controls, channels={**controls.channels, channel.name: channel})
