"""Events as lines for people: what happened, in the order in which it matters, coloured where it helps.

A line says who, what and why; values come from `text.shown` and can't draw anything by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

import click

from hotswap_dev.cli.tables import padded
from hotswap_dev.domain.fact_words import FACTS, Event, Names, fact_words
from hotswap_dev.domain.reasons import Reason, change, sentence
from hotswap_dev.domain.text import shown

_NAME_WIDTH = 16


def line(event: Event, names: Names = MappingProxyType({})) -> str | None:
    """The line for an event; None for those that another one says better. `names` is what clients are called.

    A check that stands for a run of equal answers has `times` and `until`, or `more`, as `cli.folding` makes them.
    """
    name = str(event.get("event"))
    made = _LINES.get(name)
    if made is not None:
        client = event.get("client")
        text = made({**event, "client": names.get(client, client)} if client else event)
    elif name in FACTS and not _said_elsewhere(event):
        text = _note(event) if name == "note-added" else f"· {fact_words(event, names)}"
    else:
        return None
    return f"{click.style(clock(str(event['at'])), dim=True)}  {text}"


def clock(at: str) -> str:
    """The local time of day of an RFC 3339 time."""
    return datetime.fromisoformat(at).astimezone().strftime("%H:%M:%S")


def size(count: int) -> str:
    """Bytes in the unit that a person would use; powers of ten, as disks and downloads are counted."""
    if count < 1000:
        return f"{count} B"
    for unit, factor in (("kB", 1000), ("MB", 1000**2), ("GB", 1000**3)):
        if count < 999.5 * factor or unit == "GB":
            value = count / factor
            return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"
    raise AssertionError("the loop returns at GB")


def _published(event: Event) -> str:
    took = f"packed in {event['pack_ms']:.0f} ms"
    if event["origin"] == "build" and event["offered_ms"] is None:
        took += ", as found"
    if event["offered_ms"] is not None:
        took += f", offered {event['offered_ms']:.0f} ms after the save"
    files = "file" if event["files"] == 1 else "files"
    what = f"{event['files']} {files}, {size(event['bundle_size'])}, {event['changed']} changed"
    head = click.style(f"▸ release {event['sequence']}", fg="green", bold=True)
    return f"{head}  {event['version']}  {event['channel']}  {what}; {took}"


def _build_refused(event: Event) -> str:
    head = click.style("✗ not published", fg="red", bold=True)
    hint = f"\n            {event['hint']}" if event.get("hint") else ""
    return f"{head}  {event['code']}: {event['detail']}{hint}"


def _build_skipped(event: Event) -> str:
    return click.style(f"· same content as release {event['sequence']}, nothing to publish", dim=True)


def _check(event: Event) -> str:
    reason = Reason(event["reason"], event["args"])
    at = "?" if event["sequence"] is None else event["sequence"]
    name = padded(str(event["client"]), _NAME_WIDTH)
    repeated = _repeated(event)
    marks = _flags(event)
    if event.get("more"):
        answer = f"↓ {event['offered']}" if event["status"] == 200 else str(event["status"])
        return click.style(f"{name} at {at:<4} {answer}{repeated}", dim=True)
    if event["status"] == 200:
        answer = click.style(f"↓ {event['offered']}", fg="cyan", bold=True)
        return f"{name} at {at:<4} {answer}{repeated}  {sentence(reason)}{marks}"
    fine = event["reason"] == "up-to-date"
    colour = None if fine else ("red" if event["status"] >= 400 else "yellow")
    answer = click.style(str(event["status"]), fg=colour, dim=fine)
    other = change(reason)
    hint = f"  → {other}" if other and not fine else ""
    return f"{name} at {at:<4} {answer}{repeated}  {sentence(reason)}{marks}{click.style(hint, dim=True)}"


def _flags(event: Event) -> str:
    """What the check has that the plugin never sends."""
    said = ", ".join(_FLAGS.get(str(one), shown(str(one))) for one in event.get("flags", ()))
    return click.style(f"  ! {said}", fg="yellow") if said else ""


def _repeated(event: Event) -> str:
    if event.get("more"):
        return f" ×{event['more']} more"  # noqa: RUF001
    if event.get("times", 1) > 1:
        return f" ×{event['times']} until {clock(str(event['until']))}"  # noqa: RUF001
    return ""


def _download(event: Event) -> str:
    name = padded(str(event["client"] or event["peer"]), _NAME_WIDTH)
    what = f"{size(event['bytes'])} of release {event['sequence']} in {event['duration_ms']:.0f} ms"
    attempt = f", attempt {event['attempt']} of 4" if event["attempt"] > 1 else ""
    if event["complete"]:
        return f"{name} {click.style('fetched', fg='cyan')}  {what}{attempt}"
    if event["range"]:
        return f"{name} fetched a range: {what}"
    return f"{name} {click.style('broken off', fg='yellow')}  {what}{attempt}"


def _notice(event: Event) -> str:
    colour = {"info": None, "warning": "yellow", "error": "red"}[str(event["level"])]
    hint = f"\n            {event['hint']}" if event.get("hint") else ""
    return (
        click.style(f"{_MARKS[str(event['level'])]} {shown(str(event['message']), 1000)}", fg=colour) + hint
    )


def _note(event: Event) -> str:
    return click.style(f"— {event['text']}", bold=True)


def _said_elsewhere(event: Event) -> bool:
    """A build's line is that of `published`, what an answer spent is in its check-in's."""
    name = event["event"]
    return (
        (name == "release-added" and event["release"]["origin"] in ("build", "publish"))
        or name == "override-spent"
        or (name == "build-channel-set" and bool(event.get("configured")))
    )


_FLAGS = {
    "platform-unknown": "no known platform",
    "arch-unknown": "no known arch",
    "binary-version-empty": "no binary version",
}
_MARKS = {"info": "·", "warning": "!", "error": "✗"}

_LINES: Mapping[str, Callable[[Event], str]] = {
    "published": _published,
    "build-refused": _build_refused,
    "build-skipped": _build_skipped,
    "check-answered": _check,
    "download-ended": _download,
    "notice": _notice,
}
