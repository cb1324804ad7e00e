"""Whose answers a change of the controls changes: what `dry_run` shows before it, and every command after it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE
from hotswap_dev.domain.policy import Decision, Offer, decide, told_minimum
from hotswap_dev.domain.rollout import WHOLE, depends_on_client


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client is told, as far as people tell answers apart by it. Why is `domain.why`'s to say."""

    status: int
    """0 where a fault lets nothing out."""
    reason: str
    fault: str | None = None
    offered: int | None = None
    version: str | None = None
    mandatory: bool | None = None
    min_binary_version: str | None = None
    notes: str | None = None


class Change(Struct, frozen=True, kw_only=True):
    """One client's next answer, before and after."""

    client: str
    before: Told
    after: Told


class Preview:
    """Asks both controls what a client is told next; equal questions are asked once.

    Each client is asked for on its own: of a forced 204 for one answer, every client in its scope would be the one.
    """

    def __init__(self, before: Controls, after: Controls, now: datetime) -> None:
        self._before = before
        self._after = after
        self._now = now
        # Thousands of clients ask the same few questions and get the same few answers; only some have rules of their
        # own, unless a rollout looks at who each of them is.
        self._each = depends_on_client(before) or depends_on_client(after)
        self._each_update = self._each or any(map(_rolls_other_types, (before, after)))
        self._own = {*own_rules(before), *own_rules(after)}
        self._known: dict[tuple[object, ...], tuple[Told, Told] | None] = {}
        self._pairs: dict[tuple[Told, Told], tuple[Told, Told]] = {}

    def change(self, client: Client) -> Change | None:
        """What changes for this client, if anything does; nothing for one whose last check could not be read."""
        check = next_check(client)
        if check is None:
            return None
        asked = question_of(check)
        each = self._each_update if check.protocol == "update-server" else self._each
        question = (client.id, *asked) if each or client.id in self._own else asked
        if question not in self._known:
            self._known[question] = self._compared(check)
        hears = self._known[question]
        return None if hears is None else Change(client=client.id, before=hears[0], after=hears[1])

    def _compared(self, check: Check) -> tuple[Told, Told] | None:
        for update_type in self._types(check):
            hears = self._hears(replace(check, update_type=update_type))
            if hears is not None:
                return self._pairs.setdefault(hears, hears)
        return None

    def _hears(self, check: Check) -> tuple[Told, Told] | None:
        was, becomes = decide(self._before, check, self._now), decide(self._after, check, self._now)
        if (was.answer, was.reason.code, was.strike) == (becomes.answer, becomes.reason.code, becomes.strike):
            return None
        hears = told(was, check), told(becomes, check)
        # A release may change in what no manifest says.
        return None if hears[0] == hears[1] else hears

    def _types(self, check: Check) -> Iterable[str]:
        """The types of releases that it asks for, the plugin's one first; of what changes the first is shown."""
        if check.protocol != "update-server":
            return (check.update_type,)
        channels = (one.channels.get(check.asked_channel) for one in (self._before, self._after))
        found = {
            controls.releases[sequence].update_type
            for controls, channel in zip((self._before, self._after), channels, strict=True)
            for sequence in (channel.releases if channel else ())
        }
        return (DEFAULT_UPDATE_TYPE, *sorted(found - {DEFAULT_UPDATE_TYPE}))


def changes(before: Controls, after: Controls, clients: Iterable[Client], now: datetime) -> list[Change]:
    """The clients whose next answer is another one after the change, in the order in which they are given."""
    preview = Preview(before, after, now)
    return [change for client in clients if (change := preview.change(client)) is not None]


def own_rules(controls: Controls) -> set[str]:
    """The clients that some rule names: what they are told is theirs alone."""
    forced = (one.client for one in controls.forced)
    armed = (one.client for one in controls.faults)
    targets = (one for release in controls.releases.values() for one in release.targets.clients)
    return {*controls.pins, *targets, *(one for one in (*forced, *armed) if one is not None)}


def _rolls_other_types(controls: Controls) -> bool:
    """Whether a rollout of what only the second protocol's clients ask for looks at who they are."""
    return any(
        release.update_type != DEFAULT_UPDATE_TYPE and release.percent < WHOLE and not release.withheld
        for release in controls.releases.values()
    )


def question_of(check: Check) -> tuple[object, ...]:
    """What a check asks apart from who asks: where no rule looks at that, equal questions have equal answers."""
    return (
        check.sequence,
        check.binary_version,
        check.channel,
        check.platform,
        check.arch,
        check.protocol,
        tuple(check.headers.items()),
    )


def next_check(client: Client) -> Check | None:
    """The check that this client asks next, if nothing happens to it: its last one again."""
    if client.sequence is None or client.platform is None:
        return None
    if client.arch is None and client.protocol == "hotswap":
        return None
    return Check(
        client=client.id,
        sequence=client.sequence,
        binary_version=client.binary_version,
        platform=client.platform,
        arch=client.arch or "",
        channel=client.channel,
        headers=client.headers,
        protocol=client.protocol,
    )


def told(decision: Decision, check: Check) -> Told:
    """A decision as the client hears it."""
    release = decision.offered
    fault = None if decision.strike is None else decision.strike.armed.fault
    if release is None or not isinstance(decision.answer, Offer):
        return Told(status=decision.status, reason=decision.reason.code, fault=fault)
    return Told(
        status=decision.status,
        reason=decision.reason.code,
        fault=fault,
        offered=release.sequence,
        version=release.version,
        mandatory=decision.answer.mandatory,
        min_binary_version=told_minimum(release, check.binary_version),
        notes=release.notes,
    )
