"""The pages of downloads, reports, completions and what became of a fault; and what a fault did to an exchange."""

from __future__ import annotations

from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.details.fault_text import (
    fault_named,
    lasting,
    reaction_lines,
    reaction_to,
    values_of,
)
from hotswap_dev.dashboard.details.figures import clock, day_and_clock, size, took
from hotswap_dev.dashboard.details.paragraphs import MARGIN, fields, hanging, head, section, sentence
from hotswap_dev.dashboard.selectors.figures import name_of
from hotswap_dev.dashboard.selectors.reports import completion_words, flag_words, lifecycle_words
from hotswap_dev.dashboard.selectors.struck import (
    ATTEMPTS,
    armed_with,
    next_attempt,
    outcome_words,
    went_out,
)
from hotswap_dev.dashboard.selectors.why_told import (
    completion_section,
    download_words,
    following,
    lifecycle_section,
    outcome_section,
    striker,
)
from hotswap_dev.dashboard.spans import Line, Role, Span
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.fact_words import scope_words
from hotswap_dev.domain.labels import Turn, turn_sentence
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.observations import (
    CheckAnswered,
    DownloadEnded,
    FaultOutcome,
    LifecycleReported,
    UpdateReported,
)
from hotswap_dev.domain.reasons import Reason, scope
from hotswap_dev.domain.reasons import sentence as reason_sentence
from hotswap_dev.domain.text import shown

_LONGEST = 1000


def told_lines(row: Row, view: View, width: int) -> list[Line] | None:
    """The page of a row that is no check; None for what is none of these."""
    event = row.event
    lines: list[Line] | None = None
    if isinstance(event, DownloadEnded):
        lines = _download(event, view, width)
    elif isinstance(event, LifecycleReported):
        lines = _lifecycle(event, view, width)
    elif isinstance(event, UpdateReported):
        lines = _completion(event, view, width)
    elif isinstance(event, FaultOutcome):
        lines = _outcome(event, view, width)
    if lines is not None and row.times > 1:
        first = day_and_clock(row.first_at, view.now)
        lines += sentence(f"The last of {row.times:,} equal ones since {first}.", width, role="dim")
    return lines


def when(event: object, view: View) -> Span:
    """When it happened, behind the head of its page."""
    at = getattr(event, "at", None)
    return Span("" if at is None else f"   {day_and_clock(at, view.now)}", "dim")


def told(turn: Turn, width: int, *, role: Role = "text") -> list[Line]:
    """A turn of a story: its time, and its sentence beside it."""
    return hanging((Span(f"{clock(turn.at)}  ", "dim"),), turn_sentence(turn), width, role=role)


# --- a fault -------------------------------------------------------------------------------------------------------


def struck_lines(event: CheckAnswered, view: View, width: int) -> list[Line]:
    """What a fault did to an answer: which, for whom, what went out, what it would have been, what the client does."""
    if event.fault is None:
        return []
    armed = armed_with(event.args, view)
    client, channel = (str(event.args.get(name, "")) for name in ("client", "channel"))
    whom = shown(scope(client, channel)) if armed is None else _whom(armed, view)
    left = event.args.get("left", "")
    lasts = (
        "until it is disarmed" if left == "" else f"{left} more to come" if left else "that was the last time"
    )
    lines = section("struck by a fault", width, _ends(armed))
    lines += fields(
        [
            ("fault", Span(shown(event.fault), "fault")),
            ("with", "" if armed is None else values_of(armed)),
            ("armed for", whom),
            ("lasts", shown(lasts) if armed is not None else "it is not armed any more"),
            ("went out", silence(event) if not event.status else f"{event.status}, {_out(event)}"),
            ("without it", _instead(event)),
        ],
        width,
    )
    return lines + _does(event.fault, armed, width)


def silence(event: CheckAnswered) -> str:
    """What went out where no HTTP answer did."""
    out = "" if event.fault is None else went_out(event.fault, event.status)
    return {
        "hang": "Nothing: the connection stayed open for a while, then it was closed.",
        "reset": "Nothing: the connection was reset (TCP RST).",
        "not a byte": "Nothing: the connection was closed without a byte.",
    }.get(out, "Nothing was answered.")


def _out(event: CheckAnswered) -> str:
    out = went_out(event.fault or "", event.status)
    return "an HTTP error" if out.isdecimal() else out


def _instead(event: CheckAnswered) -> str:
    code = str(event.args.get("instead", ""))
    if code == "newer-release" and event.args.get("sequence") is not None:
        return shown(reason_sentence(Reason(code, dict(event.args))), _LONGEST)
    return shown(code)


def _does(name: str, armed: ArmedFault | None, width: int) -> list[Line]:
    fault = fault_named(name, armed)
    if fault is None:
        return []
    lines = section("what the client does then", width)
    made = reaction_lines(reaction_to(fault, None if armed is None else armed.left), width - MARGIN)
    return lines + [(Span(" " * MARGIN), *one) for one in made]


def _whom(armed: ArmedFault, view: View) -> str:
    return shown(scope_words(armed.client, armed.channel, view.controls.names))


def _ends(armed: ArmedFault | None) -> str:
    return "" if armed is None else f"hotswap-dev disarm-fault {armed.override}"


def protocol_lines(event: CheckAnswered, width: int) -> list[Line]:
    """What only a client of the second protocol says and is told."""
    if event.protocol == "hotswap":
        return []
    return section("the second protocol", width) + fields(
        [
            ("product", shown(event.product or "none could be read")),
            ("updates", shown(str(event.args.get("updates", "")), _LONGEST) or "none"),
            ("request id", shown(event.request_id or "none: there was nothing to complete", _LONGEST)),
        ],
        width,
    )


