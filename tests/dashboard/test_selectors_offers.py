"""A release's state follows from what its clients are told, and from nothing that is set for one of them alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.dashboard.looking import Looking
from hotswap_dev.dashboard.selectors import release_line, release_rows, why_lines
from hotswap_dev.dashboard.selectors.for_some import small_bar
from hotswap_dev.dashboard.selectors.offers import offers_now
from hotswap_dev.dashboard.selectors.releases import release_state
from hotswap_dev.dashboard.spans import cells, plain
from hotswap_dev.domain.clients import advance
from hotswap_dev.domain.commands.access import SetRequiredHeader
from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.commands.releases import Withhold
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import FaultArmed
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import next_check
from tests.dashboard.moments import a_view
from tests.dashboard.views import Scene, texts
from tests.unit.making import NOW, all_controls, an_answered_check

CLIENTS = [f"client-{number}" for number in range(12)]


def state(scene: Scene, sequence: int = 1) -> str:
    view = scene.view()
    return release_state(view.controls.releases[sequence], view)[0]


def row(scene: Scene, sequence: int, width: int = 120) -> str:
    view = scene.view()
    found = next(one for one in release_rows(view) if sequence in one.sequences)
    return plain(release_line(found, view, width))


def why(scene: Scene, sequence: int) -> str:
    view = scene.view(Looking(pane="releases", release=sequence))
    return texts(why_lines(view, 120, 7))


def asking(scene: Scene, has: int = 1, **changes: Any) -> Scene:
    for client in CLIENTS:
        scene.asks(client, has, **changes)
    return scene


def test_what_is_armed_for_one_client_says_nothing_of_the_release_though_only_that_one_is_without_it() -> (
    None
):
    scene = Scene().saved(1).asks("mac", 1).asks("px", 0)

    assert state(scene.done(Force204(on=True, client="px"))) == "offered"
    assert state(scene.done(ArmFault(fault="hang", client="px"))) == "offered"


def test_what_is_armed_for_everyone_is_the_state_of_the_release() -> None:
    scene = Scene().saved(1).asks("mac", 1).asks("px", 0)

    assert state(scene.done(Force204(on=True))) == "no update"


@pytest.mark.parametrize("known", [True, False])
def test_a_fault_that_lets_nobody_hear_of_it_is_the_state_of_the_release(known: bool) -> None:
    scene = Scene().saved(1)
    if known:
        scene.asks("px", 0)

    assert state(scene.done(ArmFault(fault="hang"))) == "fault"
    assert "Nobody hears of 1 as long as the fault hang strikes." in why(scene, 1)


@pytest.mark.parametrize(
    "fault", ["check/delay", "download/http-error", "wrong-key", "missing-bundle", "slow-3g"]
)
def test_a_fault_that_lets_the_offer_be_heard_is_no_state_of_the_release(fault: str) -> None:
    assert state(Scene().saved(1).asks("px", 0).done(ArmFault(fault=fault))) == "offered"


def test_a_fault_by_chance_or_for_some_answers_is_no_state_of_a_release_that_nobody_asked_for() -> None:
    assert state(Scene().saved(1).done(ArmFault(fault="hang", times=2))) == "offered"
    assert state(Scene().saved(1).asks("px", 0).done(ArmFault(fault="hang", probability=1.0))) == "offered"


def test_a_header_that_nobody_sends_is_the_state_of_the_release() -> None:
    scene = Scene().saved(1).asks("px", 0)
    scene.done(SetRequiredHeader(channel="beta", header="X-API-Key", status=401))

    assert state(scene) == "refused"
    assert "Nobody who asks sends the header X-API-Key" in why(scene, 1)


def test_a_fault_that_only_a_newer_server_knows_hides_nothing() -> None:
    scene = Scene().saved(1).asks("px", 0)
    scene.happens(FaultArmed(at=NOW, armed=ArmedFault(override=1, fault="check/of-tomorrow")))

    assert state(scene) == "offered"
    assert "Traceback" not in why(scene, 1)


def test_a_release_that_is_rolled_out_shows_how_far_and_who_is_next() -> None:
    scene = asking(Scene().saved(1).saved(2)).done(SetRollout(sequence=2, percent=10.0))

    assert "10 % █░░░" in row(scene, 2)
    assert state(scene, 2) == "rolling out"
    assert "2 is rolled out to 10 %: " in why(scene, 2)
    assert " flips in at " in why(scene, 2)


def test_below_a_release_that_is_rolled_out_the_whole_one_is_offered_and_not_superseded() -> None:
    scene = asking(Scene().saved(1).saved(2).saved(3), has=1).done(SetRollout(sequence=3, percent=0.0))

    assert (state(scene, 3), state(scene, 2), state(scene, 1)) == ("rolling out", "offered", "superseded")
    assert "in its place" not in why(scene, 2)
    assert "3 is rolled out to 0 %: 0 of 12 clients; client-" in why(scene, 3)


def test_a_release_with_targets_says_for_whom_it_is() -> None:
    scene = asking(Scene().saved(1).saved(2)).done(SetTargets(sequence=2, platforms=("android", "ios")))
    assert "for some android, ios" in row(scene, 2)
    assert "2 is for android, ios: 12 of 12 clients." in why(scene, 2)

    scene.done(SetTargets(sequence=2, platforms=("windows",)))
    assert state(scene, 2) == "for some"
    assert "2 is for windows: no client that is known is meant." in why(scene, 2)


def test_a_poisoned_release_is_called_so_as_long_as_it_is_offered() -> None:
    scene = Scene().saved(1).saved(2, origin="poisoned", from_sequence=1).asks("px", 0)

    assert state(scene, 2) == "poisoned"
    assert "bad copy of 1" in row(scene, 2)
    assert state(scene.done(Withhold(sequence=2)), 2) == "withheld"


def test_what_is_pending_of_a_rollout_stands_there_with_its_mark() -> None:
    scene = asking(Scene().saved(1).saved(2)).done(SetRollout(sequence=2, percent=10.0))
    scene.mirror.sent(SetRollout(sequence=2, percent=25.0), "release 2 to 25 %")
    scene.mirror.sent(SetTargets(sequence=2, platforms=("ios",)), "targets of release 2")

    assert "25 %… █░░░ ios…" in row(scene, 2)


def test_releases_that_somebody_set_apart_are_never_folded() -> None:
    scene = Scene()
    for sequence in range(1, 9):
        scene.saved(sequence)
    scene.done(SetRollout(sequence=3, percent=50.0)).done(SetTargets(sequence=5, platforms=("ios",)))

    assert {3, 5} <= {one.key for one in release_rows(scene.view()) if len(one.sequences) == 1}


@given(all_controls(), st.integers(0, 4), st.sampled_from(["production", "beta", "nightly"]))
def test_what_is_told_of_many_clients_is_what_each_of_them_is_told(
    controls: Controls, has: int, channel: str
) -> None:
    ids = [*CLIENTS, "phone", "local/linux/x86_64"]
    known = {one: advance(None, an_answered_check(one, sequence=has, channel=channel)) for one in ids}
    view = a_view(controls, clients={one: client for one, client in known.items() if client is not None})

    for standing in offers_now(view).standings:
        check = next_check(standing.client)
        assert check is not None
        assert standing.decision is not None
        alone = decide(controls, check, NOW)
        assert (standing.decision.offered, standing.decision.reason.code) == (
            alone.offered,
            alone.reason.code,
        )
        assert [one.sequence for one in standing.decision.considered] == [
            one.sequence for one in alone.considered
        ]


@given(st.floats(0, 100, allow_nan=False))
def test_a_part_is_never_drawn_as_nothing_or_as_all(percent: float) -> None:
    drawn = plain(small_bar(percent))

    assert cells(small_bar(percent)) == 4
    assert ("█" in drawn) == (percent > 0)
    assert ("░" in drawn) == (percent < 100)


@pytest.mark.parametrize("width", [50, 58, 64, 78, 100, 120])
def test_whom_a_release_is_for_is_never_cut_for_the_sake_of_the_bar(width: int) -> None:
    scene = asking(Scene().saved(1).saved(2)).named("client-0", "Bob Pixel 7")
    scene.done(SetTargets(sequence=2, clients=("client-0",)))

    assert "for some Bob Pixel 7" in row(scene, 2, width)
    assert cells(release_line(release_rows(scene.view())[0], scene.view(), width)) <= width


def test_where_all_are_for_everyone_the_bar_stays() -> None:
    assert "█" in row(asking(Scene().saved(1)), 1, 58)
