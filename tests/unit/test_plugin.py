"""What the plugin makes of an answer, as our rules say it. The real one is asked in tests/real_client."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hotswap_dev.domain.model import MAX_SEQUENCE, Manifest
from hotswap_dev.domain.plugin import Answered, Unanswered, insecure_url, read_manifest, verdict
from hotswap_dev.domain.versions import is_version, parse
from tests.real_client.answers import NOT_VERSIONS, ROWS, VERSIONS, Row

URL = "http://127.0.0.1:3333/api/ota/0?binary_version=0.1.0&platform=linux&arch=x86_64"
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
VERSION_TEXT = st.sampled_from(VERSIONS)
MANIFESTS = st.builds(
    Manifest,
    version=TEXT,
    sequence=st.integers(0, MAX_SEQUENCE),
    min_binary_version=VERSION_TEXT | st.sampled_from(NOT_VERSIONS),
    url=TEXT,
    signature=TEXT,
    notes=st.none() | TEXT,
    pub_date=st.none() | TEXT,
    mandatory=st.none() | st.booleans(),
    bundle_size=st.none() | st.integers(0, MAX_SEQUENCE),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_answer_gets_the_verdict_of_the_table(row: Row) -> None:
    answer = Answered(row.status, read_manifest(row.body))

    assert verdict(answer, sequence=row.sequence, binary_version=row.binary_version) == row.expected


def test_no_answer_is_a_network_error_that_names_the_url() -> None:
    refused = verdict(Unanswered(URL), sequence=0, binary_version="0.1.0")
    looped = verdict(Unanswered(URL, "redirect"), sequence=0, binary_version="0.1.0")

    assert refused.text == f"network error: error sending request for url ({URL})"
    assert looped.text == f"network error: error following redirect for url ({URL})"
    assert refused.events == looped.events == ("check-start", "check-error")


@given(
    manifest=MANIFESTS,
    status=st.sampled_from([200, 201, 206]),
    sequence=st.integers(0, MAX_SEQUENCE),
    binary_version=VERSION_TEXT,
)
def test_available_means_readable_old_enough_and_newer(
    manifest: Manifest, status: int, sequence: int, binary_version: str
) -> None:
    said = verdict(Answered(status, manifest), sequence=sequence, binary_version=binary_version)

    acceptable = is_version(manifest.min_binary_version) and parse(manifest.min_binary_version) <= parse(
        binary_version
    )
    assert (said.kind == "available") == (acceptable and manifest.sequence > sequence)


@given(
    manifest=st.none() | MANIFESTS,
    status=st.integers(200, 599),
    sequence=st.integers(0, MAX_SEQUENCE),
    binary_version=TEXT | VERSION_TEXT,
)
def test_only_errors_have_a_text_and_only_silence_has_a_cause(
    manifest: Manifest | None, status: int, sequence: int, binary_version: str
) -> None:
    said = verdict(Answered(status, manifest), sequence=sequence, binary_version=binary_version)

    assert (said.text is not None) == (said.kind == "error")
    assert (said.dropped is not None) == (said.kind == "not-available")
    assert said.events[0] == "check-start"
    assert ("check-complete" in said.events) == (said.kind != "error")


@given(MANIFESTS)
def test_what_our_wire_writes_the_plugin_reads(manifest: Manifest) -> None:
    assert read_manifest(msgspec.json.encode(manifest)) == manifest


@given(st.binary() | TEXT.map(str.encode))
@example(b"[" * 100_000)
@example(b'{"sequence": ' + b"9" * 5_000 + b"}")
def test_any_body_at_all_is_a_manifest_or_none(body: bytes) -> None:
    assert read_manifest(body) is None


@given(st.text("0123.-+aZ é\n", max_size=14) | st.sampled_from(NOT_VERSIONS + VERSIONS))
def test_what_the_plugin_refuses_as_a_version_is_what_we_cannot_order(text: str) -> None:
    manifest = Manifest(version="x", sequence=1, min_binary_version=text, url="", signature="")

    said = verdict(Answered(200, manifest), sequence=0, binary_version="18446744073709551615.0.0")

    assert (said.text is None) == is_version(text)


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("https://updates.example.com/1", False),
        ("http://127.0.0.1:3333/api/ota/0", True),
        ("HTTPS://updates.example.com/1", True),
        ("", True),
    ],
)
def test_require_https_refuses_all_but_https(url: str, refused: bool) -> None:
    text = f"insecure URL rejected: {url} (set require_https = false to allow)"

    assert insecure_url(url) == (text if refused else None)
    assert insecure_url(url, require_https=False) is None
