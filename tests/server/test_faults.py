"""Faults as clients meet them: struck, counted, ended; whatever happens at once and through restarts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded, Noticed
from tests.server.asking import Answer, Asking, happened, so_far, times, until
from tests.server.conftest import Serve
from tests.unit.engine.engines import facts_on_disk


class KilledError(Exception):
    """A run that does not end in order."""


@asynccontextmanager
async def killed(serve: Serve, **options: Any) -> AsyncIterator[Asking]:
    """A server that is gone at the end without having ended its overrides, as after kill -9."""
    with pytest.raises(KilledError):
        async with serve(**options) as server:
            yield server
            raise KilledError


async def arm(server: Asking, fault: str, **arguments: Any) -> Any:
    """What arming it came to."""
    done = await server.control("/api/commands/arm-fault", {"fault": fault, **arguments})
    assert done.status == 200, done.body
    return done.json["result"]


async def command(server: Asking, verb: str, **arguments: Any) -> Any:
    done = await server.control(f"/api/commands/{verb}", arguments)
    assert done.status == 200, done.body
    return done.json


async def ask(server: Asking, client: str = "phone", sequence: int = 0, **query: str) -> Answer:
    return await server.check(sequence, {"X-Device-Id": client}, **query)


async def statuses(server: Asking, count: int, client: str = "phone") -> list[int]:
    """The statuses of so many checks, one after the other."""
    return [(await ask(server, client)).status for _ in range(count)]


def left(controls: Controls) -> dict[int, int | None]:
    return {one.override: one.left for one in controls.faults}


def on_disk(folder: Path) -> Controls:
    return replay(facts_on_disk(folder / "w"))


# Counting


async def test_of_many_checks_at_once_exactly_as_many_are_struck_as_it_is_armed_for(server: Asking) -> None:
    await arm(server, "check/http-error", times=7, parameters={"status": 418})
    answers = await asyncio.gather(*(ask(server, f"client-{number}") for number in range(40)))
    assert Counter(answer.status for answer in answers) == {418: 7, 200: 33}
    assert {answer.reason for answer in answers if answer.status == 418} == {"fault"}
    assert server.engine.controls.faults == ()


async def test_what_was_struck_is_on_the_disk_within_a_moment_and_a_kill_forgets_none_of_it(
    serve: Serve, dist: Path, tmp_path: Path
) -> None:
    async with killed(serve) as first:
        await first.publish(dist)
        await arm(first, "check/http-error", times=5)
        assert await statuses(first, 2) == [503, 503]
        struck = time.monotonic()
        await until(lambda: left(on_disk(tmp_path)) == {1: 3}, "two strikes are in the journal")
        # 100 ms is the promise; the rest is for a machine that does other things as well.
        assert time.monotonic() - struck < 1.0
    async with serve() as second:
        assert left(second.engine.controls) == {1: 3}
        notice = await happened(second.engine, Noticed, lambda one: one.code == "overrides-kept")
        assert "check/http-error" in notice.message
        assert await statuses(second, 5) == [503, 503, 503, 200, 200]


async def test_the_same_seed_strikes_the_same_answers_through_a_restart(serve: Serve, dist: Path) -> None:
    given: dict[str, Any] = {"probability": 0.5, "seed": 11}
    async with serve() as server:
        await server.publish(dist)
        await arm(server, "html-page", **given)
        whole = [(await ask(server)).reason for _ in range(40)]
    assert {"fault", "newer-release"} == set(whole)
    async with serve(keep_overrides=True) as server:
        await arm(server, "html-page", **given)
        first = [(await ask(server)).reason for _ in range(17)]
    async with serve(keep_overrides=True) as server:
        assert first + [(await ask(server)).reason for _ in range(23)] == whole


async def test_a_fault_of_manifests_counts_offers_alone(server: Asking) -> None:
    await arm(server, "same-sequence", times=1)
    assert (await ask(server, sequence=1)).reason == "up-to-date"
    assert left(server.engine.controls) == {1: 1}
    bent = await ask(server)
    assert (bent.status, bent.reason, bent.json["sequence"]) == (200, "fault", 0)
    assert (await ask(server)).json["sequence"] == 1


async def test_downloads_are_counted_by_attempt(server: Asking) -> None:
    await arm(server, "download/http-error", times=2, parameters={"status": 502}, client="phone")
    url = (await ask(server)).json["url"]
    other = (await ask(server, "tablet")).json["url"]
    assert [(await server.get(url)).status for _ in range(2)] == [502, 502]
    assert (await server.get(other)).status == 200
    assert (await server.get(url, method="HEAD")).status == 200, "who only looks makes no attempt"
    assert [(await server.get(url)).status for _ in range(2)] == [200, 200]

    ended = await times(server.engine, DownloadEnded, 5)
    theirs = [(one.attempt, one.status, one.fault) for one in ended if one.client == "phone"]
    assert theirs == [
        (1, 502, "download/http-error"),
        (2, 502, "download/http-error"),
        (3, 200, None),
        (4, 200, None),
    ]


async def test_two_attempts_at_once_never_share_a_strike(server: Asking) -> None:
    await arm(server, "download/http-error", times=3)
    url = (await ask(server)).json["url"]
    answers = await asyncio.gather(*(server.get(url) for _ in range(8)))
    assert Counter(answer.status for answer in answers) == {503: 3, 200: 5}


# Beside each other


async def test_the_narrowest_scope_strikes_first_and_the_broader_one_is_not_used_up(server: Asking) -> None:
    await arm(server, "check/http-error", parameters={"status": 500}, times=1, client="phone")
    await arm(server, "check/http-error", parameters={"status": 501}, times=1)
    await arm(server, "check/http-error", parameters={"status": 502}, times=1, channel="production")
    answered = [(await ask(server)).status for _ in range(4)]
    assert answered == [500, 502, 501, 200]


async def test_of_one_scope_the_newest_strikes(server: Asking) -> None:
    await arm(server, "html-page", times=1)
    await arm(server, "check/http-error", times=1)
    assert [(await ask(server)).status for _ in range(3)] == [503, 200, 200]
    struck = [one.fault for one in await times(server.engine, CheckAnswered, 3)]
    assert struck == ["check/http-error", "html-page", None]


async def test_a_fault_suppresses_a_forced_204_and_does_not_spend_it(server: Asking) -> None:
    await command(server, "force-204", on=True, times=1)
    await arm(server, "check/http-error", times=2)
    answers = [await ask(server) for _ in range(4)]
    assert [(one.status, one.reason) for one in answers] == [
        (503, "fault"),
        (503, "fault"),
        (204, "forced-204"),
        (200, "newer-release"),
    ]


async def test_what_is_armed_for_a_client_or_a_channel_is_met_by_nobody_else(server: Asking) -> None:
    await arm(server, "check/http-error", client="phone")
    await arm(server, "check/http-error", channel="beta")
    assert (await ask(server)).status == 503
    assert (await ask(server, "tablet")).status == 200
    assert (await ask(server, "tablet", channel="beta")).status == 503


# What is seen of it


async def test_what_is_recorded_is_what_went_out_and_the_fault_that_did_it(server: Asking) -> None:
    await arm(server, "malformed-json", times=1)
    await ask(server)
    await arm(server, "missing-bundle", times=1)
    await ask(server)
    bent, kept = await times(server.engine, CheckAnswered, 2)
    assert (bent.status, bent.reason, bent.fault, bent.offered) == (200, "fault", "malformed-json", None)
    assert (kept.status, kept.reason, kept.fault, kept.offered) == (200, "fault", "missing-bundle", 1)
    assert (bent.args["instead"], bent.args["left"]) == ("newer-release", 0)


async def test_a_preview_of_arming_is_what_then_happens(server: Asking) -> None:
    for client, sequence in (("phone", 0), ("tablet", 1)):
        await ask(server, client, sequence)
    for fault, whose in (("html-page", ["phone", "tablet"]), ("wrong-key", ["phone"]), ("truncate", [])):
        path = "/api/commands/arm-fault"
        would = (await server.control(f"{path}?dry_run=1", {"fault": fault})).json
        assert server.engine.controls.faults == ()
        done = (await server.control(path, {"fault": fault})).json
        assert would["changes"] == done["changes"]
        assert would["result"] == {**done["result"], "id": would["result"]["id"]}
        # What a client hears of a bad signature is an offer like any other; that it is struck is what changes.
        assert [change["client"] for change in done["changes"]] == whose
        for client, sequence in (("phone", 0), ("tablet", 1)):
            assert ((await ask(server, client, sequence)).reason == "fault") == (client in whose)
        await command(server, "disarm-fault", id=done["result"]["id"])


# How it ends


async def test_disarmed_it_strikes_no_more_and_its_number_is_not_given_again(server: Asking) -> None:
    first = await arm(server, "check/http-error")
    assert await statuses(server, 2) == [503, 503]
    await command(server, "disarm-fault", id=first["id"])
    assert await statuses(server, 2) == [200, 200]
    gone = await server.control("/api/commands/disarm-fault", {"id": first["id"]})
    assert (gone.status, gone.json["title"]) == (404, "unknown-fault")
    assert (await arm(server, "check/http-error"))["id"] == first["id"] + 1


async def test_armed_again_it_counts_anew(server: Asking) -> None:
    await arm(server, "check/http-error", times=2)
    assert await statuses(server, 1) == [503]
    await arm(server, "check/http-error", times=2)
    assert await statuses(server, 3) == [503, 503, 200]


async def test_clearing_ends_every_fault_at_once(server: Asking) -> None:
    for fault in ("check/http-error", "html-page", "truncate"):
        await arm(server, fault)
    await command(server, "clear-overrides")
    assert await statuses(server, 1) == [200]
    assert server.engine.controls.faults == ()


async def test_forgotten_a_client_is_met_by_what_is_for_everyone_alone(server: Asking) -> None:
    await arm(server, "check/http-error", client="phone")
    await ask(server)
    await command(server, "forget-client", client="phone")
    assert await statuses(server, 1) == [200]


@pytest.mark.parametrize("kept", [False, True])
async def test_a_clean_end_takes_faults_along_unless_they_are_to_be_kept(
    serve: Serve, dist: Path, kept: bool
) -> None:
    async with serve(keep_overrides=kept) as first:
        await first.publish(dist)
        await arm(first, "check/http-error", times=3)
        await ask(first)
    async with serve(keep_overrides=kept) as second:
        assert left(second.engine.controls) == ({1: 2} if kept else {})
        told = [one.code for one in await so_far(second.engine, Noticed)]
        assert ("overrides-kept" in told) is kept
        assert await statuses(second, 3) == ([503, 503, 200] if kept else [200, 200, 200])
