"""Who is offered what now: every known client's next check decided once, and what that makes of each release.

A release's state, who it is offered to and what comes next are all read from these decisions, so that they can't
contradict each other.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from hotswap_dev.dashboard.answers import MOST_AT_ONCE, answers
from hotswap_dev.dashboard.selectors.figures import channel_of
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.faults import read_fault
from hotswap_dev.domain.faults.check import StaleManifest
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE, ArmedFault, Release
from hotswap_dev.domain.policy import Decision
from hotswap_dev.domain.reasons import Reason
from hotswap_dev.errors import HotswapError

MOST_ASKED = 300
"""Clients that are asked for: those seen last."""

_TOO_OLD = "binary-too-old"
_FORCED = "forced-204"
_BENT = (_FORCED, "fault", "access-denied")


class Standing(NamedTuple):
    """A client and what it is told next: None where its last check could not be read, or where it was not asked.

    Clients that are told the same share a decision: what its reasons say of who asks is said of one of them.
    """

    client: Client
    decision: Decision | None
    asked: bool = True


class Offers(Struct, frozen=True):
    """All known clients' next answers, and by release what they come to."""

    standings: tuple[Standing, ...]
    told: Mapping[int, int]
    """By sequence, how many are offered it."""
    refused: Mapping[int, Mapping[str, Reason]]
    """By sequence, why those who were not offered it were not: one reason for each code."""
    bent: Mapping[str, Mapping[tuple[int, str], Reason]]
    """By channel, and by the sequence that a client has and the code, what it is answered by in place of an offer: a
    forced 204, a fault, a header that it did not send.
    """
    reached: Mapping[str, int]
    """By channel, the newest of its releases that a client of it has."""

    def beyond_all(self, release: Release) -> bool:
        """Whether a release's minimum is above every client that could have it."""
        number = release.sequence
        return (
            not self.told.get(number)
            and set(self.refused.get(number, {})) == {_TOO_OLD}
            and self.reached.get(release.channel, 0) < number
        )

    def for_nobody(self, release: Release, controls: Controls) -> Reason | None:
        """Why no client that could be offered a release is: the one reason that holds for all of them, or the first.

        None where somebody is offered it, or where nobody known is without it and nothing stands in its way.
        """
        if self.told.get(release.sequence):
            return None
        reasons = dict(self.refused.get(release.sequence, {}))
        if set(reasons) == {_TOO_OLD} and not self.beyond_all(release):
            reasons.clear()  # others have it: that one is too old for it is not the release's state
        for (sequence, code), reason in self.bent.get(release.channel, {}).items():
            # What is armed for one client says nothing of the release, though that client be the only one without it.
            if sequence < release.sequence and not reason.args.get("client"):
                reasons.setdefault(code, reason)
        if reasons:
            return next(iter(reasons.values())) if len(reasons) == 1 else Reason("several")
        return _armed_for_all(release, controls)


def _armed_for_all(release: Release, controls: Controls) -> Reason | None:
    """What stands between a release and everyone who may ask for it, whether or not anyone is known."""
    for forced in controls.forced:
        if forced.client is None and forced.channel in (None, release.channel) and forced.left is None:
            return Reason(_FORCED, {"client": "", "channel": forced.channel or "", "left": ""})
    for armed in controls.faults:
        if armed.client is not None or armed.channel not in (None, release.channel) or armed.counts:
            continue
        if _silences(armed):
            args: dict[str, str | int] = {"fault": armed.fault, "id": armed.override, "client": ""}
            return Reason(
                "fault", {**args, "channel": armed.channel or "", "left": "", "instead": "newer-release"}
            )
    return None


def _silences(armed: ArmedFault) -> bool:
    """Whether nobody whom it strikes hears of an offer."""
    try:
        fault = read_fault(armed.fault, armed.parameters)
    except HotswapError:  # one that only a server of another version knows
        return False
    # Of a stale manifest only who runs something hears, so it is no state of a release.
    return fault.stage == "check" and not fault.keeps_offer and not isinstance(fault, StaleManifest)


def offers(view: View, controls: Controls) -> Offers:
    """What the known clients are told next under these controls: the view's own, or those that are expected."""
    return _offers(_Moment(controls, view))


def offers_now(view: View) -> Offers:
    """The same under the controls of this moment."""
    return offers(view, view.controls)


