"""Which release a client may have: one rule after the other, and what each of them says."""

from __future__ import annotations

from collections.abc import Callable

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.minimums import too_old
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.reasons import Reason
from hotswap_dev.domain.rollout import Missed, bucket, inside, missed_target


def ineligible(controls: Controls, release: Release, check: Check) -> Reason | None:
    """Why this client can't have this release; None if it can. One rule after the other, the first that refuses."""
    refuses = refusal(controls, release, check, controls.pins.get(check.client))
    return None if refuses is None else refuses(controls, release, check)


Words = Callable[[Controls, Release, Check], Reason]


def refusal(controls: Controls, release: Release, check: Check, pinned: int | None) -> Words | None:
    """The first rule that refuses; what it says is only made where somebody hears it."""
    if pinned is not None and release.sequence != pinned:
        return _pinned
    if not controls.has_bytes(release):
        # Before what a person withheld: restoring it would change nothing.
        return _bundle_gone
    if release.withheld:
        return _withheld
    if too_old(check.binary_version, release.min_binary_version):
        return _too_old
    if pinned is not None:  # a pin overrules rollout and targets (design §6)
        return None
    if release.targets.restrict and missed_target(release, check) is not None:
        return _not_targeted
    return None if inside(release, check.client) else _not_in_rollout


def concerns(release: Release, check: Check) -> bool:
    """Whether a release is one that this client could ask about.

    A poisoned release is for its victim, and what takes it back for who took it: neither is news to anyone else.
    """
    if release.update_type != check.update_type:
        return False
    if release.sequence == check.sequence:
        return True
    if release.origin == "poisoned" and release.withheld:  # its fault is over
        return False
    victims = release.targets.clients if release.origin == "poisoned" else ()
    return release.targets.having in (None, check.sequence) and (not victims or check.client in victims)


def _pinned(controls: Controls, release: Release, check: Check) -> Reason:
    target = controls.releases[controls.pins[check.client]]
    return Reason(
        "pinned",
        {
            "sequence": release.sequence,
            "pinned": target.sequence,
            "client": check.client,
            "current": check.sequence,
            # Where a pinned release is of another channel, this client is never offered it there.
            "elsewhere": target.channel if target.channel != check.asked_channel else "",
        },
    )


def _bundle_gone(_: Controls, release: Release, __: Check) -> Reason:
    return bundle_gone(release)


def bundle_gone(release: Release) -> Reason:
    """Why a release whose bytes can't be read any more is offered to nobody."""
    return Reason(
        "release-withheld",
        {"sequence": release.sequence, "cause": "bundle gone", "channel": release.channel},
    )


def _withheld(_: Controls, release: Release, __: Check) -> Reason:
    return Reason("release-withheld", {"sequence": release.sequence})


def _too_old(_: Controls, release: Release, check: Check) -> Reason:
    return Reason(
        "binary-too-old",
        {
            "sequence": release.sequence,
            "binary_version": check.binary_version or "",
            "min_binary_version": release.min_binary_version,
        },
    )


def _not_targeted(_: Controls, release: Release, check: Check) -> Reason:
    missed = missed_target(release, check) or Missed("", "", "")
    return Reason(
        "not-targeted",
        {"sequence": release.sequence, "what": missed.what, "is": missed.is_, "wanted": missed.wanted},
    )


def _not_in_rollout(_: Controls, release: Release, check: Check) -> Reason:
    return Reason(
        "not-in-rollout",
        {
            "sequence": release.sequence,
            "percent": f"{release.percent:g}",
            "bucket": f"{bucket(check.client, release.sequence):.2f}",
            "client": check.client,
        },
    )
