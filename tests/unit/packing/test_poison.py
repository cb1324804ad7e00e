"""Bundles that are bad in one thing, right in all others, and validly signed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.faults.bundle import (
    AbsolutePath,
    BlankPage,
    BundleFault,
    CrashOnLoad,
    NoIndex,
    NotGzip,
    PathTraversal,
    SecondGzipMember,
    Symlinks,
)
from hotswap_dev.domain.model import Format
from hotswap_dev.packing.gate import missing_references, read_page
from hotswap_dev.packing.poison import CRASHING_SCRIPT, make_poisoned
from hotswap_dev.packing.signing import verify
from hotswap_dev.storage.bundles import BundleStore
from tests.unit.packing.poisoned import FAULTS, TREE, entries, members, packed, poisoned, regular_files
from tests.unit.packing.signatures import AT, KEY
from tests.unit.packing.trees import grown, only_member


@pytest.fixture(autouse=True, scope="module")
def _a_disk_that_is_quick() -> Iterator[None]:
    """That a bundle is on disk when it is offered is `output`'s promise; a hundred of them would wait for seconds."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: None)
        yield


each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
unix_names = pytest.mark.skipif(os.name == "nt", reason="the tools are not Windows'")
OTHERS = {path: content for path, content in TREE.items() if path != "index.html"}


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def unpacked_by(program: str, archive: Path, into: Path) -> subprocess.CompletedProcess[bytes]:
    into.mkdir()
    return subprocess.run([needs(program), "xzf", archive, "-C", into], capture_output=True, check=False)


# What every one of them is


def test_every_bundle_fault_of_the_catalogue_is_tested_here() -> None:
    assert {fault.name for fault in FAULTS} == {
        name for name, kind in every_fault().items() if kind.stage == "bundle"
    }
    assert len(FAULTS) == 8


@each_fault
def test_a_client_finds_the_signature_right(fault: BundleFault, tmp_path: Path) -> None:
    made = poisoned(fault, tmp_path)

    verify(made.path, made.bundle.signature, KEY.public_key)
    assert made.bundle.key_id == KEY.key_id


@each_fault
def test_its_bundle_says_what_lies_on_disk_and_differs_from_the_healthy_one(
    fault: BundleFault, tmp_path: Path
) -> None:
    healthy, bundle = packed(tmp_path)
    made = make_poisoned(fault, healthy, bundle, KEY, healthy.parent, at=AT)
    content = made.path.read_bytes()

    assert made.bundle.hash == hashlib.sha256(content).hexdigest()
    assert (made.bundle.size, made.bundle.format) == (len(content), "tar.gz")
    assert made.bundle.files == len(made.list.files)
    assert made.bundle.hash != bundle.hash
    assert made.bundle.tree != bundle.tree, "or it would pass for the build that was published already"
    assert hashlib.sha256(healthy.read_bytes()).hexdigest() == bundle.hash, "the healthy one stays as it is"


@each_fault
def test_the_list_beside_it_is_what_a_client_finds_in_it_by_content_and_in_the_order_of_paths(
    fault: BundleFault, tmp_path: Path
) -> None:
    made = poisoned(fault, tmp_path)
    stream = b"" if isinstance(fault, NotGzip) else members(made.path.read_bytes())[0]
    found = regular_files(stream) if stream else {}

    assert list(made.list.files) == sorted(
        (path, len(content), hashlib.sha256(content).digest()) for path, content in found.items()
    )


@each_fault
def test_a_person_who_looks_at_the_release_reads_which_fault_it_is(
    fault: BundleFault, tmp_path: Path
) -> None:
    warnings = poisoned(fault, tmp_path).list.warnings

    assert warnings is not None
    assert [warning.code for warning in warnings] == [fault.name]
    assert fault.summary in warnings[0].detail


@each_fault
def test_the_store_keeps_it_like_any_bundle(fault: BundleFault, tmp_path: Path) -> None:
    made = poisoned(fault, tmp_path)
    store = BundleStore(made.path.parent)
    content = made.path.read_bytes()

    kept = store.keep(made.path, made.bundle, wire.encode(made.list))

    assert kept.read_bytes() == content
    assert store.file_list(made.bundle.hash) == wire.encode(made.list)
    assert store.sweep({made.bundle.hash}) != [], (
        "the healthy one's temporary file; this one is no longer one"
    )
    assert kept.exists()


@each_fault
def test_B9_a_zip_and_a_tar_gz_of_the_same_files_give_the_same_bytes_each_time(
    fault: BundleFault, tmp_path: Path
) -> None:
    formats: list[Format] = ["tar.gz", "zip", "tar.gz"]
    made = [poisoned(fault, tmp_path, TREE, form) for form in formats]

    assert len({one.path.read_bytes() for one in made}) == 1
    assert len({one.bundle for one in made}) == 1


