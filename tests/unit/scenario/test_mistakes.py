"""What can not be meant in a scenario file: told with its line and a way out, all at once; and whatever is in it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.fleet.plan import Crew
from hotswap_dev.scenario.crews import crew
from hotswap_dev.scenario.model import Scenario
from hotswap_dev.scenario.reading import ScenarioError, read_scenario
from hotswap_dev.scenario.steps import BESIDE, VERBS, Known, step
from hotswap_dev.scenario.words import Mistake


def read(document: str, **given: Any) -> Scenario:
    return read_scenario(document, "story.toml", **given)


def refused(document: str, **given: Any) -> ScenarioError:
    with pytest.raises(ScenarioError) as error:
        read(document, **given)
    return error.value


def a_step(text: str) -> str:
    return f'[[clients]]\nnames = ["Mia"]\n[[steps]]\nsave = "hello-v1"\nas = "good"\n[[steps]]\n{text}\n'


@pytest.mark.parametrize(
    ("document", "line", "message", "hint"),
    [
        ('titel = "x"', 1, "'titel' is nothing that a scenario has", "did you mean title?"),
        ("seed = -1", 1, "seed is -1", "0 to 4294967295"),
        ('app_version = "1.0"', 1, "app_version is '1.0'", '"1.0.0"'),
        ('\n\n[[clients]]\n# why\nplatform = "ios"', 5, "'platform'", "did you mean platforms?"),
        (
            '[[clients]]\nplatforms = ["andriod"]',
            2,
            "'andriod', which is not a platform",
            "did you mean android?",
        ),
        ("[[clients]]\nplatforms = {ios = 0}", 2, "'ios' has the weight 0", "0.7"),
        ("[[clients]]\ncount = 10001", 2, "count is 10001", "1 to 10000"),
        ('[[clients]]\npoll = "10"', 2, "poll is '10'; expected is a duration", '"10s"'),
        ("[[clients]]\nignores = 10", 2, "ignores is 10; expected is a share", "0 to 1"),
        ('[[clients]]\ncount = 1\nnames = ["Mia", "Ben"]', 3, "names are 2, and count is 1", "count = 2"),
        (
            '[[clients]]\nnames = ["Mia"]\n[[clients]]\nnames = ["Mia"]',
            4,
            "two clients are called 'Mia'",
            "each",
        ),
        ('[[clients]]\nupgrades_to = "2.0.0"', 2, "not when", "upgrades_after"),
        ('[[clients]]\nbinary_versions = "1"', 2, "'1', which is not a version", '"1.4.0"'),
        ('[[clients]]\nchannels = "a b"', 2, "'a b' can't be a channel's name", "letters"),
        ("[[clients]]\ncount = 6000\n[[clients]]\ncount = 6000", 1, "12000 clients", ""),
        ("clients = 3", 1, "clients is no list of blocks", "[[clients]]"),
    ],
)
def test_a_mistake_at_the_top_or_in_clients_is_told_with_its_line_and_a_way_out(
    document: str, line: int, message: str, hint: str
) -> None:
    error = refused(document + '\n[[steps]]\nlive = "1s"\n')

    assert len(error.wrong) == 1
    assert error.message.startswith(f"story.toml:{line}: ")
    assert message in error.message
    assert hint in error.hint
    assert (error.exit_code, error.code) == (2, "bad-scenario")


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ('sve = "hello-v1"', 7, "'sve' is nothing that a step does", "did you mean save?"),
        ('say = "x"', 6, "this step does nothing", "it needs one of save, do, act, wait, expect, live"),
        (
            'save = "a"\nwait = "running"',
            8,
            "a step is one thing, and this one has save and wait",
            "of its own",
        ),
        ('save = "a"\nwihtin = "3s"', 8, "'wihtin' is nothing that save has", "there are: as, say, watch"),
        ("save = 3", 7, "save is 3; expected is a folder", "hello-v2"),
        ('live = "0s"', 7, "live is '0s'", "10s"),
        ('do = "set-rolout"', 7, "'set-rolout', which is not a command", "did you mean set-rollout?"),
        (
            'do = "withhold"\nsequenc = 1',
            8,
            "'sequenc' is nothing that withhold has",
            "did you mean sequence?",
        ),
        ('do = "withhold"', 6, "withhold: sequence: is missing", "its arguments: sequence"),
        (
            'do = "withhold"\nsequence = "1"',
            8,
            "withhold: sequence: expected is a whole number, not a text",
            "",
        ),
        (
            'do = "withhold"\nsequence = "@god"',
            8,
            "no step before this one is called 'god'",
            "did you mean good?",
        ),
        ('do = "set-rollout"\nsequence = "latest"\npercent = 101', 9, "percent: at most 100", ""),
        ('do = "set-rollout"\nsequence = 1\npercent = nan', 9, "percent is nan", ""),
        ('do = "force-204"\non = "yes"', 8, "on: expected is true or false, not a text", ""),
        (f'do = "jump-sequence"\nto = 0x{"f" * 5000}', 8, "to has a number of thousands of digits", ""),
        ('do = "arm-fault"\nfault = "hnag"', 8, "there is no fault 'hnag'", "did you mean hang?"),
        ('do = "arm-fault"\nfault = "hang"\nparameters = {ms = 1}', 9, "there is no parameter ms", "seconds"),
        ('do = "disarm-fault"\nid = "@good"', 8, "'@good' is no arm-fault: it is of save", "arm-fault step"),
        ('do = "publish"\nchannel = "a b"', 8, "'a b' can't be a channel's name", "letters"),
        ('do = "withhold"\nsequence = 1\nas = "x"', 9, "this one leads to none", "leave as out"),
        ('do = "reoffer"\nsequence = 9\nrefused = "unknown-release"\nas = "x"', 10, "to be refused", "leave"),
        ('do = "withhold"\nsequence = 1\nrefused = "No!"', 9, "refused is 'No!'", '"unknown-release"'),
        ('save = "a"\nas = "good"', 8, "an earlier step is called 'good' already", "its own name"),
        ('save = "a"\nas = "@good"', 8, "the @ belongs where it is used", 'as = "good"'),
        ('save = "a"\nas = "latest"', 8, "can't be a name", "mean something already"),
        ('save = "a"\nsay = 3', 8, "say is 3; expected is a text", ""),
        ('act = "chek"', 7, "'chek', which is not anything that clients do", "did you mean check?"),
        ('act = "upgrade"', 6, "binary_version is missing", '"2.0.0"'),
        ('act = "restart"\nbinary_version = "2.0.0"', 8, "means nothing to restart", "upgrade"),
        ('act = "check"\ngroup = "fones"', 8, "no [[clients]] are called that", "did you mean phones?"),
        ('act = "check"\ngroup = "phones"\nclient = "Mia"', 9, "group and client both", "one of them"),
        ('act = "check"\nclient = ""', 8, "client is ''", "Mia"),
        ('wait = "runing"', 7, "'runing', which is not a condition", "did you mean running?"),
        ('wait = "running"\nwithn = "3s"', 8, "'withn' is nothing that wait = \"running\" has", "within"),
        ('expect = "running"\nwithin = "3s"', 8, "'within' is nothing that expect", "there are"),
        ('wait = "running"\nsequence = "good"', 8, "expected is a release", 'did you mean "@good"?'),
        ('wait = "confirmed"\nsequence = 0', 8, "sequence is 0", "1 to"),
        ('wait = "running"\nsequence = 1\nchannel = "beta"', 9, "channel says of which channel", "leave"),
        ('wait = "running"\nall = true\nexactly = 2', 8, "all and exactly both say how many", "leave"),
        ('wait = "running"\nexactly = 1\nat_most = 2', 8, "exactly says how many", "leave"),
        ('wait = "running"\nat_least = 3\nat_most = 2', 9, "at_most is below at_least", ""),
        ('wait = "labelled"', 6, "label is missing", "rollback-loop"),
        ('wait = "labelled"\nlabel = "fetched"', 8, "'fetched', which is not a label", ""),
        ('wait = "labelled"\nlabel = "rolback-loop"', 8, "not a label", "did you mean rollback-loop?"),
        ('wait = "answered"\nreason = "forced"', 8, "'forced', which is not a reason", "forced-204"),
        ('expect = "newest"', 6, "sequence has to say which one", "@good"),
        ('expect = "withheld"\nsequence = "@good"\ngroup = "phones"', 9, "'group' is nothing", "there are"),
    ],
)
def test_a_mistake_in_a_step_is_told_with_its_line_and_a_way_out(
    text: str, line: int, message: str, hint: str
) -> None:
    error = refused(a_step(text))

    assert len(error.wrong) == 1
    assert error.message.startswith(f"story.toml:{line}: ")
    assert message in error.message
    assert hint in error.hint


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    error = refused('titel = 1\n[[steps]]\nlive = "x"\n[[steps]]\nsave = "a"\n[[clients]]\ncuont = 2\n')

    assert error.message.splitlines() == [
        "story.toml has 3 mistakes",
        "story.toml:1: 'titel' is nothing that a scenario has (did you mean title?)",
        """story.toml:3: live is 'x'; expected is a duration (such as "10s", "500ms" or "2m")""",
        "story.toml:7: 'cuont' is nothing that [[clients]] have (did you mean count?)",
    ]


def test_many_mistakes_are_counted_and_twenty_of_them_told() -> None:
    error = refused("[[steps]]\n" * 30)

    assert len(error.wrong) == 30
    assert error.message.splitlines()[-1] == "and 10 more"
    assert len(error.message.splitlines()) == 22


def test_what_is_wrong_with_a_step_is_not_told_again_of_those_that_name_it() -> None:
    error = refused(
        '[[clients]]\ngroup = 3\n[[steps]]\nsave = 3\nas = "a"\n'
        '[[steps]]\nexpect = "withheld"\nsequence = "@a"\n[[steps]]\nact = "check"\ngroup = "people"\n'
    )

    assert [one.line for one in error.wrong] == [2, 4]


def test_clients_that_nobody_asked_for_can_do_nothing() -> None:
    error = refused('[[steps]]\nact = "check"\n')

    assert (error.wrong[0].line, error.hint) == (2, "add [[clients]]")


def test_a_file_without_steps_says_so() -> None:
    assert "no [[steps]]" in refused('title = "x"').message


@pytest.mark.parametrize(
    ("document", "line"),
    [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ("[[steps]]\nsave = '''x", 2), ("a = " + "[" * 5000, 1)],
)
def test_what_is_no_toml_is_told_with_its_line(document: str, line: int) -> None:
    assert refused(document).wrong[0].line == line


def test_C5_a_number_of_thousands_of_digits_is_no_toml() -> None:
    assert "this is no TOML" in refused(f"seed = {'9' * 5000}").message
    assert "seed is a huge number" in refused(f"seed = 0x{'f' * 5000}\n[[steps]]\nlive = 1\n").message


# --- whatever is in it --------------------------------------------------------------------------------------------

ATOMS = st.one_of(
    st.sampled_from(
        ["running", "answered", "labelled", "newest", "withhold", "arm-fault", "set-targets", "upgrade"]
    ),
    st.sampled_from(
        ["@good", "@", "latest", "none", "10s", "hang", "forced-204", "applied", "production", ""]
    ),
    st.sampled_from([0, 1, -1, 2**64, 16**500, -(16**500), 1.5, math.nan, math.inf, True, False]),
    st.text(max_size=5),
    st.datetimes(),
)
ANY = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
MORE_KEYS = (
    "refused sequence percent client clients group channel reason label at_least exactly all within binary_version "
    "fault parameters id path on to"
)
STEP_KEYS = st.sampled_from([*VERBS, *BESIDE, *MORE_KEYS.split()])


@given(st.dictionaries(STEP_KEYS, ANY, max_size=5))
def test_a_step_of_anything_is_read_or_refused(block: dict[str, Any]) -> None:
    try:
        made = step(block, 1, Known(groups=("phones",), named={"good": "save"}))
    except Mistake as mistake:
        assert mistake.message.isprintable()
        assert mistake.key is None or isinstance(mistake.key, str)
    else:
        wire.encode(made)


@given(st.dictionaries(st.sampled_from([*Crew.__struct_fields__, "x"]), ANY, max_size=5))
def test_clients_of_anything_are_read_or_refused(block: dict[str, Any]) -> None:
    try:
        made = crew(block)
    except Mistake as mistake:
        assert mistake.message.isprintable()
    else:
        wire.encode(made)


@given(st.text(max_size=60) | st.text(alphabet="[]{}\"'=#.\nab1", max_size=60))
def test_any_text_is_a_scenario_or_a_mistake_on_one_of_its_lines(document: str) -> None:
    try:
        read(document)
    except ScenarioError as error:
        assert all(1 <= one.line <= document.count("\n") + 1 for one in error.wrong)
