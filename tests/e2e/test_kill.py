"""Kill -9 at any moment: what was acknowledged stays, and no number is ever used twice (hardening E1)."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from hotswap_dev.client.control import ControlClient
from hotswap_dev.errors import HotswapError
from tests.e2e.server_process import ServerProcess, write_frontend

ROUNDS = 200


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
def test_E1_two_hundred_kills_in_a_publish_loop_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(2026)
    seen = _Seen()
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
    with ServerProcess(dist, "--port", "0", "--workspace", workspace, cwd=tmp_path) as server:
        status, manifest = server.check()
        assert status == 200
        assert manifest is not None
        seen.note(manifest["sequence"], _hash8(manifest["url"]))
        for sequence, name in list(seen.bundles.items())[-5:]:
            _, body = server.get(f"/bundles/-/{sequence}/{name}.tar.gz")
            assert hashlib.sha256(body).hexdigest()[:8] == name
    _demand_sound(workspace)
    print(f"{ROUNDS} kills, {rounds_with_a_release} rounds with a release, {seen.highest} releases")
    assert rounds_with_a_release >= ROUNDS / 2


def _publish_until(stop: threading.Event, workspace: Path, dist: Path, number: int) -> None:
    told = json.loads((workspace / "server.json").read_text())
    client = ControlClient(told["control"], told["token"])
    count = 0
    while not stop.is_set():
        count += 1
        write_frontend(dist, f"round {number}, build {count}")
        try:
            client.command("publish", {})
        except (HotswapError, OSError):
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
