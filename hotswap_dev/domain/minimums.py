"""The oldest binary that may run a release: a minimum beside a binary, and one minimum beside another."""

from __future__ import annotations

import functools

from hotswap_dev.domain.model import SAME_AS_CLIENT
from hotswap_dev.domain.versions import parse


def too_old(binary: str | None, minimum: str) -> bool:
    """Whether a binary is older than a minimum (contract, "Versioning Strategy"): an unknown one (None) is not, and
    none is for `same-as-client`. ValueError where one of them can't be read.
    """
    return binary is not None and minimum != SAME_AS_CLIENT and _older(binary, minimum)


def suits_whom(minimum: str, other: str) -> bool:
    """Whether every binary that suits the minimum `other` suits this one too."""
    return minimum in (other, SAME_AS_CLIENT) or (other != SAME_AS_CLIENT and not _older(other, minimum))


@functools.lru_cache(maxsize=4096)
def _older(version: str, other: str) -> bool:
    return parse(version) < parse(other)
