"""The outcome of a run in one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.export.headline import headline
from hotswap_dev.export.report import Beat, Report, Way
from tests.unit.export.reported import WHEN, halted, small


def _said(*ways: Way, **more: Any) -> str:
    return headline(Report(title="Run", when=WHEN, known=8, releases=ways, **more))


def _way(sequence: int, **more: Any) -> Way:
    return Way(sequence=sequence, **{"clients": 8, "offered": 8, "fetched": 8, **more})


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ((_way(5, running=8),), "Release 5 reached 8 of 8 clients."),
        (
            (_way(4, fell_back=3, withheld=True), _way(5, running=8)),
            "Release 5 reached 8 of 8 clients; release 4 was withheld after 3 clients fell back.",
        ),
        (
            (_way(5, running=1, percent=10.0),),
            "Release 5 is rolled out to 10\N{NO-BREAK SPACE}%: 1 of 8 clients run it.",
        ),
        ((_way(5, running=2, targeted=True),), "Release 5, meant for some only, reached 2 of 8 clients."),
        (
            (_way(5, running=5, fell_back=1),),
            "Release 5 reached 5 of 8 clients, and 1 client fell back.",
        ),
        (
            (_way(4, failed=2), _way(5, running=8)),
            "Release 5 reached 8 of 8 clients; 2 clients failed with release 4.",
        ),
        (
            (_way(4, failed=8, withheld=True, origin="poisoned"), _way(5, running=8)),
            "Release 5 reached 8 of 8 clients; release 4, poisoned on purpose, was refused by 8 clients.",
        ),
        (
            (_way(3, withheld=True), _way(4, withheld=True)),
            "No release is offered any more; releases 3 and 4 were withheld.",
        ),
        ((_way(3, clients=0),), "Release 3 was offered, and no client has asked for its channel."),
        ((), "Nothing was released; 8 clients checked in."),
    ],
)
def test_it_says_what_became_of_the_newest_release_and_of_the_bad_ones(
    ways: tuple[Way, ...], said: str
) -> None:
    assert _said(*ways) == said


def test_of_several_channels_it_is_about_the_one_that_most_clients_follow() -> None:
    beta = _way(9, channel="beta", clients=2, running=2)
    assert _said(_way(5, running=8), beta) == "Release 5 reached 8 of 8 clients."


def test_an_older_release_with_more_clients_is_not_what_it_is_about() -> None:
    assert _said(_way(4, clients=9), _way(5, running=8)) == "Release 5 reached 8 of 8 clients."


def test_of_many_bad_releases_the_worst_two_are_named_and_the_others_counted() -> None:
    bad = [_way(number, fell_back=number, withheld=True) for number in (1, 2, 3, 4)]
    said = _said(*bad, _way(5, running=8))
    assert "release 4 was withheld after 4 clients fell back, and release 3" in said
    assert said.endswith("and 2 further releases hit 3.")


@pytest.mark.parametrize(
    ("red", "said"),
    [
        (
            Beat(
                title="wait until 2 have fallen back (within 300 s)",
                outcome="failed",
                expected="at least 2 clients have fallen back from 3 (@bad), within 300 s",
                seen="none of 6 has fallen back from 3; 6 run 3",
            ),
            (
                "“wait until 2 have fallen back (within 300 s)” failed. Expected: at least 2 clients have fallen back "
                "from 3 (@bad), within 300 s. Seen: none of 6 has fallen back from 3; 6 run 3."
            ),
        ),
        (
            Beat(title="A bad build", outcome="failed", failed_at="expect all run 2", expected="all run 2"),
            "“A bad build” failed at “expect all run 2”. Expected: all run 2.",
        ),
        (
            Beat(title="expect", outcome="failed", seen="it is offered."),
            "“expect” failed. Seen: it is offered.",
        ),
    ],
)
def test_what_failed_comes_before_all_else_with_what_was_expected_and_seen_apart(
    red: Beat, said: str
) -> None:
    assert _said(_way(5, running=8), beats=(Beat(title="ok"), red)) == said


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        # The demo stopped in its eighth beat: the incident is over, and a copy for some is beside the point.
        (
            (
                _way(4, fell_back=7, withheld=True),
                _way(6, running=7, confirmed=7),
                _way(7, failed=7, withheld=True, origin="poisoned"),
                _way(8, targeted=True, origin="reoffer", from_sequence=6),
            ),
            (
                "Release 6 reached 7 of 8 clients; release 4 was withheld after 7 clients fell back, and release 7, "
                "poisoned on purpose, was refused by 7 clients."
            ),
        ),
        # The same while the fixed build is not there yet.
        (
            (
                _way(3, running=8),
                _way(4, fell_back=7, withheld=True),
                _way(8, targeted=True, origin="reoffer"),
            ),
            "Release 3 reached 8 of 8 clients; release 4 was withheld after 7 clients fell back.",
        ),
        (
            (_way(4, fell_back=7, withheld=True), _way(8, targeted=True, origin="reoffer", running=2)),
            "No release is offered to everyone; release 4 was withheld after 7 clients fell back.",
        ),
        # What was just saved is run by nobody, and has hit nobody.
        ((_way(4, running=8), _way(5)), "Release 4 reached 8 of 8 clients."),
        (
            (_way(4, running=8, withheld=True), _way(5)),
            "Release 4 is run by 8 of 8 clients, though it is withheld.",
        ),
        # An incident that goes on, and downloads that failed before it.
        (
            (_way(2, running=5, failed=8, hit=8), _way(3, running=3, again=3, fell_back=8, hit=8)),
            "Release 3 hit 8 of 8 clients: they fell back, and nobody confirmed it; 8 clients failed with release 2.",
        ),
        (
            (_way(2, running=8, failed=6, hit=6),),
            "Release 2 reached 8 of 8 clients, though 6 clients failed at first.",
        ),
    ],
)
def test_it_begins_with_what_most_run_or_with_the_incident(ways: tuple[Way, ...], said: str) -> None:
    assert _said(*ways) == said


@given(
    st.permutations(
        [_way(3, running=5), _way(4, origin="poisoned", running=2), _way(6, targeted=True, running=1)]
    )
)
def test_what_is_poisoned_or_meant_for_some_never_leads(ways: list[Way]) -> None:
    assert _said(*ways).startswith("Release 3 reached 5 of 8")


def test_whoever_knows_better_says_it_themselves() -> None:
    assert _said(_way(5, running=8), headline="All went well.") == "All went well."


@given(
    st.lists(
        st.builds(
            Way,
            sequence=st.integers(1, 9),
            clients=st.integers(0, 9),
            running=st.integers(0, 9),
            fell_back=st.integers(0, 9),
            failed=st.integers(0, 9),
            withheld=st.booleans(),
            targeted=st.booleans(),
            again=st.integers(0, 9),
            confirmed=st.integers(0, 9),
            percent=st.sampled_from([0.0, 12.5, 100.0]),
            origin=st.sampled_from(["build", "poisoned", "reoffer"]),
        ),
        max_size=6,
    )
)
def test_it_is_always_one_sentence(ways: list[Way]) -> None:
    said = _said(*ways)
    assert said[0].isupper()
    assert said.endswith(".")
    assert ". " not in said
    assert "  " not in said


def test_the_examples_that_are_shown_around_say_this() -> None:
    assert headline(halted()).startswith(
        "Release 5 reached 488 of 500 clients, and 6 clients failed or fell back;"
    )
    assert headline(small()).endswith("and release 4, poisoned on purpose, was refused by 5 clients.")
