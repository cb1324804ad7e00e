"""How the program starts, ends, and says what is wrong: one clear sentence, the right exit code, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.e2e.server_process import ServerProcess, clean_environment, run_command, write_frontend

KEYS = Path(__file__).parents[2] / "fixtures" / "keys"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return write_frontend(tmp_path / "dist")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param(
            name, code, marks=pytest.mark.skipif(not hasattr(signal, name), reason=f"no {name} here")
        )
        for name, code in (("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129))
    ],
)
def test_E16_a_signal_ends_the_server_in_order_within_two_seconds(
    tmp_path: Path, dist: Path, name: str, code: int
) -> None:
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        file = tmp_path / ".hotswap-dev" / "server.json"
        assert file.exists()
        server.process.send_signal(getattr(signal, name))
        assert server.process.wait(timeout=2) == code
        assert not file.exists()
        assert server.errors() == ""


def test_E16_a_download_that_nobody_reads_does_not_hold_the_end(tmp_path: Path, dist: Path) -> None:
    (dist / "noise.bin").write_bytes(os.urandom(20_000_000))
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        _, manifest = server.check()
        assert manifest is not None
        host, port = server.ready["site"].removeprefix("http://").split(":")
        with closing(socket.create_connection((host, int(port)))) as reader:
            path = manifest["url"].split(":", 2)[2].partition("/")[2]
            reader.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            assert reader.recv(15) == b"HTTP/1.1 200 OK"
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=3) == 143


def test_the_same_content_is_not_published_again_by_a_restart(tmp_path: Path, dist: Path) -> None:
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        server.send(signal.SIGTERM)
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        assert server.event("build-skipped")["sequence"] == 1
        assert server.check(1)[0] == 204


def test_a_folder_published_by_hand_is_not_undone_by_a_restart(tmp_path: Path, dist: Path) -> None:
    by_hand = write_frontend(tmp_path / "other", "another frontend")
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        assert run_command("publish", by_hand, cwd=tmp_path).returncode == 0
        server.send(signal.SIGTERM)
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("build-skipped")
        assert server.check(1)[0] == 200
        assert server.check(2)[0] == 204


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_E9_a_busy_port_on_either_family_is_an_error_and_leaves_no_state(
    tmp_path: Path, dist: Path, family: socket.AddressFamily, address: str
) -> None:
    try:
        taken = socket.socket(family, socket.SOCK_STREAM)
        taken.bind((address, 0))
    except OSError as error:
        pytest.skip(f"{address} can't be listened on here: {error}")
    with closing(taken):
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_command("serve", dist, "--port", str(port), cwd=tmp_path)
    assert ended.returncode == 1
    assert f"port {port} is in use on {address}" in ended.stderr
    assert "--auto-port" in ended.stderr
    assert not (tmp_path / ".hotswap-dev" / "state.db").exists()


def test_E9_auto_port_takes_the_next_free_one(tmp_path: Path, dist: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with ServerProcess(dist, "--port", str(port), "--auto-port", cwd=tmp_path) as server:
            assert int(server.ready["site"].rsplit(":", 1)[1]) > port


def test_a_wrong_password_is_one_sentence(tmp_path: Path, dist: Path) -> None:
    key = next(KEYS.glob("*tauri*password*.key"), None)
    if key is None:
        pytest.fail(f"no Tauri key with a password in {KEYS}")
    ended = run_command(
        "serve",
        dist,
        "--port",
        "0",
        "--key",
        key,
        cwd=tmp_path,
        environ={"HOTSWAP_DEV_KEY_PASSWORD": "not it"},
    )
    assert ended.returncode == 1
    assert "password" in ended.stderr
    assert str(key) in ended.stderr
    assert not (tmp_path / ".hotswap-dev" / "state.db").exists()


def test_a_password_that_nobody_can_be_asked_for_is_one_sentence(tmp_path: Path, dist: Path) -> None:
    key = next(KEYS.glob("*tauri*password*.key"))
    ended = run_command("serve", dist, "--port", "0", "--key", key, cwd=tmp_path)
    assert ended.returncode == 1
    assert "HOTSWAP_DEV_KEY_PASSWORD" in ended.stderr


def test_an_unreadable_key_is_one_sentence(tmp_path: Path, dist: Path) -> None:
    ended = run_command("serve", dist, "--port", "0", "--key", tmp_path, cwd=tmp_path)
    assert ended.returncode == 1
    assert f"can't read the key {tmp_path}: it is a folder" in ended.stderr


def test_B2_a_key_in_the_watched_folder_is_refused(tmp_path: Path, dist: Path) -> None:
    assert run_command("key", "export", dist / "secret", cwd=tmp_path).returncode == 0
    ended = run_command("serve", dist, "--port", "0", "--key", dist / "secret", cwd=tmp_path)
    assert ended.returncode == 1
    assert "lies in the watched folder" in ended.stderr


def test_a_workspace_in_the_watched_folder_is_refused(tmp_path: Path, dist: Path) -> None:
    before = sorted(dist.iterdir())
    for arguments in (["serve", "."], ["serve", ".", "--workspace", "."]):
        ended = run_command(*arguments, "--port", "0", cwd=dist)
        assert ended.returncode == 1
        assert "lies in the watched folder" in ended.stderr
    assert sorted(dist.iterdir()) == before


def test_a_file_is_no_build_folder(tmp_path: Path, dist: Path) -> None:
    ended = run_command("serve", dist / "index.html", "--port", "0", cwd=tmp_path)
    assert ended.returncode == 2
    assert "is a file" in ended.stderr


@pytest.mark.parametrize(
    "option", [["--format", "zip"], ["--min-binary-version", "0.0.9"], ["--app-version", "0.2.0"]]
)
def test_a_restart_that_would_make_another_release_of_the_same_files_does(
    tmp_path: Path, dist: Path, option: list[str]
) -> None:
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        server.send(signal.SIGTERM)
    with ServerProcess(dist, "--port", "0", *option, cwd=tmp_path) as server:
        assert server.event("published")["sequence"] == 2


def test_after_a_new_key_the_same_files_are_signed_again(tmp_path: Path, dist: Path) -> None:
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        server.send(signal.SIGTERM)
    assert run_command("key", "new", cwd=tmp_path).returncode == 0
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        _, manifest = server.check(1)
        assert manifest is not None
        (tmp_path / "bundle.tar.gz").write_bytes(server.get(manifest["url"])[1])
        (tmp_path / "bundle.tar.gz.minisig").write_text(manifest["signature"])
        assert (
            run_command(
                "verify", "bundle.tar.gz", "--pubkey", server.ready["pubkey"], cwd=tmp_path
            ).returncode
            == 0
        )


def test_outside_a_tauri_project_a_folder_is_required(tmp_path: Path) -> None:
    ended = run_command("serve", cwd=tmp_path)
    assert ended.returncode == 2
    assert "DIST is required" in ended.stderr


def test_two_configs_are_listed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tauri_project(tmp_path / name)
    ended = run_command("serve", cwd=tmp_path)
    assert ended.returncode == 1
    for name in ("one", "two"):
        assert str(Path(name) / "src-tauri" / "tauri.conf.json") in ended.stderr
    assert "--project" in ended.stderr


def test_a_broken_config_names_file_and_line(tmp_path: Path) -> None:
    project = tauri_project(tmp_path)
    (project / "src-tauri" / "tauri.conf.json").write_text('{\n  "version": \n}')
    ended = run_command("serve", cwd=project)
    assert ended.returncode == 1
    assert "tauri.conf.json, line 3" in ended.stderr


def test_a_word_that_is_no_command_and_no_folder_gets_the_nearest_command(tmp_path: Path) -> None:
    ended = run_command("relases", cwd=tmp_path)
    assert ended.returncode == 2
    assert "did you mean releases?" in ended.stderr


def test_without_a_server_commands_exit_with_3(tmp_path: Path) -> None:
    for command in (["status"], ["releases"], ["log"], ["publish"], ["api", "/api/state"]):
        ended = run_command(*command, cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (3, "")
        assert "no server runs in" in ended.stderr


def test_a_reader_that_stops_reading_does_not_stop_the_answers(tmp_path: Path, dist: Path) -> None:
    """The pipe holds 64 kB; every check is a line of some 400 bytes."""
    program = [sys.executable, "-m", "hotswap_dev", "serve", str(dist), "--port", "0", "--json=all"]
    with subprocess.Popen(
        program,
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stdout is not None
            site = json.loads(process.stdout.readline())["site"]
            for _ in range(1000):
                assert urlopen(
                    f"{site}/api/ota/0?binary_version=0.1.0&platform=linux&arch=x86_64"
                ).status in (200, 204)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=3) == 143
        finally:
            process.kill()


def test_a_reader_that_is_gone_does_not_end_the_server(tmp_path: Path, dist: Path) -> None:
    program = [sys.executable, "-m", "hotswap_dev", "serve", str(dist), "--port", "0", "--json=all"]
    with subprocess.Popen(
        program, cwd=tmp_path, env=clean_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            site = json.loads(process.stdout.readline())["site"]
            process.stdout.close()
            for _ in range(3):
                assert urlopen(f"{site}/healthz").status == 200
                urlopen(f"{site}/api/ota/0?binary_version=0.1.0&platform=linux&arch=x86_64").close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=3) == 143
            assert process.stderr.read() == b""
        finally:
            process.kill()


def test_help_imports_no_http_library(tmp_path: Path) -> None:
    heavy = "aiohttp", "textual", "rich", "watchfiles", "cryptography", "sqlite3", "asyncio"
    code = (
        "import sys; from hotswap_dev.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=20
    )
    assert ended.stderr.strip() == "[]"
    assert "hotswap-dev serve dist" in ended.stdout


def tauri_project(root: Path) -> Path:
    """A Tauri project as small as one can be, with its frontend built."""
    source = root / "src-tauri"
    source.mkdir(parents=True)
    (source / "tauri.conf.json").write_text(
        '{"productName": "my-app", "version": "0.4.1", "identifier": "com.example.my-app", '
        '"build": {"frontendDist": "../dist"}}'
    )
    (source / "Cargo.toml").write_text('[package]\nname = "my-app"\n')
    write_frontend(root / "dist")
    return root
