"""A dry run foretells what then happens: its facts, whose answers change, and how they hear it over HTTP."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.commands import ArmFault, Command, Publish, registered
from hotswap_dev.domain.commands.channels import PauseChannel
from hotswap_dev.domain.commands.overrides import Force204, SetMandatory
from hotswap_dev.domain.commands.releases import RollBackTo, Withhold
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.faults.check import CheckDelay
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import Change, Told, next_check, told
from hotswap_dev.engine.engine import Done
from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.signing import new_key
from hotswap_dev.server.run import ServerOptions, serving
from hotswap_dev.storage.keys import KeyHome
from tests.server.asking import Answer, Asking, write_frontend
from tests.unit.making import commands

_KEY = new_key()
_STEPS = (*registered(), *(["publish"] * 5), "withhold", "pin-client", "force-204", *(["arm-fault"] * 3))

PHONES: Mapping[str, tuple[int, str | None, str]] = {
    "phone": (0, None, "1.0.0"),
    "tablet": (1, "beta", "2.0.0"),
    "local/linux/x86_64": (2, "production", "0.9.0"),
}
"""Clients, each with what it runs, the channel that it asks for and its binary."""


async def ask(server: Asking, client: str) -> Answer:
    """This client's check, over HTTP."""
    sequence, channel, binary_version = PHONES[client]
    headers = {} if client.startswith("local/") else {"X-Device-Id": client}
    return await server.check(sequence, headers, channel=channel, binary_version=binary_version)


def is_told(answer: Answer, told: Told) -> bool:
    """Whether an answer over HTTP is the one that was foretold."""
    heard: dict[str, Any] = {"status": answer.status, "reason": answer.reason}
    if answer.status == 200 and told.fault is None:  # what a fault makes of a manifest is no promise
        manifest = answer.json
        heard |= {
            "offered": manifest["sequence"],
            **{name: manifest.get(name) for name in ("version", "mandatory", "min_binary_version", "notes")},
        }
    return heard == {name: getattr(told, name) for name in heard}


def heard_at_once(fault: str) -> bool:
    """Whether what a fault makes of an answer is an answer, and comes without a pause."""
    kind = every_fault()[fault]
    return kind.stage != "preset" and kind is not CheckDelay and kind().told_status(200) != 0


def is_sure(controls: Controls) -> bool:
    """Whether everyone hears what was foretold; where answers are counted, or drawn, only who asks first does."""
    counted = any(one.left is not None for one in controls.forced)
    return not counted and all(one.left is None and one.probability is None for one in controls.faults)


def answers_now(server: Asking, client: str) -> Told:
    """What this client is told, were it to ask now; it is not asked."""
    check = next_check(server.engine.clients[client])
    assert check is not None
    return told(decide(server.engine.controls, check, server.engine._now()), check)


def without_chance(done: Done) -> list[Any]:
    """The facts of a command, but for the times and the bundle, which no dry run makes."""
    facts = []
    for event in done.events:
        fact = {name: value for name, value in event.items() if name != "at"}
        if "release" in fact:
            fact["release"] = {
                name: value
                for name, value in fact["release"].items()
                if name not in ("bundle", "published_at")
            }
        facts.append(fact)
    return facts


async def done_as_foretold(server: Asking, command: Command) -> tuple[Change, ...]:
    """Run dry, then do it: the same facts, the same changes, or the same refusal."""
    before = server.engine.controls
    try:
        foretold = await server.engine.run(command, dry_run=True)
    except HotswapError as refused:
        try:
            await server.engine.run(command)
        except HotswapError as error:
            assert (error.code, error.message, error.hint) == (refused.code, refused.message, refused.hint)
            return ()
        raise AssertionError(f"{command} was refused when it was run dry: {refused}") from None
    assert server.engine.controls == before
    done = await server.engine.run(command)
    assert without_chance(done) == without_chance(foretold)
    assert done.changes == foretold.changes
    return done.changes


async def a_day(data: st.DataObject, folder: Path) -> None:
    options = ServerOptions(
        engine=EngineOptions(dist=None, app_version="1.0.0", channel="production"),
        workspace=folder / "w",
        app="my-app",
        settle=0.05,
    )
    async with (
        serving(options, _KEY, KeyHome(folder / "keys")) as running,
        aiohttp.ClientSession(auto_decompress=False) as session,
    ):
        server = Asking(running, session)
        for client in PHONES:
            await ask(server, client)
        for step in data.draw(st.lists(st.sampled_from(_STEPS), min_size=8, max_size=8)):
            command: Command = data.draw(commands(registered()[step], server.engine.controls))
            if isinstance(command, Publish):
                content = data.draw(st.sampled_from("abc"))
                command = replace(command, path=str(write_frontend(folder / content, content)))
            if isinstance(command, ArmFault) and not heard_at_once(command.fault):
                command = replace(command, fault="check/http-error")
            seen = [client for client in PHONES if client in server.engine.clients]
            before = {client: answers_now(server, client) for client in seen}
            changes = {change.client: change for change in await done_as_foretold(server, command)}
            assert changes.keys() <= before.keys()
            alone = bool(seen) and not is_sure(server.engine.controls)
            asking = [data.draw(st.sampled_from(seen))] if alone else seen
            for client in asking:
                change = changes.get(client)
                assert is_told(await ask(server, client), change.after if change else before[client])
                assert change is None or change.before == before[client]
            for client in PHONES.keys() - server.engine.clients.keys():
                await ask(server, client)  # it was forgotten, and comes again


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_a_dry_run_foretells_what_the_clients_then_hear(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(a_day(data, Path(folder)))


async def test_each_change_of_the_answers_is_heard_by_the_clients_it_names(
    server: Asking, tmp_path: Path
) -> None:
    """Release 1 is of app 0.1.0: every client's binary may run it."""
    await server.publish(write_frontend(tmp_path / "second", "second"))
    for client in PHONES:
        await ask(server, client)
    everyone, production = set(PHONES), {"phone", "local/linux/x86_64"}
    rows: list[tuple[Command, set[str]]] = [
        (Force204(on=True), everyone),
        (Force204(on=False), everyone),
        (SetMandatory(on=True), {"phone"}),
        (Withhold(sequence=2), {"phone"}),
        (RollBackTo(sequence=1), production),
        (PauseChannel(channel="production"), production),
        (PauseChannel(channel="production"), set()),
    ]
    for command, expected in rows:
        before = {client: answers_now(server, client) for client in PHONES}
        changes = {one.client: one for one in await done_as_foretold(server, command)}
        assert changes.keys() == expected, command
        for client in PHONES:
            heard = await ask(server, client)
            assert is_told(heard, changes[client].after if client in changes else before[client])
