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
from hotswap_dev.domain.plugin import retry_delay
from hotswap_dev.domain.plugin.app import DEFAULT_MAX_RETRIES
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
    head = f"{padded(str(event['client']), _NAME_WIDTH)} at {at:<4}"
    repeated = _repeated(event)
    if event.get("more"):
        return click.style(f"{head} {_told(event)}{repeated}", dim=True)
    marks = _flags(event) + _protocol(event)
    answer = f"{head} {_coloured(event)}{repeated}  {sentence(reason)}{marks}"
    other = "" if event["reason"] in ("newer-release", "up-to-date") else change(reason)
    return answer + click.style(f"  → {other}" if other else "", dim=True)


def _told(event: Event) -> str:
    """What went out: an arrow and the release that the client hears of, else the status."""
    if event["offered"] is not None and event["status"] == 200:
        return f"↓ {event['offered']}"
    return str(event["status"]) if event["status"] else "nothing"


def _coloured(event: Event) -> str:
    told = _told(event)
    if event.get("fault"):
        return click.style(f"✗ {told}", fg="magenta", bold=True)
    if event["status"] == 200:
        return click.style(told, fg="cyan", bold=True)
    fine = event["reason"] == "up-to-date"
    return click.style(told, fg=None if fine else ("red" if event["status"] >= 400 else "yellow"), dim=fine)


def _protocol(event: Event) -> str:
    """Which protocol it was, where it is not the plugin's, and what the client says that it is."""
    if event.get("protocol", "hotswap") == "hotswap":
        return ""
    product = f", product {shown(str(event['product']))}" if event.get("product") else ""
    return click.style(f"  ({event['protocol']}{product})", dim=True)


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
    took = f"of release {event['sequence']} in {event['duration_ms']:.0f} ms"
    what = f"{size(event['bytes'])} {took}"
    if event["complete"]:
        struck = f", though the fault {event['fault']} struck" if event.get("fault") else ""
        return f"{name} {click.style('fetched', fg='cyan')}  {what}{_attempt(event)}{struck}"
    if event["range"]:
        return f"{name} fetched a range: {what}"
    fault = f", by the fault {event['fault']}" if event.get("fault") else ""
    status = event.get("status", 200)
    if status == 200:
        return f"{name} {click.style('broken off', fg='yellow')}  {what}{fault}{_attempt(event)}"
    told = click.style(f"✗ {status}" if status else "✗ nothing", fg="yellow")
    return f"{name} {told}  instead {took}{fault}{_attempt(event)}"


def _attempt(event: Event) -> str:
    """Which of a client's attempts it was, and after one that failed, when the plugin comes again by itself."""
    number, attempts = event["attempt"], 1 + DEFAULT_MAX_RETRIES
    if number > attempts or (event["complete"] and number == 1):
        return ""
    text = f", attempt {number} of {attempts}"
    if event["complete"] or event["client"] is None:
        return text
    return text + (f", next in {retry_delay(number)} s" if number < attempts else ", the last")


def _lifecycle(event: Event) -> str:
    name = padded(str(event["client"] or event["peer"]), _NAME_WIDTH)
    lifecycle = str(event["lifecycle"])
    failed = lifecycle.endswith("-error") or lifecycle == "rollback"
    about = "" if event["sequence"] is None else f" {event['sequence']}"
    said = click.style(f"says {shown(lifecycle)}{about}", fg="red" if failed else "green")
    error = f": {shown(str(event['error']), 1000)}" if event["error"] else ""
    whose = "" if event["client"] else "  (nobody can tell which client)"
    return f"{name} {said}{error}{whose}"


def _completion(event: Event) -> str:
    name = padded(str(event["client"] or event["peer"]), _NAME_WIDTH)
    about = "an update" if event["sequence"] is None else f"release {event['sequence']}"
    failed = event["status"] != "success"
    said = click.style(
        f"reports {shown(str(event['status']))}: {shown(str(event['update_type']))} of {about}",
        fg="red" if failed else "green",
    )
    detail = f": {shown(str(event['detail']), 1000)}" if event["detail"] else ""
    flags = ", ".join(shown(str(one)) for one in event.get("flags", ()))
    return f"{name} {said}{detail}" + (click.style(f"  ! {flags}", fg="yellow") if flags else "")


def _outcome(event: Event) -> str:
    outcome = str(event["outcome"])
    words, colour = _OUTCOMES.get(
        outcome, (shown(outcome), None)
    )  # a newer server may tell more of them apart
    name = padded(str(event["client"]), _NAME_WIDTH)
    return (
        f"{name} fault {event['fault']}: {click.style(words, fg=colour)}. {shown(str(event['detail']), 1000)}"
    )


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
_OUTCOMES = {
    "as-expected": ("as expected", "green"),
    "unexpected": ("not as expected", "red"),
    "cannot-tell": ("nobody can tell", None),
}
_MARKS = {"info": "·", "warning": "!", "error": "✗"}

_LINES: Mapping[str, Callable[[Event], str]] = {
    "published": _published,
    "build-refused": _build_refused,
    "build-skipped": _build_skipped,
    "check-answered": _check,
    "download-ended": _download,
    "lifecycle-reported": _lifecycle,
    "update-reported": _completion,
    "fault-outcome": _outcome,
    "notice": _notice,
}
