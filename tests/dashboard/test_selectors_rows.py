"""Releases, clients and check-ins: which rows there are, and what each says in the room that it has."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.looking import Looking
from hotswap_dev.dashboard.selectors import (
    check_heads,
    check_line,
    client_heads,
    client_line,
    client_rows,
    release_heads,
    release_line,
    release_rows,
)
from hotswap_dev.dashboard.selectors.clients import MOST_CLIENTS
from hotswap_dev.dashboard.selectors.figures import spans_of
from hotswap_dev.dashboard.selectors.releases import release_state
from hotswap_dev.dashboard.spans import Line, cells, plain
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.commands.channels import CreateChannel, PauseChannel
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.overrides import Annotate, Force204, SetMandatory
from hotswap_dev.domain.commands.releases import Withhold
from hotswap_dev.domain.facts import BundlesPruned
from hotswap_dev.domain.observations import BuildRefused, CheckAnswered, Noticed, Published
from tests.dashboard.views import Scene, a_morning
from tests.unit.making import NOW


def release_of(view: View, sequence: int, width: int = 77) -> Line:
    row = next(row for row in release_rows(view) if sequence in row.sequences)
    return release_line(row, view, width)


def client_of(view: View, client: str, width: int = 77) -> Line:
    return client_line(view.clients[client], view, width)


def newest_line(scene: Scene, width: int = 77) -> Line:
    view = scene.view()
    return check_line(view.rows[0], view, width)


def keys(view: View) -> list[tuple[int, ...]]:
    return [row.sequences for row in release_rows(view)]


# --- releases ------------------------------------------------------------------------------------------------------


def test_never_fetched_neighbours_fold_and_the_newest_never_does() -> None:
    view = a_morning().view()
    assert keys(view) == [(14,), (13,), (12,), (11, 10), (9,), (8,), tuple(range(7, 0, -1))]
    assert plain(release_of(view, 5)).startswith("  7…1  never fetched   enter unfolds")


def test_unfolded_every_release_has_a_row_of_its_own() -> None:
    view = a_morning().view(Looking(unfolded=True))
    assert keys(view) == [(one,) for one in range(14, 0, -1)]


def test_every_release_is_in_exactly_one_row() -> None:
    view = a_morning().saved(15, channel="nightly").view()
    shown = [one for row in release_rows(view) for one in row.sequences]
    assert shown == sorted(view.controls.releases, reverse=True)


@pytest.mark.parametrize(
    "command",
    [Withhold(sequence=5), SetMandatory(on=True, sequence=5), PinClient(client="px", sequence=5)],
)
def test_what_a_person_set_apart_never_folds(command: Withhold | SetMandatory | PinClient) -> None:
    assert (5,) in keys(a_morning().done(command).view())


def test_what_somebody_asked_to_be_withheld_unfolds_at_once() -> None:
    scene = a_morning()
    scene.mirror.sent(Withhold(sequence=5), "withhold 5")
    view = scene.view()
    assert (5,) in keys(view)
    assert "withheld…" in plain(release_of(view, 5))


def test_one_channel_alone_shows_its_own_releases() -> None:
    scene = a_morning().saved(15, channel="nightly")
    assert keys(scene.view(Looking(channel="nightly"))) == [(15,)]
    assert release_rows(scene.view(Looking(channel="nobody"))) == []


def test_releases_of_two_channels_do_not_fold_into_one_row() -> None:
    scene = Scene()
    for sequence in range(1, 9):
        scene.saved(sequence, channel="beta" if sequence < 5 else "nightly")
    assert keys(scene.view()) == [(8,), (7, 6, 5), (4,), (3, 2, 1)]


def test_a_release_says_its_size_its_age_its_state_and_who_runs_it() -> None:
    said = plain(release_of(a_morning().view(), 14))
    assert said.split() == ["14", "0.4.1-ota.14", "1.2", "MB", "46", "s", "offered", "██░░░░", "1/4"]


def test_who_gave_a_release_up_is_seen_in_its_bar() -> None:
    assert "▒▒" in plain(release_of(a_morning().view(), 12))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Withhold(sequence=14), "withheld"),
        (PauseChannel(channel="beta"), "paused"),
        (SetMandatory(on=True, sequence=14), "offered mandatory"),
        (PinClient(client="px", sequence=14), "offered pinned Pixel"),
    ],
)
def test_a_release_says_what_is_set_on_it(
    change: Withhold | PauseChannel | SetMandatory | PinClient, said: str
) -> None:
    assert said in plain(release_of(a_morning().done(change).view(), 14))


def test_a_release_whose_bytes_are_gone_says_so() -> None:
    scene = a_morning()
    gone = scene.mirror.controls.releases[12].bundle.hash
    scene.happens(BundlesPruned(at=NOW, hashes=(gone,)))
    assert "bundle gone" in plain(release_of(scene.view(), 12))


def test_the_channel_stands_in_the_row_only_where_there_are_several() -> None:
    scene = a_morning()
    assert "beta" not in plain(release_of(scene.view(), 14))
    assert "beta" in plain(release_of(scene.saved(15, channel="nightly").view(), 14))


def state_of(scene: Scene, sequence: int) -> str:
    view = scene.view(Looking(unfolded=True))
    return release_state(view.controls.releases[sequence], view)[0]


def test_a_release_whose_minimum_is_above_every_client_is_not_offered_and_the_one_below_is() -> None:
    scene = a_morning().saved(15, min_binary_version="9.0.0")
    assert state_of(scene, 15) == "needs 9.0.0"
    assert state_of(scene, 14) == "offered"
    assert state_of(scene, 13) == "superseded"
    # Everyone has 14: still nobody may run 15, and who comes anew is offered 14.
    everyone = Scene().saved(14).saved(15, min_binary_version="9.0.0").asks("px", 14)
    assert (state_of(everyone, 15), state_of(everyone, 14)) == ("needs 9.0.0", "offered")


def test_a_release_that_one_client_is_too_old_for_and_the_others_have_is_offered() -> None:
    scene = Scene().saved(14).asks("px", 14).asks("old", 0, binary_version="0.1.0")
    assert state_of(scene, 14) == "offered"


def test_both_releases_are_offered_where_some_may_run_only_the_older_one() -> None:
    scene = Scene().saved(1).saved(2, min_binary_version="0.5.0")
    scene.asks("old", 0).asks("new", 0, binary_version="0.5.0")
    assert (state_of(scene, 2), state_of(scene, 1)) == ("offered", "offered")


def test_while_everyone_is_told_no_update_nothing_is_offered() -> None:
    scene = a_morning().done(Force204(on=True))
    assert state_of(scene, 14) == "no update"
    assert state_of(scene, 13) == "superseded"
    assert state_of(Scene().saved(1).done(Force204(on=True)), 1) == "no update"
    assert state_of(a_morning().done(Force204(on=True, client="px")), 14) == "offered"


def test_columns_stand_below_each_other_whatever_is_in_them() -> None:
    view = a_morning().done(Withhold(sequence=14)).view()
    lines = [plain(release_of(view, one)) for one in (14, 13, 12, 9)]
    assert len({line.index("0.4.1-ota") for line in lines}) == 1
    assert len({line.index(" MB") for line in lines}) == 1
    assert len({len(line.rstrip()) for line in lines}) == 1


def test_neighbours_in_a_list_of_sequences_are_one() -> None:
    assert spans_of([16, 14, 13, 12, 9, 8]) == "16, 14…12, 9, 8"


@pytest.mark.parametrize("width", [40, 56, 77, 95, 160])
def test_heads_stand_above_their_columns(width: int) -> None:
    view = a_morning().saved(15, channel="nightly").view()
    heads = {
        "releases": (release_heads(view, width), release_of(view, 14, width)),
        "clients": (client_heads(view, width), client_of(view, "mac", width)),
        "checks": (
            check_heads(view, width),
            check_line(next(row for row in view.rows if row.client == "mac"), view, width),
        ),
    }
    below = {
        "version": "0.4.1-ota.14",
        "state": {"releases": "offered", "clients": "! running"},
        "name": "Anna's Mac",
        "binary": "0.4.1 ",
        "client": "Anna's Mac",
        "reason": "newer-release",
        "proved": "offered 14",
        "answer": "200",
    }
    for pane, (head, row) in heads.items():
        assert {span.role for span in head if span.text.strip()} == {"dim"}
        assert cells(head) == cells(row) <= width
        for word, text in below.items():
            wanted = text[pane] if isinstance(text, dict) and pane in text else text
            if word in plain(head).split() and isinstance(wanted, str):
                at = plain(head).index(word)
                assert plain(row)[at:].startswith(wanted[: 1 + width // 40]), (pane, word)


def test_no_name_is_cut_while_there_is_room_elsewhere() -> None:
    scene = a_morning().named("mac", "Anna's MacBook Pro in Oslo")
    view = scene.view()
    row = next(row for row in view.rows if row.client == "mac")
    assert "Anna's MacBook Pro in Oslo" in plain(client_of(view, "mac", 77))
    assert "Anna's MacBook Pro in Oslo" in plain(check_line(row, view, 117))


def test_channels_are_told_apart_by_their_whole_names_or_not_named() -> None:
    scene = (
        a_morning().saved(15, channel="prod").saved(16, channel="production").asks("other", 0, channel=None)
    )
    for width in (40, 56, 77, 120):
        view = scene.view()
        for line in (
            release_of(view, 15, width),
            release_of(view, 16, width),
            client_of(view, "other", width),
        ):
            assert "pro…" not in plain(line)
            assert "prod…" not in plain(line)
    assert "production" in plain(client_of(scene.view(), "other", 100))


def test_the_binary_is_never_shown_as_nothing() -> None:
    said = plain(client_of(a_morning().asks("other", 3, channel=None).view(), "other", 70))
    assert "0.4.1" in said
    assert " - " not in said


# --- clients -------------------------------------------------------------------------------------------------------


def test_clients_come_seen_last_first_and_never_more_than_a_screen_needs() -> None:
    scene = a_morning()
    assert [client.id for client in client_rows(scene.view())] == ["px", "mac", "ip", "em"]
    for number in range(MOST_CLIENTS + 5):
        scene.asks(f"phone-{number}", 0)
    rows = client_rows(scene.view())
    assert len(rows) == MOST_CLIENTS
    assert rows[0].id == f"phone-{MOST_CLIENTS + 4}"


def test_one_channel_alone_shows_who_asks_for_it() -> None:
    scene = a_morning().asks("other", 0, channel=None)
    assert [one.id for one in client_rows(scene.view(Looking(channel="production")))] == ["other"]


def test_a_client_says_what_it_runs_on_and_what_it_is_offered() -> None:
    said = plain(client_of(a_morning().view(), "mac"))
    for text in ("Anna's Mac", "macos/aarch64", "0.4.1", "9 → 14", "39 s", "! running"):
        assert text in said


def test_a_client_s_channel_is_said_where_there_is_another_one() -> None:
    scene = a_morning()
    assert "beta" not in plain(client_of(scene.view(), "mac"))
    scene.done(CreateChannel(channel="nightly"))
    assert "beta" in plain(client_of(scene.view(), "mac"))


@pytest.mark.parametrize(("client", "said"), [("px", "applied"), ("ip", "! rolled back"), ("em", "embedded")])
def test_a_client_says_what_its_check_ins_prove(client: str, said: str) -> None:
    assert said in plain(client_of(a_morning().view(), client))


def test_what_is_only_inferred_is_marked_as_such() -> None:
    scene = Scene().saved(1).asks("px", 0).later(1).fetches("px", 1).later(1).asks("px", 0)
    assert "not activated?" in plain(client_of(scene.view(), "px"))


def test_what_is_set_for_a_client_stands_in_its_row() -> None:
    scene = (
        a_morning().done(PinClient(client="px", sequence=12)).done(Force204(on=True, client="px", times=1))
    )
    assert "pinned 12 no update ×1" in plain(client_of(scene.view(), "px", 120))
    scene.mirror.sent(PinClient(client="em", sequence=9), "pin")
    assert "pinned 9…" in plain(client_of(scene.view(), "em", 120))
    scene.mirror.sent(PinClient(client="px", sequence=None), "unpin")
    assert "no longer pinned 12…" in plain(client_of(scene.view(), "px", 150))


# --- check-ins -----------------------------------------------------------------------------------------------------


def test_a_run_of_equal_answers_says_what_it_was_and_how_often() -> None:
    said = plain(newest_line(a_morning())).split()
    assert said[1:] == ["Pixel", "at", "14", "204", "×39", "up-to-date", "applied", "14"]


def test_an_offer_says_what_was_offered() -> None:
    said = plain(newest_line(a_morning().later(1).asks("px", 12), 117))
    assert "at 12" in said
    assert "200" in said
    assert "newer-release" in said
    assert "offered 14" in said


def test_a_check_in_that_proves_something_says_it() -> None:
    view = a_morning().view()
    fell = next(row for row in view.rows if row.client == "ip")
    assert "rolled back 12" in plain(check_line(fell, view, 117))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "complete"),
        ({"complete": False, "bytes": 5_000, "attempt": 2}, "broken off"),
        ({"range": True, "bytes": 10}, "a range"),
    ],
)
def test_a_download_says_how_it_ended(changes: dict[str, object], said: str) -> None:
    line = plain(newest_line(a_morning().later(1).fetches("px", 14, **changes)))
    assert "↓ 14" in line
    assert said in line
    assert ("40 ms" in line) == ("attempt" not in changes)
    assert ("2/4, next in 2 s" in line) == ("attempt" in changes)


def test_a_download_of_nobody_known_is_shown_with_its_address() -> None:
    assert "192.168.1.23" in plain(newest_line(a_morning().later(1).fetches(None, 14)))


def test_what_the_plugin_never_sends_is_flagged() -> None:
    line = plain(
        newest_line(a_morning().later(1).asks("curl", 0, platform="amiga", flags=("platform-unknown",)), 117)
    )
    assert "! no known platform" in line


def test_a_refused_check_is_red_and_keeps_its_place() -> None:
    seen = CheckAnswered(
        at=NOW, client="curl", peer="127.0.0.1", path="/api/ota/x", sequence=None, binary_version=None, platform=None,
        arch=None, channel=None, status=400, reason="bad-request", args={}, offered=None, duration_ms=0.2,
    )  # fmt: skip
    line = newest_line(a_morning().later(1).happens(seen))
    assert "at ?" in plain(line)
    assert [span.role for span in line if span.text == "400"] == ["bad"]


def test_changes_builds_notes_and_notices_stand_between_the_check_ins() -> None:
    scene = a_morning().later(1).done(PauseChannel(channel="beta"))
    assert plain(newest_line(scene)).endswith("· channel beta is paused")
    scene.done(Annotate(text="QA round 2 starts"))
    assert plain(newest_line(scene)).endswith("— QA round 2 starts")
    scene.happens(Noticed(at=NOW, level="warning", code="x", message="two servers share this port"))
    assert plain(newest_line(scene)).endswith("! two servers share this port")
    scene.happens(BuildRefused(at=NOW, code="no-index", detail="index.html is missing"))
    assert plain(newest_line(scene)).endswith("✗ not published  no-index: index.html is missing")


def test_what_the_build_folder_lacks_stands_out_among_the_check_ins() -> None:
    seen = Noticed(at=NOW, level="info", code="no-index", message="there is no index.html at the top of dist")
    line = newest_line(a_morning().later(1).happens(seen))
    assert [span.role for span in line if "index.html" in span.text] == ["warn"]


def test_a_release_says_how_long_the_way_from_the_save_was() -> None:
    view = a_morning().view()
    row = next(row for row in view.rows if isinstance(row.event, Published))
    said = plain(check_line(row, view, 117))
    assert "+ release 14" in said
    assert "packed in 28 ms, offered 341 ms after the save" in said


def test_wide_letters_keep_their_columns() -> None:
    scene = a_morning().named("px", "李雷的手机的手机").named("ip", "📱 iPad")
    view = scene.view()
    widths = {cells(check_line(row, view, 77)) for row in view.rows if row.check is not None}
    assert widths == {77}
    assert {cells(client_of(view, one)) for one in view.clients} == {77}


def test_one_name_with_markup_is_text() -> None:
    view = a_morning().named("px", "[red]Pixel[/]").view()
    assert "[red]Pixel" in plain(client_of(view, "px", 120))


def test_a_row_of_a_client_that_was_forgotten_still_stands() -> None:
    view = a_morning().view()
    assert "px" in plain(
        check_line(view.rows[0], replace(view, clients={}, controls=Scene().view().controls), 77)
    )
