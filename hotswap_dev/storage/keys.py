"""Where the dev key's text and the highest sequence ever published lie, so that both outlive `git clean`.

An app trusts one public key and remembers the highest sequence that it ran: whoever loses either must build the app
again. What a key's text means is not known here (`packing.signing`).

    {user data}/hotswap-dev/{identifier}/      0700
        key          the secret key's text, 0600
        key.old-1    what was the key before it was replaced; nothing here ever deletes a key
        high-water   the highest sequence, in decimal
        key.lock     held while one of them is written
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.errors import HotswapError
from hotswap_dev.storage.workspace import sync_folder, take_lock, write_atomically

_PATIENCE = 10.0  # seconds to wait for the lock; what is done under it takes milliseconds
_LONGEST_KEY = 64 * 1024

_ELSEWHERE = (
    "make room or make it writable, or keep key and state in a folder of your own with --workspace DIR"
)
# What Windows takes for a device, whatever stands behind the first dot.
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key's text as it was found, or as it was made now."""

    path: Path
    text: str = field(repr=False)
    warning: str | None = None
    """Who else could read or replace it, and the command against that; None if nobody."""
    made: bool = False


@dataclass(frozen=True, slots=True)
class KeyHome:
    """The folder of one app's key. It may be absent until something is written; processes and threads may share it.

    Every method blocks for the disk. Those that write raise HotswapError `key-home-not-writable` or `key-home-busy`
    and leave what was there.
    """

    folder: Path

    @property
    def key_path(self) -> Path:
        """The secret key."""
        return self.folder / "key"

    @property
    def high_water_path(self) -> Path:
        """The highest sequence ever published."""
        return self.folder / "high-water"

    def read_key(self) -> StoredKey | None:
        """The key, or None if there is none yet. HotswapError `key-unreadable` or `key-damaged`."""
        hint = (
            f"put a copy back with `hotswap-dev key import FILE`, or move {self.key_path} away: then a new key is "
            "made, and the app must be built again"
        )
        try:
            found = _read(self.key_path, hint)
        except FileNotFoundError:
            return None
        return StoredKey(found.path, found.text, found.warning or _open_folder(self.folder))

    def read_or_make_key(self, make: Callable[[], str]) -> StoredKey:
        """The key; where there is none, what `make` returns becomes it, and `made` is true.

        Of several that find none at once, one makes it and the others read that one. Raises what `read_key` does.
        """
        found = self.read_key()
        if found is not None:
            return found
        with self._locked():
            found = self.read_key()
            if found is not None:
                return found
            text = make()
            try:
                _place_new(self.key_path, text.encode())
            except FileExistsError:
                raise HotswapError(
                    f"{self.key_path} is a link to a file that is not there",
                    "bring back the file that it leads to, or remove the link: then a new key is made",
                    code="key-unreadable",
                ) from None
        return StoredKey(self.key_path, text, _open_folder(self.folder), made=True)

    def replace_key(self, text: str) -> Path | None:
        """Make `text` the key. The one before stays beside it: its path is returned, or None if there was none.

        There is a key at every moment: after a kill it is the old one or the new one. The same text again changes
        nothing and returns None.
        """
        with self._locked():
            try:
                old = self.key_path.read_bytes()
            except FileNotFoundError:
                old = None
            data = text.encode()
            if old == data:
                return None
            kept = None if old is None else self._keep(old)
            write_atomically(self.key_path, data, mode=0o600)
            return kept

    def high_water(self) -> int:
        """The highest sequence that was ever raised to; 0 if none was.

        HotswapError `high-water-damaged` if the file was edited: to guess would mean to use a number twice.
        """
        try:
            raw = self.high_water_path.read_bytes()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise HotswapError(
                f"can't read {self.high_water_path}: {error.strerror}",
                "it holds the highest sequence ever published: make it readable for this user",
                code="high-water-unreadable",
            ) from None
        if not re.fullmatch(rb"[0-9]{1,20}\s*", raw) or int(raw) > MAX_SEQUENCE:
            raise HotswapError(
                f"{self.high_water_path} holds {raw[:20]!r}, and not one number",
                "write the highest sequence that any client has into it; if you don't know it, remove the file and "
                "start with --sequence-floor N",
                code="high-water-damaged",
            )
        return int(raw)

    def raise_high_water(self, sequence: int) -> int:
        """Note that `sequence` is used, and return the mark, which is never lower than before. On the disk at return.

        Call it before the release is committed: a number too many is skipped, one too few would mean two bundles.
        """
        if not 0 <= sequence <= MAX_SEQUENCE:
            raise ValueError(f"a sequence lies between 0 and 2^64-1, not {sequence}")
        if (mark := self.high_water()) >= sequence:
            return mark
        with self._locked():
            if (mark := self.high_water()) < sequence:
                write_atomically(self.high_water_path, b"%d\n" % sequence)
                mark = sequence
        return mark

    def claim(self, sequence: int) -> int | None:
        """Take `sequence` for a release that is about to be committed. None if it is taken now; else the mark.

        Checkouts of one app share the key, and devices remember the numbers of all of them: of two that claim the
        same one, the second is told the mark and takes one above it.
        """
        with self._locked():
            if (mark := self.high_water()) >= sequence:
                return mark
            write_atomically(self.high_water_path, b"%d\n" % sequence)
        return None

    def sweep(self) -> list[str]:
        """Remove what a killed process left half-written; the names of it."""
        if not self.folder.is_dir():
            return []
        with self._locked():
            left = sorted(
                path for name in ("key*", "high-water") for path in self.folder.glob(f".tmp-*-{name}")
            )
            for path in left:
                path.unlink(missing_ok=True)
        return [path.name for path in left]

    def _keep(self, old: bytes) -> Path:
        number = 0
        for path in self.folder.glob("key.old-*"):
            if path.read_bytes() == old:
                return path  # a kill came between keeping and replacing, or this key was in use before
            suffix = path.name.removeprefix("key.old-")
            number = max(number, int(suffix) if suffix.isdecimal() else 0)
        path = self.folder / f"key.old-{number + 1}"
        _place_new(path, old)
        return path

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, among threads and processes; an OSError inside becomes a sentence."""
        try:
            _make_private(self.folder)
            with (self.folder / "key.lock").open("a+") as lock:
                if not take_lock(lock, _PATIENCE):
                    raise HotswapError(
                        f"another process has held {self.folder / 'key.lock'} for {_PATIENCE:g} s",
                        "end the other hotswap-dev, or, where the disk knows no locks, give --workspace DIR elsewhere",
                        code="key-home-busy",
                    )
                yield
        except OSError as error:
            raise HotswapError(
                f"can't write {error.filename or self.folder}: {error.strerror}",
                _ELSEWHERE,
                code="key-home-not-writable",
            ) from None


def key_home(
    identifier: str, *, environ: Mapping[str, str], home: Path | None, platform: str = sys.platform
) -> KeyHome:
    """The home of an app's key, by its Tauri identifier. Without one, or with --workspace: `KeyHome(workspace)`.

    HotswapError `bad-identifier` if the identifier can't be a folder's name, `no-home` as `user_data_dir`.
    """
    forbidden = [c for c in identifier if c in '/\\:*?"<>|' or not c.isprintable()]
    if (
        not identifier
        or forbidden
        or identifier in (".", "..")
        or identifier != identifier.strip()
        or identifier.endswith(".")  # Windows drops it, and two apps would share a folder
        or identifier.split(".")[0].upper() in _DEVICES
        or len(identifier.encode("utf-8", "surrogatepass")) > 200
    ):
        raise HotswapError(
            f"the identifier {identifier[:200]!a} can't name a folder",
            "correct `identifier` in the Tauri config (letters, digits, - and .), or give --workspace DIR",
            code="bad-identifier",
        )
    return KeyHome(user_data_dir(environ, home, platform) / "hotswap-dev" / identifier)


def user_data_dir(environ: Mapping[str, str], home: Path | None, platform: str = sys.platform) -> Path:
    """Where programs keep a user's data: XDG_DATA_HOME or ~/.local/share, ~/Library/Application Support, %APPDATA%.

    A relative XDG_DATA_HOME is ignored, as the XDG Base Directory specification says. `home` is None where the user
    has none; HotswapError `no-home` if it is needed then.
    """
    given = environ.get("APPDATA" if platform == "win32" else "XDG_DATA_HOME", "")
    if platform != "darwin" and given and (platform == "win32" or given.startswith("/")):
        return Path(given)
    if home is None:
        raise HotswapError(
            "this user has no home folder to keep the dev key in",
            "set HOME, or keep key and state in a folder of your own with --workspace DIR",
            code="no-home",
        )
    if platform == "darwin":
        return home / "Library" / "Application Support"
    return home / "AppData" / "Roaming" if platform == "win32" else home / ".local" / "share"


def read_key_file(path: Path) -> StoredKey:
    """The text of a key file that a person named, with a warning if others can read it.

    UTF-8 with or without BOM, or UTF-16 with one (PowerShell's `>`). A pipe will do, as in `--key <(pass show ota)`.
    HotswapError `key-missing`, `key-unreadable`, or `key-damaged` if it is empty, no text, or far too long.
    """
    try:
        return _read(path, "give the file that `minisign -G`, `tauri signer generate` or `key export` wrote")
    except FileNotFoundError:
        raise HotswapError(
            f"there is no key file {path}",
            "correct --key, or leave it out: then a dev key is used",
            code="key-missing",
        ) from None


def _read(path: Path, hint: str) -> StoredKey:
    """FileNotFoundError if it is absent; HotswapError with `hint` if it holds no text."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST_KEY + 1)
            mode = os.fstat(file.fileno()).st_mode
    except FileNotFoundError:
        raise
    except OSError as error:
        # Windows says "permission denied" of a folder.
        why = "it is a folder" if path.is_dir() else error.strerror
        raise HotswapError(
            f"can't read the key {path}: {why}",
            f"make it readable for this user alone, or {hint}",
            code="key-unreadable",
        ) from None
    text = _text(raw)
    if text is None or not text.strip():
        what = "is no key: it is not text" if text is None else "is empty"
        raise HotswapError(f"{path} {what}", hint, code="key-damaged")
    return StoredKey(path, text, _open_file(path, mode))


def _text(raw: bytes) -> str | None:
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if len(raw) > _LONGEST_KEY or "\0" in text else text


def _open_file(path: Path, mode: int) -> str | None:
    if os.name == "nt" or not stat.S_ISREG(mode) or not mode & 0o077:
        return None
    return f"others on this machine may read the key {path} (mode {stat.S_IMODE(mode):04o}): chmod 600 {path}"


def _open_folder(folder: Path) -> str | None:
    mode = folder.stat().st_mode
    if os.name == "nt" or not mode & stat.S_IWOTH or mode & stat.S_ISVTX:
        return None
    return f"anyone on this machine may replace the key in {folder} (mode {stat.S_IMODE(mode):04o}): chmod 700 {folder}"


def _make_private(folder: Path) -> None:
    """Make the folder and what is missing above it, each for this user alone (`parents=True` would use the umask)."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)


def _place_new(path: Path, secret: bytes) -> None:
    """Put a secret where nothing is, whole or not at all, readable by this user from its first byte.

    FileExistsError if anything is there, a dangling link too.
    """
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    temporary.unlink(
        missing_ok=True
    )  # of a killed process that had this pid: nobody else writes under the lock
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)  # the one way to give a name that refuses to replace, in one step
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):
            # A disk without hard links (FAT, some network drives).
            if os.path.lexists(path):
                raise FileExistsError(path) from None
            temporary.rename(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
