"""What a watcher says: frozen values, at most one at a time, never an old one."""

from __future__ import annotations

from dataclasses import dataclass

from hotswap_dev.packing.tree import Scan


@dataclass(frozen=True, slots=True)
class Settled:
    """A finished build, as far as standing still and index.html can tell. Times are monotonic seconds.

    The scan may hold problems: refusing them is the packer's. The content may equal that of the last one (a
    touched file, a folder renamed away and back): skipping is the engine's, by content hash.
    """

    scan: Scan
    changed_at: float  # when the newest change was seen; for a folder as found, when it was first looked at
    scan_seconds: float  # what the last look took
    first: bool  # the first one of this watcher
    missing_references: tuple[str, ...] = ()  # asked for by index.html and not waited for any longer
    inline_scripts: int = 0  # in index.html; none runs in an app with a content security policy


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing to offer as it stands, said once per state: the last Settled is still the newest.

    `code` is `folder-missing`, one of the gate's (`no-index`, `empty-index`, `unreadable-index`,
    `missing-reference`), or `still-changing`. Settled ends it, also when the old tree came back.
    """

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class SettleWidened:
    """From now on a tree must stand still for `seconds`: a build was seen that writes in place, slowly."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class SettleNarrowed:
    """The wider settle time was not needed: it is `seconds` again, and stays so for this run."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Polling:
    """The system does not report changes here: the folder is looked at every `seconds` instead."""

    seconds: float
    why: str


Seen = Settled | Waiting | SettleWidened | SettleNarrowed | Polling
