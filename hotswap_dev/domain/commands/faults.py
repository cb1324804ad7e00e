"""Commands that arm and disarm faults (design §7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.commands.arguments import (
    ClientId,
    channel_name,
    client_id,
    copied,
    next_sequence,
    offered,
)
from hotswap_dev.domain.commands.registry import Built, Command
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import Fact, FaultArmed, FaultDisarmed, ReleaseAdded, ReleaseWithheld
from hotswap_dev.domain.faults import Fault, parameters_of, read_fault
from hotswap_dev.domain.faults.presets import Offline
from hotswap_dev.domain.minimums import suits_whom
from hotswap_dev.domain.model import ArmedFault, Release, Targets
from hotswap_dev.domain.rollout import WHOLE
from hotswap_dev.errors import HotswapError, NotFound


class Armed(Struct, frozen=True, kw_only=True):
    """What `arm-fault` came to: the number by which it is disarmed, and its poisoned release, if it made one."""

    id: int
    fault: str
    sequence: int | None = None


class ArmFault(Command, frozen=True):
    """Misbehave on purpose: for everyone, a channel, a client, or a client in a channel; `help faults` lists how.

    A fault of the same name and scope takes the other's place. Where several could strike, the narrowest scope goes
    first, of one scope the newest. `times` counts answers, and for downloads attempts: the plugin makes four. A bundle
    fault publishes a poisoned release, a validly signed bad copy of what is offered, until something newer is offered
    to all; disarming takes it back.
    """

    summary = "Misbehave on purpose, some times or until disarmed"
    example = "arm-fault download/http-error --times 2 --client Pixel"

    fault: Annotated[str, Meta(description="such as hang, check/delay or crash-on-load")]
    parameters: Annotated[
        dict[str, int | float | str], Meta(description="the fault's own, such as ms=500")
    ] = field(default_factory=dict)
    times: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="for so many answers or attempts (default: until disarmed)"),
    ] = None
    probability: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        Meta(description="above 0, up to 1: of each answer that it could strike"),
    ] = None
    seed: Annotated[
        Annotated[int, Meta(ge=0, lt=2**32)] | None,
        Meta(description="of the probability (default: 0); the same one strikes the same answers"),
    ] = None
    client: Annotated[ClientId | None, Meta(description="for this client")] = None
    channel: Annotated[str | None, Meta(description="for those who ask for this channel")] = None

    def wanted(self) -> Fault:
        """The fault with its parameters; HotswapError where there is none of that name, or with such parameters."""
        return read_fault(self.fault, self.parameters)

    def healthy(self, controls: Controls) -> Release:
        """What a bundle fault makes a bad copy of: the newest that its channel offers to all, else the newest that it
        offers to some. NotFound where it offers nothing.
        """
        name = channel_name(self.channel or controls.build_channel)
        found = healthy_of(controls, name)
        if found is None:
            raise NotFound(
                f"fault: {self.fault} makes a bad copy of what channel {name} offers, and it offers nothing",
                f"hotswap-dev publish --channel {name}, or name another --channel",
                code="nothing-to-poison",
            )
        return found

    def demand(self, controls: Controls) -> None:
        """There is such a fault, with such parameters, and it can be armed for whom it is meant."""
        fault = self.wanted()
        if self.channel is not None:
            channel_name(self.channel)
        if self.client is not None:
            client_id(self.client)
        if self.seed is not None and self.probability is None:
            raise _meaningless("seed", self.seed, "without a probability", "give probability too")
        if fault.standing:
            given = {"times": self.times, "probability": self.probability}
            for name, value in given.items():
                if value is not None:
                    raise _meaningless(name, value, f"to {fault.name}, which stands until it is disarmed")
        if isinstance(fault, Offline) and (self.client or self.channel):
            raise _meaningless(
                "client" if self.client else "channel",
                self.client or self.channel,
                "to offline: the listener closes for everyone",
            )
        if fault.stage == "bundle":
            self.healthy(controls)
            next_sequence(controls)
            known = _same(controls, fault, self.client, self.channel)
            if known is not None:
                raise HotswapError(
                    f"fault: {fault.name} is armed for that scope, as release {known.sequence}",
                    f"hotswap-dev disarm-fault {known.override}",
                    code="already-armed",
                )

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The fault armed, if it is not so; a bundle fault's poisoned release (of `built`) before it."""
        self.demand(controls)
        fault = self.wanted()
        armed = ArmedFault(
            override=controls.last_override + 1,
            fault=fault.name,
            parameters=parameters_of(fault),
            client=self.client,
            channel=self.channel,
            left=self.times,
            probability=self.probability,
            seed=self.seed or 0,
        )
        if fault.stage != "bundle":
            known = _same(controls, fault, self.client, self.channel)
            as_it_is = known is not None and armed == replace(
                known, override=armed.override, fired=0, missed=0
            )
            return [] if as_it_is else [FaultArmed(at=now, armed=armed)]
        if built is None:
            raise HotswapError("no poisoned bundle was made, so there is none to offer", code="nothing-built")
        healthy = self.healthy(controls)
        if built.copy_of not in (None, healthy.sequence):
            raise HotswapError(
                f"fault: {fault.name} was made of release {built.copy_of}, and by now {healthy.sequence} is offered",
                "arm it again",
                code="overtaken",
            )
        bad = copied(controls, healthy, now, "poisoned").release
        # Who could not have the healthy one must not get the bad one either; a client that is named gets it.
        victims = replace(healthy.targets, clients=(self.client,)) if self.client else healthy.targets
        release = replace(
            bad,
            bundle=built.bundle,
            version=f"{healthy.version}-poisoned",
            percent=WHOLE if self.client else healthy.percent,
            always=() if self.client else healthy.always,
            targets=victims,
        )
        return [
            ReleaseAdded(at=now, release=release),
            FaultArmed(at=now, armed=replace(armed, sequence=release.sequence)),
        ]

    def outlook(self, controls: Controls, checks: Iterable[Check]) -> Armed | None:
        """The fault as it is armed now."""
        known = _same(controls, self.wanted(), self.client, self.channel)
        return None if known is None else Armed(id=known.override, fault=known.fault, sequence=known.sequence)


