"""Request ids of the second protocol that outlive the server: all that they stand for is in them, and signed.

So an answer costs no write, and no table grows with the answers. What was reported under them is in the history.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

MOST_REPORTED = 5_000
"""Reports (a request id and an update type) that are known, to tell when one is repeated."""

NONCE_BYTES = 6

_LAYOUT = 1
_TOKEN_BYTES = 5
_MAC_BYTES = 10
_MARK_BYTES = 2
_HEAD = 1 + NONCE_BYTES + _TOKEN_BYTES
_PURPOSE = b"hotswap-dev request id\0"  # the secret signs other things too


class Offered(Struct, frozen=True):
    """What one answer offered: `token` is the client's (10 hex digits), `versions` has a mark of the version that each
    sequence was offered as.
    """

    token: str
    versions: Mapping[int, bytes]


class RequestIds:
    """Writes and reads ids, with a workspace's secret: no other workspace's are read."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, nonce: bytes, token: str, offers: Iterable[tuple[int, str]]) -> str:
        """The id of an answer that offers these sequences by these versions to the client of this token.

        `nonce` (`NONCE_BYTES` of chance) tells it from the ids of other such answers. Printable ASCII without spaces:
        34 characters for one release, below 1,000 for 64.
        """
        payload = bytes([_LAYOUT]) + nonce + bytes.fromhex(token)
        for sequence, version in offers:
            payload += _number(sequence) + version_mark(version)
        return _text(payload + self._mac(payload))

    def read(self, request_id: str) -> Offered | None:
        """What an id stands for; None where it was not written here, or was changed since."""
        try:
            whole = base64.b64decode(request_id + "=" * (-len(request_id) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        payload, mac = whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]
        # Of several texts for the same bytes only the one that was written counts, or a repetition would look new.
        if len(payload) < _HEAD or _text(whole) != request_id:
            return None
        if not hmac.compare_digest(mac, self._mac(payload)) or payload[0] != _LAYOUT:
            return None
        return Offered(payload[_HEAD - _TOKEN_BYTES : _HEAD].hex(), dict(_offers(payload[_HEAD:])))

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, _PURPOSE + payload, "sha256")[:_MAC_BYTES]


class ReportedBefore:
    """Which updates were reported under which request id: a bounded table, the oldest leave."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def add(self, request_id: str, update_type: str) -> bool:
        """Take in a report; whether there was one already. Both texts are as they are recorded."""
        key = _key(request_id, update_type)
        before = key in self._known
        self._known[key] = None
        self._known.move_to_end(key)
        if len(self._known) > MOST_REPORTED:
            self._known.popitem(last=False)
        return before

    def __contains__(self, report: tuple[str, str]) -> bool:
        return _key(*report) in self._known

    def refill(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in what the history has of earlier runs, newest first; what is known already counts as newer."""
        known = self._known
        for row in rows:
            if len(known) == MOST_REPORTED:
                return
            key = _key(str(row.get("request_id", "")), str(row.get("update_type", "")))
            if key not in known:
                known[key] = None
                known.move_to_end(key, last=False)


def version_mark(version: str) -> bytes:
    """What stands for a version in an id: two bytes, to tell a version that was edited later from a wrong one."""
    return hashlib.sha256(version.encode("utf-8", "surrogatepass")).digest()[:_MARK_BYTES]


def _key(request_id: str, update_type: str) -> bytes:
    text = f"{request_id}\0{update_type}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()


def _text(whole: bytes) -> str:
    return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()


def _number(value: int) -> bytes:
    """A whole number in as few bytes as it takes: seven bits in each, the highest bit says that more follow."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _offers(data: bytes) -> Iterable[tuple[int, bytes]]:
    place = 0
    while place < len(data):
        value = shift = 0
        while data[place] & 0x80:
            value |= (data[place] & 0x7F) << shift
            shift += 7
            place += 1
        value |= data[place] << shift
        place += 1
        yield value, data[place : place + _MARK_BYTES]
        place += _MARK_BYTES
