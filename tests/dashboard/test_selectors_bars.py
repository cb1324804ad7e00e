"""Header, way, chips, tabs and foot: what they say in each state, and what goes where there is little room."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.looking import Looking, following, paused_on
from hotswap_dev.dashboard.selectors import chips, foot, header, tabs, way
from hotswap_dev.dashboard.spans import Line, Role, plain
from hotswap_dev.dashboard.view import Link, Selected, View
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.commands.channels import PauseChannel, SetBuildChannel
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.overrides import Force204, SetMandatory
from hotswap_dev.domain.commands.releases import Reoffer, Withhold
from hotswap_dev.domain.observations import BuildRefused, BuildSkipped, BuildStarted, Noticed
from tests.dashboard.views import LIVE, Scene, a_morning
from tests.unit.making import NOW


def roles_of(line: Line, text: str) -> set[Role]:
    """The roles of the pieces that hold this text."""
    found = {span.role for span in line if text in span.text}
    assert found, f"{text!r} is not in {plain(line)!r}"
    return found


# --- header --------------------------------------------------------------------------------------------------------


def test_the_header_says_app_state_channel_place_and_key() -> None:
    said = plain(header(Scene().view(), 80))
    assert said.startswith(" my-app 0.4.1  ● watching dist  builds → beta  :3333 loopback  ")
    assert said.endswith("key 3FqA")
    assert len(said) == 79


def test_a_narrow_header_keeps_the_state_and_gives_up_the_address_first() -> None:
    assert ":3333" not in (narrow := plain(header(Scene().view(), 60)))
    assert "watching dist" in narrow
    assert "watching dist" in plain(header(Scene().view(), 24))


def test_a_production_key_is_danger_and_stands_in_header_and_chips() -> None:
    view = Scene(production_key=True).view()
    assert roles_of(header(view, 100), "PRODUCTION KEY 3FqA") == {"danger"}
    assert roles_of(chips(view, 100), "every installed app trusts this key") == {"danger"}


def test_an_open_server_is_shown_with_the_address_that_phones_use() -> None:
    addresses = ("http://127.0.0.1:3333", "http://192.168.1.20:3333")
    said = plain(header(Scene(host_is_loopback=False, addresses=addresses).view(), 100))
    assert "192.168.1.20:3333" in said
    assert "loopback" not in said


def test_a_build_channel_that_was_asked_for_is_shown_before_it_is_so() -> None:
    view = Scene().view()
    then = replace(view, expected=replace(view.controls, build_channel="nightly"))
    assert "builds → nightly…" in plain(header(then, 100))


@pytest.mark.parametrize(
    ("link", "said", "role"),
    [
        (Link(), "starting", "accent"),
        (Link(state="starting", since=NOW, said="nothing listens there"), "no server yet since", "warn"),
        (Link(state="gap", since=NOW), "events were missed, reading again", "warn"),
        (Link(state="reconnecting", since=NOW, said="lost"), "disconnected since", "bad"),
        (Link(state="gone", since=NOW, said="it ended with code 1"), "server gone since", "bad"),
    ],
)
def test_each_state_of_the_link_has_words_and_a_look(link: Link, said: str, role: str) -> None:
    line = header(Scene().view(link=link), 120)
    assert roles_of(line, said) == {role}
    assert roles_of(line, "●") == {role}


# --- way -----------------------------------------------------------------------------------------------------------


def test_the_way_of_the_newest_release_fits_eighty_columns_whole() -> None:
    said = plain(way(a_morning().view(), 80))
    assert said == " 14 ▸ saved ✓ ▸ signed 28 ms ▸ offered 2/4 ▸ fetched 1 ▸ running 1 ▸ fell back 0"


def test_stations_are_lit_as_they_are_reached() -> None:
    scene = Scene().saved(1)
    line = way(scene.view(), 80)
    assert roles_of(line, "signed") == {"good"}
    assert (
        roles_of(line, "offered 0/0") == roles_of(line, "fetched 0") == roles_of(line, "running 0") == {"dim"}
    )
    scene.later(2).asks("px", 0)
    line = way(scene.view(), 80)
    assert roles_of(line, "offered 1/1") == {"good"}
    assert roles_of(line, "fetched 0") == {"dim"}
    scene.later(2).fetches("px", 1).later(2).asks("px", 1)
    line = way(scene.view(), 80)
    assert roles_of(line, "fetched 1") == roles_of(line, "running 1") == {"good"}
    assert roles_of(line, "fell back 0") == {"dim"}
    scene.later(2).asks("px", 0)
    assert roles_of(way(scene.view(), 80), "fell back 1") == {"bad"}


def test_a_build_on_its_way_shows_the_next_sequence_and_what_is_served_until_then() -> None:
    scene = a_morning().happens(BuildStarted(at=NOW, path="my-app/dist"))
    said = plain(way(scene.view(), 120))
    assert said.startswith(" 15 ▸ saved ✓ ▸ signing dist…")
    assert said.endswith("14 is served until then")
    assert "building dist" in plain(header(scene.view(), 100))


def test_a_refused_build_is_red_with_its_reason_and_file_and_names_what_is_served() -> None:
    refused = BuildRefused(at=NOW, code="no-reference", detail="a script is missing", path="index.html")
    scene = a_morning().happens(refused)
    line = way(scene.view(), 100)
    assert roles_of(line, "no-reference: a script is missing (index.html)") == {"bad"}
    assert plain(line).endswith("14 is served on")
    assert roles_of(header(scene.view(), 100), "build refused") == {"bad"}


WITHOUT_INDEX = Noticed(
    at=NOW, level="info", code="no-index", message="there is no index.html at the top of dist"
)


def test_a_build_folder_that_lacks_its_page_is_red_there_and_says_what_is_served_meanwhile() -> None:
    scene = a_morning().happens(WITHOUT_INDEX)
    said = way(scene.view(), 100)
    assert roles_of(said, "not published: there is no index.html at the top of dist") == {"bad"}
    assert plain(said).endswith("14 is served on")
    assert roles_of(header(scene.view(), 100), "waiting for dist") == {"bad"}
    scene.happens(BuildSkipped(at=NOW, channel="beta", sequence=14))
    assert plain(way(scene.view(), 100)).startswith(" 14 ")
    assert roles_of(header(scene.view(), 100), "●") == {"good"}


def test_a_file_that_is_waited_for_is_said_with_how_long() -> None:
    detail = "index.html asks for assets/x.js, which is not there"
    waits = Noticed(at=NOW, level="info", code="missing-reference", message=detail)
    said = way(a_morning().happens(waits).view(), 100)
    assert roles_of(said, f"waiting up to 10 s: {detail}") == {"warn"}
    assert plain(said).endswith("14 is served on")


def test_a_folder_that_went_away_is_said_by_its_last_name() -> None:
    gone = Noticed(at=NOW, level="info", code="folder-missing", message="my-app/dist: it is not there")
    said = plain(way(Scene().happens(gone).view(), 100))
    assert "not published: dist: it is not there" in said
    assert said.endswith("nothing is served")


def test_what_is_served_on_is_what_can_be_offered() -> None:
    scene = a_morning().done(Withhold(sequence=14)).happens(WITHOUT_INDEX)
    assert plain(way(scene.view(), 100)).endswith("13 is served on")
    assert plain(way(scene.done(PauseChannel(channel="beta")).view(), 100)).endswith("nothing is served")


def test_a_release_that_no_client_may_have_is_not_shown_as_if_it_were_offered() -> None:
    scene = a_morning().saved(15, min_binary_version="9.0.0")
    assert roles_of(way(scene.view(), 100), "needs 9.0.0, offered 0/4") == {"warn"}
    forced = a_morning().done(Force204(on=True))
    assert roles_of(way(forced.view(), 100), "no update, offered 2/4") == {"warn"}


def test_a_long_reason_is_cut_and_what_is_served_stays() -> None:
    scene = a_morning().happens(BuildRefused(at=NOW, code="unreadable", detail="x" * 500))
    assert plain(way(scene.view(), 80)).endswith("14 is served on")


def test_a_withheld_release_is_not_shown_as_if_it_were_offered() -> None:
    scene = a_morning().done(Withhold(sequence=14))
    assert roles_of(way(scene.view(), 100), "withheld, offered 2/4") == {"warn"}


def test_the_way_of_a_re_offer_says_what_it_is_of() -> None:
    assert "re-offered 12" in plain(way(a_morning().done(Reoffer(sequence=12)).view(), 120))


def test_nothing_yet_says_what_to_do() -> None:
    said = plain(way(Scene().view(), 100))
    assert said == " no release yet: build the frontend into dist, or p publishes it as it is"


def test_a_save_that_changed_nothing_is_said_where_there_is_room() -> None:
    scene = a_morning().happens(BuildSkipped(at=NOW, channel="beta", sequence=14))
    assert "saved again, same content" in plain(way(scene.view(), 160))


def test_a_folder_that_is_as_a_release_of_an_earlier_run_has_it_was_found_so() -> None:
    view = a_morning().happens(BuildSkipped(at=NOW, channel="beta", sequence=14)).view()
    view = replace(view, builds=replace(view.builds, last=None))
    assert "found as it was: release 14" in plain(way(view, 160))


def test_the_way_is_that_of_the_build_channels_newest_or_of_the_channel_that_is_shown() -> None:
    scene = a_morning().saved(15, channel="nightly")
    assert plain(way(scene.view(), 80)).startswith(" 14 ")
    assert plain(way(scene.view(Looking(channel="nightly")), 80)).startswith(" 15 ")
    assert plain(way(scene.view(Looking(channel="beta")), 80)).startswith(" 14 ")
    assert "no release yet on empty" in plain(way(scene.view(Looking(channel="empty")), 80))


# --- chips ---------------------------------------------------------------------------------------------------------


def test_there_is_no_line_where_nothing_is_armed() -> None:
    assert chips(a_morning().view(), 80) == ()


@pytest.mark.parametrize(
    ("command", "said", "clears"),
    [
        (Force204(on=True, times=1), "no update ×1 everyone", "Z clear all"),
        (Force204(on=True, client="px"), "no update Pixel", "Z clear all"),
        (Force204(on=True, client="px", channel="beta"), "no update Pixel on beta", "Z clear all"),
        (SetMandatory(on=True), "every offer mandatory", "Z clear all"),
        (PauseChannel(channel="beta"), "beta paused", "W resume beta"),
        (Withhold(sequence=14), "14 withheld", "w put 14 back"),
        (PinClient(client="em", sequence=12), "Emulator pinned to 12", ""),
    ],
)
def test_what_bends_answers_has_a_chip_and_the_key_that_ends_it(
    command: Command, said: str, clears: str
) -> None:
    line = chips(a_morning().done(command).view(), 80)
    assert roles_of(line, said) == {"chip"}
    assert plain(line).endswith(clears)


def test_a_withheld_release_that_something_newer_passed_needs_no_chip() -> None:
    assert chips(a_morning().done(Withhold(sequence=12)).view(), 80) == ()


def test_what_is_asked_for_stands_there_as_pending_until_it_is_so() -> None:
    scene = a_morning()
    number = scene.mirror.sent(Force204(on=True, times=1), "no update")
    assert "no update ×1 everyone… " in plain(chips(scene.view(), 80))
    scene.mirror.answered(number, None)
    assert chips(scene.view(), 80) == ()


def test_what_is_being_ended_stands_there_until_it_has() -> None:
    scene = a_morning().done(SetMandatory(on=True))
    scene.mirror.sent(SetMandatory(on=False), "no longer mandatory")
    assert "every offer mandatory: ending…" in plain(chips(scene.view(), 80))


def test_the_servers_last_trouble_stays_in_sight() -> None:
    scene = a_morning().happens(
        Noticed(at=NOW, level="error", code="not-recording", message="the disk is full")
    )
    assert roles_of(chips(scene.view(), 80), "not recording: the disk is full") == {"bad"}


def test_chips_that_find_no_room_are_counted() -> None:
    scene = a_morning().done(SetMandatory(on=True))
    for client in ("px", "ip", "em"):
        scene.done(Force204(on=True, client=client))
    said = plain(chips(scene.view(), 60))
    assert "no update Pixel" in said
    assert "+2" in said
    assert said.endswith("Z clear all")


# --- tabs ----------------------------------------------------------------------------------------------------------


def test_tabs_count_what_there_is_and_mark_where_one_is() -> None:
    said = plain(tabs(a_morning().view(), 80))
    assert "1 Releases 14" in said
    assert "2 Clients 4" in said
    assert "[3 Check-ins]" in said
    assert "41/min" in said
    assert said.endswith("F following")
    assert "[1 Releases] 14" in plain(tabs(a_morning().view(Looking(pane="releases")), 80))


def test_a_paused_list_says_how_much_came_since() -> None:
    scene = a_morning()
    view = scene.view()
    looking = paused_on(Looking(), view, view.rows[0].number)
    assert plain(tabs(scene.view(looking), 80)).endswith("F paused")
    scene.later(1).asks("ip", 8).later(1).asks("em", 0)
    assert plain(tabs(scene.view(looking), 80)).endswith("F paused, 2 new")
    assert plain(tabs(scene.view(following(looking)), 80)).endswith("F following")


def test_a_filter_and_a_channel_are_named_beside_it() -> None:
    said = plain(tabs(a_morning().view(Looking(filter="status:204", channel="beta")), 120))
    assert "c beta" in said
    assert "/ status:204" in said


# --- foot ----------------------------------------------------------------------------------------------------------


def test_the_foot_shows_the_keys_of_a_check_in_and_always_the_way_to_the_others() -> None:
    said = plain(foot(a_morning().view(), 80))
    assert said.startswith(" n no update Pixel  m mandatory 14  w withhold 14")
    assert said.endswith(": commands  ? help")
    assert "/ filter" in said


def test_the_foot_of_a_release_has_no_key_of_a_client() -> None:
    scene = a_morning()
    said = plain(foot(scene.view(Looking(pane="releases", release=13)), 120))
    assert "no update" not in said
    assert "b roll back" in said
    assert "> promote" in said
    # There is nothing to go back to it from.
    assert "b roll back" not in plain(foot(scene.view(Looking(pane="releases", release=14)), 120))


def test_a_key_says_on_what_it_acts_as_far_as_there_is_room() -> None:
    scene = a_morning().named("px", "Anna's second tablet").later(1).done(Withhold(sequence=14))
    scene.asks("px", 11)
    said = plain(foot(scene.view(), 100))
    assert "n no update Anna's second…  m mandatory 13  w put back 14" in said
    assert plain(foot(scene.view(), 60)).startswith(" n no update  m mandatory  w put back")


def test_a_key_says_what_it_does_next_to_what_is_selected() -> None:
    scene = a_morning().done(Withhold(sequence=14)).done(SetMandatory(on=True, sequence=13))
    looking = Looking(pane="releases", release=14)
    assert "w put back" in plain(foot(scene.view(looking), 120))
    assert "m not mandatory" in plain(foot(scene.view(replace(looking, release=13)), 120))
    assert "w withhold" in plain(foot(scene.view(replace(looking, release=12)), 120))


def test_the_foot_of_a_dashboard_without_a_server_offers_only_what_works() -> None:
    said = plain(foot(Scene().view(link=Link(state="gone")), 80))
    assert said == " u addresses  q back  : commands  ? help"


def test_a_selected_client_that_left_the_table_still_has_a_foot() -> None:
    view: View = replace(
        Scene().saved(1).view(link=LIVE), pane="clients", selected=Selected("client", "nobody")
    )
    assert ": commands" in plain(foot(view, 80))


def test_the_build_channel_in_the_header_is_where_builds_go() -> None:
    assert "builds → nightly" in plain(header(Scene().done(SetBuildChannel(channel="nightly")).view(), 80))
