"""Who gets what: `decide`, pure and total (design §6).

The ladder of the answer is read from top to bottom; the first rung that holds is the answer, and everything that was
passed over on the way to an offer is in `considered`, with the code that would have refused it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from hotswap_dev.domain.bent_updates import strikes_updates
from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.faults import Drawn, Fault, Strike, striking
from hotswap_dev.domain.faults.check import StaleManifest
from hotswap_dev.domain.faults.presets import line_of
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE, Channel, Forced204, Release
from hotswap_dev.domain.policy.answers import (
    MAX_CONSIDERED,
    Considered,
    Decision,
    Denied,
    Fetch,
    NoUpdate,
    Offer,
    Refusal,
)
from hotswap_dev.domain.policy.eligibility import concerns, refusal
from hotswap_dev.domain.policy.offers import told_minimum
from hotswap_dev.domain.reasons import Reason


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
        # Offline is no fault of an answer, but who asks gets none.
        return fault.stage in ("check", "signature", "preset")

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


def _newest_eligible(controls: Controls, channel: Channel, check: Check) -> Decision:
    considered: list[Considered] = []
    passed_over = 0
    pinned = controls.pins.get(check.client)
    for sequence in channel.releases:
        if sequence <= check.sequence:
            break
        release = controls.releases[sequence]
        if not concerns(release, check):
            continue
        refuses = refusal(controls, release, check, pinned)
        if refuses is None:
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
            considered.append(Considered(sequence=sequence, reason=refuses(controls, release, check)))
    if considered:
        return Decision(
            answer=NoUpdate(),
            reason=considered[0].reason,
            considered=tuple(considered),
            passed_over=passed_over,
        )
    newest = next((one for one in channel.releases if concerns(controls.releases[one], check)), None)
    if newest is None:
        typed = {} if check.update_type == DEFAULT_UPDATE_TYPE else {"update_type": check.update_type}
        return _no_update("no-release", channel=channel.name, **typed)
    if check.sequence > controls.last_sequence:
        return _no_update("client-ahead", current=check.sequence, last=controls.last_sequence)
    has = controls.releases.get(check.sequence)
    gone = {"gone": "yes"} if has and not controls.has_bytes(has) else {}
    poisoned = {"poisoned": "yes"} if has and has.origin == "poisoned" else {}
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
        **poisoned,
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
