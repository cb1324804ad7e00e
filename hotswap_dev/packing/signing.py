"""Keys that sign bundles, the signatures they make, and the check that the client makes of them.

Keys, signatures and all cryptography are py-minisign's. Ours is what it has no word for: knowing a text that is
mangled or something else (`minisign_text`), and saying what the client would say.

Knows no place where a key lies and asks nobody for a password: text comes in, text goes out, and no error or repr
ever shows a secret.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from io import FileIO
from pathlib import Path

import minisign

from hotswap_dev.errors import HotswapError
from hotswap_dev.packing import minisign_text as minitext
from hotswap_dev.packing.minisign_text import Form
from hotswap_dev.packing.stopping import demand_wanted

Bytes = bytes | bytearray | memoryview

_SLOW_MEMORY = 128 << 20
# minisign -G asks for 2^25 and 2^30. What asks for more is a damaged file that would stop the machine.
_MOST_WORK, _MOST_MEMORY = 1 << 27, 1 << 30
_PIECE = 256 << 10


class PasswordNeeded(HotswapError):
    """The key is encrypted and no password was given: ask for one and call `read_key` again."""


class SignatureBroken(HotswapError):
    """A client would not take this signature.

    `code` is `public-key-malformed`, `signature-malformed`, `signature-other-key`, `signature-legacy` or
    `signature-mismatch`; `client_says` the text with which the plugin's promise rejects (plugin 0.0.4: error.rs,
    updater.rs `verify_signature`, minisign-verify 0.2.5), `…` where it names a detail.
    """

    def __init__(self, message: str, hint: str, *, code: str, client_says: str) -> None:
        super().__init__(message, hint, code=code)
        self.client_says = f"signature verification failed: {client_says}"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An open key. Signing needs no password and no file any more; threads may share it."""

    public_key: str
    """The `RW…` line of 56 characters: exactly what `plugins.hotswap.pubkey` must be."""
    _secret: minisign.SecretKey = field(repr=False, compare=False)

    @property
    def key_id(self) -> str:
        """16 hex digits, as minisign and Tauri print them in a public key's comment."""
        return key_id(self.public_key)

    @property
    def short(self) -> str:
        """Four characters for people: see `short_name`."""
        return short_name(self.public_key)

    def sign(self, source: Path | Bytes, *, comment: str, stop: threading.Event | None = None) -> str:
        """Sign a file or bytes: the four lines that go into a manifest or a `.minisig` file, as they are.

        Always prehashed, the only kind that the client takes. `comment` is the trusted comment (`trusted_comment`
        makes the usual one) and is signed too. The same source and comment give the same text. A file is read in
        pieces, so memory doesn't grow with it. HotswapError if it can't be read, PackingStopped soon after `stop` is
        set. Not verified here: whoever offers the file reads it once more for that, as a client will.
        """
        # py-minisign would take two characters more than minisign can read back.
        if len(comment) > minitext.TRUSTED_MAX or not re.fullmatch(r"[\t -~]*", comment):
            raise HotswapError(
                f"a trusted comment can't be {comment[:80]!a}",
                f"it holds printable ASCII and tabs, at most {minitext.TRUSTED_MAX} characters, no line breaks",
                code="bad-comment",
            )
        ours = f"signature from hotswap-dev key {self.key_id}"
        with _readable(source, stop) as data:
            made = self._secret.sign(data, untrusted_comment=ours, trusted_comment=comment)
        # py-minisign's `sign_file` makes legacy ones unless asked not to. Should `sign` ever, it must be noticed here.
        if not made.is_prehashed():
            raise RuntimeError("py-minisign made a legacy signature, and clients take prehashed ones only")
        return f"{bytes(made).decode()}\n"


@dataclass(frozen=True, slots=True)
class KeyText:
    """What a key's text says before it is opened."""

    form: Form
    encrypted: bool
    """A password protects it, though Tauri's CLI encrypts with the empty password too."""
    slow: bool
    """Opening takes seconds and up to 1 GB of memory (minisign's password keys): say so before it begins."""


@dataclass(frozen=True, slots=True)
class KeyForms:
    """A key as other tools want it."""

    secret_file: str = field(repr=False)
    """minisign's secret key file **without a password**: `minisign -S -s` takes it, and so does `read_key`."""
    public_file: str
    """minisign's `.pub` file."""
    public_line: str
    """The `RW…` line, without a newline."""


def new_key() -> SigningKey:
    """A key that never was before; `key_forms(…).secret_file` is the text to keep."""
    return _signing_key(minisign.KeyPair.generate().secret_key)


def inspect_key(text: str, *, name: str = "the key") -> KeyText:
    """Look at a secret key's text without opening it; the same errors as `read_key`, save those of passwords."""
    found = minitext.demand("secret", text, name)
    encrypted = bool(_secret_key(found.payload, name).is_encrypted())
    return KeyText(
        found.form, encrypted, encrypted and minitext.scrypt_limits(found.payload)[1] > _SLOW_MEMORY
    )


