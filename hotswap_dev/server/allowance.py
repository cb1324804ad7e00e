"""How much an address may send into the history: reports are believed of anyone, so their number is bounded."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web

from hotswap_dev.domain.checks import is_loopback
from hotswap_dev.errors import HotswapError
from hotswap_dev.server.guard import problem

REPORTS_A_SECOND = 200
AT_ONCE = 1000
"""What an address may send beyond that rate before it is told to wait (429)."""

_ADDRESSES = 256


class TooMany(HotswapError):
    """More reports than an address may send; 429."""

    status = 429


class Allowance:
    """So many a second for each address, and a burst on top; the addresses asked about last are remembered.

    `clock` gives seconds that only rise.
    """

    def __init__(
        self,
        rate: float = REPORTS_A_SECOND,
        burst: int = AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, peer: str, count: int = 1) -> bool:
        """Whether this address may send so many more now; those are then used up, else none is."""
        address, now = "local" if is_loopback(peer) else peer, self._clock()
        left, since = self._left.pop(address, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._rate)
        may = left >= count
        self._left[address] = (left - count if may else left, now)
        if len(self._left) > _ADDRESSES:
            self._left.popitem(last=False)
        return may


def demand(allowance: Allowance, peer: str, count: int = 1) -> None:
    """Use up so many of what an address may send; TooMany where fewer are left."""
    if not allowance.take(peer, count):
        raise TooMany(
            f"{peer} sends more than {REPORTS_A_SECOND} reports a second",
            "report what happens, not how far it is",
            code="too-many-reports",
        )


def told_to_wait(error: TooMany) -> web.Response:
    """The 429, and when to try again (RFC 9110, section 10.2.3)."""
    response = problem(error)
    response.headers["Retry-After"] = "1"
    return response
