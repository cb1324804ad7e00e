"""What the plugin does under each fault: the answer that its page hears, its lifecycle events, its requests."""

from __future__ import annotations

from msgspec import Struct


class Requests(Struct, frozen=True, kw_only=True):
    """How often the server is asked."""

    check: int = 1
    download: int = 0


class Reaction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client of the plugin does when a fault strikes it, from a check to the start after it."""

    sentence: str
    """In words, for a person who arms it."""
    check: str | None
    """What the check's promise rejects with; None where it resolves."""
    apply: str | None = None
    """What the promise of apply rejects with; None where it resolves, or the page never comes to it."""
    available: bool = False
    """Whether the check says that there is an update."""
    events: tuple[str, ...] = ()
    """The lifecycle events, in order, of the check and, where it is available, of apply."""
    requests: Requests = Requests()
    needs: dict[str, bool | int] | None = None
    """The plugin's config without which it doesn't show."""
