import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.packing.gate import Gate, Page, gate, inline_scripts, missing_references, read_page
from hotswap_dev.packing.tree import scan

MODULE = '<script type="module" src="/assets/main.js"></script>'


def judged(root: Path, files: dict[str, str | bytes]) -> Gate:
    for path, content in files.items():
        there = root / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content.encode() if isinstance(content, str) else content)
    return gate(scan(root))


def missing(html: str, *files: str) -> tuple[str, ...]:
    return missing_references(read_page(html), set(files))


def test_a_page_whose_references_are_all_there_opens_the_gate(tmp_path: Path) -> None:
    html = f'{MODULE}<link rel="stylesheet" href="./assets/main.css"><link rel=modulepreload href=/vendor.js>'
    found = judged(
        tmp_path, {"index.html": html, "assets/main.js": "", "assets/main.css": "", "vendor.js": ""}
    )
    assert found == Gate()
    assert found.is_open


def test_a_folder_without_a_page_is_closed(tmp_path: Path) -> None:
    assert judged(tmp_path, {"main.js": "", "sub/index.html": "<p>"}).code == "no-index"


def test_a_page_in_the_wrong_case_is_named(tmp_path: Path) -> None:
    found = judged(tmp_path, {"Index.HTML": "<p>"})
    if (tmp_path / "index.html").exists():
        pytest.skip("names are not case-sensitive here")
    assert (found.code, "Index.HTML is not it" in found.detail) == ("no-index", True)


