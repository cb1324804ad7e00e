"""Who gets what: `decide`, pure and total (design §6).

The ladder of the answer is read from top to bottom; the first rung that holds is the answer, and everything that was
passed over on the way to an offer is in `considered`, with the code that would have refused it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.bent_updates import strikes_updates
from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.faults import Drawn, Fault, Strike, striking
from hotswap_dev.domain.faults.check import StaleManifest
from hotswap_dev.domain.faults.presets import line_of
from hotswap_dev.domain.model import (
    DEFAULT_UPDATE_TYPE,
    SAME_AS_CLIENT,
    Channel,
    Forced204,
    Manifest,
    Release,
)
from hotswap_dev.domain.reasons import Reason
from hotswap_dev.domain.rollout import Missed, bucket, inside, missed_target
from hotswap_dev.domain.versions import parse

MAX_CONSIDERED = 50
"""Of a thousand releases that an app is too old for nobody reads why a thousand times, and a check must stay cheap."""


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


class Denied(Struct, frozen=True, kw_only=True, tag="denied"):
    """401 or 403: the header that this channel demands did not come, or had another value."""

    status: int
    header: str


Answer = Offer | NoUpdate | Refusal | Denied


class Considered(Struct, frozen=True, kw_only=True):
    """A release that was looked at and passed over, and why this client can't have it."""

    sequence: int
    reason: Reason


class Decision(Struct, frozen=True, kw_only=True):
    """An answer with everything that explains it.

    `considered` is what was passed over, highest first and at most `MAX_CONSIDERED`, `passed_over` how many there were;
    `strike` the fault that is to spoil it, `answer` is then what would have been given. `spends` are the overrides
    (their numbers) that giving the answer uses up once, `missed` the faults whose probability let it go: the caller
    applies both in the same step, so that two checks never share one.
    """

    answer: Answer
    reason: Reason
    considered: tuple[Considered, ...] = ()
    passed_over: int = 0
    strike: Strike | None = None
    spends: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()

    @property
    def offered(self) -> Release | None:
        """The release that the client hears of; None where it is offered none, or a fault keeps it from hearing."""
        heard = self.strike is None or self.strike.fault.keeps_offer
        return self.answer.release if heard and isinstance(self.answer, Offer) else None

    @property
    def status(self) -> int:
        """The HTTP status that goes out; 0 where a fault lets nothing out."""
        plain = _STATUS[type(self.answer)] if not isinstance(self.answer, Denied) else self.answer.status
        return plain if self.strike is None else self.strike.fault.told_status(plain)


_STATUS: dict[type[Answer], int] = {Offer: 200, NoUpdate: 204, Refusal: 400}


class Fetch(Struct, frozen=True, kw_only=True):
    """What becomes of a download: `denied`, spoiled by `strike`, or neither. The rest is as for a decision."""

    denied: Denied | None = None
    strike: Strike | None = None
    spends: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()


def decide(controls: Controls, check: Check | BadCheck, now: datetime) -> Decision:
    """Answer a check. The same controls, check and time give the same decision.

    The order is design §6's: bad request, access, fault, forced 204, unknown or paused channel, no release, and then
    the channel's releases above the client's, highest first. `now` is what rules that depend on time read; none of
    today's does, and callers must not have to change when one joins.
    """
    if isinstance(check, BadCheck):
        return _refused(check)
    denied = _denied(controls, check.asked_channel, check.headers) if controls.required else None
    if denied is not None:
        return Decision(answer=denied, reason=denial(denied, check.asked_channel))
    if not controls.faults:
        return _bent(controls, check)
    drawn, plain = _drawn(controls, check)
    if drawn.strike is None:
        decided = _bent(controls, check)
        return replace(decided, missed=drawn.missed) if drawn.missed else decided
    # A fault suppresses a forced 204, and does not spend it (design §6).
    return _struck(plain, drawn, drawn.strike, check)


