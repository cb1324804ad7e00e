"""Poisoned releases as clients meet them: made, offered, taken back, whatever ends first."""

from __future__ import annotations

import asyncio
import gzip
import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.observations import Noticed
from tests.server.asking import Answer, Asking, happened, so_far, write_frontend
from tests.server.conftest import Serve
from tests.server.publishing import bundles, demand_sound


class KilledError(Exception):
    """A run that does not end in order."""


@asynccontextmanager
async def killed(serve: Serve, **options: Any) -> AsyncIterator[Asking]:
    """A server that is gone at the end without having ended its overrides, as after kill -9."""
    with pytest.raises(KilledError):
        async with serve(**options) as server:
            yield server
            raise KilledError


async def command(server: Asking, verb: str, **arguments: Any) -> Any:
    done = await server.control(f"/api/commands/{verb}", arguments)
    assert done.status == 200, done.body
    return done.json


async def arm(server: Asking, fault: str = "crash-on-load", **arguments: Any) -> Any:
    """What arming it came to: its number and its release."""
    return (await command(server, "arm-fault", fault=fault, **arguments))["result"]


async def ask(server: Asking, sequence: int = 0, client: str = "phone", **query: str) -> Answer:
    return await server.check(sequence, {"X-Device-Id": client}, **query)


async def offered(server: Asking, sequence: int = 0, client: str = "phone", **query: str) -> int | None:
    answer = await ask(server, sequence, client, **query)
    return answer.json["sequence"] if answer.status == 200 else None


async def page_of(server: Asking, sequence: int, client: str = "phone") -> str:
    """The page in the bundle that a client at `sequence` is offered."""
    offer = (await ask(server, sequence, client)).json
    body = (await server.get(offer["url"])).body
    assert len(body) == offer["bundle_size"]
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(body))) as archive:
        page = archive.extractfile("index.html")
        assert page is not None
        return page.read().decode()


async def test_a_bad_copy_is_offered_under_the_next_sequence_and_its_bytes_are_others(
    server: Asking,
) -> None:
    healthy = await page_of(server, 0)
    armed = await arm(server)
    assert armed == {"id": 1, "fault": "crash-on-load", "sequence": 2}
    assert await offered(server, 1) == 2
    bad = await page_of(server, 1)
    assert bad != healthy
    release = server.engine.controls.releases[2]
    assert (release.origin, release.from_sequence, release.version) == ("poisoned", 1, "0.1.0-ota.1-poisoned")
    demand_sound(server.engine)


async def test_disarmed_it_is_offered_to_nobody_and_who_took_it_gets_the_healthy_one(server: Asking) -> None:
    healthy = await page_of(server, 0)
    armed = await arm(server)
    done = await command(server, "disarm-fault", id=armed["id"])
    assert [event["event"] for event in done["events"]] == [
        "release-withheld",
        "release-added",
        "fault-disarmed",
    ]
    assert await page_of(server, 2) == healthy
    assert [await offered(server, sequence) for sequence in range(4)] == [1, None, 3, None]
    demand_sound(server.engine)


async def test_for_one_client_it_is_met_and_taken_back_by_that_client_alone(server: Asking) -> None:
    armed = await arm(server, "not-gzip", client="phone")
    assert (await offered(server, 0), await offered(server, 0, "tablet")) == (2, 1)
    await command(server, "disarm-fault", id=armed["id"])
    assert (await offered(server, 2), await offered(server, 2, "tablet")) == (3, None)


async def test_for_a_client_without_a_channel_it_lies_in_the_one_that_the_client_asks_for(
    server: Asking,
) -> None:
    await command(server, "promote", sequence=1, channel="beta")
    await ask(server, 0, "phone", channel="beta")
    armed = await arm(server, client="phone")
    assert server.engine.controls.releases[armed["sequence"]].channel == "beta"
    assert await offered(server, 2, "phone", channel="beta") == armed["sequence"]


