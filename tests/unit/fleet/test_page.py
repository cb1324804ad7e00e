"""Which pages start, told by what they are made of."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hotswap_dev.client.updating.bundles import Bundles
from hotswap_dev.domain.faults.bundle import BundleFault
from hotswap_dev.domain.faults.reactions import reaction
from hotswap_dev.fleet.page import CRASHES, starts
from tests.unit.packing.poisoned import FAULTS, poisoned

SAMPLES = Path(__file__).parents[3] / "sample_bundles"


def page(html: str, *others: str) -> dict[str, bytes]:
    return {"index.html": html.encode(), **dict.fromkeys(others, b"1")}


def sample(name: str) -> dict[str, bytes]:
    root = SAMPLES / name
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("name", ["hello-v1", "hello-v2"])
def test_the_healthy_samples_start(name: str) -> None:
    assert starts(sample(name))


def test_the_sample_that_crashes_on_load_does_not() -> None:
    files = sample("crashes-on-load")
    assert CRASHES.encode() in files["index.html"]
    assert not starts(files)


@pytest.mark.parametrize(
    "html",
    [
        "<!doctype html><title>x</title><script src=app.js></script>",
        '<div id="root"></div>',
        "words",
        "<style>body { color: red }</style><p>words</p>",
        "<!doctype html><script>start()</script>",
        # What others write about it is no mark.
        '<meta name="description" content="it crashes"><p>hotswap-dev</p>',
        f"<!-- {CRASHES} --><p>words</p>",
        '<meta name="hotswap-dev-tools" content="crashes"><p>words</p>',
        '<link rel="stylesheet" href="gone.css?v=2"><p>words</p>',
        '<script src="https://elsewhere.example/x.js"></script>',
        "<![if x]><p>words</p>",
    ],
)
def test_a_page_that_shows_something_starts(html: str) -> None:
    assert starts(page(html, "app.js"))


@pytest.mark.parametrize(
    "html",
    [
        "",
        " \n\ufeff",
        "<!doctype html><html lang=en><head><title>words</title></head><body></body></html>",
        "<!-- words --><style>p { }</style>",
    ],
)
def test_a_page_that_shows_nothing_does_not(html: str) -> None:
    assert not starts(page(html))


@pytest.mark.parametrize(
    "meta",
    [
        CRASHES,
        "<META CONTENT='crashes' NAME='hotswap-dev'>",
        "<meta name=hotswap-dev content=crashes>",
        '<meta\nname="hotswap-dev"\ncontent="crashes" />',
    ],
)
def test_a_page_that_says_that_it_crashes_does_not(meta: str) -> None:
    assert not starts(page(f"<!doctype html>{meta}<p>words</p>"))


def test_a_page_whose_script_is_not_there_does_not() -> None:
    assert not starts(page('<script type="module" src="/assets/app.js"></script>'))
    assert starts(page('<script type="module" src="/assets/app.js"></script>', "assets/app.js"))


def test_a_bundle_without_a_page_shows_the_one_in_the_app_which_starts() -> None:
    assert starts({"app.js": b"1"})
    assert starts({})


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_poisoned_bundle_does_to_a_simulated_client_what_it_does_to_a_real_one(
    fault: BundleFault, tmp_path: Path
) -> None:
    """`tests/real_client` holds the reactions to the actual plugin."""
    expected = reaction(fault)
    bad = poisoned(fault, tmp_path).path.read_bytes()
    found = await Bundles(starts).listing(bad, "tar.gz")
    assert found.error == expected.apply
    if expected.applied:
        assert found.starts == expected.ready


@pytest.mark.parametrize(
    "beginning", ["<!--", "<style ", "<title>", "<meta ", "<html ", '<meta name="', "</title "]
)
def test_a_page_of_nothing_but_beginnings_is_looked_at_once(beginning: str) -> None:
    """Squared, a megabyte of them would take an hour, in which no other client gets a turn."""
    begun = time.process_time()

    starts(page(beginning * (1024 * 1024 // len(beginning))))

    assert time.process_time() - begun < 30
