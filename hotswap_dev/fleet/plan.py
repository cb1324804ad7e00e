"""Who is in a fleet and how each of them behaves: drawn from a seed, before anything runs."""

from __future__ import annotations

from msgspec import Struct


class Crew(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Clients of one kind, as they are asked for: by `[[clients]]` of a scenario, or by the options of `fleet`."""

    group: str = "phones"
    count: int = 1
    platforms: dict[str, float] = {"android": 1.0}
    """Platform → weight. The shares of the fleet are the weights' as exactly as whole clients can be."""
    arches: dict[str, float] = {"aarch64": 1.0}
    binary_versions: dict[str, float] = {"1.0.0": 1.0}
    channels: dict[str, float] = {"production": 1.0}
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
