"""Kill -9 at any moment: what was acknowledged stays, and no number is ever used twice (hardening E1)."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.client.control import ControlClient
from hotswap_dev.errors import Unreachable
from tests.e2e.server_process import ServerProcess, write_frontend

ROUNDS = 100
"""Kills of one workspace; there are two, so that two cores can work at them."""


class _Kept:
    """What other commands were told was done: it must be so after every kill, since nothing undoes it."""

    def __init__(self) -> None:
        self.paused: set[str] = set()
        self.names: dict[str, str] = {}
        self.promoted: dict[int, int] = {}
        self.withheld: set[int] = set()
        self.forced: set[str] = set()

    def demand(self, controls: Mapping[str, Any]) -> None:
        channels, releases = controls["channels"], controls["releases"]
        assert {name for name in self.paused if not channels[name]["paused"]} == set()
        assert {client: controls["names"].get(client) for client in self.names} == self.names
        for sequence, source in self.promoted.items():
            copy, original = releases[str(sequence)], releases[str(source)]
            assert (copy["channel"], copy["bundle"]["hash"]) == ("beta", original["bundle"]["hash"])
            assert copy.get("from_sequence") == source
        # Overrides belong to a run, and a run that was killed has not ended (design §4).
        assert self.forced <= {forced["client"] for forced in controls["forced"]}
        assert {number for number in self.withheld if not releases[str(number)]["withheld"]} == set()


class _Seen:
    """What clients were told over all rounds: for each sequence its bundle, and the highest."""

    def __init__(self) -> None:
        self.bundles: dict[int, str] = {}
        self.highest = 0

    def note(self, sequence: int, bundle: str) -> None:
        assert self.bundles.setdefault(sequence, bundle) == bundle, f"sequence {sequence} got a second bundle"
        assert sequence >= self.highest, f"the sequence went back from {self.highest} to {sequence}"
        self.highest = sequence


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [2026, 2027])
def test_E1_two_hundred_kills_in_a_publish_loop_lose_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    seen, kept = _Seen(), _Kept()
    workspace = tmp_path / "workspace"
    dist = write_frontend(tmp_path / "dist", "round -1")
    rounds_with_a_release = 0
    for number in range(ROUNDS):
        before = seen.highest
        left = list(workspace.rglob(".tmp-*"))
        with ServerProcess(dist, "--port", "0", "--workspace", workspace, cwd=tmp_path) as server:
            assert [path for path in left if path.exists()] == []
            stop = threading.Event()
            workers = [
                threading.Thread(target=_publish_until, args=(stop, workspace, dist, number)),
                threading.Thread(target=_change_until, args=(stop, workspace, number, seen, kept)),
                threading.Thread(target=_check_until, args=(stop, server, seen)),
            ]
            for worker in workers:
                worker.start()
            time.sleep(chance.uniform(0.0, 0.4))  # the random moment is the test
            server.kill()
            stop.set()
            for worker in workers:
                worker.join()
        rounds_with_a_release += seen.highest > before
        if number % 20 == 19:
            _demand_sound(workspace)
            with ServerProcess(dist, "--port", "0", "--workspace", workspace, cwd=tmp_path):
                kept.demand(_control(workspace).get("/api/state")["controls"])
    with ServerProcess(dist, "--port", "0", "--workspace", workspace, cwd=tmp_path) as server:
        status, manifest = server.check()
        assert status == 200
        assert manifest is not None
        seen.note(manifest["sequence"], _hash8(manifest["url"]))
        for sequence, name in list(seen.bundles.items())[-5:]:
            _, body = server.get(f"/bundles/-/{sequence}/{name}.tar.gz")
            assert hashlib.sha256(body).hexdigest()[:8] == name
        kept.demand(_control(workspace).get("/api/state")["controls"])
    _demand_sound(workspace)
    print(
        f"{ROUNDS} kills, {rounds_with_a_release} rounds with a release, {seen.highest} releases, "
        f"{len(kept.paused)} channels paused, {len(kept.promoted)} promoted, {len(kept.withheld)} withheld"
    )
    assert rounds_with_a_release >= ROUNDS / 2
    assert len(kept.withheld) >= ROUNDS / 4


def _control(workspace: Path) -> ControlClient:
    told = json.loads((workspace / "server.json").read_text())
    return ControlClient(told["control"], told["token"])


def _publish_until(stop: threading.Event, workspace: Path, dist: Path, number: int) -> None:
    client = _control(workspace)
    count = 0
    while not stop.is_set():
        count += 1
        write_frontend(dist, f"round {number}, build {count}")
        try:
            client.command("publish", {})
        except (Unreachable, OSError):
            return


def _change_until(stop: threading.Event, workspace: Path, number: int, seen: _Seen, kept: _Kept) -> None:
    """Other commands, while it is published: what each came to is noted only once the server said so."""
    client = _control(workspace)
    count = 0
    while not stop.is_set():
        count += 1
        channel, phone, source = f"round-{number}.{count}", f"phone-{number}", seen.highest
        try:
            client.command("create-channel", {"channel": channel})
            client.command("pause-channel", {"channel": channel})
            kept.paused.add(channel)
            # Before it is asked for: a kill may come between its commit and its answer.
            kept.names.pop(phone, None)
            client.command("name-client", {"client": phone, "name": f"name {count}"})
            kept.names[phone] = f"name {count}"
            client.command("force-204", {"on": True, "client": phone})
            kept.forced.add(phone)
            if source:
                promoted = client.command("promote", {"sequence": source, "channel": "beta"})["result"]
                kept.promoted[promoted["sequence"]] = source
                client.command("withhold", {"sequence": promoted["sequence"]})
                kept.withheld.add(promoted["sequence"])
        except (Unreachable, OSError):
            return


def _check_until(stop: threading.Event, server: ServerProcess, seen: _Seen) -> None:
    while not stop.is_set():
        try:
            _, manifest = server.check()
        except OSError:
            return
        except Exception:  # an answer that the kill cut in half
            if stop.is_set() or server.process.poll() is not None:
                return
            raise
        if manifest is not None:
            seen.note(manifest["sequence"], _hash8(manifest["url"]))


def _hash8(url: str) -> str:
    return url.rsplit("/", 1)[1].split(".")[0]


def _demand_sound(workspace: Path) -> None:
    for name in ("state.db", "history.db"):
        connection = sqlite3.connect(workspace / name)
        try:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        finally:
            connection.close()
