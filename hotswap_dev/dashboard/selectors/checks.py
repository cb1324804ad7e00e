"""The check-ins: who asked, what was answered and why, what it proved; changes and builds between them."""

from __future__ import annotations

from collections.abc import Iterator

from hotswap_dev import wire
from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.details.figures import clock, size, took
from hotswap_dev.dashboard.selectors.clients import label_words
from hotswap_dev.dashboard.selectors.columns import Column, in_columns
from hotswap_dev.dashboard.selectors.figures import TIMES, flag_words, name_of
from hotswap_dev.dashboard.selectors.reports import Said, completion_line, lifecycle_line, outcome_line
from hotswap_dev.dashboard.selectors.struck import (
    NOTHING,
    attempt_line,
    short_name,
    status_words,
    went_out,
)
from hotswap_dev.dashboard.selectors.widths import widths
from hotswap_dev.dashboard.spans import Line, Role, Span, cut, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.builds import WAITS
from hotswap_dev.domain.fact_words import fact_words
from hotswap_dev.domain.facts import Fact, NoteAdded
from hotswap_dev.domain.labels import STEPS, page
from hotswap_dev.domain.model import DEFAULT_CHANNEL
from hotswap_dev.domain.observations import (
    BuildRefused,
    CheckAnswered,
    DownloadEnded,
    FaultOutcome,
    LifecycleReported,
    Noticed,
    Published,
    UpdateReported,
)
from hotswap_dev.domain.text import shown

_ROOMY = 130
_WIDE = 100
_LONGEST = 400
_DENIED = "access-denied"
_SHORTEST = 0.05
_SAYS_NOTHING = (*STEPS, "embedded", "running")
"""Turns that the row says anyway: what it reports stands in it."""

_MARKS: dict[str, tuple[str, Role]] = {"info": ("·", "dim"), "warning": ("!", "warn"), "error": ("✗", "bad")}


def check_line(row: Row, view: View, width: int) -> Line:
    """`12:03:15  Pixel  at 14  204  up-to-date  applied 14  0.4 ms`, in as many columns as there is room for."""
    event = row.event
    if isinstance(event, CheckAnswered):
        return _check(row, event, view, width)
    if isinstance(event, DownloadEnded):
        return _download(event, view, width)
    if isinstance(event, LifecycleReported):
        return _told(row, lifecycle_line(event, view), view, width)
    if isinstance(event, UpdateReported):
        return _told(row, completion_line(event, view), view, width)
    if isinstance(event, FaultOutcome):
        return _told(row, outcome_line(event, view), view, width)
    head = (Span(clock(event.at), "dim"), Span("  "))
    if isinstance(event, Published):
        return cut((*head, *_published(event)), width)
    if isinstance(event, BuildRefused):
        text = f"{shown(event.code)}: {shown(event.detail, _LONGEST)}"
        return cut((*head, Span("✗ not published  ", "bad"), Span(text, "text")), width)
    if isinstance(event, Noticed):
        # What the folder lacks is no more than information in a log, but here something is wrong as long as it lasts.
        mark, role = _MARKS["warning" if event.code in WAITS else event.level]
        return cut((*head, Span(f"{mark} {shown(event.message, _LONGEST)}", role)), width)
    if isinstance(event, NoteAdded):
        return cut((*head, Span(f"— {shown(event.text, _LONGEST)}", "strong")), width)
    if isinstance(event, Fact):
        return cut((*head, Span(f"· {fact_words(wire.plain(event), view.controls.names)}", "accent")), width)
    return cut((*head, Span(shown(str(type(event).__struct_config__.tag)), "dim")), width)


def check_heads(view: View, width: int) -> Line:
    """What the columns of `check_line` are, in the same places, as far as a row is a check or a download."""
    time, who, binary, channel, at, status, reason, duration, then = (
        Span(word, "dim")
        for word in ("time", "client", "binary", "channel", "at", "answer", "reason", "took", "proved")
    )
    return _columns(
        view, width, (time,), who, (binary,), (channel,), at, (status,), reason, (then,), (duration,)
    )


def status_role(event: CheckAnswered) -> Role:
    """How an answer looks: an offer stands out, what is as it should be does not."""
    if event.fault is not None:
        return "fault"
    if event.status >= 400:
        return "bad"
    if event.status == 200:
        return "accent"
    return "dim" if event.reason == "up-to-date" else "warn"


def proved(row: Row, event: CheckAnswered, view: View) -> Line:
    """What the answers of a row showed: what it was offered, what its client had become by then, what deviated."""
    offered = event.offered is not None and event.status == 200
    out = [Span(f"offered {event.offered}", "accent")] if offered else []
    if event.reason == _DENIED:
        out.append(Span(f"without {shown(str(event.args.get('header', 'its header')))}", "warn"))
    client = view.clients.get(event.client)
    if client is not None:
        turns = [
            turn
            for turn in client.story
            if row.first_at <= turn.at <= row.at and turn.code not in _SAYS_NOTHING
        ]
        label = client.label
        if turns:
            # Before what is offered: that the next row says too.
            text, role = label_words(turns[-1])
            about = _about(turns[-1].args.get("gave_up", event.sequence))
            out.insert(0, Span(f"{text} {about}".rstrip(), role))
        elif label is not None and client.last_seen == event.at and label.code == "applied":
            # Not news any more, but what holds: dim.
            out.append(Span(f"{label_words(label)[0]} {_about(event.sequence)}".rstrip(), "dim"))
    if event.fault is not None:
        out.insert(0, Span(went_out(event.fault, event.status), "fault"))
    out.extend(_second_protocol(event))
    if event.flags:
        out.append(Span(f"! {flag_words(event.flags)}", "warn"))
    spaced: list[Span] = []
    for index, span in enumerate(out):
        if index:
            spaced.append(Span("  "))
        spaced.append(span)
    return tuple(spaced)


