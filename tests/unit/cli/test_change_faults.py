"""Rollouts, targets, faults and access from the command line: what is sent, what is said besides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.cli.change import change_lines
from hotswap_dev.cli.meaning import Known
from hotswap_dev.cli.outlook import outlook_lines
from hotswap_dev.cli.refusals import as_typed
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.domain.commands import ArmFault
from hotswap_dev.domain.commands.rollouts import SetRollout
from hotswap_dev.domain.faults import every_fault, read_fault
from hotswap_dev.domain.faults.reactions import reaction
from hotswap_dev.errors import HotswapError
from tests.unit.cli.saying import Say, Site, a_row, a_state

ROWS = [a_row("Pixel-1234", name="QA phone", sequence=3), a_row("Laptop"), a_row("a,b")]
ANSWERS: dict[str, Any] = {"/api/state": a_state(*ROWS), "/api/releases": [{"sequence": 7}]}
AT = "2026-04-05T12:00:00Z"
REACH = {"sequence": 7, "percent": 25.0, "inside": 3, "of": 8, "next": "Pixel-1234", "next_at": 37.0}
ROLLED_OUT = [{"event": "rollout-set", "at": AT, "sequence": 7, "percent": 25.0, "always": []}]


def done(*events: dict[str, Any], result: Any = None) -> dict[str, Any]:
    return {"revision": 5, "events": list(events), "result": result, "changes": []}


def armed(fault: str, times: int | None = None) -> dict[str, Any]:
    told = {
        "override": 3, "fault": fault, "parameters": {}, "client": None, "channel": None, "left": times,
        "probability": None, "seed": 0, "fired": 0, "missed": 0, "sequence": None,
    }  # fmt: skip
    return done(
        {"event": "fault-armed", "at": AT, "armed": told}, result={"id": 3, "fault": fault, "sequence": None}
    )


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        (["set-rollout", "latest", "12.5"], {"sequence": 7, "percent": 12.5}),
        (
            ["set-rollout", "7", "0", "--always", "QA phone,Lap"],
            {"sequence": 7, "percent": 0.0, "always": ["Pixel-1234", "Laptop"]},
        ),
        (
            ["set-rollout", "7", "0", "--always", '"a,b"', "--always", "Lap"],
            {"sequence": 7, "percent": 0.0, "always": ["a,b", "Laptop"]},
        ),
        (["set-rollout", "7", "100", "--always", ""], {"sequence": 7, "percent": 100.0, "always": []}),
        (
            ["set-targets", "7", "--platforms", "android,ios", "--arches", "arm", "--clients", "pix"],
            {"sequence": 7, "platforms": ["android", "ios"], "arches": ["arm"], "clients": ["Pixel-1234"]},
        ),
        (["set-targets", "7", "--platforms", "android", "--platforms", "ios"],
         {"sequence": 7, "platforms": ["android", "ios"]}),
        (["set-required-header", "beta", "X-Key", "none"], {"channel": "beta", "header": "X-Key", "status": None}),
        (
            ["set-required-header", "beta", "X-Key", "403", "--value", "k"],
            {"channel": "beta", "header": "X-Key", "status": 403, "value": "k"},
        ),
        (["disarm-fault", "3"], {"id": 3}),
    ],
)  # fmt: skip
def test_lists_numbers_and_nothing_are_sent_as_what_they_mean(
    say: Say, typed: list[str], sent: dict[str, Any]
) -> None:
    site = Site(ANSWERS)

    said = say(*typed, site=site)

    assert (said.code, said.err) == (0, "")
    assert site.asked == [(typed[0], sent, False)]


@pytest.mark.parametrize(
    "typed",
    [
        ["-p", "ms=500", "-p", "jitter=50"],
        ["--parameters", "ms=500,jitter=50"],
        ["-p", '{"ms": 500, "jitter": 50}'],
    ],
)
def test_parameters_of_a_fault_are_pairs_repeated_or_with_commas_or_json(say: Say, typed: list[str]) -> None:
    site = Site(ANSWERS, armed("check/delay"))

    say("arm-fault", "check/delay", *typed, site=site)

    assert site.asked[0][1] == {"fault": "check/delay", "parameters": {"ms": 500, "jitter": 50}}


def test_how_far_a_release_reaches_is_said_with_who_flips_in_next(say: Say) -> None:
    wet = say("set-rollout", "7", "25", site=Site(ANSWERS, done(*ROLLED_OUT, result=REACH)))
    dry = say("set-rollout", "7", "25", "--dry-run", site=Site(ANSWERS, done(*ROLLED_OUT, result=REACH)))
    same = say("set-targets", "7", site=Site(ANSWERS, done(result=REACH)))

    words = "3 of 8 clients; QA phone flips in at 37 %"
    assert wet.out.splitlines() == [
        "release 7 is rolled out to 25 %; no client's answer changes",
        words,
    ]
    assert dry.out.splitlines()[0] == "would do: release 7 is rolled out to 25 %"
    assert dry.out.splitlines()[-1] == words
    assert same.out.splitlines() == ["nothing to do: already so", words]


def test_a_release_that_reaches_all_or_nobody_says_so() -> None:
    everyone = {**REACH, "inside": 8, "next": None, "next_at": None}

    assert said_of(everyone) == ["8 of 8 clients"]
    assert said_of({**everyone, "inside": 1, "of": 1}) == ["1 of 1 client"]
    assert said_of({**everyone, "inside": 0, "of": 0}) == ["no client that is known is meant"]
    assert said_of({**REACH, "next_at": 12.34}) == ["3 of 8 clients; Pixel-1234 flips in at 12.34 %"]


def test_a_reach_that_another_version_counts_otherwise_is_left_out() -> None:
    assert said_of({"sequence": 7, "reached": 3}) == []


def said_of(reach: dict[str, Any]) -> list[str]:
    return list(outlook_lines(SetRollout, {}, reach, {}))


def test_a_fault_that_only_the_server_knows_is_armed_all_the_same() -> None:
    arguments = {"fault": "check/of-tomorrow", "parameters": {"by": 3}}

    assert list(outlook_lines(ArmFault, arguments, {"id": 9, "sequence": None}, {})) == [
        "ends    hotswap-dev disarm-fault 9, or with this run of the server"
    ]


@pytest.mark.parametrize("name", every_fault())
def test_who_arms_a_fault_is_told_what_the_client_will_do_and_how_it_ends(say: Say, name: str) -> None:
    site = Site(ANSWERS, armed(name))

    said = say("arm-fault", name, site=site)

    head, *rest = said.out.splitlines()
    text = " ".join(" ".join(rest).split())
    assert (said.code, said.err) == (0, "")
    assert "(disarm-fault 3)" in head
    assert text == (
        f"client {reaction(every_fault()[name]()).sentence} "
        "ends hotswap-dev disarm-fault 3, or with this run of the server"
    )
    assert max(map(len, rest)) <= 80


def test_a_fault_with_times_says_what_so_many_lead_to_and_that_it_ends_by_itself(say: Say) -> None:
    said = say(
        "arm-fault",
        "download/http-error",
        "--times",
        "2",
        site=Site(ANSWERS, armed("download/http-error", 2)),
    )

    text = " ".join(said.out.split())
    assert reaction(read_fault("download/http-error", {}), 2).sentence in text
    assert "ends by itself when it has struck 2 times, or: hotswap-dev disarm-fault 3" in text


def test_an_answer_that_a_fault_spoils_is_told_by_what_goes_out() -> None:
    offer = {"status": 200, "reason": "newer-release", "offered": 7, "version": "1", "mandatory": False}
    silent = {"status": 0, "reason": "fault", "fault": "hang"}
    page = {"status": 200, "reason": "fault", "fault": "html-page"}
    late = {**offer, "reason": "fault", "fault": "check/delay"}
    denied = {"status": 401, "reason": "access-denied"}

    lines = change_lines(
        [
            {"client": "a", "before": offer, "after": silent},
            {"client": "b", "before": page, "after": late},
            {"client": "c", "before": denied, "after": offer},
        ],
        Known(),
    )

    assert [" ".join(line.split()[2:]) for line in list(lines)[1:]] == [
        "offer 7: newer-release no answer: fault hang",
        "200: fault html-page offer 7: fault check/delay",
        "401: access-denied offer 7: newer-release",
    ]


# What the server refuses


class Refusing(Site):
    """A control site that refuses as ours does."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(ANSWERS)
        self._problem = {"detail": message, "hint": hint, "title": "bad-arguments"}

    def command(self, name: str, arguments: Any, *, dry_run: bool = False) -> Any:
        raise ServerRefused(self._problem, 400)