class DisarmFault(Command, frozen=True):
    """End a fault. A poisoned release is withheld, and its healthy content offered again to those who took it."""

    summary = "End a fault"
    example = "disarm-fault 3"

    id: Annotated[int, Meta(ge=1, description="its number, as arm-fault and status say it")]

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The fault disarmed."""
        known = next((one for one in controls.faults if one.override == self.id), None)
        if known is None:
            there = ", ".join(f"{one.override} ({one.fault})" for one in controls.faults)
            raise NotFound(
                f"id: no fault {self.id} is armed",
                f"there are: {there}" if there else "none is armed",
                code="unknown-fault",
            )
        return [*antidote(controls, known, now), FaultDisarmed(at=now, override=self.id, disarmed=known)]


def antidote(controls: Controls, armed: ArmedFault, now: datetime) -> list[Fact]:
    """What takes a poisoned release back: it withheld, and for who runs it the healthy content once more.

    Nothing of a fault that has none, and no re-offer where something newer takes them on, or nothing healthy is left.
    """
    poisoned = controls.releases.get(armed.sequence or 0)
    if poisoned is None:
        return []
    facts: list[Fact] = [] if poisoned.withheld else [ReleaseWithheld(at=now, sequence=poisoned.sequence)]
    origin = controls.releases.get(poisoned.from_sequence or 0)
    healthy = origin if origin is not None and offered(controls, origin) else None
    healthy = healthy or healthy_of(controls, poisoned.channel)
    if healthy is None or overtaken_by(controls, armed) is not None:
        return facts
    again = copied(controls, healthy, now, "reoffer")
    targets = Targets(clients=poisoned.targets.clients, having=poisoned.sequence)
    return [*facts, ReleaseAdded(at=now, release=replace(again.release, targets=targets))]


def healthy_of(controls: Controls, channel: str) -> Release | None:
    """The newest release that a channel offers to all, else the newest that it offers to some, poison never."""
    known = controls.channels.get(channel)
    having = [controls.releases[sequence] for sequence in known.releases] if known else []
    offers = [one for one in having if offered(controls, one) and one.targets.having is None]
    return next((one for one in offers if one.percent >= WHOLE), None) or next(iter(offers), None)


def overtaken_by(controls: Controls, armed: ArmedFault) -> int | None:
    """The newer release that a bundle fault's victims are offered by now, so that it strikes nobody any more."""
    poisoned = controls.releases.get(armed.sequence or 0)
    if poisoned is None:
        return None
    newer = (one for one in controls.channels[poisoned.channel].releases if one > poisoned.sequence)
    offers = (one for one in newer if offered(controls, controls.releases[one]))
    return next((one for one in offers if _takes_on(controls.releases[one], poisoned)), None)


def _takes_on(newer: Release, poisoned: Release) -> bool:
    """Whether everyone who could take the one can take the other."""
    return newer.whole and suits_whom(newer.min_binary_version, poisoned.min_binary_version)


def antidotes(controls: Controls, faults: Iterable[ArmedFault], now: datetime) -> list[Fact]:
    """The same for each of these faults, one after the other."""
    facts: list[Fact] = []
    for armed in faults:
        for fact in antidote(controls, armed, now):
            facts.append(fact)
            controls = apply(controls, fact)
    return facts


def _same(controls: Controls, fault: Fault, client: str | None, channel: str | None) -> ArmedFault | None:
    scope = (fault.name, client, channel)
    return next((one for one in controls.faults if (one.fault, one.client, one.channel) == scope), None)


def _meaningless(name: str, value: object, where: str, hint: str | None = None) -> HotswapError:
    return HotswapError(
        f"{name}: {value} means nothing {where}", hint or f"leave {name} out", code="bad-arguments"
    )
