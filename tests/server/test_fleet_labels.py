"""What the server says of each client, held against what each client really did: all of it has to be true."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from hotswap_dev.fleet.fleet import ActName
from hotswap_dev.fleet.plan import Crew
from tests.server.fleets import Told, fresh, living

# No program is started, but its stories take as long.
pytestmark = pytest.mark.processes

MIXED = (
    Crew(
        group="phones",
        count=150,
        platforms={"android": 3, "ios": 2, "linux": 1},
        channels={"production": 4, "beta": 1},
        poll=30,
        clicks=5,
        ignores=0.1,
        reopens=70,
        failure_rate=0.1,
    ),
    Crew(group="silent", count=60, poll=25, reopens=60, failure_rate=0.2, reports=False),
    Crew(group="old", count=50, poll=40, reopens=90, upgrades_to="2.0.0", upgrades_after=100),
    Crew(group="ahead", count=20, poll=35, sequence=30, reopens=80, upgrades_to="2.0.0", upgrades_after=60),
    Crew(group="shy", count=20, poll=30, clicks=None),
)


@pytest.mark.parametrize("of", [10, pytest.param(1, marks=pytest.mark.slow)], ids=["30", "300"])
async def test_through_rollouts_faults_crashes_and_upgrades_every_label_is_true(
    of: int, tmp_path: Path
) -> None:
    crews = [replace(crew, count=crew.count // of) for crew in MIXED]
    async with fresh(tmp_path) as server, living(server, crews, seed=2, at_once=16) as told:
        fleet = told.fleet
        await told.sample("hello-v1")
        await fleet.live(until=60)
        assert await told.wrong_labels() == ()
        await told.sample("hello-v2", channel="beta")
        await told.command("arm-fault", fault="download/http-error", probability=0.5)
        second = await told.sample("hello-v2")
        await told.command("set-rollout", sequence=second, percent=30)
        await fleet.live(until=110)
        assert await told.wrong_labels() == ()
        await told.command("clear-overrides")
        await told.command("set-rollout", sequence=second, percent=100)
        await fleet.live(until=150)
        bad = await told.sample("crashes-on-load", mandatory=True)
        await fleet.live(until=200)
        assert await told.wrong_labels() == ()
        await told.command("withhold", sequence=bad)
        await told.command("arm-fault", fault="wrong-key")
        await told.command("reoffer", sequence=second)
        await fleet.live(until=250)
        assert await told.wrong_labels() == ()
        await told.command("clear-overrides")
        await told.command("arm-fault", fault="not-gzip")
        await told.command("arm-fault", fault="check/http-error", probability=0.1)
        await fleet.live(until=290)
        await told.command("jump-sequence", to=60)
        await told.sample("hello-v1")
        await fleet.live(until=330)
        assert await told.wrong_labels() == ()
        codes = Counter(row["label"]["code"] for row in await told.rows())
        whats = {step.what for step in told.steps}
        assert len(codes) >= 6, codes
        assert whats >= {
            "confirmed",
            "crashed",
            "fell-back",
            "failed",
            "check-failed",
            "discarded",
            "upgraded",
        }


FAULTS = (
    "check/http-error",
    "stale-manifest",
    "same-sequence",
    "malformed-json",
    "garbage-signature",
    "other-files-signature",
    "corrupt-byte",
    "truncate",
    "download/connection-reset",
    "path-traversal",
    "blank-page",
    "no-index",
    "crash-on-load",
    "bad-min-binary-version",
)
VERSIONS = ("1.0.0", "1.1.0", "2.0.0")
ACTS: tuple[ActName, ...] = (
    "check",
    "check",
    "update",
    "update",
    "restart",
    "restart",
    "rollback",
    "upgrade",
)


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 30))]
)
async def test_whatever_happens_to_clients_and_server_no_label_is_untrue(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    crews = (
        Crew(group="phones", count=8, failure_rate=0.2),
        Crew(group="silent", count=8, failure_rate=0.2, reports=False),
        Crew(group="ahead", count=3, sequence=8),
    )
    async with fresh(tmp_path) as server, living(server, crews, seed=seed) as told:
        await told.sample("hello-v1")
        said = []
        for _ in range(45):
            said.append(await done(told, draw))
            wrong = await told.wrong_labels()
            assert wrong == (), (wrong, story_of(told, wrong[0].client), said)


async def done(told: Told, draw: random.Random) -> str:
    """Something, to the server or to some of its clients."""
    roll = draw.random()
    if roll < 0.12:
        name = draw.choice(("hello-v1", "hello-v2", "crashes-on-load"))
        await told.sample(name, mandatory=draw.random() < 0.3)
        return f"publish {name}"
    if roll < 0.2:
        fault = draw.choice(FAULTS)
        await told.command("clear-overrides")  # one bundle fault at a time is enough
        await told.command("arm-fault", fault=fault)
        return f"arm {fault}"
    if roll < 0.3:
        await told.command("clear-overrides")
        return "clear"
    act = draw.choice(ACTS)
    some = draw.sample(sorted(told.fleet.phones), draw.randint(1, len(told.fleet.phones)))
    if act != "upgrade":
        await told.fleet.act(act, some)
        return act
    for client in some:
        newer = [one for one in VERSIONS if one >= told.fleet.phones[client].binary_version]
        await told.fleet.act("upgrade", [client], draw.choice(newer))
    return act


def story_of(told: Told, client: str) -> list[str]:
    """What a client did, for whoever reads a failure."""
    return [
        f"{step.what} {step.sequence} {step.offered or ''} {step.detail}"
        for step in told.steps
        if step.client == client
    ]
