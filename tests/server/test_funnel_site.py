"""`GET /api/funnel`: how many clients came how far with a release, and who stands where."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from hotswap_dev.domain.adoption import Counting
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.commands.clients import NameClient
from hotswap_dev.server import funnel_site
from tests.server.asking import Asking, write_frontend
from tests.unit.domain.clients import a_report, an_offer
from tests.unit.making import an_answered_check


def watched(server: Asking) -> None:
    """Four clients: one runs 1 and confirmed it, one was offered it, one failed, one asks elsewhere."""
    clients = server.engine.clients
    for name in ("runs", "waits", "fails"):
        clients.see(an_offer(1, client=name))
    clients.see(an_answered_check("runs", sequence=1))
    clients.see(a_report("ready-confirmed", 1, client="runs"))
    clients.see(a_report("download-error", 1, client="fails", error="HTTP 503: bundle download failed"))
    clients.see(an_answered_check("elsewhere", channel="beta"))


async def test_each_release_has_its_steps_newest_first(server: Asking, tmp_path: Path) -> None:
    await server.publish(write_frontend(tmp_path / "second", "two"))
    watched(server)

    second, first = (await server.control("/api/funnel")).json

    assert first == {
        "sequence": 1,
        "version": "0.1.0-ota.1",
        "channel": "production",
        "clients": 3,
        "offered": 3,
        "fetched": 1,
        "running": 1,
        "confirmed": 1,
        "failed": 1,
        "fell_back": 0,
        "again": 0,
    }
    assert (second["sequence"], second["clients"], second["offered"]) == (2, 3, 0)
    assert [row["sequence"] for row in (await server.control("/api/funnel?limit=1")).json] == [2]


async def test_one_release_names_who_stands_where(server: Asking) -> None:
    watched(server)
    await server.engine.run(NameClient(client="fails", name="QA phone"))

    (row,) = (await server.control("/api/funnel?sequence=1")).json

    assert {one["client"]: (one["station"], one["name"], one["at"]) for one in row["who"]} == {
        "runs": ("confirmed", None, 1),
        "waits": ("offered", None, 0),
        "fails": ("failed", "QA phone", 0),
    }
    assert "HTTP 503" in next(one["sentence"] for one in row["who"] if one["client"] == "fails")


async def test_a_funnel_that_cannot_be_meant_is_named(server: Asking) -> None:
    bad = {
        "?sequence=x": (400, "bad-arguments"),
        "?sequence=%D9%A1": (400, "bad-arguments"),
        "?sequense=1": (400, "bad-arguments"),
        "?sequence=99": (404, "unknown-release"),
        "?limit=some": (400, "bad-arguments"),
    }
    for query, expected in bad.items():
        answer = await server.control(f"/api/funnel{query}")
        assert (answer.status, answer.json["title"]) == expected, query


async def test_others_have_their_turn_while_many_clients_are_counted(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1000):
        server.engine.clients.see(an_offer(1, client=f"phone-{number}"))
    turns = 0

    class Counted(Counting):
        def add(self, clients: Iterable[Client]) -> None:
            nonlocal turns
            turns += 1
            asyncio.get_running_loop().call_soon(between.append, turns)
            super().add(clients)

    between: list[int] = []
    monkeypatch.setattr(funnel_site, "Counting", Counted)

    (row,) = (await server.control("/api/funnel")).json

    assert row["offered"] == 1000
    assert turns > 1
    assert between == list(range(1, turns + 1))


async def test_more_clients_than_are_named_are_counted(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(funnel_site, "_MOST_NAMED", 3)
    for number in range(5):
        server.engine.clients.see(an_offer(1, client=f"phone-{number}"))

    (row,) = (await server.control("/api/funnel?sequence=1")).json

    assert row["offered"] == 5
    assert [one["client"] for one in row["who"]] == ["phone-4", "phone-3", "phone-2"]
