"""Where a setting comes from, and what is said of one that can't be meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.errors import HotswapError, UsageError
from hotswap_dev.settings import SETTINGS, Settings, demand_workspace_outside, resolve, server_options
from hotswap_dev.storage.keys import KeyHome


@pytest.fixture
def app(tmp_path: Path) -> Path:
    source = tmp_path / "app" / "src-tauri"
    source.mkdir(parents=True)
    (source / "tauri.conf.json").write_text(
        json.dumps(
            {
                "version": "0.4.1",
                "identifier": "com.example.app",
                "build": {"frontendDist": "../dist"},
                "plugins": {"hotswap": {"channel": "beta"}},
            }
        )
    )
    return tmp_path / "app"


def settled(
    here: Path, *, flags: dict[str, Any] | None = None, environ: dict[str, str] | None = None
) -> Settings:
    return resolve(flags or {}, environ=environ or {}, here=here)


def test_in_a_tauri_project_nothing_needs_to_be_said(app: Path) -> None:
    settings = settled(app)

    assert settings.dist == app / "dist"
    assert settings.workspace == app / ".hotswap-dev"
    assert (settings.app_version, settings.channel) == ("0.4.1", "beta")
    assert settings.sources["app_version"] == "src-tauri/tauri.conf.json"
    assert settings.sources["channel"] == "plugins.hotswap.channel"
    assert settings.sources["dist"] == "build.frontendDist"
    assert settings.sources["port"] == "default"
    assert (settings.host, settings.port) == ("127.0.0.1", 3333)


def test_outside_a_project_there_are_defaults_and_no_folder(tmp_path: Path) -> None:
    settings = settled(tmp_path)

    assert settings.project is None
    assert settings.dist is None
    assert (settings.app_version, settings.channel) == ("0.1.0", "production")
    assert settings.workspace == tmp_path.resolve() / ".hotswap-dev"


def test_a_flag_outdoes_a_variable_that_the_file_and_that_the_tauri_config(app: Path) -> None:
    def channel(**given: Any) -> tuple[str, str]:
        settings = settled(app, **given)
        return settings.channel, settings.sources["channel"]

    assert channel() == ("beta", "plugins.hotswap.channel")
    (app / "hotswap-dev.toml").write_text('channel = "from-file"')
    assert channel() == ("from-file", "hotswap-dev.toml")
    environ = {"HOTSWAP_DEV_CHANNEL": "from-variable"}
    assert channel(environ=environ) == ("from-variable", "HOTSWAP_DEV_CHANNEL")
    assert channel(environ=environ, flags={"channel": "typed"}) == ("typed", "--channel")


def test_relative_paths_start_where_they_were_written(app: Path, tmp_path: Path) -> None:
    (app / "hotswap-dev.toml").write_text('dist = "build"\nworkspace = "state"')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    from_file = settled(elsewhere, flags={"project": "../app"})
    typed = settled(elsewhere, flags={"project": "../app", "dist": "out"})

    assert (from_file.dist, from_file.workspace) == (app / "build", app / "state")
    assert typed.dist == elsewhere / "out"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HOTSWAP_DEV_PORT", "70000", "a whole number from 0 to 65535"),
        ("HOTSWAP_DEV_PORT", "1_000", "a whole number"),
        ("HOTSWAP_DEV_APP_VERSION", "1.0", "a semantic version"),
        ("HOTSWAP_DEV_MIN_BINARY_VERSION", "latest", "same-as-client"),
        ("HOTSWAP_DEV_CHANNEL", "a b", "letters, digits"),
        ("HOTSWAP_DEV_FORMAT", "rar", "tar.gz or zip"),
        ("HOTSWAP_DEV_PUBLIC_URL", "ota.example.test", "an address such as"),
        ("HOTSWAP_DEV_AUTO_PORT", "maybe", "on or off"),
        ("HOTSWAP_DEV_SEQUENCE_FLOOR", str(2**64 - 1), "a whole number from 0 to"),
    ],
)
def test_a_bad_value_names_its_source_the_value_and_what_is_expected(
    tmp_path: Path, variable: str, value: str, said: str
) -> None:
    with pytest.raises(UsageError) as raised:
        settled(tmp_path, environ={variable: value})

    assert variable in raised.value.message
    assert repr(value) in raised.value.message
    assert said in raised.value.hint


def test_a_bad_value_in_the_file_names_the_file_and_the_line(app: Path) -> None:
    (app / "hotswap-dev.toml").write_text("port = true")

    with pytest.raises(UsageError, match=r"port in hotswap-dev\.toml is True"):
        settled(app)


def test_an_unknown_setting_gets_the_nearest_known_one(app: Path) -> None:
    (app / "hotswap-dev.toml").write_text('chanel = "beta"')

    with pytest.raises(UsageError) as raised:
        settled(app)

    assert "'chanel'" in raised.value.message
    assert raised.value.hint == "did you mean channel?"


def test_a_broken_settings_file_names_the_place(app: Path) -> None:
    (app / "hotswap-dev.toml").write_text("port = =")

    with pytest.raises(HotswapError, match=r"hotswap-dev\.toml can't be read: .*line 1"):
        settled(app)


def test_a_project_that_is_no_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'nowhere' is no folder"):
        settled(tmp_path, flags={"project": "nowhere"})


def test_every_setting_has_a_flag_a_variable_and_a_place_in_the_result() -> None:
    fields = set(Settings.__slots__)
    for setting in SETTINGS:
        assert setting.key in fields
        assert setting.variable == f"HOTSWAP_DEV_{setting.key.upper()}"
        assert setting.help


def test_the_first_sequence_is_above_all_that_anyone_knows(app: Path, tmp_path: Path) -> None:
    """Design 5: the floor that was given, the plugin's folder of the overlay's identifier, the key's own mark."""
    home = KeyHome(tmp_path / "key")
    home.raise_high_water(7)
    device = tmp_path / "data" / "com.example.app.hotswapdev" / "hotswap"
    (device / "seq-12").mkdir(parents=True)
    (device / "current").write_text("seq-12")
    environ = {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "HOTSWAP_DEV_SEQUENCE_FLOOR": "9",
    }

    options = server_options(settled(app, environ=environ), environ=environ, home=home)

    assert sorted(floor for floor, _ in options.engine.floors) == [7, 9, 12]


@pytest.mark.parametrize(
    ("flags", "environ", "kept"),
    [
        ({}, {}, False),
        ({"keep_overrides": True}, {}, True),
        ({}, {"HOTSWAP_DEV_KEEP_OVERRIDES": "on"}, True),
    ],
)
def test_overrides_end_with_the_run_unless_they_are_to_be_kept(
    tmp_path: Path, flags: dict[str, Any], environ: dict[str, str], kept: bool
) -> None:
    settings = settled(tmp_path, flags=flags, environ=environ)

    options = server_options(settings, environ={}, home=KeyHome(tmp_path / "key"))

    assert options.engine.keep_overrides is kept


def test_a_public_url_loses_its_last_slash(tmp_path: Path) -> None:
    assert (
        settled(tmp_path, flags={"public_url": "https://ota.example.test/"}).public_url
        == "https://ota.example.test"
    )


def test_a_workspace_inside_the_watched_folder_is_refused(app: Path) -> None:
    (app / "dist").mkdir()
    settings = settled(app, flags={"workspace": "dist/state"})
    assert settings.dist is not None

    with pytest.raises(HotswapError, match="lies in the watched folder"):
        demand_workspace_outside(settings.dist, settings.workspace)
