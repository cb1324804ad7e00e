"""Whole lives of an app, made up at random: the real plugin and the reference client live each of them alike.

A story is a list of steps: the server publishes, fails, recovers; the page commands; the app restarts, is upgraded,
downgraded, reinstalled. After each step, both have heard the same, said the same, asked the same, and left the same in
their folders. A story that differs is shortened and printed: it becomes one of the plain tests below.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import ClientSession, web
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from minisign import KeyPair

from tests.real_client.reference import GOOD, KEY, Pair, TwoSided, two_sided
from tests.real_client.scripted_server import (
    Handler,
    answering,
    cut_short,
    public_line,
    resetting,
    signed,
    tar_gz,
    zipped,
)
from tests.real_client.test_apply import too_large

# --- the server of a story -------------------------------------------------------------------------------------------

BUNDLES: dict[str, bytes] = {
    "good": GOOD,
    "other": tar_gz({"index.html": "other", "a/b/c.js": "1"}),
    "zip": zipped({"index.html": "zipped"}),
    "empty": tar_gz({}),
    "no-index": tar_gz({"app.js": "1"}),
    "links": tar_gz({"real": "x"}, {"index.html": "real"}),
    "outside": tar_gz({"index.html": "x", "../evil": "x"}),
    "absolute": tar_gz({"/etc/evil": "x"}),
    "no-gzip": b"no gzip at all",
}
_OTHER = KeyPair.generate()
SIGNERS: dict[str, Callable[[bytes], str]] = {
    "right": lambda bundle: signed(KEY, bundle),
    "wrong-key": lambda bundle: signed(_OTHER, bundle),
    "legacy": lambda bundle: signed(KEY, bundle, prehash=False),
    "other-file": lambda bundle: signed(KEY, bundle + b"x"),
    "garbage": lambda _: "garbage!",
}
SIGNATURES = {
    (bundle, signer): sign(BUNDLES[bundle]) for bundle in BUNDLES for signer, sign in SIGNERS.items()
}

CHECK_FAULTS: dict[str, Handler] = {
    "500": answering(500),
    "404": answering(404),
    "204": answering(204),
    "html": answering(200, b"<!doctype html>", "text/html"),
    "half": answering(200, b'{"version": "1'),
    "reset": resetting,
    "cut": cut_short(b'{"version"', 500),
}
DOWNLOAD_FAULTS: dict[str, Handler] = {
    "503": answering(503),
    "404": answering(404),
    "reset": resetting,
    "cut": cut_short(GOOD[:40], 5000),
    "too-large": too_large,
    "corrupt": answering(200, GOOD[:50] + b"\0" + GOOD[51:]),
    "empty": answering(200),
}


@dataclass
class World:
    """What the server has, and how it behaves."""

    server: TwoSided
    releases: list[dict[str, Any]] = field(default_factory=list)
    only_newer: bool = True
    """Whether it answers 204 where it has nothing newer; else it offers its newest to everyone."""
    check: str | None = None
    download: str | None = None

    def publish(self, channel: str, minimum: str, bundle: str, signer: str) -> None:
        sequence = len(self.releases) + 1
        name = f"{bundle}.{'zip' if bundle == 'zip' else 'tar.gz'}"
        self.releases.append(
            {
                "version": f"{minimum}-ota.{sequence}",
                "sequence": sequence,
                "min_binary_version": minimum,
                "url": f"{self.server.origin}/files/{sequence}/{name}",
                "signature": SIGNATURES[bundle, signer],
                "notes": channel,
                "mandatory": sequence % 2 == 0 or None,
                "bundle_size": len(BUNDLES[bundle]),
            }
        )

    async def answer(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.split("/")
        if parts[1] == "files":
            if self.download is not None:
                return await DOWNLOAD_FAULTS[self.download](request)
            return web.Response(body=BUNDLES[parts[3].partition(".")[0]])
        if self.check is not None:
            return await CHECK_FAULTS[self.check](request)
        channel = request.query.get("channel", "production")
        newest = max(
            (one for one in self.releases if one["notes"] == channel),
            key=lambda one: int(one["sequence"]),
            default=None,
        )
        if newest is None or (self.only_newer and newest["sequence"] <= int(parts[2])):
            return web.Response(status=204)
        return web.Response(body=json.dumps(newest).encode())


# --- stories ---------------------------------------------------------------------------------------------------------

Step = tuple[Any, ...]
_BINARIES = ("0.1.0", "0.2.0", "0.2.0-rc.1", "0.3.0+5")


def story_of(draw: Random) -> tuple[dict[str, Any], list[Step]]:
    """A config and a story. Drawn from one seed: lists that hypothesis draws step by step are too much alike."""
    grace = [{"grace_period": {"max_unconfirmed_launches": launches}} for launches in (0, 1, 2)]
    config = {
        "binary_cache_policy": draw.choice((None, "keep_compatible", "discard_on_upgrade", "never_discard")),
        "confirmation_policy": draw.choice(("single_launch", None, *grace)),
        "rollback_policy": draw.choice(
            ("latest_confirmed", None, "immediate_previous_confirmed", "embedded_only")
        ),
        "max_retained_versions": draw.choice((None, 0, 2, 3, 4)),
        "max_bundle_size": draw.choice((None,) * 5 + (150,)),
        "channel": draw.choice((None, "production", "beta")),
    }
    return config, [_step(draw) for _ in range(draw.randint(8, 24))]


def _step(draw: Random) -> Step:
    kind = draw.choices(tuple(_WEIGHTS), tuple(_WEIGHTS.values()))[0]
    if kind == "publish":
        return (
            kind,
            draw.choice(("production", "production", "beta")),
            draw.choice(("0.1.0",) * 6 + ("0.2.0", "0.2.0-rc.1", "latest")),
            draw.choice(tuple(BUNDLES) if draw.random() < 0.3 else ("good", "other", "zip")),
            draw.choice(tuple(SIGNERS)) if draw.random() < 0.2 else "right",
        )
    if kind.endswith("-fault"):
        faults = tuple(CHECK_FAULTS if kind == "check-fault" else DOWNLOAD_FAULTS)
        return kind, draw.choice((None,) * 5 + faults)
    if kind == "configure":
        return kind, draw.choice(("production", "beta", "gamma", ""))
    if kind == "upgrade":
        return kind, draw.choice(_BINARIES)
    if kind == "leftover":
        return kind, draw.choice((1, 2, 3))
    return (kind, draw.choice((True, False))) if kind == "only-newer" else (kind,)


_WEIGHTS = {
    "publish": 3,
    "news": 6,
    "update": 7,
    "update, confirm": 5,
    "restart": 4,
    "check": 2,
    "apply": 1,
    "download": 2,
    "activate": 2,
    "rollback": 2,
    "notify_ready": 2,
    "upgrade": 2,
    "check-fault": 1,
    "download-fault": 1.5,
    "configure": 1,
    "reinstall": 0.3,
    "leftover": 0.5,
    "only-newer": 0.7,
}


class Stage:
    """One server, one loop and one session for all stories of a module; a story has its own folders."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary
        self.runner = asyncio.Runner()
        self._server = two_sided()
        self.server = self.runner.run(self._server.__aenter__())
        self.session = self.runner.run(self._opened())

    async def _opened(self) -> ClientSession:
        return ClientSession()

    def close(self) -> None:
        self.runner.run(self.session.close())
        self.runner.run(self._server.__aexit__(None, None, None))
        self.runner.close()

    def plays(self, config: dict[str, Any], story: list[Step], *, memory: bool = False) -> Pair:
        """Play it on both; AssertionError where they differ."""
        with tempfile.TemporaryDirectory() as home:
            return self.runner.run(self._played(Path(home), config, story, memory))

    async def _played(self, home: Path, config: dict[str, Any], story: list[Step], memory: bool) -> Pair:
        for asked in self.server.asked.values():
            asked.clear()
        world = World(self.server)
        self.server.answer = world.answer
        world.publish("production", "0.1.0", "good", "right")
        whole = {
            "endpoint": self.server.endpoint,
            "pubkey": public_line(KEY),
            "require_https": False,
            "max_retries": 0,
            **config,
        }
        pair = Pair(self.binary, home, self.server, whole, memory=memory, session=self.session)
        try:
            await pair.start()
            for step in story:
                await self._takes(step, pair, world, memory)
        finally:
            await pair.close()
        return pair

    async def _takes(self, step: Step, pair: Pair, world: World, memory: bool) -> None:
        match step:
            case ("publish", channel, minimum, bundle, signer):
                world.publish(channel, minimum, bundle, signer)
            case ("news",):
                world.publish(pair.channel, "0.1.0", "good", "right")
            case ("check-fault", fault):
                world.check = fault
            case ("download-fault", fault):
                world.download = fault
            case ("only-newer", on):
                world.only_newer = on
            case ("update",):
                await pair.do("check")
                await pair.do("apply")
            case ("update, confirm",):
                await pair.do("check")
                await pair.do("apply")
                await pair.do("notify_ready")
            case ("restart",):
                await pair.start()
            case ("upgrade", version):
                await pair.start(version)
            case ("configure", channel):
                await pair.do("configure", channel=channel)
            case ("reinstall",):
                await pair.close()
                pair.forget()
                await pair.start()
            case ("leftover", sequence):
                for folder in () if memory else pair.folders.values():
                    (folder / f".tmp-seq-{sequence}").mkdir(exist_ok=True)
            case (command,):
                await pair.do(command)
        pair.told.append(f"({step})")


