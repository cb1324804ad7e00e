"""A fleet's one queue: what is due next is done next, the same in every run of a seed, and nothing is lost."""

from __future__ import annotations

import asyncio
import gc
import itertools
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.errors import HotswapError, NotFound
from hotswap_dev.fleet import phone as phone_module
from hotswap_dev.fleet.clock import Clock
from hotswap_dev.fleet.fleet import Fleet
from hotswap_dev.fleet.plan import Crew, planned
from hotswap_dev.server.allowance import Allowance
from tests.server.asking import Asking, until, write_frontend
from tests.server.conftest import Serve
from tests.server.fleets import Told, fresh, living

# No program is started, but its stories take as long.
pytestmark = pytest.mark.processes

STORY = (
    Crew(
        group="phones",
        count=20,
        platforms={"android": 2, "ios": 1},
        poll=30,
        clicks=4,
        ignores=0.2,
        reopens=50,
        failure_rate=0.2,
    ),
    Crew(group="late", count=6, poll=20, upgrades_to="2.0.0", upgrades_after=60, channels={"beta": 1}),
    Crew(group="ahead", count=2, poll=25, sequence=40),
)


@pytest.fixture
async def served(serve: Serve) -> Any:
    async with serve(app_version="1.0.0") as server:
        yield server


async def story(folder: Path) -> Told:
    async with fresh(folder) as server, living(server, STORY, seed=9) as told:
        await told.sample("hello-v1")
        await told.fleet.live(until=30)
        await told.command("arm-fault", fault="check/http-error", times=5)
        await told.sample("hello-v2", mandatory=True)
        await told.command("set-rollout", sequence=2, percent=40)
        await told.fleet.live(until=70)
        bad = await told.sample("crashes-on-load", channel="beta")
        await told.fleet.live(until=120)
        await told.command("withhold", sequence=bad)
        await told.command("arm-fault", fault="download/http-error", times=6)
        await told.command("set-rollout", sequence=2, percent=100)
        await told.fleet.act("update", told.fleet.phones)
        await told.offline()
        await told.fleet.live(until=140)
        await told.online()
        await told.fleet.live(until=200)
        assert await told.wrong_labels() == ()
        return told


async def test_two_runs_of_one_seed_against_fresh_servers_tell_the_same_story_moment_by_moment(
    tmp_path: Path,
) -> None:
    first, second = await story(tmp_path / "first"), await story(tmp_path / "second")
    assert first.steps == second.steps
    whats = {step.what for step in first.steps}
    assert whats >= {"check-failed", "failed", "confirmed", "crashed", "fell-back", "discarded", "upgraded"}
    assert [step.at for step in first.steps[:28]] == [0.0] * 28


async def test_with_one_at_once_no_clients_own_time_ever_falls(served: Asking) -> None:
    async with living(served, STORY, seed=3) as told:
        await told.sample("hello-v1")
        await told.fleet.live(until=90)
        for client in told.fleet.phones:
            own = [step.at for step in told.steps if step.client == client]
            assert own == sorted(own)


async def test_many_at_once_end_where_one_after_the_other_does(tmp_path: Path) -> None:
    ends = []
    for at_once in (1, 16):
        async with (
            fresh(tmp_path / str(at_once)) as server,
            living(server, Crew(count=40, poll=20, failure_rate=0.2), seed=5, at_once=at_once) as told,
        ):
            await told.sample("hello-v1")
            await told.fleet.live(until=60)
            await told.fleet.settled()
            ends.append((told.clients("confirmed"), told.clients("crashed"), told.clients("fell-back")))
            assert (told.fleet.bundles.verified, await told.wrong_labels()) == (1, ())
    assert ends[0] == ends[1]


async def test_step_by_step_each_does_what_is_due_next(served: Asking) -> None:
    async with living(served, Crew(count=3, poll=10)) as told:
        due = []
        for _ in range(9):
            due.append(told.fleet.due())
            assert await told.fleet.step()
        assert due[:3] == [0.0, 0.0, 0.0]
        assert due == sorted(due, key=lambda at: at or 0.0)
        assert [step.what for step in told.steps] == ["launched"] * 3 + ["checked"] * 6


async def test_where_nobody_ever_does_anything_a_step_says_so_and_life_still_takes_its_time(
    served: Asking,
) -> None:
    async with living(served, Crew()) as told:
        assert await told.fleet.step()
        assert (await told.fleet.step(), told.fleet.due()) == (False, None)
        await told.fleet.live(until=77)
        assert told.fleet.clock.now == 77


