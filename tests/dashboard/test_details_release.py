"""A release's page: what it is, who has it, how it spread and what changed in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from hotswap_dev import wire
from hotswap_dev.dashboard.details import release_text
from hotswap_dev.dashboard.details.release_text import (
    FOLDED,
    ReleaseDetail,
    _path,
    read_detail,
    release_lines,
)
from hotswap_dev.dashboard.selectors.figures import parted
from hotswap_dev.dashboard.spans import cells
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import SAME_AS_CLIENT
from hotswap_dev.domain.rollout import inside
from tests.dashboard.details import (
    MINUTE,
    a_moment,
    an_about,
    hostile,
    not_activated,
    releases,
    text_of,
    too_wide,
    unprintable,
    words_of,
)
from tests.unit.domain.clients import a_download, an_offer
from tests.unit.making import NOW, a_release, an_answered_check, controls_with


def a_detail(**changes: Any) -> ReleaseDetail:
    fields: dict[str, Any] = {
        "compared_with": 13,
        "changes": [
            {"path": "assets/new.js", "change": "added", "before": None, "after": 1500},
            {"path": "index.html", "change": "changed", "before": 900, "after": 1000},
            {"path": "old.css", "change": "removed", "before": 20_000, "after": None},
        ],
        "counts": {"added": 1, "changed": 1, "removed": 1, "same": 40},
        "sizes": {"before": 50_000, "after": 31_600, "bundle_before": 9000, "bundle_after": 9000},
        "warnings": [],
        "adoption": {"points": [], "since": None},
        "sequence": 14,  # what is known already is passed over
    }
    return read_detail({**fields, **changes})


def the_page(view: View, detail: ReleaseDetail | None = None, **options: Any) -> str:
    return text_of(release_lines(14, view, 100, detail, **options))


def a_fleet() -> View:
    """One runs 14, one fetched it, one gave it up, one has not been seen to take it."""
    return a_moment(
        *not_activated("fetched it"),
        an_offer(14, client="runs it"),
        a_download(14, client="runs it"),
        an_answered_check("runs it", sequence=14),
        an_offer(14, client="gave it up", sequence=13),
        a_download(14, client="gave it up"),
        an_answered_check("gave it up", sequence=14),
        an_answered_check("gave it up", sequence=13),
        an_answered_check("idle", sequence=13),
        an_answered_check("elsewhere", channel="beta"),
        controls=releases(13, 14),
        about=an_about(),
    )


def test_a_release_says_what_it_is_where_it_is_and_who_signed_it() -> None:
    page = the_page(a_fleet())

    assert " 14  1.0.0-ota.14   production" in page.split("\n")[0]
    assert page.split("\n")[0].endswith("newest")
    assert "bundle      1.2 MB, 3 files, tar.gz" in page
    assert "needs       binary 1.0.0 or newer" in page
    assert "signed by   key 3FqA" in page
    assert "url         http://192.168.1.20:3333/bundles/-/14/" in page


def test_who_has_it_is_told_by_name_in_groups() -> None:
    page = the_page(a_fleet())

    assert "1 of 4" in page
    assert "running     runs it" in page
    assert "failed      fetched it" in page
    assert "gave it up  gave it up" in page
    assert "not yet     idle" in page
    assert "elsewhere" not in page


def test_a_channel_that_nobody_asked_for_says_so() -> None:
    assert "No client has asked for channel production yet." in the_page(a_moment(controls=releases(14)))


def test_of_a_thousand_clients_the_last_ones_are_named_and_the_others_counted() -> None:
    view = a_moment(
        *(an_answered_check(f"phone-{n}", sequence=14) for n in range(300)), controls=releases(14)
    )

    page = words_of(release_lines(14, view, 100))

    assert "running phone-299, phone-298," in page
    assert "and 288 more" in page


@pytest.mark.parametrize(
    ("controls", "says"),
    [
        (releases(14, withheld=True), "withheld"),
        (replace(releases(14), mandatory_for_all=True), "mandatory"),
        (releases(14, mandatory=True), "mandatory"),
        (replace(releases(14), pruned=frozenset({releases(14).releases[14].bundle.hash})), "bundle gone"),
        (releases(14, 15), "superseded"),
        (releases(14), "newest"),
    ],
)
def test_the_state_of_a_release_stands_at_the_end_of_its_first_line(controls: Controls, says: str) -> None:
    assert the_page(a_moment(controls=controls)).split("\n")[0].endswith(says)


def test_a_paused_channel_is_said_of_its_releases() -> None:
    controls = releases(14)
    paused = {"production": replace(controls.channels["production"], paused=True)}

    assert "channel paused" in the_page(a_moment(controls=replace(controls, channels=paused)))


def test_a_copy_says_of_what_it_is_one_and_a_minimum_that_is_each_client_s_own() -> None:
    controls = controls_with(
        a_release(13), a_release(14, origin="reoffer", from_sequence=13, min_binary_version=SAME_AS_CLIENT)
    )
    page = the_page(a_moment(controls=replace(controls, pins={"phone": 14})))

    assert "offered again: a copy of 13" in page
    assert "each client's own binary version" in page
    assert "pinned by   phone" in page


def test_notes_are_shown_line_by_line() -> None:
    page = the_page(a_moment(controls=releases(14, notes="new greeting\nand a fix")))

    assert "NOTES\n  new greeting\n  and a fix" in page


def test_what_changed_is_listed_with_sizes_and_a_sum() -> None:
    page = the_page(a_fleet(), a_detail())

    assert "WHAT CHANGED SINCE 13   1 added, 1 changed, 1 removed   32 kB of files (-18 kB)" in page
    assert "bundle +0 B" in page
    assert "  +  assets/new.js            1.5 kB\n" in page
    assert "  ~  index.html     900 B  →  1.0 kB  +100 B\n" in page
    assert "  -  old.css        20 kB" in page


def test_a_long_list_of_files_is_folded_until_somebody_asks() -> None:
    many = [{"path": f"{n:03}.js", "change": "added", "before": None, "after": n} for n in range(50)]
    detail = a_detail(changes=many, counts={"added": 2000, "changed": 0, "removed": 0, "same": 0})

    folded, unfolded = the_page(a_fleet(), detail), the_page(a_fleet(), detail, unfolded=True)

    assert folded.count(".js") == FOLDED
    assert f"enter shows {2000 - FOLDED:,} more" in folded
    assert unfolded.count(".js") == 50
    assert "and 1,950 more that the server does not name" in unfolded


@given(st.text(alphabet="ab/é日👍", max_size=60), st.integers(2, 40))
def test_of_a_path_as_much_of_its_end_is_kept_as_there_is_room_for(path: str, room: int) -> None:
    kept = _path(path, room)

    assert cell_len(kept) <= room
    if kept != path:
        end = kept.removeprefix("…")
        assert path.endswith(end)
        assert cell_len("…" + path[len(path) - len(end) - 1 :]) > room


def test_a_thousand_files_are_laid_out_once_however_often_the_page_is_drawn() -> None:
    changes = [
        {"path": f"{'x' * 200}{number}", "change": "added", "before": None, "after": 1}
        for number in range(1000)
    ]
    detail = a_detail(changes=changes)
    with mock.patch.object(release_text, "_changed_lines", wraps=release_text._changed_lines) as laid_out:
        for _ in range(3):
            the_page(a_fleet(), detail, unfolded=True)
        the_page(a_fleet(), detail, unfolded=False)

    assert laid_out.call_count == 2


def test_a_long_path_keeps_its_end() -> None:
    path = "assets/" + "deep/" * 40 + "the-file.js"
    detail = a_detail(changes=[{"path": path, "change": "added", "before": None, "after": 1}])

    lines = release_lines(14, a_fleet(), 80, detail)

    assert too_wide(lines, 80) == []
    assert "deep/the-file.js" in text_of(lines)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {
                "changes": None,
                "counts": None,
                "sizes": None,
                "changes_missing": "the bundle of release 13 is gone",
            },
            "WHAT CHANGED SINCE 13\n  The bundle of release 13 is gone.",
        ),
        ({"changes": []}, "Nothing: the same files with the same content."),
        (
            {
                "compared_with": None,
                "changes": None,
                "changes_missing": "it is the first release of channel beta",
            },
            "WHAT CHANGED\n  It is the first release of channel beta.",
        ),
    ],
)
def test_where_there_is_nothing_to_compare_it_says_why(changes: dict[str, Any], says: str) -> None:
    assert says in the_page(a_fleet(), a_detail(**changes))


def test_warnings_of_its_tree_are_shown_and_none_is_no_section() -> None:
    warning = {"code": "source-map", "path": "a.map", "detail": "2 source maps are in the bundle"}

    assert "! a.map: 2 source maps are in the bundle" in the_page(a_fleet(), a_detail(warnings=[warning]))
    assert "WARNINGS" not in the_page(a_fleet(), a_detail(warnings=None))


def test_how_it_spread_is_plotted_with_time_and_clients() -> None:
    points = [[wire.stored_time(NOW + n * MINUTE), n] for n in range(1, 9)]
    view = replace(a_fleet(), now=NOW + 9 * MINUTE)

    page = the_page(view, a_detail(adoption={"points": points, "since": None}))

    assert "RUNNING OVER TIME   at most 8 clients at once" in page
    assert "  8│" in page
    assert "now" in page


def test_before_the_oldest_report_nothing_is_drawn() -> None:
    old = releases(13, 14, published_at=NOW - timedelta(days=30))
    view = a_moment(controls=old, now=NOW + 10 * MINUTE)
    spread = {"points": [[wire.stored_time(NOW), 1]], "since": wire.stored_time(NOW)}

    assert NOW.astimezone().strftime("%H:%M") in the_page(view, a_detail(adoption=spread)).split("└")[1]


def test_a_release_that_is_not_there_says_so() -> None:
    assert "There is no release 14 on this server." in the_page(a_moment())


def test_while_the_rest_is_on_its_way_the_page_says_so() -> None:
    assert "Asked for" in the_page(a_fleet(), said="Asked for …")


@hostile
@pytest.mark.parametrize("width", [40, 80, 200])
def test_C2_hostile_text_of_files_and_notes_keeps_the_page(text: str, width: int) -> None:
    view = a_moment(
        an_answered_check("phone", sequence=14),
        controls=replace(releases(13, 14, version=text, notes=text), names={"phone": text}),
    )
    detail = a_detail(
        changes=[{"path": text, "change": "changed", "before": 1, "after": 2}],
        warnings=[{"code": text, "path": text, "detail": text}],
        changes_missing=text,
    )

    lines = release_lines(14, view, width, detail)

    assert too_wide(lines, width) == []
    assert unprintable(lines) == []


def test_each_name_stands_behind_the_sign_that_its_station_has_in_the_bar() -> None:
    page = the_page(a_fleet())

    assert "▓▓▓▓▓▓✗✗✗✗✗✗↓↓↓↓↓↓░░░░░░  1 of 4" in page
    assert "▓ running     runs it" in page
    assert "✗ failed      fetched it" in page
    assert "↓ gave it up  gave it up" in page
    assert "░ not yet     idle" in page


def test_a_rollout_says_who_of_it_is_inside_who_has_it_and_who_is_outside() -> None:
    known = [an_answered_check(f"phone-{n}", sequence=14 if n < 3 else 13) for n in range(100)]
    view = a_moment(*known, controls=releases(13, 14, percent=30.0))

    page = the_page(view)

    release = view.controls.releases[14]
    waits = sum(inside(release, f"phone-{n}") for n in range(3, 100))
    assert 0 < waits < 97
    assert "ROLLOUT   30 %" in page
    assert f"█ 3 have it, or newer   ▓ {waits} inside, not yet   ░ {97 - waits} outside" in page


def test_a_release_for_everyone_has_no_bar_of_a_rollout() -> None:
    assert "ROLLOUT" not in the_page(a_fleet())


def test_where_the_bar_of_a_rollout_has_no_room_for_its_words_they_stand_below() -> None:
    view = a_moment(an_answered_check("a", sequence=13), controls=releases(13, 14, percent=30.0))

    lines = release_lines(14, view, 50)

    assert too_wide(lines, 50) == []
    assert "\n  █ 0 have it, or newer   " in text_of(lines)


_PARTS = st.lists(st.integers(0, 5000), min_size=1, max_size=6)


@given(_PARTS, st.integers(1, 60))
def test_a_bar_is_as_wide_as_it_should_be_and_whoever_counts_is_in_it(counts: list[int], width: int) -> None:
    drawn = parted([(count, sign, "text") for count, sign in zip(counts, "abcdef", strict=False)], width)
    counting = [count for count in counts if count]

    assert cells(drawn) == width
    if counting:
        assert len(drawn) == min(width, len(counting))
        assert "░" not in "".join(span.text for span in drawn)


@given(_PARTS, st.integers(6, 60))
def test_of_two_parts_the_larger_one_is_never_drawn_narrower(counts: list[int], width: int) -> None:
    drawn = parted([(count, sign, "text") for count, sign in zip(counts, "abcdef", strict=False)], width)
    wide = {span.text[0]: len(span.text) for span in drawn}
    pairs = [(count, wide[sign]) for count, sign in zip(counts, "abcdef", strict=False) if count]

    assert all(one[1] >= other[1] for one in pairs for other in pairs if one[0] > other[0])