@pytest.mark.parametrize("content", [b"", b" \r\n\t ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_a_page_with_nothing_in_it_is_closed(tmp_path: Path, content: bytes) -> None:
    assert judged(tmp_path, {"index.html": content}).code == "empty-index"


def test_a_missing_file_closes_the_gate_and_is_listed_as_the_page_writes_it(tmp_path: Path) -> None:
    html = f'{MODULE}<script src="there.js"></script><link rel="stylesheet" href="gone.css?v=1">'
    found = judged(tmp_path, {"index.html": html, "there.js": ""})
    assert found.code == "missing-reference"
    assert found.missing == ("/assets/main.js", "gone.css?v=1")
    assert found.detail == "index.html asks for /assets/main.js and 1 more, which is not there"


def test_a_page_that_goes_away_after_the_scan_is_no_page(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(MODULE)
    before = scan(tmp_path)
    (tmp_path / "index.html").unlink()
    assert gate(before).code == "no-index"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this file system")
def test_a_pipe_put_in_the_pages_place_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(MODULE)
    before = scan(tmp_path)
    (tmp_path / "index.html").unlink()
    os.mkfifo(tmp_path / "index.html")
    assert gate(before).code == "unreadable-index"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_page_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(MODULE)
    (tmp_path / "index.html").chmod(0)
    assert gate(scan(tmp_path)).code == "unreadable-index"


def test_a_folder_does_not_stand_for_a_file(tmp_path: Path) -> None:
    found = judged(tmp_path, {"index.html": '<script src="/main.js"></script>', "main.js/x": ""})
    assert found.missing == ("/main.js",)


@pytest.mark.parametrize(
    "reference",
    [
        "https://cdn.test/x.js",
        "HTTP://cdn.test/x.js",
        "//cdn.test/x.js",
        "data:text/css,p{}",
        "blob:https://x/1",
        "tauri://localhost/x.js",
        "http://[broken",
    ],
)
def test_what_another_origin_serves_is_not_waited_for(reference: str) -> None:
    assert missing(f'<script src="{reference}"></script>') == ()


@pytest.mark.parametrize(
    ("reference", "file"),
    [
        ("main.js", "main.js"),
        ("./main.js", "main.js"),
        ("/main.js", "main.js"),
        ("/main.js?v=3", "main.js"),
        ("/main.js#top", "main.js"),
        ("a/../main.js", "main.js"),
        ("../main.js", "main.js"),
        (" /main.js\n", "main.js"),
        ("/with%20blank.js", "with blank.js"),
        ("/%C3%BCber.js", "über.js"),
        ("/über.js", "über.js"),
        ("/a&amp;b.js", "a&b.js"),
        ("/100%25.js", "100%.js"),
    ],
)
def test_a_reference_means_the_file_that_a_browser_would_ask_for(reference: str, file: str) -> None:
    assert missing(f'<script src="{reference}"></script>', file) == ()
    assert missing(f'<script src="{reference}"></script>', "other.js") == (
        reference.strip().replace("&amp;", "&"),
    )


def test_names_are_compared_case_sensitively() -> None:
    assert missing('<script src="/Main.js"></script>', "main.js") == ("/Main.js",)


def test_the_base_path_of_a_build_is_taken_off() -> None:
    html = '<script src="/app/assets/a.js"></script><link rel=stylesheet href=/app/assets/a.css>'
    assert missing(html, "assets/a.js", "assets/a.css") == ()
    assert missing(html, "assets/a.js") == ("/app/assets/a.css",)


def test_a_base_path_of_several_folders_is_taken_off() -> None:
    assert missing('<script src="/my/app/a.js"></script>', "a.js") == ()


def test_a_folder_that_exists_is_no_base_path() -> None:
    # An old main.js at the top must not pass for the one that is still to be written.
    html = '<script src="/assets/main.js"></script>'
    assert missing(html, "main.js", "assets/old.css") == ("/assets/main.js",)


def test_a_relative_reference_has_no_base_path() -> None:
    assert missing('<script src="assets/main.js"></script>', "main.js") == ("assets/main.js",)


def test_references_that_differ_in_their_first_folder_have_no_base_path() -> None:
    html = '<script src="/app/a.js"></script><script src="/lib/b.js"></script>'
    assert missing(html, "a.js", "b.js") == ("/app/a.js", "/lib/b.js")


def test_a_base_element_moves_relative_references() -> None:
    html = '<base href="/app/"><script src="a.js"></script>'
    assert missing(html, "app/a.js") == ()
    assert missing(html, "a.js") == ()
    assert missing('<base href="./"><script src="a.js"></script>', "a.js") == ()
    assert missing('<base href="https://cdn.test/"><script src="a.js"></script>') == ()


def test_only_the_first_base_element_counts() -> None:
    assert missing('<base href="/"><base href="https://cdn.test/"><script src="a.js"></script>') == ("a.js",)


@pytest.mark.parametrize(
    "html",
    [
        '<link rel="icon" href="/gone.ico">',
        '<link rel="preload" href="/gone.woff2" as="font">',
        '<img src="/gone.png">',
        '<!-- <script src="/gone.js"></script> -->',
        '<script>document.write("<script src=/gone.js>")</script>',
        '<style>/* <link rel="stylesheet" href="/gone.css"> */</style>',
        "<title><script src=/gone.js></script></title>",
        '<script src=""></script>',
        "<script src></script>",
    ],
)
def test_what_a_page_can_start_without_is_not_waited_for(html: str) -> None:
    assert missing(html) == ()


@pytest.mark.parametrize(
    "html",
    [
        "<script src=/a.js>",
        "<SCRIPT SRC='/a.js'></SCRIPT>",
        "<script\n  defer\n  src = /a.js ></script>",
        "<![if IE]><script src=/a.js></script><![endif]>",
        "<!DOCTYPE html [<!ELEMENT p><script src=/a.js></script>",
        "<!-->--><script src=/a.js></script>",
        "<? php ?><script src=/a.js></script>",
        '<a title="<script src=/b.js>"><script src=/a.js src=/b.js></script>',
        "</p/><script/src=/a.js></script>",
        "<script =x src=/a.js></script>",
        '<link rel="alternate StyleSheet" href="/a.js">',
        "<noscript><link rel=stylesheet href=/a.js></noscript>",
    ],
)
def test_broken_markup_is_read_as_browsers_read_it(html: str) -> None:
    assert read_page(html).references == ("/a.js",)


@pytest.mark.parametrize(
    "html",
    [
        '<script src="/a.js"',
        '<p title="<script src=/a.js></script>',
        "<!-- <script src=/a.js></script>",
        "<script src=",
    ],
)
def test_a_tag_that_never_ends_is_none(html: str) -> None:
    assert read_page(html) == Page()


PIECES = [
    *"<>!-/=\"'[]?& \n",
    "script",
    "link",
    "src",
    "base",
    "href",
    "é",
    "<script src=",
    "<!--",
    "http://[",
]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_page_breaks_the_reader(html: str) -> None:
    assert isinstance(read_page(html), Page)
    missing_references(read_page(html), {"index.html"})


@given(st.binary())
def test_no_bytes_break_the_gate(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    root = tmp_path_factory.mktemp("dist")
    assert judged(root, {"index.html": content}).code in {"", "empty-index", "missing-reference"}


@pytest.mark.parametrize("opening", ["<", "<a ", "<!--", '<a b="', "<script>", "<script src='x", "</"])
def test_a_page_that_never_closes_what_it_opens_is_read_in_linear_time(opening: str) -> None:
    read_page(opening * 200_000)  # quadratic would be hours


@pytest.mark.parametrize(
    ("content", "file"),
    [
        ('<meta charset="iso-8859-1"><script src="/é.js"></script>'.encode("iso-8859-1"), "é.js"),
        ('<script src="/é.js"></script>'.encode("windows-1252"), "é.js"),
        ('<meta charset="no-such-thing"><script src="/é.js"></script>'.encode("windows-1252"), "é.js"),
        ('<meta charset="shift_jis"><script src="/あ.js"></script>'.encode("shift_jis"), "あ.js"),
        ("\ufeff<script src=/é.js></script>".encode("utf-16-le"), "é.js"),
        ("\ufeff<script src=/é.js></script>".encode("utf-16-be"), "é.js"),
        ("\ufeff<script src=/é.js></script>".encode(), "é.js"),
    ],
)
def test_a_page_in_another_encoding_is_read(tmp_path: Path, content: bytes, file: str) -> None:
    assert judged(tmp_path, {"index.html": content, "other.js": ""}).code == "missing-reference"
    assert judged(tmp_path, {"index.html": content, file: ""}).is_open


def test_scripts_that_a_content_security_policy_stops_are_counted(tmp_path: Path) -> None:
    html = (
        "<script>run()</script><script type=module>run()</script><script type='text/javascript'>run()</script>"
        '<script type="importmap">{}</script>'
        '<script type="application/ld+json">{}</script><script type="text/template"><p></script>'
        "<script> </script><script src=/a.js>fallback()</script>"
    )
    assert inline_scripts(html) == 4
    assert judged(tmp_path, {"index.html": html, "a.js": ""}) == Gate(inline_scripts=4)
