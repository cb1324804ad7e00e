"""Keys and signatures, against the real tools: Debian's minisign as oracle, files of minisign and Tauri's CLI."""

from __future__ import annotations

import base64
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import minisign as py_minisign
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.minisign_text import TRUSTED_MAX
from hotswap_dev.packing.signing import (
    SignatureBroken,
    key_forms,
    key_id,
    read_key,
    short_name,
    trusted_comment,
    verify,
)
from tests.unit.packing.signatures import (
    AT,
    COMMENT,
    KEY,
    MESSAGE,
    SECRET,
    SIGNATURE,
    public_of,
    text_of,
)

# What others make of ours


@pytest.mark.parametrize(
    "comment",
    [COMMENT, "x", "", "a\ttab", "y" * TRUSTED_MAX],
    ids=["usual", "x", "empty", "tab", "the longest"],
)
def test_minisign_accepts_our_signature_as_prehashed(
    minisign: Callable[..., str], tmp_path: Path, comment: str
) -> None:
    bundle = tmp_path / "b.tar.gz"
    bundle.write_bytes(b"\x1f\x8b" + bytes(range(256)) * 4000)
    (tmp_path / "b.minisig").write_text(KEY.sign(bundle, comment=comment))
    said = minisign("-VHQ", "-m", bundle, "-x", "b.minisig", "-P", KEY.public_key)
    assert said.rstrip("\n") == comment


def test_minisign_signs_with_an_exported_key_and_verifies_with_its_public_file(
    minisign: Callable[..., str], tmp_path: Path
) -> None:
    forms = key_forms(KEY)
    (tmp_path / "dev.key").write_text(forms.secret_file)
    (tmp_path / "dev.pub").write_text(forms.public_file)
    (tmp_path / "file").write_bytes(b"hello")
    minisign("-S", "-s", "dev.key", "-m", "file")
    minisign("-VH", "-p", "dev.pub", "-m", "file")
    verify(tmp_path / "file", (tmp_path / "file.minisig").read_text(), forms.public_line)


def test_minisign_recreates_the_public_half_of_an_exported_key(
    minisign: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "dev.key").write_text(SECRET)
    minisign("-R", "-s", "dev.key", "-p", "dev.pub")
    comment, line = (tmp_path / "dev.pub").read_text().splitlines()
    # minisign 0.11 prints a key id without leading zeros, 0.12 with them.
    assert comment.split()[-1].zfill(16) == KEY.key_id
    assert line == KEY.public_key


def test_py_minisign_accepts_our_signature_and_opens_an_exported_key() -> None:
    opened = py_minisign.SecretKey.from_bytes(SECRET.encode())
    assert opened.get_public_key().to_base64().decode() == KEY.public_key
    opened.get_public_key().verify(b"a bundle", py_minisign.Signature.from_bytes(SIGNATURE.encode()))


# What we make of others'


@pytest.mark.parametrize(
    ("public", "signature"),
    [
        ("test-minisign-password.pub", "test-minisign-password.minisig"),
        ("test-minisign-plain.pub", "test-minisign-plain.minisig"),
        ("test-tauri-password.key.pub", "test-tauri-password.sig"),
        ("test-tauri-empty.key.pub", "test-tauri-empty.sig"),
    ],
)
def test_signatures_of_the_real_tools_are_accepted(public: str, signature: str) -> None:
    verify(MESSAGE, text_of(signature), public_of(public))
    with pytest.raises(SignatureBroken):
        verify(MESSAGE.read_bytes() + b"!", text_of(signature), public_of(public))


