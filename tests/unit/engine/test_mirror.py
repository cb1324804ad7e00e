"""What a dashboard reads of the state and the events is what the server has: the same functions lead there."""

from __future__ import annotations

from pathlib import Path

from hotswap_dev import wire
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.commands.clients import ForgetClient, NameClient, PinClient
from hotswap_dev.domain.commands.overrides import Annotate, Force204, SetMandatory
from hotswap_dev.domain.commands.releases import EditRelease, JumpSequence, Promote, RollBackTo, Withhold
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import BundlesPruned
from hotswap_dev.engine.engine import Engine
from hotswap_dev.packing.signing import new_key
from tests.e2e.server_process import write_frontend
from tests.unit.domain.clients import a_download
from tests.unit.engine.engines import offered, opened, publish

STEERED: tuple[Command, ...] = (
    Force204(on=True, client="phone", times=2),
    SetMandatory(on=True),
    EditRelease(sequence=1, notes="ä"),
    NameClient(client="phone", name="QA"),
    PinClient(client="tablet", sequence=1),
    Promote(sequence=1, channel="beta"),
    Annotate(text="x"),
    ForgetClient(client="watch"),
    JumpSequence(to=2**63 - 1),
    RollBackTo(sequence=1),
    Withhold(sequence=1),
)


def state(engine: Engine) -> bytes:
    """The body of `GET /api/state`, as the control site makes it."""
    return wire.encode(
        {
            "instance": engine.bus.instance,
            "revision": engine.bus.revision,
            "controls": wire.plain(engine.controls),
            "clients": [wire.plain(client) for client in engine.clients.values()],
            "builds": {"building": None},
        }
    )


def mirror_of(body: bytes) -> Mirror:
    """The dashboard's mirror at a state as it was read."""
    mirror = Mirror()
    mirror.reset(wire.decode_state(body))
    return mirror


async def test_a_mirror_that_hears_the_events_has_the_servers_controls_and_clients(tmp_path: Path) -> None:
    async with opened(tmp_path, new_key()) as engine:
        first = await publish(engine, write_frontend(tmp_path / "dist"))
        offered(engine, client="phone")
        mirrors = [mirror_of(state(engine))]
        for number, command in enumerate(STEERED):
            await engine.run(command)
            for client in ("phone", "tablet", "watch"):
                offered(engine, number % 3, client=client)
                engine.observe(a_download(number % 3 + 1, client=client))
            if number % 4 == 0:
                mirrors.append(mirror_of(state(engine)))
        await engine.commit(lambda _: [BundlesPruned(at=engine._now(), hashes=(first.bundle.hash,))])
        mirrors.append(mirror_of(state(engine)))
        for mirror in mirrors:
            if mirror.revision < engine.bus.revision:
                async for batch in engine.bus.read(mirror.revision):
                    for revision, event in batch:
                        assert mirror.advance(wire.decode_event(engine.bus.line(revision, event)))
                    if mirror.revision == engine.bus.revision:
                        break
            has: tuple[Controls, list[Client]] = (mirror.controls, list(mirror.clients.values()))
            assert has == (engine.controls, list(engine.clients.values()))
            assert mirror.controls.pruned == {first.bundle.hash}
