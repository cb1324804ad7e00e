"""When a dashboard under test is at rest.

Textual's pilot waits until the process has used little time for 20 ms; here it waits until the event loop has nothing
left to do, which is exact, and a key takes 30 ms instead of 200.
"""

from __future__ import annotations

import asyncio
from typing import Any

_STILL = 3
"""Turns of the loop in which nobody had anything to do."""


async def nothing_is_ready(*_: float) -> None:
    """Return once the event loop has run all that was ready, and that made nothing else ready."""
    loop: Any = asyncio.get_running_loop()
    still = 0
    while still < _STILL:
        await asyncio.sleep(0)
        still = 0 if loop._ready else still + 1