def held_back(release: Release, controls: Controls) -> str:
    """Why nobody can be offered a release, in a word; "" where it can be offered."""
    channel = controls.channels.get(release.channel)
    if not controls.has_bytes(release):
        return "bundle gone"
    if release.withheld:
        return "withheld"
    return "paused" if channel is not None and channel.paused else ""


def can_be_offered(release: Release, controls: Controls) -> bool:
    """Whether it is neither withheld nor gone, and one that a GET check sees."""
    return not release.withheld and controls.has_bytes(release) and release.update_type == DEFAULT_UPDATE_TYPE


def newest_offered_on(channel: str, controls: Controls) -> int | None:
    """The newest release of a channel that can be offered there, whoever may run it."""
    known = controls.channels.get(channel)
    releases: Sequence[int] = () if known is None else known.releases
    return next((one for one in releases if can_be_offered(controls.releases[one], controls)), None)


def current_on(channel: str, view: View, controls: Controls) -> int | None:
    """The newest that a channel's clients really are offered: not one whose minimum is above every client that could
    have it, and none with a rollout or targets as long as those reach nobody.
    """
    found = offers(view, controls)
    for release in _offerable(channel, controls):
        if not found.beyond_all(release) and (release.whole or found.told.get(release.sequence)):
            return release.sequence
    return newest_offered_on(channel, controls)


def whole_on(channel: str, view: View, controls: Controls) -> int | None:
    """The same of those that everyone may have: what is below it nobody is offered any more."""
    found = offers(view, controls)
    return next(
        (one.sequence for one in _offerable(channel, controls) if one.whole and not found.beyond_all(one)),
        None,
    )


def _offerable(channel: str, controls: Controls) -> Iterator[Release]:
    known = controls.channels.get(channel)
    for sequence in () if known is None else known.releases:
        release = controls.releases[sequence]
        if can_be_offered(release, controls):
            yield release


class _Moment:
    """A moment as the key of a cache: the same controls and clients, nothing of which happened in between."""

    def __init__(self, controls: Controls, view: View) -> None:
        self.controls = controls
        self.clients = view.clients
        self.revision = view.revision
        self.now: datetime = view.now

    def __hash__(self) -> int:
        return hash((id(self.controls), id(self.clients), self.revision, self.now))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Moment)
            and self.controls is other.controls
            and self.clients is other.clients
            and (self.revision, self.now) == (other.revision, other.now)
        )


@functools.lru_cache(maxsize=4)
def _offers(moment: _Moment) -> Offers:
    told: dict[int, int] = {}
    refused: dict[int, dict[str, Reason]] = {}
    bent: dict[str, dict[tuple[int, str], Reason]] = {}
    standings = tuple(_standings(moment))
    reached: dict[str, int] = {}
    seen: set[int] = set()
    for client, decision, _ in standings:
        has = moment.controls.releases.get(client.sequence or 0)
        if has is not None and has.channel == channel_of(client):
            reached[has.channel] = max(has.sequence, reached.get(has.channel, 0))
        if decision is None:
            continue
        if decision.offered is not None:
            number = decision.offered.sequence
            told[number] = told.get(number, 0) + 1
        elif decision.reason.code in _BENT and not _by_chance(decision):
            place = (client.sequence or 0, decision.reason.code)
            bent.setdefault(channel_of(client), {})[place] = decision.reason
        if id(decision) not in seen:
            seen.add(id(decision))
            for one in decision.considered:
                refused.setdefault(one.sequence, {}).setdefault(one.reason.code, one.reason)
    return Offers(standings, told, refused, bent, reached)


def _by_chance(decision: Decision) -> bool:
    return decision.strike is not None and decision.strike.armed.probability is not None


def _standings(moment: _Moment) -> list[Standing]:
    """Each client with its next answer; equal questions are decided once."""
    known = answers(moment.controls, moment.now)
    new = 0
    found: list[Standing] = []
    newest_first = reversed(list(moment.clients))
    for client in (moment.clients[one] for one in itertools.islice(newest_first, MOST_ASKED)):
        asked = known.asked(client)
        if not known.knows(asked):
            if new >= MOST_AT_ONCE:
                found.append(Standing(client, None, asked=False))
                continue
            new += 1
        found.append(Standing(client, known.decision(asked)))
    return found
