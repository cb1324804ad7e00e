"""Scenarios, played on a stage: what each step does to a server and to clients, and what is said where it can't."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hotswap_dev.cli.demo.phones import Phones
from hotswap_dev.client.live import LiveControl
from hotswap_dev.errors import Unreachable
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.scenario.meeting import Meeting
from hotswap_dev.scenario.own_server import own_server
from hotswap_dev.scenario.playing import play
from hotswap_dev.scenario.stage import Stage, staged
from hotswap_dev.scenario.verdict import Begun, Ended, Told
from tests.unit.scenario.playing_on import PHONES, SAVE, a_stage, played, written


def _step(**keys: object) -> str:
    """A `[[steps]]` of these keys."""
    lines = [f"{key} = {_toml(value)}" for key, value in keys.items()]
    return "\n".join(["[[steps]]", *lines]) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


async def test_each_step_is_told_when_it_begins_and_when_it_ends_with_its_story_time(tmp_path: Path) -> None:
    confirmed = _step(wait="confirmed", sequence="@good", all=True, say="They take it.", watch="the rows")
    verdict, told = await played(written(tmp_path, PHONES + SAVE + confirmed + _step(live=10)))

    assert verdict.ok
    steps = [one for one in told if not isinstance(one, Happened)]
    assert [(type(one), one.number) for one in steps] == [
        (Begun, 1), (Ended, 1), (Begun, 2), (Ended, 2), (Begun, 3), (Ended, 3),
    ]  # fmt: skip
    begun = steps[2]
    assert isinstance(begun, Begun)
    assert (begun.of, begun.say, begun.watch) == (3, "They take it.", "the rows")
    assert begun.text == "wait until all clients have confirmed @good (within 30 s)"
    save, wait, live = verdict.steps
    assert (save.seconds, save.sequence, save.judges) == (0.0, 1, False)
    assert 0 < wait.seconds <= 5.5
    assert wait.judges
    assert (live.at, live.seconds) == (wait.seconds, 10.0)
    assert verdict.seconds == pytest.approx(wait.seconds + 10)


async def test_a_step_that_fails_ends_the_scenario_and_the_others_are_skipped(tmp_path: Path) -> None:
    never = _step(wait="labelled", label="rollback-loop", within="20s")
    verdict, told = await played(
        written(tmp_path, PHONES + SAVE + never + _step(live=5) + SAVE.replace("good", "b"))
    )

    assert [step.outcome for step in verdict.steps] == ["passed", "failed", "skipped", "skipped"]
    assert verdict.failure == verdict.steps[1]
    assert verdict.steps[1].expected == "at least 1 client is labelled rollback-loop, within 20 s"
    assert verdict.steps[1].seen == "none of 3 is labelled rollback-loop; 3 run 1, last answered up-to-date"
    assert verdict.steps[1].seconds == 20.0
    assert [one.number for one in told if isinstance(one, Begun)] == [1, 2]


async def test_waiting_ends_as_soon_as_the_condition_holds_and_not_before_the_last_action_that_is_due(
    tmp_path: Path,
) -> None:
    slow = '[[clients]]\npoll = "30s"\nclicks = "29s"\n'
    just = await played(
        written(tmp_path, slow + SAVE + _step(wait="running", sequence="@good", within="65s"))
    )
    short = await played(
        written(tmp_path, slow + SAVE + _step(wait="running", sequence="@good", within="10s"))
    )

    assert just[0].ok
    assert short[0].failure is not None


# --- commands -----------------------------------------------------------------------------------------------------


async def test_waiting_for_clients_that_do_nothing_by_themselves_says_what_they_lack(tmp_path: Path) -> None:
    idle = "[[clients]]\ncount = 2\n"
    verdict, _ = await played(written(tmp_path, idle + SAVE + _step(wait="confirmed", within="20s")))

    assert verdict.steps[1].outcome == "failed"
    assert verdict.steps[1].seen.endswith("; no client does anything by itself: its [[clients]] have no poll")


async def test_names_stand_for_sequences_and_faults_and_clients(tmp_path: Path) -> None:
    document = (
        '[[clients]]\ngroup = "phones"\ncount = 2\nnames = ["Mia", "Ben"]\n'
        + SAVE
        + SAVE.replace("good", "next").replace("v1", "v2")
        + '[[steps]]\ndo = "set-rollout"\nsequence = "@next"\npercent = 0\nalways = ["Ben"]\n'
        + _step(do="pin-client", client="Mia", sequence="@good")
        + _step(act="update", group="phones")
        + _step(expect="running", sequence="@good", client="Mia")
        + _step(expect="running", sequence="latest", client="Ben")
        + _step(do="arm-fault", fault="check/http-error", client="Ben", **{"as": "broken"})
        + _step(do="disarm-fault", id="@broken")
        + _step(do="disarm-fault", id=1, refused="unknown-fault")
        + _step(do="reoffer", sequence="@good", **{"as": "again"})
        + _step(expect="newest", sequence="@again")
    )
    verdict, _ = await played(written(tmp_path, document))

    assert verdict.failure is None
    assert [step.sequence for step in verdict.steps if step.sequence] == [1, 2, 3]


async def test_a_refusal_fails_the_step_that_did_not_expect_it_and_its_absence_the_one_that_did(
    tmp_path: Path,
) -> None:
    refused, _ = await played(written(tmp_path, _step(do="withhold", sequence=7)))
    done, _ = await played(
        written(tmp_path, SAVE + _step(do="withhold", sequence=1, refused="unknown-release"))
    )
    other, _ = await played(written(tmp_path, _step(do="withhold", sequence=7, refused="bad-arguments")))

    assert refused.failure is not None
    assert refused.failure.expected == "withhold sequence=7 is done"
    assert refused.failure.seen.startswith("refused as unknown-release: sequence: there is no release 7")
    assert done.failure is not None
    assert (done.failure.expected, done.failure.seen) == (
        "withhold is refused as unknown-release",
        "it was done",
    )
    assert other.failure is not None
    assert other.failure.seen.startswith("refused as unknown-release")


async def test_latest_before_the_first_release_is_said_so(tmp_path: Path) -> None:
    verdict, _ = await played(written(tmp_path, _step(do="withhold", sequence="latest")))

    assert verdict.failure is not None
    assert verdict.failure.seen == "there is no release yet (save or publish one first)"


# --- clients --------------------------------------------------------------------------------------------------------


async def test_clients_do_what_they_are_told_once_and_nobody_else_does_anything(tmp_path: Path) -> None:
    document = (
        '[[clients]]\ngroup = "a"\ncount = 2\n[[clients]]\ngroup = "b"\ncount = 2\n'
        + SAVE
        + _step(act="update", group="a")
        + _step(expect="running", sequence="@good", group="a", all=True)
        + _step(expect="confirmed", sequence="@good", exactly=2)
        + _step(act="rollback", group="a")
        + _step(act="check", group="a")
        + _step(expect="offered", sequence="@good", exactly=2)
    )
    verdict, told = await played(written(tmp_path, document))

    assert verdict.failure is None
    assert {one.client[0] for one in told if isinstance(one, Happened)} == {"a"}


async def test_an_act_of_nobody_fails_with_the_groups_that_there_are() -> None:
    async with a_stage() as stage:
        with pytest.raises(Exception, match="no group of this scenario is called 'testers'"):
            stage.clients("testers", None)


async def test_a_prefix_keeps_clients_apart_and_their_names_still_mean_them(tmp_path: Path) -> None:
    document = '[[clients]]\nnames = ["Mia"]\n' + SAVE + _step(act="update", client="Mia")
    scenario = written(tmp_path, document + _step(expect="running", sequence="@good", client="Mia"))
    async with own_server() as (meeting, _):
        for prefix in ("one-", "two-"):
            async with staged(meeting, prefix=prefix) as stage:
                verdict = await play(scenario, stage)
                assert verdict.failure is None
                assert all(one.startswith(prefix) for one in stage.fleet.phones)
                state = await stage.control.state()
        assert {client.id.partition("-")[0] for client in state.clients} == {"one", "two"}


async def test_groups_that_are_there_join_once_and_new_ones_of_a_later_scenario_join_then(
    tmp_path: Path,
) -> None:
    first = written(tmp_path, '[[clients]]\ngroup = "a"\ncount = 2\n' + SAVE)
    second = written(
        tmp_path,
        '[[clients]]\ngroup = "a"\ncount = 2\n[[clients]]\ngroup = "b"\n' + SAVE.replace('"good"', '"more"'),
        "second.toml",
    )
    async with a_stage() as stage:
        await play(first, stage)
        await play(second, stage)

        assert {group: len(ids) for group, ids in stage.groups.items()} == {"a": 2, "b": 1}
        assert len(stage.fleet.phones) == 3
        assert stage.names == {"good": 1, "more": 2}


async def test_answers_are_counted_from_where_the_scenario_begins(tmp_path: Path) -> None:
    ask = written(
        tmp_path,
        "[[clients]]\n" + _step(act="check") + _step(expect="answered", reason="no-release", exactly=1),
    )
    async with a_stage() as stage:
        assert [(await play(ask, stage)).failure for _ in range(3)] == [None] * 3


# --- saves --------------------------------------------------------------------------------------------------------


async def test_the_same_folder_saved_twice_is_two_releases_that_the_server_found_by_itself(
    tmp_path: Path,
) -> None:
    async with a_stage() as stage:
        await play(written(tmp_path, SAVE + SAVE.replace('"good"', '"same"')), stage)
        releases = (await stage.control.state()).controls.releases

    assert stage.names == {"good": 1, "same": 2}
    assert [release.origin for release in releases.values()] == ["build", "build"]


async def test_where_no_folder_is_ours_to_write_to_a_save_is_published_by_the_command(tmp_path: Path) -> None:
    async with own_server() as (meeting, folder):
        async with staged(replace(meeting, watched=None)) as stage:
            verdict = await play(written(tmp_path, SAVE), stage)
            releases = (await stage.control.state()).controls.releases

        assert verdict.ok
        assert [release.origin for release in releases.values()] == ["publish"]
        assert list((folder / "dist").iterdir()) == []


async def test_a_build_that_the_server_refuses_fails_its_save_with_the_servers_words(tmp_path: Path) -> None:
    build = tmp_path / "build"
    build.mkdir()
    (build / "index.html").write_text("<p>hello</p>")
    (build / "id_rsa").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    verdict, _ = await played(written(tmp_path, _step(save="build")))

    assert verdict.failure is not None
    assert verdict.failure.expected == "a save of build becomes a release"
    assert verdict.failure.seen.startswith("the build is refused: ")
    assert "id_rsa" in verdict.failure.seen


async def test_a_save_of_which_nothing_comes_is_said_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotswap_dev.scenario.stage.SAVED_WITHIN", 0.3)
    async with (
        own_server() as (meeting, _),
        staged(replace(meeting, watched=tmp_path / "elsewhere")) as stage,
    ):
        verdict = await play(written(tmp_path, SAVE), stage)

    assert verdict.failure is not None
    assert verdict.failure.seen.startswith("nothing was published within 0.3 s of the save")


async def test_published_by_a_key_at_the_same_moment_a_save_still_has_its_release() -> None:
    async with a_stage() as stage:
        for _ in range(3):
            last = (await stage.control.state()).controls.last_sequence
            saved, _ = await asyncio.gather(stage.save(_sample("hello-v1")), _publishes(stage))
            assert saved > last


async def _publishes(stage: Stage) -> None:
    for _ in range(5):
        try:
            await stage.control.command("publish", {})
        except Exception:  # before the first save there is no page
            await asyncio.sleep(0.01)


def _sample(name: str) -> str:
    from hotswap_dev.scenario.samples import sample

    return str(sample(name))


# --- servers that go away ---------------------------------------------------------------------------------------------


async def test_a_server_that_is_lost_fails_the_step_and_is_named(tmp_path: Path) -> None:
    """The server ends while the clients live: what comes next can't be asked of it."""
    scenario = written(tmp_path, PHONES + SAVE + _step(live=5) + _step(expect="withheld", sequence="@good"))
    running = own_server()
    meeting, _ = await running.__aenter__()
    ended = False

    async def end() -> None:
        nonlocal ended
        ended = True
        await running.__aexit__(None, None, None)

    async with staged(meeting) as stage:
        stage.control = _Leaving(meeting, end)
        verdict = await play(scenario, stage)
        await stage.control.close()

    assert ended
    assert verdict.failure is not None
    assert verdict.failure.number == 3
    assert "does not answer" in verdict.failure.seen


