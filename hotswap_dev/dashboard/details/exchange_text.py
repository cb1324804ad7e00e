"""A row of the check-ins as a page: the whole exchange of a check, or what a download, a build or a change came to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import singledispatch
from http import HTTPStatus
from types import MappingProxyType

from hotswap_dev import wire
from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.details.copying import curl_of
from hotswap_dev.dashboard.details.exchange import Exchange
from hotswap_dev.dashboard.details.figures import clock, counted, day_and_clock, size, took
from hotswap_dev.dashboard.details.paragraphs import (
    MARGIN,
    Labelled,
    fields,
    hanging,
    head,
    section,
    sentence,
    whole,
)
from hotswap_dev.dashboard.selectors.figures import name_of
from hotswap_dev.dashboard.spans import Line, Role, Span
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.fact_words import fact_words
from hotswap_dev.domain.labels import Turn, turn_sentence
from hotswap_dev.domain.observations import (
    BuildRefused,
    CheckAnswered,
    DownloadEnded,
    Noticed,
    Published,
)
from hotswap_dev.domain.reasons import Reason, change
from hotswap_dev.domain.reasons import sentence as reason_sentence
from hotswap_dev.domain.text import shown

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "platform-unknown": "Its platform is none that the plugin sends.",
        "arch-unknown": "Its arch is none that the plugin sends.",
        "binary-version-empty": "It sends no binary version: its Tauri config has no version.",
    }
)
"""What a check has that the plugin never sends, in words."""

_LONGEST_VALUE = 1000
_ATTEMPTS = 4  # the plugin's: 1 + max_retries


def row_lines(
    row: Row, view: View, width: int, exchange: Exchange | None = None, said: str = ""
) -> list[Line]:
    """The page of a row. `exchange` is a check's, None where it is not there (yet); `said` is why."""
    event = row.event
    if isinstance(event, CheckAnswered):
        return _check(row, event, view, width, exchange, said)
    return _page(event, view, width)


# --- a check -------------------------------------------------------------------------------------------------------


def _check(
    row: Row, event: CheckAnswered, view: View, width: int, exchange: Exchange | None, said: str
) -> list[Line]:
    when = day_and_clock(event.at, view.now)
    title: Line = (Span(name_of(event.client, view), "strong"), Span(f"   {when}", "dim"))
    lines = [head(title, _answer(event), width), ()]
    lines += sentence(reason_sentence(Reason(event.reason, dict(event.args))), width)
    for flag in event.flags:
        lines += hanging((Span("! ", "warn"),), FLAGS.get(flag, shown(flag)), width, role="warn")
    if other := change(Reason(event.reason, dict(event.args))):
        lines += hanging((Span("→ ", "dim"),), other, width, role="dim")
    if row.times > 1:
        first = day_and_clock(row.first_at, view.now)
        lines += sentence(f"The last of {row.times:,} equal answers since {first}.", width, role="dim")
    lines += section("what it proved", width)
    lines += _proved(row, event, view, width)
    lines += _asked(event, exchange, width)
    lines += _answered(exchange, width)
    if exchange is None and said:
        lines += [(), *sentence(said, width, role="dim")]
    lines += section("the same as curl", width, "y copies it")
    curl = curl_of(event, view.about, exchange)
    lines += whole(curl.line, width)
    for note in curl.notes:
        lines += sentence(note, width, role="dim")
    return lines


def _answer(event: CheckAnswered) -> Line:
    text = f"↓ {event.offered}" if event.offered is not None else str(event.status)
    return (Span(text, status_role(event)), Span(f"  in {took(event.duration_ms)}", "dim"))


def status_role(event: CheckAnswered) -> Role:
    """How an answer stands out: an offer, nothing to see, bent by somebody, refused."""
    if event.status == 200:
        return "accent"
    if event.status >= 400:
        return "bad"
    return "dim" if event.reason == "up-to-date" else "warn"


def _asked(event: CheckAnswered, exchange: Exchange | None, width: int) -> list[Line]:
    lines = section("asked", width)
    if exchange is None:
        lines += whole(f"GET {event.path}", width)
    else:
        lines += whole(f"{exchange.method} {exchange.target}", width)
        lines += fields(_headers(exchange.headers), width, widest=28)
        return lines
    return lines + fields(
        [
            ("client", event.client),
            ("from", event.peer),
            ("at", "?" if event.sequence is None else str(event.sequence)),
            ("binary", event.binary_version or "not sent"),
            ("runs on", f"{event.platform or '?'}/{event.arch or '?'}"),
            ("channel", event.channel or "none named, so production"),
        ],
        width,
    )


def _answered(exchange: Exchange | None, width: int) -> list[Line]:
    if exchange is None:
        return []
    lines = section("answered", width, f"{exchange.status} {_phrase(exchange.status)}".rstrip())
    lines += fields(_headers(exchange.answer_headers), width, widest=28)
    if exchange.body is not None:
        lines.append(())
        for text in _pretty(exchange.body):
            margin = MARGIN + len(text) - len(text.lstrip(" "))
            lines += whole(text.lstrip(" "), width, margin=margin) if text.strip() else [()]
    return lines


def _headers(headers: Sequence[tuple[str, str]]) -> list[Labelled]:
    return [(shown(name), shown(value, _LONGEST_VALUE) or "(empty)") for name, value in headers]


