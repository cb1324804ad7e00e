"""A release explained: who is offered it, who has it, who is not offered it and why."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from hotswap_dev.dashboard.details.figures import counted
from hotswap_dev.dashboard.selectors.deciding import decided
from hotswap_dev.dashboard.selectors.figures import channel_of, name_of, seen_last_first, several
from hotswap_dev.dashboard.selectors.passed import passed_words
from hotswap_dev.dashboard.selectors.releases import newest_offered_of
from hotswap_dev.dashboard.selectors.sections import Section
from hotswap_dev.dashboard.selectors.way import held_back
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.policy import Offer
from hotswap_dev.domain.preview import next_check
from hotswap_dev.domain.text import shown

MOST_ASKED = 300
"""Clients that are asked for: those seen last."""

_MOST_DECISIONS = 40
"""Different questions that are decided: each may pass over fifty releases, and a key must not wait for it."""


def release_sections(release: Release, view: View) -> list[Section]:
    """WHO is offered a release, who is not, and what becomes of it."""
    offered: list[str] = []
    has: list[str] = []
    others: dict[str, list[str]] = {}
    asked = _asked(view)
    for client, words in _standings(release, asked, view):
        name = name_of(client.id, view)
        if words == _OFFERED:
            offered.append(name)
        elif words == _HAS:
            has.append(name)
        else:
            others.setdefault(words, []).append(name)
    more = len(view.clients) - len(asked)
    return [
        Section("WHO", _who(release, offered, has, len(asked), more)),
        Section(
            "",
            "Not offered: " + " · ".join(f"{several(names, 2)}: {words}" for words, names in others.items()),
            dear=1,
        )
        if others
        else Section("", ""),
        _next(release, view),
    ]


_OFFERED = "offered"
_HAS = "has"
_UNREADABLE = "unreadable so far"


def _asked(view: View) -> list[Client]:
    return list(itertools.islice(seen_last_first(view), MOST_ASKED))


def _standings(release: Release, clients: list[Client], view: View) -> list[tuple[Client, str]]:
    """Each client with how it stands to a release; equal questions are decided once."""
    controls = view.controls
    own = {*controls.pins, *(forced.client for forced in controls.forced)}
    known: dict[tuple[object, ...], str] = {}
    found: list[tuple[Client, str]] = []
    for client in clients:
        if client.sequence == release.sequence:
            found.append((client, _HAS))
            continue
        if channel_of(client) != release.channel:
            found.append((client, f"on {shown(channel_of(client))}"))
            continue
        if client.sequence is not None and client.sequence > release.sequence:
            found.append((client, "past it"))
            continue
        check = next_check(client)
        if check is None:
            found.append((client, _UNREADABLE))
            continue
        question = (
            client.id if client.id in own else None,
            check.sequence,
            check.binary_version,
            check.platform,
            check.arch,
            check.channel,
        )
        if question not in known:
            if len(known) >= _MOST_DECISIONS:
                continue
            known[question] = _standing(release, check, view)
        found.append((client, known[question]))
    return found


def _standing(release: Release, check: Check, view: View) -> str:
    found = decided(check, None, view)
    if found is None:
        return _UNREADABLE
    decision = found.decision
    answer = decision.answer
    if isinstance(answer, Offer):
        if answer.release.sequence == release.sequence:
            return _OFFERED
        for one in decision.considered:
            if one.sequence == release.sequence:
                return passed_words(one.reason)
        return f"offered {answer.release.sequence} instead"
    for one in decision.considered:
        if one.sequence == release.sequence:
            return passed_words(one.reason)
    return _ANSWERED.get(decision.reason.code, shown(decision.reason.code))


_ANSWERED: Mapping[str, str] = {
    "forced-204": "told no update",
    "channel-paused": "paused",
    "pinned": "pinned elsewhere",
}


def _who(release: Release, offered: list[str], has: list[str], asked: int, more: int) -> str:
    number = release.sequence
    if not asked:
        return "No client has checked yet."
    said = (
        f"{number} is offered to {len(offered)} of {counted(asked, 'client')}: {several(offered)}."
        if offered
        else f"{number} is offered to none of {counted(asked, 'client')}."
    )
    if has:
        said += f" {several(has)} {'has' if len(has) == 1 else 'have'} it."
    return said + (f" (Of {more} more, seen before these, nothing is said.)" if more > 0 else "")


def _next(release: Release, view: View) -> Section:
    number, held = release.sequence, held_back(release, view.controls)
    channel = shown(release.channel)
    if held == "withheld":
        return Section(
            "NEXT", f"Nobody is offered {number} until it is back.", f"hotswap-dev restore {number}"
        )
    if held == "bundle gone":
        return Section(
            "NEXT",
            f"Its bundle was pruned: {number} can't be offered again. A new build can be published.",
            f"hotswap-dev publish --channel {release.channel}",
        )
    if held == "paused":
        return Section(
            "NEXT",
            f"Whoever asks for {channel} is offered nothing until it is resumed.",
            f"hotswap-dev resume-channel {release.channel}",
        )
    newest = newest_offered_of(release, view.controls)
    if newest == number:
        return Section(
            "NEXT",
            f"Whoever asks for {channel} with less than {number}, and may run it, is offered it.",
            f"hotswap-dev withhold {number}",
        )
    return Section(
        "NEXT",
        f"{newest} is newer and offered in its place; offered again, {number} takes the next sequence.",
        f"hotswap-dev reoffer {number}",
    )
