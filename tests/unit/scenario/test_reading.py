"""Scenario files: what they say is what is played, and what can't be meant is told with its line and a way out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.errors import UsageError
from hotswap_dev.fleet.plan import Crew
from hotswap_dev.scenario.model import Act, Condition, Do, Expect, Live, Save, Scenario, Wait
from hotswap_dev.scenario.reading import MAX_BYTES, ScenarioError, read_file, read_scenario
from hotswap_dev.scenario.samples import samples
from hotswap_dev.scenario.steps import BESIDE, LEADING, VERBS, Known, step
from hotswap_dev.scenario.words import Mistake, duration
from tests.unit.making import a_release, commands, controls_with

CONTROLS = controls_with(a_release(1), a_release(2))


def read(document: str, **given: Any) -> Scenario:
    return read_scenario(document, "story.toml", **given)


def refused(document: str, **given: Any) -> ScenarioError:
    with pytest.raises(ScenarioError) as error:
        read(document, **given)
    return error.value


def a_step(text: str) -> str:
    return f'[[clients]]\nnames = ["Mia"]\n[[steps]]\nsave = "hello-v1"\nas = "good"\n[[steps]]\n{text}\n'


# --- what can be said ---------------------------------------------------------------------------------------------


def test_a_file_says_who_plays_and_what_happens() -> None:
    story = read(
        """
        title = "A story"
        about = \"\"\"It has
        two lines.\"\"\"
        seed = 7
        app_version = "2.0.0"

        [[clients]]
        group = "people"
        count = 4
        platforms = ["android", "ios"]
        arches = "arm"
        binary_versions = {"1.0.0" = 0.7, "0.9.0-rc.1" = 0.3}
        channels = ["beta"]
        names = ["Mia", "Ben"]
        poll = "10s"
        clicks = "never"
        ignores = 0.25
        reopens = "10m"
        upgrades_to = "2.0.0"
        upgrades_after = 90
        failure_rate = 1
        sequence = 500
        reports = false

        [[steps]]
        save = "hello-v2"
        as = "good"
        say = "A build   is saved"
        watch = "the top line"

        [[steps]]
        do = "set-rollout"
        sequence = "@good"
        percent = 10
        always = ["Mia"]

        [[steps]]
        do = "withhold"
        sequence = 99
        refused = "unknown-release"

        [[steps]]
        act = "upgrade"
        client = "Mia"
        binary_version = "3.0.0"

        [[steps]]
        wait = "answered"
        reason = "not-in-rollout"
        group = "people"
        at_least = 2
        within = "1m30s"

        [[steps]]
        expect = "newest"
        channel = "beta"
        sequence = "@good"

        [[steps]]
        live = "500ms"
        """
    )

    assert (story.title, story.about, story.seed, story.app_version) == (
        "A story",
        "It has two lines.",
        7,
        "2.0.0",
    )
    assert story.crews == (
        Crew(
            group="people",
            count=4,
            platforms={"android": 1.0, "ios": 1.0},
            arches={"arm": 1.0},
            binary_versions={"1.0.0": 0.7, "0.9.0-rc.1": 0.3},
            channels={"beta": 1.0},
            names=("Mia", "Ben"),
            poll=10.0,
            clicks=None,
            ignores=0.25,
            reopens=600.0,
            upgrades_to="2.0.0",
            upgrades_after=90.0,
            failure_rate=1.0,
            sequence=500,
            reports=False,
        ),
    )
    first = story.steps[0]
    assert (first.named, first.say, first.watch, first.line) == (
        "good",
        "A build is saved",
        "the top line",
        26,
    )
    assert [one.action for one in story.steps] == [
        Save(folder="hello-v2"),
        Do(command="set-rollout", arguments={"sequence": "@good", "percent": 10, "always": ["Mia"]}),
        Do(command="withhold", arguments={"sequence": 99}, refused="unknown-release"),
        Act(act="upgrade", client="Mia", binary_version="3.0.0"),
        Wait(until=Condition(is_="answered", code="not-in-rollout", group="people", at_least=2), within=90.0),
        Expect(that=Condition(is_="newest", sequence="@good", channel="beta")),
        Live(seconds=0.5),
    ]


def test_what_is_left_out_has_a_default_that_says_something() -> None:
    story = read('[[clients]]\n[[steps]]\nwait = "confirmed"\n')

    assert (story.title, story.seed, story.app_version, story.crews) == ("story", 1, "1.0.0", (Crew(),))
    assert story.steps[0].action == Wait(until=Condition(is_="confirmed", sequence="latest"), within=30.0)


def test_a_null_that_toml_lacks_is_said_as_none_as_on_the_command_line() -> None:
    story = read(
        a_step('do = "pin-client"\nclient = "Mia"\nsequence = "none"')
        + '[[steps]]\ndo = "edit-release"\nsequence = "latest"\nnotes = "none"\n'
    )

    assert [one.action.arguments for one in story.steps[1:] if isinstance(one.action, Do)] == [
        {"client": "Mia", "sequence": None},
        {"sequence": "latest", "notes": "none"},
    ]


def test_the_number_of_a_fault_is_known_by_the_name_of_the_step_that_armed_it() -> None:
    story = read(
        '[[steps]]\ndo = "arm-fault"\nfault = "check/delay"\nas = "slow"\n[steps.parameters]\nms = 5\n'
        '[[steps]]\ndo = "disarm-fault"\nid = "@slow"\n'
    )

    assert [one.action for one in story.steps] == [
        Do(command="arm-fault", arguments={"fault": "check/delay", "parameters": {"ms": 5}}),
        Do(command="disarm-fault", arguments={"id": "@slow"}),
    ]


def test_who_is_named_need_not_be_counted() -> None:
    [crew] = read('[[clients]]\nnames = ["Mia", "Ben"]\n[[steps]]\nlive = "1s"\n').crews
    assert (crew.count, crew.names) == (2, ("Mia", "Ben"))


def test_on_a_stage_that_others_played_on_their_clients_and_names_are_known() -> None:
    document = '[[steps]]\nact = "check"\ngroup = "cast"\n[[steps]]\nexpect = "withheld"\nsequence = "@bad"\n'

    assert len(refused(document).wrong) == 2
    assert len(read(document, cast=[Crew(group="cast")], names=["bad"]).steps) == 2


def test_blocks_may_be_written_out_as_an_array() -> None:
    document = 'title = "x"\nsteps = [\n  {save = "hello-v1"},\n  {lve = "1s"},\n]\n'

    error = refused(document)

    assert (error.wrong[0].line, error.wrong[0].hint) == (2, "did you mean live?")


@pytest.mark.parametrize("verb", registered())
@given(data=st.data())
def test_every_command_of_the_registry_can_be_a_step(verb: str, data: st.DataObject) -> None:
    command = data.draw(commands(registered()[verb], CONTROLS))
    plain = wire.plain(command)
    # TOML has no null: what may be left out is, what may not is "none".
    required = {key for key, value in plain.items() if value is None and key in ("sequence", "status")}
    block = {
        key: "none" if key in required else value
        for key, value in plain.items()
        if value is not None or key in required
    }

    action = step({"do": verb, **block}, 1, Known(groups=(), named={})).action

    assert isinstance(action, Do)
    assert wire.read_command(verb, action.arguments) == command


def test_no_argument_of_a_command_is_called_as_what_stands_beside_it() -> None:
    for kind in registered().values():
        assert not {*VERBS, *BESIDE, "refused"} & set(kind.__struct_fields__), kind.verb


def test_what_as_can_name_are_commands_that_there_are() -> None:
    assert set(LEADING) <= set(registered())


@pytest.mark.parametrize("fault", every_fault())
def test_every_fault_can_be_armed_in_a_step(fault: str) -> None:
    story = read(f'[[steps]]\ndo = "arm-fault"\nfault = "{fault}"\n')

    assert story.steps[0].action == Do(command="arm-fault", arguments={"fault": fault})


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("10s", 10),
        ("500ms", 0.5),
        ("2m", 120),
        ("1h", 3600),
        ("1m30s", 90),
        ("1.5s", 1.5),
        (3, 3),
        (0.25, 0.25),
    ],
)
def test_durations_are_read_as_people_write_them(written: object, seconds: float) -> None:
    assert duration("within", written) == seconds


@pytest.mark.parametrize(
    "written", ["10", "s", "10 s", "-1s", "1d", "", "1e3s", True, -1, math.nan, math.inf, 10**400]
)
def test_C5_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(Mistake):
        duration("within", written)


# --- files --------------------------------------------------------------------------------------------------------


def written(folder: Path, document: str | bytes, name: str = "story.toml") -> Path:
    path = folder / name
    path.write_bytes(document if isinstance(document, bytes) else document.encode())
    return path


def test_folders_are_samples_by_a_bare_name_or_lie_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "hello-v1").mkdir()
    story = read_file(
        written(
            tmp_path,
            '[[steps]]\nsave = "hello-v1"\n[[steps]]\nsave = "./hello-v1"\n'
            '[[steps]]\nsave = "build"\n[[steps]]\ndo = "publish"\npath = "build"\n',
        )
    )

    assert [step.action for step in story.steps] == [
        Save(folder=str(samples()["hello-v1"])),
        Save(folder=str(tmp_path / "hello-v1")),
        Save(folder=str(tmp_path / "build")),
        Do(command="publish", arguments={"path": str(tmp_path / "build")}),
    ]


def test_every_folder_that_is_not_there_is_told_with_the_nearest_sample(tmp_path: Path) -> None:
    path = written(
        tmp_path, '[[steps]]\nsave = "helo-v1"\n[[steps]]\nsave = "no/where"\n[[steps]]\nsave = "a\\u0000b"\n'
    )
    with pytest.raises(ScenarioError) as error:
        read_file(path)

    first, second, third = error.value.wrong
    assert (first.line, first.hint) == (1, "did you mean hello-v1?")
    assert (second.line, second.hint) == (3, "paths are relative to the file")
    assert third.message.isprintable()


def test_a_byte_order_mark_and_windows_line_ends_are_taken(tmp_path: Path) -> None:
    document = b"\xef\xbb\xbf" + b'[[steps]]\r\n\r\nlive = "1s"\r\n[[steps]]\r\nlive = "2s"\r\n'

    assert [step.line for step in read_file(written(tmp_path, document)).steps] == [1, 4]


def test_what_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r":2: this is not UTF-8"):
        read_file(written(tmp_path, b'title = "a"\nabout = "\xe4"\n'))


def test_C5_a_file_above_1_mib_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="larger than 1 MiB"):
        read_file(written(tmp_path, b"#" * (MAX_BYTES + 1)))


@pytest.mark.parametrize("name", ["missing.toml", "", "a\x00b"])
def test_a_file_that_can_not_be_read_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="can't be read") as error:
        read_file(tmp_path / name)

    assert error.value.message.isprintable()


def test_C3_a_name_with_escapes_is_shown_harmlessly(tmp_path: Path) -> None:
    folder = tmp_path / "\x1b[31m"
    folder.mkdir()
    path = written(folder, '[[steps]]\n"\\u001b[2J" = 1\n')
    with pytest.raises(ScenarioError) as error:
        read_file(path)
    good = read_file(written(folder, '[[steps]]\nlive = "1s"\nsay = "a\\u001b[2Jb"\n', "good.toml"))

    assert error.value.message.isprintable()
    assert good.file.isprintable()
    assert good.steps[0].say == "a\\x1b[2Jb"
