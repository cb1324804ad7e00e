"""What a scenario file says, once it has been read: pure data."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from hotswap_dev.fleet.plan import Crew


class Condition(Struct, frozen=True, kw_only=True):
    """Something that can be true of a server and the clients that it knows; all that is given must hold.

    `is_` is one of `running`, `confirmed`, `fetched`, `offered`, `fell-back`, `failed` (clients at a station of a
    release, as the server's own `domain.adoption` counts them), `labelled` (clients whose label has the code `code`),
    `answered` (checks with the reason `code` since the scenario began), `withheld`, `newest` (the newest release of
    `channel`).
    """

    is_: str
    sequence: str | None = None
    """A number, `latest` (the newest release of `channel`, or of all), or `@name` of an earlier step. None only where
    `is_` is not about a release; `0` is the embedded page."""
    code: str | None = None
    """The reason of `answered`, the label of `labelled`."""
    channel: str | None = None
    group: str | None = None
    """Of which clients; None: of all that play, and where none do, of all that the server knows."""
    client: str | None = None
    """One client, by its id or its name."""
    at_least: int | None = None
    at_most: int | None = None
    exactly: int | None = None
    """Clients; of `answered`: checks."""
    all_of: bool = False
    """Every client of the group, and there is one. Without any of these four: at least one."""


class Save(Struct, frozen=True, kw_only=True):
    """A build is saved: `folder`'s files replace those of the watched folder, and the server publishes them."""

    folder: str
    """The absolute path once it is read from a file; in a text alone as it is written there: the name of a sample
    bundle, or a path relative to the file."""


class Do(Struct, frozen=True, kw_only=True):
    """A command of the registry."""

    command: str
    arguments: dict[str, Any] = {}
    """As `POST /api/commands/NAME` takes them, after three things: a `sequence` may be `latest` or `@name`, the `id` of
    disarm-fault `@name` (the number of the fault that an arm-fault step armed), and a client may be given by its name
    in `client`, `clients` and `always`. The `path` of publish is as `Save.folder`."""
    refused: str | None = None
    """The code of the refusal that is expected; None: it must be done."""


class Act(Struct, frozen=True, kw_only=True):
    """Clients do something, each once, in the order of their numbers: `check`, `update` (check and apply what is
    offered, whoever would click), `restart`, `upgrade`, `rollback`.
    """

    act: str
    group: str | None = None
    client: str | None = None
    """By its id or its name; without both: all of them."""
    binary_version: str | None = None
    """What `upgrade` installs: there and only there."""


class Wait(Struct, frozen=True, kw_only=True):
    """The clients live until the condition holds; red where it does not within `within` seconds of story time."""

    until: Condition
    within: float = 30.0


class Expect(Struct, frozen=True, kw_only=True):
    """The condition holds now."""

    that: Condition


class Live(Struct, frozen=True, kw_only=True):
    """The clients live for so many seconds of story time."""

    seconds: float


Action = Save | Do | Act | Wait | Expect | Live


class Step(Struct, frozen=True, kw_only=True):
    """One `[[steps]]`."""

    action: Action
    line: int
    """Where it begins in the file."""
    named: str | None = None
    """Under which name (without the `@`) the sequence that it led to is known to the steps after it; an arm-fault
    step's name stands for the fault's number too, and for a sequence only where it made a poisoned release."""
    say: str | None = None
    """What happens, in a sentence for whoever watches."""
    watch: str | None = None
    """What to look at."""


class Scenario(Struct, frozen=True, kw_only=True):
    """A whole file."""

    title: str
    file: str
    """As it may be shown (`domain.text.shown`)."""
    about: str = ""
    seed: int = 1
    app_version: str = "1.0.0"
    crews: tuple[Crew, ...] = ()
    steps: tuple[Step, ...]