@pytest.mark.parametrize(
    ("secret", "password", "public"),
    [
        ("test-minisign-plain.key", None, "test-minisign-plain.pub"),
        ("test-minisign-unlocked.key", None, "test-minisign-password.pub"),
        ("test-tauri-password.key", "test-password", "test-tauri-password.key.pub"),
        ("test-tauri-empty.key", None, "test-tauri-empty.key.pub"),
        ("test-tauri-empty.key", "", "test-tauri-empty.key.pub"),
        pytest.param(
            "test-minisign-password.key",
            "test-password",
            "test-minisign-password.pub",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_keys_of_the_real_tools_open_and_sign(secret: str, password: str | None, public: str) -> None:
    key = read_key(text_of(secret), password)
    assert key.public_key == public_of(public)
    verify(MESSAGE, key.sign(MESSAGE, comment=COMMENT), public_of(public))


@pytest.mark.parametrize("name", ["test-minisign-plain.pub", "test-minisign-password.pub"])
def test_a_key_id_is_what_minisign_prints(name: str) -> None:
    printed = text_of(name).splitlines()[0].split()[-1]
    assert key_id(public_of(name)) == printed


@pytest.mark.parametrize("name", ["test-tauri-password.key.pub", "test-tauri-empty.key.pub"])
def test_a_key_id_is_what_tauri_prints(name: str) -> None:
    printed = base64.b64decode(text_of(name)).decode().splitlines()[0].split()[-1]
    assert key_id(public_of(name)) == printed.zfill(16)


def test_the_short_name_is_the_end_of_the_line_in_the_config() -> None:
    assert short_name("RWQ7m9wQ26tJwMXnP260T3tFQDStDKJZDMjo7ANhJ4LtsaeAv0l2w9V5") == "w9V5"
    assert KEY.public_key.endswith(KEY.short)


# Signing


@given(st.binary(), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200))
def test_what_is_signed_verifies_and_is_always_the_same_text(data: bytes, comment: str) -> None:
    text = KEY.sign(data, comment=comment)
    verify(data, text, KEY.public_key)
    verify(data, base64.b64encode(text.encode()).decode(), KEY.public_key)
    assert text == KEY.sign(data, comment=comment)
    lines = text.split("\n")
    assert len(lines) == 5
    assert lines[0].startswith("untrusted comment: ")
    assert lines[1].startswith("RU")
    assert lines[2] == f"trusted comment: {comment}"


@pytest.mark.parametrize("size", [0, 1, 1 << 18, (1 << 18) + 1, 3 << 20])
def test_a_file_is_signed_and_verified_as_its_bytes_are(tmp_path: Path, size: int) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    path = tmp_path / "bundle"
    path.write_bytes(data)
    text = KEY.sign(path, comment=COMMENT)
    assert text == KEY.sign(data, comment=COMMENT) == KEY.sign(memoryview(bytearray(data)), comment=COMMENT)
    verify(path, text, KEY.public_key)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        verify(path, KEY.sign(path, comment=COMMENT), KEY.public_key)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 << 20


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(HotswapError, match=r"can't read .*gone") as caught:
        KEY.sign(tmp_path / "gone", comment=COMMENT)
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize("comment", ["a\nb", "a\rb", "é", "\x1b[31m", "\x7f", "a" * (TRUSTED_MAX + 1)])
def test_a_comment_that_minisign_could_not_read_back_is_refused(comment: str) -> None:
    with pytest.raises(HotswapError) as caught:
        KEY.sign(b"x", comment=comment)
    assert caught.value.code == "bad-comment"
    assert caught.value.message.isprintable()


def test_the_usual_comment_is_minisigns_own() -> None:
    assert COMMENT == "timestamp:1782907200\tfile:frontend.tar.gz\thashed"


@given(st.text(max_size=255))
def test_any_file_name_makes_a_comment_that_can_be_signed(name: str) -> None:
    comment = trusted_comment(name, AT)
    verify(b"x", KEY.sign(b"x", comment=comment), KEY.public_key)
    assert comment.count("\t") == 2


def test_a_legacy_signature_is_never_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    sign = py_minisign.SecretKey.sign
    monkeypatch.setattr(
        py_minisign.SecretKey, "sign", lambda key, data, **given: sign(key, data, prehash=False, **given)
    )
    with pytest.raises(RuntimeError, match="legacy"):
        KEY.sign(b"x", comment=COMMENT)
