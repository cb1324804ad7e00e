"""Facts in words: what a command did, for the line after it, the log, a terminal that is watched
and the dashboard.

A fact that has no words here is told by its name and its values, so that a new one needs no line to be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hotswap_dev.domain.facts import every_fact
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.rollout import Reach
from hotswap_dev.domain.text import shown

Event = Mapping[str, Any]
"""A fact as its JSON has it, under `event` its name."""

Names = Mapping[str, str]
"""What people call a client, by its id."""

FACTS = frozenset(str(kind.__struct_config__.tag) for kind in every_fact())
_MOST_PHRASES = 5
_LONGEST_PHRASE = 1000
_LONGEST_NAME = 40


def fact_words(fact: Event, names: Names) -> str:
    """One fact as a phrase without a full stop, which draws nothing by itself (hardening C3)."""
    made = _WORDS.get(str(fact["event"]))
    return shown(made(fact, names) if made else _plainly(fact), _LONGEST_PHRASE)


def done_words(facts: Sequence[Event], names: Names) -> str:
    """What a command's facts come to, in one line; a release first, since it is what was asked for."""
    ordered = sorted(facts, key=lambda fact: fact["event"] != "release-added")
    phrases = [fact_words(fact, names) for fact in ordered[:_MOST_PHRASES]]
    rest = len(ordered) - len(phrases)
    return "; ".join([*phrases, *([f"and {rest} more"] if rest else [])])


def changes_words(count: int) -> str:
    """How many clients are given another answer from now on. Of a remark nobody asks that: see `bends_answers`."""
    if count == 0:
        return "no client's answer changes"
    return "1 client gets another answer" if count == 1 else f"{count} clients get another answer"


def bends_answers(facts: Sequence[Event]) -> bool:
    """Whether these facts could change the answer to a check: not a remark, a name, or what strikes the line alone."""
    return any(
        fact["event"] not in ("note-added", "client-named", "product-mapped") and not _of_the_line(fact)
        for fact in facts
    )


def _of_the_line(fact: Event) -> bool:
    armed = fact.get("armed") or fact.get("disarmed")
    if armed is None:
        return False
    kind = every_fault().get(armed["fault"])
    return kind is not None and kind.stage == "download"


def who(client: str, names: Names) -> str:
    """A client by its name and its id, or by its id alone."""
    name = names.get(client)
    return f"{name} ({client})" if name else client


def forced_words(client: str | None, channel: str | None, times: int | None, names: Names) -> str:
    """A forced 204: for whom and how long."""
    whom = scope_words(client, channel, names)
    if times is None:
        return f"no update for {whom}, until it is off"
    return f"no update for {whom} at the next {'check' if times == 1 else f'{times} checks'}"


def armed_words(armed: ArmedFault, names: Names) -> str:
    """An armed fault: what it is, for whom, how long and how often."""
    values = " ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in armed.parameters.items()
    )
    whom = scope_words(armed.client, armed.channel, names)
    lasts = "until it is disarmed" if armed.left is None else f"{armed.left} times more"
    if armed.left == 1:
        lasts = "once more"
    chance = "" if armed.probability is None else f", by a chance of {armed.probability:g}"
    poisoned = "" if armed.sequence is None else f", as release {armed.sequence}"
    return f"fault {armed.fault}{f' ({values})' if values else ''} for {whom}{poisoned}, {lasts}{chance}"


def scope_words(client: str | None, channel: str | None, names: Names) -> str:
    """Whom a forced 204 is for."""
    if client:
        return who(client, names) + (f" on channel {channel}" if channel else "")
    return f"channel {channel}" if channel else "everyone"


def reach_words(reach: Reach, names: Names) -> str:
    """How far a release reaches among the known clients: `3 of 8 clients; Pixel flips in at 37 %`."""
    if not reach.of:
        return "no client that is known is meant"
    words = f"{reach.inside:,} of {reach.of:,} {'client' if reach.of == 1 else 'clients'}"
    if reach.next is None or reach.next_at is None:
        return words
    return f"{words}; {shown(names.get(reach.next) or reach.next, _LONGEST_NAME)} flips in at {reach.next_at:g} %"


def _release_added(fact: Event, _: Names) -> str:
    release = fact["release"]
    number, source, channel = release["sequence"], release["from_sequence"], release["channel"]
    head = f"release {number} ({release['version']})"
    return {
        "promote": f"{head} is {source}, offered on {channel}",
        "reoffer": f"{head} is {source} again, offered on {channel}",
        "roll-back": f"{head} brings {source} back on {channel}",
        "poisoned": f"{head} is a poisoned copy of {source}, offered on {channel}",
    }.get(release["origin"], f"{head} offered on {channel}")


def _release_edited(fact: Event, _: Names) -> str:
    edited = (
        f"{name} {value!r}" if name == "notes" else f"{name} {value}"
        for name in ("version", "min_binary_version", "notes")
        if (value := fact.get(name)) is not None
    )
    return f"release {fact['sequence']} says {', '.join(edited)}"


