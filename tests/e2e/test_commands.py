"""What a person types, against a running server."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess, run_command, write_frontend
from tests.e2e.test_start_and_end import tauri_project

KEYS = Path(__file__).parents[2] / "fixtures" / "keys"
PASSWORD = "test-password"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(
        write_frontend(tmp_path / "dist"), "--port", "0", cwd=tmp_path, everything=True
    ) as running:
        running.event("published")
        yield running


def test_publish_takes_a_path_of_its_caller_and_answers_when_it_is_offered(
    server: ServerProcess, tmp_path: Path
) -> None:
    write_frontend(tmp_path / "elsewhere" / "other", "another frontend")

    done = run_command("publish", "other", "--notes", "hello", "--mandatory", "on", "--project", tmp_path,
                       cwd=tmp_path / "elsewhere")  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "release 2 (0.1.0-ota.2) offered on production; no client's answer changes\n"
    status, manifest = server.check(1)
    assert status == 200
    assert manifest is not None
    assert (manifest["sequence"], manifest["notes"], manifest["mandatory"]) == (2, "hello", True)


def test_publish_refuses_a_folder_without_index_and_what_is_served_stays(
    server: ServerProcess, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    done = run_command("publish", tmp_path / "empty", cwd=tmp_path)

    assert done.returncode == 1
    assert "index.html" in done.stderr
    assert server.check(0)[1] is not None
    assert server.event("build-refused")["code"] == "no-index"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--channel", "a b"], "'a b'"),
        (["--min-binary-version", "latest"], "'latest'"),
        (["--update-type", "x y"], "--update-type"),
    ],
)
def test_a_bad_argument_is_named(
    server: ServerProcess, tmp_path: Path, arguments: list[str], named: str
) -> None:
    done = run_command("publish", *arguments, cwd=tmp_path)

    assert done.returncode == 1
    assert named in done.stderr


def test_status_releases_and_log_say_what_there_is(server: ServerProcess, tmp_path: Path) -> None:
    assert server.check(0)[0] == 200
    assert server.check(1)[0] == 204
    server.event("check-answered", lambda event: event["status"] == 204)

    status = run_command("status", cwd=tmp_path).stdout
    releases = run_command("releases", cwd=tmp_path).stdout
    log = _until(lambda: run_command("log", cwd=tmp_path).stdout, lambda text: "204  The client" in text)

    assert f"serving    {server.ready['endpoint']}" in status
    assert "releases   1, newest 1 (0.1.0-ota.1) on production" in status
    assert "clients    1, last local/linux/x86_64 at 1 (up-to-date)" in status
    assert releases.splitlines()[1].split()[:3] == ["1", "0.1.0-ota.1", "production"]
    assert "↓ 1  Release 1 (0.1.0-ota.1) is newer than the client's 0." in log
    assert "204  The client has 1, the newest release of channel production." in log


def test_log_filters_by_client_and_reason(server: ServerProcess, tmp_path: Path) -> None:
    for sequence in (0, 1, 9):
        server.check(sequence)
    server.event("check-answered", lambda event: event["reason"] == "client-ahead")

    ahead = _until(
        lambda: run_command("log", "--reason", "client-ahead", "--json", cwd=tmp_path).stdout,
        lambda text: bool(text),
    )

    assert [json.loads(line)["sequence"] for line in ahead.splitlines()] == [9]
    assert run_command("log", "--client", "nobody", cwd=tmp_path).stdout == ""


def test_json_is_one_value_on_stdout_and_has_no_token(server: ServerProcess, tmp_path: Path) -> None:
    token = json.loads((tmp_path / ".hotswap-dev" / "server.json").read_text())["token"]
    for command in (["status", "--json"], ["releases", "--json"], ["key", "show", "--json"]):
        done = run_command(*command, cwd=tmp_path)
        assert json.loads(done.stdout)
        assert token not in done.stdout


def test_api_adds_address_and_token(server: ServerProcess, tmp_path: Path) -> None:
    state = json.loads(run_command("api", "/api/state", cwd=tmp_path).stdout)
    done = run_command("api", "POST", "/api/commands/publish", "-d", '{"notes": "by hand"}', cwd=tmp_path)
    missing = run_command("api", "/api/nothing", cwd=tmp_path)

    assert state["instance"] == server.ready["instance"]
    assert json.loads(done.stdout)["result"]["notes"] == "by hand"
    assert missing.returncode == 1
    assert "not found" in missing.stderr


@pytest.mark.parametrize("format_", ["tar.gz", "zip"])
def test_pack_makes_three_files_that_verify_takes(tmp_path: Path, format_: str) -> None:
    write_frontend(tmp_path / "dist")

    packed = run_command(
        "pack", "dist", "-o", "out", "--name", "app", "--format", format_, "--sequence", "7", cwd=tmp_path
    )
    verified = run_command("verify", f"out/app.{format_}", cwd=tmp_path)

    assert packed.returncode == 0, packed.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [f"app.{format_}", f"app.{format_}.minisig", "app.json"]
    )
    manifest = json.loads((tmp_path / "out" / "app.json").read_text())
    assert (manifest["sequence"], manifest["url"]) == (7, f"app.{format_}")
    assert manifest["signature"] == (tmp_path / "out" / f"app.{format_}.minisig").read_text()
    assert verified.returncode == 0, verified.stderr
    assert "good: 2 files" in verified.stdout


def test_verify_refuses_what_a_client_would(tmp_path: Path) -> None:
    write_frontend(tmp_path / "dist")
    run_command("pack", "dist", "-o", "out", "--name", "app", cwd=tmp_path)
    archive = tmp_path / "out" / "app.tar.gz"
    whole = archive.read_bytes()

    archive.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    changed = run_command("verify", "out/app.tar.gz", cwd=tmp_path)
    archive.write_bytes(whole)
    foreign = run_command("verify", "out/app.tar.gz", "--pubkey", _foreign_pubkey(tmp_path), cwd=tmp_path)

    assert changed.returncode == 1
    assert "the bytes are not those" in changed.stderr
    assert foreign.returncode == 1
    assert "but the public key is" in foreign.stderr


@pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")
def test_minisign_takes_what_pack_signed(tmp_path: Path) -> None:
    write_frontend(tmp_path / "dist")
    run_command("pack", "dist", "-o", "out", "--name", "app", cwd=tmp_path)
    pubkey = run_command("key", "show", cwd=tmp_path).stdout.strip()

    done = subprocess.run(
        ["minisign", "-VH", "-m", "out/app.tar.gz", "-P", pubkey],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0


def test_a_key_moves_from_one_machine_to_another(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for home in (one, other):
        tauri_project(home)

    exported = run_command("key", "export", tmp_path / "dev.key", cwd=one)
    before = run_command("key", "show", cwd=other).stdout
    imported = run_command("key", "import", tmp_path / "dev.key", cwd=other)

    assert exported.returncode == imported.returncode == 0
    after = run_command("key", "show", cwd=other).stdout
    assert after == run_command("key", "show", cwd=one).stdout != before
    kept = other / "data" / "hotswap-dev" / "com.example.my-app" / "key.old-1"
    assert kept.exists()
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "dev.key").stat().st_mode) == 0o600


def test_a_new_key_keeps_the_one_before(tmp_path: Path) -> None:
    before = run_command("key", "show", cwd=tmp_path).stdout
    assert run_command("key", "new", cwd=tmp_path).returncode == 0
    assert run_command("key", "show", cwd=tmp_path).stdout != before
    assert (tmp_path / ".hotswap-dev" / "key.old-1").exists()


def test_export_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    done = run_command("key", "export", "mine", cwd=tmp_path)
    assert done.returncode == 2
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("test-tauri-empty.key", None),
        ("test-tauri-password.key", PASSWORD),
        ("test-minisign-plain.key", None),
    ],
)
def test_keys_of_other_tools_sign(tmp_path: Path, name: str, password: str | None) -> None:
    write_frontend(tmp_path / "dist")
    done = run_command(
        "pack", "dist", "-o", "out", "--name", "app", "--key", KEYS / name, cwd=tmp_path,
        environ={"HOTSWAP_DEV_KEY_PASSWORD": password} if password else {},
    )  # fmt: skip
    public = next(path for path in (KEYS / f"{name}.pub", (KEYS / name).with_suffix(".pub")) if path.exists())
    verified = run_command("verify", "out/app.tar.gz", "--pubkey", public, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert verified.returncode == 0, verified.stderr


def test_tauris_variables_are_used_by_key_env_alone_and_otherwise_said_to_be_ignored(tmp_path: Path) -> None:
    environ = {
        "TAURI_SIGNING_PRIVATE_KEY": (KEYS / "test-tauri-password.key").read_text(),
        "TAURI_SIGNING_PRIVATE_KEY_PASSWORD": PASSWORD,
    }
    theirs = run_command("key", "show", "--key", "env", cwd=tmp_path, environ=environ)
    ours = run_command("key", "show", cwd=tmp_path, environ=environ)
    nothing = run_command("key", "show", "--key", "env", cwd=tmp_path)

    assert theirs.returncode == 0, theirs.stderr
    assert theirs.stdout != ours.stdout
    assert "TAURI_SIGNING_PRIVATE_KEY is set and was ignored" in ours.stderr
    assert nothing.returncode == 2


def test_the_key_that_installed_apps_trust_needs_a_word(tmp_path: Path) -> None:
    project = tauri_project(tmp_path / "app")
    config = project / "src-tauri" / "tauri.conf.json"
    public = run_command("key", "show", cwd=project).stdout.strip()
    config.write_text(config.read_text()[:-1] + f', "plugins": {{"hotswap": {{"pubkey": "{public}"}}}}}}')

    refused = run_command("key", "show", cwd=project)
    allowed = run_command("key", "show", "--production-key", cwd=project)

    assert refused.returncode == 1
    assert "--production-key" in refused.stderr
    assert allowed.stdout.strip() == public


def _foreign_pubkey(folder: Path) -> str:
    return run_command("key", "show", "--workspace", folder / "foreign", cwd=folder).stdout.strip()


def _until(read: Callable[[], str], enough: Callable[[str], bool]) -> str:
    """Read until it is enough, at most 50 times: the recorder writes behind the answers' back."""
    text = ""
    for _ in range(50):
        text = read()
        if enough(text):
            break
    return text
