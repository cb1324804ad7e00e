"""What `status`, `releases`, `why` and `log` say of faults, rollouts, targets and access."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import click
import pytest

from hotswap_dev import wire
from hotswap_dev.cli.look import armed
from hotswap_dev.cli.why import explained
from hotswap_dev.domain.controls import apply
from hotswap_dev.domain.facts import FaultArmed
from hotswap_dev.domain.model import ArmedFault, Release
from tests.unit import making
from tests.unit.cli.saying import Say, Site, a_state, a_why
from tests.unit.making import NOW, controls_with


def an_armed(**changes: Any) -> dict[str, Any]:
    told = {
        "override": 3, "fault": "check/delay", "parameters": {"ms": 500}, "client": "p1", "channel": None, "left": 2,
        "probability": 0.5, "seed": 0, "fired": 0, "missed": 0, "sequence": None,
    }  # fmt: skip
    return {**told, **changes}


def a_release(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "channel": "beta", "withheld": False, "mandatory": False, "percent": 100.0, "always": [], "targets": {},
    }  # fmt: skip
    return {**plain, **changes}


def controls(**changes: Any) -> dict[str, Any]:
    calm: dict[str, Any] = {
        "forced": [], "faults": [], "mandatory_for_all": False, "pins": {}, "names": {"p1": "QA phone"},
        "channels": {}, "releases": {}, "required": {}, "products": {},
    }  # fmt: skip
    return {**calm, **changes}


def test_status_shows_armed_faults_by_their_numbers() -> None:
    poisoned = an_armed(override=4, fault="crash-on-load", parameters={}, client=None, left=None, sequence=9)
    poisoned["probability"] = None

    assert list(armed(controls(faults=[an_armed(), poisoned]))) == [
        ("fault", "3: check/delay (ms=500) for QA phone (p1), 2 times more, by a chance of 0.5"),
        ("fault", "4: crash-on-load for everyone, as release 9, until it is disarmed"),
    ]


def a_whole_state(*releases: Release, faults: tuple[ArmedFault, ...] = ()) -> dict[str, Any]:
    """`controls` as a server sends them."""
    told = controls_with(*releases)
    for one in faults:
        told = apply(told, FaultArmed(at=NOW, armed=one))
    found: dict[str, Any] = wire.plain(told)
    return found


@pytest.mark.parametrize("overtaken", [False, True])
def test_status_says_of_a_fault_that_something_newer_overtook_that_it_strikes_nobody(overtaken: bool) -> None:
    releases = [making.a_release(1), making.a_release(2, origin="poisoned", from_sequence=1)]
    releases += [making.a_release(3)] if overtaken else []
    bad = ArmedFault(override=4, fault="crash-on-load", sequence=2)

    (_, said), *_ = armed(a_whole_state(*releases, faults=(bad,)))

    assert said == "4: crash-on-load for everyone, as release 2, until it is disarmed" + (
        "; overtaken by 3: it strikes nobody any more" if overtaken else ""
    )


def test_status_calls_a_poisoned_copy_one_and_not_just_the_newest(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = (making.a_release(1), making.a_release(2, origin="poisoned", from_sequence=1))
    state = {
        "controls": a_whole_state(*releases), "clients": [], "builds": {"dist": None}, "recording": {"dropped": 0},
    }  # fmt: skip
    server = SimpleNamespace(endpoint="http://127.0.0.1:1/api/ota/{{current_sequence}}", pid=7)
    monkeypatch.setattr("hotswap_dev.cli.look.running_server", lambda _: server)

    told = say("status", site=Site({"/api/state": state})).out

    assert "newest 2 (1.0.0-ota.2, a poisoned copy of 1) on production" in told


def test_status_shows_whom_releases_in_play_leave_out_and_none_below_a_whole_one() -> None:
    releases = {
        "9": a_release(percent=12.5, always=["p1"]),
        "8": a_release(percent=10.0, withheld=True),
        "7": a_release(targets={"platforms": ["android"], "binary_versions": ">=0.4"}),
        "6": a_release(),
        "5": a_release(percent=10.0),
    }
    channel = {"paused": False, "releases": [9, 8, 7, 6, 5]}

    told = list(armed(controls(releases=releases, channels={"beta": channel})))

    assert told == [
        ("withheld", "8"),
        ("narrowed", "9 on beta: 12.5 % and QA phone (p1)"),
        ("narrowed", "7 on beta: for android; binary >=0.4"),
    ]


def test_C10_status_shows_which_header_is_demanded_and_never_its_value() -> None:
    required = {
        "beta": {"header": "X-API-Key", "status": 401, "digest": "0123456789abcdef"},
        "qa": {"header": "Authorization", "status": 403, "digest": None},
    }

    told = list(armed(controls(required=required, products={"app": "beta"})))

    assert told == [
        ("demands", "channel beta: the header X-API-Key with its value, else 401"),
        ("demands", "channel qa: the header Authorization, else 403"),
        ("product", "app is answered from channel beta"),
    ]


def test_a_list_of_releases_shows_rollout_targets_and_poison(say: Say) -> None:
    row = {
        "sequence": 9, "version": "1-ota.9", "min_binary_version": "1", "bundle": {"files": 4, "size": 10},
        "published_at": "2026-04-05T12:00:00Z", "origin": "poisoned", "from_sequence": 8, "bundle_gone": False,
        "pinned": [],
    }  # fmt: skip
    narrowed = a_release(percent=25.0, targets={"clients": ["p1"]}, mandatory=True)
    whole = {**row, **a_release(), "sequence": 8, "origin": "build", "from_sequence": None}
    state = {"controls": {"names": {"p1": "QA phone"}}}

    found = say(
        "releases", site=Site({"/api/releases": [{**row, **narrowed}, whole], "/api/state": state})
    ).out.splitlines()

    assert found[1].endswith("poisoned 8  25 %; for QA phone (p1); mandatory")
    assert found[2].endswith("build")


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"status": 0, "fault": "hang"}, "nothing is answered, by the fault hang"),
        ({"status": 200, "fault": "html-page"}, "200, by the fault html-page"),
        ({"status": 503, "fault": "check/http-error"}, "503, by the fault check/http-error"),
        (
            {"status": 200, "fault": "check/delay", "offered": 3, "version": "1"},
            "200, release 3 (1), by the fault check/delay",
        ),
        ({"status": 401, "reason": "access-denied"}, "401, refused (access-denied)"),
    ],
)
def test_why_says_what_a_fault_lets_out_and_who_is_not_let_in(told: dict[str, Any], text: str) -> None:
    why = a_why(**{"reason": "fault", **told})

    lines = [click.unstyle(line) for line in explained(why)]

    assert f"ANSWER  {text}" in lines


def test_log_filters_by_nothing_answered_and_says_if_there_was_none(say: Say) -> None:
    site = Site({"/api/state": a_state(), "/api/history": []})

    said = say("log", "--status", "0", site=site)

    assert (said.code, said.err) == (0, "nothing matches\n")
