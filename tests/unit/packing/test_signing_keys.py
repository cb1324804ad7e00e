"""Keys in every text that people have them in, and what is none."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import minisign as py_minisign
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.signing import (
    PasswordNeeded,
    inspect_key,
    key_forms,
    new_key,
    parse_public_key,
    read_key,
)
from tests.unit.packing.signatures import (
    KEY,
    KEYS,
    OTHER,
    SECRET,
    SIGNATURE,
    text_of,
)

# Reading keys


def in_quotes(text: str) -> str:
    return f'"{text.strip()}"\n'


def wrapped(text: str) -> str:
    return "\n".join(text[at : at + 64] for at in range(0, len(text), 64))


MANGLED: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "BOM": lambda text: "\ufeff" + text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "trailing newlines": lambda text: text + "\n\n\n",
    "spaces around it": lambda text: f"  \n{text}\n\t ",
    "in quotes": in_quotes,
    "newlines written out": lambda text: text.replace("\n", "\\n"),
    "blank lines between": lambda text: text.replace("\n", "\n\n"),
}


@pytest.mark.parametrize("mangle", MANGLED.values(), ids=MANGLED.keys())
def test_a_minisign_key_survives_what_editors_and_ci_do_to_it(mangle: Callable[[str], str]) -> None:
    assert read_key(mangle(SECRET)).public_key == KEY.public_key


@pytest.mark.parametrize("mangle", [*MANGLED.values(), wrapped], ids=[*MANGLED.keys(), "wrapped"])
def test_a_tauri_key_survives_what_editors_and_ci_do_to_it(mangle: Callable[[str], str]) -> None:
    tauri_form = base64.b64encode(SECRET.encode()).decode()  # as `x.key`, without the 0.1 s of its scrypt
    assert inspect_key(mangle(tauri_form)).form == "tauri"
    assert read_key(mangle(tauri_form)).public_key == KEY.public_key


def test_the_second_line_alone_is_a_key_too() -> None:
    assert read_key(SECRET.splitlines()[1]).public_key == KEY.public_key


def test_an_exported_key_is_the_same_key_when_read_again() -> None:
    again = read_key(SECRET)
    assert again == KEY
    assert again.sign(b"x", comment="c") == KEY.sign(b"x", comment="c")


def test_a_password_for_a_key_without_one_is_ignored() -> None:
    assert read_key(SECRET, "whatever") == KEY


def test_no_two_new_keys_are_alike() -> None:
    keys = [new_key() for _ in range(20)]
    assert len({key.public_key for key in keys}) == len({key.key_id for key in keys}) == 20


def test_a_look_at_a_key_tells_whether_a_password_is_asked_for_and_how_long_it_takes() -> None:
    looks = {path.stem: inspect_key(path.read_text()) for path in KEYS.glob("*.key")}
    assert {name: (look.form, look.encrypted, look.slow) for name, look in looks.items()} == {
        "test-minisign-password": ("minisign", True, True),
        "test-minisign-plain": ("minisign", False, False),
        "test-minisign-unlocked": ("minisign", False, False),
        "test-tauri-password": ("tauri", True, False),
        "test-tauri-empty": ("tauri", True, False),
    }


def test_a_tauri_key_with_a_password_asks_for_it_after_the_empty_one_failed() -> None:
    with pytest.raises(PasswordNeeded) as caught:
        read_key(text_of("test-tauri-password.key"), name="ci.key")
    assert caught.value.message == "ci.key has a password"
    assert "HOTSWAP_DEV_KEY_PASSWORD" in caught.value.hint


def test_a_slow_key_asks_for_its_password_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("4 s and 1 GB spent on a guess")

    monkeypatch.setattr(py_minisign.SecretKey, "decrypt", never)
    with pytest.raises(PasswordNeeded):
        read_key(text_of("test-minisign-password.key"))


@pytest.mark.parametrize("password", ["wrong", "", "test-password ", "\udcff"])
def test_a_wrong_password_is_said_and_not_shown(password: str) -> None:
    with pytest.raises(HotswapError) as caught:
        read_key(text_of("test-tauri-password.key"), password)
    assert caught.value.code == "key-wrong-password"
    assert caught.value.message == "wrong password for the key"
    assert password == "" or password not in caught.value.hint


def test_too_little_memory_for_a_key_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def starved(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(py_minisign.SecretKey, "decrypt", starved)
    with pytest.raises(HotswapError, match="takes 1024 MB of memory") as caught:
        read_key(text_of("test-minisign-password.key"), "test-password")
    assert caught.value.code == "key-too-heavy"


def test_a_key_that_asks_for_absurd_work_is_damaged_and_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("tried")

    monkeypatch.setattr(py_minisign.SecretKey, "decrypt", never)
    raw = bytearray(base64.b64decode(text_of("test-minisign-password.key").splitlines()[1]))
    for field in (slice(38, 46), slice(46, 54)):
        changed = bytearray(raw)
        changed[field] = (1 << 40).to_bytes(8, "little")
        with pytest.raises(HotswapError) as caught:
            read_key(base64.b64encode(changed).decode(), "test-password")
        assert caught.value.code == "key-damaged"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "key-not-a-key"),
        ("hello", "key-not-a-key"),
        ("/home/me/.tauri/app.key", "key-not-a-key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END", "key-not-a-key"),
        ("UldRdGVzdA==", "key-not-a-key"),
        ("untrusted comment: minisign secret key\n\0\0\0", "key-not-a-key"),
        ("untrusted comment: minisign secret key\n", "key-truncated"),
        ("\u2028\udcff" * 60, "key-not-a-key"),
        (KEY.public_key, "key-is-public"),
        (key_forms(KEY).public_file, "key-is-public"),
        (text_of("test-tauri-empty.key.pub"), "key-is-public"),
        (SIGNATURE, "key-is-signature"),
        (SIGNATURE.splitlines()[1], "key-is-signature"),
        (text_of("test-tauri-empty.sig"), "key-is-signature"),
        (text_of("test-minisign-plain-legacy.minisig"), "key-is-signature"),
    ],
)
def test_what_is_no_secret_key_is_named(text: str, code: str) -> None:
    for read in (read_key, inspect_key):
        with pytest.raises(HotswapError) as caught:
            read(text, name="--key file")
        assert caught.value.code == code
        assert caught.value.message.startswith("--key file is ")
        assert caught.value.hint


@pytest.mark.parametrize(
    "whole", [SECRET.strip(), base64.b64encode(SECRET.encode()).decode()], ids=["minisign", "tauri"]
)
def test_a_key_that_was_cut_anywhere_never_opens(whole: str) -> None:
    reasons = []
    # The last three: one more or less of `=` or of the newline inside Tauri's form is no loss.
    for length in range(len(whole) - 3):
        with pytest.raises(HotswapError) as caught:
            read_key(whole[:length])
        reasons.append(caught.value.code)
    assert set(reasons) == {"key-not-a-key", "key-truncated"}
    assert set(reasons[len(whole) // 2 :]) == {"key-truncated"}


@given(st.integers(54, 157), st.integers(0, 7))
def test_a_flipped_bit_in_the_secret_part_never_opens(byte: int, bit: int) -> None:
    raw = bytearray(base64.b64decode(SECRET.splitlines()[1]))
    raw[byte] ^= 1 << bit
    with pytest.raises(HotswapError) as caught:
        read_key(base64.b64encode(raw).decode())
    assert caught.value.code == "key-damaged"


def test_a_key_whose_halves_do_not_belong_together_never_opens() -> None:
    raw = base64.b64decode(SECRET.splitlines()[1])
    swapped = raw[:94] + base64.b64decode(OTHER.public_key)[10:]
    right = hashlib.blake2b(swapped[:2] + swapped[54:126], digest_size=32).digest()
    for checksum in (right, bytes(32)):
        with pytest.raises(HotswapError) as caught:
            read_key(base64.b64encode(swapped + checksum).decode())
        assert caught.value.code == "key-damaged"


@pytest.mark.parametrize("at", [0, 2, 4], ids=["algorithm", "kdf", "checksum's kind"])
def test_a_key_of_a_kind_that_nobody_has_is_damaged(at: int) -> None:
    raw = bytearray(base64.b64decode(SECRET.splitlines()[1]))
    raw[at : at + 2] = b"ED"
    for read in (read_key, inspect_key):
        with pytest.raises(HotswapError) as caught:
            read(base64.b64encode(raw).decode())
        assert caught.value.code == "key-damaged"


def test_a_checksum_that_minisign_left_zero_is_filled_in_when_exported() -> None:
    text = text_of("test-minisign-plain.key")
    before, after = (
        base64.b64decode(each.splitlines()[1]) for each in (text, key_forms(read_key(text)).secret_file)
    )
    assert before[126:] == bytes(32)
    assert after[:126] == before[:126]
    assert after[126:] == hashlib.blake2b(after[:2] + after[54:126], digest_size=32).digest()


@pytest.mark.parametrize(
    ("secret", "password"),
    [
        ("test-minisign-plain.key", None),
        ("test-tauri-empty.key", ""),
        ("test-tauri-password.key", "test-password"),
    ],
)
def test_an_opened_key_is_exported_without_its_password(
    minisign: Callable[..., str], tmp_path: Path, secret: str, password: str | None
) -> None:
    key = read_key(text_of(secret), password)
    text = key_forms(key).secret_file
    assert not inspect_key(text).encrypted
    assert read_key(text) == key
    (tmp_path / "open.key").write_text(text)
    (tmp_path / "file").write_bytes(b"hello")
    minisign("-S", "-s", "open.key", "-m", "file")
    minisign("-VH", "-m", "file", "-P", key.public_key)


@given(st.text())
def test_any_text_is_a_key_or_a_sentence(text: str) -> None:
    for read in (read_key, parse_public_key):
        with pytest.raises(HotswapError) as caught:
            read(text)
        assert caught.value.message
        assert caught.value.hint


def test_nothing_that_is_printed_shows_the_secret() -> None:
    forms = key_forms(KEY)
    secret_line = SECRET.splitlines()[1]
    seed = base64.b64decode(secret_line)[62:94]
    shown = [repr(KEY), str(KEY), repr(forms), forms.public_file, SIGNATURE]
    for text in (secret_line[:-8], f"{secret_line}AAAA", secret_line.replace("A", "!", 1)):
        for read in (read_key, parse_public_key, inspect_key):
            with pytest.raises(HotswapError) as caught:
                read(text)
            shown += [
                caught.value.message,
                caught.value.hint,
                repr(caught.value),
                repr(caught.value.__context__),
            ]
    for text in shown:
        assert secret_line[72:100] not in text
        assert base64.b64encode(seed[:30]).decode() not in text
        assert seed.hex() not in text


# Public keys


@pytest.mark.parametrize(
    "text",
    [
        KEY.public_key,
        f"{KEY.public_key}\n",
        f"\ufeff {KEY.public_key}\r\n",
        f'"{KEY.public_key}"',
        key_forms(KEY).public_file,
        key_forms(KEY).public_file.replace("\n", "\r\n"),
        key_forms(KEY).public_file.strip().replace("\n", "\\n"),
        base64.b64encode(key_forms(KEY).public_file.encode()).decode(),
        base64.b64encode(key_forms(KEY).public_file.encode()).decode() + "\n",
    ],
)
def test_a_public_key_in_any_form_becomes_the_line_that_the_plugin_wants(text: str) -> None:
    assert parse_public_key(text) == KEY.public_key
    assert len(KEY.public_key) == 56
    assert KEY.public_key.startswith("RW")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (SECRET, "key-is-secret"),
        (text_of("test-tauri-empty.key"), "key-is-secret"),
        (SIGNATURE, "key-is-signature"),
        (KEY.public_key[:-1], "key-truncated"),
        (f"{KEY.public_key}A", "key-truncated"),
        ("", "key-not-a-key"),
    ],
)
def test_what_is_no_public_key_is_named(text: str, code: str) -> None:
    with pytest.raises(HotswapError) as caught:
        parse_public_key(text, name="plugins.hotswap.pubkey")
    assert caught.value.code == code
    assert caught.value.message.startswith("plugins.hotswap.pubkey is ")
