"""`log`: check-ins, downloads, builds, changes and notes in one time line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.folding import folded, folded_live
from hotswap_dev.cli.lines import line
from hotswap_dev.cli.meaning import client_meant, known_in
from hotswap_dev.cli.options import control, echo_json, finding_a_server
from hotswap_dev.cli.words import ClientWord
from hotswap_dev.domain.fact_words import Event
from hotswap_dev.domain.reasons import CODES
from hotswap_dev.errors import Unreachable

_MAX_ROWS = 10_000
_ROWS_A_LINE = 20
"""Rows that are read for each line that is asked for: a client that polls fills them with one line."""

_NOT_YET_RECORDED = 2000
"""Revisions that may have happened and not reached the disk when the history is read."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@click.command(params=finding_a_server())
@click.option(
    "--limit", type=click.IntRange(1, _MAX_ROWS), default=50, show_default=True, help="how many lines at most"
)
@click.option(
    "--client", type=ClientWord(), metavar="CLIENT", help="only this client's: id, its beginning, or name"
)
@click.option("--reason", type=click.Choice(CODES), metavar="CODE", help="only check-ins with this reason")
@click.option(
    "--status", type=click.IntRange(0, 599), metavar="N",
    help="only check-ins and downloads with this status; 0: nothing went out",
)  # fmt: skip
@click.option(
    "--event", "events", type=click.Choice(wire.event_names()), metavar="NAME", multiple=True,
    help="only such events, such as note-added (may be repeated)",
)  # fmt: skip
@click.option("--since", metavar="TIME", help="only since, such as 10m, 2h or 2026-04-05T12:00")
@click.option("--follow", "-f", is_flag=True, help="go on with what happens, until Ctrl-C")
def log(
    as_json: bool,
    limit: int,
    client: str | None,
    reason: str | None,
    status: int | None,
    events: tuple[str, ...],
    since: str | None,
    follow: bool,
    **where: Any,
) -> None:
    """What happened, and why: oldest first. Equal answers to one client are one line, counted."""
    start = None if since is None else moment(since, datetime.now(UTC))
    site = control(where)
    state = site.get("/api/state")
    known, revision = known_in(state), state["revision"]
    named = None if client is None else client_meant(client, known)
    found = site.get(
        "/api/history",
        limit=limit if as_json else min(_MAX_ROWS, limit * _ROWS_A_LINE),
        client=named,
        reason=reason,
        status=status,
        event=events or None,
        since=start,
    )
    found.reverse()
    names = dict(known.names)
    show: Callable[[Event], None] = echo_json if as_json else (lambda event: _echo_line(event, names))
    for event in found if as_json else _last(folded(found), limit):
        show(event)
    if not follow:
        if not found:
            filtered = client or reason or status is not None or events or since
            click.echo("nothing matches" if filtered else "nothing happened yet", err=True)
        return
    stream = site.lines(f"/api/events?after={max(0, revision - _NOT_YET_RECORDED)}")
    fresh = wanted(
        unseen(_decoded(stream), found, revision),
        client=named,
        reason=reason,
        status=status,
        only=events,
        since=start,
    )
    for event in (one for one in fresh if one) if as_json else folded_live(fresh):
        if event["event"] == "client-named":
            names[event["client"]] = event["name"]
        show(event)
    raise Unreachable("the server stopped", "start it again, as it was started: hotswap-dev serve [DIST]")


def moment(text: str, now: datetime) -> str:
    """A time that a person typed, as RFC 3339: `10m` before `now`, or a time of day, which without a zone is theirs."""
    ago = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    try:
        if ago:
            return (now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})).isoformat()
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time; expected is 10m, 2h or 2026-04-05T12:00", param_hint="--since"
        ) from None


def unseen(events: Iterable[Event | None], shown: Sequence[Event], revision: int) -> Iterator[Event | None]:
    """Of a stream that begins before a history was read, what happened after its last row or is missing in it.

    `revision` is what the stream was at before the history was read: whatever is above it is new, even if somebody set
    the clock back. The recorder writes behind the answers' back: what it has not written yet comes by the stream alone,
    and what it has comes by both.
    """
    known = {_identity(event) for event in shown}
    last = datetime.fromisoformat(shown[-1]["at"]) if shown else None
    for event in events:
        if event is None or event["event"] == "gap":
            yield event
            continue
        identity = _identity(event)
        if identity in known:
            known.discard(identity)
        elif event["revision"] > revision or last is None or datetime.fromisoformat(event["at"]) >= last:
            yield event


def wanted(
    events: Iterable[Event | None],
    *,
    client: str | None,
    reason: str | None,
    status: int | None,
    only: tuple[str, ...] = (),
    since: str | None = None,
) -> Iterator[Event | None]:
    """The events that the history's filters let through; None, a heartbeat, always."""
    start = None if since is None else datetime.fromisoformat(since)
    for event in events:
        if (
            event is None
            or event["event"] == "gap"
            or (
                client in (None, event.get("client"))
                and reason in (None, event.get("reason"))
                and status in (None, event.get("status"))
                and (not only or event["event"] in only)
                and (start is None or datetime.fromisoformat(event["at"]) >= start)
            )
        ):
            yield event


def _identity(event: Event) -> bytes:
    """An event without what the stream or the history adds to it."""
    added = ("number", "instance", "revision")
    return wire.encode(sorted((name, value) for name, value in event.items() if name not in added))


def _decoded(lines: Iterable[bytes]) -> Iterator[Event | None]:
    for text in lines:
        yield wire.decode(text) if text else None


def _last(events: Sequence[Event], limit: int) -> list[Event]:
    return [event for event in events if line(event) is not None][-limit:]


def _echo_line(event: Event, names: dict[str, str]) -> None:
    if event["event"] == "gap":
        click.echo("(too much happened at once: some lines are missing)", err=True)
    elif text := line(event, names):
        click.echo(text)
