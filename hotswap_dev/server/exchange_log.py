"""The newest exchanges of checks, whole: what a client sent, header for header, and what it was told.

They are kept as the objects that answering made, and made into text when somebody reads one: to remember an exchange
costs an answer one append. What they may hold is bounded by number and by size (hardening C7).
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from sys import getsizeof
from typing import NamedTuple

from aiohttp import web
from aiohttp.http import SERVER_SOFTWARE

from hotswap_dev import wire
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.domain.text import shown
from hotswap_dev.server.questions import HIDDEN, masked

EXCHANGES = 2_000
"""Kept of one run at the most; of each at most 4,096 characters of headers and 2,000 of its target."""

MOST_BYTES = 8 * 1024 * 1024
"""What all of them may hold, as `sys.getsizeof` has it; where they would hold more, the oldest go."""

_SHOWN = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "date",
        "host",
        "origin",
        "pragma",
        "server",
        "user-agent",
    }
)
_SHOWN_PREFIXES = ("content-", "x-hotswap-", "sec-fetch-")

_MOST_HEADERS = 32
_MOST_CHARACTERS = 4096
_LONGEST_TARGET = 2000
_LONGEST_BODY = 64 * 1024
_OBJECTS = 1_600
"""Bytes of what an exchange consists of apart from its texts: measured, and rounded up."""

_Sent = Mapping[str, str] | tuple[tuple[str, str], ...]
_Kept = tuple[CheckAnswered, str, str, _Sent, Mapping[str, str], bytes, int]


class _Exchange(NamedTuple):
    """Everything of an exchange as it was at hand when it was answered; in the ring without these names."""

    answered: CheckAnswered
    method: str
    target: str
    headers: _Sent
    answer_headers: Mapping[str, str]
    body: bytes
    size: int


class ExchangeLog:
    """The newest exchanges. `id_header` is the header whose value is a client's identity, and no secret.

    What is demanded as a credential (`hide`) is hidden whatever it is called.
    """

    def __init__(self, id_header: str = "X-Device-Id") -> None:
        self._shown = _SHOWN | {id_header.lower()}
        self._demanded: Callable[[], Collection[str]] = tuple
        self._hidden: set[str] = set()
        self._ring: deque[_Kept] = deque()
        self._held = 0

    def hide(self, demanded: Callable[[], Collection[str]]) -> None:
        """Show no value of these headers, given in lower case: it is asked anew for each exchange that is kept or read,
        and what was demanded once stays hidden for as long as this log is kept.
        """
        self._demanded = demanded

    def keep(
        self,
        answered: CheckAnswered,
        request: web.BaseRequest,
        answer_headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Remember an exchange. It runs on the way of every answer, and renders nothing.

        `answer_headers` are those of `head_of`, without what depends on the body and the moment; or those of a
        response, which has all of them once it is sent.
        """
        if demanded := self._demanded():
            self._hidden.update(demanded)
        sent = request.headers
        headers: _Sent = sent
        texts = sum(map(len, sent)) + sum(map(getsizeof, sent.values()))
        if len(sent) > _MOST_HEADERS or texts > _MOST_CHARACTERS:  # in bytes more than in characters
            headers = tuple(_bounded(sent.items()))
            texts = sum(map(getsizeof, itertools.chain(*headers)))
        target = request.raw_path
        if len(target) > _LONGEST_TARGET:
            target = target[: _LONGEST_TARGET + 1]
        size = _OBJECTS + texts + len(target) + len(body)
        kept = (answered, request.method, target, headers, answer_headers, body, size)
        ring = self._ring
        ring.append(kept)
        self._held += size
        while self._held > MOST_BYTES or len(ring) > EXCHANGES:
            self._held -= ring.popleft()[-1]

    def find(self, client: str, at: datetime) -> Mapping[str, wire.Json] | None:
        """The exchange of this client's check of that moment (its `check-answered` has both), rendered.

        None where it has left the ring, or was of another run. Every text is as `text.shown` makes it.
        """
        for kept in reversed(self._ring):
            if kept[0].at == at and kept[0].client == client:
                return self._rendered(_Exchange(*kept))
        return None

    def _rendered(self, one: _Exchange) -> Mapping[str, wire.Json]:
        self._hidden.update(self._demanded())
        answered = one.answered
        sent = one.headers if isinstance(one.headers, tuple) else _bounded(one.headers.items())
        return {
            "at": answered.at,
            "client": answered.client,
            "peer": shown(answered.peer),
            "method": shown(one.method),
            "target": shown(masked(one.target), _LONGEST_TARGET),
            "headers": [
                [shown(str(name)), shown(value, _MOST_CHARACTERS) if self._may_show(name) else HIDDEN]
                for name, value in sent
            ],
            "status": answered.status,
            "answer_headers": [[str(name), value] for name, value in _answer_headers(one)],
            "body": shown(one.body.decode("utf-8", "replace"), _LONGEST_BODY) if one.body else None,
            "duration_ms": answered.duration_ms,
        }

    def _may_show(self, name: str) -> bool:
        lower = name.lower()
        if lower in self._hidden:
            return False
        return lower in self._shown or lower.startswith(_SHOWN_PREFIXES)


def _bounded(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The first headers, as many characters of them as are kept; what is cut ends with `…` when it is shown."""
    left = _MOST_CHARACTERS
    for number, (name, value) in enumerate(headers):
        if number == _MOST_HEADERS or len(name) > left:
            return
        left -= len(name)
        yield name, value if len(value) <= left else f"{value[:left]}…"
        left -= min(len(value), left)


def _answer_headers(one: _Exchange) -> Iterator[tuple[str, str]]:
    """As they went out. Of an answer in one piece (`whole_answer`) the date is that of the check's own second."""
    yield from one.answer_headers.items()
    if "Date" in one.answer_headers:
        return
    yield "Server", SERVER_SOFTWARE
    if one.answered.status != 204:
        yield "Content-Length", str(len(one.body))
    yield "Date", formatdate(one.answered.at.astimezone(UTC).timestamp(), usegmt=True)
