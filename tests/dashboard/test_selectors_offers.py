"""A release's state follows from what its clients are told, and from nothing that is set for one of them alone."""

from __future__ import annotations

from hotswap_dev.dashboard.selectors.releases import release_state
from hotswap_dev.domain.commands.overrides import Force204
from tests.dashboard.views import Scene


def state(scene: Scene) -> str:
    view = scene.view()
    return release_state(view.controls.releases[1], view)[0]


def test_what_is_armed_for_one_client_says_nothing_of_the_release_though_only_that_one_is_without_it() -> (
    None
):
    scene = Scene().saved(1).asks("mac", 1).asks("px", 0)

    assert state(scene.done(Force204(on=True, client="px"))) == "offered"


def test_what_is_armed_for_everyone_is_the_state_of_the_release() -> None:
    scene = Scene().saved(1).asks("mac", 1).asks("px", 0)

    assert state(scene.done(Force204(on=True))) == "no update"
