"""A rollout and targets as they are typed come to the commands that are meant, and to what those really change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.dashboard.known import known_to
from hotswap_dev.dashboard.rollout_draft import (
    FIELDS,
    MOST_PREVIEWED,
    STEPS,
    Draft,
    Instead,
    drafted,
    nudge,
    outlook,
    step,
    texts_today,
)
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.clients import advance
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import ClientNamed
from hotswap_dev.domain.model import Targets
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import changes, next_check
from hotswap_dev.domain.rollout import reach
from tests.dashboard.moments import a_view
from tests.unit.making import (
    NOW,
    a_release,
    all_controls,
    an_answered_check,
    controls_with,
)


def a_moment(controls: Controls, *clients: str, **checks: Any) -> View:
    """A moment with these clients, who have 1."""
    known = {}
    for client in clients:
        seen = advance(None, an_answered_check(client, **{"sequence": 1, **checks}))
        assert seen is not None
        known[client] = seen
    return a_view(controls, clients=known)


def draft(view: View, sequence: int = 2, **typed: str) -> Draft:
    """What is typed over what stands there, read."""
    release = view.expected.releases[sequence]
    texts = {**texts_today(release, known_to(view)), **typed}
    return drafted(release, texts, frozenset(typed), view)


TWO = controls_with(a_release(1), a_release(2))
PHONES = tuple(f"phone-{number}" for number in range(8))


def test_only_what_was_touched_is_sent() -> None:
    view = a_moment(TWO, *PHONES)

    assert draft(view).commands == ()
    assert draft(view, percent="10").commands == (SetRollout(sequence=2, percent=10.0, always=()),)
    assert draft(view, platforms="android, ios").commands == (
        SetTargets(sequence=2, platforms=("android", "ios")),
    )


def test_what_was_touched_and_is_so_already_sends_nothing() -> None:
    found = draft(a_moment(TWO), percent="100", platforms="", clients="")

    assert (found.commands, found.problems) == ((), {})


def test_what_nobody_touched_stays_as_it_is_whoever_set_it_meanwhile() -> None:
    release = a_release(2, percent=25.0, always=("tablet",), targets=Targets(arches=("arm",), clients=("x",)))
    view = a_moment(controls_with(a_release(1), release))

    found = draft(view, percent="50", platforms="android").commands

    assert found == (
        SetTargets(sequence=2, platforms=("android",), arches=("arm",), clients=("x",)),
        SetRollout(sequence=2, percent=50.0, always=("tablet",)),
    )


@pytest.mark.parametrize(
    ("percent", "order"), [("10", ["set-rollout", "set-targets"]), ("50", ["set-targets", "set-rollout"])]
)
def test_what_takes_clients_out_goes_first(percent: str, order: list[str]) -> None:
    view = a_moment(controls_with(a_release(1), a_release(2, percent=25.0)), *PHONES)

    assert [one.verb for one in draft(view, percent=percent, platforms="linux").commands] == order


@pytest.mark.parametrize(
    ("before", "platforms"), [(25.0, ()), (25.0, ("linux",)), (75.0, ("linux",)), (75.0, ())]
)
@pytest.mark.parametrize(("percent", "typed"), [("50", "linux"), ("50", "")])
def test_between_two_commands_nobody_is_offered_what_neither_before_nor_after_offers(
    before: float, platforms: tuple[str, ...], percent: str, typed: str
) -> None:
    release = a_release(2, percent=before, targets=Targets(platforms=platforms))
    view = a_moment(controls_with(a_release(1), release), *(f"p{number}" for number in range(60)))
    for number, client in enumerate(list(view.clients.values())):
        if number % 2:
            view.clients[client.id] = replace(client, platform="android")  # type: ignore[index]
    made = draft(view, percent=percent, platforms=typed)

    def offered(controls: Controls) -> set[str]:
        told = {one.id: decide(controls, next_check(one), NOW) for one in view.clients.values()}  # type: ignore[arg-type]
        return {name for name, one in told.items() if one.offered is not None}

    controls, between = view.expected, []
    for command in made.commands:
        for fact in command.events(controls, NOW):
            controls = apply(controls, fact)
        between.append(offered(controls))

    for step_ in between:
        assert step_ <= offered(view.expected) | offered(made.after)


def test_a_client_is_meant_by_its_name_and_stands_there_by_it() -> None:
    controls = apply(TWO, ClientNamed(at=NOW, client="phone-3", name="Pixel"))
    view = a_moment(controls, *PHONES)

    made = draft(view, always="Pixel, phone-4").commands

    assert made == (SetRollout(sequence=2, percent=100.0, always=("phone-3", "phone-4")),)
    release = replace(controls.releases[2], always=("phone-3", "new"))
    assert texts_today(release, known_to(view))["always"] == "Pixel, new"


def test_two_clients_of_one_name_stand_there_by_their_ids() -> None:
    controls = TWO
    for client in ("phone-1", "phone-2"):
        controls = apply(controls, ClientNamed(at=NOW, client=client, name="Pixel"))
    release = replace(controls.releases[2], always=("phone-1",))

    assert texts_today(release, known_to(a_moment(controls, *PHONES)))["always"] == "phone-1"


printable = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20)


@given(st.lists(printable, max_size=4, unique=True))
def test_C1_any_ids_that_stand_there_mean_themselves_again(ids: list[str]) -> None:
    release = a_release(2, always=tuple(ids), targets=Targets(clients=tuple(ids)))
    view = a_moment(controls_with(a_release(1), release), *ids)
    today = texts_today(release, known_to(view))

    found = drafted(release, today, frozenset(FIELDS), view)

    assert (found.commands, found.problems) == ((), {})


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("percent", "x", "is no number"),
        ("percent", "101", "at most 100"),
        ("percent", "-1", "at least 0"),
        ("percent", "", "this is needed"),
        ("platforms", "androd", "did you mean android?"),
        ("arches", "z80", "there are: x86_64"),
        ("binary_versions", "0.4", "is no range of versions"),
        ("clients", "pho", "could be 8 clients"),
        ("clients", "x" * 200, "at most 128 characters"),
        ("always", "pho", "could be 8 clients"),
    ],
)
def test_what_can_not_be_meant_is_said_of_its_field(field: str, typed: str, says: str) -> None:
    found = draft(a_moment(TWO, *PHONES), 2, **{field: typed})

    assert set(found.problems) == {field}
    assert says in found.problems[field]
    assert found.commands == ()


def test_what_is_wrong_in_one_half_lets_the_other_be_seen() -> None:
    found = draft(a_moment(TWO, *PHONES), percent="10", binary_versions=">")

    assert [one.verb for one in found.commands] == ["set-rollout"]
    assert set(found.problems) == {"binary_versions"}


@pytest.mark.parametrize("typed", ["25 %", "25%", " 25 "])
def test_a_percent_may_be_typed_with_its_sign(typed: str) -> None:
    assert draft(a_moment(TWO), percent=typed).after.releases[2].percent == 25


@given(all_controls(), st.data())
def test_a_preview_is_what_the_domain_says_of_the_same_commands(
    controls: Controls, data: st.DataObject
) -> None:
    assume(controls.releases)
    sequence = data.draw(st.sampled_from(sorted(controls.releases)))
    view = a_moment(
        controls, "phone", *PHONES[:3], "local/linux/x86_64", sequence=data.draw(st.integers(0, 3))
    )
    typed = {
        "percent": data.draw(st.sampled_from(["0", "12.5", "50", "100"])),
        "platforms": data.draw(st.sampled_from(["", "linux", "android, ios"])),
    }

    found = draft(view, sequence, **typed)
    seen = outlook(view.expected.releases[sequence], found, view)

    after = controls
    for command in found.commands:
        for fact in command.events(after, NOW):
            after = apply(after, fact)
    newest_first = list(reversed(list(view.clients.values())))
    assert list(seen.changes) == changes(controls, after, newest_first, NOW)
    asked = [check for one in view.clients.values() if (check := next_check(one)) is not None]
    assert seen.reach == reach(after.releases[sequence], asked)
    release = after.releases[sequence]
    told = {check.client: decide(after, check, NOW) for check in asked}
    has = {name for name, one in told.items() if one.offered is not None and one.offered.sequence == sequence}
    without = {name for group in seen.instead for name in group.clients}
    could = {one.client for one in asked if one.asked_channel == release.channel and one.sequence < sequence}
    assert without == could - has


def test_those_without_it_are_told_what_they_get_in_its_place() -> None:
    controls = controls_with(a_release(1), a_release(2), a_release(3))
    view = a_moment(controls, *PHONES)

    seen = outlook(controls.releases[3], draft(view, 3, percent="0"), view)
    assert seen.instead == (Instead(2, "", tuple(reversed(PHONES))),)

    at_2 = a_moment(controls, *PHONES, sequence=2)
    seen = outlook(controls.releases[3], draft(at_2, 3, percent="0"), at_2)
    assert [(one.offered, one.code) for one in seen.instead] == [(None, "not-in-rollout")]


def test_of_very_many_clients_the_ones_seen_last_are_compared_and_all_are_counted() -> None:
    view = a_moment(TWO, *(f"c{number}" for number in range(MOST_PREVIEWED + 40)))

    seen = outlook(TWO.releases[2], draft(view, percent="0"), view)

    assert (len(seen.changes), seen.unasked, seen.reach.of) == (MOST_PREVIEWED, 40, MOST_PREVIEWED + 40)


@given(st.floats(0, 100, allow_nan=False).map(lambda one: round(one, 2)))
def test_a_step_goes_to_the_next_usual_percent_and_stays_at_the_ends(percent: float) -> None:
    up, down = float(step(f"{percent:g}", 1, 0)), float(step(f"{percent:g}", -1, 0))

    assert up in STEPS
    assert down in STEPS
    assert up > percent or up == percent == STEPS[-1]
    assert down < percent or down == percent == STEPS[0]
    assert not [one for one in STEPS if down < one < percent or percent < one < up]


def test_a_step_from_what_is_no_percent_begins_at_what_is_so_today() -> None:
    assert (step("x", 1, 25), nudge("", 1, 25), nudge("100", 1, 0), nudge("0.5", -1, 0)) == (
        "50",
        "26",
        "100",
        "0",
    )
