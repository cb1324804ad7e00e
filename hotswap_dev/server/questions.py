"""What a check's target asks, read once for all who ask the same.

Thousands of clients of one app send the same few targets: reading one costs more than answering it. What is remembered
is a pure function of the target's text, never an answer.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from yarl import URL

from hotswap_dev.domain.checks import BadCheck, Check, asked_by, read_question
from hotswap_dev.domain.text import shown

QUERY_LIMIT = 32
"""Parameters that are looked at (hardening C7); the plugin sends four, after those of the endpoint."""

_REMEMBERED = 2048
_PLAIN = re.compile(r"/api/(?:ota|updates)/([0-9]{1,20})\?([!-\"$-~]*)")
_LONGEST_REMEMBERED = 500  # characters: what is kept must be bounded in bytes too


HIDDEN = "***"
"""What stands for a value that may be a secret (hardening C10)."""

_SHOWN = ("binary_version", "platform", "arch", "channel")


@dataclass(frozen=True, slots=True)
class Question:
    """A target as it was read: `path`, `platform` and `arch` are texts that may be stored and drawn."""

    _asked: Check | BadCheck
    _query: Mapping[str, Sequence[str]]
    path: str
    platform: str | None
    arch: str | None

    def asked_by(self, device: str | None, peer: str) -> Check | BadCheck:
        """The check, as this client asks it."""
        return asked_by(self._asked, self._query, device=device, peer=peer)


def plain_question(target: str) -> Question | None:
    """The question in a target that is a check's as the plugin sends it; None where only the router can tell."""
    return _plain(target) if len(target) <= _LONGEST_REMEMBERED else None


def question_of(target: str, sequence: str, query: str) -> Question:
    """The question in any check's target; `sequence` is its path's last part, decoded, `query` is undecoded."""
    return _read(target, sequence, query)


@functools.lru_cache(maxsize=_REMEMBERED)
def _plain(target: str) -> Question | None:
    found = _PLAIN.fullmatch(target)
    return _read(target, found[1], found[2]) if found else None


def _read(target: str, sequence: str, query: str) -> Question:
    values: dict[str, list[str]] = {}
    for name, value in list(URL.build(query_string=query, encoded=True).query.items())[:QUERY_LIMIT]:
        values.setdefault(name, []).append(value)
    asked = read_question(sequence, values)
    known = asked if isinstance(asked, Check) else None
    return Question(
        asked,
        values,
        path=shown(masked(target)),
        platform=shown(known.platform) if known else None,
        arch=shown(known.arch) if known else None,
    )


def masked(target: str) -> str:
    """A request's target as it may be kept and shown: of its query, only the protocol's own values stand in it.

    An endpoint may have anything in its query, an API key among it (hardening C10).
    """
    path, mark, query = target.partition("?")
    return f"{path}?{'&'.join(map(_masked, query.split('&')))}" if mark else path


def _masked(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    if not parameter or unquote_plus(name) in _SHOWN:
        return parameter
    # Without a sign the whole of it may be the secret.
    return f"{name}={HIDDEN}" if equals else HIDDEN
