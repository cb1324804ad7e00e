"""One server for a folder, and a way to find it; nothing of it readable by others."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.errors import HotswapError, Unreachable
from hotswap_dev.storage.workspace import (
    Workspace,
    find_server,
    open_workspace,
    server_file,
)

posix_modes = pytest.mark.skipif(os.name == "nt", reason="Windows keeps files private by other means")

SERVER = wire.ServerFile(
    site="http://127.0.0.1:3333",
    endpoint="http://127.0.0.1:3333/api/ota/{{current_sequence}}",
    addresses=("http://127.0.0.1:3333",),
    control="http://127.0.0.1:4444",
    pubkey="RW…",
    workspace="w",
    instance="i1",
    pid=4711,
    token="secret",
    version="0.1.0",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app" / ".hotswap-dev"


@pytest.fixture
def workspace(path: Path) -> Iterator[Workspace]:
    with contextlib.closing(open_workspace(path)) as opened:
        yield opened


@contextlib.contextmanager
def another_process(path: Path, *, writes: wire.ServerFile | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the workspace until the block ends, its server file written if there is one."""
    program = (
        "import sys, msgspec\n"
        "from pathlib import Path\n"
        "from hotswap_dev import wire\n"
        "from hotswap_dev.storage.workspace import open_workspace\n"
        "workspace = open_workspace(Path(sys.argv[1]))\n"
        "if sys.argv[2]:\n"
        "    workspace.write_server_file(msgspec.json.decode(sys.argv[2], type=wire.ServerFile))\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    arguments = [str(path), wire.encode(writes).decode() if writes else ""]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


def unreachable(path: Path) -> Unreachable:
    """Why no server can be found."""
    with pytest.raises(Unreachable) as caught:
        find_server(path)
    assert caught.value.hint
    return caught.value


# The folder


def test_E7_a_path_that_is_not_utf8_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    """server.json and every answer that names the workspace are JSON."""
    path = tmp_path / os.fsdecode(b"caf\xe9")
    with pytest.raises(HotswapError, match="not valid UTF-8") as caught:
        open_workspace(path)
    assert caught.value.code == "workspace-not-writable"
    assert "--workspace" in caught.value.hint
    assert caught.value.message.isprintable()
    assert list(tmp_path.iterdir()) == []


def test_a_new_workspace_has_what_a_server_needs_and_ignores_itself(workspace: Workspace, path: Path) -> None:
    assert workspace.path == path
    assert workspace.bundles.is_dir()
    assert (path / ".gitignore").read_text() == "*\n"
    assert {workspace.state_db.parent, workspace.history_db.parent, workspace.log.parent} == {path}


def test_a_gitignore_that_somebody_changed_is_left_as_it_is(path: Path) -> None:
    path.mkdir(parents=True)
    (path / ".gitignore").write_text("mine\n")
    open_workspace(path).close()
    assert (path / ".gitignore").read_text() == "mine\n"


@posix_modes
@pytest.mark.usefixtures("open_umask")
def test_nobody_else_can_look_into_a_workspace(workspace: Workspace) -> None:
    assert workspace.path.stat().st_mode & 0o777 == 0o700
    assert workspace.bundles.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("taken", [".", "bundles", "lock"])
def test_E7_a_folder_that_can_not_be_made_is_an_error_with_a_way_out(path: Path, taken: str) -> None:
    if taken == "lock":
        (path / taken).mkdir(parents=True)
    else:
        (path / taken).parent.mkdir(parents=True)
        (path / taken).write_text("a file in the way")
    with pytest.raises(HotswapError, match="can't be written") as caught:
        open_workspace(path)
    assert str(path) in caught.value.message
    assert caught.value.code == "workspace-not-writable"
    assert "--workspace" in caught.value.hint


@posix_modes
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_E7_a_read_only_folder_is_an_error_with_a_way_out(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "bundles").mkdir()
    (path / ".gitignore").write_text("*\n")
    path.chmod(0o500)
    try:
        with pytest.raises(HotswapError, match="can't be written") as caught:
            open_workspace(path)
    finally:
        path.chmod(0o700)
    assert caught.value.code == "workspace-not-writable"


def test_E5_a_disk_that_is_full_when_the_lock_is_signed_is_an_error_with_a_way_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def full(self: Path, *args: Any, **kwargs: Any) -> Any:
        file = opened(self, *args, **kwargs)
        if self.name == "lock":
            return _FullDisk(file)
        return file

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(HotswapError, match="No space left"):
        open_workspace(path)
    monkeypatch.undo()
    open_workspace(path).close()


class _FullDisk:
    """A file whose bytes find no place."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def flush(self) -> None:
        raise OSError(28, "No space left on device")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


# The lock


def test_E8_a_second_server_on_one_folder_is_refused_and_the_first_is_named(path: Path) -> None:
    with another_process(path) as first, pytest.raises(HotswapError) as caught:
        open_workspace(path)
    assert caught.value.code == "workspace-in-use"
    assert f"(pid {first.pid})" in caught.value.message
    assert "hotswap-dev attach" in caught.value.hint


def test_E8_being_refused_takes_nothing_from_the_first(path: Path) -> None:
    with another_process(path, writes=SERVER):
        for _ in range(2):
            with pytest.raises(HotswapError):
                open_workspace(path)
        assert find_server(path) == SERVER


def test_E8_the_folder_of_a_server_that_was_killed_is_free_and_its_file_gone(path: Path) -> None:
    with another_process(path, writes=SERVER) as first:
        first.kill()
        first.wait()
        assert server_file(path).exists()
        open_workspace(path).close()
    assert not server_file(path).exists()


def test_a_closed_workspace_can_be_opened_again(path: Path) -> None:
    for _ in range(2):
        open_workspace(path).close()


def test_a_look_for_the_server_does_not_keep_one_from_starting(path: Path, workspace: Workspace) -> None:
    workspace.write_server_file(SERVER)
    workspace.close()
    with pytest.raises(Unreachable):
        find_server(path)
    open_workspace(path).close()


# Finding the server


def test_a_running_server_is_found_as_it_wrote_itself_down(path: Path) -> None:
    with another_process(path, writes=SERVER):
        assert find_server(path) == SERVER


def test_where_no_server_ever_ran_there_is_none(path: Path) -> None:
    error = unreachable(path)
    assert str(path) in error.message
    assert "hotswap-dev serve" in error.hint
    assert not path.exists()


def test_a_server_that_is_starting_has_not_said_yet_where_it_is(path: Path) -> None:
    with another_process(path):
        assert "no server runs" in unreachable(path).message


def test_the_file_of_a_killed_server_is_known_to_be_stale(path: Path) -> None:
    with another_process(path, writes=SERVER) as server:
        server.kill()
        server.wait()
        assert "(pid 4711) is gone" in unreachable(path).message


def test_a_server_that_ended_well_left_no_file(path: Path, workspace: Workspace) -> None:
    workspace.write_server_file(SERVER)
    assert server_file(path).exists()
    workspace.remove_server_file()
    workspace.remove_server_file()
    assert "no server runs" in unreachable(path).message


def test_a_server_of_another_protocol_is_named_with_what_each_speaks(path: Path) -> None:
    with another_process(path, writes=replace(SERVER, protocol=wire.PROTOCOL + 1, version="2.0.0")):
        error = unreachable(path)
    assert "hotswap-dev 2.0.0 and speaks protocol 2" in error.message
    assert "restart" in error.hint


def test_a_newer_servers_file_with_other_fields_is_still_told_apart_by_its_protocol(path: Path) -> None:
    with another_process(path):
        server_file(path).write_bytes(b'{"protocol": 9, "version": "9.0.0", "control": {"unix": "/run/x"}}')
        error = unreachable(path)
    assert "speaks protocol 9" in error.message


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b'{"protocol": "one"}', b'{"protocol": 1}', b"\xff"]
)
def test_a_server_file_that_can_not_be_read_is_named(path: Path, text: bytes) -> None:
    with another_process(path):
        server_file(path).write_bytes(text)
        assert "server.json can't be read" in unreachable(path).message


@pytest.mark.parametrize("in_the_way", ["workspace", "server.json"])
def test_a_file_or_folder_in_the_way_is_no_server(path: Path, in_the_way: str) -> None:
    if in_the_way == "workspace":
        path.parent.mkdir()
        path.write_text("a file")
    else:
        server_file(path).mkdir(parents=True)
    assert str(path) in unreachable(path).message


@posix_modes
@pytest.mark.usefixtures("open_umask")
def test_the_file_with_the_token_is_readable_by_its_user_alone(workspace: Workspace, path: Path) -> None:
    workspace.write_server_file(SERVER)
    assert server_file(path).stat().st_mode & 0o777 == 0o600


# The secret


@posix_modes
@pytest.mark.usefixtures("open_umask")
def test_the_secret_is_made_once_and_private(workspace: Workspace, path: Path) -> None:
    secret = workspace.secret()
    assert len(secret) == 32
    assert workspace.secret() == secret
    assert (path / "secret").stat().st_mode & 0o777 == 0o600
    workspace.close()
    with contextlib.closing(open_workspace(path)) as again:
        assert again.secret() == secret


def test_two_workspaces_have_two_secrets(tmp_path: Path) -> None:
    with (
        contextlib.closing(open_workspace(tmp_path / "a")) as one,
        contextlib.closing(open_workspace(tmp_path / "b")) as other,
    ):
        assert one.secret() != other.secret()
