"""Carrying out what a key or the palette planned: ask the person, send it, and say what came of it.

A command is pending from the moment when it is asked for, before anything is awaited: the next key counts from it. And
the commands of a dashboard reach the server in the order of their keys.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Literal, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakSet

import msgspec
from msgspec import Struct
from msgspec.structs import fields
from textual.screen import Screen

from hotswap_dev import wire
from hotswap_dev.dashboard.keys import Arm, Ask, Confirm, Plan, Roll, Say, Send
from hotswap_dev.dashboard.known import known_to
from hotswap_dev.dashboard.mirror import Mirror
from hotswap_dev.dashboard.schema_form import PROGRAM, Form, command_line, form_of, texts_of
from hotswap_dev.dashboard.screens.confirm import ConfirmCommand
from hotswap_dev.dashboard.screens.faults import open_faults, words_of
from hotswap_dev.dashboard.screens.form import CommandForm, Filled
from hotswap_dev.dashboard.screens.rollout import RolloutScreen, rollout_words
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.commands import Command
from hotswap_dev.domain.fact_words import Names, bends_answers, changes_words, done_words, reach_words
from hotswap_dev.domain.rollout import Reach
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError, NotFound

R = TypeVar("R")
Severity = Literal["information", "warning", "error"]

_ALREADY = "nothing to do: it is so already"
_LONGEST_TOLD = 400

_log = logging.getLogger(__name__)


class Asks(Protocol):
    """A control site, as far as commands go."""

    async def get(self, path: str, **query: str | int | None) -> wire.Json:
        """What a GET answers."""

    async def command(
        self, name: str, arguments: Mapping[str, wire.Json], *, dry_run: bool = False
    ) -> wire.Json:
        """Have a command done, or for a dry run say what it would come to."""


class Acting(Protocol):
    """The app, as far as acting goes."""

    @property
    def control(self) -> Asks:
        """The server."""

    @property
    def mirror(self) -> Mirror:
        """What is known of it, and what is pending."""

    def view(self) -> View:
        """What there is at this moment."""

    def tell(self, message: str, hint: str = "", severity: Severity = "information") -> None:
        """A toast."""

    async def push_screen_wait(self, screen: Screen[R], /) -> R:
        """Show a screen until it is left."""


class _Order(Struct, frozen=True):
    """A command on its way: what is sent, and its number among what is pending, if it can be foreseen."""

    name: str
    arguments: Mapping[str, wire.Json]
    number: int | None
    builds: bool


_TURNS: WeakKeyDictionary[Mirror, asyncio.Lock] = WeakKeyDictionary()
"""Whose turn it is to send, for each dashboard of this process: keys that are pressed fast are not to overtake."""

_ASKING: WeakSet[Mirror] = WeakSet()
"""The dashboards with a question or a form before a person."""


def carry_out(app: Acting, planned: Plan) -> Coroutine[Any, Any, None]:
    """What is left to do of a plan, to be run as a worker of the app; what needs no asking is pending at once.

    While a question or a form is open, or about to open, nothing else is begun: it would act behind what is read.
    """
    if is_asking(app):
        return _nothing()
    if isinstance(planned, Send):
        return _guarded(app, _send(app, _ordered(app, planned.command, planned.words)))
    if not isinstance(planned, Say):
        _ASKING.add(app.mirror)
    return _guarded(app, _asked(app, planned))


def is_asking(app: Acting) -> bool:
    """Whether a question or a form of this dashboard is open, or about to open."""
    return app.mirror in _ASKING


async def _nothing() -> None:
    """What becomes of a key behind an open question."""


async def commands_of(control: Asks) -> list[Mapping[str, wire.Json]]:
    """The commands that the server lists, which may be newer than this program; its own where it lists none."""
    try:
        listed = await control.get("/api/commands")
    except HotswapError:
        return wire.command_schemas()
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


async def _guarded(app: Acting, doing: Coroutine[Any, Any, None]) -> None:
    """The worker's boundary: whatever goes wrong is said, and the dashboard goes on."""
    try:
        await doing
    except HotswapError as error:
        app.tell(shown(error.message, _LONGEST_TOLD), shown(error.hint, _LONGEST_TOLD), "error")
    except Exception as error:
        _log.exception("a command was not carried out")
        app.tell(
            f"this is a bug in hotswap-dev: {type(error).__name__}: {shown(str(error), 200)}",
            "the log file has the whole of it",
            "error",
        )


async def _asked(app: Acting, planned: Say | Confirm | Ask | Roll | Arm) -> None:
    if isinstance(planned, Say):
        app.tell(planned.message, planned.hint, "warning")
        return
    orders: Sequence[_Order] = ()
    try:
        orders = await _orders(app, planned)
    finally:
        _ASKING.discard(app.mirror)
    await _send_all(app, orders)


