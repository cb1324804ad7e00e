"""What is known of an update besides check-ins: an app's lifecycle reports, completions, and what became of a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from hotswap_dev.dashboard.selectors.figures import name_of
from hotswap_dev.dashboard.selectors.struck import outcome_words, short_name
from hotswap_dev.dashboard.spans import Line, Role, Span, joined
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.model import DEFAULT_UPDATE_TYPE
from hotswap_dev.domain.observations import FaultOutcome, LifecycleReported, UpdateReported
from hotswap_dev.domain.text import shown

_LONGEST = 300

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "unknown-request": "no such request was answered here",
        "missing-request-id": "no request id",
        "other-client": "another client asked that",
        "not-offered": "that request offered no such update",
        "not-reported": "nothing is said of it",
        "repeated": "it was said before",
        "version-mismatch": "another version than was offered",
        "hash-mismatch": "another hash than was offered",
        "hash-unchecked": "its hash can't be checked",
        "size-mismatch": "another size than was offered",
        "unknown-status": "neither success nor failed",
    }
)
"""What a completion says otherwise than it should, in words."""


class Said(NamedTuple):
    """A report as a row has it: who, about which release, what it is, the word for it, and the rest."""

    who: Span
    about: Span
    what: Span
    word: Span
    then: Line


def lifecycle_line(event: LifecycleReported, view: View) -> Said:
    """`Pixel  says  ready-confirmed  confirmed 14`."""
    text, role = lifecycle_words(event)
    return Said(
        _who(event.client, event.peer, view),
        _about(event.sequence),
        Span("says", "dim"),
        Span(shown(event.lifecycle), "text"),
        (Span(text, role),),
    )


def lifecycle_words(event: LifecycleReported) -> tuple[str, Role]:
    """What a lifecycle event of the plugin means for a release: `confirmed 14`, `failed: …` (plugin: updater.rs)."""
    of = "" if event.sequence is None else f" {event.sequence}"
    if event.lifecycle.endswith("-error"):
        return f"failed{of}: {shown(event.error, _LONGEST) or 'it does not say why'}", "bad"
    made = _LIFECYCLE.get(event.lifecycle)
    error = f": {shown(event.error, _LONGEST)}" if event.error else ""
    return ("", "text") if made is None else (f"{made[0](of)}{error}", made[1])


_LIFECYCLE: Mapping[str, tuple[Callable[[str], str], Role]] = MappingProxyType(
    {
        "check-start": (lambda _: "checks", "dim"),
        "check-complete": (lambda of: f"heard of{of}" if of else "has checked", "dim"),
        "download-start": (lambda of: f"downloads{of}", "text"),
        "download-complete": (lambda of: f"verified{of}", "text"),
        "apply": (lambda of: f"applied{of}", "good"),
        "activate": (lambda of: f"applied{of}", "good"),
        "ready-confirmed": (lambda of: f"confirmed{of}", "good"),
        "rollback": (lambda of: f"rolled back to{of or ' the embedded page'}", "bad"),
    }
)


def completion_line(event: UpdateReported, view: View) -> Said:
    """`Anna's Mac  14  ✓  success  0.4.1-ota.14  a1b2`."""
    text, role = completion_words(event)
    parts: list[Line] = []
    if event.update_type != DEFAULT_UPDATE_TYPE:
        parts.append((Span(shown(event.update_type), "strong"),))
    if event.detail:
        parts.append((Span(shown(event.detail, _LONGEST), role),))
    if event.version:
        parts.append((Span(shown(event.version), "text"),))
    if event.flags:
        parts.append((Span(f"! {flag_words(event.flags)}", "warn"),))
    if event.request_id:
        parts.append((Span(shown(event.request_id), "dim"),))
    return Said(
        _who(event.client, event.peer, view),
        _about(event.sequence),
        Span(_SIGNS.get(role, "?"), role),
        Span(text, role),
        joined(parts, Span("  ")),
    )


def completion_words(event: UpdateReported) -> tuple[str, Role]:
    """What a completion says of an update (contract, update-server-protocol)."""
    if event.status == "success":
        return "success", "good"
    if event.status == "failed":
        return "failed", "bad"
    return shown(event.status).replace("-", " ") or "no status", "warn"


def flag_words(flags: tuple[str, ...]) -> str:
    """What deviates in a completion."""
    return ", ".join(FLAGS.get(one, shown(one).replace("-", " ")) for one in flags)


def outcome_line(event: FaultOutcome, view: View) -> Said:
    """`Pixel  ✓  http-error  as expected: 4 attempts, then it gave up`."""
    text, role = outcome_words(event.outcome)
    return Said(
        Span(name_of(event.client, view), "text"),
        _about(event.sequence),
        Span(_SIGNS.get(role, "?"), role),
        Span(short_name(event.fault), "fault"),
        (Span(text, role), Span(f": {shown(event.detail, _LONGEST)}" if event.detail else "", "text")),
    )


_SIGNS: Mapping[Role, str] = MappingProxyType({"good": "✓", "bad": "✗"})


def _who(client: str | None, peer: str, view: View) -> Span:
    return Span(name_of(client, view), "text") if client else Span(shown(peer), "dim")


def _about(sequence: int | None) -> Span:
    return Span("" if sequence is None else str(sequence), "accent")
