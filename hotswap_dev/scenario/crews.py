"""`[[clients]]` of a scenario file: who is there, as a `Crew`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from hotswap_dev.domain.checks import ARCHES, CHANNEL_NAME, PLATFORMS
from hotswap_dev.domain.model import FURTHEST_JUMP
from hotswap_dev.domain.versions import is_version
from hotswap_dev.fleet.plan import Crew
from hotswap_dev.scenario.words import (
    Mistake,
    chance,
    duration,
    name,
    nearest,
    quoted,
    text,
    whole,
    word,
    yes_or_no,
)

MAX_CLIENTS = 10_000
"""As many as the server keeps in its table (design §4)."""

_LONGEST_NAME = 64
"""Of `name-client`."""


def crew(block: Mapping[str, Any]) -> Crew:
    """One `[[clients]]`; Mistake where it can't be meant."""
    for key in block:
        if key not in _KEYS:
            raise Mistake(key, f"{quoted(key)} is nothing that [[clients]] have", nearest(key, _KEYS))
    given = {key: read(key, block[key]) for key, read in _KEYS.items() if key in block}
    if "names" in given and "count" not in given:
        given["count"] = max(1, len(given["names"]))
    made = Crew(**given)
    if len(made.names) > made.count:
        raise Mistake(
            "names", f"names are {len(made.names)}, and count is {made.count}", f"count = {len(made.names)}"
        )
    if made.upgrades_after is not None and made.upgrades_to is None:
        raise Mistake("upgrades_after", "upgrades_after says when, and not to what", 'upgrades_to = "2.0.0"')
    if made.upgrades_to is not None and made.upgrades_after is None:
        raise Mistake("upgrades_to", "upgrades_to says to what, and not when", 'upgrades_after = "30s"')
    return made


def _shares(key: str, value: object, demand: Callable[[str, str], object]) -> dict[str, float]:
    """`"android"`, `["android", "ios"]` or `{android = 0.7, ios = 0.3}` as weights."""
    if isinstance(value, str):
        weights: dict[str, float] = {value: 1.0}
    elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        weights = {one: float(value.count(one)) for one in value}
    elif isinstance(value, dict) and value:
        weights = {one: _weight(key, one, weight) for one, weight in value.items()}
    else:
        raise Mistake(
            key,
            f"{key} is {quoted(value)}; expected are words",
            f'{key} = ["a", "b"], or {{a = 0.7, b = 0.3}}',
        )
    for one in weights:
        demand(key, one)
    return weights


def _weight(key: str, one: str, weight: object) -> float:
    if isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight <= 1_000_000:
        return float(weight)
    raise Mistake(
        key,
        f"{key}: {quoted(one)} has the weight {quoted(weight)}; expected is a number above 0",
        "0.7, or 70",
    )


def _of(known: Collection[str], what: str) -> Callable[[str, Any], dict[str, float]]:
    return lambda key, value: _shares(key, value, lambda key, one: word(key, one, known, what))


def _version(key: str, one: object) -> str:
    if isinstance(one, str) and is_version(one):
        return one
    raise Mistake(key, f"{key} has {quoted(one)}, which is not a version", 'such as "1.4.0"')


def _channel(key: str, value: object) -> str:
    if isinstance(value, str) and CHANNEL_NAME.fullmatch(value):
        return value
    raise Mistake(
        key, f"{key}: {quoted(value)} can't be a channel's name", 'letters, digits, . _ -, such as "beta"'
    )


def _names(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Mistake(key, f"{key} is {quoted(value)}; expected is a list", f'{key} = ["Mia", "Ben"]')
    names = tuple(text(key, one, longest=_LONGEST_NAME) for one in value)
    for one in names:
        if names.count(one) > 1:
            raise Mistake(key, f"{key} has {quoted(one)} twice", "each client its own")
    return names


def _clicks(key: str, value: object) -> float | None:
    return None if value == "never" else duration(key, value)


_KEYS: Mapping[str, Callable[[str, Any], Any]] = {
    "group": name,
    "count": lambda key, value: whole(key, value, least=1, most=MAX_CLIENTS),
    "platforms": _of(PLATFORMS, "a platform"),
    "arches": _of(ARCHES, "an arch"),
    "binary_versions": lambda key, value: _shares(key, value, _version),
    "channels": lambda key, value: _shares(key, value, _channel),
    "names": _names,
    "poll": lambda key, value: duration(key, value, above_zero=True),
    "clicks": _clicks,
    "ignores": chance,
    "reopens": lambda key, value: duration(key, value, above_zero=True),
    "upgrades_to": _version,
    "upgrades_after": duration,
    "failure_rate": chance,
    "sequence": lambda key, value: whole(key, value, least=0, most=FURTHEST_JUMP),
    "reports": yes_or_no,
}
