"""What happened in a run as marks in its plots: what a server's facts say, at their time or at that of the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from hotswap_dev.domain.facts import (
    Fact,
    FaultArmed,
    ReleaseAdded,
    ReleaseRestored,
    ReleaseWithheld,
    RolloutSet,
)
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.observations import Observation
from hotswap_dev.export.told import Moment
from hotswap_dev.scenario.verdict import Ended, Verdict

_LONGEST_STEP = 32


def fact_moments(events: Sequence[Fact | Observation], began: datetime) -> list[Moment]:
    """The server's changes, in seconds since the run began."""
    return [
        Moment(at=max(0.0, (event.at - began).total_seconds()), words=words)
        for event in events
        if isinstance(event, Fact) and (words := _mark_words(event))
    ]


def step_moments(verdicts: Sequence[Verdict], events: Sequence[Fact | Observation] = ()) -> list[Moment]:
    """What the steps changed, as marks at their story time; `events` are the server's, which say what it was."""
    facts = [one for one in events if isinstance(one, Fact) and _mark_words(one)]
    place = 0
    found: list[Moment] = []
    for step in (one for verdict in verdicts for one in verdict.steps):
        leads_to = _LEADS_TO.get(step.text.partition(" ")[0])
        if leads_to is None or step.outcome != "passed" or step.judges:
            continue
        # Steps and facts are in one order, so each step's is the next one of its kind.
        at = next(
            (number for number in range(place, len(facts)) if _is_of(facts[number], leads_to, step)), None
        )
        if at is None:
            found.append(Moment(at=step.at, words=_short(step.text)))
            continue
        found.append(Moment(at=step.at, words=_mark_words(facts[at])))
        while place < len(facts) and (place <= at or facts[place].at == facts[at].at):
            place += 1
    return found


_LEADS_TO: Mapping[str, type[Fact]] = {
    **dict.fromkeys(("save", "publish", "promote", "reoffer", "roll-back-to", "jump-sequence"), ReleaseAdded),
    "withhold": ReleaseWithheld,
    "restore": ReleaseRestored,
    "set-rollout": RolloutSet,
    "arm-fault": FaultArmed,
}


def _is_of(fact: Fact, kind: type[Fact], step: Ended) -> bool:
    if isinstance(fact, ReleaseAdded) and step.sequence is not None:
        return kind is ReleaseAdded and fact.release.sequence == step.sequence
    return isinstance(fact, kind)


def _mark_words(fact: Fact) -> str:
    match fact:
        case ReleaseAdded(release=release):
            return f"{release.sequence} {_came(release)}"
        case ReleaseWithheld(sequence=sequence):
            return f"{sequence} withheld"
        case ReleaseRestored(sequence=sequence):
            return f"{sequence} restored"
        case RolloutSet(sequence=sequence, percent=percent):
            return f"{sequence} to {percent:g} %"
        case FaultArmed(armed=armed):
            return f"{armed.fault} armed"
    return ""


def _came(release: Release) -> str:
    return {"build": "saved", "publish": "published", "poisoned": "poisoned"}.get(
        release.origin, "re-offered"
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_STEP else f"{text[: _LONGEST_STEP - 1]}…"