@pytest.fixture(scope="module", name="stage")
def stage_fixture(real_client_binary: Path) -> Iterator[Stage]:
    stage = Stage(real_client_binary)
    yield stage
    stage.close()


_MANY = settings(
    max_examples=int(os.environ.get("HOTSWAP_DEV_STORIES", "60")),
    deadline=None,
    database=None,
    # A shorter seed is no shorter story: `shortest` sees to that.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""Of each of five parts: 300 stories. `HOTSWAP_DEV_STORIES=1000` tells more."""
_IN_EVERY_PART = (
    "apply",
    "rollback",
    "ready-confirmed",
    "check-error",
    "download-error",
    "discarded",
    "rolled back",
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", ["1 on a disk", "2 on a disk", "3 on a disk", "1 in memory", "2 in memory"])
def test_any_story_is_lived_alike(stage: Stage, part: str) -> None:
    happened: Counter[str] = Counter()
    memory = "memory" in part

    @_MANY
    @given(seed=st.integers(0, 2**64 - 1))
    def lived(seed: int) -> None:
        config, story = story_of(Random(seed))
        try:
            happened.update(stage.plays(config, story, memory=memory).happened)
        except AssertionError:
            short = shortest(stage, config, story, memory)
            raise AssertionError(f"{short}\n of {config}\n was not lived alike; see below") from None

    lived()

    missing = [event for event in _IN_EVERY_PART if not happened[event]]
    assert not missing, f"where nothing happens both agree about nothing: {missing} in {happened}"


def shortest(stage: Stage, config: dict[str, Any], story: list[Step], memory: bool) -> list[Step]:
    """A story in which they still differ, of which no step can be left out. Played last, its difference is shown."""
    place = 0
    while place < len(story):
        without = story[:place] + story[place + 1 :]
        try:
            stage.plays(config, without, memory=memory)
        except AssertionError:
            story = without
        else:
            place += 1
    with pytest.raises(AssertionError) as differs:
        stage.plays(config, story, memory=memory)
    print(differs.value)
    return story


# --- stories worth telling each time --------------------------------------------------------------------------------

NEWS: Step = ("news",)
TAKEN: Step = ("update, confirm",)

STORIES: dict[str, tuple[dict[str, Any], list[Step]]] = {
    "a version set aside by an old binary is activated again without a download": (
        {"binary_cache_policy": "never_discard"},
        [
            *(("upgrade", "0.2.0"), ("publish", "production", "0.2.0", "good", "right"), TAKEN),
            *(("upgrade", "0.1.0"), ("upgrade", "0.2.0"), ("rollback",), ("check",), ("activate",)),
            *(("download",), ("activate",), ("upgrade", "0.1.0"), ("rollback",), ("upgrade", "0.2.0")),
        ],
    ),
    "a rollback while the embedded page runs deletes what was set aside": (
        {},
        [TAKEN, ("upgrade", "0.1.0"), ("upgrade", "0.2.0-rc.1"), ("rollback",), ("rollback",), ("check",)],
    ),
    "what is pending outlives a rollback and a failed check": (
        {},
        [TAKEN, NEWS, ("check",), ("rollback",), ("check-fault", "500"), ("check",), ("apply",), ("restart",)],
    ),
    "a download is done twice, then confirmed by the page before it": (
        {},
        [("check",), ("download",), ("download",), ("notify_ready",), ("activate",), ("notify_ready",), ("restart",)],
    ),
    "grace ends after two launches, and goes back to a confirmed one": (
        {"confirmation_policy": {"grace_period": {"max_unconfirmed_launches": 2}}},
        [TAKEN, NEWS, ("update",), ("restart",), ("restart",), ("restart",), ("restart",), ("check",)],
    ),
    "three versions are kept, and a rollback goes down one by one": (
        {"max_retained_versions": 3, "rollback_policy": "immediate_previous_confirmed"},
        [TAKEN, *((NEWS, TAKEN) * 4), ("rollback",), ("rollback",), ("update",), ("rollback",), ("rollback",)],
    ),
    "a server that forgot its counter is asked for ever in vain": (
        {},
        [
            *(NEWS, NEWS, TAKEN, ("only-newer", False), ("configure", "beta"), NEWS, ("update",)),
            *(("configure", "production"), ("update",), ("restart",), ("update",)),
        ],
    ),
    "an extraction that fails leaves the version that had its number": (
        {},
        [
            *(NEWS, ("check",), ("download",), ("publish", "production", "0.1.0", "outside", "right")),
            *(("check",), ("download",), ("activate",), ("leftover", 9), ("update",), NEWS, TAKEN),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("memory", [False, True], ids=["on a disk", "in memory"])
@pytest.mark.parametrize("name", STORIES)
def test_this_story_is_lived_alike(name: str, memory: bool, stage: Stage) -> None:
    stage.plays(*STORIES[name], memory=memory)
