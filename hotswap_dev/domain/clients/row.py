"""A client's row: what is kept of it, and how much of that at most."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeVar

from msgspec import Struct

from hotswap_dev.domain.labels import Turn
from hotswap_dev.domain.model import Protocol

MAX_TURNS = 8
_MAX_KEPT = 4  # offers, and downloads that were not reported: one of each is usual

MixedOf = Literal["peer", "binary-version", "sequence"]
K = TypeVar("K")


class Formerly(Struct, frozen=True):
    """What a client was before, and until when."""

    value: str
    until: datetime


class Mixed(Struct, frozen=True, kw_only=True):
    """Two under one id: it was one thing, then another, then the first again, at once or without a download."""

    of: MixedOf
    one: str
    other: str
    at: datetime


class Client(Struct, frozen=True, kw_only=True):
    """What is known of one client: what it said last, what it was told, what it fetched, and what that proves."""

    id: str
    first_seen: datetime
    last_seen: datetime
    peer: str
    checks: int = 0
    platform: str | None = None
    arch: str | None = None
    binary_version: str | None = None
    channel: str | None = None
    sequence: int | None = None
    headers: dict[str, str] = {}
    """What it sent of the headers that were demanded of it: lower-case name to the value's digest."""
    protocol: Protocol = "hotswap"
    offered: int | None = None
    fetched: int | None = None
    """The highest sequence whose bundle it downloaded whole."""
    status: int | None = None
    reason: str | None = None
    label: Turn | None = None
    """What its check-ins and reports prove; None as long as no check of it could be read."""
    story: tuple[Turn, ...] = ()
    """Its last turns, oldest first, at most 8."""
    minimum: str | None = None
    """The `min_binary_version` that it was told of the sequence that it reports; None where that was not here."""
    told: dict[int, str] = {}
    """That of its last offers, at most 4: sequence to minimum."""
    unreported: dict[int, int] = {}
    """What it downloaded whole and has not reported since, and how often, newest last, at most 4."""
    fetched_since: bool = False
    """Whether a whole download ended since its last check."""
    broken: int | None = None
    """The sequence whose download broke off, if that was its last one."""
    shut_out: int | None = None
    """The sequence whose download was denied for want of the header that its channel demands, if that was its last."""
    fell_from: int | None = None
    """The sequence that it last gave up for a lower one."""
    falls: int = 0
    """How often it gave that up, one time after the other."""
    confirmed: int | None = None
    """The sequence that it last reported as confirmed, as long as nothing shows that it gave it up."""
    interrupted: Turn | None = None
    """Its label before its last check failed, as it reported; None once it checks again."""
    peer_before: Formerly | None = None
    binary_before: Formerly | None = None
    mixed: Mixed | None = None


def told_on(story: tuple[Turn, ...], turn: Turn) -> tuple[Turn, ...]:
    """The story with one more turn; one that only happens once more takes the place of the last."""
    if story and story[-1].code == turn.code and _same(story[-1].args, turn.args):
        story = story[:-1]
    return (*story, turn)[-MAX_TURNS:]


def _same(args: dict[str, str | int], others: dict[str, str | int]) -> bool:
    return all(others.get(name) == value for name, value in args.items() if name != "times")


def newest(table: dict[int, K]) -> dict[int, K]:
    """The entries that came last, as many as are kept."""
    return dict(list(table.items())[-_MAX_KEPT:])


def without(table: dict[int, K], key: int) -> dict[int, K]:
    """The table without one of its entries."""
    return {one: value for one, value in table.items() if one != key}
