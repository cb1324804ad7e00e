"""A release explained: who is offered it, who has it, who is not offered it and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hotswap_dev.dashboard.details.figures import counted
from hotswap_dev.dashboard.details.rollout_text import rollout_long, targets_short
from hotswap_dev.dashboard.selectors.figures import channel_of, name_of, several
from hotswap_dev.dashboard.selectors.for_some import leaves_out, reach_of
from hotswap_dev.dashboard.selectors.offers import Standing, held_back, offers_now, whole_on
from hotswap_dev.dashboard.selectors.passed import passed_words
from hotswap_dev.dashboard.selectors.sections import Section
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.fact_words import reach_words
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.policy import Decision
from hotswap_dev.domain.reasons import Args, change, scope
from hotswap_dev.domain.text import shown


def release_sections(release: Release, view: View) -> list[Section]:
    """WHO is offered a release, who is not, and what becomes of it."""
    offered: list[str] = []
    has: list[str] = []
    others: dict[str, list[str]] = {}
    told = 0
    for standing, words in _standings(release, view):
        told += 1
        name = name_of(standing.client.id, view)
        if words == _OFFERED:
            offered.append(name)
        elif words == _HAS:
            has.append(name)
        else:
            others.setdefault(words, []).append(name)
    return [
        Section("WHO", _who(release, offered, has, told, len(view.clients) - told)),
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


def _standings(release: Release, view: View) -> Iterator[tuple[Standing, str]]:
    """Each client of which something is known with how it stands to a release."""
    for standing in offers_now(view).standings:
        client, decision, asked = standing
        if client.sequence == release.sequence:
            yield standing, _HAS
        elif channel_of(client) != release.channel:
            yield standing, f"on {shown(channel_of(client))}"
        elif client.sequence is not None and client.sequence > release.sequence:
            yield standing, "past it"
        elif decision is not None:
            yield standing, _standing(release, decision)
        elif asked:
            yield standing, _UNREADABLE


def _standing(release: Release, decision: Decision) -> str:
    offered = decision.offered
    if offered is not None and offered.sequence == release.sequence:
        return _OFFERED
    for one in decision.considered:
        if one.sequence == release.sequence:
            return passed_words(one.reason)
    if offered is not None:
        return f"offered {offered.sequence} instead"
    if decision.strike is not None:
        return f"struck by {shown(decision.strike.armed.fault)}"
    return _ANSWERED.get(decision.reason.code, shown(decision.reason.code))


_ANSWERED: Mapping[str, str] = {
    "forced-204": "told no update",
    "channel-paused": "paused",
    "pinned": "pinned elsewhere",
    "access-denied": "refused for want of a header",
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
    return said + (f" (Nothing is said of {more} more.)" if more > 0 else "")


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
    found = offers_now(view)
    whole = whole_on(release.channel, view, view.controls)
    if whole is not None and whole > number and not found.told.get(number):
        return Section(
            "NEXT",
            f"{whole} is newer and offered in its place; offered again, {number} takes the next sequence.",
            f"hotswap-dev reoffer {number}",
        )
    nobody = found.for_nobody(release, view.controls)
    if nobody is not None and not leaves_out(release, nobody):
        return Section("NEXT", _NOBODY.get(nobody.code, _as_things_are)(nobody.args, number), change(nobody))
    if not release.whole:
        return _for_some(release, view)
    if whole is not None and whole > number:
        return Section(
            "NEXT",
            f"Whoever may not run {whole}, or is pinned to {number}, is offered {number}.",
            f"hotswap-dev withhold {number}",
        )
    return Section(
        "NEXT",
        f"Whoever asks for {channel} with less than {number}, and may run it, is offered it.",
        f"hotswap-dev withhold {number}",
    )


def _for_some(release: Release, view: View) -> Section:
    """How far it reaches, and who is next."""
    names, number = view.controls.names, release.sequence
    said = reach_words(reach_of(release, view), names)
    targets = targets_short(release.targets, names)
    rollout = rollout_long(release, names)
    what = ", ".join(one for one in (rollout, f"for {targets}" if targets else "") if one)
    command = f"hotswap-dev set-rollout {number} 100" if rollout else f"hotswap-dev set-targets {number}"
    return Section("NEXT", f"{number} is {what}: {said}.", command)


def _as_things_are(_: Args, number: int) -> str:
    return f"Nobody is offered {number} as things are."


def _forced_for(args: Args, number: int) -> str:
    whom = shown(scope(str(args["client"]), str(args["channel"])))
    if args["left"] == "":
        return f"Nobody is offered {number} until the forced 204 for {whom} is off."
    return f"Nobody is offered {number} until the forced 204 for {whom} is used up."


_NOBODY: Mapping[str, Callable[[Args, int], str]] = {
    "forced-204": _forced_for,
    "binary-too-old": lambda args, number: (
        f"Nobody known may run {number}: it needs binary {shown(str(args['min_binary_version']))}."
    ),
    "fault": lambda args, number: (
        f"Nobody hears of {number} as long as the fault {shown(str(args['fault']))} strikes."
    ),
    "access-denied": lambda args, number: (
        f"Nobody who asks sends the header {shown(str(args['header']))}, so nobody hears of {number}."
    ),
    "pinned": lambda _, number: f"Nobody is offered {number}: whoever could be is pinned to another release.",
}