def decide_download(
    controls: Controls, release: Release, client: str | None, headers: Mapping[str, str]
) -> Fetch:
    """Decide what becomes of one attempt at a release's bundle. `client` is None where nobody knows whose it is;
    `headers` are those of `Check.headers`.
    """
    denied = _denied(controls, release.channel, headers) if controls.required else None
    if denied is not None or not controls.faults:
        return Fetch(denied=denied)
    drawn = striking(controls.faults, client, release.channel, _strikes_downloads)
    return Fetch(strike=drawn.strike, spends=drawn.spends, missed=drawn.missed)


def _strikes_downloads(fault: Fault) -> bool:
    return fault.stage == "download" or line_of(fault) is not None


def _concerns(release: Release, check: Check) -> bool:
    """Whether a release is one that this client could ask about.

    A poisoned release is for its victim, and what takes it back for who took it: neither is news to anyone else.
    """
    if release.update_type != check.update_type:
        return False
    if release.sequence == check.sequence:
        return True
    victims = release.targets.clients if release.origin == "poisoned" else ()
    return release.targets.having in (None, check.sequence) and (not victims or check.client in victims)


def _drawn(controls: Controls, check: Check) -> tuple[Drawn, Decision]:
    """The fault that strikes a check, and what the answer would be without any."""
    plain = _unbent(controls, check)
    offers = isinstance(plain.answer, Offer)
    runs = controls.releases.get(check.sequence)

    def can(fault: Fault) -> bool:
        if fault.at_offers and not offers:
            return False
        if check.protocol == "update-server" and not strikes_updates(fault):
            return False
        if isinstance(fault, StaleManifest):
            return runs is not None and runs.channel == check.asked_channel
        return fault.stage in ("check", "signature") or line_of(fault) is not None

    return striking(controls.faults, check.client, check.asked_channel, can), plain


def _struck(plain: Decision, drawn: Drawn, strike: Strike, check: Check) -> Decision:
    armed = strike.armed
    args: dict[str, str | int] = {
        "fault": armed.fault,
        "id": armed.override,
        "client": armed.client or "",
        "channel": armed.channel or "",
        # After this answer, as its reader will find it.
        "left": "" if armed.left is None else armed.left - 1,
        "instead": plain.reason.code,
    }
    if isinstance(plain.answer, Offer):
        release = plain.answer.release
        args |= {"sequence": release.sequence, "version": release.version, "current": check.sequence}
        if strike.fault.keeps_offer:
            args["min_binary_version"] = told_minimum(release, check.binary_version)
    return replace(
        plain, reason=Reason("fault", args), strike=strike, spends=drawn.spends, missed=drawn.missed
    )


def _denied(controls: Controls, channel: str, headers: Mapping[str, str]) -> Denied | None:
    required = controls.required.get(channel)
    if required is None:
        return None
    sent = headers.get(required.header.lower())
    if sent is not None and required.digest in (None, sent):
        return None
    return Denied(status=required.status, header=required.header)


def denial(denied: Denied, channel: str) -> Reason:
    """Why who asks for this channel is refused."""
    return Reason("access-denied", {"status": denied.status, "header": denied.header, "channel": channel})


def _bent(controls: Controls, check: Check) -> Decision:
    """The answer by forced 204 and what is offered."""
    for forced in controls.forced:
        if fits(forced, check):
            return _forced(forced)
    return _unbent(controls, check)


def _unbent(controls: Controls, check: Check) -> Decision:
    """The answer by what is offered alone."""
    channel = controls.channels.get(check.asked_channel)
    if channel is None:
        with_releases = ", ".join(name for name, known in controls.channels.items() if known.releases)
        return _no_update(
            "channel-unknown",
            channel=check.asked_channel,
            asked="no" if check.channel is None else "yes",
            known=with_releases,
        )
    if channel.paused:
        return _no_update("channel-paused", channel=channel.name)
    return _newest_eligible(controls, channel, check)


def fits(forced: Forced204, check: Check) -> bool:
    """Whether a forced 204 is meant for this check."""
    return forced.client in (None, check.client) and forced.channel in (None, check.asked_channel)


