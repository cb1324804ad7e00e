"""Signatures that a client must not take, each wrong in one thing, with Debian's minisign as the judge."""

from __future__ import annotations

import subprocess
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.faults.signature import (
    GarbageSignature,
    LegacySignature,
    OtherFilesSignature,
    SignatureFault,
    WrongKey,
)
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.bad_signatures import GARBAGE, _another_key, bad_signature
from hotswap_dev.packing.minisign_text import recognise
from hotswap_dev.packing.signing import SignatureBroken, SigningKey, key_id, parse_public_key, verify
from hotswap_dev.packing.stopping import PackingStopped
from tests.unit.packing.signatures import KEY, OTHER

FAULTS = [kind() for kind in every_fault().values() if issubclass(kind, SignatureFault)]
READING = [WrongKey(), LegacySignature()]

by_name = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
those_that_read = pytest.mark.parametrize("fault", READING, ids=lambda fault: fault.name)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(b"\x1f\x8b" + bytes(range(256)) * 3000)
    return path


def id_in(signature: str) -> str:
    return key_id(signature.splitlines()[1])


def refused(minisign: Callable[..., str], *arguments: str | Path) -> str:
    with pytest.raises(subprocess.CalledProcessError) as error:
        minisign(*arguments)
    return str(error.value.stderr).strip()


def test_every_signature_fault_of_the_catalogue_is_tested_here() -> None:
    assert {fault.name for fault in FAULTS} == {
        name for name, kind in every_fault().items() if kind.stage == "signature"
    }
    assert len(FAULTS) == 4


@pytest.mark.parametrize(
    ("fault", "code", "client_says"),
    [
        pytest.param(
            WrongKey(),
            "signature-other-key",
            "The signature was created with a different key than the one provided",
            id="wrong-key",
        ),
        pytest.param(
            LegacySignature(), "signature-legacy", "Unexpected signature algorithm", id="legacy-signature"
        ),
        pytest.param(
            OtherFilesSignature(),
            "signature-mismatch",
            "The signature verification failed",
            id="other-files-signature",
        ),
        pytest.param(
            GarbageSignature(), "signature-malformed", "base64 decode failed: …", id="garbage-signature"
        ),
    ],
)
def test_the_clients_check_fails_at_the_one_question_that_the_fault_is_about(
    fault: SignatureFault, code: str, client_says: str, bundle: Path
) -> None:
    with pytest.raises(SignatureBroken) as broken:
        verify(bundle, bad_signature(fault, bundle, KEY), KEY.public_key)

    assert broken.value.code == code
    assert broken.value.client_says == f"signature verification failed: {client_says}"


@by_name
def test_minisign_refuses_each_where_a_prehashed_one_is_demanded(
    fault: SignatureFault, bundle: Path, minisign: Callable[..., str]
) -> None:
    (bundle.parent / "bad.minisig").write_text(bad_signature(fault, bundle, KEY))

    assert refused(minisign, "-VH", "-m", bundle, "-x", "bad.minisig", "-P", KEY.public_key)


def test_minisign_finds_a_legacy_signature_right_unless_a_prehashed_one_is_demanded(
    bundle: Path, minisign: Callable[..., str]
) -> None:
    (bundle.parent / "bad.minisig").write_text(
        bad_signature(LegacySignature(), bundle, KEY, comment="signed by me")
    )
    judged = ("-m", bundle, "-x", "bad.minisig", "-P", KEY.public_key)

    assert minisign("-VQ", *judged).strip() == "signed by me"
    assert "Legacy (non-prehashed) signature found" in refused(minisign, "-VH", *judged)


def test_a_legacy_signature_is_the_one_that_minisign_itself_makes(
    bundle: Path, minisign: Callable[..., str], tmp_path: Path
) -> None:
    keys = Path(__file__).parents[3] / "fixtures" / "keys"
    minisign("-S", "-l", "-W", "-s", keys / "test-minisign-unlocked.key", "-m", bundle, "-t", "by either")
    theirs = (tmp_path / "bundle.tar.gz.minisig").read_text().splitlines()

    ours = bad_signature(LegacySignature(), bundle, KEY, comment="by either").splitlines()

    assert ours[1:] == theirs[1:], "all but the untrusted comment: Ed25519 gives one signature only"


