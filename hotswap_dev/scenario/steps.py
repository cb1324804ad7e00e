"""`[[steps]]` of a scenario file: what each does, as a `Step`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from hotswap_dev import wire
from hotswap_dev.domain import labels, reasons
from hotswap_dev.domain.commands import ArmFault, Command, registered
from hotswap_dev.domain.commands.arguments import channel_name
from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.domain.plain_words import in_plain_words
from hotswap_dev.domain.versions import is_version
from hotswap_dev.errors import HotswapError
from hotswap_dev.scenario.how_many import STATIONS
from hotswap_dev.scenario.model import Act, Action, Condition, Do, Expect, Live, Save, Step, Wait
from hotswap_dev.scenario.words import Mistake, duration, name, nearest, quoted, text, whole, word, yes_or_no

VERBS = ("save", "do", "act", "wait", "expect", "live")
BESIDE = ("as", "say", "watch")
ACTS = ("check", "update", "restart", "upgrade", "rollback")
LEADING = ("publish", "promote", "reoffer", "roll-back-to", "jump-sequence", "arm-fault")
"""Commands that lead to a release, or to a fault with a number: what `as` can name."""

_WHO = ("group", "client")
_COUNTS = ("at_least", "at_most", "exactly", "all")
CONDITIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(STATIONS, ("sequence", "channel", *_WHO, *_COUNTS)),
    "labelled": ("label", *_WHO, *_COUNTS),
    "answered": ("reason", *_WHO, *_COUNTS),
    "withheld": ("sequence", "channel"),
    "newest": ("sequence", "channel"),
}
"""What can be waited for and expected, and the keys that say more of it."""

_WITHIN = 30.0
_MOST = 1_000_000
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LABELS = tuple(code for code in labels.CODES if code not in labels.STEPS)


class Known(Struct):
    """What the steps before one have made known to it."""

    groups: tuple[str, ...] | None
    """Of clients; None where that can't be told, because their blocks have mistakes."""
    named: dict[str, str]
    """`@name` to the command that it came from, or "" where it is not of this file."""


def step(block: Mapping[str, Any], line: int, known: Known) -> Step:
    """One `[[steps]]`; what it names is known afterwards. Mistake where it can't be meant."""
    verbs = [verb for verb in VERBS if verb in block]
    if not verbs:
        raise _idle(block)
    if len(verbs) > 1:
        raise Mistake(
            verbs[1],
            f"a step is one thing, and this one has {' and '.join(verbs)}",
            "make each a [[steps]] of its own",
        )
    verb = verbs[0]
    action = _READ[verb](block, known)
    made_by = action.command if isinstance(action, Do) else verb
    named = _named(block, action, known) if "as" in block else None
    say, watch = (text(key, block[key]) if key in block else None for key in ("say", "watch"))
    if named is not None:
        known.named[named] = made_by
    return Step(action=action, line=line, named=named, say=say, watch=watch)


def _idle(block: Mapping[str, Any]) -> Mistake:
    for key in block:
        hint = nearest(key, VERBS)
        if hint.startswith("did"):
            return Mistake(key, f"{quoted(key)} is nothing that a step does", hint)
    return Mistake(None, "this step does nothing", f"it needs one of {', '.join(VERBS)}")


def _named(block: Mapping[str, Any], action: Action, known: Known) -> str:
    named = name("as", block["as"])
    leads = isinstance(action, Save) or (isinstance(action, Do) and action.command in LEADING)
    if not leads:
        raise Mistake(
            "as", "as names the release that a step leads to, and this one leads to none", "leave as out"
        )
    if isinstance(action, Do) and action.refused is not None:
        raise Mistake("as", "as names what comes of a step, and this one is to be refused", "leave as out")
    if known.named.get(named):
        raise Mistake("as", f"an earlier step is called {quoted(named)} already", "give each its own name")
    return named


def _only(block: Mapping[str, Any], verb: str, keys: tuple[str, ...], of: str) -> None:
    for key in block:
        if key != verb and key not in keys and key not in BESIDE:
            raise Mistake(key, f"{quoted(key)} is nothing that {of} has", nearest(key, (*keys, *BESIDE)))


# --- what a step does ---------------------------------------------------------------------------------------------


def _save(block: Mapping[str, Any], known: Known) -> Save:
    _only(block, "save", (), "save")
    folder = block["save"]
    if not isinstance(folder, str) or not folder.strip():
        raise Mistake("save", f"save is {quoted(folder)}; expected is a folder", 'such as save = "hello-v2"')
    return Save(folder=folder)


def _live(block: Mapping[str, Any], known: Known) -> Live:
    _only(block, "live", (), "live")
    return Live(seconds=duration("live", block["live"], above_zero=True))


