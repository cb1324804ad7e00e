"""The mirror has what the server has, foresees what is pending, and knows when it has lost the thread."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.dashboard.mirror import MOST_PUBLISHED, Mirror
from hotswap_dev.dashboard.view import Link
from hotswap_dev.domain.commands.overrides import Force204, SetMandatory
from hotswap_dev.domain.commands.releases import Withhold
from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.domain.facts import ClientForgotten, Fact, Forced204Set, MandatorySet, ReleaseWithheld
from hotswap_dev.domain.observations import BuildRefused, BuildStarted, Noticed, Published
from tests.unit.domain.clients import a_download, an_offer
from tests.unit.making import NOW, a_release, added, an_answered_check, controls_with, histories

LIVE = Link(state="live", since=NOW)


def state(controls: Controls = Controls(), *, revision: int = 0, instance: str = "one") -> wire.State:  # noqa: B008 - frozen
    return wire.State(instance=instance, revision=revision, controls=controls, clients=())


def mirror_of(controls: Controls, *, revision: int = 0) -> Mirror:
    mirror = Mirror()
    mirror.reset(state(controls, revision=revision))
    return mirror


def told(mirror: Mirror, *events: wire.Event, instance: str = "one") -> list[bool]:
    return [mirror.advance(wire.EventLine(instance, mirror.revision + 1, event)) for event in events]


@given(histories(), st.data())
def test_events_from_any_point_on_lead_to_what_the_server_has(facts: list[Fact], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(facts)))
    mirror = mirror_of(replay(facts[:start]), revision=start)

    assert all(told(mirror, *facts[start:]))

    assert mirror.controls == replay(facts)
    assert mirror.revision == len(facts)


def test_an_event_that_does_not_follow_on_asks_for_the_state_again() -> None:
    mirror = mirror_of(controls_with(a_release(1)), revision=5)
    check = an_answered_check()

    assert not mirror.advance(wire.EventLine("one", 7, check))
    assert not mirror.advance(wire.EventLine("another run", 6, check))
    assert not mirror.advance(wire.EventLine("one", 6, wire.Gap(at=NOW)))
    assert mirror.revision == 5


def test_an_event_that_the_state_had_already_is_passed_over() -> None:
    mirror = mirror_of(controls_with(a_release(1)), revision=5)

    assert mirror.advance(wire.EventLine("one", 5, ReleaseWithheld(at=NOW, sequence=1)))

    assert not mirror.controls.releases[1].withheld


def test_clients_come_and_are_forgotten_as_on_the_server() -> None:
    mirror = mirror_of(controls_with(a_release(1)))

    told(mirror, an_offer(1, client="phone"), a_download(1, client="phone"), an_answered_check("tablet"))
    assert [client.id for client in mirror.clients.values()] == ["phone", "tablet"]
    assert mirror.clients["phone"].fetched == 1

    told(mirror, ClientForgotten(at=NOW, client="phone"))
    assert list(mirror.clients) == ["tablet"]


def test_what_is_pending_is_foreseen_until_its_facts_are_here() -> None:
    mirror = mirror_of(controls_with(a_release(1)))
    number = mirror.sent(Force204(on=True, times=1), "no update once")

    assert not mirror.view(NOW, LIVE).controls.forced
    assert mirror.view(NOW, LIVE).expected.forced[0].left == 1

    mirror.answered(number, revision=1)
    assert [one.words for one in mirror.view(NOW, LIVE).pending] == ["no update once"]

    told(mirror, Forced204Set(at=NOW, override=1, times=1))
    view = mirror.view(NOW, LIVE)
    assert view.pending == ()
    assert view.expected == view.controls == mirror.controls


def test_facts_that_come_before_the_answer_settle_it_too() -> None:
    mirror = mirror_of(controls_with(a_release(1)))
    number = mirror.sent(SetMandatory(on=True), "mandatory")
    told(mirror, MandatorySet(at=NOW, on=True))

    mirror.answered(number, revision=1)

    assert mirror.view(NOW, LIVE).pending == ()


def test_two_keys_in_a_row_count_from_each_other() -> None:
    mirror = mirror_of(controls_with(a_release(1)))
    mirror.sent(Force204(on=True, times=1), "once")
    mirror.sent(Force204(on=True), "until off")

    assert [one.left for one in mirror.expected(NOW).forced] == [None]


def test_what_the_server_refused_is_pending_no_longer() -> None:
    mirror = mirror_of(controls_with(a_release(1)))
    number = mirror.sent(Withhold(sequence=9), "withhold 9")

    assert mirror.expected(NOW) == mirror.controls  # it can't be done, and foreseeing it does not fail

    mirror.answered(number, None)
    assert mirror.view(NOW, LIVE).pending == ()


def test_another_run_of_the_server_knows_nothing_of_what_was_asked_of_the_last_one() -> None:
    mirror = mirror_of(controls_with(a_release(1)))
    mirror.sent(SetMandatory(on=True), "mandatory")
    told(mirror, Noticed(at=NOW, level="error", code="disk-full", message="full"))

    mirror.reset(state(controls_with(a_release(1)), instance="two"))

    assert mirror.view(NOW, LIVE).pending == ()
    assert mirror.notice is None


def test_a_gap_keeps_what_is_pending_and_settles_what_the_state_has() -> None:
    mirror = mirror_of(controls_with(a_release(1)))
    mirror.answered(mirror.sent(SetMandatory(on=True), "mandatory"), revision=3)
    mirror.sent(Withhold(sequence=1), "withhold 1")

    mirror.reset(state(controls_with(a_release(1)), revision=4))

    assert [one.words for one in mirror.view(NOW, LIVE).pending] == ["withhold 1"]


def a_published(sequence: int, **changes: Any) -> Published:
    fields: dict[str, Any] = {
        "at": NOW, "version": f"1.0.0-ota.{sequence}", "channel": "production", "origin": "build",
        "bundle_size": 1000, "files": 3, "changed": 1, "scan_ms": 1.0, "pack_ms": 28.0, "offered_ms": 320.0,
    }  # fmt: skip
    return Published(sequence=sequence, **{**fields, **changes})


def test_a_build_is_seen_on_its_way_and_a_refused_one_until_the_next() -> None:
    mirror = mirror_of(controls_with(a_release(1)))

    told(mirror, BuildStarted(at=NOW, path="dist"))
    assert mirror.builds.building == "dist"

    told(mirror, BuildRefused(at=NOW, code="no-index", detail="dist has no index.html"))
    after = mirror.builds
    assert after.building is None
    assert after.refused is not None
    assert after.refused.code == "no-index"

    told(mirror, BuildStarted(at=NOW, path="dist"), *added(a_release(2)), a_published(2))
    assert mirror.builds.refused is None
    assert mirror.published[2].pack_ms == 28.0


def test_how_releases_were_made_is_kept_up_to_a_bound() -> None:
    mirror = mirror_of(Controls())

    told(mirror, *(a_published(number) for number in range(1, MOST_PUBLISHED + 50)))

    assert len(mirror.published) == MOST_PUBLISHED
    assert min(mirror.published) == 50


def test_a_warning_stays_and_a_remark_does_not() -> None:
    mirror = mirror_of(Controls())

    told(mirror, Noticed(at=NOW, level="warning", code="w", message="look"))
    told(mirror, Noticed(at=NOW, level="info", code="i", message="by the way"))

    assert mirror.notice is not None
    assert mirror.notice.code == "w"


def test_checks_of_the_last_minute_are_counted_by_the_server_s_time() -> None:
    mirror = mirror_of(controls_with(a_release(1)))
    told(mirror, *(an_answered_check(at=NOW - timedelta(seconds=age)) for age in (600, 90, 50, 20, 3, 0)))

    view = mirror.view(NOW, LIVE)

    assert view.per_minute == 4
    assert sum(view.rates) == 5
    assert mirror.view(NOW + timedelta(minutes=5), LIVE).per_minute == 0


def test_the_way_of_a_release_is_counted_from_the_clients() -> None:
    mirror = mirror_of(controls_with(a_release(1), a_release(2)))
    told(mirror, an_offer(2, client="phone"), a_download(2, client="phone"))
    told(mirror, an_offer(2, client="tablet"), an_answered_check("phone", sequence=2))
    told(mirror, an_answered_check("beta phone", channel="beta"))

    way = mirror.view(NOW, LIVE).adoption[2]

    assert (way.clients, way.offered, way.fetched, way.running, way.fell_back) == (2, 2, 1, 1, 0)


@pytest.mark.parametrize("later", [0.0, 2.0])
def test_a_new_release_has_its_way_at_once(later: float) -> None:
    mirror = mirror_of(controls_with(a_release(1)))
    told(mirror, an_answered_check("phone"))
    mirror.view(NOW, LIVE)

    told(mirror, *added(a_release(2)))

    assert mirror.view(NOW + timedelta(seconds=later), LIVE).adoption[2].clients == 1