@pytest.mark.parametrize(
    ("message", "hint", "said", "way_out"),
    [
        ("parameters: hang: no", "its parameters: seconds", "--parameters: hang: no", "its parameters: seconds"),
        ("arm-fault: times: at least 1", "its arguments: fault, parameters, times",
         "--times: at least 1", "its arguments: FAULT, --parameters, --times"),
        ("seed: 3 means nothing without a probability", "give probability too",
         "--seed: 3 means nothing without a probability", "give --probability too"),
        ("client: Pixel means nothing to offline", "leave client out",
         "--client: Pixel means nothing to offline", "leave --client out"),
        ("fault: there is no fault 'x'", "did you mean hang?", "FAULT: there is no fault 'x'", "did you mean hang?"),
        ("the fault: of a client", "a client out there", "the fault: of a client", "a client out there"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_argument_as_it_is_typed(
    say: Say, message: str, hint: str, said: str, way_out: str
) -> None:
    ended = say("arm-fault", "hang", site=Refusing(message, hint))

    assert ended.code == 1
    assert ended.err == f"error: {said}\n       {way_out}\n"


def test_an_item_of_a_list_is_named_with_its_place() -> None:
    error = HotswapError("set-targets: clients[0]: must not be empty")

    assert as_typed(error, "set-targets", {"clients": False}).message == "--clients[0]: must not be empty"


@given(st.text(), st.text())
def test_no_other_text_of_a_refusal_is_touched(message: str, hint: str) -> None:
    error = as_typed(HotswapError(message, hint), "arm-fault", {"zzz_zzz": False})

    assert (error.message, error.hint) == (message, hint)