# Each fault, by decoders that others wrote


EVIL = [(PathTraversal(), "../evil"), (AbsolutePath(), "/tmp/evil")]


@pytest.mark.parametrize(("fault", "path"), EVIL)
def test_the_evil_entry_stands_behind_the_whole_healthy_page(
    fault: BundleFault, path: str, tmp_path: Path
) -> None:
    stream = only_member(poisoned(fault, tmp_path).path.read_bytes())

    *healthy, evil = regular_files(stream).items()
    assert dict(healthy) == TREE
    assert evil[0] == path
    assert b"on purpose" in evil[1]
    assert {entry.mtime for entry in entries(stream)} == {0}


@unix_names
@pytest.mark.parametrize("program", ["tar", "bsdtar"])
@pytest.mark.parametrize(("fault", "path"), EVIL)
def test_tar_programs_see_the_evil_entry_by_its_name(
    fault: BundleFault, path: str, program: str, tmp_path: Path
) -> None:
    made = poisoned(fault, tmp_path)

    done = subprocess.run([needs(program), "tzPf", made.path], capture_output=True, check=True, text=True)

    assert done.stdout.splitlines()[-1] == path
    assert len(done.stdout.splitlines()) == len(TREE) + 1


@unix_names
@pytest.mark.parametrize("program", ["tar", "bsdtar"])
@pytest.mark.parametrize(("fault", "path"), EVIL)
def test_a_careful_tar_program_writes_nothing_outside_its_folder(
    fault: BundleFault, path: str, program: str, tmp_path: Path
) -> None:
    made = poisoned(fault, tmp_path)
    outside = Path("/tmp/evil")
    there = outside.exists()

    said = unpacked_by(program, made.path, tmp_path / "x")

    assert said.stderr, "it speaks of it"
    assert not (tmp_path / "evil").exists()
    assert outside.exists() == there
    assert TREE.items() <= grown(tmp_path / "x").items()


def test_an_archive_that_is_no_gzip_is_the_same_tree_in_zlibs_wrapping(tmp_path: Path) -> None:
    content = poisoned(NotGzip(), tmp_path).path.read_bytes()

    assert content[:2] != b"\x1f\x8b"
    assert regular_files(zlib.decompress(content)) == TREE
    with pytest.raises(zlib.error):
        zlib.decompress(content, 31)


def test_an_archive_that_is_no_gzip_is_about_as_large_as_the_healthy_one(tmp_path: Path) -> None:
    healthy, bundle = packed(tmp_path, {**TREE, "words.js": b"const words = 1;\n" * 100_000})
    made = make_poisoned(NotGzip(), healthy, bundle, KEY, healthy.parent, at=AT)

    assert made.bundle.size < 2 * bundle.size, "or a large one would fail for its size, and not for this"


def test_only_index_html_stands_in_the_first_member_and_all_others_in_the_second(tmp_path: Path) -> None:
    first, second = members(poisoned(SecondGzipMember(), tmp_path).path.read_bytes())

    assert regular_files(first) == {"index.html": TREE["index.html"]}
    assert regular_files(second) == OTHERS


@unix_names
@pytest.mark.parametrize("program", ["tar", "bsdtar"])
def test_a_tar_program_unpacks_both_members_so_that_nothing_seems_wrong(program: str, tmp_path: Path) -> None:
    made = poisoned(SecondGzipMember(), tmp_path)

    said = unpacked_by(program, made.path, tmp_path / "x")

    assert (said.returncode, said.stderr) == (0, b"")
    assert grown(tmp_path / "x") == TREE


def test_all_files_but_index_html_are_links(tmp_path: Path) -> None:
    stream = only_member(poisoned(Symlinks(), tmp_path).path.read_bytes())

    assert {entry.name: entry.type for entry in entries(stream)} == {
        path: tarfile.REGTYPE if path == "index.html" else tarfile.SYMTYPE for path in TREE
    }
    assert regular_files(stream) == {"index.html": TREE["index.html"]}


@unix_names
@pytest.mark.parametrize("program", ["tar", "bsdtar"])
def test_a_tar_program_makes_links_that_stay_in_the_folder_and_lead_somewhere(
    program: str, tmp_path: Path
) -> None:
    deep = "/".join("d" * 40) + "/x.js"
    made = poisoned(Symlinks(), tmp_path, {**TREE, deep: b"its link is longer than 100 bytes"})

    assert unpacked_by(program, made.path, tmp_path / "x").returncode == 0

    links = [path for path in (tmp_path / "x").rglob("*") if path.is_symlink()]
    assert len(links) == len(TREE)
    assert {path.resolve(strict=True) for path in links} == {(tmp_path / "x" / "index.html").resolve()}