class _Leaving(LiveControl):
    """A control site whose server ends when it is asked for the state after a release."""

    def __init__(self, meeting: Meeting, end: Callable[[], Any]) -> None:
        super().__init__(lambda: (meeting.control, meeting.token))
        self._end: Callable[[], Any] | None = end

    async def state(self) -> Any:
        found = await super().state() if self._end is not None else None
        if found is not None and not found.controls.releases:
            return found
        if self._end is not None:
            end, self._end = self._end, None
            await end()
        return await super().state()


async def test_a_stage_at_no_server_can_t_be_had() -> None:
    nowhere = Meeting(site="http://127.0.0.1:1", pubkey="", control="http://127.0.0.1:1", token="")
    with pytest.raises(Unreachable):
        async with staged(nowhere):
            pass


async def test_an_own_server_leaves_nothing_behind_also_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        async with own_server() as (meeting, folder):
            assert meeting.watched == folder / "dist"
            raise ZeroDivisionError
    assert not folder.exists()


async def test_in_real_time_the_clients_live_until_something_is_wanted(tmp_path: Path) -> None:
    told: list[Told] = []
    wanted = asyncio.Event()

    def tell(one: Happened) -> None:
        told.append(one)
        if one.what == "confirmed":
            wanted.set()

    async with a_stage(pace=0.01, tell=tell) as stage:
        await play(written(tmp_path, PHONES + SAVE), stage)
        async with asyncio.timeout(20):
            await Phones(stage).live(wanted)

    assert any(isinstance(one, Happened) and one.what == "confirmed" for one in told)
