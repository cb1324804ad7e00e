"""Folders that a launch finds, and what it does with each: one table, held against our rules and the real plugin.

`tests/unit/test_plugin_start.py` asks `hotswap_dev.domain.plugin`, `test_starts.py` the real one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hotswap_dev.domain.plugin import Cached, Folder
from hotswap_dev.domain.plugin.start import Did

BINARY = "0.2.0"


def cached(sequence: int, minimum: str = BINARY, *, confirmed: bool = True, launches: int = 0) -> Cached:
    return Cached(
        version=f"{BINARY}-ota.{sequence}",
        sequence=sequence,
        min_binary_version=minimum,
        confirmed=confirmed,
        unconfirmed_launch_count=launches,
    )


def folder(current: int | None, *versions: Cached) -> Folder:
    return Folder(current=current, versions={one.sequence: one for one in versions})


def grace(launches: int) -> dict[str, Any]:
    return {"confirmation_policy": {"grace_period": {"max_unconfirmed_launches": launches}}}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A folder, the app that starts over it, and what is there afterwards."""

    name: str
    folder: Folder
    did: Did
    running: int
    left: tuple[int, ...]
    """The versions on the disk afterwards."""
    current: int | None
    """The pointer afterwards."""
    binary_version: str = BINARY
    config: dict[str, Any] = field(default_factory=dict)
    launches: int = 0
    """The unconfirmed launches that the running version counts afterwards."""


_NEW = cached(9, confirmed=False)
_OLD = (cached(7), cached(5))
_NEWER_THAN_MINIMUM = folder(9, cached(9, "0.1.9"))
_UNCONFIRMED = folder(9, _NEW, *_OLD)

KEPT = [
    Row(name="an empty folder", folder=Folder(), did="embedded", running=0, left=(), current=None),
    Row(
        name="versions without a pointer",
        folder=folder(None, *_OLD),
        did="embedded",
        running=0,
        left=(5, 7),
        current=None,
    ),
    Row(name="confirmed", folder=folder(9, cached(9)), did="keep", running=9, left=(9,), current=9),
    Row(
        name="confirmed, whatever it counted",
        folder=folder(9, cached(9, launches=3)),
        did="keep",
        running=9,
        left=(9,),
        current=9,
        launches=3,
    ),
    Row(
        name="an older one than lies there",
        folder=folder(5, *_OLD),
        did="keep",
        running=5,
        left=(5, 7),
        current=5,
    ),
]

SET_ASIDE = [
    Row(
        name="a pointer to nothing",
        folder=folder(9, *_OLD),
        did="set-aside",
        running=0,
        left=(5, 7),
        current=9,
    ),
    Row(
        name="no metadata",
        folder=Folder(current=9, versions={9: None}),
        did="set-aside",
        running=0,
        left=(9,),
        current=9,
    ),
    *(
        Row(
            name=f"binary {BINARY} below the minimum under {policy}",
            folder=folder(9, cached(9, "0.2.1"), *_OLD),
            config={"binary_cache_policy": policy},
            did="set-aside",
            running=0,
            left=(5, 7, 9),
            current=9,
        )
        for policy in ("discard_on_upgrade", "keep_compatible", "never_discard")
    ),
    Row(
        name="too old comes before unconfirmed",
        folder=folder(9, cached(9, "0.2.1", confirmed=False)),
        did="set-aside",
        running=0,
        left=(9,),
        current=9,
    ),
    Row(
        name="a minimum that can't be read",
        folder=folder(9, cached(9, "latest")),
        did="set-aside",
        running=0,
        left=(9,),
        current=9,
    ),
    Row(
        name="an app of version 1.0",
        folder=folder(9, cached(9)),
        binary_version="1.0",
        did="set-aside",
        running=0,
        left=(9,),
        current=9,
    ),
    Row(
        name="an app without version",
        folder=folder(9, cached(9)),
        binary_version="",
        did="set-aside",
        running=0,
        left=(9,),
        current=9,
    ),
]

