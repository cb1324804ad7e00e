"""Moments of a dashboard, built by hand, and what a key makes of them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.keys import Confirm, Plan, Send, plan
from hotswap_dev.dashboard.view import Link, Selected, View
from hotswap_dev.domain.builds import Builds
from hotswap_dev.domain.clients import Client, advance
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.observations import CheckAnswered, Observation
from tests.unit.making import NOW, an_answered_check


def a_view(controls: Controls, **changes: Any) -> View:
    """A live moment in which nothing is pending, with a watched folder."""
    view = View(
        now=NOW,
        link=Link(state="live"),
        controls=controls,
        expected=controls,
        builds=Builds(dist="my-app/dist"),
    )
    return replace(view, **changes)


def on_client(controls: Controls, seen: CheckAnswered | None = None, **changes: Any) -> View:
    """The same with a client selected, after the check that is given."""
    client = advance(None, an_answered_check() if seen is None else seen)
    assert isinstance(client, Client)
    chosen = Selected("client", client.id)
    return a_view(controls, clients={client.id: client}, pane="clients", selected=chosen, **changes)


def on_release(controls: Controls, sequence: int, **changes: Any) -> View:
    """The same with a release selected."""
    return a_view(controls, pane="releases", selected=Selected("release", sequence), **changes)


def on_row(controls: Controls, event: Fact | Observation, **changes: Any) -> View:
    """The same with a row of the check-ins selected, and the client that it is about."""
    client = advance(None, event) if isinstance(event, CheckAnswered) else None
    clients = {} if client is None else {client.id: client}
    row = Row(number=7, event=event, first_at=event.at)
    return a_view(controls, clients=clients, rows=(row,), selected=Selected("row", 7), **changes)


def planned(key: str, view: View) -> Plan:
    """What the key asks for; it must be one that asks."""
    found = plan(key, view)
    assert found is not None
    return found


def asked(key: str, view: View) -> Command:
    """The command that the key has done, with or without a question before it."""
    found = planned(key, view)
    assert isinstance(found, Send | Confirm), found
    return found.command


def then(view: View, command: Command) -> View:
    """The moment in which that command is pending: `expected` has it, `controls` don't."""
    expected = view.expected
    for fact in command.events(expected, NOW):
        expected = apply(expected, fact)
    return replace(view, expected=expected)


def pressed(view: View, *keys: str) -> tuple[list[Command], View]:
    """Keys pressed one after the other before the server answered any: what each asked for, and the moment after."""
    sent = []
    for key in keys:
        command = asked(key, view)
        sent.append(command)
        view = then(view, command)
    return sent, view
