"""The control site's reading routes: checks, history, releases, clients, and why an answer is what it is."""

from __future__ import annotations

import asyncio
import difflib
import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web
from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.domain.checks import BadCheck, Check, read_question
from hotswap_dev.domain.clients import Client, label_sentence, remarks
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.labels import inferred
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.next_step import next_step
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.reasons import CODES, sentence
from hotswap_dev.domain.text import shown
from hotswap_dev.domain.why import why
from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError, NotFound
from hotswap_dev.server.asked import bad_argument, demand_known, moment, number
from hotswap_dev.storage.history import History
from hotswap_dev.storage.history_search import Wanted

T = TypeVar("T")

_DEFAULT_LIMIT = 100
_MAX_LIMIT = 10_000
_FILTERS = ("limit", "before", "since", "until", "client", "reason", "status")
_AT_A_TIME = 50
_PIECES_AT_ONCE = 3
_NO_STORE = {"Cache-Control": "no-store"}
_NEAREST = 5
_COMPARED = 500

_REFUSED = "bad-request"
_PATIENCE = 0.5
"""Seconds: what was just answered is on the disk by then, unless the disk is full."""

_PATIENCE_TURNS = 10

_QUESTION = ("binary_version", "platform", "arch", "channel")
_DEFAULT_QUESTION = {"platform": "linux", "arch": "x86_64"}


