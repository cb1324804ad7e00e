"""Arming a fault: whom it can be for, how it is found, and what its fields come to."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.dashboard.arming import (
    Parameter,
    Scope,
    armed_found,
    asked,
    best,
    found,
    may_be_for,
    parameters,
    scopes,
)
from hotswap_dev.dashboard.details.fault_text import reaction_of
from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.faults import Fault, every_fault, fault_kind
from hotswap_dev.domain.model import ArmedFault
from tests.dashboard.views import a_morning, row_where
from tests.unit.making import a_release, controls_with

CONTROLS = controls_with(a_release(1))
KINDS = tuple(every_fault().values())
ALL = [pytest.param(kind, id=f"{kind.stage}-{kind.named}") for kind in KINDS]


def defaults(kind: type[Fault]) -> dict[str, str]:
    return {one.name: one.default for one in parameters(kind)}


def names(kinds: list[type[Fault]]) -> list[str]:
    return [f"{kind.stage}/{kind.named}" for kind in kinds]


# --- for whom ------------------------------------------------------------------------------------------------------


def test_a_fault_for_a_client_is_for_it_first_then_for_its_channel_then_for_everyone() -> None:
    view = row_where(a_morning().view(), client="px")

    offered = scopes(view, "px")

    assert offered[:3] == (Scope(client="px"), Scope(channel="beta"), Scope())
    assert offered[-1] == Scope(client="px", channel="beta")
    assert [one.said(view.controls.names) for one in offered[:3]] == [
        "Pixel (px)",
        "channel beta",
        "everyone",
    ]


def test_a_fault_for_everyone_names_no_client() -> None:
    offered = scopes(a_morning().view(), None)

    assert offered[0] == Scope()
    assert all(one.client is None for one in offered)


def test_no_scope_is_offered_twice() -> None:
    for client in (None, "px"):
        offered = scopes(a_morning().view(), client)
        assert len(offered) == len(set(offered))


def test_a_listener_that_closes_is_closed_for_everyone() -> None:
    offline = fault_kind("offline")
    assert may_be_for(offline, Scope())
    assert not may_be_for(offline, Scope(client="px"))
    assert may_be_for(fault_kind("hang"), Scope(client="px"))


# --- finding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("hang", "check/hang"),
        ("reset", "check/connection-reset"),
        ("download reset", "download/connection-reset"),
        ("download http", "download/http-error"),
        ("3g", "preset/slow-3g"),
        ("captive", "check/html-page"),
        ("loop", "bundle/second-gzip-member"),
        ("different key", "signature/wrong-key"),
        ("DELAY", "check/delay"),
    ],
)
def test_a_fault_is_found_by_its_name_by_what_it_does_and_by_what_the_client_does(
    query: str, first: str
) -> None:
    likely = best(query, found(query, reaction_of))
    assert likely is not None
    assert names([likely]) == [first]


def test_nothing_typed_finds_every_fault_in_the_order_of_the_catalogue() -> None:
    assert found("", reaction_of) == list(KINDS)


def test_words_are_found_from_their_beginning_so_that_reset_means_no_preset() -> None:
    assert not [kind for kind in found("reset", reaction_of) if kind.stage == "preset"]


@pytest.mark.parametrize("kind", ALL)
def test_every_fault_is_found_by_its_own_name(kind: type[Fault]) -> None:
    assert best(kind.named, found(f"{kind.stage} {kind.named}", reaction_of)) is not None
    assert kind in found(kind.named, reaction_of)


@given(st.text(max_size=40))
def test_whatever_is_typed_no_fault_is_found_that_nothing_typed_does_not_find(query: str) -> None:
    assert set(found(query, reaction_of)) <= set(KINDS)


def test_an_armed_fault_is_found_by_whom_it_is_for() -> None:
    armed = [ArmedFault(override=1, fault="hang", client="px"), ArmedFault(override=2, fault="hang")]
    assert armed_found("pixel", armed, {"px": "Pixel"}) == armed[:1]
    assert armed_found("everyone", armed, {}) == armed[1:]


# --- parameters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
def test_a_form_that_nobody_touched_arms_the_fault_with_its_defaults(kind: type[Fault]) -> None:
    made = asked(kind, defaults(kind), Scope(), CONTROLS)

    assert made.problems == {}
    assert made.command is not None
    assert made.command.wanted() == kind()
    assert made.command.times is None


@pytest.mark.parametrize("kind", ALL)
def test_every_parameter_says_its_unit_and_its_limits(kind: type[Fault]) -> None:
    for one in parameters(kind):
        assert one.about
        assert one.choices or one.limits


def test_a_fault_that_stands_is_not_asked_how_often() -> None:
    assert [one.name for one in parameters(fault_kind("slow-3g"))] == []
    assert [one.name for one in parameters(fault_kind("hang"))] == ["seconds", "times", "probability", "seed"]


def test_what_is_typed_is_what_is_armed() -> None:
    texts = {"status": "418", "times": "2", "probability": "0.5", "seed": "7"}

    made = asked(fault_kind("download/http-error"), texts, Scope(client="px", channel="beta"), CONTROLS)

    assert made.command == ArmFault(
        fault="download/http-error", parameters={"status": 418}, times=2, probability=0.5, seed=7,
        client="px", channel="beta",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "texts", "field", "says"),
    [
        ("check/http-error", {"status": "200"}, "status", "200 is not from 400 to 599"),
        ("check/http-error", {"status": ""}, "status", "this is needed"),
        ("check/http-error", {"status": "٥٠٣"}, "status", "is no whole number"),
        ("check/http-error", {"status": "5_00"}, "status", "is no whole number"),
        ("check/http-error", {"times": "0"}, "times", "0 is not from 1 to 1000000"),
        ("check/http-error", {"times": "1.5"}, "times", "is no whole number"),
        ("check/http-error", {"probability": "0"}, "probability", "0 is not above 0, up to 1"),
        ("check/http-error", {"probability": "1.01"}, "probability", "1.01 is not above 0, up to 1"),
        ("check/http-error", {"seed": "3"}, "seed", "means nothing without a probability"),
        ("truncate", {"percent": "100"}, "percent", "100 is not from 0 below 100"),
        ("truncate", {"percent": "\x1b[2J"}, "percent", "is no number"),
    ],
)
def test_what_can_t_be_meant_is_said_beside_its_field(
    kind: str, texts: dict[str, str], field: str, says: str
) -> None:
    made = asked(fault_kind(kind), texts, Scope(), CONTROLS)

    assert made.command is None
    assert list(made.problems) == [field]
    assert says in made.problems[field]
    assert made.problems[field].isprintable()


def test_a_bundle_fault_has_nothing_to_spoil_where_nothing_is_offered() -> None:
    made = asked(fault_kind("not-gzip"), {}, Scope(), CONTROLS.__class__())

    assert made.command is None
    assert "makes a bad copy of what channel production offers" in made.problems[""]


NUMBERS = [
    pytest.param(kind, one, id=f"{kind.named}-{one.name}")
    for kind in KINDS
    for one in parameters(kind)
    if one.kind is not str and one.name != "seed"
]


@pytest.mark.parametrize(("kind", "one"), NUMBERS)
@given(value=st.one_of(st.integers(-(10**7), 10**7), st.floats(-10, 700, allow_nan=False)))
def test_a_number_is_taken_exactly_where_the_server_takes_it(
    kind: type[Fault], one: Parameter, value: float
) -> None:
    text = str(value) if isinstance(value, int) else f"{value:.6f}"
    made = asked(kind, {**defaults(kind), one.name: text}, Scope(), CONTROLS)
    number = float(text)
    least, most = one.least or 0, one.most or math.inf
    inside = (number > least if one.above else number >= least) and (
        number < most if one.below else number <= most
    )
    whole = one.kind is float or isinstance(value, int)
    assert (made.command is not None) == (inside and whole)
    if made.command is not None:
        made.command.demand(CONTROLS)
        assert made.command.wanted().name == kind().name