def _mandatory(fact: Event, _: Names) -> str:
    if fact["sequence"] is None:
        return (
            "every offer is mandatory, until it is off"
            if fact["on"]
            else "offers are mandatory only where their release is"
        )
    return f"release {fact['sequence']} is {'' if fact['on'] else 'no longer '}mandatory"


def _lifted(fact: Event, names: Names) -> str:
    lifted = fact.get("lifted")
    if lifted is None:
        return "a forced 204 is off"
    return f"the forced 204 for {scope_words(lifted.get('client'), lifted.get('channel'), names)} is off"


def _armed(fact: Event, names: Names) -> str:
    return f"{armed_words(_fault_of(fact['armed']), names)} (disarm-fault {fact['armed']['override']})"


def _disarmed(fact: Event, names: Names) -> str:
    armed = fact.get("disarmed")
    if armed is None:
        return f"fault {fact['override']} is disarmed"
    return f"fault {armed['fault']} for {scope_words(armed['client'], armed['channel'], names)} is disarmed"


def _fault_of(armed: Mapping[str, Any]) -> ArmedFault:
    return ArmedFault(**armed)


def _rollout(fact: Event, names: Names) -> str:
    called = ", ".join(who(client, names) for client in fact["always"])
    always = f", and always to {called}" if called else ""
    return f"release {fact['sequence']} is rolled out to {fact['percent']:g} %{always}"


def _targets(fact: Event, names: Names) -> str:
    return f"release {fact['sequence']} is for {targets_words(fact['targets'], names)}"


def targets_words(targets: Event, names: Names) -> str:
    """Whom a release is for."""
    clients = ", ".join(who(client, names) for client in targets.get("clients", ()))
    wanted = [
        ", ".join(targets.get("platforms", ())),
        ", ".join(targets.get("arches", ())),
        f"binary {targets['binary_versions']}" if targets.get("binary_versions") else "",
        clients,
        f"who runs {targets['having']}" if targets.get("having") is not None else "",
    ]
    return "; ".join(one for one in wanted if one) or "everyone"


def _required(fact: Event, _: Names) -> str:
    required = fact["required"]
    value = "" if required["digest"] is None else " with its value"
    return (
        f"channel {fact['channel']} demands the header {required['header']}{value}, else {required['status']}"
    )


def _named(fact: Event, _: Names) -> str:
    name = fact["name"]
    return f"{fact['client']} is called {name}" if name else f"{fact['client']} has no name any more"


def _pruned(fact: Event, _: Names) -> str:
    count = len(fact["hashes"])
    return f"{count} old {'bundle' if count == 1 else 'bundles'} removed"


def _plainly(fact: Event) -> str:
    values = (
        f"{name} {value}"
        for name, value in fact.items()
        if name not in ("event", "at", "number", "instance", "revision") and value is not None
    )
    return " ".join([str(fact["event"]).replace("-", " "), *([text] if (text := ", ".join(values)) else [])])


_WORDS: Mapping[str, Callable[[Event, Names], str]] = {
    "release-added": _release_added,
    "release-withheld": lambda fact, _: f"release {fact['sequence']} is withheld",
    "release-restored": lambda fact, _: f"release {fact['sequence']} is offered again",
    "release-edited": _release_edited,
    "mandatory-set": _mandatory,
    "channel-created": lambda fact, _: f"channel {fact['channel']} made",
    "channel-paused": lambda fact, _: f"channel {fact['channel']} is paused",
    "channel-resumed": lambda fact, _: f"channel {fact['channel']} goes on",
    "build-channel-set": lambda fact, _: f"builds go to {fact['channel']}",
    "forced-204-set": lambda fact, names: forced_words(fact["client"], fact["channel"], fact["times"], names),
    "forced-204-lifted": _lifted,
    "override-spent": lambda fact, _: (
        f"override {fact['override']} answered {'once' if fact['times'] == 1 else str(fact['times']) + ' times'}"
    ),
    "overrides-cleared": lambda _, __: "every forced 204, mandatory for all and every fault ended",
    "rollout-set": _rollout,
    "targets-set": _targets,
    "fault-armed": _armed,
    "fault-disarmed": _disarmed,
    "required-header-set": _required,
    "required-header-removed": lambda fact, _: f"channel {fact['channel']} demands no header",
    "product-mapped": lambda fact, _: f"product {fact['product']} is answered from channel {fact['channel']}",
    "client-pinned": lambda fact, names: (
        f"{who(fact['client'], names)} is offered {fact['sequence']} and nothing else"
    ),
    "client-unpinned": lambda fact, names: f"{who(fact['client'], names)} is pinned no longer",
    "client-named": _named,
    "client-forgotten": lambda fact, names: f"{who(fact['client'], names)} is forgotten",
    "note-added": lambda fact, _: f"noted: {fact['text']}",
    "bundles-pruned": _pruned,
    "sequence-floor-raised": lambda fact, _: (
        f"the next release is {fact['floor'] + 1}: {fact['floor']} is taken by {fact['source']}"
    ),
}