def test_a_bundle_without_index_html_has_all_the_others(tmp_path: Path) -> None:
    stream = only_member(poisoned(NoIndex(), tmp_path).path.read_bytes())

    assert regular_files(stream) == OTHERS


def test_a_bundle_of_nothing_but_index_html_becomes_an_empty_archive_without_it(tmp_path: Path) -> None:
    made = poisoned(NoIndex(), tmp_path, {"index.html": b"alone"})

    assert only_member(made.path.read_bytes()) == bytes(1024)
    assert made.list.files == ()


def test_a_blank_page_keeps_the_files_asks_for_none_and_runs_nothing(tmp_path: Path) -> None:
    found = regular_files(only_member(poisoned(BlankPage(), tmp_path).path.read_bytes()))
    html = found.pop("index.html").decode()
    page = read_page(html)

    assert found == OTHERS
    assert (page.references, page.inline_scripts) == ((), 0)
    assert html.rstrip().endswith("<body></body>\n</html>"), "it shows nothing"
    assert "blank-page" in html, "who looks at its source learns why"


def test_a_page_that_crashes_says_so_and_starts_with_nothing_but_the_script_that_throws(
    tmp_path: Path,
) -> None:
    found = regular_files(only_member(poisoned(CrashOnLoad(), tmp_path).path.read_bytes()))
    html = found["index.html"].decode()
    page = read_page(html)

    assert OTHERS.items() <= found.items()
    assert found.keys() == TREE.keys() | {CRASHING_SCRIPT}
    assert "This page crashed on purpose" in html
    assert page.references == (f"/{CRASHING_SCRIPT}",)
    assert page.inline_scripts == 0, "with a CSP none would run"
    assert missing_references(page, found.keys()) == ()


def test_the_script_of_a_page_that_crashes_throws_when_it_is_run(tmp_path: Path) -> None:
    found = regular_files(only_member(poisoned(CrashOnLoad(), tmp_path).path.read_bytes()))
    (tmp_path / "crash.js").write_bytes(found[CRASHING_SCRIPT])

    done = subprocess.run([needs("node"), tmp_path / "crash.js"], capture_output=True, check=False, text=True)

    assert done.returncode == 1
    assert "Error: crash-on-load: hotswap-dev made this page crash" in done.stderr


def test_a_healthy_file_of_the_throwing_scripts_name_makes_room_for_it(tmp_path: Path) -> None:
    made = poisoned(CrashOnLoad(), tmp_path, {**TREE, CRASHING_SCRIPT: b"notifyReady()"})

    found = regular_files(only_member(made.path.read_bytes()))

    assert b"notifyReady()" not in found[CRASHING_SCRIPT].splitlines()
    assert found[CRASHING_SCRIPT].splitlines()[1].startswith(b"throw new Error(")


# Laws

NAMES = st.text("abcdefgh0-_ .é日", min_size=1, max_size=60).filter(lambda name: name.strip(". ") == name)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@st.composite
def trees(draw: st.DrawFn) -> dict[str, bytes]:
    paths = draw(st.lists(PATHS, min_size=1, max_size=8, unique_by=str.lower))
    kept: dict[str, bytes] = {"index.html": draw(st.binary(min_size=1, max_size=2000))}
    for path in paths:
        above = {path[:at] for at, letter in enumerate(path) if letter == "/"}
        if not above & kept.keys() and not any(other.startswith(f"{path}/") for other in kept):
            kept[path] = draw(st.binary(max_size=3000))
    return kept


@unix_names
@settings(max_examples=60, deadline=None)
@given(tree=trees(), fault=st.sampled_from(FAULTS), format=st.sampled_from(["tar.gz", "zip"]))
def test_whatever_the_tree_no_other_file_is_touched(
    tmp_path_factory: pytest.TempPathFactory,
    tree: dict[str, bytes],
    fault: BundleFault,
    format: Format,  # noqa: A002
) -> None:
    made = poisoned(fault, tmp_path_factory.mktemp("any"), tree, format)
    content = made.path.read_bytes()

    streams = [zlib.decompress(content)] if isinstance(fault, NotGzip) else members(content)
    found = {path: data for stream in streams for path, data in regular_files(stream).items()}
    links = {entry.name for stream in streams for entry in entries(stream) if entry.issym()}
    changed = {path for path in tree.keys() | found.keys() if tree.get(path) != found.get(path)}

    allowed: dict[type[BundleFault], set[str]] = {
        PathTraversal: {"../evil"},
        AbsolutePath: {"/tmp/evil"},
        NoIndex: {"index.html"},
        BlankPage: {"index.html"},
        CrashOnLoad: {"index.html", CRASHING_SCRIPT},
        Symlinks: tree.keys() - {"index.html"},
    }
    assert changed == allowed.get(type(fault), set())
    assert links == (changed if isinstance(fault, Symlinks) else set())
    verify(made.path, made.bundle.signature, KEY.public_key)
