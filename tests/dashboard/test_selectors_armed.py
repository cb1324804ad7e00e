"""What bends answers stands in the chips and on the client's row; the funnel in the way and on the release's page."""

from __future__ import annotations

from typing import Any

import pytest

from hotswap_dev.dashboard.details.release_text import release_lines
from hotswap_dev.dashboard.looking import Looking
from hotswap_dev.dashboard.selectors import chips, client_line, foot, way
from hotswap_dev.dashboard.spans import plain
from hotswap_dev.domain.commands.access import MapProduct, SetRequiredHeader
from hotswap_dev.domain.commands.faults import ArmFault, DisarmFault
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.facts import FaultArmed, OverrideSpent
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.observations import LifecycleReported
from tests.dashboard.views import Scene, texts
from tests.unit.making import NOW


def a_scene() -> Scene:
    return Scene().named("px", "Pixel").saved(1).saved(2).asks("px", 1)


def chip(scene: Scene, width: int = 200) -> str:
    return plain(chips(scene.view(), width))


def reports(scene: Scene, client: str, lifecycle: str, sequence: int, error: str = "") -> Scene:
    return scene.happens(
        LifecycleReported(
            at=NOW,
            client=client,
            peer="::1",
            lifecycle=lifecycle,
            sequence=sequence,
            version=None,
            error=error,
        )
    )


@pytest.mark.parametrize(
    ("armed", "says"),
    [
        ({"fault": "hang"}, "hang 30 s everyone  "),
        ({"fault": "hang", "client": "px"}, "hang 30 s Pixel  "),
        ({"fault": "hang", "client": "px", "channel": "beta"}, "hang 30 s Pixel on beta  "),
        ({"fault": "hang", "channel": "beta"}, "hang 30 s channel beta  "),
        ({"fault": "hang", "times": 3}, "hang 30 s everyone · ×3  "),
        ({"fault": "check/delay", "parameters": {"ms": 500, "jitter": 50}}, "check/delay 500 ms ±50 ms everyone  "),
        ({"fault": "bandwidth", "probability": 0.5}, "bandwidth 50 kB/s everyone · chance 50 %  "),
        (
            {"fault": "download/http-error", "client": "px", "times": 2},
            "download/http-error 503 Pixel · 2 attempts  ",
        ),
        ({"fault": "truncate", "client": "px", "times": 1}, "truncate 50 % Pixel · 1 attempt  "),
        ({"fault": "truncate", "client": "px", "times": 7}, "truncate 50 % Pixel · 7 attempts  "),
        ({"fault": "truncate", "times": 1}, "truncate 50 % everyone · 1 attempt  "),
        ({"fault": "missing-field", "parameters": {"field": "url"}}, "missing-field url everyone  "),
        ({"fault": "slow-3g"}, "slow-3g everyone  "),
    ],
)  # fmt: skip
def test_a_chip_says_which_fault_for_whom_and_how_long(armed: dict[str, Any], says: str) -> None:
    found = chip(a_scene().done(ArmFault(**armed)))

    assert says in found
    assert found.rstrip().endswith("Z clear all")


def test_attempts_that_were_struck_are_counted_on_the_chip() -> None:
    scene = a_scene().done(ArmFault(fault="download/http-error", client="px", times=3))
    scene.happens(OverrideSpent(at=NOW, override=1))

    # Which of its four that will be depends on where the client is, and nobody knows.
    assert " · 2 more attempts" in chip(scene)
    assert " of 4" not in chip(scene)


def test_a_poisoned_release_stands_on_the_chip_of_its_fault() -> None:
    scene = a_scene().saved(3, origin="poisoned", from_sequence=2)
    scene.happens(FaultArmed(at=NOW, armed=ArmedFault(override=1, fault="not-gzip", client="px", sequence=3)))

    assert "not-gzip Pixel · as 3" in chip(scene)


def test_a_fault_whose_release_something_newer_overtook_says_so_on_its_chip() -> None:
    scene = a_scene().saved(3, origin="poisoned", from_sequence=2)
    scene.happens(FaultArmed(at=NOW, armed=ArmedFault(override=1, fault="not-gzip", sequence=3)))
    assert "overtaken" not in chip(scene)

    assert "not-gzip everyone · as 3, overtaken by 4" in chip(scene.saved(4))


