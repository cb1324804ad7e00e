"""Commands about whom a release is for: its rollout and its targets."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from hotswap_dev.domain.checks import ARCHES, PLATFORMS, Check
from hotswap_dev.domain.commands.arguments import ClientId, client_id, healthy_release, release_of
from hotswap_dev.domain.commands.registry import Built, Command
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact, RolloutSet, TargetsSet
from hotswap_dev.domain.model import Targets
from hotswap_dev.domain.rollout import Reach, in_range, reach
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

_Sequence = Annotated[int, Meta(ge=1, description="a release's number, or latest")]
_Clients = Annotated[tuple[ClientId, ...], Meta(max_length=1000, description="clients' ids")]


class SetRollout(Command, frozen=True):
    """Offer a release to so many of a hundred clients; the others are offered the newest whole one below it.

    Raising the percent only adds clients, lowering it takes nothing from who already has it. A client's place is the
    same each time. `always` names clients that are in whatever the percent; left out, they stay as they were.
    """

    summary = "Offer a release to a part of the clients"
    example = "set-rollout latest 10 --always Pixel"

    sequence: _Sequence
    percent: Annotated[float, Meta(ge=0, le=100, description="0 to 100, to two places: 12.5")]
    always: Annotated[
        Annotated[tuple[ClientId, ...], Meta(max_length=1000)] | None,
        Meta(description="clients that are in whatever the percent"),
    ] = None

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The rollout set, if it is another one."""
        known = healthy_release(controls, self.sequence)
        percent = round(self.percent, 2)
        always = known.always if self.always is None else _each(self.always)
        if (known.percent, known.always) == (percent, always):
            return []
        return [RolloutSet(at=now, sequence=self.sequence, percent=percent, always=always)]

    def outlook(self, controls: Controls, checks: Iterable[Check]) -> Reach:
        """How far the release reaches."""
        return reach(release_of(controls, self.sequence), checks)


class SetTargets(Command, frozen=True):
    """Say whom a release is for; what is not given restricts nothing, so that without any it is for everyone again.

    A binary version is compared by its release triple: 0.6.0-rc.1 counts as 0.6.0. A client that does not say what it
    is (the second protocol has no arch, and mostly no binary version) is not meant where that is asked for.
    """

    summary = "Say for which platforms, binaries or clients it is"
    example = "set-targets latest --platforms android,ios --binary-versions '>=0.4,<0.6'"

    sequence: _Sequence
    platforms: Annotated[tuple[str, ...], Meta(max_length=16, description=", ".join(PLATFORMS))] = ()
    arches: Annotated[tuple[str, ...], Meta(max_length=16, description=", ".join(ARCHES))] = ()
    binary_versions: Annotated[
        Annotated[str, Meta(max_length=128)] | None, Meta(description="a range, such as >=0.4,<0.6")
    ] = None
    clients: _Clients = ()

    def events(self, controls: Controls, now: datetime, built: Built | None = None) -> list[Fact]:
        """The targets set, if they are others."""
        known = healthy_release(controls, self.sequence)
        targets = Targets(
            platforms=_known("platforms", self.platforms, PLATFORMS),
            arches=_known("arches", self.arches, ARCHES),
            binary_versions=_range(self.binary_versions),
            clients=_each(self.clients),
            having=known.targets.having,  # who took what this takes back: nobody else is meant, whatever is said here
        )
        return (
            [] if known.targets == targets else [TargetsSet(at=now, sequence=self.sequence, targets=targets)]
        )

    def outlook(self, controls: Controls, checks: Iterable[Check]) -> Reach:
        """How far the release reaches."""
        return reach(release_of(controls, self.sequence), checks)


def _each(clients: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(client_id(client) for client in clients))


_ALIASES = {
    "amd64": "x86_64",
    "x64": "x86_64",
    "arm64": "aarch64",
    "arm64-v8a": "aarch64",
    "armv7": "arm",
    "armeabi-v7a": "arm",
    "i386": "x86",
    "i686": "x86",
    "darwin": "macos",
    "mac": "macos",
    "osx": "macos",
    "win": "windows",
    "win32": "windows",
}
"""What others call a platform or an arch, and what the plugin sends (contract, "Query Parameters")."""


def _known(name: str, values: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    lowered = tuple(value.lower() for value in values)
    for value in lowered:
        if value not in known:
            near = [_ALIASES[value]] if value in _ALIASES else difflib.get_close_matches(value, known, 1)
            raise HotswapError(
                f"{name}: {shown(value)!r} is none that a client sends",
                f"did you mean {near[0]}?" if near and near[0] in known else f"there are: {', '.join(known)}",
                code="bad-target",
            )
    return tuple(dict.fromkeys(lowered))


def _range(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    try:
        in_range(None, text.strip())
    except ValueError:
        raise HotswapError(
            f"binary_versions: {shown(text)!r} is no range of versions",
            "such as >=0.4,<0.6 or ==0.4.1 or !=0.5.0",
            code="bad-range",
        ) from None
    return text.strip()
