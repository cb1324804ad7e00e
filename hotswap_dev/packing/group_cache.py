"""Groups of files that were deflated before, found again by what is in them."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from hotswap_dev.packing.packed import PackedFile, Segment


class GroupFacts(NamedTuple):
    """What is known of a group without its bytes."""

    key: bytes  # SHA-256 of its listing
    files: tuple[PackedFile, ...]
    listing: bytes  # its part of what the tree's hash is made over
    segment: Segment


class Group(NamedTuple):
    """A group ready to be written."""

    facts: GroupFacts
    blocks: tuple[bytes, ...]  # deflated, in order; none where they were too many to hold


_FEWEST_KEPT = 256


class GroupCache:
    """Keeps up to `memory` bytes of groups, the longest unused leaving first.

    What the running pack has used stays: a tree larger than the memory would otherwise push its own groups out
    before their turn comes again, and nothing would ever be found.
    """

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._groups: OrderedDict[bytes, Group] = OrderedDict()  # the longest unused first
        self._in_use: set[bytes] = set()
        self._held = 0

    def begin(self) -> None:
        """A pack begins: nothing is in use, and of what the last one did not use only as much is kept again.

        A day of saves in a small tree would otherwise keep every state that it ever had.
        """
        while len(self._groups) > max(_FEWEST_KEPT, 2 * len(self._in_use)):
            _, group = self._groups.popitem(last=False)
            self._held -= _cost(group.facts)
        self._in_use.clear()

    def get(self, key: bytes) -> Group | None:
        """The group with this content. Any thread may ask."""
        return self._groups.get(key)

    def use(self, group: Group) -> bool:
        """Say that the running pack writes `group`, and keep it if there is room. True if it was here before."""
        key = group.facts.key
        self._in_use.add(key)
        if key in self._groups:
            self._groups.move_to_end(key)
            return True
        if group.blocks and self.make_room(_cost(group.facts)):
            self._groups[key] = group
            self._held += _cost(group.facts)
        return False

    def make_room(self, cost: int) -> bool:
        """Let groups go until `cost` bytes fit; False where too much is in use."""
        while self._held + cost > self._memory:
            oldest = next(iter(self._groups), None)
            if oldest is None or oldest in self._in_use:
                return False
            self._held -= _cost(self._groups.pop(oldest).facts)
        return True

    def clear(self) -> None:
        """Forget all."""
        self._groups.clear()
        self._in_use.clear()
        self._held = 0


def _cost(facts: GroupFacts) -> int:
    return facts.segment.size + len(facts.listing)
