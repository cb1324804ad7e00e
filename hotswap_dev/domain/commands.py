"""What anyone may ask of the server: one class each, and the only registry of actions.

A class that is added here can be called by HTTP and from the command line, is documented and completed, without a
further line: all of them read `registered()`. A field is an argument: required ones are positional in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from hotswap_dev.domain.checks import CHANNEL_NAME
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact, ReleaseAdded, kebab
from hotswap_dev.domain.model import (
    DEFAULT_UPDATE_TYPE,
    MAX_SEQUENCE,
    SAME_AS_CLIENT,
    Bundle,
    Origin,
    Release,
)
from hotswap_dev.domain.versions import parse
from hotswap_dev.errors import HotswapError

Notes = Annotated[str, Meta(max_length=4096)]
UpdateType = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$(?!\n)")]  # Python's $ lets a newline follow


class Built(Struct, frozen=True, kw_only=True):
    """A bundle that was made just now, and what the app was when it was."""

    bundle: Bundle
    binary_version: str
    min_binary_version: str
    origin: Origin
    watched: bool = False
    """Whether it is the watched folder's tree."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action. `events` says which facts it leads to; HotswapError where it can't be done."""

    verb: ClassVar[str]
    """What it is called: not `name`, which commands have as an argument."""
    group: ClassVar[str]
    summary: ClassVar[str]
    """One line, an imperative without a full stop."""
    example: ClassVar[str]
    """A command line that works, without the program's name."""
    builds: ClassVar[bool] = False
    """Whether a bundle is made first, which then reaches `events` as `built`."""

    def __init_subclass__(cls) -> None:
        """Join the registry under the class's name in kebab-case."""
        cls.verb = kebab(cls.__name__)
        _COMMANDS[cls.verb] = cls

    def demand(self, controls: Controls) -> None:
        """HotswapError where this can't be done as things are: asked before a bundle is made for it, and again by
        `events`, since things may have changed meanwhile.
        """

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The facts that this leads to, none of them applied yet."""
        raise NotImplementedError(f"{type(self).__name__} says nothing of what it leads to")


_COMMANDS: dict[str, type[Command]] = {}


def registered() -> Mapping[str, type[Command]]:
    """Every command by its name."""
    return MappingProxyType(_COMMANDS)


class Publish(Command, frozen=True):
    """Pack a folder as it is now, sign it and offer it under the next sequence, whether or not anything changed."""

    group = "change"
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
        return [
            ReleaseAdded(
                at=now,
                release=Release(
                    sequence=next_sequence(controls),
                    channel=channel,
                    bundle=built.bundle,
                    version=f"{built.binary_version}-ota.{controls.build_counts.get(built.binary_version, 0) + 1}",
                    binary_version=built.binary_version,
                    min_binary_version=minimum,
                    # Never before the release that it follows, whatever the clock did (hardening E4).
                    published_at=max(now, _newest_time(controls) or now),
                    origin=built.origin,
                    notes=self.notes,
                    mandatory=self.mandatory,
                    update_type=self.update_type,
                ),
                watched=built.watched,
            )
        ]


def channel_name(name: str) -> str:
    """`name`, if a channel may be called that; HotswapError otherwise."""
    if CHANNEL_NAME.fullmatch(name):
        return name
    raise HotswapError(
        f"channel: {name!r} can't be a channel's name",
        "letters, digits, . _ - and at most 64 of them, such as beta",
        code="bad-channel",
    )


def minimum_version(minimum: str) -> str:
    """`minimum`, if it is a version or `same-as-client`; HotswapError otherwise."""
    try:
        if minimum != SAME_AS_CLIENT:
            parse(minimum)
    except ValueError as error:
        raise HotswapError(
            f"min_binary_version: {error}", f"give it as 0.4.0, or {SAME_AS_CLIENT}", code="bad-version"
        ) from None
    return minimum


def next_sequence(controls: Controls) -> int:
    """The next sequence; HotswapError where there is none left, since the client can't count further."""
    if controls.last_sequence >= MAX_SEQUENCE:
        raise HotswapError(
            f"{MAX_SEQUENCE} is the last sequence that a client can read, and it is taken",
            "start with a new --workspace, and empty the plugin's folder on the devices",
            code="sequences-used-up",
        )
    return controls.next_sequence


def _newest_time(controls: Controls) -> datetime | None:
    # Not `last_sequence`: a raised floor has no release.
    newest = max(controls.releases, default=None)
    return None if newest is None else controls.releases[newest].published_at