def ineligible(controls: Controls, release: Release, check: Check) -> Reason | None:
    """Why this client can't have this release; None if it can. One rule after the other, the first that refuses."""
    refusal = _refusal(controls, release, check, controls.pins.get(check.client))
    return None if refusal is None else refusal(controls, release, check)


_Words = Callable[[Controls, Release, Check], Reason]


def _refusal(controls: Controls, release: Release, check: Check, pinned: int | None) -> _Words | None:
    """The first rule that refuses; what it says is only made where somebody hears it."""
    if pinned is not None and release.sequence != pinned:
        return _pinned
    if not controls.has_bytes(release):
        # Before what a person withheld: restoring it would change nothing.
        return _bundle_gone
    if release.withheld:
        return _withheld
    # Contract, "Versioning Strategy": only updates where min_binary_version <= the client's binary_version.
    if (
        check.binary_version is not None
        and release.min_binary_version != SAME_AS_CLIENT
        and _older(check.binary_version, release.min_binary_version)
    ):
        return _too_old
    if pinned is not None:  # a pin overrules rollout and targets (design §6)
        return None
    if release.targets.restrict and missed_target(release, check) is not None:
        return _not_targeted
    return None if inside(release, check.client) else _not_in_rollout


@functools.lru_cache(maxsize=4096)
def _older(version: str, other: str) -> bool:
    return parse(version) < parse(other)


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
        if release.update_type == DEFAULT_UPDATE_TYPE and release.whole and controls.has_bytes(release):
            return release
    return None


def _newest_eligible(controls: Controls, channel: Channel, check: Check) -> Decision:
    considered: list[Considered] = []
    passed_over = 0
    pinned = controls.pins.get(check.client)
    for sequence in channel.releases:
        if sequence <= check.sequence:
            break
        release = controls.releases[sequence]
        if not _concerns(release, check):
            continue
        refusal = _refusal(controls, release, check, pinned)
        if refusal is None:
            return Decision(
                answer=Offer(release=release, mandatory=release.mandatory or controls.mandatory_for_all),
                reason=Reason(
                    "newer-release",
                    {
                        "sequence": sequence,
                        "version": release.version,
                        "current": check.sequence,
                        "min_binary_version": told_minimum(release, check.binary_version),
                    },
                ),
                considered=tuple(considered),
                passed_over=passed_over,
            )
        passed_over += 1
        if len(considered) < MAX_CONSIDERED:
            considered.append(Considered(sequence=sequence, reason=refusal(controls, release, check)))
    if considered:
        return Decision(
            answer=NoUpdate(),
            reason=considered[0].reason,
            considered=tuple(considered),
            passed_over=passed_over,
        )
    newest = next((one for one in channel.releases if _concerns(controls.releases[one], check)), None)
    if newest is None:
        typed = {} if check.update_type == DEFAULT_UPDATE_TYPE else {"update_type": check.update_type}
        return _no_update("no-release", channel=channel.name, **typed)
    if check.sequence > controls.last_sequence:
        return _no_update("client-ahead", current=check.sequence, last=controls.last_sequence)
    has = controls.releases.get(check.sequence)
    gone = {"gone": "yes"} if has and not controls.has_bytes(has) else {}
    # What comes next is not for it either.
    pin = controls.pins.get(check.client)
    held: dict[str, str | int] = {}
    if pin is not None and pin <= check.sequence:
        held = {"pinned": pin, "client": check.client}
    return _no_update(
        "up-to-date",
        channel=channel.name,
        current=check.sequence,
        newest=newest,
        came_from=has.channel if has and has.channel != channel.name else "",
        withheld="yes" if has and has.withheld else "no",
        **gone,
        **held,
    )


def _forced(forced: Forced204) -> Decision:
    return Decision(
        answer=NoUpdate(),
        reason=Reason(
            "forced-204",
            {
                "client": forced.client or "",
                "channel": forced.channel or "",
                # After this answer, as its reader will find it.
                "left": "" if forced.left is None else forced.left - 1,
            },
        ),
        spends=() if forced.left is None else (forced.override,),
    )


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
