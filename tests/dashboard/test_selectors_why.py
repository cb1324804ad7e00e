"""WHY, passed over, NEXT and the empty panes: the answer is explained, and the next step is always there."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from msgspec.structs import replace

from hotswap_dev.dashboard.keys import Send, plan
from hotswap_dev.dashboard.looking import PANES, Looking
from hotswap_dev.dashboard.selectors import empty, foot, why_lines
from hotswap_dev.dashboard.spans import cells, plain
from hotswap_dev.dashboard.view import Link, Selected, View
from hotswap_dev.domain.commands.channels import PauseChannel
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.commands.releases import EditRelease, Restore, Withhold
from hotswap_dev.domain.observations import BuildRefused, CheckAnswered, Noticed
from tests.dashboard.views import Scene, a_morning, row_where, texts
from tests.unit.making import NOW


def explained(view: View, width: int = 100, height: int = 9) -> str:
    return texts(why_lines(view, width, height))


def of_client(scene: Scene, client: str, height: int = 9) -> str:
    return explained(
        replace(scene.view(), pane="clients", selected=Selected("client", client)), height=height
    )


def of_release(scene: Scene, sequence: int) -> str:
    return explained(replace(scene.view(), pane="releases", selected=Selected("release", sequence)))


def test_nothing_selected_says_nothing() -> None:
    assert why_lines(Scene().view(), 80, 5) == ()


def test_a_check_in_is_explained_by_its_reason_with_the_key_that_would_change_it() -> None:
    said = explained(a_morning().view())
    assert said.startswith(" WHY   The client has 14, the newest release of channel beta.")
    assert "r offer 14 again" in said
    assert " NEXT  It keeps 14 until something newer is published." in said


def test_where_a_client_would_be_answered_otherwise_by_now_both_are_said() -> None:
    scene = a_morning().done(Force204(on=True, times=1)).later(1).asks("px", 12)
    said = explained(row_where(scene.view(), client="px"))
    assert " WHY   No update is forced for everyone, this once." in said
    assert " NOW   Release 14 (0.4.1-ota.14) is newer than the client's 12." in said


def test_a_forced_204_that_only_counts_down_is_explained_once() -> None:
    scene = a_morning().done(Force204(on=True, times=3)).later(1).asks("px", 12)
    said = explained(row_where(scene.view(), client="px"))
    assert " WHY   No update is forced for everyone, 2 more to come." in said
    assert " NOW   " not in said


def test_a_forced_204_that_holds_for_another_scope_by_now_is_said() -> None:
    scene = a_morning().done(Force204(on=True, client="px")).done(Force204(on=True)).later(1).asks("px", 12)
    scene.done(Force204(on=False, client="px"))
    said = explained(row_where(scene.view(), client="px"))
    assert " WHY   No update is forced for px, until it is off." in said
    assert " NOW   No update is forced for everyone, until it is off." in said
    assert "force-204 off --client" not in said
    assert "z updates again" not in said


def test_a_forced_204_that_counts_anew_is_said() -> None:
    scene = a_morning().done(Force204(on=True, times=1)).later(1).asks("px", 12).done(Force204(on=True))
    said = explained(row_where(scene.view(), client="px"))
    assert " WHY   No update is forced for everyone, this once." in said
    assert " NOW   No update is forced for everyone, until it is off." in said


def test_w_is_named_for_what_it_puts_back_and_the_rest_as_a_command() -> None:
    scene = a_morning().later(1).asks("px", 12).done(Withhold(sequence=14))
    view = row_where(scene.view(), client="px")
    said = explained(view)
    assert " NOW   Release 13 (0.4.1-ota.13) is newer than the client's 12." in said
    assert "w withhold 13" not in said
    assert "w put back 14" in plain(foot(view, 120))
    assert plan("w", view) == Send(Restore(sequence=14), "release 14 back")


def test_a_release_that_was_withheld_since_shows_in_what_is_said_of_its_clients() -> None:
    scene = a_morning().later(1).done(Withhold(sequence=14))
    said = explained(row_where(scene.view(), client="px"))
    assert " NOW   The client has 14, which is withheld meanwhile" in said


def test_what_was_passed_over_is_said_shortly_and_once() -> None:
    scene = Scene().saved(1).saved(2).saved(3).done(Withhold(sequence=3))
    scene.done(EditRelease(sequence=2, min_binary_version="0.5.0")).later(1).asks("px", 0)
    said = explained(scene.view())
    assert "Passed over: 3 withheld · 2 needs binary 0.5.0" in said


def test_what_why_is_about_is_not_passed_over_once_more() -> None:
    scene = Scene().saved(1).saved(2).saved(3).done(Withhold(sequence=3))
    scene.done(EditRelease(sequence=2, min_binary_version="0.5.0")).later(1).asks("px", 1)
    said = explained(scene.view())
    assert "Release 3 is withheld." in said
    assert "Passed over too: 2 needs binary 0.5.0" in said


def test_several_releases_need_and_one_needs() -> None:
    scene = Scene()
    for sequence in range(1, 8):
        scene.saved(sequence, min_binary_version="0.3.0" if sequence == 2 else "0.5.0")
    said = explained(scene.later(1).asks("px", 1).view())
    assert "Passed over: 7…3 need binary 0.5.0" in said


def test_a_single_release_that_why_names_already_is_not_passed_over_twice() -> None:
    scene = Scene().saved(1).done(Withhold(sequence=1)).later(1).asks("px", 0)
    said = explained(scene.view())
    assert "Release 1 is withheld." in said
    assert "Passed over" not in said
    assert "w put 1 back" in said


def test_a_client_is_explained_by_what_it_is_told_next_and_what_is_known_of_it() -> None:
    said = of_client(a_morning(), "ip")
    assert " KNOWN It reported 12, now 8: rolled back." in said
    assert " WHY   Release 14 (0.4.1-ota.14) is newer than the client's 8." in said
    assert " NEXT  " in said


def test_with_little_room_the_answer_and_what_comes_next_stay() -> None:
    said = of_client(a_morning(), "ip", height=2)
    assert said.count("\n") == 1
    assert " WHY   " in said
    assert " NEXT  " in said


def test_what_is_cut_says_that_there_is_more() -> None:
    lines = why_lines(replace(a_morning().view(), pane="clients", selected=Selected("client", "ip")), 60, 4)
    assert len(lines) == 4
    assert "…" in texts(lines)


def test_a_refused_check_is_explained_with_what_was_expected() -> None:
    args = {"parameter": "sequence", "value": "x", "expected": "a whole number", "example": "/api/ota/0"}
    seen = CheckAnswered(
        at=NOW, client="curl", peer="127.0.0.1", path="/api/ota/x", sequence=None, binary_version=None, platform=None,
        arch=None, channel=None, status=400, reason="bad-request", args={**args}, offered=None, duration_ms=0.2,
    )  # fmt: skip
    said = explained(row_where(a_morning().later(1).happens(seen).view(), client="curl"))
    assert "The check's sequence is x; expected is a whole number" in said
    assert "Its check fails with `HTTP 400: update check failed`" in said


def test_a_download_is_explained_with_what_its_client_is_told_next() -> None:
    scene = a_morning().later(1).fetches("mac", 14, complete=False, attempt=3)
    said = explained(row_where(scene.view(), client="mac"))
    assert "Anna's Mac broke off attempt 3 of 4" in said
    assert " NOW   Release 14" in said


def test_a_refused_build_says_why_and_what_to_do() -> None:
    refused = BuildRefused(
        at=NOW, code="no-index", detail="index.html is missing", hint="build the frontend first"
    )
    said = explained(row_where(a_morning().later(1).happens(refused).view(), code="no-index"))
    assert "no-index: index.html is missing." in said
    assert " NEXT  build the frontend first" in said


def test_a_notice_says_what_to_do() -> None:
    seen = Noticed(
        at=NOW, level="warning", code="port", message="two servers share this port", hint="stop one"
    )
    said = explained(row_where(a_morning().later(1).happens(seen).view(), code="port"))
    assert "two servers share this port" in said
    assert "stop one" in said


def test_a_change_is_told_in_words() -> None:
    scene = a_morning().later(1).done(PauseChannel(channel="beta"))
    assert " WHY   Channel beta is paused." in explained(row_where(scene.view(), channel="beta"))


def test_a_release_says_who_is_offered_it_who_has_it_and_who_is_not_and_why() -> None:
    scene = a_morning().done(PinClient(client="em", sequence=12))
    said = of_release(scene, 14)
    assert "14 is offered to 2 of 4 clients: Anna's Mac, iPad. Pixel has it." in said
    assert "Emulator: not 12, which it is pinned to" in said
    assert "Emulator: needs binary 0.4.1" in of_release(a_morning(), 14)
    assert "iPad: offered 14 instead" in of_release(scene, 13)


def test_a_client_of_another_channel_is_not_offered_the_release_because_of_that() -> None:
    assert "other: on nightly" in of_release(a_morning().asks("other", 0, channel="nightly"), 14)


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        (a_morning().done(Withhold(sequence=14)), "Nobody is offered 14 until it is back."),
        (a_morning().done(PauseChannel(channel="beta")), "Whoever asks for beta is offered nothing"),
        (a_morning(), "Whoever asks for beta with less than 14, and may run it, is offered it."),
        (a_morning().saved(15), "15 is newer and offered in its place"),
        (
            a_morning().done(Force204(on=True)),
            "Nobody is offered 14 until the forced 204 for everyone is off.",
        ),
        (
            Scene().saved(14, min_binary_version="9.0.0").asks("px", 0),
            "Nobody known may run 14: it needs binary 9.0.0.",
        ),
        (
            Scene().saved(14).saved(15, min_binary_version="9.0.0").asks("px", 0),
            "Whoever asks for beta with less than 14, and may run it, is offered it.",
        ),
        (
            Scene()
            .saved(14)
            .saved(15, min_binary_version="9.0.0")
            .asks("px", 0)
            .asks("new", 0, binary_version="9.0.0"),
            "Whoever may not run 15, or is pinned to 14, is offered 14.",
        ),
    ],
)
def test_a_release_says_what_comes_next(scene: Scene, said: str) -> None:
    assert said in of_release(scene, 14)


def test_thousands_of_clients_are_explained_without_making_a_key_wait() -> None:
    scene = Scene()
    for sequence in range(1, 61):
        scene.saved(sequence, min_binary_version="9.0.0")
    for number in range(2_000):
        scene.asks(f"phone-{number}", number % 50, binary_version=f"0.4.{number % 90}")
    view = replace(scene.view(), pane="releases", selected=Selected("release", 60))
    best = min(_seconds(view) for _ in range(5))
    assert best < 0.02  # a few milliseconds; the rest is for machines that do other things too
    assert "60 is offered to none of 100 clients. (Nothing is said of 1900 more.)" in explained(view)


def _seconds(view: View) -> float:
    view = replace(view, now=view.now + timedelta(seconds=time.perf_counter()))  # nothing of it is known yet
    began = time.perf_counter()
    why_lines(view, 120, 6)
    return time.perf_counter() - began


def test_lines_never_exceed_the_room_even_where_a_command_is_long() -> None:
    view = replace(
        a_morning().done(Withhold(sequence=14)).view(), selected=Selected("client", "px"), pane="clients"
    )
    for width in (20, 40, 79):
        for height in range(6):
            lines = why_lines(view, width, height)
            assert len(lines) <= height
            assert all(cells(line) <= width for line in lines)


# --- nothing there -------------------------------------------------------------------------------------------------


def test_no_client_yet_shows_the_line_that_builds_one_and_that_dev_builds_never_ask() -> None:
    view = Scene().saved(1).view()
    said = texts(empty(view, "checks"))
    assert view.about is not None
    assert view.about.build_line is not None
    assert view.about.build_line in said
    assert "A dev build (tauri dev) bypasses OTA" in said
    assert "u shows addresses" in said


def test_that_there_is_no_client_yet_is_said_once_where_there_is_room_for_it() -> None:
    view = Scene().saved(1).view()
    both = texts(empty(view, "clients")) + texts(empty(view, "checks"))
    assert both.count("No client yet") == 1
    assert "3 says how an app comes to ask" in texts(empty(view, "clients"))


@pytest.mark.parametrize("width", [20, 40, 56])
def test_sentences_of_an_empty_pane_are_broken_and_not_cut(width: int) -> None:
    for view in (Scene().view(), Scene().saved(1).view(), Scene(dist=None, build_line=None).view()):
        for pane in PANES:
            lines = empty(view, pane, width)
            assert all(cells(line) <= width for line in lines)
            if width >= 40:
                assert "".join(texts(lines).split()) == "".join(texts(empty(view, pane)).split())


def test_outside_of_a_project_no_client_yet_shows_the_endpoint() -> None:
    scene = Scene(build_line=None)
    assert "http://127.0.0.1:3333/api/ota/{{current_sequence}}" in texts(empty(scene.view(), "checks"))


def test_no_release_yet_says_how_to_get_one() -> None:
    said = texts(empty(Scene().view(), "releases"))
    assert "the first finished build in dist becomes one" in said
    assert "p publishes" in said


def test_nothing_watched_says_how_to_publish() -> None:
    scene = Scene(dist=None)
    view = scene.view()
    said = texts(empty(replace(view, builds=replace(view.builds, dist=None)), "releases"))
    assert "no folder is watched" in said
    assert "hotswap-dev publish DIST" in said


def test_a_filter_that_matches_nothing_says_how_to_clear_it() -> None:
    said = texts(empty(a_morning().view(Looking(filter="nobody")), "checks"))
    assert "Nothing here matches nobody." in said
    assert "esc shows all again" in said


def test_a_channel_without_anything_says_how_to_see_another() -> None:
    view = a_morning().view(Looking(channel="empty"))
    assert "Channel empty has no release yet." in texts(empty(view, "releases"))
    assert "No client asks for channel empty." in texts(empty(view, "clients"))
    assert "Nothing was asked of channel empty yet." in texts(empty(view, "checks"))


def test_a_server_that_is_looked_for_says_what_is_wrong_and_what_to_do() -> None:
    lost = Link(state="starting", since=NOW, said="nothing answers on 127.0.0.1:1", hint="hotswap-dev serve")
    for pane in ("releases", "clients", "checks"):
        said = texts(empty(replace(View(now=NOW), link=lost), pane))
        assert "nothing answers on 127.0.0.1:1" in said
        assert "hotswap-dev serve" in said
    assert "Starting" in texts(empty(View(now=NOW), "checks"))


def test_a_server_that_is_gone_says_its_last_words() -> None:
    gone = Link(state="gone", since=NOW, said="it ended with code 1: the port is taken")
    assert "the port is taken" in texts(empty(View(now=NOW, link=gone), "checks"))
