"""Views for tests, made as the dashboard makes them: events lead a mirror on, and somebody looks at it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.dashboard.looking import Looking, looked_at
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.spans import Line, plain
from hotswap_dev.dashboard.view import Link, Selected, View
from hotswap_dev.domain.builds import Builds
from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import ClientNamed, Fact, OverrideSpent, ReleaseAdded
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded, Observation, Published
from hotswap_dev.domain.policy import decide
from tests.dashboard import about
from tests.unit.making import NOW, a_bundle, a_release, an_answered_check

LIVE = Link(state="live", since=NOW)

ABOUT = replace(about.ABOUT, channel_configured="beta")


class Scene:
    """What happens on a server, told in its order; `view` is what its dashboard has of it."""

    def __init__(self, **about: Any) -> None:
        self.now: datetime = NOW
        self.told: list[Fact | Observation] = []
        self.mirror = Mirror()
        self.about = replace(ABOUT, **about)
        self.mirror.reset(
            wire.State(
                instance="one",
                revision=0,
                controls=Controls(build_channel="beta"),
                clients=(),
                builds=Builds(dist="my-app/dist", app_version="0.4.1"),
                about=self.about,
            )
        )

    def later(self, seconds: float) -> Scene:
        """Time goes by."""
        self.now += timedelta(seconds=seconds)
        return self

    def happens(self, *events: Fact | Observation) -> Scene:
        """These events happen now."""
        for event in events:
            number = self.mirror.revision + 1
            self.told.append(replace(event, at=self.now))
            assert self.mirror.advance(wire.EventLine("one", number, self.told[-1]))
        return self

    def done(self, command: Command) -> Scene:
        """A command is carried out."""
        return self.happens(*command.events(self.mirror.controls, self.now))

    def saved(self, sequence: int, *, channel: str = "beta", **changes: Any) -> Scene:
        """A save becomes a release."""
        release = a_release(
            sequence,
            channel=channel,
            version=f"0.4.1-ota.{sequence}",
            binary_version="0.4.1",
            min_binary_version="0.4.1",
            bundle=a_bundle(str(sequence), size=1_234_567),
            published_at=self.now,
        )
        release = replace(release, **changes)
        published = Published(
            at=self.now,
            sequence=sequence,
            version=release.version,
            channel=release.channel,
            origin=release.origin,
            bundle_size=release.bundle.size,
            files=12,
            changed=3,
            scan_ms=2.0,
            pack_ms=28.0,
            offered_ms=341.0,
        )
        return self.happens(ReleaseAdded(at=self.now, release=release), published)

    def named(self, client: str, name: str) -> Scene:
        """People call it that."""
        return self.happens(ClientNamed(at=self.now, client=client, name=name))

    def told_anyhow(self, client: str, sequence: int, **changes: Any) -> Scene:
        """A client checks, and what is told of it need not be what this version's server would."""
        fields: dict[str, Any] = {
            "platform": "android",
            "channel": "beta",
            "binary_version": "0.4.1",
            **changes,
        }
        return self.happens(an_answered_check(client, at=self.now, sequence=sequence, **fields))

    def asks(self, client: str, sequence: int, **changes: Any) -> Scene:
        """A client checks, and is answered as the server would."""
        check = Check(
            **{
                "client": client,
                "sequence": sequence,
                "binary_version": "0.4.1",
                "platform": "android",
                "arch": "aarch64",
                "channel": "beta",
                **changes,
            }
        )
        decision = decide(self.mirror.controls, check, self.now)
        release = decision.offered
        self.happens(
            CheckAnswered(
                at=self.now,
                client=client,
                peer="192.168.1.23",
                path=f"/api/ota/{sequence}",
                sequence=sequence,
                binary_version=check.binary_version,
                platform=check.platform,
                arch=check.arch,
                channel=check.channel,
                status=decision.status,
                reason=decision.reason.code,
                args=decision.reason.args,
                offered=None if release is None else release.sequence,
                duration_ms=0.4,
                flags=check.flags,
                fault=None if decision.strike is None else decision.strike.armed.fault,
            )
        )
        spent = [OverrideSpent(at=self.now, override=override) for override in decision.spends]
        return self.happens(*spent)

    def fetches(self, client: str | None, sequence: int, **changes: Any) -> Scene:
        """A client downloads a bundle."""
        fields: dict[str, Any] = {
            "client": client,
            "peer": "192.168.1.23",
            "sequence": sequence,
            "bytes": 1_234_567,
            "complete": True,
            "attempt": 1,
            "duration_ms": 40.0,
            **changes,
        }
        return self.happens(DownloadEnded(at=self.now, **fields))

    def view(self, looking: Looking = Looking(), link: Link = LIVE, **changes: Any) -> View:  # noqa: B008 - frozen
        """What is known at this moment, looked at so."""
        seen = looked_at(looking, self.mirror.view(self.now, link), self.mirror.checks.rows())
        return replace(seen, **changes)


def a_morning() -> Scene:
    """Some saves, four clients: one applied the newest, one was just offered it, one is too old, one fell back."""
    scene = Scene()
    scene.named("px", "Pixel").named("ip", "iPad").named("em", "Emulator").named("mac", "Anna's Mac")
    for sequence in range(1, 13):
        scene.saved(sequence).later(20)
    scene.asks("em", 0, binary_version="0.3.0", arch="x86_64").later(5)
    scene.asks("ip", 8, platform="ios").fetches("ip", 12).later(5)
    scene.asks("ip", 12, platform="ios").later(30).asks("ip", 8, platform="ios").later(5)
    scene.asks("px", 11).later(2).fetches("px", 12).later(2).asks("px", 12)
    scene.later(10).saved(13).later(8).saved(14).later(3)
    scene.asks("px", 12).later(1).fetches("px", 14).later(2).asks("px", 14).later(1)
    scene.asks("mac", 9, platform="macos", arch="aarch64").later(1)
    for _ in range(38):
        scene.later(1).asks("px", 14)
    return scene


def row_where(view: View, **fields: Any) -> View:
    """The view with the newest row selected whose event has these fields."""
    found = next(
        row
        for row in view.rows
        if all(getattr(row.event, name, object()) == value for name, value in fields.items())
    )
    return replace(view, pane="checks", selected=Selected("row", found.number))


def texts(lines: tuple[Line, ...]) -> str:
    """Lines as one text."""
    return "\n".join(plain(one) for one in lines)
