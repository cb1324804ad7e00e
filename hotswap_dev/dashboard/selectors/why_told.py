"""WHY of downloads, reports, completions and what became of a fault; and what a client does under one."""

from __future__ import annotations

from hotswap_dev.dashboard.details.fault_text import fault_named, reaction_to
from hotswap_dev.dashboard.details.figures import counted, size, took
from hotswap_dev.dashboard.selectors.figures import name_of
from hotswap_dev.dashboard.selectors.reports import completion_words, flag_words, lifecycle_words
from hotswap_dev.dashboard.selectors.sections import Section
from hotswap_dev.dashboard.selectors.struck import ATTEMPTS, armed_with, is_over, next_attempt, went_out
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.fact_words import scope_words
from hotswap_dev.domain.faults import Fault
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.observations import (
    CheckAnswered,
    DownloadEnded,
    FaultOutcome,
    LifecycleReported,
    UpdateReported,
)
from hotswap_dev.domain.text import shown

_LONGEST = 1000


def reacts(fault: Fault, times: int | None = None) -> str:
    """What the client does under a fault, in a sentence."""
    return shown(reaction_to(fault, times).sentence, _LONGEST)


def struck_then(event: CheckAnswered, view: View) -> list[Section]:
    """What a client did under the fault that struck its check then; nothing of a check that none struck."""
    if event.fault is None:
        return []
    fault = fault_named(event.fault, armed_with(event.args, view))
    return [] if fault is None else [Section("", reacts(fault), dear=1)]


def download_sections(event: DownloadEnded, view: View) -> list[Section]:
    """What a download came to, and what struck it, with what ends that."""
    first = Section("WHY", download_words(event, view))
    if event.fault is None:
        return [first]
    armed = striker(event, view)
    if armed is None:
        return [
            first,
            Section("", f"The fault {shown(event.fault)} struck it; it is not armed any more.", dear=1),
        ]
    whom = shown(scope_words(armed.client, armed.channel, view.controls.names))
    lasts = "until it is disarmed" if armed.left is None else f"{armed.left} more to come"
    text = f"The fault {shown(event.fault)} struck it: armed for {whom}, {lasts}."
    return [first, Section("", text, f"hotswap-dev disarm-fault {armed.override}", dear=1)]


def striker(event: DownloadEnded, view: View) -> ArmedFault | None:
    """The armed fault that struck a download, as far as it is armed still: the narrowest of that name."""
    release = view.controls.releases.get(event.sequence)
    for one in view.controls.faults:
        fits = one.channel is None or (release is not None and one.channel == release.channel)
        if one.fault == event.fault and one.client in (None, event.client) and fits:
            return one
    return None


def download_words(event: DownloadEnded, view: View) -> str:
    """A download in a sentence or two: who, how much, which attempt, and when the next one is due."""
    who = name_of(event.client, view) if event.client else shown(event.peer)
    what = f"{size(event.bytes)} of release {event.sequence} in {took(event.duration_ms)}"
    tail = "" if event.client else " Its URL names no client, as in latest.json."
    if event.range:
        return f"{who} fetched a range: {what}. The plugin never does that; a person with curl may.{tail}"
    if event.complete:
        again = f" at attempt {event.attempt} of {ATTEMPTS}" if event.attempt > 1 else ""
        return f"{who} fetched all of it{again}: {what}.{tail}"
    attempt = f"attempt {event.attempt} of {ATTEMPTS}"
    if event.fault is not None:
        did = f"{who} got {_got(event)} at {attempt}, after {what}."
    elif event.status >= 400:
        did = f"{who} was refused with {event.status} at {attempt}."
    elif not event.status:
        did = f"{who} was answered nothing at {attempt}."
    else:
        did = f"{who} broke off {attempt} after {what}."
    return f"{did} {following(event, view)}{tail}"


def following(event: DownloadEnded, view: View) -> str:
    """What the plugin does after an attempt that failed, by itself (plugin: updater.rs)."""
    if is_over(event):
        return "That was the plugin's last attempt by itself."
    due = next_attempt(event, view)
    more = counted(ATTEMPTS - event.attempt, "more time")
    return f"The plugin tries {more} by itself, {due or 'after 1, 2 and 4 s'}."


def _got(event: DownloadEnded) -> str:
    out = went_out(event.fault or "", event.status)
    return f"HTTP {out}" if out.isdecimal() else f"a fault ({out})"


# --- what was said -------------------------------------------------------------------------------------------------


def lifecycle_section(event: LifecycleReported, view: View) -> Section:
    """What an app said of itself."""
    who = name_of(event.client, view) if event.client else shown(event.peer)
    text, role = lifecycle_words(event)
    whose = "" if event.client else " Nobody can tell which client that is: its page may send `device`."
    said = f"{who} says {shown(event.lifecycle)}" + (f": {text}" if text else "")
    return Section("WHY", f"{said.rstrip('.')}.{whose}", role="text" if role in ("dim", "good") else role)


def completion_section(event: UpdateReported, view: View) -> Section:
    """What a client of the second protocol said of an update."""
    who = name_of(event.client, view) if event.client else shown(event.peer)
    status, role = completion_words(event)
    version = f" {shown(event.version)}" if event.version else ""
    detail = f": {shown(event.detail, _LONGEST)}" if event.detail else ""
    offered = (
        f" It was offered {event.sequence} by request" if event.sequence is not None else " It names request"
    )
    request = f"{offered} {shown(event.request_id)}." if event.request_id else ""
    flags = f" But {flag_words(event.flags)}." if event.flags else ""
    text = f"{who} completed {shown(event.update_type)}{version} with {status}{detail}.{request}{flags}"
    return Section("WHY", text, role="text" if role == "good" else role)


def outcome_section(event: FaultOutcome, view: View) -> Section:
    """What a client did under a fault, beside what it was expected to do."""
    who = name_of(event.client, view)
    did = {
        "as-expected": "did what it was expected to do",
        "unexpected": "did something else than it was expected to do",
    }.get(event.outcome, "did what can't be told from here")
    detail = f": {shown(event.detail, _LONGEST)}" if event.detail else ""
    armed = next((one for one in view.controls.faults if one.override == event.override), None)
    text = f"Under {shown(event.fault)} ({event.override}) {who} {did}{detail}".rstrip(".")
    ends = "" if armed is None else f"hotswap-dev disarm-fault {armed.override}"
    return Section("WHY", f"{text}.", ends, role="bad" if event.outcome == "unexpected" else "text")
