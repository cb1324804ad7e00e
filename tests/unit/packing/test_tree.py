from __future__ import annotations

import os
import socket
import stat
import sys
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest

from hotswap_dev.packing import tree
from hotswap_dev.packing.names import judge_names
from hotswap_dev.packing.tree import FolderMissing, Problem, Scan, scan, unchanged
from tests.unit.packing.trees import PAGE, grow

POSIX = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX file system")


def codes(found: Scan) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in found.problems]


def warned(found: Scan) -> list[tuple[str, str]]:
    return [(warning.code, warning.path) for warning in found.warnings]


def test_a_scan_has_every_file_in_the_order_of_paths(tmp_path: Path) -> None:
    grow(tmp_path, {"index.html": PAGE, "a/b.js": b"1", "a-b.js": b"22", "a/.x": b"", "ü.css": b"333"})
    found = scan(tmp_path)
    assert list(found.files) == ["a-b.js", "a/.x", "a/b.js", "index.html", "ü.css"]
    assert [stamp[0] for stamp in found.files.values()] == [2, 0, 1, len(PAGE), 3]
    assert (found.links, found.problems, found.warnings) == ({}, (), ())


def test_a_stamp_is_what_the_file_system_says(tmp_path: Path) -> None:
    grow(tmp_path, {"index.html": PAGE})
    look = os.stat(tmp_path / "index.html")
    stamp = (look.st_size, look.st_mtime_ns, look.st_ctime_ns, look.st_ino)
    assert scan(tmp_path).files == {"index.html": stamp}


def test_a_missing_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(FolderMissing) as missing:
        scan(tmp_path / "dist")
    assert str(tmp_path / "dist") in missing.value.message
    assert missing.value.hint


def test_a_file_is_no_root(tmp_path: Path) -> None:
    grow(tmp_path, {"dist": b""})
    with pytest.raises(FolderMissing):
        scan(tmp_path / "dist")


def test_a_root_that_goes_away_during_the_look_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(folder: str) -> None:
        raise FileNotFoundError(2, "No such file or directory", folder)

    monkeypatch.setattr(os, "scandir", gone)
    with pytest.raises(FolderMissing):
        scan(tmp_path)


def test_an_empty_folder_is_a_scan_without_files(tmp_path: Path) -> None:
    assert scan(tmp_path).files == {}


class TestTwoScans:
    def test_are_equal_when_nothing_changed(self, tmp_path: Path) -> None:
        grow(tmp_path, {"index.html": PAGE, "a/b.js": b"1"})
        assert unchanged(scan(tmp_path), scan(tmp_path))

    @pytest.mark.parametrize("change", ["write", "add", "remove", "rename", "touch", "replace"])
    def test_differ_after(self, tmp_path: Path, change: str) -> None:
        grow(tmp_path, {"index.html": PAGE, "a.js": b"1"})
        before = scan(tmp_path)
        file = tmp_path / "a.js"
        if change == "write":
            file.write_bytes(b"12")
        elif change == "add":
            (tmp_path / "b.js").touch()
        elif change == "remove":
            file.unlink()
        elif change == "rename":
            file.rename(tmp_path / "c.js")
        elif change == "touch":
            os.utime(file, ns=(1, 1))
        else:
            (tmp_path / "new").write_bytes(b"2")
            os.replace(tmp_path / "new", file)
        assert not unchanged(before, scan(tmp_path))

    @POSIX
    def test_E13_differ_when_size_and_mtime_were_restored(self, tmp_path: Path) -> None:
        grow(tmp_path, {"a.js": b"old"})
        os.utime(tmp_path / "a.js", ns=(1_000, 1_000))
        before = scan(tmp_path)
        while True:  # until the file clock has ticked
            (tmp_path / "a.js").write_bytes(b"new")
            os.utime(tmp_path / "a.js", ns=(1_000, 1_000))
            after = scan(tmp_path)
            if after.files["a.js"][2] != before.files["a.js"][2]:
                break
        assert after.files["a.js"][:2] == before.files["a.js"][:2]
        assert not unchanged(before, after)

    def test_differ_when_the_root_was_swapped_for_an_equal_one(self, tmp_path: Path) -> None:
        root = grow(tmp_path / "dist", {})
        before = scan(root)
        root.rename(tmp_path / "old")
        root.mkdir()
        assert not unchanged(before, scan(root))