def _act(block: Mapping[str, Any], known: Known) -> Act:
    act = word("act", block["act"], ACTS, "anything that clients do")
    _only(block, "act", ("group", "client", "binary_version"), "act")
    group, client = _who(block, known)
    if known.groups == ():
        raise Mistake("act", "there are no clients that could do it", "add [[clients]]")
    version = block.get("binary_version")
    if act == "upgrade" and not (isinstance(version, str) and is_version(version)):
        given = "binary_version is missing" if version is None else f"binary_version is {quoted(version)}"
        raise Mistake("binary_version", f"{given}; expected is what is installed", 'binary_version = "2.0.0"')
    if act != "upgrade" and version is not None:
        raise Mistake(
            "binary_version", f"binary_version means nothing to {act}", 'it is what act = "upgrade" installs'
        )
    return Act(act=act, group=group, client=client, binary_version=version)


def _wait(block: Mapping[str, Any], known: Known) -> Wait:
    condition = _condition(block, "wait", known)
    within = duration("within", block["within"], above_zero=True) if "within" in block else _WITHIN
    return Wait(until=condition, within=within)


def _expect(block: Mapping[str, Any], known: Known) -> Expect:
    return Expect(that=_condition(block, "expect", known))


def _do(block: Mapping[str, Any], known: Known) -> Do:
    verb = word("do", block["do"], registered(), "a command")
    kind = registered()[verb]
    refused = block.get("refused")
    if refused is not None and not (isinstance(refused, str) and _CODE.fullmatch(refused)):
        raise Mistake(
            "refused", f"refused is {quoted(refused)}; expected is a code", 'such as "unknown-release"'
        )
    if refused == "bad-arguments":  # they are wrong on purpose
        return Do(command=verb, arguments=_arguments(block), refused=refused)
    _only(block, "do", (*kind.__struct_fields__, "refused"), verb)
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    arguments = {key: _meant(key, value, fields[key], known) for key, value in _arguments(block).items()}
    command = _converted(kind, arguments)
    if refused is None:
        _demand(command)
    return Do(command=verb, arguments=arguments, refused=refused)


def _arguments(block: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in block.items() if key not in ("do", "refused", *BESIDE)}


