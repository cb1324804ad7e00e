"""Who is in a fleet and how each of them behaves: drawn from a seed, before anything runs."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.domain.versions import parse
from hotswap_dev.errors import HotswapError

_REOPENED_AFTER = (3.0, 8.0)
"""Seconds after which a person closes and opens an app whose page does not start."""

_LITTLE = 0.05
"""How much a client's time between two checks is off what was asked for, up or down; of reopening it is twice that."""


class Crew(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Clients of one kind, as they are asked for: by `[[clients]]` of a scenario, or by the options of `fleet`."""

    group: str = "phones"
    count: int = 1
    platforms: dict[str, float] = field(default_factory=lambda: {"android": 1.0})
    """Platform → weight. The shares of the fleet are the weights' as exactly as whole clients can be."""
    arches: dict[str, float] = field(default_factory=lambda: {"aarch64": 1.0})
    binary_versions: dict[str, float] = field(default_factory=lambda: {"1.0.0": 1.0})
    channels: dict[str, float] = field(default_factory=lambda: {"production": 1.0})
    names: tuple[str, ...] = ()
    """What the first of them are called (`name-client`); the others have their ids alone."""
    poll: float | None = None
    """Seconds between two checks, each client a little off it; None: it only does what it is told."""
    clicks: float | None = 0.0
    """Seconds from an offer until its person applies it (mandatory: at once); None: nobody ever does."""
    ignores: float = 0.0
    """Share of the clients whose person never clicks, unless it is mandatory."""
    reopens: float | None = None
    """Seconds after which a person closes and opens the app, each a little off it; None: only when told, or when the
    page has crashed (then after a few seconds)."""
    upgrades_to: str | None = None
    upgrades_after: float | None = None
    """Seconds after which each installs the binary `upgrades_to`, spread over as long again."""
    failure_rate: float = 0.0
    """The chance, 0 to 1, that a release which starts elsewhere does not on a client: drawn per client and sequence."""
    sequence: int = 0
    """What they run at the start: above 0, as if another server had given it to them."""
    reports: bool = True
    """Whether they post their lifecycle events to the server, as the README's snippet does."""


class Phone(Struct, frozen=True, kw_only=True):
    """One client, as planned: everything that chance decides about it is decided here."""

    number: int
    id: str
    """Its X-Device-Id."""
    name: str = ""
    group: str
    platform: str
    arch: str
    binary_version: str
    channel: str
    first_check: float | None
    """Seconds after the start; None where it does not poll."""
    poll: float | None
    clicks: float | None
    reopens: float | None
    upgrades: tuple[float, str] | None = None
    """After how many seconds it becomes which binary."""
    failure_rate: float
    sequence: int = 0
    reports: bool = True
    seed: int


def planned(crews: Iterable[Crew], seed: int) -> tuple[Phone, ...]:
    """Everyone who is asked for, in the order of the crews.

    The same crews and seed give the same phones everywhere and for ever. A phone depends on its crew, on its number in
    its group and on the seed: another group changes nothing about it. HotswapError (`bad-crew`) names what can't be.
    """
    found: list[Phone] = []
    before: Counter[str] = Counter()
    for crew in crews:
        _demand_possible(crew)
        found += _crew(crew, seed, before[crew.group])
        before[crew.group] += crew.count
    return tuple(found)


def breaks(phone: Phone, sequence: int) -> bool:
    """Whether a release that starts elsewhere does not on this client, by its failure rate: always the same answer.

    What it ran when it came is known to run.
    """
    if sequence in (0, phone.sequence):
        return False
    return drawn(phone.seed, phone.id, f"breaks:{sequence}") < phone.failure_rate


def reopened_after(phone: Phone, sequence: int) -> float:
    """Seconds from a crash of this sequence's page until the person closes and opens the app."""
    least, most = _REOPENED_AFTER
    return round(least + (most - least) * drawn(phone.seed, phone.id, f"reopened:{sequence}"), 3)


def drawn(seed: int, whose: str, what: str) -> float:
    """A number from 0 to below 1: for each question another, and for the same one always the same."""
    digest = hashlib.blake2b(f"{seed}:{whose}:{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


# --- one crew -----------------------------------------------------------------------------------------------------


def _crew(crew: Crew, seed: int, first: int) -> list[Phone]:
    count = crew.count

    def shuffled(what: str) -> list[int]:
        """The places 0 to count - 1, each once: another order for each question."""
        order = sorted(range(count), key=lambda one: drawn(seed, f"{crew.group}:{first + one}", what))
        places = [0] * count
        for place, one in enumerate(order):
            places[one] = place
        return places

    def dealt(what: str, weights: Mapping[str, float]) -> list[str]:
        cards = [name for name, many in _shares(weights, count) for _ in range(many)]
        return [cards[place] for place in shuffled(what)]

    def spread(what: str, over: float) -> list[float]:
        """Moments within `over` seconds, one in each of `count` equal parts of it."""
        return [
            round((place + drawn(seed, f"{crew.group}:{first + one}", f"{what} within")) * over / count, 3)
            for one, place in enumerate(shuffled(what))
        ]

    platforms, arches = dealt("platform", crew.platforms), dealt("arch", crew.arches)
    versions, channels = dealt("binary", crew.binary_versions), dealt("channel", crew.channels)
    never = [place < round(crew.ignores * count) for place in shuffled("ignores")]
    checks = None if crew.poll is None else spread("check", crew.poll)
    upgrades = None if crew.upgrades_after is None else spread("upgrade", crew.upgrades_after)
    phones = []
    for one in range(count):
        number = first + one
        whose = f"{crew.group}:{number}"
        upgrade = None
        if upgrades is not None and crew.upgrades_after is not None and crew.upgrades_to is not None:
            upgrade = (round(crew.upgrades_after + upgrades[one], 3), crew.upgrades_to)
        phones.append(
            Phone(
                number=number,
                id=f"{crew.group}-{number + 1}-{int(drawn(seed, whose, 'id') * 16**4):04x}",
                name=crew.names[one] if one < len(crew.names) else "",
                group=crew.group,
                platform=platforms[one],
                arch=arches[one],
                binary_version=versions[one],
                channel=channels[one],
                first_check=None if checks is None else checks[one],
                poll=None if crew.poll is None else _about(crew.poll, _LITTLE, seed, whose, "poll"),
                clicks=None if never[one] else crew.clicks,
                reopens=None
                if crew.reopens is None
                else _about(crew.reopens, 2 * _LITTLE, seed, whose, "reopens"),
                upgrades=upgrade,
                failure_rate=crew.failure_rate,
                sequence=crew.sequence,
                reports=crew.reports,
                seed=seed,
            )
        )
    return phones


def _about(seconds: float, off: float, seed: int, whose: str, what: str) -> float:
    return round(seconds * (1 + off * (2 * drawn(seed, whose, what) - 1)), 3)


def _shares(weights: Mapping[str, float], count: int) -> list[tuple[str, int]]:
    """Whole clients by weight: each gets what its share has of whole ones, the largest remainders one more."""
    # The largest first: what is left of one as small as 1e-300 is no number any more.
    most = max(weights.values())
    parts = {name: weight / most for name, weight in weights.items()}
    whole = math.fsum(parts.values())
    exact = {name: count * part / whole for name, part in parts.items()}
    given = {name: min(count, math.floor(share)) for name, share in exact.items()}
    left = count - sum(given.values())
    # By name where two are as close: the order in which a file has them decides nothing.
    for name in sorted(exact, key=lambda one: (given[one] - exact[one], one))[:left]:
        given[name] += 1
    return sorted(given.items())


_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _demand_possible(crew: Crew) -> None:
    """HotswapError where no fleet can be like that."""

    def wrong(what: str, value: object, way_out: str) -> HotswapError:
        return HotswapError(f"{what} of the group {crew.group!r} is {value!r}", way_out, code="bad-crew")

    if not _GROUP.fullmatch(crew.group):
        # It stands in X-Device-Id.
        raise HotswapError(
            f"a group is called {crew.group!r}",
            "letters, digits, `.`, `_` and `-`, at most 64, the first a letter or a digit",
            code="bad-crew",
        )
    if crew.count < 0:
        raise wrong("count", crew.count, "how many clients: 0 or more")
    if len(crew.names) > crew.count:
        raise wrong("names", crew.names, f"at most as many as there are clients, which is {crew.count}")
    for what in ("platforms", "arches", "binary_versions", "channels"):
        weights: dict[str, float] = getattr(crew, what)
        if (
            not weights
            or not all(0 <= one < math.inf for one in weights.values())
            or not any(weights.values())
        ):
            raise wrong(what, weights, 'a weight for each, such as {"one" = 3, "other" = 1}; not all 0')
    for what in ("ignores", "failure_rate"):
        if not 0 <= getattr(crew, what) <= 1:
            raise wrong(what, getattr(crew, what), "a share from 0 to 1")
    for what in ("poll", "reopens", "upgrades_after"):
        seconds: float | None = getattr(crew, what)
        if seconds is not None and not 0 < seconds < math.inf:
            raise wrong(what, seconds, "seconds, more than 0; leave it out for never")
    if crew.clicks is not None and not 0 <= crew.clicks < math.inf:
        raise wrong(
            "clicks", crew.clicks, "seconds, 0 for at once; leave it out or say ignores = 1 for never"
        )
    if (crew.upgrades_to is None) != (crew.upgrades_after is None):
        raise wrong("upgrades_to", crew.upgrades_to, "give it and upgrades_after, or neither")
    if not 0 <= crew.sequence <= MAX_SEQUENCE:
        raise wrong("sequence", crew.sequence, "what they run at the start; 0 is the page in the app")
    for version in (*crew.binary_versions, *([] if crew.upgrades_to is None else [crew.upgrades_to])):
        try:
            parse(version)
        except ValueError as error:
            raise wrong("a binary version", version, f"three numbers such as 1.0.0 ({error})") from None
