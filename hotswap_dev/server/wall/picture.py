"""What the wall shows at a moment: a phone for each client, and how far each channel's newest release has come.

Pure but for the counting, which lets answers go on in between. Every text in it is made harmless, and is for a page
that takes it as text.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from hotswap_dev.domain.adoption import Adoption, Counting
from hotswap_dev.domain.clients import Client, in_loop, label_sentence, runs_again
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Release
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import next_check
from hotswap_dev.domain.text import shown

MOST_PHONES = 60
"""Frames on a wall: each is a page that runs."""

_MOST_CHANNELS = 2
_AT_A_TIME = 200
_LONGEST_NAME = 60
_LONGEST_SENTENCE = 600

Tone = Literal["good", "fine", "plain", "odd", "bad"]
"""How well a phone is: confirmed, running, nothing to say, strange, failed or fallen back."""

Standing = Literal["confirmed", "newest", "due", "outside", "held"]
"""Where a phone is on the newest release's way: it runs it and confirmed it, it runs it, it is offered it, its rollout
has not come to it, or something else keeps it where it is. Whoever is `bad` by its tone is that before all."""

Kind = Literal["page", "embedded", "gone", "unknown"]
"""What its frame shows: a release's page, or words: the page in the binary, a bundle that was pruned, a sequence that
this server never gave out."""


class Phone(Struct, frozen=True, kw_only=True):
    """One client as the wall shows it."""

    id: str
    name: str
    platform: str
    sequence: str
    """Digits, since a script can't hold every u64; empty where no check of it could be read."""
    kind: Kind
    page: str | None
    """Where its page is, of kind `page`."""
    tone: Tone
    words: str
    detail: str
    """Which sequence the words are about, where that is not the one that runs."""
    standing: Standing
    standing_words: str
    sentence: str


class Line(Struct, frozen=True, kw_only=True):
    """A channel's newest release, and how many came how far with it."""

    channel: str
    sequence: str
    version: str
    percent: float
    paused: bool
    clients: int
    running: int
    confirmed: int
    failed: int
    fell_back: int


class Picture(Struct, frozen=True, kw_only=True):
    """The whole wall. `more` are the clients that have no phone on it."""

    app: str
    lines: tuple[Line, ...]
    phones: tuple[Phone, ...]
    more: int


async def take_picture(
    app: str, controls: Controls, clients: Sequence[Client], now: datetime, page_of: Callable[[int], str]
) -> Picture:
    """The wall as it is now. `page_of` says where a release's page is.

    The phones are those that were seen first, in that order: each keeps its place for good. One that moved would load
    its page anew, and nobody can watch a phone that changes places.
    """
    placed = heapq.nsmallest(MOST_PHONES, clients, key=lambda client: (client.first_seen, client.id))
    return Picture(
        app=shown(app, _LONGEST_NAME),
        lines=await _lines(controls, clients),
        phones=tuple(phone(controls, client, now, page_of) for client in placed),
        more=len(clients) - len(placed),
    )


def phone(controls: Controls, client: Client, now: datetime, page_of: Callable[[int], str]) -> Phone:
    """A client as it stands."""
    kind = _kind(controls, client.sequence)
    tone, words, detail = _label(client)
    standing, standing_words = _standing(controls, client, now)
    return Phone(
        id=client.id,
        name=shown(controls.names.get(client.id) or client.id, _LONGEST_NAME),
        platform=shown(client.platform or "", 20),
        sequence="" if client.sequence is None else str(client.sequence),
        kind=kind,
        page=page_of(client.sequence) if kind == "page" and client.sequence is not None else None,
        tone=tone,
        words=words,
        detail=detail,
        standing=standing,
        standing_words=standing_words,
        sentence=shown(label_sentence(client), _LONGEST_SENTENCE),
    )


def newest_of(controls: Controls, channel: str) -> Release | None:
    """The release that a channel's rollout is about: its newest that is neither withheld nor poisoned."""
    found = controls.channels.get(channel)
    releases = (controls.releases[sequence] for sequence in (() if found is None else found.releases))
    return next((one for one in releases if not one.withheld and one.origin != "poisoned"), None)


