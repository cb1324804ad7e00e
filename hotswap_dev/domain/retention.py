"""Which bundles may go, so that a day of saving does not fill a disk (design §9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.rollout import WHOLE

KEPT_PER_CHANNEL = 5
KEPT_IN_ALL = 50
KEPT_BYTES = 2 * 1024**3
OFFERED_WITHIN = timedelta(hours=1)


def prunable(controls: Controls, offered: Mapping[str, datetime], now: datetime) -> tuple[str, ...]:
    """Hashes of the bundles whose bytes nobody needs: oldest first.

    Kept are the newest 5 releases of any channel, what a client is pinned to, what is in a partial rollout or meant for
    some, what is poisoned as long as that is armed and what it was made of, what was offered within the hour
    (`offered`: hash → when last; a client may take minutes between check and apply) and, beyond these, the newest 50
    up to 2 GB. A clock that was set back makes an offer look fresh, which keeps too much rather than too little
    (hardening E4).
    """
    needed = {
        controls.releases[sequence].bundle.hash
        for channel in controls.channels.values()
        for sequence in channel.releases[:KEPT_PER_CHANNEL]
    }
    needed |= {controls.releases[sequence].bundle.hash for sequence in controls.pins.values()}
    needed |= {
        one.bundle.hash
        for one in controls.releases.values()
        # What takes a poisoned release back is of a bundle that its channel has besides.
        if not one.withheld and (one.percent < WHOLE or one.targets.restrict) and one.targets.having is None
    }
    # A poisoned release as long as it is armed, and what disarming it offers again.
    poisoned = [release for one in controls.faults if (release := controls.releases.get(one.sequence or 0))]
    healthy = [release for one in poisoned if (release := controls.releases.get(one.from_sequence or 0))]
    needed |= {one.bundle.hash for one in (*poisoned, *healthy)}
    needed |= {bundle for bundle, when in offered.items() if now - when < OFFERED_WITHIN}
    kept: set[str] = set()
    gone: list[str] = []
    size = 0
    for sequence in sorted(controls.releases, reverse=True):
        bundle = controls.releases[sequence].bundle
        if bundle.hash in kept or bundle.hash in controls.pruned or bundle.hash in gone:
            continue
        fits = len(kept) < KEPT_IN_ALL and size + bundle.size <= KEPT_BYTES
        if fits or bundle.hash in needed:
            kept.add(bundle.hash)
            size += bundle.size
        else:
            gone.append(bundle.hash)
    return tuple(reversed(gone))
