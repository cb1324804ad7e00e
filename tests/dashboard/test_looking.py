"""What a person looks at: selections that stay, a list that stands still, filters and channels."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.check_log import CheckLog
from hotswap_dev.dashboard.looking import (
    Looking,
    as_seen,
    asked_of_history,
    following,
    looked_at,
    next_channel,
    next_pane,
    paused_on,
    settled,
    staying_on,
)
from hotswap_dev.dashboard.view import Selected, View
from hotswap_dev.domain.facts import ChannelPaused
from tests.unit.making import NOW, an_answered_check

VIEW = View(now=NOW)


def a_log(*clients: str) -> CheckLog:
    log = CheckLog()
    for number, client in enumerate(clients):
        log.add(an_answered_check(client, at=NOW + timedelta(seconds=number)))
    return log


def clients_in(view: View) -> list[str | None]:
    return [row.client for row in view.rows]


def test_following_selects_what_happened_last() -> None:
    view = looked_at(Looking(), VIEW, a_log("phone", "tablet").rows())

    assert view.following
    assert view.row is not None
    assert view.row.client == "tablet"


def test_what_was_changed_for_everyone_takes_the_selection_from_no_client() -> None:
    log = a_log("phone")
    log.add(ChannelPaused(at=NOW + timedelta(seconds=9), channel="production"))

    view = looked_at(Looking(), VIEW, log.rows())

    assert clients_in(view) == [None, "phone"]
    assert view.row is not None
    assert view.row.client == "phone"


def test_following_stays_on_the_client_for_which_something_was_asked() -> None:
    log = a_log("phone", "tablet")
    looking = staying_on(Looking(), looked_at(Looking(), VIEW, log.rows()))
    log.add(an_answered_check("phone", at=NOW + timedelta(seconds=8)))
    log.add(an_answered_check("tablet", at=NOW + timedelta(seconds=9), reason="pinned"))
    log.add(an_answered_check("phone", at=NOW + timedelta(seconds=10)))

    view = looked_at(looking, VIEW, log.rows())

    assert clients_in(view) == ["phone", "tablet", "tablet"]
    assert view.row is not None
    assert (view.row.client, view.row.event) == ("tablet", view.rows[1].event)
    assert looked_at(following(looking), VIEW, log.rows()).row == view.rows[0]


def test_a_list_that_is_paused_stands_still_and_counts_what_it_does_not_show() -> None:
    log = a_log("phone", "tablet")
    view = looked_at(Looking(), VIEW, log.rows())
    looking = paused_on(Looking(), view, view.rows[1].number)

    log.add(an_answered_check("watch", at=NOW + timedelta(seconds=8)))
    log.add(an_answered_check("phone", at=NOW + timedelta(seconds=9)))
    still = looked_at(looking, VIEW, log.rows())

    assert clients_in(still) == ["tablet", "phone"]
    assert still.row is not None
    assert (still.row.client, still.row.times) == ("phone", 1)
    assert still.unseen == 2
    assert not still.following

    assert clients_in(looked_at(following(looking), VIEW, log.rows())) == ["phone", "watch", "tablet"]


def test_pages_of_the_history_join_a_list_that_is_paused() -> None:
    log = a_log("phone")
    looking = paused_on(Looking(), looked_at(Looking(), VIEW, log.rows()), 1)
    log.add(an_answered_check("watch", at=NOW + timedelta(seconds=8)))
    log.add_older([an_answered_check("old", at=NOW - timedelta(hours=1))], complete=True)

    view = looked_at(looking, VIEW, log.rows())

    assert clients_in(view) == ["phone", "old"]
    assert view.unseen == 1


def test_picking_another_row_leaves_the_list_as_it_was_when_it_was_paused() -> None:
    log = a_log("phone", "tablet")
    looking = paused_on(Looking(), looked_at(Looking(), VIEW, log.rows()), 2)
    log.add(an_answered_check("watch", at=NOW + timedelta(seconds=8)))

    again = paused_on(looking, looked_at(looking, VIEW, log.rows()), 1)

    assert clients_in(looked_at(again, VIEW, log.rows())) == ["tablet", "phone"]


def test_one_channel_alone_shows_its_check_ins() -> None:
    log = CheckLog()
    for client, channel in (("a", "beta"), ("b", "nightly"), ("c", None)):
        log.add(an_answered_check(client, channel=channel))

    assert clients_in(looked_at(Looking(channel="beta"), VIEW, log.rows())) == ["a"]
    assert clients_in(looked_at(Looking(channel="production"), VIEW, log.rows())) == ["c"]


def test_channels_are_gone_through_and_then_all_are_shown() -> None:
    looking, seen = Looking(), []
    for _ in range(4):
        looking = next_channel(looking, ["beta", "production"])
        seen.append(looking.channel)

    assert seen == ["beta", "production", None, "beta"]
    assert next_channel(Looking(channel="gone"), []).channel is None


def test_panes_are_gone_through_both_ways() -> None:
    assert next_pane(Looking(pane="checks")).pane == "releases"
    assert next_pane(Looking(pane="releases"), -1).pane == "checks"


def test_a_selection_stays_as_long_as_its_row_is_there() -> None:
    looking = settled(Looking(pane="releases"), [(3,), (2,), (1,)], ["phone"])
    assert looking.selected == Selected("release", 3)

    picked = replace(looking, release=2, picked=True, picked_client=True)
    kept = settled(picked, [(4,), (3,), (2,), (1,)], ["tablet", "phone"])
    assert (kept.release, kept.client) == (2, "phone")
    assert settled(kept, [(4,), (3,)], []).release == 4
    assert settled(kept, [], []).selected is None


def test_a_release_that_was_picked_in_a_row_of_its_own_keeps_that_row() -> None:
    looking = settled(Looking(pane="releases", release=2, picked=True), [(4,), (3,), (2,), (1,)], [])

    assert looked_at(looking, VIEW, []).alone == 2
    assert looked_at(replace(looking, pane="checks"), VIEW, []).alone == 2
    assert looked_at(replace(looking, release=3), VIEW, []).alone is None


def test_releases_that_are_picked_folded_together_stay_so() -> None:
    looking = settled(Looking(pane="releases", release=3, picked=True), [(4,), (3, 2, 1)], [])

    assert looking.release == 3
    assert looked_at(looking, VIEW, []).alone is None


def test_a_client_that_was_picked_stays_selected_where_others_took_its_row_and_nobody_where_it_is_gone() -> (
    None
):
    looking = Looking(pane="clients", client="phone", picked_client=True)

    assert settled(looking, [], ["a", "b"], {"phone", "a", "b"}).client == "phone"
    gone = settled(looking, [], ["a", "b"], {"a", "b"})
    assert gone.client is None
    assert settled(gone, [], ["a", "b"], {"a", "b"}).client is None
    assert settled(Looking(pane="clients", client="b"), [], ["a", "b"], {"a", "b"}).client == "a"


def test_where_the_followed_client_has_no_row_nobody_else_is_selected() -> None:
    log = a_log("phone", "tablet")

    assert looked_at(Looking(followed="watch"), VIEW, log.rows()).selected is None


def test_what_was_drawn_and_is_gone_leaves_nothing_selected_for_a_key() -> None:
    log = a_log("phone", "tablet")
    view = looked_at(Looking(), VIEW, log.rows())

    assert as_seen(view, Selected("row", 1)).row == view.rows[1]
    assert as_seen(view, Selected("row", 99)).selected is None
    assert as_seen(view, None).selected is None


def test_what_filter_and_channel_hide_is_not_counted_as_new() -> None:
    log = a_log("phone", "tablet")
    looking = replace(paused_on(Looking(), looked_at(Looking(), VIEW, log.rows()), 1), filter="tablet")
    log.add(an_answered_check("watch", at=NOW + timedelta(seconds=8)))
    log.add(an_answered_check("tablet", at=NOW + timedelta(seconds=9)))

    assert looked_at(looking, VIEW, log.rows()).unseen == 1
    assert looked_at(replace(looking, channel="beta"), VIEW, log.rows()).unseen == 0


def test_a_filter_leaves_of_a_paused_list_what_was_in_it_before_another_filter() -> None:
    log = a_log("phone", "tablet")
    filtered = looked_at(Looking(filter="phone"), VIEW, log.rows())
    looking = replace(paused_on(Looking(filter="phone"), filtered, 1), filter="tablet")
    log.add(an_answered_check("tablet", at=NOW + timedelta(seconds=9), reason="pinned"))

    assert clients_in(looked_at(looking, VIEW, log.rows())) == ["tablet"]


def test_a_page_that_counts_the_last_paused_row_further_back_is_seen_in_it() -> None:
    log = a_log("phone")
    looking = paused_on(Looking(), looked_at(Looking(), VIEW, log.rows()), 1)
    log.add_older([an_answered_check("phone", at=NOW - timedelta(seconds=9))], complete=True)
    view = looked_at(looking, VIEW, log.rows())

    assert [row.times for row in view.rows] == [2]
    assert view.unseen == 0


def test_after_a_gap_the_history_tells_no_paused_row_a_second_time() -> None:
    log = a_log("phone", "tablet")
    looking = paused_on(Looking(), looked_at(Looking(), VIEW, log.rows()), 2)
    log.clear()
    page = [
        an_answered_check("missed", at=NOW + timedelta(seconds=5)),
        an_answered_check("tablet", at=NOW + timedelta(seconds=1)),
        an_answered_check("phone", at=NOW),
        an_answered_check("old", at=NOW - timedelta(seconds=1)),
    ]
    log.add_older(page, complete=True)
    view = looked_at(looking, VIEW, log.rows())

    assert clients_in(view) == ["tablet", "phone", "old"]
    assert view.unseen == 1


def test_the_newest_release_is_selected_until_somebody_picks_one() -> None:
    looking = settled(Looking(pane="releases"), [(3,), (2,)], [])

    assert settled(looking, [(4,), (3,), (2,)], []).release == 4


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ("", {}),
        ("pixel", {}),
        ("reason:pinned status:204", {"reason": "pinned", "status": 204}),
        ("reason:pin status:20 !status:204 status:٢٠٤", {}),
    ],
)
def test_the_history_is_asked_for_what_it_can_find(wanted: str, asked: dict[str, object]) -> None:
    assert asked_of_history(wanted) == asked


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ("client:ipad", {"client": "iPad"}),
        ("client:Pixel", {"client": "phone"}),
        ("client:tab", {}),  # a part of a name
        ("client:c1", {}),  # a part of another one's too
        ("client:c12 status:204", {"client": "c12", "status": 204}),
        ("client: !client:ipad client:nobody", {}),
    ],
)
def test_the_history_is_asked_for_a_client_that_can_be_no_other(
    wanted: str, asked: dict[str, object]
) -> None:
    clients = ("iPad", "phone", "tablet", "c1", "c12")

    assert asked_of_history(wanted, clients, {"phone": "Pixel"}) == asked
