"""Faults of an offer, as they are in the second protocol: what each makes of an entry of the list.

The catalogue describes manifests of the plugin. The list has no sequence, no minimum and no signature, but a version
and a hash that stand for them; a fault of what has no counterpart does not strike there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import asdict

from hotswap_dev.domain.faults import Fault
from hotswap_dev.domain.faults.check import (
    BadMinBinaryVersion,
    FutureMinBinaryVersion,
    InsecureUrl,
    LowerSequence,
    MissingBundle,
    MissingField,
    SameSequence,
    StaleManifest,
)
from hotswap_dev.domain.faults.signature import (
    GarbageSignature,
    LegacySignature,
    OtherFilesSignature,
    WrongKey,
)
from hotswap_dev.domain.updates import Update

LOWEST_VERSION = "0.0.0"
"""Below every version that was ever offered."""

_FIELDS: Mapping[str, str] = {"version": "version", "url": "url", "signature": "hash_value"}
"""A manifest's required fields, and what has their place in an entry."""

_ELSEWHERE = (BadMinBinaryVersion, FutureMinBinaryVersion, WrongKey, LegacySignature)


def strikes_updates(fault: Fault) -> bool:
    """Whether a fault means anything in the second protocol.

    Its list has no minimum, so neither a bad one nor one that is too high; and no signature: a hash has no key and no
    legacy kind. Of the fields that can be missing, it has no `sequence` and no `min_binary_version`.
    """
    if isinstance(fault, MissingField):
        return fault.field in _FIELDS
    return not isinstance(fault, _ELSEWHERE)


def bent(fault: Fault, update: Update, *, current: str, running: Update | None) -> Mapping[str, Any]:
    """An entry of the list as the fault has it; as it is where the fault bends no offer.

    `current` is the version that the client says it has, `running` the entry of the release that it runs, if that is
    known and its bytes are there: what a cache that nobody purged would still answer.
    """
    if isinstance(fault, MissingField):
        missing = _FIELDS.get(fault.field)
        return {name: value for name, value in asdict(update).items() if name != missing}
    if isinstance(fault, StaleManifest):
        return asdict(running or update)
    bending = _BENDINGS.get(type(fault))
    return {**asdict(update), **(bending(update, current) if bending else {})}


def _missing_bundle(url: str) -> str:
    folder, _, name = url.rpartition("/")
    # No bundle is named so: eight zeros are no beginning of a hash that anybody will see.
    return f"{folder}/00000000.{name.partition('.')[2]}"


_BENDINGS: Mapping[type[Fault], Callable[[Update, str], Mapping[str, str]]] = {
    SameSequence: lambda _, current: {"version": current},
    LowerSequence: lambda _, __: {"version": LOWEST_VERSION},
    InsecureUrl: lambda one, _: {"url": f"http://{one.url.partition('://')[2]}"},
    MissingBundle: lambda one, _: {"url": _missing_bundle(one.url)},
    OtherFilesSignature: lambda one, _: {"hash_value": hashlib.sha512(one.hash_value.encode()).hexdigest()},
    GarbageSignature: lambda _, __: {"hash_value": "this is no hash"},
}
