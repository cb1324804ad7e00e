"""What a client refuses of a signature, in its order and with its words (facts 1; plugin 0.0.4)."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.packing.signing import (
    SignatureBroken,
    key_forms,
    verify,
)
from tests.unit.packing.signatures import (
    KEY,
    MESSAGE,
    OTHER,
    SIGNATURE,
    public_of,
    text_of,
)

# Verifying, in the client's order and with its words (facts 1; plugin 0.0.4 under the mock runtime)


def refusal(source: Path | bytes, signature: str, public_key: str) -> tuple[str, str]:
    with pytest.raises(SignatureBroken) as caught:
        verify(source, signature, public_key)
    assert caught.value.hint
    prefix, _, rest = caught.value.client_says.partition(": ")
    assert prefix == "signature verification failed"
    return caught.value.code, rest


NOWHERE = Path("no such file")
LEGACY = text_of("test-minisign-plain-legacy.minisig")
OTHER_KEY = ("signature-other-key", "The signature was created with a different key than the one provided")
IS_LEGACY = ("signature-legacy", "Unexpected signature algorithm")
MISMATCH = ("signature-mismatch", "The signature verification failed")


def test_a_foreign_key_is_told_by_its_id_before_the_file_is_read() -> None:
    assert refusal(NOWHERE, SIGNATURE, OTHER.public_key) == OTHER_KEY


def test_a_legacy_signature_is_refused_before_the_file_is_read() -> None:
    assert refusal(NOWHERE, LEGACY, public_of("test-minisign-plain.pub")) == IS_LEGACY


def test_a_foreign_legacy_signature_is_foreign_first() -> None:
    assert refusal(MESSAGE, LEGACY, KEY.public_key) == OTHER_KEY


def test_another_key_with_the_same_id_is_a_mismatch() -> None:
    ours, theirs = base64.b64decode(KEY.public_key), base64.b64decode(OTHER.public_key)
    assert refusal(b"a bundle", SIGNATURE, base64.b64encode(ours[:10] + theirs[10:]).decode()) == MISMATCH


def test_the_trusted_comment_is_signed_too() -> None:
    edited = SIGNATURE.replace("timestamp:1", "timestamp:2")
    assert refusal(b"a bundle", edited, KEY.public_key) == MISMATCH


def test_the_untrusted_comment_is_not_signed() -> None:
    verify(b"a bundle", "untrusted comment:\n" + SIGNATURE.split("\n", 1)[1], KEY.public_key)


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_flipped_bit_in_the_bytes_is_a_mismatch(data: bytes, draw: st.DataObject) -> None:
    text = KEY.sign(data, comment="c")
    changed = bytearray(data)
    changed[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    assert refusal(bytes(changed), text, KEY.public_key) == MISMATCH


@given(st.integers(0, len(SIGNATURE) - 2), st.characters(min_codepoint=32, max_codepoint=126))
def test_any_changed_character_after_the_first_line_is_refused(at: int, character: str) -> None:
    at = max(at, SIGNATURE.index("\n") + 1)
    changed = SIGNATURE[:at] + character + SIGNATURE[at + 1 :]
    if changed != SIGNATURE:
        refusal(b"a bundle", changed, KEY.public_key)


@given(st.integers(0, len(SIGNATURE) - 2))
def test_a_signature_that_was_cut_is_refused(length: int) -> None:
    code, says = refusal(b"a bundle", SIGNATURE[:length], KEY.public_key)
    assert code == "signature-malformed"
    assert says.startswith(
        ("invalid signature format: Invalid encoding", "base64 decode failed", "signature is not")
    )


def test_rubbish_for_a_signature_is_named_as_the_client_names_it() -> None:
    rubbish = base64.b64encode(b"\xff\xfe").decode()
    assert refusal(b"x", rubbish, KEY.public_key) == (
        "signature-malformed",
        "signature is not valid UTF-8: …",
    )
    assert refusal(b"x", "not base64", KEY.public_key) == ("signature-malformed", "base64 decode failed: …")
    head = base64.b64encode(b"XX" + bytes(72)).decode()
    lines = ["untrusted comment: x", head, *SIGNATURE.split("\n")[2:]]
    assert refusal(b"x", "\n".join(lines), KEY.public_key) == (
        "signature-malformed",
        "invalid signature format: This signature algorithm is not supported by this implementation",
    )
    # Where more is wrong, the client never comes to look at the algorithm.
    for cut in (lines[:3], [*lines[:3], lines[3][4:]], [*lines[:2], "comment: x", lines[3]]):
        assert refusal(b"x", "\n".join(cut), KEY.public_key) == (
            "signature-malformed",
            "invalid signature format: Invalid encoding in minisign data",
        )


def test_base64_with_stray_bits_is_refused_as_rust_refuses_it() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = SIGNATURE.index("=\n") - 1  # 74 bytes leave two bits of the last character unused
    stray = alphabet[alphabet.index(SIGNATURE[last]) + 1]
    changed = SIGNATURE[:last] + stray + SIGNATURE[last + 1 :]
    assert base64.b64decode(changed.split("\n")[1]) == base64.b64decode(SIGNATURE.split("\n")[1])
    assert refusal(b"a bundle", changed, KEY.public_key) == (
        "signature-malformed",
        "invalid signature format: Invalid encoding in minisign data",
    )


def test_lines_end_where_rust_ends_them() -> None:
    verify(b"a bundle", SIGNATURE.replace("\n", "\r\n"), KEY.public_key)
    verify(b"a bundle", SIGNATURE + "anything\nmore", KEY.public_key)
    code, _ = refusal(b"a bundle", SIGNATURE.rstrip("\n") + "\r", KEY.public_key)
    assert code == "signature-malformed"
    packed = base64.b64encode(SIGNATURE.encode()).decode()
    verify(b"a bundle", f"\u3000{packed}\x85\n", KEY.public_key)
    assert refusal(b"a bundle", f"{packed}\x1f", KEY.public_key)[1] == "base64 decode failed: …"
    # U+2028 is a line's end for Python's splitlines only: here it belongs to the comment, and the comment is wrong.
    broken = SIGNATURE.replace("timestamp", "timestamp\u2028")
    assert refusal(b"a bundle", broken, KEY.public_key) == MISMATCH


@pytest.mark.parametrize(
    "public_key",
    [
        f"{KEY.public_key}\n",
        f" {KEY.public_key}",
        key_forms(KEY).public_file,
        "",
        text_of("test-tauri-empty.key.pub"),
    ],
)
def test_a_public_key_that_is_not_exactly_the_line_verifies_nothing(public_key: str) -> None:
    says = "invalid public key: Invalid encoding in minisign data"
    assert refusal(b"a bundle", SIGNATURE, public_key) == ("public-key-malformed", says)


def test_a_public_key_that_calls_itself_prehashed_verifies_as_in_the_client() -> None:
    line = base64.b64encode(b"ED" + base64.b64decode(KEY.public_key)[2:]).decode()
    verify(b"a bundle", SIGNATURE, line)
    assert refusal(b"another", SIGNATURE, line) == MISMATCH


def test_a_public_key_of_no_known_kind_is_named_as_the_client_names_it() -> None:
    line = base64.b64encode(b"XX" + base64.b64decode(KEY.public_key)[2:]).decode()
    says = "invalid public key: This signature algorithm is not supported by this implementation"
    assert refusal(b"a bundle", SIGNATURE, line) == ("public-key-malformed", says)


@pytest.mark.parametrize("inside", ["\r", "\udcff"], ids=["carriage return", "half a character"])
def test_a_trusted_comment_that_no_tool_writes_is_refused(inside: str) -> None:
    code, _ = refusal(b"a bundle", SIGNATURE.replace("timestamp", f"time{inside}stamp"), KEY.public_key)
    assert code == "signature-malformed"
