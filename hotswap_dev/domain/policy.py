"""Who gets what: `decide`, pure and total (design §6).

The ladder of the answer is read from top to bottom; the first rung that holds is the answer, and everything that was
passed over on the way to an offer is in `considered`, with the code that would have refused it.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE, SAME_AS_CLIENT, Channel, Manifest, Release
from hotswap_dev.domain.reasons import Reason
from hotswap_dev.domain.versions import parse


class Offer(Struct, frozen=True, kw_only=True, tag="offer"):
    """200 with this release's manifest."""

    release: Release
    mandatory: bool


class NoUpdate(Struct, frozen=True, tag="no-update"):
    """204: the client keeps what it runs."""


class Refusal(Struct, frozen=True, kw_only=True, tag="refusal"):
    """400: the question itself is wrong."""

    parameter: str
    value: str
    expected: str
    example: str


Answer = Offer | NoUpdate | Refusal


class Considered(Struct, frozen=True, kw_only=True):
    """A release that was looked at and passed over, and why this client can't have it."""

    sequence: int
    reason: Reason


class Decision(Struct, frozen=True, kw_only=True):
    """An answer with everything that explains it. `spends` names the counters that giving it uses up."""

    answer: Answer
    reason: Reason
    considered: tuple[Considered, ...] = ()
    spends: tuple[str, ...] = ()


def decide(controls: Controls, check: Check | BadCheck, now: datetime) -> Decision:
    """Answer a check. The same controls, check and time give the same decision.

    `now` is what rules that depend on time read; none of today's does, and callers must not have to change when one
    joins.
    """
    if isinstance(check, BadCheck):
        return _refused(check)
    channel = controls.channels.get(check.asked_channel)
    if channel is None:
        with_releases = ", ".join(name for name, known in controls.channels.items() if known.releases)
        return _no_update(
            "channel-unknown",
            channel=check.asked_channel,
            asked="no" if check.channel is None else "yes",
            known=with_releases,
        )
    return _newest_eligible(controls, channel, check)


def ineligible(controls: Controls, release: Release, check: Check) -> Reason | None:
    """Why this client can't have this release; None if it can. One rule after the other, the first that refuses."""
    if release.withheld:
        return Reason("release-withheld", {"sequence": release.sequence})
    if not controls.has_bytes(release):
        return Reason("release-withheld", {"sequence": release.sequence, "cause": "bundle gone"})
    # Contract, "Versioning Strategy": only updates where min_binary_version <= the client's binary_version.
    if (
        check.binary_version is not None
        and release.min_binary_version != SAME_AS_CLIENT
        and parse(check.binary_version) < parse(release.min_binary_version)
    ):
        return Reason(
            "binary-too-old",
            {
                "sequence": release.sequence,
                "binary_version": check.binary_version,
                "min_binary_version": release.min_binary_version,
            },
        )
    return None


def manifest(offer: Offer, *, binary_version: str | None, url: str, pub_date: str) -> Manifest:
    """What the client is told of an offer (contract, "Field Reference"); `binary_version` is the client's."""
    release = offer.release
    minimum = release.min_binary_version
    return Manifest(
        version=release.version,
        sequence=release.sequence,
        min_binary_version=(binary_version or release.binary_version)
        if minimum == SAME_AS_CLIENT
        else minimum,
        url=url,
        signature=release.bundle.signature,
        notes=release.notes,
        pub_date=pub_date,
        mandatory=offer.mandatory,
        bundle_size=release.bundle.size,
    )


def newest_whole(controls: Controls, channel: str) -> Release | None:
    """What `latest.json` shows: the newest release that everyone in an unpaused channel may have.

    It answers no client in particular, so nothing that depends on one applies.
    """
    known = controls.channels.get(channel)
    if known is None or known.paused:
        return None
    for sequence in known.releases:
        release = controls.releases[sequence]
        if (
            release.update_type == DEFAULT_UPDATE_TYPE
            and not release.withheld
            and controls.has_bytes(release)
        ):
            return release
    return None


def _newest_eligible(controls: Controls, channel: Channel, check: Check) -> Decision:
    newest = next(
        (one for one in channel.releases if controls.releases[one].update_type == DEFAULT_UPDATE_TYPE), None
    )
    if newest is None:
        return _no_update("no-release", channel=channel.name)
    considered: list[Considered] = []
    for sequence in channel.releases:
        if sequence <= check.sequence:
            break
        release = controls.releases[sequence]
        if release.update_type != DEFAULT_UPDATE_TYPE:
            continue
        refused = ineligible(controls, release, check)
        if refused is None:
            return Decision(
                answer=Offer(release=release, mandatory=release.mandatory),
                reason=Reason(
                    "newer-release",
                    {"sequence": sequence, "version": release.version, "current": check.sequence},
                ),
                considered=tuple(considered),
            )
        considered.append(Considered(sequence=sequence, reason=refused))
    if considered:
        return Decision(answer=NoUpdate(), reason=considered[0].reason, considered=tuple(considered))
    if check.sequence > controls.last_sequence:
        return _no_update("client-ahead", current=check.sequence, last=controls.last_sequence)
    has = controls.releases.get(check.sequence)
    return _no_update(
        "up-to-date",
        channel=channel.name,
        current=check.sequence,
        newest=newest,
        came_from=has.channel if has and has.channel != channel.name else "",
    )


def _refused(check: BadCheck) -> Decision:
    return Decision(
        answer=Refusal(
            parameter=check.parameter, value=check.value, expected=check.expected, example=check.example
        ),
        reason=Reason(
            "bad-request",
            {
                "parameter": check.parameter,
                "value": check.value,
                "expected": check.expected,
                "example": check.example,
            },
        ),
    )


def _no_update(code: str, **args: str | int) -> Decision:
    return Decision(answer=NoUpdate(), reason=Reason(code, dict(args)))
