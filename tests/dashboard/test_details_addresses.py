"""How an app reaches the server, said so that nobody scans an address that leads nowhere; and every key by its use."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.dashboard.details.addresses_text import address_lines, phone_address
from hotswap_dev.dashboard.details.help_text import help_lines
from hotswap_dev.dashboard.keys import KEYS
from hotswap_dev.dashboard.view import Link
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.text import shown
from tests.dashboard.details import (
    SITE,
    a_moment,
    an_about,
    hostile,
    on_loopback,
    text_of,
    too_wide,
    unprintable,
    words_of,
)


def the_page(width: int = 100, **changes: Any) -> str:
    return text_of(address_lines(a_moment(about=an_about(**changes)), width))


def test_everything_that_an_app_is_built_with_stands_on_the_page() -> None:
    about = an_about()
    page = the_page()

    for value in (
        about.endpoint,
        about.pubkey,
        *about.addresses,
        *about.overlays,
        about.build_line,
        about.watch_line,
    ):
        assert f"\n  {value}\n" in f"{page}\n"
    assert "key 3FqA" in page.split("\n")[0]
    assert "watches       my-app/dist" in page


def test_a_long_value_is_broken_without_losing_a_letter() -> None:
    page = the_page(40)

    assert an_about().pubkey in page.replace("\n  ", "")
    assert an_about().endpoint in page.replace("\n  ", "")


def test_a_server_of_this_machine_alone_says_how_phones_reach_it() -> None:
    page = text_of(address_lines(a_moment(about=on_loopback()), 100))

    assert "Only this machine can ask" in page
    assert "hotswap-dev my-app/dist --host 0.0.0.0" in page
    assert "adb reverse" in page


@pytest.mark.parametrize(
    ("site", "addresses", "expected"),
    [
        (SITE, (SITE,), SITE),
        ("http://127.0.0.1:3333", ("http://127.0.0.1:3333", SITE), SITE),
        ("http://localhost:3333", ("http://[::1]:3333",), None),
        ("http://0.0.0.0:3333", (), None),
        ("https://tunnel.example.test", ("http://127.0.0.1:3333",), "https://tunnel.example.test"),
    ],
)
def test_a_phone_is_given_the_first_address_that_is_not_this_machine_s_own(
    site: str, addresses: tuple[str, ...], expected: str | None
) -> None:
    assert phone_address(an_about(site=site, addresses=addresses)) == expected


def test_a_production_key_is_unlike_anything_else_on_the_page() -> None:
    lines = address_lines(a_moment(about=an_about(production_key=True)), 100)

    assert [span.text for span in lines[0] if span.role == "danger"] == [" PRODUCTION KEY 3FqA "]
    assert "every installed app would run what is signed here" in text_of(lines)
    assert not any(
        span.role == "danger" for line in address_lines(a_moment(about=an_about()), 100) for span in line
    )


def test_outside_of_a_project_what_there_is_not_is_left_out() -> None:
    page = the_page(build_line=None, watch_line=None, devtools_line=None, overlays=(), dist=None)

    assert "BUILD ONCE" not in page
    assert "OVERLAYS" not in page
    assert "DEVTOOLS" not in page
    assert "nothing: hotswap-dev publish DIST" in page


def test_builds_that_go_elsewhere_than_configured_say_so() -> None:
    view = replace(a_moment(about=an_about()), controls=Controls(build_channel="beta"))

    assert "builds go to  beta (configured is production)" in text_of(address_lines(view, 100))


def test_before_the_server_is_known_the_page_says_so() -> None:
    starting = replace(a_moment(), link=Link(state="starting"))

    assert "Nothing is known of the server yet." in text_of(address_lines(starting, 80))
    assert "of another version" in text_of(address_lines(a_moment(), 80))


@hostile
@pytest.mark.parametrize("width", [30, 80, 200])
def test_C3_names_of_folders_keep_the_page(text: str, width: int) -> None:
    safe = shown(text)  # as the server tells it
    about = an_about(app=safe, workspace=safe, dist=safe or None, overlays=(safe, safe), build_line=safe)

    lines = address_lines(a_moment(about=about), width)

    assert too_wide(lines, width) == []
    assert unprintable(lines) == []


# --- help --------------------------------------------------------------------------------------------------------


class AKey(Struct, frozen=True):
    shown: str
    help: str
    group: str


def test_every_key_is_in_help_with_its_sentence_whatever_the_width() -> None:
    for width in (40, 80, 120, 200):
        lines = help_lines(KEYS, width)
        words = words_of(lines)
        assert too_wide(lines, width) == []
        for key in KEYS:
            assert key.shown in words
        if width < 110:
            assert all(key.help in words for key in KEYS)


def test_where_there_is_room_groups_stand_beside_each_other_and_stay_whole() -> None:
    keys = [AKey(str(number), f"does {number}", f"group {number // 10}") for number in range(30)]

    narrow, wide = help_lines(keys, 80), help_lines(keys, 130)

    assert len(wide) < len(narrow) - 10
    assert "GROUP 0" in text_of(wide)
    first = text_of(wide).split("\n")
    assert any("GROUP 0" in line and "GROUP" in line.split("GROUP 0")[1] for line in first)


def test_help_says_what_small_and_capital_letters_mean_and_where_more_is() -> None:
    words = words_of(help_lines(KEYS, 80))

    assert "A small letter acts on what is selected, a capital one on everyone." in words
    assert "hotswap-dev help TOPIC" in words


def test_keys_of_one_group_stand_together_though_they_are_listed_apart() -> None:
    keys = [AKey("a", "one", "x"), AKey("b", "two", "y"), AKey("c", "three", "x")]

    words = words_of(help_lines(keys, 60))

    assert words.index("three") < words.index("two")
    assert words.count("X") == 1
