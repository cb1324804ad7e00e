"""Commands about releases: publish, copy under a new sequence, withhold, edit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from hotswap_dev.domain.commands.arguments import (
    Notes,
    UpdateType,
    channel_name,
    copied,
    healthy_release,
    minimum_version,
    next_sequence,
    not_before,
    offered,
    release_of,
    release_with_bytes,
)
from hotswap_dev.domain.commands.channels import created_if_missing
from hotswap_dev.domain.commands.registry import Built, Command
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import (
    Fact,
    ReleaseAdded,
    ReleaseEdited,
    ReleaseRestored,
    ReleaseWithheld,
    SequenceFloorRaised,
)
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE, FURTHEST_JUMP, Release
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

_Sequence = Annotated[int, Meta(ge=1, description="a release's number, or latest")]


class Publish(Command, frozen=True):
    """Pack a folder as it is now, sign it and offer it under the next sequence, whether or not anything changed."""

    summary = "Publish a folder now, as the next sequence"
    example = "publish sample_bundles/hello-v2 --notes 'new greeting'"
    builds = True

    path: Annotated[str | None, Meta(description="the build folder (default: the watched one)")] = None
    channel: Annotated[str | None, Meta(description="where it goes (default: where builds go)")] = None
    notes: Annotated[Notes | None, Meta(description="shown by the app")] = None
    mandatory: Annotated[bool, Meta(description="ask the app to apply it at once")] = False
    min_binary_version: Annotated[
        str | None, Meta(description="oldest app that may run it (default: the app's version)")
    ] = None
    update_type: Annotated[UpdateType, Meta(description="its type in the second protocol")] = (
        DEFAULT_UPDATE_TYPE
    )

    def demand(self, controls: Controls) -> None:
        """The channel and the minimum can be meant, and there is a sequence left."""
        # An empty text is not "not given": an unset variable in a script must not publish to everyone.
        if self.channel is not None:
            channel_name(self.channel)
        if self.min_binary_version is not None:
            minimum_version(self.min_binary_version)
        next_sequence(controls)

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """One release in its channel, which is created where it is missing."""
        if built is None:
            raise HotswapError("nothing was built, so there is nothing to publish", code="nothing-built")
        self.demand(controls)
        channel = controls.build_channel if self.channel is None else self.channel
        minimum = built.min_binary_version if self.min_binary_version is None else self.min_binary_version
        count = controls.build_counts.get(built.binary_version, 0) + 1
        release = Release(
            sequence=next_sequence(controls),
            channel=channel,
            bundle=built.bundle,
            version=f"{built.binary_version}-ota.{count}",
            binary_version=built.binary_version,
            min_binary_version=minimum,
            published_at=not_before(controls, now),
            origin=built.origin,
            notes=self.notes,
            mandatory=self.mandatory,
            update_type=self.update_type,
        )
        return [
            *created_if_missing(controls, channel, now),
            ReleaseAdded(at=now, release=release, watched=built.watched),
        ]


class Promote(Command, frozen=True):
    """Offer a release's bundle in another channel, under the next sequence. Mandatory starts anew there."""

    summary = "Offer a release in another channel"
    example = "promote latest beta"

    sequence: _Sequence
    channel: Annotated[str, Meta(description="where to; created if it is missing")]

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """One release in the channel, which is created where it is missing."""
        release = release_with_bytes(controls, self.sequence)
        channel = channel_name(self.channel)
        return [
            *created_if_missing(controls, channel, now),
            copied(controls, release, now, "promote", channel),
        ]


class Reoffer(Command, frozen=True):
    """Offer a release's bundle once more, under the next sequence: also to who has it already, or rolled it back."""

    summary = "Offer the same bundle again, as the next sequence"
    example = "reoffer latest"

    sequence: _Sequence

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """One release in the same channel."""
        return [copied(controls, release_with_bytes(controls, self.sequence), now, "reoffer")]


class RollBackTo(Command, frozen=True):
    """Offer an older release's bundle again and withhold all above it in its channel.

    A client never goes back to a lower sequence by itself, so the old content comes under the next one.
    """

    summary = "Bring back an older release, and withhold the ones after it"
    example = "roll-back-to 1"
    final = True

    sequence: _Sequence

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """Every newer release of that channel and type withheld, and one added."""
        release = release_with_bytes(controls, self.sequence)
        above = [
            sequence
            for sequence in controls.channels[release.channel].releases
            if sequence > release.sequence
            and not controls.releases[sequence].withheld
            and controls.releases[sequence].update_type == release.update_type
        ]
        return [
            *(ReleaseWithheld(at=now, sequence=sequence) for sequence in above),
            copied(controls, release, now, "roll-back"),
        ]


