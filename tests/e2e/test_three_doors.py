"""Three doors to every command of the registry: the dashboard, the command line and HTTP, with equal effect.

A new command is held to this by being there: one that the palette does not list, or that a form can't ask for, fails.
"""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from msgspec import Struct
from textual.command import CommandPalette
from textual.widgets import Input, OptionList, Select

from hotswap_dev.dashboard.keys import KEYS
from hotswap_dev.dashboard.schema_form import command_line, own_forms, texts_of
from hotswap_dev.dashboard.screens.form import CommandForm
from hotswap_dev.dashboard.widgets.on_off import OnOff
from hotswap_dev.domain.commands import registered
from tests.dashboard.attached import PATIENCE, Attached, attached_to
from tests.e2e.server_process import ServerProcess, run_command, write_frontend
from tests.e2e.test_registry import REPOSITORY, UNDONE, Served, by_the_schema, example

pytestmark = pytest.mark.screens

Asked = tuple[str, dict[str, Any]]
LATEST = -1
"""As an argument: the newest release's sequence."""
NEWEST_FAULT = -2
"""As an argument: the number of the fault that was armed last."""


class Door(Struct, frozen=True, kw_only=True):
    """What is pressed for a command, the arguments that it then has, and what must be so before.

    A press in capitals and lower case, such as `CommandForm`, is a screen that is waited for.
    """

    presses: tuple[str, ...]
    arguments: Mapping[str, Any]
    before: Sequence[Asked] = ()
    runs: int = 0
    """What the client Pixel says that it runs; below 0, so many above the newest release."""


CLEARED: Asked = ("clear-overrides", {})

BY_KEY: Mapping[str, Door] = {
    "force-204": Door(
        presses=("2", "n"), arguments={"on": True, "client": "Pixel", "times": 1}, before=[CLEARED]
    ),
    "set-mandatory": Door(
        presses=("1", "m"),
        arguments={"on": True, "sequence": LATEST},
        before=[("set-mandatory", {"on": False, "sequence": LATEST})],
    ),
    "arm-fault": Door(
        presses=("2", "x", "FaultPicker", *"truncate", "enter", "FaultForm", "enter"),
        arguments={"fault": "truncate", "client": "Pixel"},
        before=[CLEARED],
    ),
    "disarm-fault": Door(
        presses=("2", "z"),
        arguments={"id": NEWEST_FAULT},
        before=[CLEARED, ("arm-fault", {"fault": "truncate", "client": "Pixel"})],
    ),
    "clear-overrides": Door(presses=("Z",), arguments={}, before=[("set-mandatory", {"on": True})]),
    "withhold": Door(
        presses=("1", "w"),
        arguments={"sequence": LATEST},
        before=[("restore", {"sequence": LATEST})],
    ),
    "restore": Door(
        presses=("1", "w"),
        arguments={"sequence": LATEST},
        before=[("withhold", {"sequence": LATEST})],
    ),
    "pause-channel": Door(
        presses=("W",),
        arguments={"channel": "production"},
        before=[("resume-channel", {"channel": "production"})],
    ),
    "resume-channel": Door(
        presses=("W",),
        arguments={"channel": "production"},
        before=[("pause-channel", {"channel": "production"})],
    ),
    "publish": Door(presses=("p",), arguments={}),
    "reoffer": Door(presses=("1", "r"), arguments={"sequence": LATEST}),
    "roll-back-to": Door(
        presses=("1", "j", "b", "ConfirmCommand", "y"),
        arguments={"sequence": LATEST - 10},
        before=[("reoffer", {"sequence": LATEST}), ("reoffer", {"sequence": LATEST})],
    ),
    "promote": Door(
        presses=("1", "greater_than_sign", "CommandForm", *"beta", "enter"),
        arguments={"sequence": LATEST, "channel": "beta"},
    ),
    "edit-release": Door(
        presses=("1", "e", "CommandForm", *"other", "enter"),
        arguments={"sequence": LATEST, "notes": "other"},
        before=[("edit-release", {"sequence": LATEST, "notes": ""})],
    ),
    "set-rollout": Door(
        presses=("1", "percent_sign", "RolloutScreen", *"35", "enter"),
        arguments={"sequence": LATEST, "percent": 35},
        before=[("set-rollout", {"sequence": LATEST, "percent": 100})],
    ),
    "set-targets": Door(
        presses=("1", "percent_sign", "RolloutScreen", "field-platforms", *"ios", "enter"),
        arguments={"sequence": LATEST, "platforms": ["ios"]},
        before=[
            ("set-targets", {"sequence": LATEST}),
            ("set-rollout", {"sequence": LATEST, "percent": 100}),
        ],
    ),
    "jump-sequence": Door(presses=("2", "J", "ConfirmCommand", "y"), arguments={"to": LATEST + 12}, runs=-12),
    "set-build-channel": Door(
        presses=("t", "CommandForm", *"beta", "enter"),
        arguments={"channel": "beta"},
        before=[("set-build-channel", {"channel": "production"})],
    ),
    "annotate": Door(presses=("semicolon", "CommandForm", *"round", "enter"), arguments={"text": "round"}),
}
"""The commands that have a key; all of them, and all others, have the palette."""

