"""What is copied is what can be pasted: exactly the value, and quoted where a shell reads it."""

from __future__ import annotations

import itertools
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.dashboard.details.copy_text import copy_lines
from hotswap_dev.dashboard.details.copying import Choice, choices, curl_of, release_url, selected_release
from hotswap_dev.dashboard.details.exchange import read_exchange
from hotswap_dev.dashboard.view import Selected, View
from hotswap_dev.domain.checks import client_id
from hotswap_dev.domain.text import shown
from tests.dashboard.details import (
    SITE,
    a_moment,
    an_about,
    an_exchange,
    hostile,
    not_activated,
    releases,
    text_of,
    too_wide,
    unprintable,
)
from tests.unit.making import a_release, an_answered_check

ABOUT = an_about()


def of_row(*events: Any, **changes: Any) -> View:
    return a_moment(*events, about=ABOUT, selected=Selected("row", 1), **changes)


def labelled(view: View) -> dict[str, str]:
    return {one.label: one.text for one in choices(view)}


def test_a_curl_line_asks_what_the_client_asked_with_its_id() -> None:
    check = an_answered_check("Pixel-8", path="/api/ota/0?binary_version=1.0.0&platform=linux&arch=x86_64")

    assert curl_of(check, ABOUT).line == (
        "curl -i -H 'X-Device-Id: Pixel-8' "
        f"'{SITE}/api/ota/0?binary_version=1.0.0&platform=linux&arch=x86_64'"
    )


def test_a_client_that_sends_no_id_is_asked_for_without_one() -> None:
    check = an_answered_check("local/linux/x86_64", path="/api/ota/0")

    assert curl_of(check, ABOUT).line == f"curl -i {SITE}/api/ota/0"


def test_a_kept_exchange_is_repeated_with_its_own_headers_and_without_its_secrets() -> None:
    check = an_answered_check("Pixel-8", path="/api/ota/0")
    kept = read_exchange(
        an_exchange(
            check,
            headers=[
                ["Host", "10.0.2.2:3333"],
                ["Accept", "*/*"],
                ["Accept-Encoding", "gzip"],
                ["X-Kiosk", "7"],
                ["X-Empty", ""],
                ["Authorization", "***"],
            ],
        )
    )

    curl = curl_of(check, ABOUT, kept)

    assert shlex.split(curl.line) == [
        "curl", "-i", "-H", "Host: 10.0.2.2:3333", "-H", "Accept: */*", "-H", "X-Kiosk: 7", "-H", "X-Empty;",
        f"{SITE}/api/ota/0",
    ]  # fmt: skip
    assert curl.notes == ("Left out, since its value is not kept: Authorization.",)


@hostile
def test_C3_a_hostile_id_is_one_word_of_the_curl_line_and_runs_nothing(text: str) -> None:
    client = client_id(text, peer="10.0.0.9", platform="linux", arch="x86_64")
    check = an_answered_check(client, peer="10.0.0.9", path=shown(f"/api/ota/0?channel={text}"))

    curl = curl_of(check, ABOUT)
    words = shlex.split(curl.line)

    assert words[:2] == ["curl", "-i"]
    assert words[-1] == f"{SITE}{check.path}"
    headers = [word for before, word in itertools.pairwise(words) if before == "-H"]
    if client == "10.0.0.9/linux/x86_64" or client.startswith("h:"):
        assert headers == []
    else:
        assert headers == [f"X-Device-Id: {client}"]
    assert len(words) == 3 + 2 * len(headers) + ("-g" in words)
    assert ("could not be shown" in " ".join(curl.notes)) == client.startswith("h:")
    assert curl.line.isprintable()


