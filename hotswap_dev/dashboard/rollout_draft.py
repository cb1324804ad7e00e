"""A rollout and targets as they are typed: the commands that they come to, and what those would change.

Pure. What is typed follows the rules of a form (`schema_form`); what it would change is computed from what the mirror
has, by the functions that the server decides with, so that it is there with each letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.dashboard.known import known_to
from hotswap_dev.dashboard.schema_form import Form, Known, Texts, own_forms, texts_of, typed
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.client_names import meant
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Release
from hotswap_dev.domain.policy import Decision, decide
from hotswap_dev.domain.preview import Change, Preview, next_check
from hotswap_dev.domain.rollout import Reach, reach
from hotswap_dev.errors import HotswapError

STEPS = (0, 1, 5, 10, 25, 50, 100)
"""Percents that a rollout usually goes through."""

MOST_PREVIEWED = 1000
"""Clients whose answers are compared, those seen last: each is decided twice, between two letters."""

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
    commands: list[SetRollout | SetTargets] = []
    problems: dict[str, str] = {}
    after = view.expected
    for verb, names in _in_order(release, now, touched):
        try:
            command = _command(verb, release.sequence, {name: now[name] for name in names}, known)
            facts = command.events(after, view.now)
        except _Wrong as wrong:
            problems.update(wrong.problems)
            continue
        except HotswapError as error:
            problems.update(_told(error, names))
            continue
        if facts:
            commands.append(command)
        for fact in facts:
            after = apply(after, fact)
    return Draft(commands=tuple(commands), after=after, problems=problems)


def outlook(release: Release, draft: Draft, view: View) -> Outlook:
    """What a draft would come to: how far it reaches, whose next answers it changes, what those without it get."""
    then = draft.after.releases[release.sequence]
    newest_first = [view.clients[one] for one in reversed(list(view.clients))]
    asked = newest_first[:MOST_PREVIEWED]
    checks = (check for client in newest_first if (check := next_check(client)) is not None)
    return Outlook(
        reach=reach(then, checks),
        changes=tuple(_changes(view.expected, draft.after, asked, view)),
        instead=_instead(then, draft.after, asked, view),
        unasked=len(newest_first) - len(asked),
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
    release: Release, texts: Texts, touched: frozenset[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The commands that may be needed. What takes clients out goes first: a check that comes between the two must not
    be offered what neither the old state nor the new one offers it.
    """
    wanted = [
        (verb, names)
        for verb, names in ((SetTargets.verb, _TARGETS), (SetRollout.verb, _ROLLOUT))
        if touched.intersection(names)
    ]
    less = _percent(texts["percent"], release.percent) < release.percent
    return reversed(wanted) if less else iter(wanted)


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


# --- whose answers change ---------------------------------------------------------------------------------------------


def _changes(before: Controls, after: Controls, clients: list[Client], view: View) -> Iterator[Change]:
    preview = Preview(before, after, view.now)
    for client in clients:
        try:
            change = preview.change(client)
        except (ValueError, HotswapError):  # a binary version or a fault that only another version knows
            continue
        if change is not None:
            yield change


# --- what those without it get ---------------------------------------------------------------------------------------


def _instead(release: Release, controls: Controls, clients: list[Client], view: View) -> tuple[Instead, ...]:
    """Who asks for the channel with less than the release and is not offered it, by what they are told."""
    groups: dict[tuple[int | None, str], list[str]] = {}
    for client in clients:
        check = next_check(client)
        if check is None or check.sequence >= release.sequence or _channel(check) != release.channel:
            continue
        decision = _decided(controls, check, view)
        if decision is None or (
            decision.offered is not None and decision.offered.sequence == release.sequence
        ):
            continue
        offered = None if decision.offered is None else decision.offered.sequence
        code = "" if offered is not None else decision.reason.code
        groups.setdefault((offered, code), []).append(client.id)
    ordered = sorted(groups.items(), key=lambda one: (one[0][0] is None, -(one[0][0] or 0), -len(one[1])))
    return tuple(Instead(offered, code, tuple(ids)) for (offered, code), ids in ordered)


def _decided(controls: Controls, check: Check, view: View) -> Decision | None:
    try:
        return decide(controls, check, view.now)
    except (ValueError, HotswapError):  # a binary version or a fault that only another version knows
        return None


def _channel(check: Check) -> str:
    return check.channel or DEFAULT_CHANNEL
