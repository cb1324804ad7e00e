"""Simulated clients against our server: each lives as an app with the plugin does."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from hotswap_dev.domain.observations import CheckAnswered, LifecycleReported
from hotswap_dev.domain.rollout import bucket
from hotswap_dev.fleet.fleet import ActName
from hotswap_dev.fleet.plan import Crew
from tests.server.asking import Asking, so_far
from tests.server.conftest import Serve
from tests.server.fleets import living

ONE = Crew(poll=30)
THOSE_OF_A_PAGE: tuple[ActName, ...] = ("check", "update", "rollback")


@pytest.fixture
async def served(serve: Serve) -> Any:
    async with serve(app_version="1.0.0") as server:
        yield server


async def test_what_is_saved_is_offered_fetched_applied_and_confirmed(served: Asking) -> None:
    async with living(served, Crew(poll=30)) as told:
        await told.fleet.live(until=20)
        sequence = await told.sample("hello-v1")
        await told.fleet.live(until=100)
        told.steps = [step for step in told.steps if step.detail != "no-release"]
        assert told.whats()[:6] == ["launched", "checked", "fetched", "applied", "confirmed", "checked"]
        assert (told.only.running, told.only.confirmed) == (sequence, True)
        assert [step.detail for step in told.steps if step.what == "checked"][:2] == [
            "newer-release",
            "up-to-date",
        ]


async def test_a_client_says_who_it_is_and_its_page_reports_what_no_request_shows(served: Asking) -> None:
    crew = Crew(poll=30, platforms={"ios": 1}, channels={"beta": 1})
    async with living(served, crew) as told:
        await told.sample("hello-v1", channel="beta")
        await told.fleet.act("update", told.fleet.phones)
        client = told.only.plan.id
        (check,) = await so_far(served.engine, CheckAnswered)
        assert (check.client, check.platform, check.arch, check.channel) == (client, "ios", "aarch64", "beta")
        reports = await so_far(served.engine, LifecycleReported)
        assert [(one.client, one.lifecycle, one.sequence) for one in reports] == [
            (client, "apply", 1),
            (client, "ready-confirmed", 1),
        ]
        assert served.engine.clients[client].confirmed == 1


async def test_a_client_that_does_not_report_is_only_known_by_its_requests(served: Asking) -> None:
    async with living(served, Crew(reports=False)) as told:
        await told.sample("hello-v1")
        await told.fleet.act("update", told.fleet.phones)
        await told.fleet.act("check", told.fleet.phones)
        label = served.engine.clients[told.only.plan.id].label
        assert label is not None
        assert label.code == "applied"
        assert told.only.confirmed
        assert await so_far(served.engine, LifecycleReported) == []


async def test_a_page_that_crashes_is_given_up_when_the_app_is_opened_again_and_offered_again(
    served: Asking,
) -> None:
    async with living(served, ONE) as told:
        good = await told.sample("hello-v1")
        await told.fleet.live(until=40)
        bad = await told.sample("crashes-on-load")
        await told.fleet.live(until=160)
        round_ = ["checked", "fetched", "applied", "crashed", "closed", "fell-back", "launched"]
        begins = told.whats().index("crashed") - 3
        assert told.whats()[begins : begins + 2 * len(round_)] == 2 * round_
        falls = [step for step in told.steps if step.what == "fell-back"]
        crashes = [step for step in told.steps if step.what == "crashed"]
        assert {(step.offered, step.sequence) for step in falls} == {(bad, good)}
        waited = {round(fall.at - crash.at, 3) for fall, crash in zip(falls, crashes, strict=False)}
        assert all(3 <= seconds <= 8 for seconds in waited)
        assert "rollback-loop" in {turn.code for turn in served.engine.clients[told.only.plan.id].story}


async def test_while_a_crashed_page_is_shown_nothing_checks(served: Asking) -> None:
    async with living(served, Crew()) as told:
        await told.sample("crashes-on-load")
        await told.fleet.act("update", told.fleet.phones)
        before = len(told.steps)
        for act in THOSE_OF_A_PAGE:
            await told.fleet.act(act, told.fleet.phones)
        assert (told.only.crashed, len(told.steps)) == (True, before)
        await told.fleet.act("restart", told.fleet.phones)
        assert (told.only.crashed, told.only.running) == (False, 0)


@pytest.mark.parametrize(
    ("crew", "mandatory", "applied_after"),
    [
        (Crew(poll=1000, clicks=7), False, 7.0),
        (Crew(poll=1000, clicks=7), True, 0.0),
        (Crew(poll=1000, clicks=None), False, None),
        (Crew(poll=1000, clicks=None), True, 0.0),
        (Crew(poll=1000, clicks=7, ignores=1), False, None),
        (Crew(poll=1000, clicks=0), False, 0.0),
    ],
)
async def test_a_person_clicks_later_or_never_but_a_mandatory_update_is_taken_at_once(
    crew: Crew, mandatory: bool, applied_after: float | None, served: Asking
) -> None:
    async with living(served, crew) as told:
        await told.sample("hello-v1", mandatory=mandatory)
        await told.fleet.live(until=1050)
        at = {step.what: step.at for step in reversed(told.steps)}
        assert at["checked"] <= 1000
        if applied_after is None:
            assert "applied" not in at
        else:
            assert at["applied"] - at["checked"] == pytest.approx(applied_after, abs=0.002)


async def test_a_click_after_the_app_was_closed_finds_nothing_pending(served: Asking) -> None:
    async with living(served, Crew(clicks=10)) as told:
        await told.sample("hello-v1")
        await told.fleet.act("check", told.fleet.phones)
        await told.fleet.act("restart", told.fleet.phones)
        await told.fleet.live(until=100)
        assert told.whats() == ["launched", "checked", "closed", "launched"]


async def test_a_newer_binary_discards_what_was_made_for_the_older_one(served: Asking) -> None:
    crew = Crew(poll=10, upgrades_to="2.0.0", upgrades_after=30)
    async with living(served, crew) as told:
        await told.sample("hello-v1")
        await told.fleet.live(until=65)
        done = [step for step in told.steps if step.what in ("upgraded", "discarded")]
        assert [(step.what, step.detail, step.offered, step.sequence) for step in done] == [
            ("upgraded", "2.0.0", None, 0),
            ("discarded", "", 1, 0),
        ]
        assert served.engine.clients[told.only.plan.id].binary_version == "2.0.0"


async def test_an_older_binary_sets_aside_what_is_too_new_and_a_newer_one_finds_it_again(
    served: Asking,
) -> None:
    async with living(served, Crew()) as told:
        await told.sample("hello-v1")
        await told.fleet.act("update", told.fleet.phones)
        await told.fleet.act("upgrade", told.fleet.phones, "0.9.0")
        assert (told.whats()[-3:], told.only.running) == (["upgraded", "set-aside", "launched"], 0)
        await told.fleet.act("upgrade", told.fleet.phones, "1.0.0")
        assert (told.whats()[-2:], told.only.running) == (["upgraded", "launched"], 1)


async def test_a_phone_that_is_ahead_runs_what_it_came_with_until_the_server_is_past_it(
    served: Asking,
) -> None:
    async with living(served, Crew(sequence=40, failure_rate=1.0)) as told:
        await told.sample("hello-v1")
        await told.fleet.act("update", told.fleet.phones)
        assert told.steps[-1].detail == "client-ahead"
        assert (told.only.running, told.only.confirmed) == (40, True)
        label = served.engine.clients[told.only.plan.id].label
        assert label is not None
        assert label.code == "ahead"


async def test_a_rollback_by_the_app_is_one_and_is_reported(served: Asking) -> None:
    async with living(served, Crew()) as told:
        await told.sample("hello-v1")
        await told.fleet.act("update", told.fleet.phones)
        await told.fleet.act("rollback", told.fleet.phones)
        last = told.steps[-1]
        assert (last.what, last.offered, last.sequence, last.detail) == ("fell-back", 1, 0, "rollback()")
        assert (await so_far(served.engine, LifecycleReported))[-1].lifecycle == "rollback"


async def test_the_failure_rate_breaks_a_good_release_on_some_and_each_time_on_the_same(
    served: Asking,
) -> None:
    async with living(served, Crew(count=40, poll=20, failure_rate=0.3)) as told:
        await told.sample("hello-v1")
        await told.fleet.live(until=100)
        hit = told.clients("crashed")
        assert 4 <= len(hit) <= 22
        assert told.clients("confirmed") == set(told.fleet.phones) - hit
        assert Counter(step.client for step in told.steps if step.what == "crashed").most_common()[-1][1] > 1


async def test_a_rollout_reaches_those_whom_it_is_for_and_nobody_else(served: Asking) -> None:
    async with living(served, Crew(count=60, poll=10)) as told:
        sequence = await told.sample("hello-v1")
        await told.command("set-rollout", sequence=sequence, percent=25)
        await told.fleet.live(until=25)
        inside = {client for client in told.fleet.phones if bucket(client, sequence) < 25}
        assert 3 < len(inside) < 30
        assert told.clients("confirmed") == inside
        await told.command("set-rollout", sequence=sequence, percent=100)
        await told.fleet.live(until=50)
        assert told.clients("confirmed") == set(told.fleet.phones)


async def test_failed_requests_are_told_and_life_goes_on(served: Asking) -> None:
    async with living(served, Crew(count=3, poll=10)) as told:
        await told.sample("hello-v1")
        armed = await told.command("arm-fault", fault="check/http-error")
        await told.fleet.live(until=12)
        await told.command("disarm-fault", id=armed["id"])
        failures = [step for step in told.steps if step.what == "check-failed"]
        assert {step.detail for step in failures} == {"HTTP 503: update check failed"}
        assert {step.client for step in failures} == set(told.fleet.phones)
        await told.fleet.live(until=30)
        assert told.clients("confirmed") == set(told.fleet.phones)


async def test_a_download_that_fails_four_times_takes_its_pauses_of_its_own_time_alone(
    served: Asking,
) -> None:
    async with living(served, Crew(count=2, poll=100)) as told:
        await told.sample("hello-v1")
        first, second = sorted(told.fleet.phones.values(), key=lambda one: one.plan.first_check or 0)
        await told.command("arm-fault", fault="download/http-error", times=4)
        began = time.monotonic()
        await told.fleet.live(until=100)
        assert time.monotonic() - began < 7
        failed = next(step for step in told.steps if step.what == "failed")
        assert (failed.client, failed.detail) == (first.plan.id, "HTTP 503: bundle download failed")
        assert failed.at == pytest.approx((first.plan.first_check or 0) + 7, abs=0.01)
        assert told.clients("confirmed") == {second.plan.id}


async def test_offline_nobody_is_reached_and_no_addresses_are_in_the_story(served: Asking) -> None:
    async with living(served, Crew(poll=10)) as told:
        await told.fleet.live(until=11)
        await told.offline()
        await told.fleet.live(until=22)
        assert told.whats()[-1] == "check-failed"
        assert told.steps[-1].detail == "network error: error sending request for url (…)"
        await told.online()
        await told.fleet.live(until=45)
        assert told.whats()[-1] == "checked"
        assert told.fleet.lost_reports == 1  # of the check that failed: it could not be told either


async def test_a_poisoned_bundle_is_verified_once_refused_by_all_and_told_to_the_server(
    served: Asking,
) -> None:
    async with living(served, Crew(count=12)) as told:
        await told.sample("hello-v1")
        armed = await told.command("arm-fault", fault="path-traversal")
        await told.fleet.act("update", told.fleet.phones)
        assert {step.detail for step in told.steps if step.what == "failed"} == {
            "extraction failed: unsafe path component in archive: ../evil"
        }
        assert told.clients("failed", sequence=armed["sequence"]) == set(told.fleet.phones)
        assert (told.fleet.bundles.verified, told.fleet.bundles.recalled) == (1, 11)
        assert {row["label"]["code"] for row in await told.rows()} == {"failed"}
