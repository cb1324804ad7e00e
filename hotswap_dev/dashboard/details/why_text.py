"""WHY, what was passed over, and NEXT of a client: what `hotswap-dev why` says, by the same functions."""

from __future__ import annotations

from hotswap_dev.dashboard.details.paragraphs import hanging, section
from hotswap_dev.dashboard.selectors.struck import went_out
from hotswap_dev.dashboard.spans import Line, Role, Span, column, plain
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.fact_words import who
from hotswap_dev.domain.preview import Told, next_check
from hotswap_dev.domain.text import shown
from hotswap_dev.domain.why import Why, why

MOST_PASSED = 12
"""Of a thousand releases that an app is too old for nobody reads why a thousand times."""

_TEXT_WIDTH = 80


def why_now(view: View, client: Client) -> Why | None:
    """The answer that this client gets at its next check; None as long as no check of it could be read."""
    check = next_check(client)
    try:
        return None if check is None else why(view.controls, check, client, view.now)
    except ValueError:  # a server of another version took a binary version that this one can't read
        return None


def why_lines(found: Why, width: int) -> list[Line]:
    """The answer, its reason, what was passed over and what becomes of it, each with what would change it."""
    lines = section("why, at its next check", width)
    lines += _labelled("ANSWER", answer_words(found.answer), width, role=_role(found.answer))
    lines += _labelled("WHY", found.sentence, width)
    lines += _command(found.change, width)
    passed = found.considered[:MOST_PASSED]
    for one in passed:
        text = "as above" if one.detail == found.sentence else one.detail
        lines += hanging(
            (Span(column("PASSED" if one is passed[0] else "", 8), "dim"), Span(f"{one.sequence}  ")),
            text,
            width,
        )
        if one.change and one.detail != found.sentence:
            lines += _command(one.change, width)
    if len(found.considered) > len(passed):
        more = len(found.considered) - len(passed)
        lines += _labelled("", f"and {more} more below", width, role="dim")
    lines += _labelled("NEXT", found.next.sentence, width)
    if found.next.command != found.change:
        lines += _command(found.next.command, width)
    return lines


def why_text(view: View, client: Client) -> str:
    """The same to be pasted into a report; "" where there is nothing to explain."""
    found = why_now(view, client)
    if found is None:
        return ""
    check = found.check
    asks = (
        f"at {check.sequence}, binary {check.binary_version or 'unknown'}, {check.platform}/{check.arch}, "
        f"channel {check.channel or 'production (none named)'}"
    )
    title = f"{who(client.id, view.controls.names)}: {asks}"
    body = [plain(line).rstrip() for line in why_lines(found, _TEXT_WIDTH)[2:]]
    return "\n".join([title, *body])


def answer_words(told: Told) -> str:
    """An answer as a person says it."""
    if told.fault is not None:
        offer = "" if told.offered is None else f", release {told.offered}"
        return f"{told.status or 'nothing'}{offer}: {went_out(told.fault, told.status)} (the fault {shown(told.fault)})"
    if told.offered is None:
        return f"{told.status}, no update ({told.reason})"
    mandatory = ", mandatory" if told.mandatory else ""
    return f"{told.status}, release {told.offered} ({told.version}{mandatory}), {told.reason}"


def _role(told: Told) -> Role:
    if told.fault is not None:
        return "fault"
    return "accent" if told.offered is not None else "text" if told.reason == "up-to-date" else "warn"


def _labelled(label: str, text: str, width: int, *, role: Role = "text") -> list[Line]:
    return hanging((Span(column(label, 8), "dim"),), text, width, role=role)


def _command(command: str, width: int) -> list[Line]:
    return hanging((Span(" " * 8), Span("→ ", "dim")), command, width, role="dim") if command else []