def read_key(text: str, password: str | None = None, *, name: str = "the key") -> SigningKey:
    r"""Open a secret key: minisign's file, Tauri's (`x.key`, or what is in `TAURI_SIGNING_PRIVATE_KEY`), or one line.

    A BOM, CRLF, quotes around it, `\n` written out and blank lines don't matter. `name` is what errors call it.

    **May take 4 s and 1 GB** (`inspect_key(…).slow`; Tauri's keys take 0.1 s): call it once, in a thread.
    Without a password the empty one is tried, as Tauri's CLI does, unless that were slow. The password of a key that
    has none is ignored. Raises PasswordNeeded, or HotswapError with one of the codes `key-not-a-key`, `key-is-public`,
    `key-is-signature`, `key-truncated`, `key-damaged`, `key-wrong-password`, `key-too-heavy`.
    """
    payload = minitext.demand("secret", text, name).payload
    secret = _secret_key(payload, name)
    if secret.is_encrypted():
        _decrypt(secret, password, minitext.scrypt_limits(payload), name)
    elif payload[-32:] != minitext.checksum(payload):  # py-minisign looks at it only where a password was
        raise _damaged(name)
    try:
        # py-minisign signs with one half and gives out the other; only this shows that they belong together.
        secret.get_public_key().verify(b"", secret.sign(b""))
    except minisign.VerifyError:
        raise _damaged(name) from None
    return _signing_key(secret)


def key_forms(key: SigningKey) -> KeyForms:
    """The key's texts for other tools. The secret one has no password, whatever the key was opened with."""
    secret = key._secret  # noqa: SLF001 - the one other place that may
    public = secret.get_public_key()
    public.untrusted_comment = f"minisign public key {key.key_id}"
    return KeyForms(f"{bytes(secret).decode()}\n", f"{bytes(public).decode()}\n", key.public_key)


def parse_public_key(text: str, *, name: str = "the public key") -> str:
    """The 56-character `RW…` line of a public key, however it comes: the line, minisign's `.pub`, Tauri's `.pub`.

    Only the line itself works in `plugins.hotswap.pubkey`: where the text differs from what this returns, the app
    refuses every bundle. HotswapError: `key-not-a-key`, `key-is-secret`, `key-is-signature`, `key-truncated`.
    """
    return minitext.encode(minitext.demand("public", text, name).payload)


def key_id(line: str) -> str:
    """16 hex digits, as minisign and Tauri print them, of a public key's line (or a signature's second).

    py-minisign shows ids nowhere: bytes 2 to 9, read little-endian.
    """
    return f"{int.from_bytes((minitext.decode(line) or b'')[2:10], 'little'):016X}"


def short_name(public_key: str) -> str:
    """Four characters by which people tell keys apart: the last ones of the `RW…` line.

    They stand right before the closing quote of `pubkey` in the app's config, so both can be compared at a glance.
    """
    return public_key[-4:]


def trusted_comment(file: str, at: datetime) -> str:
    r"""The comment that minisign itself writes, for a file of this name signed at this time.

    Only printable ASCII may stand in it: anything else of the name is written as `\xNN` or `\uNNNN`.
    """
    plain = file.encode("ascii", "backslashreplace").decode("ascii")
    plain = "".join(c if " " <= c < "\x7f" else f"\\x{ord(c):02x}" for c in plain)
    return f"timestamp:{int(at.timestamp())}\tfile:{plain}\thashed"


def verify(
    source: Path | Bytes, signature: str, public_key: str, *, stop: threading.Event | None = None
) -> None:
    """Check as the client does; SignatureBroken where it would refuse. PackingStopped soon after `stop` is set.

    `signature` is the four lines or base64 of them; `public_key` must be exactly the `RW…` line, or, as in the client,
    nothing can be verified. In the client's order: public key, form, key id, algorithm (legacy is refused), bytes,
    trusted comment (plugin 0.0.4 updater.rs `verify_signature`; minisign-verify 0.2.5 `PublicKey::verify`).
    Stricter than the client in one thing that no tool writes: a carriage return within the trusted comment.
    """
    key = minitext.decode(public_key) or b""
    if len(key) != minitext.PUBLIC_LENGTH or key[:2] not in minitext.ALGORITHMS:
        raise SignatureBroken(
            f"the public key is {len(public_key)} characters that are no minisign key",
            "it must be exactly the 56 characters that begin with RW: no comment, no newline, not Tauri's .pub",
            code="public-key-malformed",
            client_says=f"invalid public key: {_ENCODING if len(key) != minitext.PUBLIC_LENGTH else _UNSUPPORTED}",
        )
    made = _parsed(signature)
    ours, theirs = key_id(public_key), key_id(bytes(made).decode().split("\n")[1])
    if theirs != ours:
        raise SignatureBroken(
            f"signed by key {theirs}, but the public key is {ours}",
            "sign with the key whose public half is in the app's config, or rebuild the app with the other one",
            code="signature-other-key",
            client_says="The signature was created with a different key than the one provided",
        )
    if not made.is_prehashed():
        raise SignatureBroken(
            "the signature is of the legacy kind, over the file itself, and clients take prehashed ones only",
            "sign again with `hotswap-dev pack`, or `minisign -S` without -l",
            code="signature-legacy",
            client_says="Unexpected signature algorithm",
        )
    # A public key may call itself prehashed for the client, which then forgets it; py-minisign refuses it.
    public = minisign.PublicKey.from_base64(minitext.encode(minitext.LEGACY + key[2:]))
    with _readable(source, stop) as data:
        try:
            public.verify(data, made)
        except minisign.VerifyError:
            raise SignatureBroken(
                f"the bytes are not those that key {ours} signed, or the trusted comment is not",
                "the bundle was changed or cut after it was signed, this is another file's signature, or its third or "
                "fourth line was edited: sign again",
                code="signature-mismatch",
                client_says="The signature verification failed",
            ) from None