@given(st.text(max_size=150), st.text(max_size=150))
def test_whatever_a_client_says_a_shell_reads_it_back_as_it_was(device: str, query: str) -> None:
    client = client_id(device, peer="10.0.0.9", platform="?", arch="?")
    check = an_answered_check(
        client, peer="10.0.0.9", platform=None, arch=None, path=shown(f"/api/ota/0?{query}")
    )

    words = shlex.split(curl_of(check, ABOUT).line)

    assert words[0] == "curl"
    assert words[-1] == f"{SITE}{check.path}"
    assert words.count("-H") <= 1


def test_signs_that_curl_would_expand_are_taken_literally() -> None:
    check = an_answered_check("local/linux/x86_64", path="/api/ota/%7B%7Bcurrent_sequence%7D%7D?x=[1-9]{a,b}")

    assert shlex.split(curl_of(check, ABOUT).line)[2] == "-g"


def test_for_a_check_its_request_comes_first_then_client_why_and_release() -> None:
    view = of_row(*not_activated(), controls=releases(13, 14))
    row = next(row for row in view.rows if row.check is not None and row.check.offered == 14)
    view = a_moment(
        *not_activated(), controls=releases(13, 14), about=ABOUT, selected=Selected("row", row.number)
    )

    found = choices(view)

    assert [one.label for one in found][:4] == [
        "curl of the request", "client id", "why, in words", "URL of release 14",
    ]  # fmt: skip
    assert found[1].text == "Pixel-8"
    assert "WHY     Release 14 (1.0.0-ota.14) is newer than the client's 13." in found[2].text
    assert "NEXT    The same offer again" in found[2].text
    assert found[3].text == release_url(view.controls.releases[14], SITE)


def test_the_server_s_own_values_are_copied_as_they_are() -> None:
    found = labelled(a_moment(about=ABOUT))

    assert found == {
        "endpoint": ABOUT.endpoint,
        "public key": ABOUT.pubkey,
        "build line": ABOUT.build_line,
        "watch line": ABOUT.watch_line,
        "devtools line": ABOUT.devtools_line,
        "path of the desktop overlay": ABOUT.overlays[0],
        "the desktop overlay, its JSON": ABOUT.overlays[0],
        "path of the phone overlay": ABOUT.overlays[1],
        "the phone overlay, its JSON": ABOUT.overlays[1],
    }


def test_before_anything_is_known_there_is_nothing_to_copy() -> None:
    assert choices(a_moment()) == ()
    assert "nothing to copy yet" in text_of(copy_lines((), 0, 60))


def test_a_release_s_address_is_where_the_server_has_it() -> None:
    release = a_release(14)

    assert release_url(release, SITE) == f"{SITE}/bundles/-/14/{release.bundle.hash8}.tar.gz"


def test_the_release_that_is_meant_is_the_selected_or_the_offered_one() -> None:
    controls = releases(13, 14)
    events = not_activated()

    def meant(selected: Selected | None) -> int | None:
        release = selected_release(a_moment(*events, controls=controls, selected=selected))
        return None if release is None else release.sequence

    assert meant(Selected("release", 13)) == 13
    assert meant(Selected("client", "Pixel-8")) == 14
    assert meant(Selected("row", 3)) == 14
    assert meant(Selected("release", 99)) is None
    assert meant(None) is None


@hostile
@pytest.mark.parametrize("width", [30, 90])
def test_C1_the_menu_keeps_its_columns_and_draws_text_only(text: str, width: int) -> None:
    menu = [Choice(label="client id", text=text), Choice(label="endpoint", text="http://x")]

    lines = copy_lines(menu, 1, width)

    assert len(lines) == 4
    assert too_wide(lines, width) == []
    assert unprintable(lines) == []


def test_the_menu_numbers_nine_and_marks_the_chosen_one() -> None:
    menu = [Choice(label=f"thing {number}", text="x") for number in range(1, 12)]

    lines = text_of(copy_lines(menu, 2, 60)).split("\n")[2:]

    assert [line[:4] for line in lines][:4] == ["  1 ", "  2 ", "▸ 3 ", "  4 "]
    assert lines[9].startswith("     thing 10")
