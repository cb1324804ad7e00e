"""The filter of the check-ins: which rows it leaves, and where each of its words is looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hotswap_dev.dashboard.check_log import OF_CLIENTS, Happened, Row
from hotswap_dev.domain.facts import FaultArmed, FaultDisarmed
from hotswap_dev.domain.observations import (
    CheckAnswered,
    DownloadEnded,
    FaultOutcome,
    LifecycleReported,
    UpdateReported,
)

FIELDS = (
    "client",
    "reason",
    "status",
    "channel",
    "sequence",
    "version",
    "platform",
    "fault",
    "protocol",
    "product",
    "request",
    "event",
    "text",
)
"""What a word of a filter can be about, as `client:` before it."""


def unknown_fields(wanted: str) -> tuple[str, ...]:
    """The fields that a filter names and that no row has: such a word is looked for as a text."""
    named = (word.removeprefix("!").partition(":") for word in wanted.casefold().split())
    return tuple(
        dict.fromkeys(
            field
            for field, colon, value in named
            if colon and value and not value.startswith("//") and field.isalpha() and field not in FIELDS
        )
    )


def matching(rows: Sequence[Row], wanted: str, names: Mapping[str, str]) -> list[Row]:
    """The rows that a filter leaves: every word of it is found in the row.

    A word is a text that the client's id or name, the reason, the status, a version or a sequence holds; `client:`,
    `reason:` and `status:` before it look there alone, and `!` before it leaves out what matches.
    """
    words = wanted.casefold().split()
    if not words:
        return list(rows)
    return [row for row in rows if all(_fits(row, word, names) for word in words)]


def _fits(row: Row, word: str, names: Mapping[str, str]) -> bool:
    if word.startswith("!") and len(word) > 1:
        return not _fits(row, word[1:], names)
    field, colon, value = word.partition(":")
    if colon and (text := _searched(row.event, field, names)) is not None:
        return value in text
    texts = (_searched(row.event, one, names) for one in FIELDS)
    return any(text is not None and word in text for text in texts)


def _searched(event: Happened, field: str, names: Mapping[str, str]) -> str | None:
    """What a field of an event is searched as; None where it has no such field. Made only when it is asked for."""
    if field == "event":
        return str(type(event).__struct_config__.tag)
    if isinstance(event, OF_CLIENTS):
        if field == "client":
            client = event.client or ""
            return f"{client} {names.get(client, '')} {getattr(event, 'peer', '')}".casefold()
        if isinstance(event, CheckAnswered):
            return _of_check(event, field)
        if field == "text" and not isinstance(event, DownloadEnded):
            return _whole(event)
        return _said(event, field)
    if field == "fault" and isinstance(event, FaultArmed | FaultDisarmed):
        armed = event.armed if isinstance(event, FaultArmed) else event.disarmed
        return "" if armed is None else armed.fault
    return _whole(event) if field == "text" else None


def _whole(event: Happened) -> str:
    return " ".join(str(getattr(event, name)) for name in event.__struct_fields__).casefold()


def _said(event: DownloadEnded | LifecycleReported | UpdateReported | FaultOutcome, field: str) -> str | None:
    """The field of this name, whatever the event; None where it has none."""
    name = {"request": "request_id", "reason": "lifecycle"}.get(field, field)
    value = getattr(event, name, None)
    if field == "status" and isinstance(event, FaultOutcome):
        value = event.outcome
    return None if value is None else str(value).casefold()


def _of_check(event: CheckAnswered, field: str) -> str | None:
    match field:
        case "reason":
            return event.reason
        case "status":
            return str(event.status)
        case "channel":
            return (event.channel or "").casefold()
        case "sequence":
            return f"{event.sequence} {event.offered or ''}"
        case "version":
            return (event.binary_version or "").casefold()
        case "platform":
            return f"{event.platform} {event.arch}".casefold()
        case "fault":
            return event.fault or ""
        case "protocol":
            return event.protocol
        case "product":
            return (event.product or "").casefold()
        case "request":
            return (event.request_id or "").casefold()
    return None