_ENCODING = "Invalid encoding in minisign data"
_UNSUPPORTED = "This signature algorithm is not supported by this implementation"


def _parsed(text: str) -> minisign.Signature:
    """A signature found where the client finds it: any first line will do, and what follows the fourth is nothing."""
    if not text.startswith("untrusted comment:"):
        raw = minitext.decode(minitext.trim(text))
        if raw is None:
            raise _malformed(
                "neither begins with `untrusted comment:` nor is base64", "base64 decode failed: …"
            )
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise _malformed("is base64 of something else", "signature is not valid UTF-8: …") from None
    lines = [*minitext.signature_lines(text), "", "", "", ""][1:4]
    # py-minisign wants minisign's own first line and nothing behind the fourth, and lets stray bits of base64 pass,
    # which Rust refuses: they are lost in what it writes.
    given = "\n".join((minitext.COMMENT, *lines)).encode("utf-8", "surrogatepass")
    with suppress(minisign.ParseError):
        made = minisign.Signature.from_bytes(given)
        if bytes(made) == given:
            return made
    head, end = (minitext.decode(line) or b"" for line in (lines[0], lines[2]))
    whole = (len(head), len(end)) == (minitext.SIGNATURE_LENGTH, 64) and lines[1].startswith(minitext.TRUSTED)
    if whole and head[:2] not in minitext.ALGORITHMS:
        raise _malformed(
            "is of a kind that minisign doesn't have", f"invalid signature format: {_UNSUPPORTED}"
        )
    raise _malformed("has not four whole lines of minisign's", f"invalid signature format: {_ENCODING}")


def _malformed(how: str, client_says: str) -> SignatureBroken:
    hint = "give the whole .minisig or .sig text: four lines, or base64 of them"
    return SignatureBroken(f"the signature {how}", hint, code="signature-malformed", client_says=client_says)


@contextmanager
def _readable(source: Path | Bytes, stop: threading.Event | None) -> Iterator[bytes | _Pieces]:
    """What py-minisign signs and verifies: bytes, or something with `read`."""
    if not isinstance(source, Path):
        yield bytes(source)
        return
    try:
        with source.open("rb", buffering=0) as file:
            yield _Pieces(file, stop)
    except OSError as error:
        raise HotswapError(
            f"can't read {source}: {error.strerror}", "give a file that this user can read", code="unreadable"
        ) from None


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A file, read in larger pieces than the 8 KB that py-minisign asks for."""

    file: FileIO
    stop: threading.Event | None

    def read(self, _size: int = -1, /) -> bytes:
        demand_wanted(self.stop)
        return self.file.read(_PIECE)


def _signing_key(secret: minisign.SecretKey) -> SigningKey:
    key = SigningKey(secret.get_public_key().to_base64().decode(), secret)
    secret.untrusted_comment = f"minisign secret key {key.key_id}, no password"
    return key


def _secret_key(payload: bytes, name: str) -> minisign.SecretKey:
    try:
        return minisign.SecretKey.from_base64(minitext.encode(payload))
    except minisign.ParseError:
        raise _damaged(name) from None


def _decrypt(secret: minisign.SecretKey, password: str | None, limits: tuple[int, int], name: str) -> None:
    work, memory = limits
    if work > _MOST_WORK or memory > _MOST_MEMORY:
        raise _damaged(name)
    needed = PasswordNeeded(
        f"{name} has a password",
        "type it when asked on a terminal, or set HOTSWAP_DEV_KEY_PASSWORD",
        code="key-password-needed",
    )
    if password is None and memory > _SLOW_MEMORY:
        raise needed
    try:
        secret.remove_password(password or "")
    except (minisign.Error, UnicodeEncodeError):
        # The form and both limits were looked at before, so it has nothing else to complain of.
        if password is None:
            raise needed from None
        raise HotswapError(
            f"wrong password for {name}",
            "type it again; keys that `tauri signer` made without a password have the empty one",
            code="key-wrong-password",
        ) from None
    except MemoryError:
        raise HotswapError(
            f"opening {name} takes {memory >> 20} MB of memory, and this machine gives less",
            "close something, or take the password off with `minisign -C -W -s FILE` on another machine",
            code="key-too-heavy",
        ) from None


def _damaged(name: str) -> HotswapError:
    return HotswapError(f"{name} is damaged", "take a copy that nobody edited", code="key-damaged")