class Withhold(Command, frozen=True):
    """Stop offering a release. Who has it keeps it; others are offered the newest one below it that they may have."""

    summary = "Stop offering a release"
    example = "withhold latest"

    sequence: _Sequence

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The release withheld, if it was not."""
        known = release_of(controls, self.sequence)
        return [] if known.withheld else [ReleaseWithheld(at=now, sequence=self.sequence)]


class Restore(Command, frozen=True):
    """Offer a withheld release again."""

    summary = "Offer a withheld release again"
    example = "restore latest"

    sequence: _Sequence

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The release restored, if it was withheld."""
        known = healthy_release(controls, self.sequence)
        return [ReleaseRestored(at=now, sequence=self.sequence)] if known.withheld else []


class EditRelease(Command, frozen=True):
    """Change what the manifest says of a release: who has checked and not yet applied it keeps the old text."""

    summary = "Change a release's notes, minimum or version"
    example = "edit-release latest --notes 'fixes the start screen'"

    sequence: _Sequence
    notes: Annotated[Notes | None, Meta(description="shown by the app; '' takes them away")] = None
    min_binary_version: Annotated[
        str | None, Meta(description="oldest app that may run it, or same-as-client")
    ] = None
    version: Annotated[str | None, Meta(description="what it is called; the client only shows it")] = None

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The release edited, if that changes anything."""
        known = release_of(controls, self.sequence)
        if self.notes is self.min_binary_version is self.version is None:
            raise HotswapError(
                f"edit-release: nothing is given to change release {self.sequence} with",
                "give notes, min_binary_version or version",
                code="bad-arguments",
            )
        if self.min_binary_version is not None:
            minimum_version(self.min_binary_version)
        if self.version is not None and not (
            0 < len(self.version) <= 128 and shown(self.version) == self.version
        ):
            raise HotswapError(
                f"version: {shown(self.version)!r} can't be a release's name",
                "1 to 128 printable characters, such as 0.4.1-ota.3",
                code="bad-version",
            )
        edited = replace(
            known,
            notes=known.notes if self.notes is None else self.notes or None,
            min_binary_version=self.min_binary_version or known.min_binary_version,
            version=self.version or known.version,
        )
        if edited == known:
            return []
        return [
            ReleaseEdited(
                at=now,
                sequence=self.sequence,
                notes=self.notes,
                min_binary_version=self.min_binary_version,
                version=self.version,
            )
        ]


class JumpSequence(Command, frozen=True):
    """Go on counting at `to`, and offer there now what the build channel offers, to whom it is offered now: the way
    past a client that is ahead.

    A client takes nothing at or below its own sequence, so a server that forgot its counter must pass it.
    """

    summary = "Go on counting at a higher sequence, past a client that is ahead"
    example = "jump-sequence 500"
    final = True

    to: Annotated[int, Meta(ge=1, description="the next sequence; one above the client's")]

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The floor raised, and the newest release of the build channel once more, if there is one to offer."""
        if self.to > FURTHEST_JUMP:
            raise HotswapError(
                f"to: {self.to} is beyond {FURTHEST_JUMP}, the furthest jump",
                "above it hardly a sequence is left that the client can read: empty the plugin's folder on the device",
                code="jump-too-far",
            )
        if self.to <= controls.last_sequence:
            raise HotswapError(
                f"to: {self.to} is taken or passed already; the next sequence is {controls.next_sequence}",
                f"give at least {controls.next_sequence}",
                code="jump-too-short",
            )
        floor = SequenceFloorRaised(at=now, floor=self.to - 1, source="jump-sequence")
        facts: list[Fact] = [floor] if self.to > controls.next_sequence else []
        channel = controls.channels.get(controls.build_channel)
        having = [controls.releases[sequence] for sequence in channel.releases] if channel else []
        newest = next((one for one in having if offered(controls, one) and one.targets.having is None), None)
        if newest is not None:
            copy = copied(controls, newest, now, "reoffer", at_sequence=self.to)
            # To whom it is offered has nothing to do with its number.
            same = replace(copy.release, percent=newest.percent, always=newest.always, targets=newest.targets)
            facts.append(replace(copy, release=same))
        return facts
