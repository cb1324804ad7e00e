"""What commands take: the types of their fields, and the demands that a type can't make."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from hotswap_dev.domain.checks import CHANNEL_NAME
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import ReleaseAdded
from hotswap_dev.domain.model import (
    DEFAULT_UPDATE_TYPE,
    MAX_SEQUENCE,
    SAME_AS_CLIENT,
    Channel,
    Origin,
    Release,
    Targets,
)
from hotswap_dev.domain.rollout import WHOLE
from hotswap_dev.domain.text import shown
from hotswap_dev.domain.versions import parse
from hotswap_dev.errors import HotswapError, NotFound

Notes = Annotated[str, Meta(max_length=4096)]
UpdateType = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$(?!\n)")]  # Python's $ lets a newline follow
ClientId = Annotated[str, Meta(min_length=1, max_length=128)]


def channel_name(name: str) -> str:
    """`name`, if a channel may be called that; HotswapError otherwise."""
    if CHANNEL_NAME.fullmatch(name):
        return name
    raise HotswapError(
        f"channel: {name!r} can't be a channel's name",
        "letters, digits, . _ - and at most 64 of them, such as beta",
        code="bad-channel",
    )


def channel_of(controls: Controls, name: str) -> Channel:
    """The channel of this name; NotFound where there is none."""
    known = controls.channels.get(channel_name(name))
    if known is None:
        raise NotFound(
            f"channel: there is no channel {name!r}",
            f"there are: {', '.join(controls.channels) or 'none'}; hotswap-dev create-channel {name}",
            code="unknown-channel",
        )
    return known


def release_of(controls: Controls, sequence: int) -> Release:
    """The release with this sequence; NotFound where there is none."""
    known = controls.releases.get(sequence)
    if known is None:
        newest = max(controls.releases, default=None)
        raise NotFound(
            f"sequence: there is no release {sequence}",
            "there is none yet: hotswap-dev publish" if newest is None else f"the newest is {newest}",
            code="unknown-release",
        )
    return known


def release_with_bytes(controls: Controls, sequence: int) -> Release:
    """The same, if its bundle is still there to be offered again and is no poison."""
    known = healthy_release(controls, sequence)
    if not controls.has_bytes(known):
        kept = max(
            (one for one, other in controls.releases.items() if controls.has_bytes(other)), default=None
        )
        raise HotswapError(
            f"sequence: the bundle of release {sequence} was pruned, its bytes are gone",
            "publish that content again"
            + ("" if kept is None else f", or take a newer release, such as {kept}"),
            code="bundle-gone",
        )
    return known


def client_id(client: str) -> str:
    """`client`, if a client may have that id; HotswapError otherwise."""
    if shown(client, 128) == client:
        return client
    raise HotswapError(
        f"client: {shown(client)!r} can't be a client's id",
        "take it from hotswap-dev clients: such ids are shown there as h: and 16 digits",
        code="bad-client",
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


def offered(controls: Controls, release: Release) -> bool:
    """Whether apps are offered it and it is no poison: a copy of what somebody withheld would bring that back."""
    return (
        release.update_type == DEFAULT_UPDATE_TYPE
        and not release.withheld
        and release.origin != "poisoned"
        and controls.has_bytes(release)
    )


def healthy_release(controls: Controls, sequence: int) -> Release:
    """`release_of`, if it is no poisoned one: those belong to their fault, and stay bad under any number."""
    known = release_of(controls, sequence)
    if known.origin != "poisoned":
        return known
    armed = next((one for one in controls.faults if one.sequence == sequence), None)
    raise HotswapError(
        f"sequence: release {sequence} is a poisoned copy of {known.from_sequence}",
        f"hotswap-dev disarm-fault {armed.override} ends it" if armed else f"take {known.from_sequence}",
        code="poisoned",
    )


def copied(
    controls: Controls,
    release: Release,
    now: datetime,
    origin: Origin,
    channel: str | None = None,
    *,
    at_sequence: int | None = None,
) -> ReleaseAdded:
    """The same bundle and version under the next sequence; mandatory, withheld, rollout and targets don't come with it
    (design §4).
    """
    return ReleaseAdded(
        at=now,
        release=replace(
            release,
            sequence=next_sequence(controls) if at_sequence is None else at_sequence,
            channel=channel or release.channel,
            published_at=not_before(controls, now),
            origin=origin,
            from_sequence=release.sequence,
            mandatory=False,
            withheld=False,
            percent=WHOLE,
            always=(),
            targets=Targets(),
        ),
    )


def not_before(controls: Controls, now: datetime) -> datetime:
    """`now`, but never before the release that it follows, whatever the clock did (hardening E4)."""
    # Not `last_sequence`: a raised floor has no release.
    newest = max(controls.releases, default=None)
    return now if newest is None else max(now, controls.releases[newest].published_at)
