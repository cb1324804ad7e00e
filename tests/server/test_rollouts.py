"""Rollouts and targets as clients meet them: over HTTP, in any order, and after a restart."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.rollout import bucket
from tests.server.asking import Answer, Asking, write_frontend
from tests.server.conftest import Serve

CLIENTS = tuple(f"client-{number}" for number in range(60))


async def ask(server: Asking, client: str, sequence: int = 0, **query: str) -> Answer:
    return await server.check(sequence, {"X-Device-Id": client}, **query)


async def told(server: Asking, clients: Sequence[str], sequence: int = 0) -> dict[str, int | None]:
    """What each of them is offered, asked at once."""
    answers = await asyncio.gather(*(ask(server, client, sequence) for client in clients))
    return {
        client: answer.json["sequence"] if answer.status == 200 else None
        for client, answer in zip(clients, answers, strict=True)
    }


async def command(server: Asking, verb: str, *, dry_run: bool = False, **arguments: Any) -> Any:
    path = f"/api/commands/{verb}" + ("?dry_run=1" if dry_run else "")
    done = await server.control(path, arguments)
    assert done.status == 200, done.body
    return done.json


def at(percent: float, sequence: int = 2) -> Mapping[str, int]:
    """Who is offered what where `sequence` is rolled out to so many, above a whole release 1."""
    return {client: sequence if bucket(client, sequence) < percent else 1 for client in CLIENTS}


@pytest.fixture
async def rolling(server: Asking, dist: Path) -> Asking:
    """A server with a whole release 1 and a release 2 for 40 of a hundred."""
    await server.publish(write_frontend(dist, "second"))
    await command(server, "set-rollout", sequence=2, percent=40)
    return server


async def test_the_same_client_gets_the_same_answer_whatever_the_order(rolling: Asking) -> None:
    expected = at(40)
    assert {1, 2} == set(expected.values())
    for seed in range(3):
        order = random.Random(seed).sample(CLIENTS, len(CLIENTS))
        assert await told(rolling, order) == expected


async def test_the_same_client_gets_the_same_answer_after_a_restart(serve: Serve, dist: Path) -> None:
    async with serve() as first:
        await first.publish(dist)
        await first.publish(write_frontend(dist, "second"))
        await command(first, "set-rollout", sequence=2, percent=40, always=[CLIENTS[0]])
        before = await told(first, CLIENTS)
    assert before == {**at(40), CLIENTS[0]: 2}
    async with serve() as second:
        assert second.engine.bus.instance != first.engine.bus.instance
        assert await told(second, CLIENTS) == before


async def test_raising_adds_and_lowering_takes_nothing_back(rolling: Asking) -> None:
    assert await told(rolling, CLIENTS) == at(40)
    await command(rolling, "set-rollout", sequence=2, percent=70)
    assert await told(rolling, CLIENTS) == at(70)

    await command(rolling, "set-rollout", sequence=2, percent=10)
    inside = [client for client, sequence in at(70).items() if sequence == 2]
    assert await told(rolling, inside, 2) == dict.fromkeys(inside)
    assert await told(rolling, CLIENTS) == at(10)


async def test_who_is_outside_downloads_the_older_one_and_is_told_why(rolling: Asking) -> None:
    outside = next(client for client, sequence in at(40).items() if sequence == 1)
    offer = await ask(rolling, outside)
    assert (offer.status, offer.json["sequence"]) == (200, 1)
    assert len((await rolling.get(offer.json["url"])).body) == offer.json["bundle_size"]

    has_it = await ask(rolling, outside, 1)
    assert (has_it.status, has_it.reason) == (204, "not-in-rollout")
    why = (await rolling.control(f"/api/why?client={outside}")).json
    assert why["sentence"] == (
        f"Release 2 is rolled out to 40 %, and the client comes in above {bucket(outside, 2):.2f} %."
    )


async def test_a_preview_is_what_then_happens_and_the_next_client_flips_in_where_it_says(
    rolling: Asking,
) -> None:
    before = await told(rolling, CLIENTS)
    for _ in range(3):
        now = (await command(rolling, "set-rollout", dry_run=True, sequence=2, percent=40))["result"]
        step = await command(rolling, "set-rollout", dry_run=True, sequence=2, percent=now["next_at"])
        done = await command(rolling, "set-rollout", sequence=2, percent=now["next_at"])
        after = await told(rolling, CLIENTS)

        assert step["changes"] == done["changes"]
        assert step["result"] == done["result"]
        flipped = {client for client in CLIENTS if after[client] != before[client]}
        assert flipped == {change["client"] for change in done["changes"]}
        assert now["next"] in flipped
        assert (now["of"], done["result"]["inside"]) == (len(CLIENTS), list(after.values()).count(2))

        await command(rolling, "set-rollout", sequence=2, percent=40)
        assert await told(rolling, CLIENTS) == before


async def test_the_reach_is_answered_for_any_percent_without_a_change(rolling: Asking) -> None:
    await told(rolling, CLIENTS)
    for percent in (0, 25, 99.99, 100):
        reach = (await command(rolling, "set-rollout", dry_run=True, sequence=2, percent=percent))["result"]
        inside = list(at(percent).values()).count(2)
        assert (reach["sequence"], reach["inside"], reach["of"]) == (2, inside, len(CLIENTS))
        assert (reach.get("next") is None) == (inside == len(CLIENTS))
    assert rolling.engine.controls.releases[2].percent == 40.0


async def test_targets_are_asked_of_each_check_and_the_one_below_is_for_the_others(
    server: Asking, dist: Path
) -> None:
    await server.publish(write_frontend(dist, "second"))
    done = await command(
        server, "set-targets", sequence=2, platforms=["android"], binary_versions=">=0.1,<0.3", clients=[]
    )
    assert done["result"]["of"] == 0

    asked = {
        ("android", "0.1.0"): 2,
        ("android", "0.2.9-rc.1"): 2,
        ("android", "0.3.0"): 1,
        ("linux", "0.2.0"): 1,
    }
    for (platform, binary), sequence in asked.items():
        answer = await ask(server, "x", platform=platform, binary_version=binary)
        assert answer.json["sequence"] == sequence
    left_out = await ask(server, "x", 1, platform="linux", binary_version="0.2.0")
    assert (left_out.status, left_out.reason) == (204, "not-targeted")
    why = (await server.control("/api/why?client=x")).json
    assert why["sentence"] == "Release 2 is for platform android, and the client's is linux."


async def test_a_preview_of_targets_is_what_then_happens(server: Asking) -> None:
    clients = {
        f"client-{number}": platform for number, platform in enumerate(("android", "ios", "linux") * 4)
    }
    for client, platform in clients.items():
        await ask(server, client, platform=platform)
    for platforms in (["android"], ["ios", "linux"], [], ["macos"]):
        would = await command(server, "set-targets", dry_run=True, sequence=1, platforms=platforms)
        done = await command(server, "set-targets", sequence=1, platforms=platforms)
        assert (would["changes"], would["result"]) == (done["changes"], done["result"])

        answers = {
            client: (await ask(server, client, platform=platform)).status
            for client, platform in clients.items()
        }
        meant = {client for client, platform in clients.items() if not platforms or platform in platforms}
        assert {client for client, status in answers.items() if status == 200} == meant
        assert done["result"]["of"] == done["result"]["inside"] == len(meant)


def forget_the_new_fields(state: Path) -> int:
    """Rewrite a journal as the version before wrote it; how many facts lost a field."""
    with closing(sqlite3.connect(state)) as journal, journal:
        rows = journal.execute("SELECT number, fact FROM facts").fetchall()
        older = [(json.dumps(without(json.loads(fact))), number) for number, fact in rows]
        journal.executemany("UPDATE facts SET fact = ? WHERE number = ?", older)
    return sum(json.loads(fact) != json.loads(old) for (_, fact), (old, _) in zip(rows, older, strict=True))


def without(fact: dict[str, Any]) -> dict[str, Any]:
    for name in ("percent", "always", "targets"):
        fact.get("release", {}).pop(name, None)
    if fact["event"] == "override-spent":
        fact.pop("missed", None)
    return fact


async def test_a_workspace_of_the_version_before_opens_and_its_releases_can_be_rolled_out(
    serve: Serve, dist: Path, tmp_path: Path
) -> None:
    async with serve(keep_overrides=True) as before:
        await before.publish(dist)
        await before.publish(write_frontend(dist, "second"))
        await command(before, "force-204", on=True, client="phone", times=5)
        assert (await ask(before, "phone")).reason == "forced-204"
        expected = before.engine.controls
    assert forget_the_new_fields(tmp_path / "w" / "state.db") == 3

    async with serve(keep_overrides=True) as server:
        assert server.engine.controls == expected
        assert await told(server, CLIENTS) == dict.fromkeys(CLIENTS, 2)
        await command(server, "set-rollout", sequence=2, percent=40)
        assert await told(server, CLIENTS) == at(40)