def _meant(key: str, value: object, kind: Any, known: Known) -> object:  # noqa: ANN401 - a type as msgspec has it
    """The argument with `none` as the null that TOML lacks."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Mistake(key, f"{key} is {quoted(value)}; expected is a number", "such as 10")
    try:
        wire.encode(value)
    except (ValueError, OverflowError):  # 0xfff… may be longer than Python writes in digits
        raise Mistake(
            key, f"{key} has a number of thousands of digits", "no argument is that large"
        ) from None
    if _is_reference(key, value):
        return _reference(key, str(value), known, of="arm-fault" if key == "id" else None)
    if value == "none" and not _fits(value, kind) and _fits(None, kind):
        return None
    return value


def _is_reference(key: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    return (
        value.startswith("@")
        if key == "id"
        else key == "sequence" and (value == "latest" or value[:1] == "@")
    )


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _converted(kind: type[Command], arguments: Mapping[str, Any]) -> Command:
    """The command, with 1 wherever only a server knows the number."""
    stand_ins = {key: 1 if _is_reference(key, value) else value for key, value in arguments.items()}
    try:
        return msgspec.convert(stand_ins, kind)
    except msgspec.ValidationError as error:
        said = in_plain_words(str(error))
        found = re.match(r"\w+", said)
        key = found.group() if found and found.group() in kind.__struct_fields__ else None
        fields = ", ".join(kind.__struct_fields__) or "none"
        raise Mistake(key, f"{kind.verb}: {said}", f"its arguments: {fields}") from None


def _demand(command: Command) -> None:
    """What no server is needed to know of its arguments."""
    try:
        if isinstance(command, ArmFault):
            command.wanted()
        asked = getattr(command, "channel", None)
        if isinstance(asked, str):
            channel_name(asked)
    except HotswapError as error:
        raise Mistake(
            error.message.partition(":")[0], f"{command.verb}: {error.message}", error.hint
        ) from None


# --- conditions ---------------------------------------------------------------------------------------------------


def _condition(block: Mapping[str, Any], verb: str, known: Known) -> Condition:
    is_ = word(verb, block[verb], CONDITIONS, "a condition")
    keys = CONDITIONS[is_]
    _only(block, verb, (*keys, *(("within",) if verb == "wait" else ())), f'{verb} = "{is_}"')
    group, client = _who(block, known)
    code = None
    if "label" in keys:
        code = word("label", _needed(block, "label", is_, "rollback-loop"), _LABELS, "a label")
    if "reason" in keys:
        code = word("reason", _needed(block, "reason", is_, "up-to-date"), reasons.CODES, "a reason")
    sequence = _about(block, is_, known) if "sequence" in keys else None
    return Condition(
        is_=is_,
        sequence=sequence,
        code=code,
        channel=_channel(block),
        group=group,
        client=client,
        **_counts(block),
    )


def _needed(block: Mapping[str, Any], key: str, is_: str, example: str) -> object:
    if key not in block:
        raise Mistake(None, f"{is_}: {key} is missing", f'such as {key} = "{example}"')
    return block[key]


def _about(block: Mapping[str, Any], is_: str, known: Known) -> str:
    if is_ == "newest" and block.get("sequence", "latest") == "latest":
        raise Mistake(
            "sequence", "newest: sequence has to say which one the newest is", 'such as sequence = "@good"'
        )
    value = block.get("sequence", "latest")
    if "channel" in block and is_ != "newest" and value != "latest":
        raise Mistake(
            "channel",
            "channel says of which channel the latest is meant, and sequence names one",
            "leave it out",
        )
    if isinstance(value, str):
        return _reference("sequence", value, known)
    # The embedded page is 0: it runs, and nobody offers it.
    return str(whole("sequence", value, least=0 if is_ == "running" else 1, most=MAX_SEQUENCE))


def _reference(key: str, value: str, known: Known, *, of: str | None = None) -> str:
    if value == "latest":
        return value
    if not value.startswith("@"):
        words = {"latest": "latest", **{name: f"@{name}" for name in known.named}}
        near = nearest(value, words)
        meant = next((said for word, said in words.items() if near == f"did you mean {word}?"), None)
        hint = f'did you mean "{meant}"?' if meant else 'a number, "latest", or "@name" of an earlier step'
        raise Mistake(key, f"{key} is {quoted(value)}; expected is a release", hint)
    named = value[1:]
    if named not in known.named:
        raise Mistake(
            key,
            f"no step before this one is called {quoted(named)}",
            nearest(named, known.named) if known.named else f'name one by as = "{named}"',
        )
    if of is not None and known.named[named] not in (of, ""):
        raise Mistake(
            key, f"{quoted(value)} is no {of}: it is of {known.named[named]}", f"name a {of} step by as"
        )
    return value


def _channel(block: Mapping[str, Any]) -> str | None:
    if "channel" not in block:
        return None
    value = block["channel"]
    try:
        return channel_name(value) if isinstance(value, str) else channel_name("")
    except HotswapError as error:
        raise Mistake("channel", f"channel: {quoted(value)} can't be a channel's name", error.hint) from None


def _who(block: Mapping[str, Any], known: Known) -> tuple[str | None, str | None]:
    group, client = block.get("group"), block.get("client")
    if group is not None and client is not None:
        raise Mistake("client", "group and client both say who is meant", "leave one of them out")
    if group is not None and not isinstance(group, str):
        raise Mistake("group", f"group is {quoted(group)}; expected is a name", 'such as group = "phones"')
    if group is not None and known.groups is not None and group not in known.groups:
        hint = nearest(group, known.groups) if known.groups else "add [[clients]]"
        raise Mistake("group", f"group is {quoted(group)}, and no [[clients]] are called that", hint)
    if client is not None and not (isinstance(client, str) and 0 < len(client) <= 128):
        raise Mistake(
            "client", f"client is {quoted(client)}; expected is a name or an id", 'such as client = "Mia"'
        )
    return group, client


def _counts(block: Mapping[str, Any]) -> dict[str, Any]:
    counts = {
        key: whole(key, block[key], least=1 if key == "at_least" else 0, most=_MOST)
        for key in ("at_least", "at_most", "exactly")
        if key in block
    }
    all_of = yes_or_no("all", block["all"]) if "all" in block else False
    if all_of and counts:
        raise Mistake("all", f"all and {next(iter(counts))} both say how many", "leave one of them out")
    if "exactly" in counts and len(counts) > 1:
        raise Mistake("exactly", "exactly says how many, and nothing beside it can", "leave one of them out")
    if counts.get("at_least", 0) > counts.get("at_most", _MOST):
        raise Mistake("at_most", "at_most is below at_least: nothing can be both", "change one of them")
    return {**counts, "all_of": all_of}


_READ: Mapping[str, Callable[[Mapping[str, Any], Known], Action]] = {
    "save": _save,
    "do": _do,
    "act": _act,
    "wait": _wait,
    "expect": _expect,
    "live": _live,
}