class ControlLook:
    """What can be asked of an engine without changing anything."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def join(self, router: web.UrlDispatcher) -> None:
        """Add the routes to the control site's."""
        router.add_get("/api/checks", self.checks)
        router.add_get("/api/history", self.history)
        router.add_get("/api/releases", self.releases)
        router.add_get("/api/clients", self.clients)
        router.add_get("/api/why", self.why)

    async def checks(self, request: web.Request) -> web.StreamResponse:
        """Who asked and what was answered, newest first."""
        demand_known(request, _FILTERS)
        return await self._recorded(request, ("check-answered",))

    async def history(self, request: web.Request) -> web.StreamResponse:
        """Everything that was recorded, newest first: checks, downloads, builds, changes, notes."""
        demand_known(request, (*_FILTERS, "event"))
        return await self._recorded(request, _events(request.query.getall("event", [])))

    async def releases(self, request: web.Request) -> web.Response:
        """What is offered, newest first, with who is pinned to it and whether its bytes are gone."""
        demand_known(request, ("limit",))
        controls = self._engine.controls
        pinned: dict[int, list[str]] = {}
        for client, sequence in controls.pins.items():
            pinned.setdefault(sequence, []).append(client)
        newest = sorted(controls.releases, reverse=True)[: _limit(request)]
        return json_answer(
            [
                _release_row(controls, controls.releases[sequence], pinned.get(sequence, []))
                for sequence in newest
            ]
        )

    async def clients(self, request: web.Request) -> web.StreamResponse:
        """Who was seen, the last one first, each with what its check-ins prove in words."""
        demand_known(request, ("limit",))
        limit = min(number(request, "limit", _MAX_LIMIT), _MAX_LIMIT)
        seen = list(itertools.islice(self._engine.clients.newest_first(), limit))
        pieces = []
        for begin in range(0, len(seen), _AT_A_TIME):
            rows = [_row(client, self._engine.controls) for client in seen[begin : begin + _AT_A_TIME]]
            pieces.append(wire.encode(rows)[1:-1])
            # 10,000 clients take a moment, in which answers go on. In a thread they would wait for its turns.
            await asyncio.sleep(0)
        return await _array(request, pieces)

    async def why(self, request: web.Request) -> web.Response:
        """The answer that a client, seen or imagined, gets now, and all that explains it. Spends nothing."""
        demand_known(request, ("client", "sequence", *_QUESTION))
        engine = self._engine
        refused = self._refused(request)
        if refused is not None:
            return json_answer(await self._why_refused(refused))
        check, client = self._asked(request)
        found = why(engine.controls, check, client, datetime.now(UTC))
        return json_answer(
            {
                "check": wire.plain(check),
                "name": engine.controls.names.get(check.client),
                **wire.plain(found.answer),
                "sentence": found.sentence,
                "change": found.change,
                "considered": wire.plain(found.considered),
                "next": wire.plain(found.next),
                "client": None if client is None else _row(client, engine.controls),
            }
        )

    async def _recorded(self, request: web.Request, events: tuple[str, ...]) -> web.StreamResponse:
        wanted = Wanted(
            limit=_limit(request),
            before=number(request, "before", None),
            since=moment(request, "since"),
            until=moment(request, "until"),
            client=request.query.get("client"),
            reason=_reason(request),
            status=number(request, "status", None),
            events=events,
        )
        history = self._engine.history
        return await _array(request, await in_turn(history, lambda: history.checks_as_json(**wanted)))

    def _refused(self, request: web.Request) -> Client | None:
        """The client that is asked about, if its last check was refused and no other question is described."""
        if any(name in request.query for name in ("sequence", *_QUESTION)):
            return None
        named = set(request.query.getall("client", []))
        client = self._engine.clients.get(named.pop()) if len(named) == 1 else None
        return client if client is not None and client.reason == _REFUSED else None

    async def _why_refused(self, client: Client) -> Mapping[str, wire.Json]:
        """The refusal that a client met last, as it was recorded: what it asks next is not known."""
        controls = self._engine.controls
        seen = await self._last_refused(client.id)
        args = {} if seen is None else seen["args"]
        bad = {name: str(args.get(name, "")) for name in ("parameter", "value", "expected", "example")}
        decision = decide(controls, BadCheck(client=client.id, **bad), datetime.now(UTC))
        known = {name: None if seen is None else seen[name] for name in ("at", "path", "platform", "arch")}
        return {
            "check": {
                "client": client.id,
                **known,
                "sequence": None,
                "binary_version": None,
                "channel": None,
                "flags": [],
            },
            "name": controls.names.get(client.id),
            "status": client.status,
            "reason": decision.reason.code,
            **bad,
            "sentence": sentence(decision.reason)
            if args
            else "Its last check could not be read, and what it asked is not in the history any more.",
            "change": "",
            "considered": [],
            "next": wire.plain(next_step(client, decision, controls)),
            "client": _row(client, controls),
        }

    async def _last_refused(self, client: str) -> Mapping[str, wire.Json] | None:
        """That check in the history, which is written behind the answers' back: a moment is waited for it."""
        history = self._engine.history
        for _ in range(_PATIENCE_TURNS):
            rows = await in_turn(history, lambda: history.checks(limit=1, client=client))
            if rows and rows[0]["reason"] == _REFUSED:
                return rows[0]
            await asyncio.sleep(_PATIENCE / _PATIENCE_TURNS)
        rows = await in_turn(history, lambda: history.checks(limit=1, client=client, reason=_REFUSED))
        return rows[0] if rows else None

    def _asked(self, request: web.Request) -> tuple[Check, Client | None]:
        """The check that is meant: what the client asked last, with what was given in its place."""
        for name in ("client", "sequence"):
            if len(set(request.query.getall(name, []))) > 1:
                raise bad_argument(f"{name} is given twice", f"for example ?{name}=…")
        named = request.query.get("client")
        given = {name: request.query.getall(name) for name in _QUESTION if name in request.query}
        sequence = request.query.get("sequence")
        if named is None and sequence is None and not given:
            raise bad_argument(
                "nothing says who asks",
                "?client=ID for one that was seen, ?sequence=5&binary_version=0.4.0&platform=android for any other",
            )
        client = None if named is None else self._engine.clients.get(named)
        if named is not None and client is None and sequence is None and not given:
            raise self._unseen(named)
        known = {"binary_version": [self._engine.app_version]} | {
            name: [value] for name, value in _DEFAULT_QUESTION.items()
        }
        if client is not None and client.sequence is not None:
            known = {"binary_version": [client.binary_version or ""]}
            # What it leaves out is what was not known of it, or for the channel: what it did not send.
            known |= {
                name: [value] for name in ("platform", "arch", "channel") if (value := getattr(client, name))
            }
            if client.protocol == "update-server":  # it does not say on which arch it runs
                known.setdefault("arch", [_DEFAULT_QUESTION["arch"]])
            sequence = str(client.sequence) if sequence is None else sequence
        check = read_question("0" if sequence is None else sequence, {**known, **given})
        if isinstance(check, BadCheck):
            example = "?sequence=0" if check.parameter == "sequence" else f"?{check.example}"
            raise bad_argument(
                f"{check.parameter} is {shown(check.value)!r}; expected is {check.expected}",
                f"for example {example}",
            )
        check = replace(check, client=shown(named or "", 128))
        if client is None or client.sequence is None:
            return check, client
        arch = check.arch if client.arch or "arch" in given else ""
        binary = check.binary_version if client.binary_version or "binary_version" in given else None
        return replace(
            check, arch=arch, binary_version=binary, headers=client.headers, protocol=client.protocol
        ), client

    def _unseen(self, named: str) -> NotFound:
        # To compare with all of 10,000 clients would hold the answers for a second.
        seen = list(itertools.islice(reversed(self._engine.clients), _COMPARED))
        nearest = difflib.get_close_matches(named[:128], seen, _NEAREST, cutoff=0.4) or seen[:_NEAREST]
        return NotFound(
            f"client: {shown(named)!r} was never seen",
            (f"seen were: {', '.join(nearest)}" if nearest else "no client was seen yet")
            + "; or say what it would ask: sequence, binary_version, platform, arch, channel",
            code="unknown-client",
        )


