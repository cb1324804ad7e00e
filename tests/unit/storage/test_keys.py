"""The dev key's home: nothing in it is ever lost, half-written, overwritten, or readable by others."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.errors import HotswapError
from hotswap_dev.storage.keys import KeyHome, key_home, read_key_file, user_data_dir

posix_modes = pytest.mark.skipif(
    os.name == "nt", reason="Windows keeps a user's profile private by its own means"
)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"key.lock"}


def never() -> str:
    raise AssertionError("a key was made though there is one")


# Where


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, "/home/me/.local/share"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/home/me/.local/share"),
        ("linux", {"XDG_DATA_HOME": "", "APPDATA": "/no"}, "/home/me/.local/share"),
        ("darwin", {"XDG_DATA_HOME": "/no"}, "/home/me/Library/Application Support"),
        ("win32", {"APPDATA": "/roaming", "XDG_DATA_HOME": "/no"}, "/roaming"),
        ("win32", {}, "/home/me/AppData/Roaming"),
    ],
)
def test_the_data_folder_is_the_systems(platform: str, environ: dict[str, str], expected: str) -> None:
    assert user_data_dir(environ, Path("/home/me"), platform) == Path(expected)


def test_E7_a_user_without_a_home_is_told_so() -> None:
    with pytest.raises(HotswapError, match="no home folder") as caught:
        user_data_dir({}, None, "linux")
    assert caught.value.code == "no-home"
    assert user_data_dir({"XDG_DATA_HOME": "/data"}, None, "linux") == Path("/data")


def test_each_identifier_has_a_home_of_its_own() -> None:
    home = key_home("com.example.my-app", environ={}, home=Path("/home/me"), platform="linux")
    assert home.folder == Path("/home/me/.local/share/hotswap-dev/com.example.my-app")


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        ".",
        "..",
        "a/b",
        "../../etc",
        "/etc",
        "a\\b",
        "C:evil",
        "a\0b",
        "a\nb",
        " a",
        "a ",
        "a.",
        "NUL",
        "con.app",
        "a" * 201,
        "é" * 101,
        "\udcff",
    ],
)
def test_an_identifier_that_is_no_plain_folder_name_is_refused(identifier: str) -> None:
    with pytest.raises(HotswapError, match="can't name a folder") as caught:
        key_home(identifier, environ={}, home=Path("/home/me"), platform="linux")
    assert caught.value.code == "bad-identifier"
    assert caught.value.message.isprintable()


@given(st.text(max_size=40))
def test_whatever_the_identifier_the_home_is_directly_in_our_folder(identifier: str) -> None:
    try:
        folder = key_home(identifier, environ={}, home=Path("/home/me"), platform="linux").folder
    except HotswapError:
        return
    assert Path(os.path.normpath(folder)).parent == Path("/home/me/.local/share/hotswap-dev")


# Making


def test_there_is_no_key_before_one_is_made(home: KeyHome) -> None:
    assert home.read_key() is None
    assert not home.folder.exists()


@posix_modes
def test_E14_a_new_key_and_its_folders_are_for_this_user_alone(home: KeyHome, open_umask: None) -> None:
    made = home.read_or_make_key(lambda: "secret\n")
    assert (made.text, made.made, made.warning) == ("secret\n", True, None)
    assert mode_of(home.key_path) == 0o600
    for folder in (home.folder, home.folder.parent, home.folder.parent.parent):
        assert mode_of(folder) == 0o700


def test_a_key_that_is_there_is_read_and_none_is_made(home: KeyHome) -> None:
    home.read_or_make_key(lambda: "first\n")
    found = home.read_or_make_key(never)
    assert (found.text, found.made) == ("first\n", False)
    assert names_in(home.folder) == {"key"}


def test_of_many_who_start_at_once_one_makes_the_key_and_all_have_it(home: KeyHome) -> None:
    together = threading.Barrier(8)

    def start(number: int) -> tuple[str, bool]:
        together.wait(10)
        found = home.read_or_make_key(lambda: f"key of {number}\n")
        return found.text, found.made

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(start, range(8)))
    assert len({text for text, _ in results}) == 1
    assert sum(made for _, made in results) == 1


def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "a disk without hard links"])
def test_E14_a_file_that_is_there_is_never_overwritten(
    home: KeyHome, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        without_links(monkeypatch)
    home.folder.mkdir(parents=True)

    def make_while_another_program_writes_one() -> str:
        home.key_path.write_text("of another program\n")
        return "ours\n"

    with pytest.raises(HotswapError):
        home.read_or_make_key(make_while_another_program_writes_one)
    assert home.key_path.read_text() == "of another program\n"
    assert names_in(home.folder) == {"key"}


def test_a_disk_without_hard_links_holds_a_key_too(home: KeyHome, monkeypatch: pytest.MonkeyPatch) -> None:
    without_links(monkeypatch)
    home.read_or_make_key(lambda: "secret\n")
    assert home.read_or_make_key(never).text == "secret\n"
    assert names_in(home.folder) == {"key"}


@posix_modes
def test_a_link_that_leads_nowhere_is_said_and_not_written_through(home: KeyHome, tmp_path: Path) -> None:
    home.folder.mkdir(parents=True)
    home.key_path.symlink_to(tmp_path / "unmounted")
    with pytest.raises(HotswapError, match="link to a file that is not there"):
        home.read_or_make_key(lambda: "secret\n")
    assert not (tmp_path / "unmounted").exists()
    assert home.key_path.is_symlink()


# Replacing


def test_E14_a_replaced_key_stays_beside_the_new_one(home: KeyHome) -> None:
    assert home.replace_key("one\n") is None
    assert home.replace_key("two\n") == home.folder / "key.old-1"
    assert home.replace_key("three\n") == home.folder / "key.old-2"
    assert {path.name: path.read_text() for path in home.folder.glob("key*") if path.name != "key.lock"} == {
        "key": "three\n",
        "key.old-1": "one\n",
        "key.old-2": "two\n",
    }


@posix_modes
def test_E14_old_and_new_keys_are_for_this_user_alone(home: KeyHome, open_umask: None) -> None:
    home.replace_key("one\n")
    home.key_path.chmod(0o644)
    home.replace_key("two\n")
    assert mode_of(home.key_path) == mode_of(home.folder / "key.old-1") == 0o600


def test_the_same_key_again_changes_nothing(home: KeyHome) -> None:
    home.replace_key("one\n")
    assert home.replace_key("one\n") is None
    assert names_in(home.folder) == {"key"}


def test_going_back_and_forth_between_two_keys_keeps_each_once(home: KeyHome) -> None:
    for text in ("one\n", "two\n", "one\n", "two\n", "one\n"):
        home.replace_key(text)
    assert home.key_path.read_text() == "one\n"
    assert {path.read_text() for path in home.folder.glob("key.old-*")} == {"one\n", "two\n"}
    assert len(list(home.folder.glob("key.old-*"))) == 2


def test_a_name_of_the_persons_own_among_the_old_keys_is_left_alone(home: KeyHome) -> None:
    home.replace_key("one\n")
    (home.folder / "key.old-of-2024").write_text("mine\n")
    (home.folder / "key.old-7").write_text("mine too\n")
    assert home.replace_key("two\n") == home.folder / "key.old-8"
    assert (home.folder / "key.old-of-2024").read_text() == "mine\n"


# Reading


@posix_modes
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_E14_a_key_that_others_can_read_is_used_with_a_warning(home: KeyHome, mode: int) -> None:
    home.replace_key("secret\n")
    home.key_path.chmod(mode)
    found = home.read_or_make_key(never)
    assert found.text == "secret\n"
    assert found.warning is not None
    assert f"mode {mode:04o}" in found.warning
    assert f"chmod 600 {home.key_path}" in found.warning


@posix_modes
def test_E14_a_folder_that_anyone_can_write_is_warned_about(home: KeyHome) -> None:
    home.replace_key("secret\n")
    home.folder.chmod(0o777)
    found = home.read_or_make_key(never)
    assert found.warning is not None
    assert f"chmod 700 {home.folder}" in found.warning


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe\xfd", b"a\0b", b"x" * 70_000, bytes(range(256))])
def test_what_is_no_text_is_a_damaged_key_with_a_way_out(home: KeyHome, content: bytes) -> None:
    home.folder.mkdir(parents=True)
    home.key_path.write_bytes(content)
    with pytest.raises(HotswapError) as caught:
        home.read_or_make_key(never)
    assert caught.value.code == "key-damaged"
    assert str(home.key_path) in caught.value.message
    assert "hotswap-dev key import" in caught.value.hint
    assert home.key_path.read_bytes() == content


def test_a_key_that_cannot_be_opened_is_said(home: KeyHome, monkeypatch: pytest.MonkeyPatch) -> None:
    home.replace_key("secret\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(HotswapError, match="Permission denied") as caught:
        home.read_or_make_key(never)
    assert caught.value.code == "key-unreadable"


def test_a_folder_in_the_keys_place_is_said(home: KeyHome) -> None:
    home.key_path.mkdir(parents=True)
    with pytest.raises(HotswapError, match="it is a folder"):
        home.read_or_make_key(never)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_named_key_file_is_read_in_any_editors_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "my.key"
    path.write_text("untrusted comment: é\nRWQ", encoding=encoding)
    path.chmod(0o600)
    found = read_key_file(path)
    assert (found.text, found.warning) == ("untrusted comment: é\nRWQ", None)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd")
def test_a_pipe_is_a_key_file_too() -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"from a password store\n")
        os.close(writer)
        found = read_key_file(Path(f"/dev/fd/{reader}"))
    finally:
        os.close(reader)
    assert (found.text, found.warning) == ("from a password store\n", None)


def test_a_named_key_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(HotswapError, match="there is no key file") as caught:
        read_key_file(tmp_path / "gone.key")
    assert caught.value.code == "key-missing"


def test_a_stored_key_does_not_show_its_text(home: KeyHome) -> None:
    assert "secret" not in repr(home.read_or_make_key(lambda: "secret\n"))