async def test_who_is_added_later_begins_then_and_who_is_there_stays_as_it_is(served: Asking) -> None:
    async with living(served, Crew(poll=10)) as told:
        await told.fleet.live(until=35)
        before = told.whats()
        more = planned([Crew(count=2, poll=10)], 1)
        added = told.fleet.add(more)
        assert [one.plan.id for one in added] == [more[1].id]
        await told.fleet.live(until=36)
        assert [step.at for step in told.steps if step.client == more[1].id] == [35.0]
        assert told.whats(more[0].id)[: len(before)] == before


async def test_a_driver_that_is_stopped_in_the_middle_leaves_what_was_due_to_be_done(
    served: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with living(served, Crew(poll=10)) as told:
        await told.fleet.live(until=0)
        reached, really = asyncio.Event(), phone_module.LivingPhone.do

        async def stuck(self: Any, doing: Any, at: float) -> None:
            reached.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(phone_module.LivingPhone, "do", stuck)
        due = told.fleet.due()
        driver = asyncio.create_task(told.fleet.live(until=60))
        await reached.wait()
        driver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await driver
        monkeypatch.setattr(phone_module.LivingPhone, "do", really)
        assert told.fleet.due() == due
        await told.fleet.live(until=60)
        assert told.whats().count("checked") in (5, 6)


async def test_what_goes_wrong_in_a_client_that_works_beside_others_is_not_swallowed(
    served: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Any, doing: Any, at: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(phone_module.LivingPhone, "do", broken)
    async with living(served, Crew(count=2), at_once=4) as told:
        with pytest.raises(ZeroDivisionError):
            await told.fleet.live(until=1)
            await told.fleet.settled()
        with pytest.raises(ZeroDivisionError):
            await told.fleet.settled()


async def test_at_the_pace_of_life_nobody_is_early_and_lateness_is_counted(served: Asking) -> None:
    async with living(served, Crew(count=10, poll=0.5), pace=1, at_once=8) as told:
        await told.fleet.live(until=told.fleet.clock.now + 1.2)
        await told.fleet.settled()
        plans = {one.plan.id: one.plan for one in told.fleet.phones.values()}
        firsts = {step.client: step.at for step in reversed(told.steps) if step.what == "checked"}
        assert firsts.keys() == plans.keys()
        assert all(at >= (plans[client].first_check or 0) for client, at in firsts.items())
        assert told.fleet.lateness.actions >= 20


async def test_a_server_that_takes_no_more_reports_now_gets_them_a_moment_later(
    served: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a fleet is one address, so that what an address may report is soon used up."""
    told_to_wait: list[str] = []

    def soon(text: str) -> float:
        told_to_wait.append(text)
        return 0.01

    answers = itertools.cycle([False, True])
    monkeypatch.setattr(phone_module, "_seconds", soon)
    monkeypatch.setattr(Allowance, "take", lambda *_: next(answers))
    async with living(served, Crew(count=4)) as told:
        await told.sample("hello-v1")
        await told.fleet.act("update", told.fleet.phones)
        assert {row["label"]["code"] for row in await told.rows()} == {"confirmed"}
        assert (told_to_wait, told.fleet.lost_reports) == (["1"] * 8, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", ["nobody"]), "there is no client 'nobody'"),
        (("upgrade", []), "upgrade with binary_version None"),
        (("check", [], "1.0.0"), "check with binary_version '1.0.0'"),
    ],
)
async def test_what_can_not_be_done_is_refused(arguments: Any, said: str, served: Asking) -> None:
    async with living(served, Crew()) as told:
        with pytest.raises((HotswapError, NotFound)) as refused:
            await told.fleet.act(*arguments)
        assert said in refused.value.message


async def test_before_it_is_entered_and_after_it_has_ended_a_fleet_does_nothing(served: Asking) -> None:
    fleet = Fleet((), site="http://127.0.0.1:1", pubkey="RW", clock=Clock(0), tell=lambda _: None)
    with pytest.raises(RuntimeError, match="does not live yet"):
        fleet.add(planned([Crew()], 1))
    with pytest.raises(ValueError, match="at_once is 0"):
        Fleet((), site="", pubkey="", clock=Clock(0), tell=lambda _: None, at_once=0)


async def test_clients_of_one_bundle_share_what_is_known_of_it(served: Asking, tmp_path: Path) -> None:
    """A thousand clients with bundles of a megabyte must not be a gigabyte."""
    async with living(served, Crew(count=30), at_once=8) as told:
        await told.server.publish(write_frontend(tmp_path / "large", noise=300_000))
        await told.fleet.act("update", told.fleet.phones)
        assert {one.running for one in told.fleet.phones.values()} == {1}
        gc.collect()
        kept = [one for one in gc.get_objects() if isinstance(one, bytes | bytearray) and len(one) > 250_000]
        assert kept == []
        await until(lambda: len(served.engine.clients) == 30, "all clients are known")
