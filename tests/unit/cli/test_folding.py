"""Runs of equal answers are one line; whatever else happens ends them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.cli.folding import folded, folded_live

EVENTS = st.lists(
    st.one_of(
        st.builds(
            lambda client, reason: {"event": "check-answered", "client": client, "reason": reason},
            st.sampled_from(("anna", "ben")),
            st.sampled_from(("up-to-date", "newer-release")),
        ),
        st.builds(
            lambda client: {"event": "download-ended", "client": client}, st.sampled_from(("anna", None))
        ),
        st.just({"event": "note-added"}),
    )
)


def check(client: str, reason: str = "up-to-date", at: int = 0, **more: Any) -> dict[str, Any]:
    return {"event": "check-answered", "client": client, "reason": reason, "at": str(at), **more}


def test_a_client_that_polls_is_one_line() -> None:
    lines = folded([check("anna", at=number) for number in range(5)])

    assert [(line["at"], line["times"], line["until"]) for line in lines] == [("0", 5, "4")]


def test_an_answer_that_is_marked_otherwise_is_another_one() -> None:
    lines = folded([check("anna", flags=[]), check("anna", flags=["arch-unknown"])])

    assert [line["times"] for line in lines] == [1, 1]


def test_the_checks_of_others_do_not_end_a_run() -> None:
    lines = folded([check("anna"), check("ben"), check("anna"), check("ben"), check("ben")])

    assert [(line["client"], line["times"]) for line in lines] == [("anna", 2), ("ben", 3)]


def test_another_answer_a_download_and_a_change_end_a_run() -> None:
    for ends in (
        check("anna", "newer-release"),
        check("anna", args={"left": 1}),
        {"event": "download-ended", "client": "anna"},
        {"event": "note-added"},
    ):
        lines = folded([check("anna"), ends, check("anna")])
        assert [line.get("times") for line in lines if line["event"] == "check-answered"][::2] in (
            [1, 1],
            [1],
        )
        assert len(lines) == 3


def test_a_fault_that_strikes_in_between_is_told() -> None:
    lines = folded([check("anna", fault=None), check("anna", fault="check/delay")])

    assert [line["times"] for line in lines] == [1, 1]


def test_what_one_client_reports_does_not_end_the_runs_of_others() -> None:
    for report in ("lifecycle-reported", "update-reported", "fault-outcome"):
        told = {"event": report, "client": "anna"}
        lines = folded([check("anna"), check("ben"), told, check("ben"), check("anna")])

        assert [(line["client"], line.get("times")) for line in lines] == [
            ("anna", 1),
            ("ben", 2),
            ("anna", None),
            ("anna", 1),
        ]


def test_as_it_happens_the_first_comes_at_once_and_the_rest_when_it_ends() -> None:
    events = [
        check("anna", at=1),
        check("anna", at=2),
        check("anna", at=3),
        check("anna", "newer-release", at=4),
    ]

    told = [(line["reason"], line["at"], line.get("more")) for line in folded_live(events)]

    assert told == [("up-to-date", "1", None), ("up-to-date", "3", 2), ("newer-release", "4", None)]


def test_as_it_happens_a_quiet_moment_tells_how_many_there_were() -> None:
    events = [check("anna"), check("anna"), None, check("anna"), None, None]

    assert [line.get("more") for line in folded_live(events)] == [None, 1, 1]


@given(EVENTS)
def test_folding_loses_nothing(events: list[dict[str, Any]]) -> None:
    events = [{**event, "at": str(number)} for number, event in enumerate(events)]

    def named(event: Any) -> tuple[Any, ...]:
        return event["event"], event.get("client"), event.get("reason")

    whole = Counter(map(named, events))
    folded_up: Counter[Any] = Counter()
    for line in folded(events):
        folded_up[named(line)] += line.get("times", 1)
    live: Counter[Any] = Counter()
    for line in folded_live([*events, None]):
        live[named(line)] += line.get("more", 1)

    assert folded_up == live == whole
