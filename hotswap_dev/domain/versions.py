"""Semantic versions in the order of the client.

The plugin compares with `Ord` of Rust's `semver` 1.0 (plugin: resolver.rs), which is semver's precedence *and then*
the build metadata: `1.0.0+5 > 1.0.0`. `packaging.version` is PEP 440 and refuses `0.1.0-ota.1`: no use here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import semver

MAX_LENGTH = 256
_U64 = 2**64 - 1

_Identifier = tuple[int, int, str, int]
_Key = tuple[int, int, int, bool, tuple[_Identifier, ...], tuple[_Identifier, ...]]


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A semantic version; `<` is the client's order. `str()` gives the text that was parsed."""

    _key: _Key
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text

    @property
    def core(self) -> str:
        """`major.minor.patch` alone."""
        return ".".join(str(part) for part in self._key[:3])


@lru_cache(maxsize=4096)
def parse(text: str) -> Version:
    """Read a version as the client does; ValueError says what is wrong with `text` and names it.

    Refused are also what Rust refuses and `python-semver` takes: digits beyond ASCII, a trailing newline, a major,
    minor or patch above 2^64-1.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a version of {len(text)} characters, at most {MAX_LENGTH} are taken")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"{text!r} is not a semantic version such as 1.4.0")
    try:
        read = semver.Version.parse(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a semantic version such as 1.4.0") from None
    numbers = (read.major, read.minor, read.patch)
    if max(numbers) > _U64:  # those of a prerelease have no limit in Rust either
        raise ValueError(f"{text!r} has a number above {_U64}, which the client can't read")
    prerelease = tuple(_prerelease_identifier(part) for part in (read.prerelease or "").split(".") if part)
    build = tuple(_build_identifier(part) for part in (read.build or "").split(".") if part)
    return Version((*numbers, not prerelease, prerelease, build), text)


def is_version(text: str) -> bool:
    """Whether the client could read `text` as a version."""
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _prerelease_identifier(part: str) -> _Identifier:
    # semver 2.0.0 §11.4: numeric ones by value and below all others, which go by ASCII.
    return (0, int(part), "", 0) if part.isdigit() else (1, 0, part, 0)


def _build_identifier(part: str) -> _Identifier:
    # Rust semver's BuildMetadata, which allows leading zeros: 0 < 00 < 1 < 01 < 2 < 10 < a.
    if not part.isdigit():
        return (1, 0, part, 0)
    digits = part.lstrip("0")
    return (0, len(digits), digits, len(part))
