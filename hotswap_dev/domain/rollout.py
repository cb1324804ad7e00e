"""Who is inside of a rollout, and whom a release is for (design §6, "Rollout bucket").

Both depend on the client and the release alone: the same client gets the same answer whatever was asked before, and
after a restart.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.minimums import suits_whom, too_old
from hotswap_dev.domain.model import (
    DEFAULT_CHANNEL,
    DEFAULT_UPDATE_TYPE,
    SAME_AS_CLIENT,
    Channel,
    Protocol,
    Release,
)
from hotswap_dev.domain.versions import parse

WHOLE = 100.0


# A preview asks for the same thousands with each letter that is typed.
@functools.lru_cache(maxsize=32_768)
def bucket(client: str, sequence: int) -> float:
    """Where a client stands among a hundred for this release: 0.00 to 99.99, evenly spread.

    A rollout of `percent` is offered to those below it: raising it only adds, lowering it takes nothing from who
    already has it. Each release deals anew, so that no client is always among the first.
    """
    digest = hashlib.sha256(f"{client}:{sequence}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % 10_000 / 100


def inside(release: Release, client: str) -> bool:
    """Whether a rollout has reached this client."""
    return (
        release.percent >= WHOLE
        or client in release.always
        or (release.percent > 0 and bucket(client, release.sequence) < release.percent)
    )


class Missed(Struct, frozen=True):
    """What of a release's targets a check is not: `is_` what it has, `wanted` what was asked for."""

    what: str
    is_: str
    wanted: str


def missed_target(release: Release, check: Check) -> Missed | None:
    """The first of a release's targets that this check is none of; None where it is for it."""
    targets = release.targets
    if not targets.restrict:
        return None
    if targets.clients and check.client not in targets.clients:
        return Missed("client", check.client, ", ".join(targets.clients))
    if targets.having is not None and check.sequence != targets.having:
        return Missed("sequence", str(check.sequence), str(targets.having))
    if targets.platforms and check.platform not in targets.platforms:
        return Missed("platform", check.platform, ", ".join(targets.platforms))
    if targets.arches and check.arch not in targets.arches:
        return Missed("arch", check.arch, ", ".join(targets.arches))
    if targets.binary_versions is not None and not in_range(check.binary_version, targets.binary_versions):
        return Missed("binary_version", check.binary_version or "", targets.binary_versions)
    return None


@functools.lru_cache(maxsize=4096)
def in_range(version: str | None, range_: str) -> bool:
    """Whether a binary is of a range such as `>=0.4,<0.6`: asked of its release triple, so that 0.6.0-rc.1 counts as
    0.6.0. An unknown version, or one that can't be read, is of none. ValueError where `range_` is no range.
    """
    # Most servers never target a range, and the import takes longer than a thousand answers.
    from packaging.specifiers import SpecifierSet

    specifiers = SpecifierSet(range_)
    if version is None:
        return False
    try:
        parse(version)
    except ValueError:
        return False
    return specifiers.contains(_triple(version), prereleases=True)


def _triple(version: str) -> str:
    return version.partition("+")[0].partition("-")[0]


class Counted(Struct, frozen=True, kw_only=True):
    """What is counted over clients, so that whoever must not be held up may count them in pieces."""

    def plus(self, more: Self) -> Self:
        """The same over these clients and those of `more`."""
        raise NotImplementedError(f"{type(self).__name__} does not say how two of it are one")


class Reach(Counted, frozen=True, kw_only=True):
    """How many of the known clients a release is for, and who comes next as its percent rises."""

    sequence: int
    percent: float
    inside: int
    """Clients that it is meant for and that its rollout has reached."""
    of: int
    """Clients that it is meant for: they ask for its channel, and are none that its targets leave out."""
    next: str | None = None
    """The client that flips in first when the percent rises; None where all are inside."""
    next_at: float | None = None
    """From which percent on that one is inside."""

    def plus(self, more: Self) -> Self:
        """The reach among both."""
        known = ((one.next_at, one.next) for one in (self, more) if one.next_at is not None and one.next)
        next_at, flips_in = min(known, default=(None, None))
        return replace(
            self, inside=self.inside + more.inside, of=self.of + more.of, next=flips_in, next_at=next_at
        )


