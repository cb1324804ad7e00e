"""What is asked of a server, and in which words a scenario that fails says what it saw instead."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.adoption import adoptions
from hotswap_dev.domain.clients import Client
from hotswap_dev.errors import NotFound
from hotswap_dev.scenario.conditions import Result, Seen, client_of, holds, sequence_of
from hotswap_dev.scenario.how_many import STATIONS
from hotswap_dev.scenario.model import Condition
from hotswap_dev.scenario.steps import CONDITIONS
from tests.unit.domain.clients import Story
from tests.unit.making import a_release

PHONES = tuple(f"phone-{number}" for number in range(1, 9))


def of(story: Story, name: str) -> Client:
    return replace(story.client, id=name)


def at_11() -> Story:
    return Story().applies(11)


def not_in_rollout() -> Client:
    return replace(at_11().client, reason="not-in-rollout")


def seen(*clients: Client, **changes: Any) -> Seen:
    """A server with the releases 11 and 12 of production and 10 of beta, and these clients."""
    releases = {one: a_release(one, channel="beta" if one == 10 else "production") for one in (10, 11, 12)}
    return Seen(releases=releases, clients={one.id: one for one in clients}, names={"bad": 12}, **changes)


def judged(is_: str, where: Seen, **fields: Any) -> Result:
    return holds(Condition(is_=is_, **fields), where)


def test_a_wait_that_failed_says_where_the_others_are_and_the_reason_of_their_last_answer() -> None:
    clients = [
        *(of(Story().applies(12), one) for one in PHONES[:5]),
        *(replace(not_in_rollout(), id=one) for one in PHONES[5:7]),
        replace(Story().reports(0).client, id=PHONES[7], reason="forced-204"),
    ]
    result = judged(
        "running", seen(*clients, groups={"phones": PHONES}), sequence="@bad", group="phones", all_of=True
    )

    assert not result.holds
    assert result.expected == "all 8 of phones run 12 (@bad)"
    assert result.seen == (
        "5 of 8 run 12; 2 run 11, last answered not-in-rollout; 1 runs the embedded page, last answered forced-204"
    )


def test_a_client_in_a_rollback_loop_is_in_it_on_its_way_up_too() -> None:
    down = Story().applies(12).reports(11)
    down.offered(12, at=11).fetched(12).reports(12).reports(11)
    up = Story().applies(12).reports(11)
    up.offered(12, at=11).fetched(12).reports(12).reports(11).offered(12, at=11).fetched(12).reports(12)
    where = seen(of(down, "down"), of(up, "up"))

    assert judged("labelled", where, code="rollback-loop", all_of=True).holds
    assert judged("fell-back", where, sequence="12", all_of=True).holds
    assert judged("running", where, sequence="12", exactly=1).holds


def test_everyone_means_also_who_has_not_checked_yet() -> None:
    where = seen(of(Story().applies(12), "phone-1"), groups={"phones": PHONES[:3]})
    result = judged("running", where, sequence="12", all_of=True)

    assert (result.holds, result.expected) == (False, "all 3 clients run 12")
    assert result.seen == "1 of 3 runs 12; 2 have not checked yet"


def test_everyone_of_nobody_is_not_enough() -> None:
    result = judged("running", seen(), all_of=True)

    assert not result.holds
    assert result.seen == "no client is known"


def test_where_nobody_plays_it_is_about_all_that_the_server_knows() -> None:
    result = judged("running", seen(of(Story().applies(12), "a"), of(Story().applies(12), "b")), all_of=True)

    assert result == Result(holds=True, expected="all 2 clients run 12 (latest)", seen="2 of 2 run 12")


def test_a_trouble_is_named_beside_what_runs() -> None:
    looping = Story().applies(11).applies(12, at=11).reports(11).applies(12, at=11).reports(11)
    result = judged("confirmed", seen(of(looping, "a")), sequence="@bad", all_of=True)

    assert result.expected == "the only client has confirmed 12 (@bad)"
    assert result.seen == "none of 1 has confirmed 12; 1 runs 11 (rollback-loop), last answered up-to-date"
    assert judged("labelled", seen(of(looping, "a")), code="rollback-loop").holds
    assert judged("fell-back", seen(of(looping, "a")), sequence="@bad").holds


def test_latest_is_the_newest_release_of_all_or_of_a_channel() -> None:
    where = seen(of(Story().applies(12), "a"))

    assert judged("running", where).holds
    assert judged("running", where, channel="beta").expected == "at least 1 client runs 10 (latest)"
    assert not judged("running", where, channel="beta").holds
    assert judged("running", where, channel="nightly").seen == "nightly has no release"


def test_a_release_that_is_none_makes_it_false_and_says_so() -> None:
    where = seen(of(Story().applies(12), "a"))

    assert judged("confirmed", where, sequence="99").seen == "there is no release 99"
    assert judged("confirmed", where, sequence="@later").seen == "no release is called @later yet"
    assert judged("withheld", where, sequence="99").seen == "there is no release 99"
    assert judged("offered", Seen(releases={}, clients={})).seen == "there is no release yet"


def test_what_another_server_gave_it_can_be_run_though_it_is_no_release_here() -> None:
    assert judged("running", seen(of(Story().ahead(500, last=12), "a")), sequence="500").holds
    assert judged("running", seen(of(Story().reports(0), "a")), sequence="0").expected == (
        "at least 1 client runs the embedded page"
    )


@pytest.mark.parametrize(
    ("counts", "said", "right"),
    [
        ({}, "at least 1 client runs 12", range(1, 4)),
        ({"at_least": 2}, "at least 2 clients run 12", range(2, 4)),
        ({"at_most": 1}, "at most 1 client runs 12", range(2)),
        ({"at_least": 1, "at_most": 2}, "at least 1 and at most 2 clients run 12", range(1, 3)),
        ({"exactly": 0}, "no client runs 12", range(1)),
        ({"exactly": 2}, "exactly 2 clients run 12", range(2, 3)),
        ({"all_of": True}, "all 3 clients run 12", range(3, 4)),
    ],
)
def test_how_many_are_enough(counts: dict[str, Any], said: str, right: range) -> None:
    for there in range(4):
        clients = [of(Story().applies(12 if one < there else 11), f"c{one}") for one in range(3)]
        result = judged("running", seen(*clients), sequence="12", **counts)
        assert result.expected == said
        assert result.holds == (there in right)


def test_one_client_is_meant_by_its_id_or_its_name() -> None:
    where = seen(of(Story().applies(12), "c1"), of(at_11(), "c2"), called={"c1": "Mia", "c2": "Ben"})

    assert judged("running", where, client="Mia") == Result(
        holds=True, expected="Mia runs 12 (latest)", seen="Mia runs 12"
    )
    assert judged("running", where, client="c2").seen == "it runs 11, last answered up-to-date"
    assert (
        judged("running", where, client="c1", exactly=0).expected == "it is not so that Mia runs 12 (latest)"
    )
    assert judged("running", where, client="Mja").seen == "no client is called Mja; did you mean Mia?"
    with pytest.raises(NotFound) as unknown:
        client_of("Mja", where)
    assert unknown.value.hint == "did you mean Mia?"


def test_a_group_that_is_none_is_named_with_those_that_there_are() -> None:
    result = judged("running", seen(groups={"phones": PHONES}), group="fones", all_of=True)

    assert not result.holds
    assert result.seen == "no group is called fones; there are: phones"


def test_answers_are_counted_as_checks_and_of_everyone_as_clients() -> None:
    clients = [of(at_11(), one) for one in PHONES[:2]]
    checks = {("phone-1", "forced-204"): 3, ("phone-1", "up-to-date"): 1, ("stranger", "forced-204"): 9}
    where = seen(*clients, groups={"phones": PHONES[:2]}, checks=checks)

    assert judged("answered", where, code="forced-204", exactly=3).holds
    assert judged("answered", where, code="forced-204", at_least=4) == Result(
        holds=False,
        expected="at least 4 checks are answered forced-204",
        seen="3 were; the others: 1 up-to-date",
    )
    assert judged("answered", where, code="no-release", group="phones").seen == (
        "none were; the others: 3 forced-204, 1 up-to-date"
    )
    everyone = judged("answered", where, code="forced-204", all_of=True)
    assert not everyone.holds
    assert everyone.seen == "1 of 2 was answered forced-204; 1 runs 11, last answered up-to-date"
    assert judged("answered", replace(where, checks={}), code="fault").seen == "no check was answered at all"


def test_whether_a_release_is_withheld_and_which_is_the_newest() -> None:
    where = seen()
    halted = replace(where, releases={**where.releases, 12: a_release(12, withheld=True)})

    assert judged("withheld", halted, sequence="@bad").holds
    assert judged("withheld", where, sequence="@bad") == Result(
        holds=False, expected="12 (@bad) is withheld", seen="12 is not withheld"
    )
    assert judged("newest", where, sequence="@bad").holds
    assert judged("newest", where, sequence="11") == Result(
        holds=False, expected="the newest release of production is 11", seen="it is 12"
    )
    assert judged("newest", where, sequence="10", channel="beta").holds


def test_many_ways_to_be_elsewhere_are_cut_short_and_none_is_lost() -> None:
    clients = [of(Story().applies(one), f"c{one}") for one in range(20, 30)]
    told = judged("running", seen(*clients), sequence="12").seen

    assert told.endswith("; 4 more in other ways")
    assert told.count("last answered") == 6


def test_C3_names_of_clients_and_groups_are_shown_harmlessly() -> None:
    where = seen(of(at_11(), "c1"), called={"c1": "\x1b[31mMia"}, groups={"ph\nones": ("c1",)})

    for result in (
        judged("running", where, client="\x1b[31mMia"),
        judged("running", where, group="ph\nones", all_of=True),
        judged("running", where, group="\x1b[2J"),
        judged("running", where, client="\x1b[2J"),
        judged("running", where, sequence="@\x1b[2J"),
    ):
        assert result.expected.isprintable()
        assert result.seen.isprintable()


def test_a_name_is_what_a_step_before_led_to() -> None:
    assert sequence_of("@bad", seen()) == 12
    assert sequence_of("7", seen()) == 7
    with pytest.raises(NotFound) as unknown:
        sequence_of("@bat", seen())
    assert unknown.value.hint == "did you mean bad?"


WRITTEN = st.sampled_from([None, "latest", "@bad", "@later", "0", "11", "500"])
WHO: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"group": "phones"}, {"group": "none"}, {"client": "c0"}, {"client": "nobody"}]
)
COUNTS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"all_of": True}, {"exactly": 0}, {"exactly": 1}, {"at_least": 2}, {"at_most": 1}]
)


@given(st.data(), st.lists(st.sampled_from([0, 11, 12, 500]), max_size=4), st.booleans())
def test_whatever_is_asked_has_an_answer_in_words(
    data: st.DataObject, running: list[int], played: bool
) -> None:
    clients = [of(Story().reports(one), f"c{number}") for number, one in enumerate(running)]
    groups = {"phones": ("c0", "c9")} if played else {}
    condition = Condition(
        is_=data.draw(st.sampled_from(list(CONDITIONS))),
        sequence=data.draw(WRITTEN),
        code=data.draw(st.sampled_from(["applied", "up-to-date"])),
        channel=data.draw(st.sampled_from([None, "beta", "nightly"])),
        **data.draw(WHO),
        **data.draw(COUNTS),
    )

    result = holds(condition, seen(*clients, groups=groups, checks={("c0", "up-to-date"): 1}))

    for words in (result.expected, result.seen):
        assert words == " ".join(words.split())
        assert "None" not in words
        assert words


LIVES = st.lists(st.sampled_from(["applies 11", "applies 12", "offered 12", "falls", "broke"]), max_size=4)


def lived(acts: list[str]) -> Story:
    story = Story().reports(0)
    for act in acts:
        at = story.client.sequence or 0
        if act == "falls":
            story.reports(0)
        elif act == "broke":
            story.offered(12, at=at).fetched(12).reports(at)
        elif act == "offered 12":
            story.offered(12, at=at)
        elif (wanted := int(act.split()[1])) > at:
            story.applies(wanted, at=at)
    return story


@given(
    st.lists(LIVES, min_size=1, max_size=5), st.sampled_from(sorted(STATIONS)), st.sampled_from(["11", "12"])
)
def test_the_stations_are_counted_as_the_server_counts_them(
    lives: list[list[str]], station: str, sequence: str
) -> None:
    clients = [of(lived(acts), f"c{number}") for number, acts in enumerate(lives)]
    where = seen(*clients)
    way = adoptions([where.releases[int(sequence)]], clients)[int(sequence)]
    count = {
        "running": way.running,
        "confirmed": way.confirmed,
        "fetched": way.fetched,
        "offered": way.offered,
        "fell-back": way.fell_back,
        "failed": way.failed,
    }[station]

    assert judged(station, where, sequence=sequence, exactly=count).holds
    assert not judged(station, where, sequence=sequence, exactly=count + 1).holds
    assert judged(station, where, sequence=sequence, all_of=True).holds == (count == len(clients))


@pytest.mark.parametrize("is_", ["running", "labelled"])
@pytest.mark.parametrize("counted", [{"exactly": 0}, {"at_most": 3}])
def test_that_few_do_it_is_not_so_where_there_is_nobody(is_: str, counted: dict[str, int]) -> None:
    code = "ahead" if is_ == "labelled" else None
    result = judged(is_, seen(), code=code, **counted)

    assert (result.holds, result.seen) == (False, "no client is known")


def test_where_checks_were_missed_that_there_were_few_can_t_be_known_and_that_there_were_some_can() -> None:
    where = seen(of(Story().applies(12), "phone-1"), checks={("phone-1", "up-to-date"): 2}, uncounted=True)

    few = judged("answered", where, code="up-to-date", at_most=2)
    some = judged("answered", where, code="up-to-date", at_least=2)

    assert (few.holds, some.holds) == (False, True)
    assert few.seen == "2 were; some checks were answered too fast to be counted"