@POSIX
class TestLinks:
    def test_B3_a_link_to_a_file_inside_counts_as_that_file(self, tmp_path: Path) -> None:
        grow(tmp_path, {"a/real.js": b"content"})
        (tmp_path / "link.js").symlink_to("a/real.js")
        (tmp_path / "a" / "again.js").symlink_to(tmp_path / "link.js")
        found = scan(tmp_path)
        assert found.links == {"a/again.js": "a/real.js", "link.js": "a/real.js"}
        assert found.files["link.js"] == found.files["a/again.js"] == found.files["a/real.js"]
        assert found.problems == ()

    def test_a_root_that_is_a_link_changes_nothing(self, tmp_path: Path) -> None:
        grow(tmp_path / "v1", {"a.js": b"1"})
        (tmp_path / "v1" / "b.js").symlink_to("a.js")
        (tmp_path / "dist").symlink_to("v1")
        found = scan(tmp_path / "dist")
        assert found.links == {"b.js": "a.js"}
        assert found.problems == ()

    @pytest.mark.parametrize(
        ("target", "code"),
        [
            ("../secret", "symlink-outside"),
            ("inner/../../secret", "symlink-outside"),
            ("/etc/hosts", "symlink-outside"),
            ("../folder", "symlink-outside"),
            ("../dist-too/x", "symlink-outside"),
            ("nowhere", "symlink-dangling"),
            ("../nowhere", "symlink-dangling"),
            ("link", "symlink-loop"),
            ("inner", "symlink-folder"),
            (".", "symlink-folder"),
            ("fifo", "symlink-special"),
        ],
    )
    def test_B3_any_other_link_is_a_problem_and_no_file(self, tmp_path: Path, target: str, code: str) -> None:
        grow(tmp_path, {"secret": b"s", "folder/x": b"s", "dist-too/x": b"s"})
        dist = grow(tmp_path / "dist", {"index.html": PAGE, "inner/x": b""})
        os.mkfifo(dist / "fifo")
        (dist / "link").symlink_to(target)
        found = scan(dist)
        assert codes(found) == [(code, "link")]
        assert list(found.files) == ["index.html", "inner/x"]

    def test_B3_a_loop_of_two_is_named_twice(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to("b")
        (tmp_path / "b").symlink_to("a")
        assert codes(scan(tmp_path)) == [("symlink-loop", "a"), ("symlink-loop", "b")]

    def test_B4_hard_links_are_files_like_others(self, tmp_path: Path) -> None:
        grow(tmp_path, {"a.js": b"1"})
        os.link(tmp_path / "a.js", tmp_path / "b.js")
        found = scan(tmp_path)
        assert list(found.files) == ["a.js", "b.js"]
        assert found.links == {}


@POSIX
@pytest.mark.timeout(10)
def test_B5_fifos_and_sockets_are_left_out_and_hold_nobody_up(tmp_path: Path) -> None:
    grow(tmp_path, {"index.html": PAGE})
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(tmp_path)  # a socket's path may have 108 bytes
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        found = scan(tmp_path)
    assert list(found.files) == ["index.html"]
    assert found.problems == ()


class TestWhatCantBeRead:
    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
    def test_B5_is_a_problem_that_names_it(self, tmp_path: Path) -> None:
        grow(tmp_path, {"index.html": PAGE, "a.js": b"1", "closed/b.js": b""})
        os.chmod(tmp_path / "a.js", 0)
        os.chmod(tmp_path / "closed", 0)
        try:
            assert codes(scan(tmp_path)) == [("unreadable", "a.js"), ("unreadable", "closed")]
        finally:
            os.chmod(tmp_path / "closed", 0o700)

    @POSIX
    def test_B5_is_found_by_mode_and_permission(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        grow(tmp_path, {"a.js": b"1", "b.js": b"2"})
        os.chmod(tmp_path / "a.js", 0)
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        assert codes(scan(tmp_path)) == [("unreadable", "a.js")]

    def test_B5_may_be_a_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        grow(tmp_path, {"index.html": PAGE, "closed/b.js": b""})
        look = os.scandir

        def refuse(folder: str) -> object:
            if folder.endswith("closed"):
                raise PermissionError(13, "Permission denied", folder)
            return look(folder)

        monkeypatch.setattr(os, "scandir", refuse)
        found = scan(tmp_path)
        assert found.problems == (Problem("unreadable", "closed", "Permission denied"),)
        assert list(found.files) == ["index.html"]


@POSIX
def test_what_goes_away_during_the_look_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path, {"index.html": PAGE, "a/x.js": b"", "b/y.js": b""})
    look = os.scandir

    def listed_then_gone(folder: str) -> object:
        entries = look(folder)
        if folder.endswith("/a"):
            os.unlink(tmp_path / "a" / "x.js")
            os.unlink(tmp_path / "b" / "y.js")
            os.rmdir(tmp_path / "b")
        return entries

    monkeypatch.setattr(os, "scandir", listed_then_gone)
    found = scan(tmp_path)
    assert "index.html" in found.files
    assert found.problems == ()


@POSIX
class TestNames:
    def test_B6_of_private_keys_are_refused(self, tmp_path: Path) -> None:
        names = ["dev.key", "a/ID_RSA", "id_ed25519", "x.p12", ".git", "release.keystore"]
        harmless = ["id_card.svg", "monkey.js", "key.js", ".gitignore", "digits.json"]
        grow(tmp_path, dict.fromkeys([*names, *harmless], b""))
        assert codes(scan(tmp_path)) == [("secret", name) for name in sorted(names)]

    def test_B6_of_a_git_folder_are_refused_and_not_listed(self, tmp_path: Path) -> None:
        grow(tmp_path, {"index.html": PAGE, ".git/config": b"", "sub/.GIT/HEAD": b""})
        found = scan(tmp_path)
        assert codes(found) == [("secret", ".git"), ("secret", "sub/.GIT")]
        assert list(found.files) == ["index.html"]

    def test_B6_that_often_mean_secrets_or_sources_are_warned_about_once_each(self, tmp_path: Path) -> None:
        grow(
            tmp_path, dict.fromkeys([".env", ".env.local", "a.js.map", "b.js.map", "tls.pem", "env.js"], b"")
        )
        found = scan(tmp_path)
        assert warned(found) == [("env-file", ".env"), ("pem-file", "tls.pem"), ("source-map", "a.js.map")]
        assert "2 such files" in found.warnings[2].detail
        assert found.problems == ()

    @pytest.mark.skipif(sys.platform == "darwin", reason="macOS holds no such name")
    def test_B7_that_are_no_utf8_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / os.fsdecode(b"caf\xe9.js")).touch()
        (tmp_path / os.fsdecode(b"d\xff")).mkdir()
        (tmp_path / os.fsdecode(b"d\xff") / "x.js").touch()
        found = scan(tmp_path)
        assert codes(found) == [("undecodable-name", "caf\\xe9.js"), ("undecodable-name", "d\\xff")]
        assert found.files == {}

    @pytest.mark.parametrize(
        "name",
        [
            "a:b.js",
            "a\\b.js",
            "what?.js",
            'q".js',
            "a\nb",
            "dot.",
            "space ",
            "end./x",
            "CON.js",
            "a/nul",
            "lpt1",
            "x" * 90 + "/" + "y" * 95,
        ],
    )
    def test_B7_that_windows_cant_hold_are_warned_about(self, tmp_path: Path, name: str) -> None:
        grow(tmp_path, {name: b""})
        found = scan(tmp_path)
        assert warned(found) == [("name-not-portable", name)]
        assert found.problems == ()

    @pytest.mark.parametrize(
        "name", ["console.js", "a.b", "common.css", ".hidden", "ünï.js", "comp1.js", "a b"]
    )
    def test_that_every_system_holds_are_fine(self, tmp_path: Path, name: str) -> None:
        grow(tmp_path, {name: b""})
        assert scan(tmp_path).warnings == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("App.js", "app.JS"),
        ("é.js", "e\u0301.js"),
        ("Ü/x", "ü/x"),
        ("STRASSE.js", "stra\u00dfe.js"),
    ],
)
def test_B7_names_that_are_one_file_elsewhere_are_a_problem(one: str, other: str) -> None:
    paths = tuple(sorted((one, other)))
    problems, _ = judge_names(paths)
    assert [(problem.code, problem.path) for problem in problems] == [("name-collision", paths[1])]
    assert paths[0] in problems[0].detail


