"""What a key asks for besides its command: what WHY proposes, and one release for a key that is held down."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.keys import Ask, Confirm, Say, Send
from hotswap_dev.dashboard.selectors import why_lines
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.model import SAME_AS_CLIENT
from tests.dashboard.moments import a_view, on_client, on_release, planned, then
from tests.unit.making import NOW, a_release, an_answered_check, controls_with


def test_e_beside_why_begins_with_the_minimum_that_why_proposes() -> None:
    controls = controls_with(a_release(14, min_binary_version="9.9.9"))
    found = planned("e", on_client(controls, an_answered_check("phone", sequence=0)))

    assert isinstance(found, Ask)
    assert found.given == {"sequence": 14}
    assert found.today["min_binary_version"] == "9.9.9"
    assert found.suggested == {"min_binary_version": SAME_AS_CLIENT}


def test_e_beside_next_begins_with_the_minimum_that_keeps_the_release_from_being_discarded() -> None:
    controls = controls_with(a_release(14, min_binary_version="0.9.0"))
    found = planned("e", on_client(controls, an_answered_check("phone", sequence=0)))

    assert isinstance(found, Ask)
    assert found.suggested == {"min_binary_version": SAME_AS_CLIENT}


def test_e_on_a_release_that_nothing_is_proposed_for_begins_with_what_it_says() -> None:
    for view in (
        on_release(controls_with(a_release(14)), 14),
        on_client(controls_with(a_release(14)), an_answered_check("phone", sequence=14)),
    ):
        found = planned("e", view)
        assert isinstance(found, Ask)
        assert found.suggested == {}


def test_r_that_comes_twice_within_a_second_makes_no_copy_of_the_copy() -> None:
    view = on_release(controls_with(a_release(14), a_release(15)), 14)
    first = planned("r", view)
    assert isinstance(first, Send)

    made = then(view, first.command).expected
    for selected in (14, 16):  # the row that was selected, and the copy that took its place
        again = planned("r", on_release(made, selected))
        assert isinstance(again, Say)
        assert again.message == "release 16 was made just now"

    later = on_release(made, 14, now=NOW + timedelta(seconds=2))
    assert isinstance(planned("r", later), Send)


def test_p_that_is_held_down_publishes_once() -> None:
    controls = controls_with(a_release(14), a_release(15, origin="publish"))

    assert isinstance(planned("p", a_view(controls)), Say)
    assert isinstance(planned("p", a_view(controls, now=NOW + timedelta(seconds=2))), Send)
    # A build that was just found is no key that was pressed.
    assert isinstance(planned("p", a_view(controls_with(a_release(14)))), Send)


@pytest.mark.parametrize("channel", [None, "production"])
def test_t_with_one_channel_asks_where_builds_should_go(channel: str | None) -> None:
    view = a_view(controls_with(a_release(14)), channel=channel)
    assert isinstance(planned("t", view), Ask)

    two = a_view(controls_with(a_release(14), a_release(15, channel="beta")), channel="production")
    assert isinstance(planned("t", two), Say)


@pytest.mark.parametrize("key", ["n", "M", "w", "r", "b", "p", "e"])
def test_a_key_says_that_the_server_is_lost_and_asks_nothing_of_it(key: str) -> None:
    view = on_release(controls_with(a_release(14), a_release(15)), 14)
    assert isinstance(planned(key, view), Send | Confirm | Ask | Say)

    lost = planned(key, replace(view, link=replace(view.link, state="reconnecting", hint="start it again")))
    assert lost == Say("the server does not answer", "start it again")


def test_no_key_is_named_beside_why_while_the_server_is_lost() -> None:
    view = on_client(controls_with(a_release(14, min_binary_version="9.9.9")), an_answered_check("phone"))
    lost = replace(view, link=replace(view.link, state="reconnecting"))

    assert [keys_in(one) for one in (view, lost)] == [["e"], []]


def keys_in(view: View) -> list[str]:
    """The keys that WHY names."""
    return [span.text for line in why_lines(view, 120, 7) for span in line if span.role == "key"]
