"""The `.hotswap-dev` folder: whose it is, who uses it now, and where a running server is found."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from hotswap_dev import wire
from hotswap_dev.errors import HotswapError, Unreachable

_LOCK_PATIENCE = 0.3  # seconds: `find_server` may hold the lock for the moment of a look


class Workspace:
    """An open workspace. Only one process has it open; the lock is let go when it is closed or the process ends."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._lock = lock

    @property
    def state_db(self) -> Path:
        """Facts."""
        return self.path / "state.db"

    @property
    def history_db(self) -> Path:
        """Observations and clients."""
        return self.path / "history.db"

    @property
    def bundles(self) -> Path:
        """Archives, each named by its hash."""
        return self.path / "bundles"

    def secret(self) -> bytes:
        """32 random bytes that are this workspace's for ever: what the tokens in bundle URLs are made with.

        HotswapError where they can't be read, or written the first time.
        """
        path = self.path / "secret"
        with _readable_errors(self.path):
            if not path.exists():
                write_atomically(path, secrets.token_bytes(32), mode=0o600)
            return path.read_bytes()

    @property
    def log(self) -> Path:
        """Unexpected errors with their tracebacks."""
        return self.path / "server.log"

    def write_server_file(self, server: wire.ServerFile) -> None:
        """Say where the server is; readable by this user alone, since the token is in it."""
        write_atomically(server_file(self.path), wire.encode(server) + b"\n", mode=0o600)

    def remove_server_file(self) -> None:
        """The server has ended well."""
        server_file(self.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Let another server have the folder."""
        self._lock.close()


def open_workspace(path: Path) -> Workspace:
    """Make the folder if need be and take it; HotswapError if it is read-only or another server has it."""
    make_workspace(path)
    with _readable_errors(path):
        lock = (path / "lock").open("a+")
    if not take_lock(lock, _LOCK_PATIENCE):
        lock.seek(0)
        owner = lock.read().strip()
        lock.close()
        raise HotswapError(
            f"another hotswap-dev serves from {path}" + (f" (pid {owner})" if owner else ""),
            "join that one (hotswap-dev attach), end it, or give another folder with --workspace",
            code="workspace-in-use",
        )
    try:
        with _readable_errors(path):
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            # What a killed server left: it points at a server that is gone.
            server_file(path).unlink(missing_ok=True)
    except HotswapError:
        with contextlib.suppress(OSError):  # closing writes what could not be written once more
            lock.close()
        raise
    return Workspace(path, lock)


def make_workspace(path: Path) -> None:
    """Make the folder with what every workspace has; HotswapError if nothing can be written there, or if its path
    can't be told: `server.json` says where the workspace is, and JSON is UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise HotswapError(
            f"the workspace {str(path)!a} has a path that is not valid UTF-8",
            "give another folder with --workspace",
            code="workspace-not-writable",
        ) from None
    with _readable_errors(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path / "bundles").mkdir(mode=0o700, exist_ok=True)
        ignore = path / ".gitignore"
        if not ignore.exists():
            # The folder ignores itself, so nobody has to edit the project's own file.
            ignore.write_text("*\n")
        # mkdir with exist_ok says nothing of a folder that is there and read-only.
        probe = path / f".tmp-probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()


@contextlib.contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HotswapError(
            f"the workspace {path} can't be written: {error.strerror or error}",
            "make it writable, or give another folder with --workspace",
            code="workspace-not-writable",
        ) from None


def server_file(workspace: Path) -> Path:
    """Where a server says how it is reached."""
    return workspace / "server.json"


def find_server(workspace: Path) -> wire.ServerFile:
    """The server that runs in `workspace`; Unreachable, with what to start, if there is none.

    After kill -9 the file is stale; then nobody holds the lock, which no other process can have taken over as a pid.
    """
    hint = "start one with: hotswap-dev serve [DIST]"
    file = server_file(workspace)
    try:
        data = file.read_bytes()
        speaks = msgspec.json.decode(data, type=_Speaks)
    except FileNotFoundError:
        raise Unreachable(f"no server runs in {workspace}", hint) from None
    except PermissionError:
        raise Unreachable(
            f"{file} belongs to another user", "run this as the user who started the server"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise Unreachable(f"{file} can't be read: {error}", hint) from None
    with contextlib.suppress(OSError), (workspace / "lock").open("a+") as lock:
        if take_lock(lock, 0):
            raise Unreachable(f"the server of {workspace} (pid {speaks.pid}) is gone", hint)
    if speaks.protocol != wire.PROTOCOL:
        raise Unreachable(
            f"the server of {workspace} is hotswap-dev {speaks.version} and speaks protocol {speaks.protocol}, "
            f"this program speaks {wire.PROTOCOL}",
            "restart the server with this version",
        )
    try:
        return msgspec.json.decode(data, type=wire.ServerFile)
    except msgspec.DecodeError as error:
        raise Unreachable(f"{file} can't be read: {error}", hint) from None


class _Speaks(msgspec.Struct):
    """What a server's file has whatever the protocol: read first, since the rest may have changed with it."""

    protocol: int
    version: str = "?"
    pid: int = 0


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Put `data` at `path`, or leave what was there: a temporary file beside it, fsync, rename.

    The temporary file is made with `mode` from the start, so a secret is never readable in between.
    """
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    # One that a killed process left may be open to others, or a link: O_EXCL takes neither over.
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` outlive a power cut. Windows has no such call, and needs none."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def take_lock(lock: IO[str], patience: float) -> bool:
    """Take the lock on an open file; False if another process has it for `patience` seconds on end."""
    deadline = time.monotonic() + patience
    return any(_try_lock(lock) for _ in _until(deadline))


def _until(deadline: float) -> Iterator[None]:
    yield
    while time.monotonic() < deadline:
        time.sleep(0.02)
        yield


if sys.platform == "win32":
    import msvcrt

    def _try_lock(lock: IO[str]) -> bool:
        # One byte far behind the text, since Windows keeps others from reading what is locked.
        lock.seek(1 << 20)
        try:
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        lock.seek(0)
        return True

else:
    import fcntl

    def _try_lock(lock: IO[str]) -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
