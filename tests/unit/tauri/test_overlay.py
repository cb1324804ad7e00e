from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.errors import HotswapError
from hotswap_dev.tauri.document import merge_patch
from hotswap_dev.tauri.overlay import (
    desktop_overlay,
    effective_identifier,
    mobile_overlay,
    write_overlays,
)
from hotswap_dev.tauri.plugin_config import read_plugin_config
from hotswap_dev.tauri.project import TauriProject, read_project
from tests.unit.tauri.conftest import FIXTURES, PUBKEY, Read

FixtureProject = Callable[..., TauriProject]
ENDPOINT = "http://127.0.0.1:3333/api/ota/{{current_sequence}}"


def merged(project: TauriProject, overlay: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = merge_patch(project.merged, overlay)
    return result


def test_the_desktop_overlay_points_the_app_here_and_keeps_its_policies(
    fixture_project: FixtureProject,
) -> None:
    project = fixture_project("json")
    after = merged(project, desktop_overlay(project, endpoint=ENDPOINT, pubkey=PUBKEY))
    assert after["plugins"]["hotswap"] == {
        "endpoint": ENDPOINT,
        "pubkey": PUBKEY,
        "require_https": False,
        "channel": "beta",
        "confirmation_policy": {"grace_period": {"max_unconfirmed_launches": 2}},
        "max_retries": 5,
    }
    assert after["identifier"] == "com.example.my-app.hotswapdev"
    assert after["productName"] == "My App (hotswap-dev)"
    assert after["version"] == "0.4.1"


def test_no_production_token_is_left_in_the_merged_config(fixture_project: FixtureProject) -> None:
    project = fixture_project("json")
    for overlay in (
        desktop_overlay(project, endpoint=ENDPOINT, pubkey=PUBKEY),
        mobile_overlay(endpoint=ENDPOINT, pubkey=PUBKEY),
    ):
        assert "production-token" not in json.dumps(merged(project, overlay))


@pytest.mark.parametrize(
    "content",
    [{}, {"plugins": None}, {"plugins": {}}, {"plugins": {"hotswap": None}}, {"plugins": {"hotswap": 5}}],
)
def test_without_a_section_of_its_own_the_app_gets_a_whole_one(
    project: Read, content: dict[str, Any]
) -> None:
    app = project(**content)
    for overlay in (
        desktop_overlay(app, endpoint=ENDPOINT, pubkey=PUBKEY),
        mobile_overlay(endpoint=ENDPOINT, pubkey=PUBKEY),
    ):
        section = merged(app, overlay)["plugins"]["hotswap"]
        assert section == {"endpoint": ENDPOINT, "pubkey": PUBKEY, "require_https": False}
        assert read_plugin_config(section).mistakes == ()


def test_the_mobile_overlay_leaves_identifier_and_name_alone() -> None:
    assert set(mobile_overlay(endpoint=ENDPOINT, pubkey=PUBKEY)) == {"plugins"}


def test_the_same_identifier_on_request(fixture_project: FixtureProject) -> None:
    project = fixture_project("json")
    overlay = desktop_overlay(project, endpoint=ENDPOINT, pubkey=PUBKEY, same_identifier=True)
    assert set(overlay) == {"plugins"}
    assert effective_identifier(project, True) == "com.example.my-app"
    assert effective_identifier(project, False) == overlaid(project)["identifier"]


def overlaid(project: TauriProject) -> dict[str, Any]:
    return merged(project, desktop_overlay(project, endpoint=ENDPOINT, pubkey=PUBKEY))


def test_a_kebab_case_name_is_taken_out_for_the_new_one(fixture_project: FixtureProject) -> None:
    # Seen with the Tauri CLI 2.12.5: both at once end in "duplicate field `productName`".
    after = overlaid(fixture_project("toml"))
    assert after["productName"] == "Kebab (hotswap-dev)"
    assert "product-name" not in after


def test_without_an_identifier_none_is_made_up(project: Read) -> None:
    app = project(identifier="")
    assert effective_identifier(app, False) is None
    assert "identifier" not in desktop_overlay(app, endpoint=ENDPOINT, pubkey=PUBKEY)


@pytest.mark.parametrize("name", ["My App", "a/b", 'say "hi"', "C:\\x", "<b>?*|"])
def test_the_new_name_is_one_that_tauri_takes(project: Read, name: str) -> None:
    made = overlaid(project(productName=name))["productName"]
    assert re.fullmatch(r'[^/\\:*?"<>|]+', made), "the pattern of productName in Tauri's schema"
    assert made.endswith(" (hotswap-dev)")


@given(labels=st.lists(st.text("abcXYZ019-", min_size=1), min_size=1, max_size=4))
def test_an_identifier_that_the_cli_takes_stays_one(labels: list[str]) -> None:
    identifier = ".".join(labels)
    project = replace(_SOME, identifier=identifier)
    made = effective_identifier(project, False)
    assert made is not None
    assert made != identifier
    # build.rs of the Tauri CLI: `ch.is_alphanumeric() || ch == '-' || ch == '.'`
    assert all(letter.isalnum() or letter in "-." for letter in made)


_SOME = read_project(FIXTURES / "json5" / "src-tauri" / "tauri.conf.json5", platform="linux")


@pytest.mark.parametrize(
    "pubkey",
    [
        PUBKEY + "\n",
        " " + PUBKEY,
        PUBKEY[:-1],
        PUBKEY + "A",
        "untrusted comment: x\n" + PUBKEY,
        "",
        "RU" + PUBKEY[2:],
    ],
)
def test_a_key_in_a_form_that_the_plugin_can_not_read_is_refused(pubkey: str) -> None:
    with pytest.raises(HotswapError) as caught:
        mobile_overlay(endpoint=ENDPOINT, pubkey=pubkey)
    assert caught.value.code == "bad-pubkey"


def test_both_files_are_written_and_can_be_read_back(fixture_project: FixtureProject, tmp_path: Path) -> None:
    project = fixture_project("json")
    phone = "http://192.0.2.7:3333/api/ota/{{current_sequence}}"
    desktop, mobile = write_overlays(
        tmp_path, project, endpoint=ENDPOINT, pubkey=PUBKEY, mobile_endpoint=phone
    )
    assert (desktop, mobile) == (tmp_path / "tauri.dev.conf.json", tmp_path / "tauri.mobile.conf.json")
    assert json.loads(desktop.read_text()) == desktop_overlay(project, endpoint=ENDPOINT, pubkey=PUBKEY)
    assert json.loads(mobile.read_text()) == mobile_overlay(endpoint=phone, pubkey=PUBKEY)
    assert sorted(path.name for path in tmp_path.glob("tauri*")) == [desktop.name, mobile.name], (
        "nothing temporary"
    )


def test_a_write_that_fails_leaves_the_former_file_whole(
    fixture_project: FixtureProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = fixture_project("json")
    desktop, _ = write_overlays(tmp_path, project, endpoint=ENDPOINT, pubkey=PUBKEY)
    before = desktop.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(HotswapError, match="can't be written: No space left on device") as caught:
        write_overlays(tmp_path, project, endpoint="http://127.0.0.1:4444/x", pubkey=PUBKEY)
    assert caught.value.code == "workspace-not-writable"
    assert desktop.read_bytes() == before
    monkeypatch.undo()
    write_overlays(tmp_path, project, endpoint=ENDPOINT, pubkey=PUBKEY)
    assert not list(tmp_path.glob("*.tmp")), "what the failed write left is gone after the next start"


def test_a_workspace_that_is_not_there_is_named(fixture_project: FixtureProject, tmp_path: Path) -> None:
    with pytest.raises(HotswapError, match="can't be written"):
        write_overlays(tmp_path / "gone", fixture_project("json"), endpoint=ENDPOINT, pubkey=PUBKEY)
