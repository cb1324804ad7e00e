"""Which planned client is played by whom, where several processes share one plan; and what they know of bundles."""

from __future__ import annotations

import hashlib
import heapq

from msgspec.structs import replace

from hotswap_dev.client.updating.archive import entries
from hotswap_dev.client.updating.signature import refusal
from hotswap_dev.client.updating.storage import Listing, listed
from hotswap_dev.domain.plugin import Extract, Verify
from hotswap_dev.fleet.page import starts
from hotswap_dev.fleet.plan import Crew, Phone, planned


class Places:
    """The numbers of one process's clients: of `every` processes the one at `index` has each `every`-th.

    So all of them together play the plan that one alone would, nobody twice. A process that was not expected (`index`
    is not below `every`) has a plan of its own, of other ids.
    """

    def __init__(self, crew: Crew, seed: int, *, index: int = 0, every: int = 1) -> None:
        self._seed = seed
        self._crew = crew
        self._next, self._every = index, max(1, every)
        if index >= self._every:
            self._crew = replace(crew, group=f"{crew.group}-w{index}")
            self._next, self._every = 0, 1
        self._free: list[int] = []
        self._plans: dict[int, tuple[Phone, ...]] = {}

    def taken(self) -> int:
        """A number that nobody plays: one that was left, the lowest first, else the next."""
        if self._free:
            return heapq.heappop(self._free)
        number, self._next = self._next, self._next + self._every
        return number

    def left(self, number: int) -> None:
        """Nobody plays it any more."""
        heapq.heappush(self._free, number)

    def phone(self, number: int) -> Phone:
        """Who that is. Beyond the plan is another one of the same kind: there may be more than were planned."""
        again, place = divmod(number, self._crew.count)
        if again not in self._plans:
            group = self._crew.group if again == 0 else f"{self._crew.group}-{again + 1}"
            self._plans[again] = planned((replace(self._crew, group=group),), self._seed)
        return self._plans[again][place]


class SeenBundles:
    """What is inside of bundles, found out once for each content; `client.updating.bundles` without an event loop."""

    def __init__(self) -> None:
        self._refused: dict[tuple[bytes, str, str], str | None] = {}
        self._inside: dict[tuple[bytes, str], Listing] = {}

    @property
    def verified(self) -> int:
        """How many signatures were verified in full."""
        return len(self._refused)

    def refusal(self, act: Verify) -> str | None:
        """As `signature.refusal`: None where the signature fits, else why not."""
        key = (hashlib.sha256(act.bundle).digest(), act.signature, act.pubkey)
        if key not in self._refused:
            self._refused[key] = refusal(act.bundle, act.signature, act.pubkey)
        return self._refused[key]

    def listing(self, act: Extract) -> Listing:
        """What comes of extracting it into memory, and whether its page starts."""
        key = (hashlib.sha256(act.bundle).digest(), act.format)
        if key not in self._inside:
            self._inside[key] = listed(entries(act.bundle, act.format), starts)
        return self._inside[key]
