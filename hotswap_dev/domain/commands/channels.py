"""Commands about channels: create, pause, resume, and where builds go."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from hotswap_dev.domain.commands.arguments import channel_name, channel_of
from hotswap_dev.domain.commands.registry import Built, Command
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import BuildChannelSet, ChannelCreated, ChannelPaused, ChannelResumed, Fact

_Channel = Annotated[str, Meta(description="a channel's name, such as beta")]


class CreateChannel(Command, frozen=True):
    """Make a channel, so that clients that ask for it are answered `no-release` until something is promoted to it."""

    summary = "Make an empty channel"
    example = "create-channel nightly"

    channel: _Channel

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The channel created, if it was missing."""
        return created_if_missing(controls, channel_name(self.channel), now)


class PauseChannel(Command, frozen=True):
    """Answer every client of a channel with 204 until it is resumed. Publishing to it goes on."""

    summary = "Offer nothing in a channel until it is resumed"
    example = "pause-channel beta"

    channel: _Channel

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The channel paused, if it was not."""
        known = channel_of(controls, self.channel)
        return [] if known.paused else [ChannelPaused(at=now, channel=self.channel)]


class ResumeChannel(Command, frozen=True):
    """Offer a paused channel's releases again."""

    summary = "Offer a paused channel's releases again"
    example = "resume-channel beta"

    channel: _Channel

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The channel resumed, if it was paused."""
        known = channel_of(controls, self.channel)
        return [ChannelResumed(at=now, channel=self.channel)] if known.paused else []


class SetBuildChannel(Command, frozen=True):
    """Let the builds of the watched folder go to this channel from the next one on; `promote` brings older ones."""

    summary = "Send builds to this channel from now on"
    example = "set-build-channel beta"

    channel: _Channel

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The build channel set, if it is another one; the channel is created where it is missing."""
        name = channel_name(self.channel)
        facts = created_if_missing(controls, name, now)
        if name != controls.build_channel:
            facts.append(BuildChannelSet(at=now, channel=name))
        return facts


def created_if_missing(controls: Controls, channel: str, now: datetime) -> list[Fact]:
    """The fact that makes a channel, where there is none of that name."""
    return [] if channel in controls.channels else [ChannelCreated(at=now, channel=channel)]