def _second_protocol(event: CheckAnswered) -> Iterator[Span]:
    """What only a client of the second protocol says and is told: its product, what else it is offered, the request."""
    if event.protocol == "hotswap":
        return
    others = [
        one
        for one in str(event.args.get("updates", "")).split(", ")
        if one and not one.startswith("frontend ")
    ]
    if others:
        yield Span(f"and {shown(', '.join(others))}", "accent")
    yield Span(shown(event.product or "no product"), "text")
    if event.request_id:
        yield Span(shown(event.request_id), "dim")


def _about(sequence: int | str | None) -> str:
    return "" if sequence in (None, 0, "0") else page(sequence or 0)


def _check(row: Row, event: CheckAnswered, view: View, width: int) -> Line:
    role = status_role(event)
    times = f" {TIMES}{row.times}" if row.times > 1 else ""
    at = "at ?" if event.sequence is None else f"at {event.sequence}"
    return _columns(
        view,
        width,
        line(Span(clock(event.at), "dim")),
        Span(name_of(event.client, view), "strong" if role != "dim" else "text"),
        line(Span(shown(event.binary_version or "?"), "dim")),
        line(Span(shown(event.channel or DEFAULT_CHANNEL), "dim")),
        Span(at, "text"),
        (Span(status_words(event), role), Span(times, "dim")),
        Span(_reason(event), role if event.fault is not None else "text" if role != "dim" else "dim"),
        proved(row, event, view),
        line(Span(took(event.duration_ms) if event.duration_ms >= _SHORTEST else f"<{took(0.1)}", "dim")),
    )


def _reason(event: CheckAnswered) -> str:
    """The code of its reason; of an answer that a fault struck, the fault."""
    return shown(event.reason) if event.fault is None else short_name(event.fault)


def _download(event: DownloadEnded, view: View, width: int) -> Line:
    who = name_of(event.client, view) if event.client else shown(event.peer)
    what, role = _became(event)
    narrow = width < _WIDE
    then = attempt_line(event, view, short=narrow)
    out = "" if event.fault is None else went_out(event.fault, event.status)
    if out and out != _sent(event) and not (then and narrow):
        then = (Span(out, "fault"), *((Span("  "), *then) if then else ()))
    then = then or (Span(took(event.duration_ms), "dim"),)
    return _columns(
        view,
        width,
        line(Span(clock(event.at), "dim")),
        Span(who, "text"),
        (),
        (),
        Span(f"↓ {event.sequence}", "accent"),
        (Span(_sent(event), "text"),),
        Span(what, role),
        then,
        (),
    )


def _sent(event: DownloadEnded) -> str:
    """How much was sent; of an answer without the bundle, its status."""
    if not event.status:
        return NOTHING
    return str(event.status) if event.status >= 400 else size(event.bytes)


def _became(event: DownloadEnded) -> tuple[str, Role]:
    if event.fault is not None:
        return short_name(event.fault), "fault"
    if event.range:
        return "a range", "dim"
    if event.status in (401, 403):
        return _DENIED, "bad"
    if event.status >= 400:
        return "refused", "bad"
    return ("complete", "good") if event.complete else ("broken off", "bad")


def _told(row: Row, said: Said, view: View, width: int) -> Line:
    """What somebody said, or what was found out, in the columns of a check."""
    times = (Span(f" {TIMES}{row.times}", "dim"),) if row.times > 1 else ()
    return _columns(
        view,
        width,
        line(Span(clock(row.at), "dim")),
        said.who,
        (),
        (),
        said.about,
        (said.what, *times),
        said.word,
        said.then,
        (),
    )


def _columns(
    view: View,
    width: int,
    time: Line,
    who: Span,
    binary: Line,
    channel: Line,
    at: Span,
    status: Line,
    reason: Span,
    then: Line,
    duration: Line,
) -> Line:
    like, roomy = widths(view), width >= _ROOMY
    return in_columns(
        (
            Column(time, 8, 3),
            Column((who,), max(like.name, 14), 0, 8),
            Column(binary, like.binary if roomy else 0, 6),
            Column(channel, like.channel if roomy else 0, 7),
            Column((at,), max(5, 3 + len(str(view.controls.last_sequence))), 1),
            Column(status, 9, 0, 8),
            Column((reason,), 18 if roomy else 16, 1, 14),
            Column(duration, 7, 5, right=True),
            Column(then, 20, 2, 16, grows=True),
        ),
        width,
    )


def _published(event: Published) -> Line:
    how = f"packed in {took(event.pack_ms)}"
    if event.origin == "build" and event.offered_ms is None:
        how += ", as found"
    if event.offered_ms is not None:
        how += f", offered {took(event.offered_ms)} after the save"
    return (
        Span(f"+ release {event.sequence}", "good"),
        Span(f"  {shown(event.version)}", "text"),
        Span(f"  {shown(event.channel)}", "dim"),
        Span(f"  {size(event.bundle_size)}, {event.changed} changed; {how}", "dim"),
    )
