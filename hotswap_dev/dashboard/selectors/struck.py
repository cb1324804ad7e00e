"""What a fault did to an answer or a download, in few words: what went out, which attempt it was, how it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from hotswap_dev.dashboard.spans import Line, Role, Span
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.faults import Fault, bundle, check, download, every_fault, presets, signature
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded, Outcome
from hotswap_dev.domain.plugin import retry_delay
from hotswap_dev.domain.text import shown

ATTEMPTS = 4
"""Of one download: 1 + max_retries, by the plugin's default (plugin: config.rs)."""

NOTHING = "—"
"""In place of a status where nothing was answered."""

_WENT_OUT: Mapping[type[Fault], str] = MappingProxyType(
    {
        check.CheckDelay: "late",
        check.Hang: "hang",
        check.CheckConnectionReset: "reset",
        check.EmptyResponse: "not a byte",
        check.MalformedJson: "JSON cut off",
        check.HtmlPage: "an HTML page",
        check.ManifestFault: "bent manifest",
        check.MissingBundle: "URL of a 404",
        check.InsecureUrl: "http:// URL",
        signature.SignatureFault: "bad signature",
        download.DownloadDelay: "late",
        download.Bandwidth: "slowly",
        download.Truncate: "cut short",
        download.Stall: "stalled",
        download.DownloadConnectionReset: "reset",
        download.NoContentLength: "no length",
        download.HugeContentLength: "a huge length",
        download.CorruptByte: "a byte changed",
        bundle.BundleFault: "poisoned bundle",
        presets.Offline: "nobody listens",
        presets.Preset: "slow line",
    }
)
"""By the class of a fault, or of a whole kind of them."""

_OUTCOMES: Mapping[Outcome, tuple[str, Role]] = MappingProxyType(
    {
        "as-expected": ("as expected", "good"),
        "unexpected": ("unexpected", "bad"),
        "cannot-tell": ("can't tell", "dim"),
    }
)


def went_out(name: str, status: int) -> str:
    """What a client got in place of the answer: `reset`, `bent manifest`; the status where that says it."""
    kind = every_fault().get(name)
    for one in () if kind is None else kind.__mro__:
        if one in _WENT_OUT:
            return _WENT_OUT[one]
    return str(status) if status else "nothing"


def short_name(name: str) -> str:
    """A fault's name in a row that says its stage by itself: `http-error` of `check/http-error`."""
    return shown(name.rpartition("/")[2])


def armed_with(args: Mapping[str, str | int], view: View) -> ArmedFault | None:
    """The armed fault that a reason is about, as long as it is armed."""
    return next((one for one in view.controls.faults if one.override == args.get("id")), None)


def status_words(event: CheckAnswered) -> str:
    """Its status; a dash where nothing was answered."""
    return str(event.status) if event.status else NOTHING


def outcome_words(outcome: Outcome) -> tuple[str, Role]:
    """Whether a client did what a fault was to make it do."""
    return _OUTCOMES.get(outcome, (shown(outcome), "text"))


def is_over(event: DownloadEnded) -> bool:
    """Whether no attempt follows this one by itself: it was whole, it was a person's, or it was the last."""
    return event.complete or event.range or event.attempt >= ATTEMPTS


def next_attempt(event: DownloadEnded, view: View) -> str:
    """When the plugin tries again by itself: `next in 2 s`; "" where it does not, or will have by now."""
    if is_over(event) or event.client is None:
        return ""
    due = event.at + timedelta(seconds=retry_delay(event.attempt))
    left = math.ceil((due - view.now).total_seconds())
    return f"next in {left} s" if left > 0 else ""


def attempt_line(event: DownloadEnded, view: View, *, short: bool = False) -> Line:
    """`attempt 2 of 4, next in 2 s`, in short `2/4, next in 2 s`; () where there is only the one, and for a range."""
    if event.range or (event.complete and event.attempt == 1):
        return ()
    of = f" of {ATTEMPTS}" if event.attempt <= ATTEMPTS else ""
    attempt = f"{event.attempt}/{ATTEMPTS}" if short and of else f"attempt {event.attempt}{of}"
    last = "the last" if event.attempt == ATTEMPTS and not event.complete else ""
    more = ", ".join(text for text in (attempt, next_attempt(event, view) or last) if text)
    return (Span(more, "dim" if event.complete else "warn"),)