def _pretty(body: str) -> list[str]:
    """JSON with an indent, any other body as it is."""
    try:
        text = json.dumps(wire.decode(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return [shown(body, _LONGEST_VALUE)]
    return [shown(one, 4 * _LONGEST_VALUE) for one in text.split("\n")]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _proved(row: Row, event: CheckAnswered, view: View, width: int) -> list[Line]:
    client = view.clients.get(event.client)
    if client is None:
        return sentence(
            "This client is not known any more: it was forgotten, or others came.", width, role="dim"
        )
    turns = [turn for turn in client.story if row.first_at <= turn.at <= event.at]
    lines = [line for turn in turns for line in told(turn, width)]
    if not lines:
        lines = sentence("Nothing new: what it said before, it says again.", width, role="dim")
    if client.label is not None and client.label not in turns:
        lines += hanging((Span("now   ", "dim"),), turn_sentence(client.label), width, role="dim")
    return lines


def told(turn: Turn, width: int, *, role: Role = "text") -> list[Line]:
    """A turn of a story: its time, and its sentence beside it."""
    return hanging((Span(f"{clock(turn.at)}  ", "dim"),), turn_sentence(turn), width, role=role)


# --- everything else -------------------------------------------------------------------------------------------------


@singledispatch
def _page(event: object, view: View, width: int) -> list[Line]:
    """A fact: what it says in words, and its values."""
    values = wire.plain(event)
    lines = [head((Span("Changed", "strong"), _when(event, view)), (), width), ()]
    lines += sentence(f"{_upper(fact_words(values, view.controls.names))}.", width)
    plain = [
        (str(name).replace("_", " "), shown(str(value), _LONGEST_VALUE))
        for name, value in values.items()
        # A yes or no is in the sentence already, and says nothing without it.
        if name not in ("event", "at") and value is not None and not isinstance(value, bool | dict)
    ]
    return [*lines, *(section("what it holds", width) if plain else []), *fields(plain, width)]


@_page.register
def _(event: DownloadEnded, view: View, width: int) -> list[Line]:
    whom = name_of(event.client, view) if event.client else shown(event.peer)
    title: Line = (Span(whom, "strong"), _when(event, view))
    how: Line = (
        Span("complete", "good")
        if event.complete
        else Span("a range", "dim")
        if event.range
        else Span("broken off", "warn"),
        Span(f"  {took(event.duration_ms)}", "dim"),
    )
    lines = [head(title, how, width), (), *sentence(_download_words(event), width)]
    release = view.controls.releases.get(event.sequence)
    of = "" if release is None else f" of {size(release.bundle.size)}"
    # Under a millisecond it says how fast a socket's buffer is.
    rate = f", {size(int(event.bytes / event.duration_ms * 1000))}/s" if event.duration_ms >= 1 else ""
    lines += [
        (),
        *fields(
            [
                ("release", str(event.sequence) + (f"  {release.version}" if release else "")),
                ("sent", f"{size(event.bytes)}{of}{rate}"),
                ("attempt", f"{event.attempt} of {_ATTEMPTS}" if not event.range else ""),
                ("from", event.peer),
            ],
            width,
        ),
    ]
    client = view.clients.get(event.client) if event.client else None
    turns = [turn for turn in client.story if turn.at >= event.at] if client else []
    if turns:
        lines += section("what came of it", width)
        lines += [line for turn in turns for line in told(turn, width)]
    return lines


def _download_words(event: DownloadEnded) -> str:
    if event.range:
        return "Only a range was asked for: the plugin never does that, a person with curl may."
    if event.complete:
        return (
            f"All of release {event.sequence} was sent. Whether it was verified, extracted and activated shows at "
            "its next check."
        )
    more = _ATTEMPTS - event.attempt
    then = (
        f"the plugin tries {counted(more, 'more time')} by itself"
        if more > 0
        else "that was the plugin's last attempt"
    )
    return f"The download of release {event.sequence} broke off; {then}."


@_page.register
def _(event: Published, view: View, width: int) -> list[Line]:
    title: Line = (
        Span(f"Release {event.sequence}", "strong"),
        Span(f"  {event.version}"),
        _when(event, view),
    )
    lines = [head(title, (Span(event.channel),), width), ()]
    offered = "" if event.offered_ms is None else f"{took(event.offered_ms)} after the save"
    return lines + fields(
        [
            ("made by", event.origin),
            ("files", f"{event.files:,}, {event.changed:,} changed"),
            ("size", size(event.bundle_size)),
            ("scanned in", took(event.scan_ms)),
            ("packed in", f"{took(event.pack_ms)}, signed and verified"),
            ("offered", offered),
        ],
        width,
    )


@_page.register
def _(event: BuildRefused, view: View, width: int) -> list[Line]:
    lines = [head((Span("Not published", "bad"), _when(event, view)), (Span(event.code, "bad"),), width), ()]
    lines += sentence(shown(event.detail, _LONGEST_VALUE), width)
    if event.hint:
        lines += hanging((Span("→ ", "dim"),), shown(event.hint, _LONGEST_VALUE), width)
    if event.path:
        lines += [(), *fields([("file", shown(event.path, _LONGEST_VALUE))], width)]
    return [*lines, (), *sentence("What is served stays as it was.", width, role="dim")]


@_page.register
def _(event: Noticed, view: View, width: int) -> list[Line]:
    role: Role = {"info": "text", "warning": "warn", "error": "bad"}[event.level]  # type: ignore[assignment]
    lines = [
        head((Span(_upper(event.level), role), _when(event, view)), (Span(event.code, "dim"),), width),
        (),
    ]
    lines += sentence(shown(event.message, _LONGEST_VALUE), width)
    if event.hint:
        lines += hanging((Span("→ ", "dim"),), shown(event.hint, _LONGEST_VALUE), width)
    return lines


def _when(event: object, view: View) -> Span:
    at = getattr(event, "at", None)
    return Span("" if at is None else f"   {day_and_clock(at, view.now)}", "dim")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
