"""Signatures that a client must not take: one for each fault of `domain.faults.signature`, over a healthy bundle.

Each is wrong in one thing and right in all others, so that it shows which of the client's questions it fails: the
text's form, the key's id, the algorithm, the bytes, in this order (plugin 0.0.4: updater.rs `verify_signature`;
minisign-verify 0.2.5: `PublicKey::verify`).
"""

from __future__ import annotations

import functools
import mmap
import threading
from pathlib import Path
from typing import cast

import minisign

from hotswap_dev.domain.faults.signature import (
    GarbageSignature,
    LegacySignature,
    OtherFilesSignature,
    SignatureFault,
    WrongKey,
)
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.signing import SigningKey, key_forms, new_key
from hotswap_dev.packing.stopping import demand_wanted

GARBAGE = "hotswap-dev: this is no signature"
"""A person who reads the manifest sees what it is; a client finds neither a comment's line nor base64."""

_OTHER_BYTES = b"Bytes that hotswap-dev signed in place of a bundle's."


def bad_signature(
    fault: SignatureFault,
    bundle: Path,
    key: SigningKey,
    *,
    comment: str = "hotswap-dev",
    stop: threading.Event | None = None,
) -> str:
    """The text for a manifest that offers the file `bundle`, signed with `key` or as the fault has it.

    `comment` is the trusted comment, as `SigningKey.sign` takes it. Equal arguments give equal texts within a
    process, so whoever offers a bundle often keeps the text.

    Only `wrong-key` and `legacy-signature` read the file: call those in a thread. `wrong-key` reads it in pieces
    (500 MB: under a second, no memory) and ends soon after `stop` is set. `legacy-signature` signs the bytes
    themselves, all at once (500 MB: about 1.3 s, in which nothing stops it): the file is mapped, so that the system
    can take the memory back at any time.

    HotswapError where the file can't be read; PackingStopped.
    """
    match fault:
        case WrongKey():
            return _another_key().sign(bundle, comment=comment, stop=stop)
        case LegacySignature():
            demand_wanted(stop)
            return _legacy(bundle, key, comment)
        case OtherFilesSignature():
            return key.sign(_OTHER_BYTES, comment=comment)
        case GarbageSignature():
            return GARBAGE
        case _:
            raise TypeError(f"no text is known for {fault!r}")


@functools.cache
def _another_key() -> SigningKey:
    """A key that signs for this process only. Its id is random: 1 in 2^64 that it is the right one's."""
    return new_key()


def _legacy(bundle: Path, key: SigningKey, comment: str) -> str:
    """What `minisign -S -l` makes: `Ed`, over the file itself and not over its hash."""
    # `SigningKey` makes prehashed ones only, and so must nobody else: hence by the door for other tools.
    secret = minisign.SecretKey.from_bytes(key_forms(key).secret_file.encode())
    try:
        with bundle.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            made = secret.sign(
                _Mapped(mapped),
                prehash=False,
                untrusted_comment=f"signature from hotswap-dev key {key.key_id}",
                trusted_comment=comment,
            )
    except (OSError, ValueError) as error:  # ValueError: an empty file can't be mapped
        raise HotswapError(
            f"can't read {bundle}: {getattr(error, 'strerror', None) or error}",
            "publish it again: its file is gone or empty",
            code="unreadable",
        ) from None
    return f"{bytes(made).decode()}\n"


class _Mapped:
    """A mapped file as py-minisign reads one that it doesn't hash: in one piece. Signing takes any buffer."""

    def __init__(self, mapped: mmap.mmap) -> None:
        self._mapped = mapped

    def read(self, _size: int = -1, /) -> bytes:
        return cast("bytes", self._mapped)
