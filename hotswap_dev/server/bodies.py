"""The body of a request to the client site: all of it, within a size and a time (hardening C7, D3)."""

from __future__ import annotations

import asyncio

from aiohttp import ClientPayloadError, web

from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError


class TooLarge(HotswapError):
    """More than is read; 413."""

    status = 413


class NotPlain(HotswapError):
    """A body of a kind, or in an encoding, that is not read; 415."""

    status = 415


def demand_plain(request: web.Request) -> None:
    """NotPlain for a compressed body: none is ever unpacked, a small one may hold gigabytes (hardening D7)."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() not in ("identity", ""):
        raise NotPlain(
            f"the body has Content-Encoding: {shown(encoding)}; none is unpacked here",
            "send it as it is, without Content-Encoding",
            code="body-compressed",
        )


async def whole_body(request: web.Request, *, most: int, seconds: float, usual: str) -> bytes:
    """A request's body; HotswapError where it has more than `most` bytes, takes longer than `seconds`, or breaks off.

    `usual` says how much such a body usually has.
    """
    too_large = TooLarge(f"the body has more than {most} bytes", usual, code="body-too-large")
    if (request.content_length or 0) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while piece := await request.content.readany():
                body += piece
                if len(body) > most:
                    raise too_large
    except TimeoutError:
        raise HotswapError(
            f"the body did not arrive within {seconds:g} s", "send it at once", code="body-too-slow"
        ) from None
    except (web.RequestPayloadError, ClientPayloadError) as error:
        raise HotswapError(
            f"the body can't be read: {shown(str(error))}",
            "send it with its Content-Length",
            code="bad-body",
        ) from None
    return bytes(body)
