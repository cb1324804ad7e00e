"""Keys and signatures that tests of signing share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hotswap_dev.packing.signing import (
    key_forms,
    parse_public_key,
    read_key,
    trusted_comment,
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
