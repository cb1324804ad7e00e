"""A fleet in words, as a person types it: `--mix android=0.7,ios=0.3 --poll 30s`. One table for every door to it.

The command line, locust's own arguments and its web page ask for the same things under the same names.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hotswap_dev.domain.checks import ARCHES, CHANNEL_NAME, PLATFORMS
from hotswap_dev.domain.text import shown
from hotswap_dev.domain.versions import is_version
from hotswap_dev.errors import UsageError
from hotswap_dev.fleet.plan import Crew

NEVER = "never"

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h)", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Trait:
    """One thing that can be asked of the clients: a field of `Crew`, and how its text is read."""

    name: str
    """As an option, without dashes in front."""
    field: str
    metavar: str
    default: str | None
    """In the words of a person; None: nothing is said, and the field keeps its own default."""
    help: str
    read: Callable[[str, str], object]
    """Of the option's name and its text; UsageError where it can't be meant."""


def crew(texts: Mapping[str, str | None], *, count: int, group: str = "phones") -> Crew:
    """The crew of so many that is asked for; `texts` by the traits' names, None or missing: the default.

    UsageError names the option, what it was given and what would be right.
    """
    told: dict[str, Any] = {}
    for trait in TRAITS:
        text = texts.get(trait.name)
        text = trait.default if text is None else text
        if text is not None:
            told[trait.field] = trait.read(trait.name, text)
    if (told.get("upgrades_to") is None) != (told.get("upgrades_after") is None):
        given, missing = "upgrade-to", "upgrade-after 5m"
        if told.get("upgrades_to") is None:
            given, missing = "upgrade-after", "upgrade-to 1.1.0"
        raise UsageError(f"--{given} alone says only half of an upgrade", f"add --{missing}")
    return Crew(group=group, count=count, **told)


def seconds(name: str, text: str) -> float:
    """A time such as 30s, 5m, 500ms or 1h."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        number = _NUMBER.fullmatch(text.strip())
        hint = f"with its unit: {text.strip()}s" if number else "a time is 500ms, 30s, 5m or 1h"
        raise UsageError(f"--{name} is {shown(text, 40)!r}", hint)
    return float(found[1]) * _UNITS[found[2]]


def positive_seconds(name: str, text: str) -> float:
    """A time that is more than none."""
    read = seconds(name, text)
    if read <= 0:
        raise UsageError(f"--{name} is {shown(text, 40)!r}, which is no time at all", f"--{name} 30s")
    return read


def seconds_or_never(name: str, text: str) -> float | None:
    """A time, or `never`."""
    if text.strip() == NEVER:
        return None
    try:
        return seconds(name, text)
    except UsageError as error:
        raise UsageError(error.message, f"{error.hint}, or {NEVER}") from None


def positive_seconds_or_never(name: str, text: str) -> float | None:
    """A time that is more than none, or `never`."""
    return None if seconds_or_never(name, text) is None else positive_seconds(name, text)


def share(name: str, text: str) -> float:
    """A part of all: 0.1 or 10%."""
    bare = text.strip()
    number = _NUMBER.fullmatch(bare.removesuffix("%").strip())
    part = math.inf if number is None else float(number[0]) / (_PERCENT if bare.endswith("%") else 1)
    if part > 1:
        raise UsageError(f"--{name} is {shown(text, 40)!r}", "a share is 0 to 1, such as 0.1, or 10%")
    return part


def mix(text: str, name: str, judged: Callable[[str, str], None]) -> dict[str, float]:
    """Names and their weights: `android=0.7,ios=0.3`, or one name alone. `judged` refuses a name that can't be.

    Weights are of each other: 7 and 3 are 0.7 and 0.3.
    """
    found: dict[str, float] = {}
    for pair in text.split(","):
        word, sign, weight = (part.strip() for part in pair.partition("="))
        judged(name, word)
        if sign and not _NUMBER.fullmatch(weight):
            raise UsageError(
                f"--{name}: the weight of {shown(word, 40)} is {shown(weight, 40)!r}",
                f"a weight is a number: --{name} {shown(word, 40)}=0.7,…",
            )
        if not sign and "," in text:
            raise UsageError(
                f"--{name}: {shown(word, 40)} has no weight", f"--{name} {shown(word, 40)}=0.7,…"
            )
        if word in found:
            raise UsageError(f"--{name} names {shown(word, 40)} twice", "add the two weights up")
        found[word] = float(weight) if sign else 1.0
    if not any(found.values()):
        raise UsageError(f"--{name}: every weight is 0", "somebody has to be there")
    return {word: weight for word, weight in found.items() if weight > 0}


def _mix_of(known: Collection[str], what: str) -> Callable[[str, str], dict[str, float]]:
    def judged(name: str, word: str) -> None:
        if word not in known:
            near = difflib.get_close_matches(word.lower(), known, 1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
            raise UsageError(f"--{name}: {shown(word, 40)!r} is no {what}", hint)

    return lambda name, text: mix(text, name, judged)


def _mix_of_versions(name: str, text: str) -> dict[str, float]:
    return mix(text, name, _is_version)


def _mix_of_channels(name: str, text: str) -> dict[str, float]:
    def judged(name: str, word: str) -> None:
        if not CHANNEL_NAME.fullmatch(word):
            raise UsageError(
                f"--{name}: {shown(word, 40)!r} is no channel's name",
                "letters, digits, dots, dashes, 64 at most",
            )

    return mix(text, name, judged)


def _is_version(name: str, word: str) -> None:
    if not is_version(word):
        raise UsageError(f"--{name}: {shown(word, 40)!r} is no version", "a semantic one, such as 1.0.0")


def _version(name: str, text: str) -> str:
    _is_version(name, text.strip())
    return text.strip()


TRAITS: tuple[Trait, ...] = (
    Trait(
        "mix", "platforms", "NAME=WEIGHT,…", "android=0.7,ios=0.3", "their platforms",
        _mix_of(PLATFORMS, "platform"),
    ),
    Trait("arches", "arches", "NAME=WEIGHT,…", None, "their arches (default: aarch64)", _mix_of(ARCHES, "arch")),
    Trait(
        "binary-versions", "binary_versions", "V=WEIGHT,…", None, "the app that is installed", _mix_of_versions
    ),
    Trait("channels", "channels", "NAME=WEIGHT,…", None, "what they ask for (default: production)", _mix_of_channels),
    Trait("poll", "poll", "TIME", "30s", "between two checks of a client", positive_seconds),
    Trait("clicks", "clicks", "TIME", "5s", "from an offer until its person applies it, or never", seconds_or_never),
    Trait("ignores", "ignores", "SHARE", "0.1", "people who never click, unless it is mandatory", share),
    Trait(
        "reopens", "reopens", "TIME", "10m", "until a person closes and opens the app, or never",
        positive_seconds_or_never,
    ),
    Trait(
        "failure-rate", "failure_rate", "SHARE", "0.02",
        "the chance that a release which starts elsewhere does not on a client", share,
    ),
    Trait("upgrade-to", "upgrades_to", "V", None, "the app that they install later", _version),
    Trait("upgrade-after", "upgrades_after", "TIME", None, "when the first install it", seconds),
)  # fmt: skip


def words(texts: Mapping[str, str | None], prefix: str = "") -> Iterator[str]:
    """The traits that were given, as arguments of a command line again."""
    for trait in TRAITS:
        text = texts.get(trait.name)
        if text is not None:
            yield f"--{prefix}{trait.name}"
            yield text
