"""The beats of the demo: scenario files, played one after the other on one stage."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import field
from msgspec.structs import replace

from hotswap_dev.scenario.model import Condition, Do, Expect, Scenario, Step, Wait
from hotswap_dev.scenario.reading import read_file

_FOLDER = Path(__file__).parent / "beats"
_CAST = "cast.toml"


class Beat(Scenario, frozen=True, kw_only=True):
    """A scenario that goes on where others ended: `needs` are the names that it uses and does not give itself, each
    with the beat that does. Where such a release is not there, that one is played before. Whatever somebody has set
    since the last beat (a forced 204, a fault, a pin, a paused channel …) is lifted when one begins.
    """

    needs: dict[str, Beat] = field(default_factory=dict)


@functools.cache
def beats() -> tuple[Beat, ...]:
    """The beats, in the order in which they are told."""
    crews = cast().crews
    told: list[Beat] = []
    for path in sorted(_FOLDER.glob("[0-9]*.toml")):
        given = {name: beat for beat in told for name in _named(beat)}
        scenario = read_file(path, cast=crews, names=tuple(given))
        own = set(_named(scenario))
        needs = {name: given[name] for name in dict.fromkeys(_used(scenario)) if name not in own}
        fields: dict[str, Any] = {name: getattr(scenario, name) for name in Scenario.__struct_fields__}
        fields |= {"file": path.name, "crews": (*crews, *scenario.crews), "needs": needs}
        told.append(Beat(**fields))
    return tuple(told)


@functools.cache
def cast() -> Scenario:
    """Who plays in them: the scenario by which they say hello."""
    return replace(read_file(_FOLDER / _CAST), file=_CAST)


def _named(scenario: Scenario) -> Iterator[str]:
    return (step.named for step in scenario.steps if step.named is not None)


def _used(scenario: Scenario) -> Iterator[str]:
    """The names that its steps speak of."""
    for step in scenario.steps:
        for word in _words(step):
            if isinstance(word, str) and word.startswith("@"):
                yield word[1:]


def _words(step: Step) -> Iterator[object]:
    match step.action:
        case Do(arguments=arguments):
            yield from arguments.values()
        case Wait(until=Condition(sequence=sequence)) | Expect(that=Condition(sequence=sequence)):
            yield sequence
