"""Where a demo lies: one temporary folder, and nothing of it is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hotswap_dev.cli.demo.place import APP_VERSION, PREFIX, clean, sweep, temporary_place, way_on
from hotswap_dev.errors import HotswapError


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def grow_old(folder: Path) -> None:
    then = time.time() - 10
    os.utime(folder, (then, then))


def test_a_demo_has_a_first_build_to_serve_and_leaves_nothing(temporary: Path) -> None:
    with temporary_place() as place:
        assert (place.dist / "index.html").is_file()
        place.workspace.mkdir()
        (place.workspace / "state.db").write_bytes(b"x")

    assert list(temporary.iterdir()) == []


def test_a_demo_that_ends_by_an_error_leaves_nothing_either(temporary: Path) -> None:
    with pytest.raises(ZeroDivisionError), temporary_place():
        raise ZeroDivisionError

    assert list(temporary.iterdir()) == []


def test_what_is_to_be_kept_stays_and_is_nobodys_to_sweep(temporary: Path) -> None:
    with temporary_place(keep=True) as place:
        pass
    grow_old(place.folder)
    sweep(temporary)

    assert (place.dist / "index.html").is_file()
    assert way_on(place) == f"hotswap-dev {place.dist} --project {place.project} --app-version {APP_VERSION}"


def test_what_a_killed_demo_left_is_taken_away_by_the_next_one(temporary: Path) -> None:
    leave = (
        "import os\nfrom hotswap_dev.cli.demo.place import temporary_place\n"
        "with temporary_place() as place:\n    print(place.folder, flush=True)\n    os._exit(9)\n"
    )
    left = subprocess.run(
        [sys.executable, "-c", leave],
        env={**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    (folder,) = temporary.iterdir()
    assert str(folder) == left.stdout.strip()

    with temporary_place():
        assert folder.is_dir()  # it is young: somebody may be making it
    grow_old(folder)
    with temporary_place():
        assert not folder.exists()


def test_a_demo_that_runs_is_never_swept_however_old_it_is(temporary: Path) -> None:
    with temporary_place() as place:
        grow_old(place.folder)
        sweep(temporary)

        assert (place.dist / "index.html").is_file()


def test_a_folder_that_is_no_demo_is_left_alone(temporary: Path) -> None:
    other = temporary / f"{PREFIX}mine"
    other.mkdir()
    grow_old(other)
    sweep(temporary)

    assert other.is_dir()


def test_where_nothing_can_be_written_that_is_said_with_the_way_out(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(temporary / "gone"))

    with pytest.raises(HotswapError) as refused, temporary_place():
        pass
    assert "TMPDIR" in refused.value.hint


def test_a_demos_server_hears_nothing_of_what_was_set_for_another() -> None:
    environ = {"HOTSWAP_DEV_KEY": "k", "TAURI_SIGNING_PRIVATE_KEY": "s", "TAURI_CONFIG": "{}", "PATH": "/bin"}

    assert clean(environ) == {"PATH": "/bin"}
