"""The copy menu: a digit or enter copies exactly the value, by OSC 52, and says so."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from textual.app import App

from hotswap_dev.dashboard.screens.copy import CopyScreen
from hotswap_dev.dashboard.view import Selected, View
from tests.dashboard.details import Opened, a_moment, an_about, not_activated, opened, releases

pytestmark = pytest.mark.screens


def selected_client(about_changes: dict[str, object] | None = None) -> View:
    return a_moment(
        *not_activated(),
        controls=releases(13, 14),
        about=an_about(**(about_changes or {})),
        selected=Selected("client", "Pixel-8"),
    )


def leaves(detail: Opened) -> bool:
    return len(detail.app.screen_stack) == 1


async def test_a_digit_copies_at_once_and_says_what() -> None:
    async with opened(CopyScreen(), selected_client()) as detail:
        await detail.press("5")

        assert detail.app.copied == [an_about().pubkey]
        assert leaves(detail)
        assert detail.app.told[0][0] == "copied: public key"


async def test_j_k_and_enter_choose_and_stop_at_both_ends() -> None:
    async with opened(CopyScreen(), selected_client()) as detail:
        await detail.press("k", "j", "j", "j")
        assert "▸ 4  endpoint" in detail.text

        await detail.press("enter")
        assert detail.app.copied == [an_about().endpoint]

    async with opened(CopyScreen(), selected_client()) as detail:
        await detail.press("G", "j")
        assert "▸    the phone overlay, its JSON" in detail.text
        await detail.press("g")
        assert "▸ 1  client id" in detail.text


@pytest.mark.parametrize("key", ["escape", "q", "y"])
async def test_leaving_copies_nothing(key: str) -> None:
    async with opened(CopyScreen(), selected_client()) as detail:
        await detail.press(key)

        assert leaves(detail)
        assert detail.app.copied == []
        assert detail.app.told == []


async def test_a_digit_that_is_not_there_does_nothing() -> None:
    async with opened(CopyScreen(), a_moment()) as detail:
        await detail.press("3", "enter")

        assert not leaves(detail)
        assert detail.app.copied == []
        assert "nothing to copy yet" in detail.text


async def test_a_click_copies_its_line_and_one_beside_the_menu_leaves() -> None:
    async with opened(CopyScreen(), selected_client()) as detail:
        rows = detail.screen.split("\n")
        y = next(number for number, row in enumerate(rows) if "endpoint" in row)

        await detail.pilot.click(offset=(20, y))
        await detail.rests()

        assert detail.app.copied == [an_about().endpoint]
        assert leaves(detail)

    async with opened(CopyScreen(), selected_client()) as detail:
        await detail.pilot.click(offset=(0, 0))
        await detail.rests()

        assert detail.app.copied == []
        assert leaves(detail)


async def test_an_overlay_is_copied_as_its_file_has_it(tmp_path: Path) -> None:
    overlay = tmp_path / "tauri.dev.conf.json"
    overlay.write_bytes('{\n  "productName": "Grüße"\n}\n'.encode())
    view = selected_client({"overlays": (str(overlay), str(tmp_path / "missing.json"))})

    async with opened(CopyScreen(), view) as detail:
        await detail.press("G", "k", "k", "enter")
        assert detail.app.copied == ['{\n  "productName": "Grüße"\n}\n']

    async with opened(CopyScreen(), view) as detail:
        await detail.press("G", "enter")
        assert detail.app.copied == []
        assert not leaves(detail)
        message, hint, severity = detail.app.told[0]
        assert "missing.json can't be read" in message
        assert hint
        assert severity == "error"


async def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    binary, large = tmp_path / "a.json", tmp_path / "b.json"
    binary.write_bytes(b"\xff\xfe")
    large.write_bytes(b" " * 300_000)

    async with opened(CopyScreen(), selected_client({"overlays": (str(binary), str(large))})) as detail:
        await detail.press("G", "enter", "k", "k", "enter")

        assert [severity for _, _, severity in detail.app.told] == ["error", "error"]
        assert detail.app.copied == []


async def test_a_menu_that_is_longer_than_the_screen_follows_the_choice() -> None:
    async with opened(CopyScreen(), selected_client(), size=(60, 12)) as detail:
        assert "▸ 1" in detail.screen

        await detail.press("G")

        assert "▸    the phone overlay" in detail.screen


async def test_the_clipboard_gets_the_exact_bytes_by_osc_52(monkeypatch: pytest.MonkeyPatch) -> None:
    app: App[None] = App()
    async with app.run_test():
        driver = app._driver
        assert driver is not None
        written: list[str] = []
        monkeypatch.setattr(driver, "write", written.append)
        app.copy_to_clipboard("curl 'x' é")
    encoded = base64.b64encode("curl 'x' é".encode()).decode()
    assert any(f"\x1b]52;c;{encoded}\a" in one for one in written)