def release_row(controls: Controls, release: Release) -> Mapping[str, wire.Json]:
    """A release as `GET /api/releases` has it."""
    pinned = [client for client, sequence in controls.pins.items() if sequence == release.sequence]
    return _release_row(controls, release, pinned)


def json_answer(value: wire.Json) -> web.Response:
    """A value as the control site answers it: JSON that no cache keeps."""
    return web.Response(body=wire.encode(value), content_type="application/json", headers=_NO_STORE)


async def _array(request: web.Request, pieces: Sequence[bytes]) -> web.StreamResponse:
    """A JSON array of which the objects come in pieces, and are written so: megabytes at once hold up the answers."""
    if len(pieces) < _PIECES_AT_ONCE or request.method == "HEAD":
        body = b"[%b]" % b",".join(pieces)
        return web.Response(body=body, content_type="application/json", headers=_NO_STORE)
    response = web.StreamResponse(headers={"Content-Type": "application/json", **_NO_STORE})
    response.content_length = sum(map(len, pieces)) + len(pieces) + 1
    await response.prepare(request)
    for place, piece in enumerate(pieces):
        await response.write(b"%b%b" % (b"," if place else b"[", piece))
        await asyncio.sleep(0)  # a write that fits into the buffer lets nobody else in
    await response.write(b"]")
    return response


async def in_turn(history: History, ask: Callable[[], T]) -> T:
    """What the history says, once all that was asked of it before is answered. Nothing else waits for it."""
    return await asyncio.get_running_loop().run_in_executor(history.readers, ask)


def _release_row(controls: Controls, release: Release, pinned: Sequence[str]) -> Mapping[str, wire.Json]:
    return {**wire.plain(release), "bundle_gone": not controls.has_bytes(release), "pinned": pinned}


def _limit(request: web.Request) -> int:
    return min(number(request, "limit", _DEFAULT_LIMIT), _MAX_LIMIT)


def _row(client: Client, controls: Controls) -> Mapping[str, wire.Json]:
    """A client with its name, its pin, and its label in words."""
    row = wire.plain(client)
    if client.label is not None:
        row["label"] |= {"sentence": label_sentence(client), "inferred": inferred(client.label)}
    return {
        **row,
        "name": controls.names.get(client.id),
        "pinned": controls.pins.get(client.id),
        "remarks": remarks(client),
    }


def _reason(request: web.Request) -> str | None:
    """The reason that is asked for; one that there is not would match nothing and look like an answer."""
    wanted = request.query.get("reason")
    if wanted is None or wanted in CODES:
        return wanted
    raise _no_such("reason", wanted, CODES)


def _no_such(parameter: str, value: str, known: Sequence[str]) -> HotswapError:
    near = difflib.get_close_matches(value[:_COMPARED], known, 1)
    return bad_argument(
        f"{parameter} is {shown(value)!r}; there is no such {parameter}",
        f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}",
    )


def _events(wanted: Sequence[str]) -> tuple[str, ...]:
    """The events that are asked for, all where none is named."""
    known = wire.event_names()
    for name in wanted:
        if name not in known:
            raise _no_such("event", name, known)
    return tuple(dict.fromkeys(wanted)) or known