def test_B7_a_file_and_a_folder_that_are_one_elsewhere_are_a_problem() -> None:
    problems, _ = judge_names(("Assets", "assets/a/b.js", "assets/c.js"))
    assert [(problem.code, problem.path) for problem in problems] == [("name-collision", "Assets")]


def test_folders_may_differ_in_case_when_their_files_do_not_meet() -> None:
    assert judge_names(("Assets/a.js", "assets/b.js")) == ((), ())


def test_equal_names_in_different_folders_do_not_collide() -> None:
    assert judge_names(("a/x.js", "b/x.js", unicodedata.normalize("NFD", "c/é.js"))) == ((), ())


@POSIX
def test_windows_way_of_looking_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(tmp_path, {"index.html": PAGE, "a/b.js": b"1"})
    (tmp_path / "link").symlink_to("a/b.js")
    found = scan(tmp_path)
    monkeypatch.setattr(tree, "os", SimpleNamespace(**{**vars(os), "name": "nt"}))
    assert scan(tmp_path) == found


@POSIX
def test_B3_a_windows_junction_is_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(tmp_path, {"outside/secret": b"s"})
    (grow(tmp_path / "dist", {}) / "junction").symlink_to(tmp_path / "outside")
    no_links = SimpleNamespace(**{**vars(stat), "S_ISLNK": lambda mode: False})
    monkeypatch.setattr(tree, "stat", no_links)
    monkeypatch.setattr(tree, "_is_junction", lambda look: look.st_mode & 0o170000 == 0o120000)
    assert codes(scan(tmp_path / "dist")) == [("symlink-outside", "junction")]
