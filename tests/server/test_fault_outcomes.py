"""What the server says of a client after a fault had struck it, as clients of all kinds show themselves over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hotswap_dev.domain.commands import ArmFault
from hotswap_dev.domain.commands.clients import ForgetClient
from hotswap_dev.domain.commands.faults import DisarmFault
from hotswap_dev.domain.observations import DownloadEnded, FaultOutcome
from tests.server.asking import Asking, happened, so_far, until, write_frontend
from tests.server.update_asking import ask


@dataclass
class Client:
    """A client that does what a test says, whatever the plugin would do."""

    server: Asking
    name: str = "phone"
    runs: int = 1

    async def asks(self) -> Mapping[str, Any]:
        """Check; the manifest, empty where none came."""
        answer = await self.server.check(self.runs, {"X-Device-Id": self.name})
        return dict(answer.json) if answer.status == 200 and answer.body.startswith(b"{") else {}

    async def fetches(self, manifest: Mapping[str, Any]) -> None:
        """One attempt at the bundle, and its end is seen."""
        before = len(await so_far(self.server.engine, DownloadEnded))
        with contextlib.suppress(aiohttp.ClientError):
            await self.server.get(str(manifest["url"]))
        ends = [0]

        def counted(_: DownloadEnded) -> bool:
            ends[0] += 1
            return ends[0] > before

        await happened(self.server.engine, DownloadEnded, counted)

    async def reports(self, event: str, **more: Any) -> None:
        """Its page hands on what its plugin says."""
        body = json.dumps({"event": event, "device": self.name, **more}).encode()
        site = self.server.running.file.site
        answer = await self.server._ask(
            "POST", f"{site}/api/lifecycle", {"Content-Type": "application/json"}, body
        )
        assert answer.status == 204


async def arm(server: Asking, fault: str, **more: Any) -> dict[str, Any]:
    done = await server.engine.run(ArmFault(fault=fault, **more))
    assert isinstance(done.result, dict)
    return done.result


async def outcomes(server: Asking) -> list[FaultOutcome]:
    return await so_far(server.engine, FaultOutcome)


@pytest.fixture
async def offering(server: Asking, tmp_path: Path) -> Asking:
    """A server that offers 2 to whoever runs 1."""
    await server.publish(write_frontend(tmp_path / "second", "second"))
    return server


async def test_a_client_that_runs_a_bundle_of_another_key_is_unexpected(offering: Asking) -> None:
    armed = await arm(offering, "wrong-key")
    client = Client(offering)
    await client.fetches(await client.asks())
    client.runs = 2

    await client.asks()

    [said] = await outcomes(offering)
    assert (said.client, said.override, said.fault, said.sequence, said.outcome) == (
        "phone",
        armed["id"],
        "wrong-key",
        2,
        "unexpected",
    )
    assert "different key" in said.detail


async def test_a_client_that_keeps_what_it_runs_is_as_expected_and_told_so_once(offering: Asking) -> None:
    await arm(offering, "wrong-key")
    client = Client(offering)
    for _ in range(3):
        await client.fetches(await client.asks())

    await client.asks()

    assert [one.outcome for one in await outcomes(offering)] == ["as-expected"]


async def test_a_client_that_never_asks_for_the_bundle_cannot_be_told(offering: Asking) -> None:
    await arm(offering, "wrong-key")
    client = Client(offering)

    for _ in range(6):
        await client.asks()

    assert [one.outcome for one in await outcomes(offering)] == ["cannot-tell"]


async def test_four_attempts_that_fail_are_counted_as_they_end(offering: Asking) -> None:
    armed = await arm(offering, "truncate")
    client = Client(offering)
    manifest = await client.asks()
    for _ in range(4):
        await client.fetches(manifest)
    assert await outcomes(offering) == []

    await client.asks()

    [said] = await outcomes(offering)
    assert (said.outcome, said.override) == ("as-expected", armed["id"])
    assert said.detail == "4 attempts at 2, then nothing; it still reports 1"


async def test_a_download_that_is_slow_is_not_one_that_nobody_wanted(offering: Asking) -> None:
    await arm(offering, "stall", parameters={"seconds": 1})
    client = Client(offering)
    fetching = asyncio.create_task(client.fetches(await client.asks()))
    await until(lambda: offering.engine._outcomes._followed, "begun")
    for _ in range(4):
        await client.asks()
    assert await outcomes(offering) == []
    await fetching
    client.runs = 2

    await client.asks()

    assert [one.outcome for one in await outcomes(offering)] == ["as-expected"]


async def test_an_attempt_that_comes_through_after_two_that_were_struck_is_as_expected(
    offering: Asking,
) -> None:
    await arm(offering, "download/http-error", times=2)
    client = Client(offering)
    manifest = await client.asks()
    for _ in range(3):
        await client.fetches(manifest)
    client.runs = 2

    await client.asks()

    [said] = await outcomes(offering)
    assert (said.outcome, said.detail) == ("as-expected", "3 attempts at 2, and it runs 2")


async def test_a_client_that_activates_what_it_never_had_whole_is_unexpected(offering: Asking) -> None:
    await arm(offering, "corrupt-byte")
    client = Client(offering)
    await client.fetches(await client.asks())
    client.runs = 2

    await client.asks()

    assert [one.outcome for one in await outcomes(offering)] == ["unexpected"]


async def test_a_check_that_failed_is_followed_by_one_that_shows_what_it_runs(offering: Asking) -> None:
    await arm(offering, "check/http-error", times=1)
    client = Client(offering)

    assert await client.asks() == {}
    assert await outcomes(offering) == []
    assert await client.asks()

    assert [one.outcome for one in await outcomes(offering)] == ["as-expected"]


async def test_what_the_page_reports_is_told_at_once(offering: Asking) -> None:
    await arm(offering, "html-page")
    client = Client(offering)
    await client.asks()

    await client.reports("check-error", error="invalid manifest: error decoding response body")

    [said] = await outcomes(offering)
    assert (said.outcome, said.sequence) == ("as-expected", 2)


async def test_a_poisoned_release_that_ran_and_fell_back_is_as_expected(offering: Asking) -> None:
    armed = await arm(offering, "crash-on-load")
    client = Client(offering)
    await client.fetches(await client.asks())
    client.runs = armed["sequence"]
    await client.asks()
    client.runs = 1
    await client.asks()

    [said] = await outcomes(offering)
    assert (said.outcome, said.override, said.sequence) == ("as-expected", armed["id"], armed["sequence"])
    assert said.detail == f"it ran {armed['sequence']}, and is back at 1"


async def test_a_poisoned_release_that_cannot_be_extracted_and_runs_is_unexpected(offering: Asking) -> None:
    armed = await arm(offering, "path-traversal", client="phone")
    client = Client(offering)
    await client.fetches(await client.asks())
    client.runs = armed["sequence"]

    await client.asks()

    assert [one.outcome for one in await outcomes(offering)] == ["unexpected"]


async def test_whoever_was_offered_it_before_its_check_failed_may_take_it(offering: Asking) -> None:
    client = Client(offering)
    earlier = await client.asks()
    await arm(offering, "html-page")
    await client.asks()

    await client.fetches(earlier)

    assert [one.outcome for one in await outcomes(offering)] == ["cannot-tell"]


async def test_whoever_had_fetched_it_before_its_signature_was_bad_may_run_it(offering: Asking) -> None:
    client = Client(offering)
    await client.fetches(await client.asks())
    await arm(offering, "wrong-key")
    await client.fetches(await client.asks())
    client.runs = 2

    await client.asks()

    assert [one.outcome for one in await outcomes(offering)] == ["cannot-tell"]


async def test_a_newer_release_under_the_same_fault_takes_the_place_of_the_one_before(
    offering: Asking, tmp_path: Path
) -> None:
    await arm(offering, "wrong-key")
    client = Client(offering)
    await client.asks()
    await offering.publish(write_frontend(tmp_path / "third", "third"))

    for _ in range(5):
        await client.asks()

    assert [(one.sequence, one.outcome) for one in await outcomes(offering)] == [(3, "cannot-tell")]


async def test_the_times_that_were_left_count(offering: Asking) -> None:
    await arm(offering, "download/http-error", times=1)
    client = Client(offering)
    await client.fetches(await client.asks())

    for _ in range(3):
        await client.asks()

    [said] = await outcomes(offering)
    assert said.outcome == "cannot-tell"
    assert "none of them came whole" in said.detail


async def test_each_client_has_its_own_and_who_was_not_struck_has_none(offering: Asking) -> None:
    await arm(offering, "wrong-key", client="phone")
    phone, tablet = Client(offering), Client(offering, "tablet")
    for client in (phone, tablet):
        await client.fetches(await client.asks())
        client.runs = 2
        await client.asks()

    assert [(one.client, one.outcome) for one in await outcomes(offering)] == [("phone", "unexpected")]


async def test_two_faults_that_struck_one_client_are_told_apart(offering: Asking) -> None:
    late = await arm(offering, "check/delay", parameters={"ms": 1})
    broken = await arm(offering, "truncate")
    client = Client(offering)
    manifest = await client.asks()
    for _ in range(4):
        await client.fetches(manifest)

    for _ in range(3):
        await client.asks()

    # Of the delay: it fetched it, and does not run it; that this is the other fault's doing is not its business.
    assert [(one.override, one.outcome) for one in await outcomes(offering)] == [
        (broken["id"], "as-expected"),
        (late["id"], "cannot-tell"),
    ]


async def test_what_a_fault_did_before_it_was_disarmed_is_told_all_the_same(offering: Asking) -> None:
    armed = await arm(offering, "truncate")
    client = Client(offering)
    manifest = await client.asks()
    for _ in range(4):
        await client.fetches(manifest)
    await offering.engine.run(DisarmFault(id=armed["id"]))

    await client.asks()

    [said] = await outcomes(offering)
    assert (said.outcome, said.override) == ("as-expected", armed["id"])


async def test_a_client_that_is_forgotten_is_not_followed_any_more(offering: Asking) -> None:
    await arm(offering, "wrong-key")
    client = Client(offering)
    await client.fetches(await client.asks())
    await offering.engine.run(ForgetClient(client="phone"))
    client.runs = 2

    await client.asks()

    assert await outcomes(offering) == []


async def test_a_client_of_the_second_protocol_has_no_expected_reaction(offering: Asking) -> None:
    await arm(offering, "check/http-error")

    for _ in range(4):
        await ask(offering)

    assert await outcomes(offering) == []


async def test_a_fault_of_offers_where_nothing_is_offered_expects_nothing(offering: Asking) -> None:
    await arm(offering, "check/delay", parameters={"ms": 1})
    client = Client(offering, runs=2)

    for _ in range(5):
        await client.asks()

    assert await outcomes(offering) == []


async def test_an_outcome_is_in_the_history(offering: Asking) -> None:
    await arm(offering, "check/http-error")
    client = Client(offering)
    await client.asks()
    await client.asks()
    [said] = await outcomes(offering)

    def recorded() -> list[str]:
        rows = offering.engine.history._reader.execute("select body from observations").fetchall()
        return [row[0] for row in rows if b'"fault-outcome"' in bytes(str(row[0]), "utf-8")]

    await until(recorded, "recorded")
    assert said.detail in recorded()[0]
