"""The pictures of a rollout: who has it, who is inside and who is outside, in the main screen and on a page."""

from __future__ import annotations

import re

import pytest

from hotswap_dev.dashboard.ascii import in_ascii
from hotswap_dev.dashboard.details.pictures import SIGNS
from hotswap_dev.dashboard.selectors import way
from hotswap_dev.dashboard.selectors.for_some import Split, split_of
from hotswap_dev.dashboard.spans import Span, cells, plain
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.rollout import inside
from tests.dashboard.views import Scene

PHONES = [f"phone-{number}" for number in range(60)]


def rolling(percent: float = 40.0) -> Scene:
    """Sixty phones run 1; of those that the rollout of 2 has reached, every second one has it already."""
    scene = Scene().saved(1).saved(2).done(SetRollout(sequence=2, percent=percent))
    release = scene.view().controls.releases[2]
    reached = [phone for phone in PHONES if inside(release, phone)]
    for phone in PHONES:
        scene.asks(phone, 2 if phone in reached[::2] else 1)
    return scene


def test_everyone_whom_a_rollout_is_meant_for_is_in_one_of_its_three_parts() -> None:
    view = rolling().view()
    release = view.controls.releases[2]
    reached = sum(inside(release, phone) for phone in PHONES)

    split = split_of(release, view)

    assert split == Split(has=(reached + 1) // 2, inside=reached // 2, outside=60 - reached)
    assert split.of == 60


def test_whom_the_targets_leave_out_is_in_none() -> None:
    scene = rolling().done(SetTargets(sequence=2, platforms=("windows",)))
    view = scene.view()

    split = split_of(view.controls.releases[2], view)

    assert (split.inside, split.outside) == (0, 0)
    assert split.has > 0


def test_a_wide_screen_draws_the_clients_of_the_newest_rollout_and_a_small_one_its_percent() -> None:
    view = rolling().view()

    wide, usual, small = (plain(way(view, width)) for width in (160, 120, 80))

    assert re.search(r"40 % █+▓+░+ ", wide)
    assert len(re.findall("[█▓░]", wide)) == 16
    assert re.search(r"40 % █+▓+░+ ", usual)
    assert len(re.findall("[█▓░]", usual)) == 10
    assert "40 % ██░░ " in small
    assert "▓" not in small


@pytest.mark.parametrize("width", [40, 80, 100, 110, 120, 140, 160])
def test_the_picture_takes_no_more_than_the_line(width: int) -> None:
    assert cells(way(rolling().view(), width)) <= width


def test_a_rollout_that_no_known_client_asks_for_is_drawn_as_its_percent() -> None:
    scene = Scene().saved(1).done(SetRollout(sequence=1, percent=25.0))

    assert "25 % █░░░ " in plain(way(scene.view(), 160))


def test_without_utf_8_and_without_colours_no_two_stations_look_alike() -> None:
    signs = [plain(in_ascii((Span(sign, "text"),))) for sign, _ in SIGNS.values()]

    assert len(set(signs)) == len(signs)