def may_ask_for(release: Release, channel: str | None, protocol: Protocol) -> bool:
    """Whether who asks for this channel, in this protocol, may be offered such a release at all: the plugin's clients
    know but one type.
    """
    if (channel or DEFAULT_CHANNEL) != release.channel:
        return False
    return release.update_type == DEFAULT_UPDATE_TYPE or protocol == "update-server"


def reach(release: Release, checks: Iterable[Check]) -> Reach:
    """How far a release reaches among these checks, one for each client."""
    inside_, of = 0, 0
    nearest: tuple[float, str] | None = None
    for check in checks:
        if (
            not may_ask_for(release, check.channel, check.protocol)
            or missed_target(release, check) is not None
        ):
            continue
        of += 1
        if inside(release, check.client):
            inside_ += 1
            continue
        place = (bucket(check.client, release.sequence), check.client)
        nearest = place if nearest is None else min(nearest, place)
    return Reach(
        sequence=release.sequence,
        percent=release.percent,
        inside=inside_,
        of=of,
        next=None if nearest is None else nearest[1],
        # In whole hundredths, the first that is above its bucket.
        next_at=None if nearest is None else round(nearest[0] + 0.01, 2),
    )


def depends_on_client(controls: Controls) -> bool:
    """Whether some answer to an app may depend on its client's id: somebody may be offered a release of which a rollout
    has reached only a part.
    """
    return any(True for channel in controls.channels.values() for _ in _rolls(controls, channel))


def told_apart(controls: Controls) -> tuple[Release, ...]:
    """The releases by which clients that ask the same may be answered differently, newest first in each channel: with
    a rollout or with clients among their targets, and met on the way to the newest that everyone may have.

    What lies below that one tells nobody apart, however many releases were left at a part there.
    """
    return tuple(release for channel in controls.channels.values() for release in _rolls(controls, channel))


def place(check: Check, apart: Iterable[Release]) -> tuple[tuple[bool, bool], ...]:
    """Where a client stands among the releases that tell clients apart: for each that its check meets, whether the
    rollout has reached it, and whether it is named.

    Of two that ask the same from one place, and whom no pin and no override names, both are answered alike.
    """
    stands = []
    for release in apart:
        if release.channel != check.asked_channel:
            continue
        if release.sequence <= check.sequence and release.origin != "poisoned":
            continue
        reached = inside(release, check.client)
        stands.append((reached, check.client in release.targets.clients))
        if reached and not release.targets.restrict and _may_run(check, release):
            break  # it is offered this one: what is below it is not looked at
    return tuple(stands)


def _may_run(check: Check, release: Release) -> bool:
    try:
        return not too_old(check.binary_version, release.min_binary_version)
    except ValueError:  # a binary version that only another version of this takes for one
        return False


def _rolls(controls: Controls, channel: Channel) -> Iterator[Release]:
    oldest: str | None = None
    for sequence in channel.releases:
        release = controls.releases[sequence]
        if release.update_type != DEFAULT_UPDATE_TYPE or release.withheld:
            continue
        if not controls.has_bytes(release):
            if release.origin == "poisoned" and release.targets.clients:
                yield release  # its victims alone are told that it is gone
            continue
        if oldest is not None and suits_whom(oldest, release.min_binary_version):
            continue
        if release.targets.clients or (release.percent < WHOLE and (release.percent > 0 or release.always)):
            yield release
        elif release.whole:
            # Whom this one suits is offered it; an older binary goes on to what is below.
            oldest = release.min_binary_version
            if oldest == SAME_AS_CLIENT:
                return
