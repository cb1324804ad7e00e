"""Of hundreds of clients and half-way rollouts all answers are known, and no frame waits for them."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from hotswap_dev.dashboard.answers import MOST_AT_ONCE, answers
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.selectors.offers import offers_now
from hotswap_dev.dashboard.view import Link, View
from hotswap_dev.domain.clients import advance
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.commands.rollouts import SetRollout
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import ReleaseWithheld
from tests.dashboard.moments import a_view
from tests.dashboard.test_mirror import mirror_of, told
from tests.unit.making import NOW, a_release, an_answered_check, controls_with

LIVE = Link(state="live", since=NOW)


def of_many(controls: Controls, count: int, *, kinds: int = 1) -> View:
    """A moment with so many clients that have nothing, of so many binaries."""
    known = {}
    for number in range(count):
        seen = advance(None, an_answered_check(f"client-{number}", binary_version=f"1.0.{number % kinds}"))
        assert seen is not None
        known[seen.id] = seen
    return a_view(controls, clients=known)


def test_releases_that_were_left_at_a_part_long_ago_keep_nobody_from_being_counted() -> None:
    old = [a_release(one, percent=50.0) for one in range(1, 61)]
    view = of_many(controls_with(*old, a_release(61), a_release(62, percent=50.0)), 300)

    found = offers_now(view)

    assert all(one.asked for one in found.standings)
    assert found.told.get(61, 0) + found.told.get(62, 0) == 300


def test_who_could_not_be_asked_in_one_frame_is_asked_in_the_next() -> None:
    view = of_many(controls_with(a_release(1)), 250, kinds=250)
    later = (replace(view, now=NOW + timedelta(milliseconds=100 * frame)) for frame in range(4))

    asked = [sum(one.asked for one in offers_now(each).standings) for each in later]

    assert asked == [MOST_AT_ONCE, 2 * MOST_AT_ONCE, 250, 250]


def test_answers_are_held_for_the_same_controls_and_never_for_others() -> None:
    controls = controls_with(a_release(1))

    assert answers(controls, NOW) is answers(controls, NOW + timedelta(milliseconds=900))
    assert answers(controls, NOW) is not answers(replace(controls), NOW)
    assert answers(controls, NOW) is not answers(controls, NOW + timedelta(minutes=1))


def test_a_client_that_has_another_release_meanwhile_is_asked_anew() -> None:
    view = of_many(controls_with(a_release(1)), 1)
    assert offers_now(view).told == {1: 1}

    runs = advance(
        view.clients["client-0"], an_answered_check("client-0", sequence=1, binary_version="1.0.0")
    )
    assert runs is not None
    assert offers_now(replace(view, revision=1, clients={"client-0": runs})).told == {}


def pending(mirror: Mirror) -> Controls:
    return mirror.view(NOW, LIVE).expected


def test_what_is_foreseen_is_the_same_object_until_something_happens() -> None:
    mirror = mirror_of(controls_with(a_release(1), a_release(2)))
    mirror.sent(SetRollout(sequence=2, percent=10.0), "release 2 to 10 %")
    first = pending(mirror)
    assert pending(mirror) is first
    assert first.releases[2].percent == 10

    mirror.sent(Force204(on=True), "no update")
    second = pending(mirror)
    assert (second.releases[2].percent, len(second.forced)) == (10, 1)

    told(mirror, ReleaseWithheld(at=NOW, sequence=1))
    assert pending(mirror).releases[1].withheld
    assert pending(mirror).releases[2].percent == 10
