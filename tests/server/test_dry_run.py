"""`?dry_run=1`: whose answers a command would change, before it is done, and that it changes nothing (design §3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.asking import Asking, write_frontend
from tests.server.publishing import bundles


async def seen(server: Asking, client: str, sequence: int = 0, **query: str) -> None:
    await server.check(sequence, {"X-Device-Id": client}, **query)


async def test_a_dry_run_says_whose_answers_change_and_changes_nothing(server: Asking) -> None:
    await seen(server, "anna")
    await seen(server, "ben", 1)
    before = server.engine.controls
    revision = server.engine.bus.revision

    would = (await server.control("/api/commands/withhold?dry_run=1", {"sequence": 1})).json

    assert server.engine.controls is before
    assert server.engine.bus.revision == revision == would["revision"]
    assert [event["event"] for event in would["events"]] == ["release-withheld"]
    [change] = would["changes"]
    assert change["client"] == "anna"
    assert (change["before"]["status"], change["before"]["offered"]) == (200, 1)
    assert (change["after"]["status"], change["after"]["reason"]) == (204, "release-withheld")
    assert (await server.check(0, {"X-Device-Id": "anna"})).status == 200


async def test_what_a_dry_run_says_is_what_the_command_then_does(server: Asking) -> None:
    await seen(server, "anna")
    await seen(server, "ben", 1)
    arguments: list[tuple[str, dict[str, Any]]] = [
        ("reoffer", {"sequence": 1}),
        ("force-204", {"on": True, "client": "ben", "times": 1}),
        ("pin-client", {"client": "anna", "sequence": 1}),
        ("set-mandatory", {"on": True}),
        ("pause-channel", {"channel": "production"}),
        ("annotate", {"text": "round 2"}),
    ]
    for name, given in arguments:
        would = (await server.control(f"/api/commands/{name}?dry_run=1", given)).json
        done = (await server.control(f"/api/commands/{name}", given)).json

        assert would["changes"] == done["changes"], name
        assert [event["event"] for event in would["events"]] == [event["event"] for event in done["events"]]


async def test_a_dry_run_of_publish_packs_nothing(server: Asking, tmp_path: Path) -> None:
    await seen(server, "anna", 1)
    folder = write_frontend(tmp_path / "other", "other")
    before = bundles(server.engine)

    would = (await server.control("/api/commands/publish?dry_run=1", {"path": str(folder)})).json

    assert [change["after"]["offered"] for change in would["changes"]] == [2]
    assert server.engine.controls.last_sequence == 1
    assert bundles(server.engine) == before


async def test_a_dry_run_refuses_what_the_command_would_refuse(server: Asking) -> None:
    answer = await server.control("/api/commands/withhold?dry_run=1", {"sequence": 9})

    assert (answer.status, answer.json["title"]) == (404, "unknown-release")


async def test_every_command_answers_with_the_changes_that_it_made(server: Asking) -> None:
    await seen(server, "anna")

    done = (await server.control("/api/commands/withhold", {"sequence": 1})).json
    again = (await server.control("/api/commands/withhold", {"sequence": 1})).json

    assert [change["client"] for change in done["changes"]] == ["anna"]
    assert (again["events"], again["changes"]) == ([], [])


@pytest.mark.parametrize(
    ("query", "status"),
    [("dry_run=0", 200), ("dry_run=off", 200), ("dry_run=maybe", 400), ("dry_run=", 400), ("dryrun=1", 400)],
)
async def test_a_dry_run_that_can_not_be_meant_is_not_taken_for_a_command(
    server: Asking, query: str, status: int
) -> None:
    answer = await server.control(f"/api/commands/create-channel?{query}", {"channel": "beta"})

    assert answer.status == status
    assert ("beta" in server.engine.controls.channels) == (status == 200)
    if status == 400:
        assert answer.json["title"] == "bad-arguments"
        assert query.partition("=")[0] in answer.json["detail"]
