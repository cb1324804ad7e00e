"""How far a release reaches is counted among thousands of clients, and answers go on meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hotswap_dev.domain.commands.access import SetRequiredHeader
from hotswap_dev.domain.commands.registry import Command
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.preview import next_check
from hotswap_dev.engine import engine as engine_module
from hotswap_dev.engine.engine import Engine
from hotswap_dev.packing.signing import new_key
from tests.server.asking import write_frontend
from tests.unit.engine.engines import opened, publish
from tests.unit.making import an_answered_check

CLIENTS = 700


async def turns_during(engine: Engine, command: Command) -> tuple[int, object]:
    """How often the loop turned until a command's dry run was done, and what it came to."""
    running = asyncio.create_task(engine.run(command, dry_run=True))
    turns = 0
    while not running.done():
        await asyncio.sleep(0)
        turns += 1
    return turns, (await running).result


async def test_clients_are_counted_in_pieces_and_none_is_left_out(tmp_path: Path) -> None:
    async with opened(tmp_path, new_key()) as engine:
        await publish(engine, write_frontend(tmp_path / "dist"))
        for number in range(CLIENTS):
            engine.observe(an_answered_check(f"phone-{number}"))
        pieces = CLIENTS // engine_module._AT_A_TIME
        checks = [check for one in engine.clients.values() if (check := next_check(one)) is not None]
        assert len(checks) == CLIENTS
        for command in (
            # Of these two nothing is compared: the turns are those of the count.
            SetRollout(sequence=1, percent=100),
            SetTargets(sequence=1),
            SetRequiredHeader(channel="beta", header="X-Key", status=401),
        ):
            turns, result = await turns_during(engine, command)
            assert turns >= pieces - 1, command  # between one and the next
            counted = command.outlook(engine.controls, checks)
            assert isinstance(result, dict)
            assert all(result[name] == getattr(counted, name) for name in result)


async def test_without_any_client_there_is_a_count_too(tmp_path: Path) -> None:
    async with opened(tmp_path, new_key()) as engine:
        await publish(engine, write_frontend(tmp_path / "dist"))
        _, result = await turns_during(engine, SetRollout(sequence=1, percent=25))
        assert isinstance(result, dict)
        assert (result["inside"], result["of"], result["next"]) == (0, 0, None)
