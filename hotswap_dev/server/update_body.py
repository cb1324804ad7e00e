"""The document in a request of the second protocol: JSON as the body itself, or in a field of a form.

The contract says "an HTTP form POST with a JSON document" and names no field. Clients call either kind what they like
(`curl -d` sends JSON as a form), so that what a body is decides more than what it is called.
"""

from __future__ import annotations

import email.message
from collections.abc import Iterator
from urllib.parse import parse_qsl

from aiohttp import web

from hotswap_dev import wire
from hotswap_dev.domain.checks import BadCheck
from hotswap_dev.domain.text import shown
from hotswap_dev.domain.updates import bad
from hotswap_dev.server.bodies import demand_plain, whole_body

MAX_BODY = 64 * 1024
"""Bytes."""

BODY_SECONDS = 10.0
"""In which all of it has to arrive (hardening D3)."""

_EXPECTED = "a JSON object, or a form with one in a field"
_MOST_FIELDS = 100
_FORM = "application/x-www-form-urlencoded"


async def read_body(request: web.Request) -> bytes:
    """A request's body; HotswapError where it is compressed, too large, too slow, or broken."""
    demand_plain(request)
    return await whole_body(
        request, most=MAX_BODY, seconds=BODY_SECONDS, usual="a document has a few hundred"
    )


def document_of(body: bytes, content_type: str, *, example: str) -> wire.Json | BadCheck:
    """The document in a body; `example` is what the BadCheck of a body without one shows.

    `content_type` is the header's whole value. In a form the document is the only value that is a JSON object, or the
    only one at all.
    """
    kind, boundary = _kind(content_type)
    if kind == "multipart/form-data":
        return _only(_parts(body, boundary), body, example)
    try:
        return _json(body)
    except ValueError as error:
        if kind == _FORM:
            return _only(_fields(body), body, example)
        return bad("body", _beginning(body), f"{_EXPECTED} ({error})", example)


def refusal(read: BadCheck, what: str) -> bytes:
    """The problem body of a document that can't be answered; `what` is the document, in a word."""
    value = f"is {shown(read.value)}" if read.value else "is missing"
    return wire.encode(
        {
            "type": "urn:hotswap-dev:bad-request",
            "title": "bad-request",
            "status": 400,
            "detail": f"The {what}'s {read.parameter} {value}; expected is {read.expected}.",
            "parameter": read.parameter,
            "value": shown(read.value),
            "example": read.example,
        }
    )


def _only(fields: Iterator[bytes], body: bytes, example: str) -> wire.Json | BadCheck:
    objects = []
    for _, field in zip(range(_MOST_FIELDS), fields, strict=False):
        try:
            document = _json(field)
        except ValueError:
            continue
        if isinstance(document, dict):
            objects.append(document)
    if len(objects) == 1:
        return objects[0]
    if objects:
        return bad("body", f"a form with {len(objects)} JSON objects", "a form with one", example)
    return bad("body", _beginning(body), _EXPECTED, f"document={example}")


def _fields(body: bytes) -> Iterator[bytes]:
    """The values of a form; where a field has none its name, as `curl --data-urlencode` without a name sends it."""
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return
    for name, value in pairs:
        yield value or name


def _parts(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The contents of a multipart form's parts (RFC 7578); none nests, and no encoding but the plain one is read."""
    if not boundary:
        return
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        _, blank, content = part.partition(b"\r\n\r\n")
        if blank:
            yield content


def _json(text: bytes) -> wire.Json:
    try:
        return wire.decode(text.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _kind(content_type: str) -> tuple[str, bytes]:
    """A Content-Type's media type, and its boundary."""
    message = email.message.Message()
    message["Content-Type"] = content_type.encode("ascii", "replace").decode()
    boundary = message.get_param("boundary", "")
    return message.get_content_type(), boundary.encode() if isinstance(boundary, str) else b""


def _beginning(body: bytes) -> str:
    return body[:100].decode("utf-8", "replace")
