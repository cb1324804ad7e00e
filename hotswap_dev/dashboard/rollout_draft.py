"""A rollout and targets as they are typed: the commands that they come to, and what those would change.

Pure. What is typed follows the rules of a form (`schema_form`); what it would change is computed from what the mirror
has, by the functions that the server decides with, so that it is there with each letter.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.dashboard.answers import answers
from hotswap_dev.dashboard.known import known_to
from hotswap_dev.dashboard.schema_form import Form, Known, Texts, own_forms, texts_of, typed
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.client_names import meant
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Release
from hotswap_dev.domain.policy import Decision
from hotswap_dev.domain.preview import Change, Told, next_check, told
from hotswap_dev.domain.rollout import Reach, inside, reach
from hotswap_dev.errors import HotswapError

STEPS = (0, 1, 5, 10, 25, 50, 100)
"""Percents that a rollout usually goes through."""

MOST_PREVIEWED = 1000
"""Clients whose answers are compared, those seen last: each is decided twice, between two letters."""

_MOST_DECIDED = 150
"""Different pairs of answers, now and then, that are worked out between two letters."""

_MOST_ALWAYS = 1000
"""As many as a command may name (`SetRollout.always`)."""

_ROLLOUT = ("percent", "always")
_TARGETS = ("platforms", "arches", "binary_versions", "clients")
FIELDS = (*_ROLLOUT, *_TARGETS)
"""What can be typed, in the order in which it stands there."""


class Draft(Struct, frozen=True, kw_only=True):
    """What is typed, read: the commands to send in their order, the controls after them, and by its field whatever
    can't be meant.
    """

    commands: tuple[SetRollout | SetTargets, ...] = ()
    after: Controls
    problems: Mapping[str, str] = {}


class Instead(NamedTuple):
    """Clients without a release that get something else in its place."""

    offered: int | None
    """None: no update, for the reason of this code."""
    code: str
    clients: tuple[str, ...]


class Outlook(Struct, frozen=True, kw_only=True):
    """What a draft would come to."""

    reach: Reach
    changes: tuple[Change, ...]
    instead: tuple[Instead, ...]
    unasked: int = 0
    """Clients that are known, and whose answers were not compared."""


def texts_today(release: Release, known: Known) -> dict[str, str]:
    """What stands in the fields at first; clients by their names, where a name means one alone."""
    targets = release.targets
    given: dict[str, wire.Json] = {
        "percent": f"{release.percent:g}",
        "always": [_called(one, known) for one in release.always],
        "platforms": list(targets.platforms),
        "arches": list(targets.arches),
        "binary_versions": targets.binary_versions or "",
        "clients": [_called(one, known) for one in targets.clients],
    }
    texts = {**texts_of(_form(SetRollout.verb), given), **texts_of(_form(SetTargets.verb), given)}
    return {name: texts[name] for name in FIELDS}


def drafted(release: Release, texts: Texts, touched: frozenset[str], view: View) -> Draft:
    """Read the fields. Only what was touched is changed: the rest stays as it is, whoever set it meanwhile."""
    known = known_to(view)
    today = texts_today(release, known)
    now = {**today, **{name: texts[name] for name in touched}}
    wanted: dict[str, SetRollout | SetTargets] = {}
    problems: dict[str, str] = {}
    for verb, names in ((SetTargets.verb, _TARGETS), (SetRollout.verb, _ROLLOUT)):
        if not touched.intersection(names):
            continue
        try:
            command = _command(verb, release.sequence, {name: now[name] for name in names}, known)
            if command.events(view.expected, view.now):
                wanted[verb] = command
        except _Wrong as wrong:
            problems.update(wrong.problems)
        except HotswapError as error:
            problems.update(_told(error, names))
    commands: list[SetRollout | SetTargets] = []
    after = view.expected
    for command in _in_order(release, wanted):
        facts = command.events(after, view.now)
        if facts:
            commands.append(command)
        for fact in facts:
            after = apply(after, fact)
    return Draft(commands=tuple(commands), after=after, problems=problems)


def outlook(release: Release, draft: Draft, view: View) -> Outlook:
    """What a draft would come to: how far it reaches, whose next answers it changes, what those without it get."""
    then = draft.after.releases[release.sequence]
    before, after = answers(view.expected, view.now), answers(draft.after, view.now)
    heard: dict[tuple[Hashable, Hashable], tuple[Told, Told] | None] = {}
    changes: list[Change] = []
    without: dict[tuple[int | None, str], list[str]] = {}
    unasked = max(0, len(view.clients) - MOST_PREVIEWED)
    for client in (view.clients[one] for one in islice(reversed(list(view.clients)), MOST_PREVIEWED)):
        now, next_ = before.asked(client), after.asked(client)
        questions = (now.question, next_.question)
        if next_.check is None:
            continue
        if questions not in heard:
            if len(heard) >= _MOST_DECIDED:
                unasked += 1
                continue
            heard[questions] = _hears(before.decision(now), after.decision(next_), next_.check)
        hears = heard[questions]
        if hears is not None and hears[0] != hears[1]:
            changes.append(Change(client=client.id, before=hears[0], after=hears[1]))
        decision = after.decision(next_)
        if decision is not None and _could_have(next_.check, then) and not _has(decision, then):
            offered = None if decision.offered is None else decision.offered.sequence
            code = "" if offered is not None else decision.reason.code
            without.setdefault((offered, code), []).append(client.id)
    return Outlook(
        reach=reach(then, _checks(_Clients(view))),
        changes=tuple(changes),
        instead=_grouped(without),
        unasked=unasked,
    )


def step(text: str, by: int, otherwise: float) -> str:
    """The next of the usual percents above or below what is typed; `otherwise` is what counts where that is none."""
    at = _percent(text, otherwise)
    if by > 0:
        return str(next((one for one in STEPS if one > at), STEPS[-1]))
    return str(next((one for one in reversed(STEPS) if one < at), STEPS[0]))


def nudge(text: str, by: int, otherwise: float) -> str:
    """One percent more or less, within 0 to 100."""
    return f"{min(100.0, max(0.0, round(_percent(text, otherwise) + by, 2))):g}"


def _percent(text: str, otherwise: float) -> float:
    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        return otherwise


# --- reading ---------------------------------------------------------------------------------------------------------


class _Wrong(Exception):
    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__()
        self.problems = problems


def _in_order(
    release: Release, wanted: Mapping[str, SetRollout | SetTargets]
) -> Iterator[SetRollout | SetTargets]:
    """The commands one after the other. A check may come between two of them, and must not be offered what neither the
    old state nor the new one offers it: whoever is inside of both rollouts stays inside all the while, and until the
    targets are set nobody else is.
    """
    rollout = wanted.get(SetRollout.verb)
    if isinstance(rollout, SetRollout) and SetTargets.verb in wanted:
        yield _both(release, rollout)
    if SetTargets.verb in wanted:
        yield wanted[SetTargets.verb]
    if rollout is not None:
        yield rollout


def _both(release: Release, rollout: SetRollout) -> SetRollout:
    """The rollout to who is inside of it as it is and as it is wanted; one of the two where that says the same."""
    was, becomes = release.always, rollout.always or ()
    then = replace(release, percent=rollout.percent, always=becomes)
    percent = min(release.percent, rollout.percent)
    always = dict.fromkeys(
        [
            *(one for one in was if inside(then, one)),
            *(one for one in becomes if inside(release, one)),
        ]
    )
    for same in ((release.percent, was), (rollout.percent, becomes)):
        if (percent, set(always)) == (same[0], set(same[1])):
            return replace(rollout, percent=percent, always=same[1])
    return replace(rollout, percent=percent, always=tuple(always)[:_MOST_ALWAYS])


def _command(verb: str, sequence: int, texts: Texts, known: Known) -> SetRollout | SetTargets:
    texts = {name: text.strip() for name, text in texts.items()}
    if "percent" in texts:
        texts["percent"] = texts["percent"].removesuffix("%").strip()
    form = _form(verb)
    # A field that is left empty says "nobody" or "everyone" here: the whole of it is always sent.
    found = typed(form, {**texts, "sequence": str(sequence)}, known)
    if found.problems:
        raise _Wrong(found.problems)
    arguments = dict(found.arguments)
    if "always" in texts:
        arguments.setdefault("always", [])
    command: Command = wire.read_command(verb, arguments)
    if not isinstance(command, SetRollout | SetTargets):
        raise TypeError(f"{verb} is no command of a rollout")
    return command


def _told(error: HotswapError, names: tuple[str, ...]) -> dict[str, str]:
    """An error by the field that it names."""
    said = error.message
    for verb in (SetRollout.verb, SetTargets.verb):
        said = said.removeprefix(f"{verb}: ")
    field, colon, wrong = said.partition(": ")
    # The hint of a wrong type names the arguments, which stand there as fields.
    hint = f" ({error.hint})" if error.hint and error.code != "bad-arguments" else ""
    place = field.partition("[")[0]  # of a list, what is wrong may be one of its items
    place = names[-1] if place == "client" else place
    return {place: f"{wrong}{hint}"} if colon and place in names else {names[0]: f"{said}{hint}"}


def _form(verb: str) -> Form:
    return own_forms()[verb]


def _called(client: str, known: Known) -> str:
    name = known.names.get(client)
    try:
        return name if name and meant(name, known.clients, known.names) == client else client
    except HotswapError:
        return client


# --- what clients are told --------------------------------------------------------------------------------------------


def _hears(was: Decision | None, becomes: Decision | None, check: Check) -> tuple[Told, Told] | None:
    return None if was is None or becomes is None else (told(was, check), told(becomes, check))


def _could_have(check: Check, release: Release) -> bool:
    """Whether it asks for the release's channel with less than the release."""
    return check.sequence < release.sequence and (check.channel or DEFAULT_CHANNEL) == release.channel


def _has(decision: Decision, release: Release) -> bool:
    return decision.offered is not None and decision.offered.sequence == release.sequence


def _grouped(without: Mapping[tuple[int | None, str], list[str]]) -> tuple[Instead, ...]:
    ordered = sorted(without.items(), key=lambda one: (one[0][0] is None, -(one[0][0] or 0), -len(one[1])))
    return tuple(Instead(offered, code, tuple(ids)) for (offered, code), ids in ordered)


class _Clients:
    """The clients of a moment as the key of a cache: between two letters they are mostly the same."""

    def __init__(self, view: View) -> None:
        self.clients = view.clients
        self.revision = view.revision

    def __hash__(self) -> int:
        return hash((id(self.clients), self.revision))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Clients) and self.clients is other.clients and self.revision == other.revision
        )


@lru_cache(maxsize=1)
def _checks(known: _Clients) -> tuple[Check, ...]:
    return tuple(check for client in known.clients.values() if (check := next_check(client)) is not None)
