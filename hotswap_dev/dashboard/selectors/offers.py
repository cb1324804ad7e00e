"""Who is offered what now: every known client's next check decided once, and what that makes of each release.

A release's state, who it is offered to and what comes next are all read from these decisions, so that they can't
contradict each other.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from hotswap_dev.dashboard.selectors.figures import channel_of
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE, Release
from hotswap_dev.domain.policy import Decision, Offer, decide
from hotswap_dev.domain.preview import next_check
from hotswap_dev.domain.reasons import Reason

MOST_ASKED = 300
"""Clients that are asked for: those seen last."""

_MOST_DECISIONS = 100
"""Different questions that are decided: each may pass over fifty releases, and a key must not wait for it."""

_TOO_OLD = "binary-too-old"
_FORCED = "forced-204"


class Standing(NamedTuple):
    """A client and what it is told next: None where its last check could not be read, or where it was not asked."""

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
    forced: Mapping[str, Mapping[int, Reason]]
    """By channel and the sequence that a client has, the forced 204 that it is answered by."""
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
        for sequence, reason in self.forced.get(release.channel, {}).items():
            # What is armed for one client says nothing of the release, though that client be the only one without it.
            if sequence < release.sequence and not reason.args.get("client"):
                reasons.setdefault(_FORCED, reason)
        if reasons:
            return next(iter(reasons.values())) if len(reasons) == 1 else Reason("several")
        for forced in controls.forced:
            if forced.client is None and forced.channel in (None, release.channel) and forced.left is None:
                return Reason(_FORCED, {"client": "", "channel": forced.channel or "", "left": ""})
        return None


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
    """The same, but for releases whose minimum is above every client that could have them: what is below those is what
    a channel's clients really are offered.
    """
    known = controls.channels.get(channel)
    if known is None:
        return None
    found = offers(view, controls)
    for sequence in known.releases:
        release = controls.releases[sequence]
        if can_be_offered(release, controls) and not found.beyond_all(release):
            return sequence
    return newest_offered_on(channel, controls)


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
    forced: dict[str, dict[int, Reason]] = {}
    standings = tuple(_standings(moment))
    reached: dict[str, int] = {}
    seen: set[int] = set()
    for client, decision, _ in standings:
        has = moment.controls.releases.get(client.sequence or 0)
        if has is not None and has.channel == channel_of(client):
            reached[has.channel] = max(has.sequence, reached.get(has.channel, 0))
        if decision is None:
            continue
        if isinstance(decision.answer, Offer):
            number = decision.answer.release.sequence
            told[number] = told.get(number, 0) + 1
        elif decision.reason.code == _FORCED:
            forced.setdefault(channel_of(client), {})[client.sequence or 0] = decision.reason
        if id(decision) not in seen:
            seen.add(id(decision))
            for one in decision.considered:
                refused.setdefault(one.sequence, {}).setdefault(one.reason.code, one.reason)
    return Offers(standings, told, refused, forced, reached)


def _standings(moment: _Moment) -> list[Standing]:
    """Each client with its next answer; equal questions are decided once."""
    controls = moment.controls
    own = {*controls.pins, *(forced.client for forced in controls.forced)}
    known: dict[tuple[object, ...], Decision | None] = {}
    found: list[Standing] = []
    newest_first = reversed(list(moment.clients))
    for client in (moment.clients[one] for one in itertools.islice(newest_first, MOST_ASKED)):
        check = next_check(client)
        if check is None:
            found.append(Standing(client, None))
            continue
        question = (
            client.id if client.id in own else None,
            check.sequence,
            check.binary_version,
            check.platform,
            check.arch,
            check.channel,
        )
        if question not in known:
            if len(known) >= _MOST_DECISIONS:
                found.append(Standing(client, None, asked=False))
                continue
            try:
                known[question] = decide(controls, check, moment.now)
            except ValueError:  # a binary version that only a server of another version takes for one
                known[question] = None
        found.append(Standing(client, known[question]))
    return found
