"""What a server finds after a kill, a lost workspace, a full disk, and beside another one (hardening E1 to E8)."""

from __future__ import annotations

import errno
import os
import queue
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server_process import ServerProcess, run_command, write_frontend
from tests.e2e.test_start_and_end import tauri_project

needs_mounts = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounting a file system needs root"
)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return write_frontend(tmp_path / "dist")


def test_E1_a_restart_goes_on_where_the_killed_server_was(tmp_path: Path, dist: Path) -> None:
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        server.kill()
    write_frontend(dist, "changed while nobody watched")
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        assert server.event("published")["sequence"] == 2
        assert server.check(1)[0] == 200
        assert server.check(2)[0] == 204


def test_E3_the_sequence_outlives_the_workspace(tmp_path: Path) -> None:
    project = tauri_project(tmp_path / "app")
    with ServerProcess("--port", "0", cwd=project) as server:
        server.event("published")
        server.send(signal.SIGTERM)
    shutil.rmtree(project / ".hotswap-dev")
    with ServerProcess("--port", "0", cwd=project) as server:
        assert server.event("sequence-floor-raised")["floor"] == 1
        assert server.event("published")["sequence"] == 2


def test_E8_a_second_server_in_the_same_workspace_is_refused_and_the_first_goes_on(
    tmp_path: Path, dist: Path
) -> None:
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        second = run_command("serve", dist, "--port", "0", cwd=tmp_path)
        assert second.returncode == 1
        assert (
            f"another hotswap-dev serves from {tmp_path / '.hotswap-dev'} (pid {server.process.pid})"
            in second.stderr
        )
        assert second.stdout == ""
        assert server.check()[0] == 200


def test_E8_of_two_servers_that_start_at_the_same_moment_one_serves_and_the_other_says_so(
    tmp_path: Path, dist: Path
) -> None:
    both = [ServerProcess(dist, "--port", "0", cwd=tmp_path) for _ in range(2)]
    try:
        serving, refused = [], []
        for server in both:
            try:
                server.ready = server.event("ready")
                serving.append(server)
            except AssertionError as ended:
                refused.append(str(ended))
        assert len(serving) == 1
        assert "the server ended (1)" in refused[0]
        assert "another hotswap-dev serves from" in refused[0]
        assert serving[0].event("published")["sequence"] == 1
    finally:
        for server in both:
            server.kill()


def test_E7_a_workspace_that_can_not_be_written_is_one_sentence(tmp_path: Path, dist: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = run_command("serve", dist, "--port", "0", "--workspace", tmp_path / "file" / "w", cwd=tmp_path)
    assert ended.returncode == 1
    assert "--workspace" in ended.stderr
    assert "Traceback" not in ended.stderr


@needs_mounts
def test_E7_a_read_only_disk_is_one_sentence(tmp_path: Path, dist: Path) -> None:
    with mounted(tmp_path / "disk", "ro"):
        ended = run_command(
            "serve", dist, "--port", "0", "--workspace", tmp_path / "disk" / "w", cwd=tmp_path
        )
    assert ended.returncode == 1
    assert "Read-only file system" in ended.stderr
    assert "--workspace" in ended.stderr


@needs_mounts
def test_E5_a_full_disk_refuses_the_build_and_serves_on(tmp_path: Path, dist: Path) -> None:
    with mounted(tmp_path / "disk", "size=3m"):
        workspace = tmp_path / "disk" / "w"
        with ServerProcess(dist, "--port", "0", "--workspace", workspace, cwd=tmp_path) as server:
            server.event("published")
            (dist / "noise.bin").write_bytes(os.urandom(4_000_000))
            refused = server.event("build-refused")
            assert refused["code"] == "disk-full"
            status, manifest = server.check()
            assert status == 200
            assert manifest is not None
            assert manifest["sequence"] == 1
            assert list(workspace.rglob(".tmp-*")) == []
            (dist / "noise.bin").unlink()
            write_frontend(dist, "small again")
            assert server.event("published")["sequence"] == 2


def test_E8_after_kill_9_a_stale_server_file_is_seen_through(tmp_path: Path, dist: Path) -> None:
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.kill()
        ended = run_command("status", cwd=tmp_path)
        assert ended.returncode == 3
        assert f"(pid {server.process.pid}) is gone" in ended.stderr


@pytest.mark.slow
@needs_mounts
@pytest.mark.timeout(120)
def test_E5_a_disk_that_stays_full_is_said_once_and_its_end_is_seen_within_ten_seconds(
    tmp_path: Path, dist: Path
) -> None:
    """State, history and bundles on a disk that somebody else fills up, and empties again."""
    with mounted(tmp_path / "disk", "size=4m"):
        workspace, filler = tmp_path / "disk" / "w", tmp_path / "disk" / "filler"
        with ServerProcess(
            dist, "--port", "0", "--workspace", workspace, cwd=tmp_path, everything=True
        ) as server:
            server.event("published")
            fill(filler)
            write_frontend(dist, "saved on a full disk")
            # Two more attempts go by unsaid.
            told = events_for(server, 12.0, server.check)
            [refused] = [event for event in told if event["event"] == "build-refused"]
            assert refused["code"] == "disk-full"
            assert refused["hint"]
            assert [event for event in told if event["event"] == "published"] == []
            assert [event["code"] for event in told if event["event"] == "notice"] == ["not-recording"]
            assert {event["status"] for event in told if event["event"] == "check-answered"} == {200}
            assert list(workspace.rglob(".tmp-*")) == []

            filler.unlink()
            told = events_for(server, 10.0, lambda: server.check(1))
            codes = [event["code"] for event in told if event["event"] in ("notice", "build-refused")]
            assert codes == ["recording-again"]
            assert [event["sequence"] for event in told if event["event"] == "published"] == [2]
            assert server.check(1)[0] == 200
            server.send(signal.SIGTERM)
        for name in ("state.db", "history.db"):
            with closing(sqlite3.connect(workspace / name)) as looked:
                assert looked.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with ServerProcess(dist, "--port", "0", "--workspace", workspace, cwd=tmp_path) as server:
            assert server.event("build-skipped")["sequence"] == 2


def fill(path: Path) -> None:
    """Write until the disk is full to the last byte."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC


def events_for(
    server: ServerProcess, seconds: float, meanwhile: Callable[[], object]
) -> list[dict[str, Any]]:
    """What the server tells within these seconds, while something is done ten times a second."""
    told: list[dict[str, Any]] = []
    began = next_time = time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        if now >= next_time:
            next_time += 0.1
            meanwhile()
        try:
            event = server._lines.get(timeout=0.02)
        except queue.Empty:
            continue
        assert event is not None, server.errors()
        told.append(event)
    return told


@contextmanager
def mounted(folder: Path, option: str) -> Iterator[None]:
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
