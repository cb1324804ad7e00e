"""Commands that bend the answers of this run: forced 204, mandatory, clear; and notes between them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from hotswap_dev.domain.commands.arguments import ClientId, channel_name, client_id, release_of
from hotswap_dev.domain.commands.faults import antidotes
from hotswap_dev.domain.commands.registry import Built, Command
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import (
    Fact,
    Forced204Lifted,
    Forced204Set,
    MandatorySet,
    NoteAdded,
    OverridesCleared,
)
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError


class Force204(Command, frozen=True):
    """Answer "no update" to everyone, a channel, a client or a client in a channel: some times, or until it is off.

    There is one for each scope, and the narrowest one that fits a check answers it and is used up by it.
    """

    summary = "Answer 'no update', some times or until off"
    example = "force-204 on --client Pixel --times 1"

    on: Annotated[bool, Meta(description="off ends the one of that scope")]
    channel: Annotated[str | None, Meta(description="for those who ask for this channel")] = None
    client: Annotated[ClientId | None, Meta(description="for this client")] = None
    times: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="for so many answers (default: until off)"),
    ] = None

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """One override set, or the one of this scope lifted."""
        channel = None if self.channel is None else channel_name(self.channel)
        client = None if self.client is None else client_id(self.client)
        known = next((one for one in controls.forced if (one.client, one.channel) == (client, channel)), None)
        if self.on:
            if known is not None and known.left == self.times:
                return []
            override = controls.last_override + 1
            return [Forced204Set(at=now, override=override, channel=channel, client=client, times=self.times)]
        if self.times is not None:
            raise HotswapError(
                f"times: {self.times} means nothing where it is switched off",
                "leave times out",
                code="bad-arguments",
            )
        return [] if known is None else [Forced204Lifted(at=now, override=known.override, lifted=known)]


class SetMandatory(Command, frozen=True):
    """Let offers say mandatory: those of one release, or without a sequence every one until it is off."""

    summary = "Mark a release, or every answer, as mandatory"
    example = "set-mandatory on --sequence latest"

    on: Annotated[bool, Meta(description="off takes it back")]
    sequence: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="one release (default: every answer)")
    ] = None

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """It set, if it was not so."""
        known = (
            controls.mandatory_for_all
            if self.sequence is None
            else release_of(controls, self.sequence).mandatory
        )
        return [] if known == self.on else [MandatorySet(at=now, on=self.on, sequence=self.sequence)]


class ClearOverrides(Command, frozen=True):
    """End every forced 204, mandatory for all and every fault: what a clean end of the server does too.

    Poisoned releases are withheld, and their healthy content is offered again to who took them. Pins, pauses, rollouts
    and targets stay.
    """

    summary = "End all that bends the answers of this run"
    example = "clear-overrides"

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """All of them cleared, if there is any."""
        return (
            [*antidotes(controls, controls.faults, now), OverridesCleared(at=now)]
            if controls.overridden
            else []
        )


class Annotate(Command, frozen=True):
    """Put a remark between the answers, to find the place in the log later."""

    summary = "Put a remark into the log"
    example = "annotate 'QA round 2 starts'"

    text: Annotated[str, Meta(min_length=1, max_length=500, description="the remark")]

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The note, with what could draw anything made harmless."""
        return [NoteAdded(at=now, text=shown(self.text, 500))]