# --- a download ----------------------------------------------------------------------------------------------------


def _download(event: DownloadEnded, view: View, width: int) -> list[Line]:
    whom = name_of(event.client, view) if event.client else shown(event.peer)
    title: Line = (Span(whom, "strong"), when(event, view))
    how: Line = (_how(event), Span(f"  {took(event.duration_ms)}", "dim"))
    lines = [head(title, how, width), (), *sentence(_download_words(event, view), width)]
    release = view.controls.releases.get(event.sequence)
    of = "" if release is None else f" of {size(release.bundle.size)}"
    # Under a millisecond it says how fast a socket's buffer is.
    rate = f", {size(int(event.bytes / event.duration_ms * 1000))}/s" if event.duration_ms >= 1 else ""
    due = next_attempt(event, view)
    attempt = f"{event.attempt} of {ATTEMPTS}{f', {due}' if due else ''}"
    lines += [
        (),
        *fields(
            [
                ("release", str(event.sequence) + (f"  {release.version}" if release else "")),
                ("status", "" if event.status == 200 else str(event.status or "nothing was answered")),
                ("sent", f"{size(event.bytes)}{of}{rate}"),
                ("attempt", "" if event.range else attempt),
                ("from", shown(event.peer)),
            ],
            width,
        ),
    ]
    if event.fault is not None:
        armed = striker(event, view)
        lines += section("struck by a fault", width, _ends(armed))
        lines += fields(
            [
                ("fault", Span(shown(event.fault), "fault")),
                ("with", "" if armed is None else values_of(armed)),
                ("armed for", "" if armed is None else _whom(armed, view)),
                ("lasts", "it is not armed any more" if armed is None else lasting(armed)),
                ("went out", went_out(event.fault, event.status)),
            ],
            width,
        )
        lines += _does(event.fault, armed, width)
    client = view.clients.get(event.client) if event.client else None
    turns = [turn for turn in client.story if turn.at >= event.at] if client else []
    if turns:
        lines += section("what came of it", width)
        lines += [line for turn in turns for line in told(turn, width)]
    return lines


def _how(event: DownloadEnded) -> Span:
    if event.fault is not None:
        return Span(went_out(event.fault, event.status), "fault")
    if event.status >= 400:
        return Span(f"refused with {event.status}", "bad")
    if event.complete:
        return Span("complete", "good")
    return Span("a range", "dim") if event.range else Span("broken off", "warn")


def _download_words(event: DownloadEnded, view: View) -> str:
    if event.range:
        return "Only a range was asked for: the plugin never does that, a person with curl may."
    if event.complete:
        return (
            f"All of release {event.sequence} was sent. Whether it was verified, extracted and activated shows at "
            "its next check."
        )
    if event.fault is None and 0 < event.status < 400:
        return f"The download of release {event.sequence} broke off. {following(event, view)}"
    return download_words(event, view)


# --- what was said -------------------------------------------------------------------------------------------------


def _lifecycle(event: LifecycleReported, view: View, width: int) -> list[Line]:
    whom = name_of(event.client, view) if event.client else shown(event.peer)
    text, role = lifecycle_words(event)
    title: Line = (Span(whom, "strong"), when(event, view))
    lines = [head(title, (Span(shown(event.lifecycle), role),), width), ()]
    lines += sentence(lifecycle_section(event, view).text, width)
    return [
        *lines,
        (),
        *fields(
            [
                ("event", shown(event.lifecycle)),
                ("means", text if role != "bad" else ""),
                ("release", "" if event.sequence is None else str(event.sequence)),
                ("version", shown(event.version or "")),
                ("error", Span(shown(event.error, _LONGEST), "bad")),
                ("from", shown(event.peer)),
            ],
            width,
        ),
        (),
        *sentence("The app says so itself, by POST /api/lifecycle.", width, role="dim"),
    ]


def _completion(event: UpdateReported, view: View, width: int) -> list[Line]:
    whom = name_of(event.client, view) if event.client else shown(event.peer)
    text, role = completion_words(event)
    lines = [head((Span(whom, "strong"), when(event, view)), (Span(text, role),), width), ()]
    lines += sentence(completion_section(event, view).text, width)
    return [
        *lines,
        (),
        *fields(
            [
                ("update", shown(event.update_type)),
                ("status", Span(text, role)),
                ("version", shown(event.version or "")),
                ("release", "none was offered by that id" if event.sequence is None else str(event.sequence)),
                ("request id", shown(event.request_id, _LONGEST)),
                ("says", shown(event.detail, _LONGEST)),
                ("flagged", Span(flag_words(event.flags), "warn")),
                ("from", shown(event.peer)),
            ],
            width,
        ),
    ]


def _outcome(event: FaultOutcome, view: View, width: int) -> list[Line]:
    text, role = outcome_words(event.outcome)
    title: Line = (Span(name_of(event.client, view), "strong"), when(event, view))
    lines = [head(title, (Span(text, role),), width), ()]
    lines += sentence(outcome_section(event, view).text, width)
    armed = next((one for one in view.controls.faults if one.override == event.override), None)
    lines += section("the fault", width, _ends(armed))
    lines += fields(
        [
            ("fault", Span(shown(event.fault), "fault")),
            ("number", str(event.override)),
            ("with", "" if armed is None else values_of(armed)),
            ("armed for", "" if armed is None else _whom(armed, view)),
            ("lasts", "it is not armed any more" if armed is None else lasting(armed)),
            ("release", "" if event.sequence is None else str(event.sequence)),
        ],
        width,
    )
    return lines + _does(event.fault, armed, width)