def test_a_fault_that_is_being_disarmed_stands_there_until_it_has_ended() -> None:
    scene = a_scene().done(ArmFault(fault="hang"))
    scene.mirror.sent(DisarmFault(id=1), "fault hang disarmed")

    assert "hang 30 s everyone: ending…" in chip(scene)


def test_a_demanded_header_is_said_without_its_value() -> None:
    scene = a_scene().done(
        SetRequiredHeader(channel="beta", header="X-API-Key", status=401, value="sk_test_secret")
    )

    assert "beta demands X-API-Key with its value, else 401" in chip(scene)
    assert "sk_test" not in chip(scene)


def test_products_that_are_mapped_are_said_and_many_are_counted() -> None:
    scene = a_scene()
    for number in range(4):
        scene.done(MapProduct(product=f"app-{number}", channel="beta"))

    assert "app-0 → beta   app-1 → beta   2 more products" in chip(scene)


def test_a_client_says_which_faults_are_armed_for_it_alone() -> None:
    scene = a_scene().done(ArmFault(fault="check/http-error", client="px", times=2))
    scene.done(ArmFault(fault="hang"))
    view = scene.view()

    line = plain(client_line(view.clients["px"], view, 120))

    assert "fault http-error ×2" in line
    assert "hang" not in line


def test_a_client_whose_page_confirmed_or_could_not_apply_says_so() -> None:
    scene = a_scene().fetches("px", 2).asks("px", 2)
    reports(scene, "px", "ready-confirmed", 2)
    view = scene.view()
    assert "confirmed" in plain(client_line(view.clients["px"], view, 120))

    scene.saved(3).asks("px", 2)
    reports(scene, "px", "download-error", 3, "HTTP 503: bundle download failed")
    view = scene.view()
    assert "failed" in plain(client_line(view.clients["px"], view, 120))


def test_a_client_in_a_rollback_loop_says_so_on_its_way_up_too() -> None:
    scene = a_scene().fetches("px", 2).asks("px", 2).asks("px", 0).fetches("px", 2).asks("px", 2)
    view = scene.view()
    assert "applied again" in plain(client_line(view.clients["px"], view, 120))

    scene.asks("px", 0).fetches("px", 2).asks("px", 2)
    view = scene.view()
    assert "rollback loop ×2" in plain(client_line(view.clients["px"], view, 120))
    assert "fell back 1" in plain(way(view, 120))


def test_the_way_shows_the_whole_funnel_once_apps_report() -> None:
    scene = a_scene().fetches("px", 2).asks("px", 2)
    before = plain(way(scene.view(), 140))
    assert "running 1 ▸ fell back 0" in before
    assert "confirmed" not in before

    reports(scene, "px", "ready-confirmed", 2)
    scene.asks("tab", 1)
    reports(scene, "tab", "download-error", 2, "HTTP 503: bundle download failed")
    after = plain(way(scene.view(), 140))
    assert "offered 2/2 ▸ fetched 1 ▸ running 1 ▸ confirmed 1 ▸ failed 1 ▸ fell back 0" in after


def test_the_way_shows_how_far_the_newest_is_rolled_out() -> None:
    scene = a_scene().done(SetRollout(sequence=2, percent=10.0))

    assert "10 % █░░░ ▸ offered" in plain(way(scene.view(), 100))
    assert "rolling out" not in plain(way(scene.view(), 120))


def test_the_page_of_a_release_has_its_funnel_its_rollout_and_its_targets() -> None:
    scene = a_scene().fetches("px", 2).asks("px", 2).asks("tab", 1, platform="ios")
    reports(scene, "px", "ready-confirmed", 2)
    scene.done(SetRollout(sequence=2, percent=0.0, always=("tab",)))
    scene.done(SetTargets(sequence=2, platforms=("android", "ios"), binary_versions=">=0.4,<0.6"))

    page = texts(tuple(release_lines(2, scene.view(), 100)))

    assert "rolling out" in page.split("\n")[0]
    assert "rolled out to 0 %, and always to tab: 1 of 2 clients; Pixel flips in at " in page
    assert "meant for   android, ios; binary >=0.4,<0.6" in page
    assert "offered 2, fetched 1, running 1, confirmed 1, fell back 0" in page
    assert "confirmed  Pixel" in page


def test_the_foot_names_the_keys_of_rollouts_and_faults() -> None:
    scene = a_scene()

    assert "% rollout" in plain(foot(scene.view(Looking(pane="releases", release=2)), 140))
    assert "x fault" in plain(foot(scene.view(Looking(pane="clients", client="px")), 140))