CACHE = [
    Row(
        name="by default a newer binary discards",
        folder=_NEWER_THAN_MINIMUM,
        did="discard",
        running=0,
        left=(),
        current=None,
    ),
    Row(
        name="discard_on_upgrade",
        folder=_NEWER_THAN_MINIMUM,
        config={"binary_cache_policy": "discard_on_upgrade"},
        did="discard",
        running=0,
        left=(),
        current=None,
    ),
    Row(
        name="keep_compatible",
        folder=_NEWER_THAN_MINIMUM,
        config={"binary_cache_policy": "keep_compatible"},
        did="keep",
        running=9,
        left=(9,),
        current=9,
    ),
    Row(
        name="never_discard",
        folder=_NEWER_THAN_MINIMUM,
        config={"binary_cache_policy": "never_discard"},
        did="keep",
        running=9,
        left=(9,),
        current=9,
    ),
    Row(
        name="discarding looks for nothing older",
        folder=folder(9, cached(9, "0.1.0"), *_OLD),
        did="discard",
        running=0,
        left=(5, 7),
        current=None,
    ),
    Row(
        name="discarding comes before unconfirmed",
        folder=folder(9, cached(9, "0.1.0", confirmed=False), *_OLD),
        did="discard",
        running=0,
        left=(5, 7),
        current=None,
    ),
    Row(
        name="build metadata makes a binary newer",
        folder=folder(9, cached(9, "0.2.0")),
        binary_version="0.2.0+1",
        did="discard",
        running=0,
        left=(),
        current=None,
    ),
]

CONFIRMATION = [
    Row(
        name="by default nothing unconfirmed starts twice",
        folder=_UNCONFIRMED,
        did="roll-back",
        running=7,
        left=(5, 7),
        current=7,
    ),
    Row(
        name="single_launch",
        folder=_UNCONFIRMED,
        config={"confirmation_policy": "single_launch"},
        did="roll-back",
        running=7,
        left=(5, 7),
        current=7,
    ),
    Row(
        name="grace_period 0",
        folder=_UNCONFIRMED,
        config=grace(0),
        did="roll-back",
        running=7,
        left=(5, 7),
        current=7,
    ),
    Row(
        name="grace_period 2, the first launch",
        folder=_UNCONFIRMED,
        config=grace(2),
        did="keep",
        running=9,
        left=(5, 7, 9),
        current=9,
        launches=1,
    ),
    Row(
        name="grace_period 2, the second launch",
        folder=folder(9, cached(9, confirmed=False, launches=1)),
        config=grace(2),
        did="keep",
        running=9,
        left=(9,),
        current=9,
        launches=2,
    ),
    Row(
        name="grace_period 2, the third launch",
        folder=folder(9, cached(9, confirmed=False, launches=2)),
        config=grace(2),
        did="roll-back",
        running=0,
        left=(),
        current=None,
    ),
]

ROLLBACK = [
    Row(
        name="latest_confirmed",
        folder=folder(6, cached(6, confirmed=False), *_OLD),
        config={"rollback_policy": "latest_confirmed"},
        did="roll-back",
        running=7,
        left=(5, 7),
        current=7,
    ),
    Row(
        name="immediate_previous_confirmed",
        folder=folder(6, cached(6, confirmed=False), *_OLD),
        config={"rollback_policy": "immediate_previous_confirmed"},
        did="roll-back",
        running=5,
        left=(5, 7),
        current=5,
    ),
    Row(
        name="embedded_only",
        folder=_UNCONFIRMED,
        config={"rollback_policy": "embedded_only"},
        did="roll-back",
        running=0,
        left=(5, 7),
        current=None,
    ),
    Row(
        name="never to an unconfirmed one",
        folder=folder(9, _NEW, cached(7, confirmed=False), cached(5)),
        did="roll-back",
        running=5,
        left=(5, 7),
        current=5,
    ),
    Row(
        name="nothing confirmed is left",
        folder=folder(9, _NEW, cached(7, confirmed=False)),
        did="roll-back",
        running=0,
        left=(7,),
        current=None,
    ),
    Row(
        name="its target is not looked at before the next launch",
        folder=folder(9, _NEW, cached(7, "0.1.0")),
        did="roll-back",
        running=7,
        left=(7,),
        current=7,
    ),
    Row(
        name="not even a target that needs a newer binary",
        folder=folder(9, _NEW, cached(7, "0.3.0")),
        did="roll-back",
        running=7,
        left=(7,),
        current=7,
    ),
]

ROWS = [*KEPT, *SET_ASIDE, *CACHE, *CONFIRMATION, *ROLLBACK]
