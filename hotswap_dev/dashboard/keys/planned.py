"""What a key can ask for: something to be done, a question, a form, a screen of its own, or nothing, and why."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.domain.commands import Command


class Send(Struct, frozen=True):
    """Have this done. `words` say what, as long as it is pending."""

    command: Command
    words: str


class Confirm(Struct, frozen=True):
    """Have this done if a person says yes to the question, with whose answers change before their eyes."""

    command: Command
    words: str
    question: str


class Ask(Struct, frozen=True):
    """Ask for a command's arguments. `given` stand in the form; `today` too, and are only sent where they change.

    `suggested` stands there in place of what is so today: it is what the line says that the key is named beside.
    """

    verb: str
    given: Mapping[str, wire.Json] = {}
    today: Mapping[str, wire.Json] = {}
    suggested: Mapping[str, wire.Json] = {}


class Say(Struct, frozen=True):
    """The key has nothing to act on: what to do instead."""

    message: str
    hint: str = ""


class Roll(Struct, frozen=True):
    """Ask for whom a release is: its rollout and its targets, on the screen that has both."""

    sequence: int


class Arm(Struct, frozen=True):
    """Ask for a fault: for this client, or without one for everyone.

    `override` is the number of the armed fault that the key is about: the one that WHY says, or the only one.
    """

    client: str | None = None
    override: int | None = None


Plan = Send | Confirm | Ask | Say | Roll | Arm
"""What a key comes to."""