async def _lines(controls: Controls, clients: Sequence[Client]) -> tuple[Line, ...]:
    asked = Counter[str]()
    for begin in range(0, len(clients), _AT_A_TIME):
        asked.update(one.channel or DEFAULT_CHANNEL for one in clients[begin : begin + _AT_A_TIME])
        await asyncio.sleep(0)
    if not asked:
        asked[controls.build_channel] = 0
    wanted = [
        release
        for channel, _ in asked.most_common(_MOST_CHANNELS)
        if (release := newest_of(controls, channel)) is not None
    ]
    counting = Counting(wanted)
    for begin in range(0, len(clients), _AT_A_TIME):
        counting.add(clients[begin : begin + _AT_A_TIME])
        await asyncio.sleep(0)
    counted = counting.counted()
    return tuple(_line(controls, release, counted[release.sequence]) for release in wanted)


def _line(controls: Controls, release: Release, came: Adoption) -> Line:
    return Line(
        channel=shown(release.channel, _LONGEST_NAME),
        sequence=str(release.sequence),
        version=shown(release.version, _LONGEST_NAME),
        percent=release.percent,
        paused=controls.channels[release.channel].paused,
        clients=came.clients,
        running=came.running - came.again,  # who gave it up before is no good news
        confirmed=came.confirmed,
        failed=came.failed,
        fell_back=came.fallen,
    )


def _kind(controls: Controls, sequence: int | None) -> Kind:
    if sequence is None:
        return "unknown"
    if sequence == 0:
        return "embedded"
    release = controls.releases.get(sequence)
    if release is None:
        return "unknown"
    return "page" if controls.has_bytes(release) else "gone"


def _label(client: Client) -> tuple[Tone, str, str]:
    """How well it is, a word or two for it, and what that is about."""
    turn = client.label
    if turn is None:
        return "plain", "no check yet", ""
    if in_loop(client):
        gave_up, times = turn.args.get("gave_up", client.fell_from), turn.args.get("times", client.falls)
        return "bad", "rollback loop", f"from {gave_up}, ×{times}"  # noqa: RUF001
    if runs_again(client):
        return "bad", "applied again", f"fell from {client.fell_from}"
    tone, words, about = _LABELS.get(turn.code, ("plain", turn.code, ""))
    detail = ""
    if about in turn.args:
        detail = f"{_ABOUT[about]} {turn.args[about]}"
    return tone, shown(words, _LONGEST_NAME), shown(detail, _LONGEST_NAME)


_LABELS: Mapping[str, tuple[Tone, str, str]] = {
    "embedded": ("plain", "embedded", ""),
    "running": ("fine", "running", ""),
    "applied": ("fine", "applied", ""),
    "completed": ("fine", "installed", ""),
    "confirmed": ("good", "confirmed", ""),
    "failed": ("bad", "failed", "of"),
    "not-activated": ("bad", "not activated", "fetched"),
    "rolled-back": ("bad", "fell back", "gave_up"),
    "rollback-loop": ("bad", "rollback loop", "gave_up"),
    "discarded": ("bad", "discarded", "gave_up"),
    "upgraded": ("plain", "upgraded", ""),
    "downgraded": ("odd", "older binary", ""),
    "ahead": ("odd", "ahead", ""),
    "shared-id": ("odd", "shared id?", ""),
}
"""A label's code: its tone, its words, and which of its values is a sequence that it is about."""

_ABOUT = {"of": "on", "fetched": "fetched", "gave_up": "from"}


def _standing(controls: Controls, client: Client, now: datetime) -> tuple[Standing, str]:
    """By what it would be answered now, so that the wall never says other than the server does."""
    newest = newest_of(controls, client.channel or DEFAULT_CHANNEL)
    check = next_check(client)
    if newest is not None and client.sequence == newest.sequence:
        return ("confirmed" if client.confirmed == newest.sequence else "newest"), "newest"
    if newest is None or check is None:
        return "held", ""
    decision = decide(controls, check, now)
    if decision.offered is not None:
        return "due", f"offered {decision.offered.sequence}"
    if decision.reason.code == "not-in-rollout":
        return "outside", f"outside {newest.percent:g} %"
    return "held", decision.reason.code.replace("-", " ")
