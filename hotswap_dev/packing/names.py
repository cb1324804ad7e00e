"""What file names alone can tell: secrets, names that collide on other systems, names they can't hold.

Pure, and remembered per set of paths: a watcher asks every two seconds, and the answer changes only when
files come or go.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

PRIVATE_BY_NAME = (
    "by its name this is no part of a frontend, and a bundle is readable by anyone who can reach the server"
)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something in a tree that a person must know of, and where."""

    code: str  # kebab-case, stable
    path: str  # relative to the root with `/`; undecodable bytes as \xNN
    detail: str


@lru_cache(maxsize=4)
def judge_names(paths: tuple[str, ...]) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """The problems and the warnings in the names of a tree's files (hardening B6, B7).

    A warning stands for all files of its code: its path is the first of them, its detail says how many.
    """
    problems: list[Problem] = []
    warned: dict[str, list[tuple[str, str]]] = {}
    for path in paths:
        if _SUSPECT.search(path) is None and len(path) <= _LONG:
            continue
        for part in path.split("/"):
            if _SECRET.fullmatch(part):
                problems.append(Problem("secret", path, PRIVATE_BY_NAME))
                break
        for code, why in _doubts(path):
            warned.setdefault(code, []).append((path, why))
    problems += _collisions(paths)
    warnings = tuple(
        Problem(
            code, cases[0][0], cases[0][1] if len(cases) == 1 else f"{cases[0][1]} ({len(cases)} such files)"
        )
        for code, cases in sorted(warned.items())
    )
    return tuple(problems), warnings


def shown(path: str) -> str:
    r"""A path in which bytes that are not UTF-8 are written as \xNN, fit for logs and JSON."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


# The way there on Windows (%APPDATA%, identifier, hotswap, seq-N) takes about 80 of its 260 characters.
_LONG = 180

_DEVICES = r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])"

# Names of private keys and of what holds them. Not `id_*`: `id_card.svg` is a frontend's file.
_SECRET = re.compile(
    r"\.git|\.hotswap-dev|.*\.(?:key|p12|pfx|jks|keystore)|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?",
    re.IGNORECASE,
)

# One cheap look at every path; only what it finds is judged in full.
_SUSPECT = re.compile(
    r'[\x00-\x1f\x7f<>:"\\|?*]|[. ](?:/|$)|\.(?:key|p12|pfx|jks|keystore|pem|map)$'
    rf"|(?:^|/)(?:\.env|\.(?:git|hotswap-dev)(?:$|/)|id_|{_DEVICES}(?:[./]|$))",
    re.IGNORECASE,
)

_UNHELD_CHARACTER = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')
_DEVICE = re.compile(rf"{_DEVICES}(?:\..*)?", re.IGNORECASE)
_ENVIRONMENT = re.compile(r"\.env(?:\..+)?", re.IGNORECASE)


def _doubts(path: str) -> list[tuple[str, str]]:
    """The warnings that one path earns: code and sentence."""
    name = path.rpartition("/")[2]
    lower = name.lower()
    doubts = []
    if _ENVIRONMENT.fullmatch(name):
        doubts.append(("env-file", "files like this often hold secrets; a bundle is readable by anyone"))
    if lower.endswith(".pem"):
        doubts.append(("pem-file", "if this is a private key, take it out; a bundle is readable by anyone"))
    if lower.endswith(".map"):
        doubts.append(("source-map", "source maps make the update larger and show the sources"))
    if why := _unheld(path):
        doubts.append(("name-not-portable", why))
    return doubts


def _unheld(path: str) -> str:
    """Why a Windows client could not hold a file of this name; empty when it can."""
    if len(path) > _LONG:
        return f"Windows holds paths of 260 characters: {len(path)} in the bundle leave too little for the folder"
    for part in path.split("/"):
        if found := _UNHELD_CHARACTER.search(part):
            return f"Windows holds no name with {found.group()!r}"
        if part.endswith((".", " ")):
            return f"Windows drops the {part[-1]!r} at the end of {part!r}"
        if _DEVICE.fullmatch(part):
            return f"{part!r} names a device on Windows"
    return ""


def _collisions(paths: tuple[str, ...]) -> list[Problem]:
    """Files that are one file where case or Unicode form does not count (Windows, macOS): one would be lost."""
    problems = []
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    last = ""
    for path in paths:
        first = seen.setdefault(_folded(path), path)
        if first is not path:
            problems.append(
                Problem("name-collision", path, f"on Windows and macOS it is the same file as {first}")
            )
        folder = path.rpartition("/")[0]
        if folder != last:
            last = folder
            while folder and folders.setdefault(_folded(folder), folder) is folder:
                folder = folder.rpartition("/")[0]
    for key, folder in folders.items():
        if key in seen:
            problems.append(
                Problem(
                    "name-collision",
                    seen[key],
                    f"on Windows and macOS it has the name of the folder {folder}",
                )
            )
    return problems


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
