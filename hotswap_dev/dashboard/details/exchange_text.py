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
from hotswap_dev.dashboard.details.figures import day_and_clock, size, took
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
from hotswap_dev.dashboard.details.told_text import (
    protocol_lines,
    silence,
    struck_lines,
    told,
    told_lines,
    when,
)
from hotswap_dev.dashboard.selectors.figures import name_of
from hotswap_dev.dashboard.selectors.struck import status_words, went_out
from hotswap_dev.dashboard.spans import Line, Role, Span
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.fact_words import fact_words
from hotswap_dev.domain.labels import turn_sentence
from hotswap_dev.domain.observations import (
    BuildRefused,
    CheckAnswered,
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
        "locale-missing": "It sends no locale: the contract's example has one.",
        "bundle-unreadable": "A release was left out: its bundle could not be read.",
    }
)
"""What a check has that the plugin never sends, in words."""

_LONGEST_VALUE = 1000
_LONGEST_LINE = 20_000


def row_lines(
    row: Row, view: View, width: int, exchange: Exchange | None = None, said: str = ""
) -> list[Line]:
    """The page of a row. `exchange` is a check's, None where it is not there (yet); `said` is why."""
    event = row.event
    if isinstance(event, CheckAnswered):
        return _check(row, event, view, width, exchange, said)
    if (made := told_lines(row, view, width)) is not None:
        return made
    return _page(event, view, width)


# --- a check -------------------------------------------------------------------------------------------------------


def _check(
    row: Row, event: CheckAnswered, view: View, width: int, exchange: Exchange | None, said: str
) -> list[Line]:
    when = day_and_clock(event.at, view.now)
    title: Line = (Span(name_of(event.client, view), "strong"), Span(f"   {when}", "dim"))
    lines = [head(title, _answer(event), width), ()]
    lines += sentence(reason_sentence(Reason(event.reason, dict(event.args))), width)
    lines += struck_lines(event, view, width)
    for flag in event.flags:
        lines += hanging((Span("! ", "warn"),), FLAGS.get(flag, shown(flag)), width, role="warn")
    # What ends a fault stands with what is said of it, as long as it is armed.
    if event.fault is None and (other := change(Reason(event.reason, dict(event.args)))):
        lines += hanging((Span("→ ", "dim"),), other, width, role="dim")
    if row.times > 1:
        first = day_and_clock(row.first_at, view.now)
        lines += sentence(f"The last of {row.times:,} equal answers since {first}.", width, role="dim")
    lines += protocol_lines(event, width)
    lines += section("what it proved", width)
    lines += _proved(row, event, view, width)
    lines += _asked(event, exchange, width)
    lines += _answered(event, exchange, width)
    if exchange is None and said:
        lines += [(), *sentence(said, width, role="dim")]
    lines += section("the same as curl", width, "y copies it")
    curl = curl_of(event, view.about, exchange)
    lines += whole(shown(curl.line, _LONGEST_LINE), width)
    for note in curl.notes:
        lines += sentence(note, width, role="dim")
    return lines


def _answer(event: CheckAnswered) -> Line:
    text = f"↓ {event.offered}" if event.offered is not None else status_words(event)
    if event.fault is not None and (out := went_out(event.fault, event.status)) != text:
        text += f"  {out}"
    return (Span(text, status_role(event)), Span(f"  in {took(event.duration_ms)}", "dim"))


def status_role(event: CheckAnswered) -> Role:
    """How an answer stands out: struck by a fault, an offer, nothing to see, bent by somebody, refused."""
    if event.fault is not None:
        return "fault"
    if event.status == 200:
        return "accent"
    if event.status >= 400:
        return "bad"
    return "dim" if event.reason == "up-to-date" else "warn"


def _asked(event: CheckAnswered, exchange: Exchange | None, width: int) -> list[Line]:
    lines = section("asked", width)
    if exchange is None:
        method = "GET" if event.protocol == "hotswap" else "POST"
        lines += whole(f"{method} {shown(event.path, _LONGEST_LINE)}", width)
    else:
        lines += whole(f"{exchange.method} {exchange.target}", width)
        lines += fields(_headers(exchange.headers), width, widest=28)
        return lines
    second = event.protocol != "hotswap"
    return lines + fields(
        [
            ("client", shown(event.client)),
            ("from", shown(event.peer)),
            ("at", "?" if event.sequence is None else str(event.sequence)),
            ("binary", shown(event.binary_version or ("" if second else "not sent"))),
            ("runs on", shown((event.platform or "?") + ("" if second else f"/{event.arch or '?'}"))),
            ("channel", shown(event.channel or f"none {'mapped' if second else 'named'}, so production")),
        ],
        width,
    )


def _answered(event: CheckAnswered, exchange: Exchange | None, width: int) -> list[Line]:
    if not event.status:
        return [*section("answered", width), *sentence(silence(event), width, role="fault")]
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


# --- everything else -------------------------------------------------------------------------------------------------


@singledispatch
def _page(event: object, view: View, width: int) -> list[Line]:
    """A fact: what it says in words, and its values."""
    values = wire.plain(event)
    lines = [head((Span("Changed", "strong"), when(event, view)), (), width), ()]
    lines += sentence(f"{_upper(fact_words(values, view.controls.names))}.", width)
    plain = [
        (str(name).replace("_", " "), shown(str(value), _LONGEST_VALUE))
        for name, value in values.items()
        # A yes or no is in the sentence already, and says nothing without it.
        if name not in ("event", "at") and value is not None and not isinstance(value, bool | dict)
    ]
    return [*lines, *(section("what it holds", width) if plain else []), *fields(plain, width)]


@_page.register
def _(event: Published, view: View, width: int) -> list[Line]:
    title: Line = (
        Span(f"Release {event.sequence}", "strong"),
        Span(f"  {event.version}"),
        when(event, view),
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
    lines = [head((Span("Not published", "bad"), when(event, view)), (Span(event.code, "bad"),), width), ()]
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
        head((Span(_upper(event.level), role), when(event, view)), (Span(event.code, "dim"),), width),
        (),
    ]
    lines += sentence(shown(event.message, _LONGEST_VALUE), width)
    if event.hint:
        lines += hanging((Span("→ ", "dim"),), shown(event.hint, _LONGEST_VALUE), width)
    return lines


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
