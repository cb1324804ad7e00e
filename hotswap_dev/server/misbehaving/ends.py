"""What a connection is made to do on purpose: silence, an end without a word, a reset.

Each of these ends at once where the client leaves, with a ConnectionResetError, so that nothing of a fault outlives
the one whom it is for.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import sys
from typing import NoReturn

from aiohttp import web

from hotswap_dev.server.connections import Connection
from hotswap_dev.server.resets import reset_now

_LEFT = "the client left"

_LAST_LOOK = 1.0
"""Seconds that a client has to close its own side after ours: closing over what it still sends would be a reset."""

_ACKNOWLEDGED_EVERY = 0.005
_SURELY_ARRIVED = 0.2
"""Seconds until what was sent counts as arrived, on systems that don't tell."""


async def silence(request: web.BaseRequest, seconds: float) -> None:
    """Say nothing for so long; ConnectionResetError as soon as the client leaves."""
    _transport(request)
    left = asyncio.Event()
    with contextlib.ExitStack() as stack:
        if isinstance(request.protocol, Connection):
            stack.enter_context(request.protocol.told_when_lost(left.set))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await left.wait()
    _transport(request)


async def close(request: web.BaseRequest) -> NoReturn:
    """Close our side (TCP FIN) behind what was written; always ends in a ConnectionResetError."""
    transport = _transport(request)
    try:
        transport.write_eof()
    except OSError:
        raise ConnectionResetError(_LEFT) from None
    await silence(request, _LAST_LOOK)
    transport.abort()
    raise ConnectionResetError("closed on purpose")


async def reset(request: web.BaseRequest) -> NoReturn:
    """Reset the connection (TCP RST) once all that was written arrived; always ends in a ConnectionResetError.

    A reset throws away what is still to be sent, so it waits until the client's system has acknowledged all of it.
    """
    transport = _transport(request)
    opened = transport.get_extra_info("socket")
    if _unacknowledged(opened.fileno()) is None:
        await silence(request, _SURELY_ARRIVED)
    while transport.get_write_buffer_size() or _unacknowledged(opened.fileno()):
        await silence(request, _ACKNOWLEDGED_EVERY)
    reset_now(transport)
    raise ConnectionResetError("reset on purpose")


def _transport(request: web.BaseRequest) -> asyncio.Transport:
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError(_LEFT)
    return transport


def _unacknowledged(file: int) -> int | None:
    """Bytes that were handed to the system and not acknowledged yet; None where it doesn't tell."""
    if sys.platform != "linux":
        return None
    import fcntl
    import termios

    # SIOCOUTQ of tcp(7), which has the number of TIOCOUTQ.
    return int(struct.unpack("i", fcntl.ioctl(file, termios.TIOCOUTQ, bytes(4)))[0])
