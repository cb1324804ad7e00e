"""The control site, as a program on this machine calls it: given its address and token, blocking, one call at a time.

`http.client` and no more: a `status` should be there before an HTTP library is imported.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from hotswap_dev import wire
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError, Unreachable

_SECONDS = 30
_BUILD_SECONDS = 600
_LONGEST_TEXT = 2000
_ANSWERED = ("application/json", "application/x-ndjson")
"""What the control site answers; another program may have its port by now."""

_START_AGAIN = "start it again, as it was started: hotswap-dev serve [DIST]"
_SENT_AS_IT_IS = "!#$%&'()*+,/:;=?@[]~"
"""What a path that a person typed may hold of RFC 3986's own characters; all others are percent-encoded."""


class ServerRefused(HotswapError):
    """The server answered with a problem; `status` is its HTTP status."""

    def __init__(self, problem: Mapping[str, wire.Json], status: int) -> None:
        super().__init__(
            _told(problem.get("detail", f"the server answered {status}")),
            _told(problem.get("hint", "")),
            code=_told(problem.get("title", "error")),
        )
        self.status = status


@dataclass(frozen=True, slots=True)
class ControlClient:
    """A running server's control site.

    Unreachable where it is gone or something else has its place, ServerRefused where it says no.
    """

    address: str
    token: str

    def get(
        self, path: str, *, seconds: float = _SECONDS, **query: str | int | Sequence[str] | None
    ) -> wire.Json:
        """What a GET answers, decoded; `query` without the values that are None, several ones as often."""
        given = {name: value for name, value in query.items() if value is not None}
        asked = "?" + urlencode(given, doseq=True) if given else ""
        return self._decoded(self.request("GET", path + asked, seconds=seconds))

    def command(self, name: str, arguments: Mapping[str, wire.Json], *, dry_run: bool = False) -> wire.Json:
        """Have a command of the registry done; answers when it is, which for a build may take minutes.

        A dry run answers what it would come to, and nothing is done.
        """
        path = f"/api/commands/{name}" + ("?dry_run=1" if dry_run else "")
        return self._decoded(self.request("POST", path, wire.encode(dict(arguments)), _BUILD_SECONDS))

    def request(self, method: str, path: str, body: bytes | None = None, seconds: float = _SECONDS) -> bytes:
        """The body of an answer, as it came."""
        with self._open(method, path, body, seconds) as response:
            return response.read()

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of a stream that never ends by itself, blank ones too. Ends when the server does."""
        # The server sends a blank line every 10 s; three missing ones are a server that is gone.
        with self._open("GET", path, None, 3 * 10) as response:
            while line := response.readline():
                yield line.rstrip(b"\n")

    @contextmanager
    def _open(
        self, method: str, path: str, body: bytes | None, seconds: float
    ) -> Iterator[http.client.HTTPResponse]:
        if not path.startswith("/"):
            path = f"/{path}"
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with closing(connection):
            try:
                connection.request(method, quote(path, safe=_SENT_AS_IT_IS), body=body, headers=headers)
                with connection.getresponse() as response:
                    if response.status >= 400:
                        raise ServerRefused(_problem(response.read()), response.status)
                    kind = response.headers.get_content_type()
                    if response.status >= 300 or kind not in _ANSWERED:
                        raise self._not_ours(f"it says {response.status} with {kind}")
                    yield response
            except (OSError, http.client.IncompleteRead) as error:
                raise Unreachable(
                    f"the server at {self.address} does not answer: {_told(error)}", _START_AGAIN
                ) from None
            except http.client.HTTPException as error:
                raise self._not_ours(f"it speaks no HTTP, {error!r}") from None

    def _decoded(self, body: bytes) -> wire.Json:
        try:
            return wire.decode(body)
        except (ValueError, RecursionError) as error:
            raise self._not_ours(f"what it says is no JSON, {error}") from None

    def _not_ours(self, why: str) -> Unreachable:
        return Unreachable(f"something else answers at {self.address}: {_told(why)}", _START_AGAIN)


def _told(found: object) -> str:
    """What came from who knows where, as it may stand on a terminal (hardening C3)."""
    return shown(str(found), _LONGEST_TEXT)


def _problem(body: bytes) -> Mapping[str, wire.Json]:
    try:
        found = wire.decode(body)
    except (ValueError, RecursionError):
        return {"detail": shown(body.decode(errors="replace"), 500)}
    return found if isinstance(found, dict) else {}
