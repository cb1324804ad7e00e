"""Keys and signatures, against the real tools: Debian's minisign as oracle, files of minisign and Tauri's CLI."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import minisign as py_minisign
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.minisign_text import TRUSTED_MAX
from hotswap_dev.packing.signing import (
    PasswordNeeded,
    SignatureBroken,
    inspect_key,
    key_forms,
    key_id,
    new_key,
    parse_public_key,
    read_key,
    short_name,
    trusted_comment,
    verify,
)

KEYS = Path(__file__).parents[3] / "fixtures" / "keys"
MESSAGE = KEYS / "message.bin"
AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
COMMENT = trusted_comment("frontend.tar.gz", AT)
# Fixed ones: parameters are made of them, and each of pytest's workers must see the same.
KEY = read_key((KEYS / "test-minisign-unlocked.key").read_text())
OTHER = read_key((KEYS / "test-minisign-plain.key").read_text())
SECRET = key_forms(KEY).secret_file
SIGNATURE = KEY.sign(b"a bundle", comment=COMMENT)


def text_of(name: str) -> str:
    return (KEYS / name).read_text()


def public_of(name: str) -> str:
    return parse_public_key(text_of(name))


@pytest.fixture
def minisign(tmp_path: Path) -> Callable[..., str]:
    """Debian's minisign in an empty folder: stdout, or CalledProcessError."""
    program = shutil.which("minisign")
    if program is None:
        pytest.skip("minisign is not installed (apt-get install minisign)")

    def run(*arguments: str | Path, stdin: str = "") -> str:
        command = [program, *map(str, arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, input=stdin, capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout

    return run


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