def test_another_keys_signature_is_right_by_that_key_and_minisign_names_both(
    bundle: Path, minisign: Callable[..., str]
) -> None:
    text = bad_signature(WrongKey(), bundle, KEY, comment="signed by another")
    (bundle.parent / "bad.minisig").write_text(text)
    judged = ("-VHQ", "-m", bundle, "-x", "bad.minisig", "-P")

    assert minisign(*judged, _another_key().public_key).strip() == "signed by another"
    said = refused(minisign, *judged, KEY.public_key)
    assert minisigns(id_in(text)) in said
    assert minisigns(KEY.key_id) in said


def minisigns(key_id: str) -> str:
    """A key id as minisign prints it: a number, so without the zeros that it begins with (minisign 0.12: `%llX`)."""
    return f"{int(key_id, 16):X}"


@pytest.mark.parametrize("key", [KEY, OTHER], ids=["one key", "another one"])
def test_the_wrong_key_stays_the_same_for_a_process_and_has_another_id(key: SigningKey, bundle: Path) -> None:
    texts = {bad_signature(WrongKey(), bundle, key) for _ in range(3)}

    assert len(texts) == 1
    assert id_in(texts.pop()) == _another_key().key_id != key.key_id


def test_another_files_signature_is_right_by_the_key_in_all_but_the_bytes(bundle: Path) -> None:
    text = bad_signature(OtherFilesSignature(), bundle, KEY, comment="as usual")

    assert id_in(text) == KEY.key_id
    assert text.splitlines()[1].startswith("RU"), "prehashed, as clients want it"
    assert text.splitlines()[2] == "trusted comment: as usual"


def test_another_files_signature_and_garbage_cost_nothing_since_no_byte_is_read(tmp_path: Path) -> None:
    nowhere = tmp_path / "not there"

    assert bad_signature(GarbageSignature(), nowhere, KEY) == GARBAGE
    assert bad_signature(OtherFilesSignature(), nowhere, KEY) == bad_signature(
        OtherFilesSignature(), nowhere, KEY
    )


def test_garbage_is_no_signature_by_any_reading_and_says_who_sent_it() -> None:
    assert recognise(GARBAGE).kind == "unknown"
    assert "hotswap-dev" in GARBAGE
    with pytest.raises(HotswapError):
        parse_public_key(GARBAGE)


@those_that_read
def test_the_same_bytes_give_the_same_text_and_others_another(fault: SignatureFault, bundle: Path) -> None:
    before = bad_signature(fault, bundle, KEY)
    assert bad_signature(fault, bundle, KEY) == before

    bundle.write_bytes(bundle.read_bytes() + b"x")

    assert bad_signature(fault, bundle, KEY) != before


@those_that_read
@pytest.mark.parametrize("what", ["gone", "a folder"])
def test_a_bundle_that_cannot_be_read_is_said(fault: SignatureFault, what: str, tmp_path: Path) -> None:
    path = tmp_path / ("bundle.tar.gz" if what == "gone" else "")

    with pytest.raises(HotswapError, match="can't read") as refusal:
        bad_signature(fault, path, KEY)

    assert refusal.value.code == "unreadable"


def test_an_empty_file_has_no_legacy_signature(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    with pytest.raises(HotswapError, match="empty"):
        bad_signature(LegacySignature(), tmp_path / "empty", KEY)


@those_that_read
def test_what_nobody_wants_any_more_is_stopped(fault: SignatureFault, bundle: Path) -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(PackingStopped):
        bad_signature(fault, bundle, KEY, stop=stop)


@those_that_read
def test_B10_memory_does_not_grow_with_the_bundle(fault: SignatureFault, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(48 << 20)
    bad_signature(fault, large, KEY)  # whatever is imported or made once

    tracemalloc.start()
    try:
        bad_signature(fault, large, KEY)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2 << 20