async def test_a_preview_makes_no_bundle_and_says_whose_answers_change(server: Asking) -> None:
    for client in ("phone", "tablet"):
        await ask(server, 1, client)
    before = bundles(server.engine)
    for given in ({"client": "phone"}, {}):
        path = "/api/commands/arm-fault"
        asked = {"fault": "no-index", **given}
        would = (await server.control(f"{path}?dry_run=1", asked)).json
        assert bundles(server.engine) == before
        assert server.engine.controls.last_sequence == 1
        assert {change["client"] for change in would["changes"]} == (
            {"phone"} if given else {"phone", "tablet"}
        )
        assert {change["after"]["offered"] for change in would["changes"]} == {2}
    done = (await server.control(path, asked)).json
    assert would["changes"] == done["changes"]
    assert would["result"] == done["result"]


async def test_what_is_refused_leaves_no_bundle_behind(server: Asking) -> None:
    before = bundles(server.engine)
    for asked in (
        {"fault": "no-index", "channel": "empty"},
        {"fault": "no-index", "times": 3},
        {"fault": "no-index", "parameters": {"x": 1}},
    ):
        refused = await server.control("/api/commands/arm-fault", asked)
        assert refused.status in (400, 404)
    assert bundles(server.engine) == before
    assert server.engine.controls.last_sequence == 1


async def test_armed_and_published_at_once_each_has_a_number_of_its_own(
    server: Asking, tmp_path: Path
) -> None:
    folders = [write_frontend(tmp_path / f"build {number}", f"build {number}") for number in range(3)]
    faults = ("crash-on-load", "no-index", "blank-page")
    await asyncio.gather(
        *(arm(server, fault) for fault in faults), *(server.publish(folder) for folder in folders)
    )
    controls = server.engine.controls
    assert sorted(controls.releases) == list(range(1, 8))
    for armed in controls.faults:
        release = controls.releases[armed.sequence or 0]
        assert release.origin == "poisoned"
        assert controls.releases[release.from_sequence or 0].origin != "poisoned"
    demand_sound(server.engine)


# How a run ends


async def test_a_clean_end_takes_it_back_and_who_took_it_is_taken_on_after_the_next_start(
    serve: Serve, dist: Path
) -> None:
    async with serve() as server:
        await server.publish(dist)
        healthy = await page_of(server, 0)
        await arm(server)
        assert await offered(server, 1) == 2
    async with serve() as server:
        assert server.engine.controls.faults == ()
        assert [await offered(server, sequence) for sequence in range(4)] == [1, None, 3, None]
        assert await page_of(server, 2) == healthy
        assert "overrides-kept" not in [one.code for one in await so_far(server.engine, Noticed)]


async def test_a_kill_leaves_it_offered_and_the_next_start_says_so_and_can_take_it_back(
    serve: Serve, dist: Path
) -> None:
    async with killed(serve) as server:
        await server.publish(dist)
        await arm(server)
    async with serve() as server:
        notice = await happened(server.engine, Noticed, lambda one: one.code == "overrides-kept")
        assert "crash-on-load" in notice.message
        assert notice.hint == "hotswap-dev clear-overrides ends them"
        assert await offered(server, 1) == 2
        await command(server, "clear-overrides")
        assert [await offered(server, sequence) for sequence in (0, 1, 2)] == [1, None, 3]
        demand_sound(server.engine)


async def test_what_is_to_be_kept_is_offered_by_the_next_run_as_well(serve: Serve, dist: Path) -> None:
    async with serve(keep_overrides=True) as server:
        await server.publish(dist)
        await arm(server)
        bad = await page_of(server, 0)
    async with serve(keep_overrides=True) as server:
        assert await page_of(server, 1) == bad
        notice = await happened(server.engine, Noticed, lambda one: one.code == "overrides-kept")
        assert notice.level == "info"


async def test_a_restart_numbers_on_after_what_was_taken_back(serve: Serve, dist: Path) -> None:
    async with serve() as server:
        await server.publish(dist)
        await arm(server)
    async with serve() as server:
        release = await server.publish(write_frontend(dist, "second"))
        assert release.sequence == 4
        assert [await offered(server, sequence) for sequence in range(5)] == [4, 4, 4, 4, None]
