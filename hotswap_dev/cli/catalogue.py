"""The catalogue of faults for people, generated: `help faults`, the foot of `help FAULT`, and the README's table.

What a fault does and takes is said by its class, what the client does by `domain.faults.reactions`; nothing of either
is written down a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from hotswap_dev import wire
from hotswap_dev.cli.paragraphs import wrapped
from hotswap_dev.domain.faults import STAGES, Stage, every_fault
from hotswap_dev.domain.faults.reactions import Reaction, reaction

_LABEL = 9
_NONE = "-"

STAGE_WORDS: Mapping[Stage, str] = MappingProxyType(
    {
        "check": "the answer to a check",
        "signature": "the signature in an offer",
        "download": "a bundle on its way, counted by attempts: the client makes four",
        "bundle": "a bundle that is bad in itself: arming publishes it as the next release, validly signed",
        "preset": "the whole line, until it is disarmed",
    }
)
"""Where each stage's faults strike."""


def catalogue_lines() -> Iterator[str]:
    """`help faults`: every fault by its stage, with what the server and the client do."""
    listed = wire.fault_schemas()
    yield "hotswap-dev arm-fault FAULT [-p NAME=VALUE] [--times N] [--client CLIENT]"
    yield "hotswap-dev help FAULT says more of one. Values below are the defaults."
    for stage in STAGES:
        yield ""
        yield from wrapped(STAGE_WORDS[stage], first=f"{stage}: ", indent=" " * (len(stage) + 2))
        for fault in listed:
            if fault["stage"] == stage:
                yield ""
                yield f"  {fault['name']}"
                for text in _of_one(fault):
                    yield f"    {text}"


def fault_foot(name: str) -> Iterator[str]:
    """What stands below a fault's page: its parameters, and what the plugin says when it strikes."""
    fault = next(one for one in wire.fault_schemas() if one["name"] == name)
    expected = _reaction(name)
    yield from _labelled("Takes", "; ".join(parameter_words(fault)) or "no parameters", 90)
    for label, text in (("check()", expected.check), ("apply()", expected.apply)):
        if text is not None:
            yield from _labelled(label, f'rejects with "{text}"', 90)
        elif label == "check()":
            resolves = "an update is available" if expected.available else "no update"
            yield from _labelled(label, resolves, 90)
        elif expected.available:
            yield from _labelled(label, "resolves", 90)
    if expected.applied:
        after = "keeps it" if expected.restart == "keeps" else "goes back to what ran before"
        yield from _labelled("Restart", after, 90)
    yield from _labelled("Events", ", ".join(expected.events) or "none", 90)
    yield from _labelled("Requests", _requests(expected), 90)
    if expected.needs:
        needs = ", ".join(f"{name}: {wire.encode(value).decode()}" for name, value in expected.needs.items())
        yield from _labelled("Needs", f"{needs} in the app's plugins.hotswap", 90)


def parameter_words(fault: wire.Json) -> Iterator[str]:
    """Each parameter of a listed fault: `ms=3000 (ms before the first byte, 0 to 600000)`."""
    for name, schema in fault["parameters"]["properties"].items():
        about = ", ".join(one for one in (schema.get("description", ""), _limits(schema)) if one)
        yield f"{name}={_default(schema)}" + (f" ({about})" if about else "")


def fault_table_markdown() -> str:
    """The catalogue as the table that the README has, without a newline at its end."""
    rows = ["| stage | fault | parameters | the server | the client |", "|---|---|---|---|---|"]
    for fault in wire.fault_schemas():
        expected = _reaction(fault["name"])
        parameters = "<br>".join(map(_escaped, parameter_words(fault))) or _NONE
        cells = (
            fault["stage"],
            f"`{fault['name']}`",
            parameters,
            _escaped(fault["summary"]),
            _escaped(expected.sentence),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _of_one(fault: wire.Json) -> Iterator[str]:
    expected = _reaction(fault["name"])
    yield from _labelled("server", fault["summary"], 76)
    for text in parameter_words(fault):
        yield from _labelled("takes", text, 76)
    yield from _labelled("client", expected.sentence, 76)


def _reaction(name: str) -> Reaction:
    return reaction(every_fault()[name]())


def _requests(expected: Reaction) -> str:
    check, download = expected.requests.check, expected.requests.download
    checks = f"{check} check" + ("" if check == 1 else "s")
    return f"{checks}, {download} download{'' if download == 1 else 's'}"


def _default(schema: wire.Json) -> str:
    value = schema.get("default")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _limits(schema: wire.Json) -> str:
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None or high is None:
        return ""
    first = "" if "minimum" in schema else "above "
    return f"{first}{low} {'to' if 'maximum' in schema else 'to below'} {high}"


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    yield from wrapped(text, indent=" " * _LABEL, first=f"{label:<{_LABEL}}", width=width)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
