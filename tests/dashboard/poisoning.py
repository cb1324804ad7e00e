"""A scripted server that makes poisoned releases, as the actual one does: the bundle, then the facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.client.control import ServerRefused
from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.controls import apply
from hotswap_dev.domain.facts import ClientNamed, Fact
from hotswap_dev.domain.observations import Observation
from hotswap_dev.domain.preview import changes
from hotswap_dev.errors import HotswapError
from tests.dashboard.desks import RememberingControl, checked, offered
from tests.unit.making import NOW, a_release, built, controls_with


class PoisoningControl(RememberingControl):
    """Arms bundle faults too; `rehearsed` are the dry runs that it was asked for."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.rehearsed: list[tuple[str, Mapping[str, Any]]] = []

    async def command(self, name: str, arguments: Mapping[str, Any], *, dry_run: bool = False) -> Any:
        if dry_run:
            self.rehearsed.append((name, dict(arguments)))
        command = wire.read_command(name, dict(arguments))
        if not isinstance(command, ArmFault) or command.wanted().stage != "bundle":
            return await super().command(name, arguments, dry_run=dry_run)
        self._demand_reachable()
        if not dry_run:
            self.commands.append((name, dict(arguments)))
            await self._free.wait()
        client = self.clients.get(command.client or "")
        if client is not None and command.channel is None:
            command = replace(command, channel=client.channel or "production")
        before = after = self.controls
        try:
            facts = command.events(before, self.now, built("bad"))
        except HotswapError as error:
            problem = {"title": error.code, "detail": error.message, "hint": error.hint}
            raise ServerRefused(problem, error.status) from None
        for fact in facts:
            after = apply(after, fact)
        if not dry_run:
            self.happens(*facts)
        return {
            "revision": self.revision,
            "events": wire.plain(tuple(facts)),
            "result": None,
            "changes": wire.plain(tuple(changes(before, after, list(self.clients.values()), self.now))),
        }


def a_poisoner(*more: Fact | Observation) -> PoisoningControl:
    """Releases 1 to 3 on production; a phone at 2 that is called Pixel, and a tablet at 3."""
    control = PoisoningControl(controls_with(a_release(1), a_release(2), a_release(3)))
    control.happens(ClientNamed(at=NOW, client="phone", name="Pixel"), offered(), checked(), *more)
    return control
