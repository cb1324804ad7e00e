"""From a command line that would change an answer to the key that does it: "w put 15 back" (the WHY panel)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.dashboard.keys.planned import Arm, Ask, Confirm, Roll, Send
from hotswap_dev.dashboard.keys.plans import plan
from hotswap_dev.dashboard.keys.table import KEYS, Key
from hotswap_dev.dashboard.schema_form import PROGRAM, Form, Known, Texts, own_forms, texts_in, typed
from hotswap_dev.dashboard.typed_values import EMPTY
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.commands import Command, Publish
from hotswap_dev.domain.commands.faults import DisarmFault
from hotswap_dev.domain.commands.overrides import ClearOverrides
from hotswap_dev.errors import HotswapError

_AND = " && "


def key_for(command_line: str, view: View | None = None) -> Key | None:
    """The key that sends such a command, or the first where several follow each other; None where there is none.

    With a view: only a key that, pressed now, does this very command, or asks for no more than what is in it.
    """
    found = _read(command_line)
    if found is None:
        return None
    form, texts = found
    candidates = _KEYS_FOR.get(form.name)
    keys = [] if candidates is None else [_BY_KEY[key] for key in candidates(texts)]
    if view is not None:
        return next((key for key in keys if _does(key.key, view, form, texts)), None)
    if form.name == Publish.verb and texts:
        return None  # p publishes to where builds go, and nobody says here where that is
    return keys[-1] if keys else None


def words_for(command_line: str) -> str:
    """What a command line does, in a few words: "put 15 back". One that has none here says itself."""
    return ", then ".join(_words(one) for one in command_line.split(_AND))


def _words(line: str) -> str:
    found = _read(line)
    words = None if found is None else _WORDS.get(found[0].name)
    if found is None or words is None:
        return line.removeprefix(f"{PROGRAM} ")
    return words(found[1])


def _read(command_line: str) -> tuple[Form, Texts] | None:
    """The first command of a line, and its arguments as a form has them."""
    first = command_line.split(_AND)[0]
    verb = re.match(rf"{PROGRAM} ([a-z0-9-]+)", first)
    form = None if verb is None else own_forms().get(verb[1])
    texts = None if form is None else texts_in(form, first)
    return None if form is None or texts is None else (form, texts)


def _does(key: str, view: View, form: Form, texts: Texts) -> bool:
    planned = plan(key, view)
    controls = view.expected
    arguments = typed(form, texts, Known(sequences=tuple(sorted(controls.releases, reverse=True)))).arguments
    if isinstance(planned, Roll):
        return arguments.get("sequence") == planned.sequence
    if isinstance(planned, Arm):
        # In the picker enter disarms the fault that is selected: it must be this one.
        if form.name == DisarmFault.verb:
            return planned.override is not None and arguments.get("id") == planned.override
        return arguments.get("client") == planned.client
    if isinstance(planned, Ask):
        return planned.verb == form.name and all(
            arguments.get(name) == value for name, value in planned.given.items()
        )
    if not isinstance(planned, Send | Confirm):
        return False
    if isinstance(planned.command, ClearOverrides) and form.name == DisarmFault.verb:
        alone = len(controls.faults) == 1 and not controls.forced and not controls.mandatory_for_all
        return alone and arguments.get("id") == controls.faults[0].override
    if isinstance(planned.command, ClearOverrides):
        return True  # it does more than was asked for, and all of that can be set again
    try:
        wanted: Command = wire.read_command(form.name, arguments)
    except HotswapError:
        return False
    if isinstance(wanted, Publish) and wanted.channel == controls.build_channel:
        wanted = replace(wanted, channel=None)
    return planned.command == wanted


def _forcing(texts: Texts) -> tuple[str, ...]:
    # The last one is right whatever state it is in: n and N go through all of them.
    if "client" in texts:
        return ("n", "z") if texts.get("on") == "off" else ("n",)
    if texts.get("on") == "off":
        return ("Z",) if "channel" in texts else ("N", "Z")
    return () if "channel" in texts else ("N",)


_BY_KEY = {key.key: key for key in KEYS}
_KEYS_FOR: Mapping[str, Callable[[Texts], tuple[str, ...]]] = {
    "annotate": lambda _: ("semicolon",),
    "arm-fault": lambda texts: ("x",) if "client" in texts else ("X",),
    "clear-overrides": lambda _: ("Z",),
    "disarm-fault": lambda _: ("z", "x", "Z", "X"),
    "edit-release": lambda _: ("e",),
    "force-204": _forcing,
    "jump-sequence": lambda _: ("J",),
    "pause-channel": lambda _: ("W",),
    "pin-client": lambda texts: ("z",) if texts.get("sequence") == "none" else (),
    "promote": lambda _: ("greater_than_sign",),
    "publish": lambda texts: ("p",) if texts.keys() <= {"channel"} else (),
    "reoffer": lambda _: ("r",),
    "restore": lambda _: ("w",),
    "resume-channel": lambda _: ("W",),
    "roll-back-to": lambda _: ("b",),
    "set-build-channel": lambda _: ("t",),
    "set-mandatory": lambda texts: ("m",) if "sequence" in texts else ("M",),
    "set-rollout": lambda _: ("percent_sign",),
    "set-targets": lambda _: ("percent_sign",),
    "withhold": lambda _: ("w",),
}
"""Which keys may send a command, by what it says. Where nothing is known of the moment, the last is the surest."""


def _edited(texts: Texts) -> str:
    says = [
        f"{'minimum' if name == 'min_binary_version' else name} {'none' if text == EMPTY else text}"
        for name, text in texts.items()
        if name != "sequence"
    ]
    return f"edit {texts['sequence']}" + (f": {', '.join(says)}" if says else "")


def _published(texts: Texts) -> str:
    words = "publish" + (f" {texts['path']}" if "path" in texts else "")
    words += f" to {texts['channel']}" if "channel" in texts else " now"
    return words + (f", minimum {texts['min_binary_version']}" if "min_binary_version" in texts else "")


def _forced(texts: Texts) -> str:
    whom = texts.get("client") or (f"channel {texts['channel']}" if "channel" in texts else "everyone")
    return f"updates again for {whom}" if texts["on"] == "off" else f"no update for {whom}"


_WORDS: Mapping[str, Callable[[Texts], str]] = {
    "annotate": lambda _: "put a note here",
    "arm-fault": lambda texts: f"arm {texts['fault']} for {texts.get('client') or 'everyone'}",
    "clear-overrides": lambda _: "clear everything",
    "disarm-fault": lambda texts: f"disarm fault {texts['id']}",
    "edit-release": _edited,
    "force-204": _forced,
    "jump-sequence": lambda texts: f"go on counting at {texts['to']}",
    "pause-channel": lambda texts: f"pause {texts['channel']}",
    "pin-client": lambda texts: (
        f"unpin {texts['client']}"
        if texts["sequence"] == "none"
        else f"pin {texts['client']} to {texts['sequence']}"
    ),
    "promote": lambda texts: (
        f"offer {'the newest' if texts['sequence'] == 'latest' else texts['sequence']} on {texts['channel']}"
    ),
    "publish": _published,
    "reoffer": lambda texts: f"offer {texts['sequence']} again",
    "restore": lambda texts: f"put {texts['sequence']} back",
    "resume-channel": lambda texts: f"resume {texts['channel']}",
    "roll-back-to": lambda texts: f"roll back to {texts['sequence']}",
    "set-build-channel": lambda texts: f"let builds go to {texts['channel']}",
    "set-mandatory": lambda texts: (
        (f"release {texts['sequence']}" if "sequence" in texts else "every offer")
        + (" mandatory" if texts["on"] == "on" else " no longer mandatory")
    ),
    "set-required-header": lambda texts: (
        f"demand no {texts['header']} on {texts['channel']}"
        if texts["status"] == "none"
        else f"demand {texts['header']} on {texts['channel']}"
    ),
    "set-rollout": lambda texts: f"roll {texts['sequence']} out to {texts['percent']} %",
    "set-targets": lambda texts: (
        f"say whom {texts['sequence']} is for"
        if len(texts) > 1
        else f"let {texts['sequence']} be for everyone"
    ),
    "withhold": lambda texts: f"withhold {texts['sequence']}",
}
