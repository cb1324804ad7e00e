"""What a client is told of what it is offered, and what `latest.json` tells everyone."""

from __future__ import annotations

from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE, SAME_AS_CLIENT, Manifest, Release
from hotswap_dev.domain.policy.answers import Offer


def manifest(offer: Offer, *, binary_version: str | None, url: str, pub_date: str) -> Manifest:
    """What the client is told of an offer (contract, "Field Reference"); `binary_version` is the client's."""
    release = offer.release
    return Manifest(
        version=release.version,
        sequence=release.sequence,
        min_binary_version=told_minimum(release, binary_version),
        url=url,
        signature=release.bundle.signature,
        notes=release.notes,
        pub_date=pub_date,
        mandatory=offer.mandatory,
        bundle_size=release.bundle.size,
    )


def told_minimum(release: Release, binary_version: str | None) -> str:
    """The `min_binary_version` that a client of `binary_version` (None: unknown) is told of a release."""
    if release.min_binary_version == SAME_AS_CLIENT:
        return binary_version or release.binary_version
    return release.min_binary_version


def newest_whole(controls: Controls, channel: str) -> Release | None:
    """What `latest.json` shows: the newest release that everyone in an unpaused channel may have.

    It answers no client in particular, so nothing that depends on one applies.
    """
    known = controls.channels.get(channel)
    if known is None or known.paused:
        return None
    for sequence in known.releases:
        release = controls.releases[sequence]
        # A poisoned one is an override's, and overrides don't apply here.
        if (
            release.update_type == DEFAULT_UPDATE_TYPE
            and release.whole
            and release.origin != "poisoned"
            and controls.has_bytes(release)
        ):
            return release
    return None
