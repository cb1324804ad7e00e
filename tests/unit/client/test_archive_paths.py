"""Which paths an archive may have: on Unix as Rust reads them there, on Windows as it reads them there."""

from __future__ import annotations

import ntpath
import posixpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hotswap_dev.client.updating.archive import Refused, safe


def judged(path: str, *, windows: bool) -> str:
    """What is said of a path; "" where it passes."""
    try:
        safe(path.encode(), windows=windows)
    except Refused as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(
    ("path", "on_unix", "on_windows"),
    [
        ("js/app.js", "", ""),
        ("./js/./app.js", "", ""),
        ("a..b/..c", "", ""),
        ("js\\app.js", "", ""),
        ("../evil", "unsafe path component", "unsafe path component"),
        ("js/../../evil", "unsafe path component", "unsafe path component"),
        ("..\\evil", "", "unsafe path component"),
        ("js\\..\\..\\evil", "", "unsafe path component"),
        ("js/..\\evil", "", "unsafe path component"),
        ("/evil", "absolute path", "unsafe path component"),
        ("\\evil", "", "unsafe path component"),
        ("C:\\evil", "", "absolute path"),
        ("c:/evil", "", "absolute path"),
        ("C:evil", "", "unsafe path component"),
        ("C:", "", "unsafe path component"),
        ("js/C:/evil", "", "unsafe path component"),
        ("\\\\server\\share\\evil", "", "absolute path"),
        ("//server/share/evil", "absolute path", "absolute path"),
        ("\\\\server", "", "unsafe path component"),
        ("\\\\?\\C:\\evil", "", "absolute path"),
        ("\\\\.\\NUL", "", "absolute path"),
        ("1:x", "", "unsafe path component"),
    ],
)
def test_a_path_is_judged_as_rust_reads_it_on_each_system(path: str, on_unix: str, on_windows: str) -> None:
    for said, windows in ((on_unix, False), (on_windows, True)):
        expected = f"extraction failed: {said} in archive: {path}" if said else ""
        assert judged(path, windows=windows) == expected


@given(st.text("aC:./\\?", max_size=12))
@example("a/C:\\a")
@example("a/\\a")
def test_what_passes_stays_in_its_folder_by_the_systems_own_rules(path: str) -> None:
    if not judged(path, windows=True):
        kept = safe(path.encode(), windows=True).decode()
        for joined in (ntpath.join("D:\\dest", kept), ntpath.join("D:\\dest", *kept.split("/"))):
            assert (ntpath.normpath(joined) + "\\").startswith("D:\\dest\\")
    if not judged(path, windows=False):
        assert (posixpath.normpath(posixpath.join("/dest", path)) + "/").startswith("/dest/")


def test_what_passes_is_the_same_path_with_slashes_where_backslashes_separate() -> None:
    assert safe(b"js\\lib/app.js", windows=True) == b"js/lib/app.js"
    assert safe(b"js\\lib/app.js", windows=False) == b"js\\lib/app.js"