Three = tuple[Served, Served, Served]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    """Three servers to which the same has been done: a release as found and two by hand, a channel, a client."""
    with ExitStack() as ended:
        found: list[Served] = []
        for name in ("by-dashboard", "by-line", "by-http"):
            folder = tmp_path_factory.mktemp(name)
            dist = write_frontend(folder / "dist")
            process = ServerProcess(dist, "--port", "0", "--workspace", folder / "w", cwd=folder)
            served = Served(ended.enter_context(process), folder / "w")
            process.event("published")
            for sample in ("hello-v2", "hello-v1"):
                served.site.command("publish", {"path": str(REPOSITORY / "sample_bundles" / sample)})
            served.site.command("create-channel", {"channel": "beta"})
            served.ask("Pixel")
            found.append(served)
        yield found[0], found[1], found[2]


def really(served: Served, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with what stands for the newest of something put in."""
    newest = served.latest
    found = {
        name: newest if (name, value) == ("sequence", LATEST) else value for name, value in arguments.items()
    }
    if found.get("sequence") == LATEST - 10:
        found["sequence"] = newest - 1
    if found.get("id") == NEWEST_FAULT:
        found["id"] = max(one.override for one in served.controls.faults)
    if found.get("to") == LATEST + 12:
        found["to"] = served.controls.last_sequence + 13
    return found


def line_of(verb: str, arguments: Mapping[str, Any]) -> list[str]:
    """The command line that has these arguments, without the program's name."""
    form = own_forms()[verb]
    return shlex.split(command_line(form, texts_of(form, arguments)))[1:]


def by_line(served: Served, verb: str, arguments: Mapping[str, Any]) -> None:
    environ = {"HOTSWAP_DEV_WORKSPACE": str(served.workspace)}
    done = run_command(*line_of(verb, arguments), cwd=served.workspace.parent, environ=environ)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def desk_of(served: Served) -> Any:
    site = served.site
    return attached_to(site.address, site.token)


def screen(desk: Attached) -> str:
    return type(desk.app.screen).__name__


async def done(desk: Attached, served: Served, before: int) -> None:
    """Wait until what was asked for is there; what a form asks before it does that is answered."""
    began = time.monotonic()
    while len(served.facts) == before:
        assert time.monotonic() - began < PATIENCE, f"nothing was done\n{desk.screen}"
        if screen(desk) == "CommandForm" and desk.app.screen.has_class("-said"):
            assert "Enter once more does it." in desk.screen, desk.screen
            desk.app.screen.remove_class("-said")
            await desk.press("ctrl+s")
        await asyncio.sleep(0.05)


def prepared(served: Served, asked: Sequence[Asked], runs: int = 0) -> None:
    for verb, arguments in asked:
        served.site.command(verb, really(served, arguments))
    served.ask("Pixel", served.controls.last_sequence - runs if runs < 0 else runs)


def same(three: Three) -> None:
    """All that is decided by is the same on each of them, and so is how it came to be."""
    first, *others = three
    for other in others:
        assert other.facts == first.facts, "or an earlier test, the first that failed, left them so"
        assert other.controls == first.controls


async def by_keys(desk: Attached, door: Door) -> None:
    for press in door.presses:
        if press.startswith("field-"):
            while desk.app.focused is None or desk.app.focused.id != press:
                await desk.press("tab")
        elif len(press) > 1 and press[0].isupper():
            await desk.until(lambda wanted=press: screen(desk) == wanted, press)  # type: ignore[misc]
        else:
            await desk.press(press)


@pytest.mark.parametrize("verb", BY_KEY)
async def test_a_key_does_what_the_command_line_and_http_do(three: Three, verb: str) -> None:
    door = BY_KEY[verb]
    for served in three:
        await asyncio.to_thread(prepared, served, door.before, door.runs)
    by_dashboard, by_command, by_http = three
    same(three)
    arguments = really(by_http, door.arguments)
    before = len(by_http.facts)

    await asyncio.to_thread(by_http.site.command, verb, arguments)
    await asyncio.to_thread(by_line, by_command, verb, arguments)
    async with desk_of(by_dashboard) as desk:
        await by_keys(desk, door)
        await done(desk, by_dashboard, before)

    assert len(by_http.facts) > before
    same(three)


@pytest.mark.parametrize("verb", list(registered()))
async def test_the_palette_does_what_the_command_line_and_http_do(three: Three, verb: str) -> None:
    undone = [UNDONE[verb]] if verb in UNDONE else []
    asked = [
        (name, {key: LATEST if (key, value) == ("sequence", 0) else value for key, value in given.items()})
        for name, given in undone
    ]
    for served in three:
        await asyncio.to_thread(prepared, served, asked)
    by_dashboard, by_command, by_http = three
    same(three)
    arguments = by_the_schema(verb, example(verb, by_http), by_http.latest)
    if "path" in arguments:
        arguments["path"] = str(REPOSITORY / arguments["path"])
    if verb == "jump-sequence":
        arguments["to"] = by_http.controls.last_sequence + 50
    before = len(by_http.facts)

    await asyncio.to_thread(by_http.site.command, verb, arguments)
    await asyncio.to_thread(by_line, by_command, verb, arguments)
    async with desk_of(by_dashboard) as desk:
        await chosen(desk, verb)
        if own_forms()[verb].fields:
            await desk.until(lambda: screen(desk) == "CommandForm", f"the form of {verb}")
            await filled(desk, verb, arguments)
            await desk.press("ctrl+s")
        await done(desk, by_dashboard, before)

    assert len(by_http.facts) > before
    same(three)


async def chosen(desk: Attached, verb: str) -> None:
    """Find a command in the palette, and take it."""
    await desk.press("ctrl+p")
    await desk.until(lambda: isinstance(desk.app.screen, CommandPalette), "the palette")
    desk.app.screen.query_one(Input).value = verb

    def place() -> int | None:
        options = desk.app.screen.query_one(OptionList)
        listed = [str(options.get_option_at_index(one).prompt) for one in range(options.option_count)]
        return next((number for number, one in enumerate(listed) if one.startswith(f"{verb}\n")), None)

    # More may still be found, and move it: what is taken is what stands there in the end.
    await desk.until(lambda: place() is not None and searched(desk), f"{verb} in the palette")
    desk.app.screen.query_one(OptionList).highlighted = place()
    await desk.press("enter")


def searched(desk: Attached) -> bool:
    """Whether the palette has found all that there is for what is typed."""
    return all(one.is_finished for one in desk.app.workers if one.node is desk.app.screen)


async def filled(desk: Attached, verb: str, arguments: Mapping[str, Any]) -> None:
    """Put the arguments into the form's fields, as the texts that a person would type."""
    shown = desk.app.screen
    assert isinstance(shown, CommandForm)
    form = own_forms()[verb]
    for name, text in texts_of(form, arguments).items():
        widget = shown.query_one(f"#field-{name}")
        if isinstance(widget, OnOff):
            widget.on = text == "on"
        elif isinstance(widget, Select):
            if text:
                widget.value = text
        elif isinstance(widget, Input):
            widget.value = text
        else:
            raise AssertionError(f"{verb}: {name} is asked for by {widget}")
    await desk.until(
        lambda: shown._line == command_line(form, texts_of(form, arguments)), "the line that is meant"
    )


def test_every_key_that_acts_has_its_command_here() -> None:
    acting = {key.key for key in KEYS if key.group in ("answers", "releases")} | {"t", "semicolon"}
    pressed = {press for door in BY_KEY.values() for press in door.presses}
    # The upper case of a key that is for one: the same command for everyone.
    assert {key for key in acting if key not in pressed} == {"N", "M", "X"}
    assert BY_KEY.keys() <= registered().keys()
