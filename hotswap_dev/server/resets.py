"""TCP resets: the end of a connection that its other side sees as an error, not as an end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct

_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""`struct linger`, on and 0 s: closing throws away what is unsent, and sends an RST in place of a FIN (socket(7))."""


def reset_now(transport: asyncio.Transport) -> None:
    """Reset a connection (TCP RST); what was not sent yet never is."""
    close_by_reset(transport)
    transport.abort()


def close_by_reset(transport: asyncio.Transport) -> None:
    """Have a connection reset whenever it is closed from now on, by whomever."""
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