async def _orders(app: Acting, planned: Confirm | Ask | Roll | Arm) -> Sequence[_Order]:
    """What a person asks for, once they were asked; nothing where they leave it."""
    if isinstance(planned, Ask):
        return await _filled_in(app, planned)
    if isinstance(planned, Roll):
        return await _rolled(app, planned)
    if isinstance(planned, Arm):
        command = await app.push_screen_wait(
            open_faults(
                app.view(),
                planned,
                lambda one: app.control.command(one.verb, _arguments(one), dry_run=True),
            )
        )
        return () if command is None else (_ordered(app, command, words_of(command, app.view())),)
    if await _confirmed(app, planned.command.verb, _arguments(planned.command), planned.question):
        return (_ordered(app, planned.command, planned.words),)
    return ()


async def _rolled(app: Acting, planned: Roll) -> Sequence[_Order]:
    chosen = await app.push_screen_wait(RolloutScreen(planned.sequence, app.view()))
    if chosen == ():
        app.tell(_ALREADY)
    return [_ordered(app, one, rollout_words(one)) for one in chosen or ()]


async def _filled_in(app: Acting, asked: Ask) -> Sequence[_Order]:
    form = await _form(app, asked.verb)
    if form.fields:
        filled = await app.push_screen_wait(
            CommandForm(
                form,
                known_to(app.view()),
                lambda arguments: app.control.command(form.name, arguments, dry_run=True),
                given=asked.given,
                today=asked.today,
                suggested=asked.suggested,
            )
        )
    elif form.final:
        filled = Filled({}, command_line(form, texts_of(form, {})))
        if not await _confirmed(app, form.name, {}, f"{form.summary}?"):
            return ()
    else:
        filled = Filled({}, command_line(form, texts_of(form, {})))
    if filled is None:
        return ()
    return (_named(app, form.name, filled.arguments, filled.line.removeprefix(f"{PROGRAM} ")),)


async def _form(app: Acting, verb: str) -> Form:
    for entry in await commands_of(app.control):
        if entry.get("name") == verb:
            return form_of(entry)
    raise NotFound(
        f"the server knows no command {verb!r}", "it is another version of hotswap-dev than this one"
    )


async def _confirmed(app: Acting, name: str, arguments: Mapping[str, wire.Json], question: str) -> bool:
    return await app.push_screen_wait(
        ConfirmCommand(
            name,
            question,
            lambda: app.control.command(name, arguments, dry_run=True),
            app.view().controls.names,
        )
    )


# --- sending -------------------------------------------------------------------------------------------------------


def _ordered(app: Acting, command: Command, words: str) -> _Order:
    number = app.mirror.sent(command, words)
    return _Order(command.verb, _arguments(command), number, command.builds)


def _named(app: Acting, name: str, arguments: Mapping[str, wire.Json], words: str) -> _Order:
    """The same by name: what this version does not know is sent as it is, and can't be foreseen."""
    try:
        command = wire.read_command(name, arguments)
    except HotswapError:
        return _Order(name, arguments, None, builds=False)
    number = app.mirror.sent(command, words)
    return _Order(name, arguments, number, command.builds)


async def _send_all(app: Acting, orders: Sequence[_Order]) -> None:
    """One after the other; where one is refused, those after it are not sent."""
    for done, order in enumerate(orders):
        try:
            await _send(app, order)
        except BaseException:
            for left in orders[done + 1 :]:
                if left.number is not None:
                    app.mirror.answered(left.number, None)
            raise


async def _send(app: Acting, order: _Order) -> None:
    answer = None
    try:
        # A build takes as long as it takes: nothing waits for it.
        async with nullcontext() if order.builds else _turn(app):
            answer = await app.control.command(order.name, order.arguments)
    finally:
        if order.number is not None:
            app.mirror.answered(order.number, None if answer is None else int(answer["revision"]))
    _tell(app, answer, app.view().controls.names)


def _turn(app: Acting) -> AbstractAsyncContextManager[None]:
    return _TURNS.setdefault(app.mirror, asyncio.Lock())


def _tell(app: Acting, answer: wire.Json, names: Names) -> None:
    if not answer["events"]:
        app.tell(_ALREADY)
        return
    changed = changes_words(len(answer["changes"])) if bends_answers(answer["events"]) else ""
    hint = "; ".join(one for one in (_reached(answer.get("result"), names), changed) if one)
    app.tell(shown(done_words(answer["events"], names), _LONGEST_TOLD), hint)


def _reached(result: wire.Json, names: Names) -> str:
    """How far a release reaches, where that is what the server says besides."""
    try:
        return reach_words(msgspec.convert(result, Reach), names)
    except msgspec.ValidationError:
        return ""


def _arguments(command: Command) -> Mapping[str, wire.Json]:
    """What is sent of a command: a null only where nothing else says it."""
    given = wire.plain(command)
    return {
        field.name: given[field.name]
        for field in fields(command)
        if field.required or given[field.name] is not None
    }
