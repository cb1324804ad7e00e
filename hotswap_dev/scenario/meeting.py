"""Where a server is, for whoever plays on it: its own one (`own_server`), a demo's, or one that runs already."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class Meeting(Struct, frozen=True, kw_only=True):
    """What has to be known of a server to play on it."""

    site: str
    pubkey: str
    control: str
    token: str
    watched: Path | None = None
    """The folder that builds may be saved into. None: it has none, or one that is not ours to write to; builds are
    published then."""
