"""What a key asks of the server, as things are and as they will be once everything pending is done.

Lower case acts on the selection, upper case on everyone, and the same key again is the next state (design §8). Nothing
is asked back where the same key takes it back; what can't be taken back is confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from hotswap_dev import wire
from hotswap_dev.dashboard.keys.clearing import all_cleared, cleared
from hotswap_dev.dashboard.keys.meaning import (
    channel_meant,
    client_meant,
    fault_alone,
    reason_meant,
    release_meant,
    release_rolled_or_meant,
    release_withheld_or_meant,
)
from hotswap_dev.dashboard.keys.planned import Arm, Ask, Confirm, Plan, Roll, Say, Send
from hotswap_dev.dashboard.schema_form import PROGRAM
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.commands import Publish
from hotswap_dev.domain.commands.channels import PauseChannel, ResumeChannel, SetBuildChannel
from hotswap_dev.domain.commands.faults import DisarmFault
from hotswap_dev.domain.commands.overrides import Force204, SetMandatory
from hotswap_dev.domain.commands.releases import JumpSequence, Reoffer, Restore, RollBackTo, Withhold
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.fact_words import forced_words, scope_words, who
from hotswap_dev.domain.model import FURTHEST_JUMP, SAME_AS_CLIENT, Forced204, Release
from hotswap_dev.domain.next_step import next_step
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import next_check
from hotswap_dev.domain.reasons import change
from hotswap_dev.errors import HotswapError

_A_MOMENT = timedelta(seconds=1)
"""Two presses within it are one: a key repeats 30 times a second, a thought does not."""


def plan(key: str, view: View) -> Plan | None:
    """What the key (Textual's name of it) asks for at this moment; None for one that asks the server for nothing."""
    asked = _PLANS.get(key)
    if asked is None:
        return None
    return not_live(view) or asked(view)


def not_live(view: View) -> Say | None:
    """Why nothing can be asked of the server at this moment, and the way out; None where it can."""
    if view.link.state == "live":
        return None
    return Say(*_NOT_LIVE.get(view.link.state, ("the server does not answer", view.link.hint)))


_NOT_LIVE = {
    "starting": ("not connected yet", "wait for the server's answer"),
    "gap": ("the state is being read again", "press the key once more"),
}

_NO_CLIENT = "select a client, or one of its check-ins"
_NO_RELEASE = Say("no release is selected", "select a release (1), or a check-in that is about one")


# --- answers -------------------------------------------------------------------------------------------------------


def _no_update(view: View, client: str | None) -> Send:
    """Nothing → once → until cleared → nothing; one that counts, whoever set it, becomes one that stands."""
    known = _forced(view.expected, client)
    names = view.expected.names
    if known is not None and known.left is None:
        words = f"updates again for {scope_words(client, None, names)}"
        return Send(Force204(on=False, client=client), words)
    times = 1 if known is None else None
    command = Force204(on=True, client=client, times=times)
    return Send(command, forced_words(client, None, times, names))


def _no_update_for_client(view: View) -> Plan:
    client = client_meant(view)
    if client is None:
        return Say("no client is selected", f"{_NO_CLIENT}; N is for everyone")
    return _no_update(view, client)


def _mandatory(view: View) -> Plan:
    release = release_meant(view)
    if release is None:
        return Say(_NO_RELEASE.message, f"{_NO_RELEASE.hint}; M is for every offer")
    return _set_mandatory(release, on=not release.mandatory)


def _set_mandatory(release: Release, *, on: bool) -> Send:
    words = f"release {release.sequence} {'mandatory' if on else 'no longer mandatory'}"
    return Send(SetMandatory(on=on, sequence=release.sequence), words)


def _all_mandatory(view: View) -> Plan:
    on = not view.expected.mandatory_for_all
    return Send(SetMandatory(on=on), "every offer mandatory" if on else "mandatory for all off")


def _withheld(view: View) -> Plan:
    release = release_withheld_or_meant(view)
    if release is None:
        return Say(_NO_RELEASE.message, f"{_NO_RELEASE.hint}; W pauses a whole channel")
    number = release.sequence
    if release.withheld and release.origin == "poisoned":
        return _poisoned(release, view)
    if release.withheld:
        return Send(Restore(sequence=number), f"release {number} back")
    return Send(Withhold(sequence=number), f"release {number} withheld")


def _paused(view: View) -> Plan:
    name = view.channel or channel_meant(view) or view.expected.build_channel
    channel = view.expected.channels.get(name)
    if channel is None:
        return Say(f"there is no channel {name} to pause", "> brings a release there, and makes the channel")
    if channel.paused:
        return Send(ResumeChannel(channel=name), f"channel {name} goes on")
    return Send(PauseChannel(channel=name), f"channel {name} paused")


def _jump(view: View) -> Plan:
    client, last = view.client, view.expected.last_sequence
    if client is not None and client.sequence is not None and client.sequence > last:
        if client.sequence >= FURTHEST_JUMP:
            return Say(
                f"{who(client.id, view.expected.names)} is at {client.sequence}: no jump passes that",
                "empty the plugin's folder on the device",
            )
        to = client.sequence + 1
        return Confirm(
            JumpSequence(to=to),
            f"next release is {to}",
            f"Go on counting at {to}? {who(client.id, view.expected.names)} is at {client.sequence}, and {last} is "
            "the last sequence given out here.",
        )
    ahead = [
        one.sequence
        for one in view.clients.values()
        if one.sequence is not None and last < one.sequence < FURTHEST_JUMP
    ]
    return Ask("jump-sequence", {"to": max(ahead) + 1} if ahead else {})


def _fault_for_client(view: View) -> Plan:
    client = client_meant(view)
    if client is None:
        return Say("no client is selected", f"{_NO_CLIENT}; X is for everyone")
    return Arm(client, _fault_about(view, client))


def _fault_for_all(view: View) -> Plan:
    return Arm(None, _fault_about(view, None))


def _fault_about(view: View, client: str | None) -> int | None:
    """The armed fault that WHY or NEXT say to disarm, if it is for just this client, or for no client alone; else the
    only one that the same key armed.
    """
    lines = _lines_said(view)
    for armed in view.expected.faults:
        if armed.client == client and f"{PROGRAM} {DisarmFault.verb} {armed.override}" in lines:
            return armed.override
    alone = fault_alone(view.expected, client)
    return None if alone is None else alone.override


# --- releases ------------------------------------------------------------------------------------------------------


def _publish(view: View) -> Plan:
    if any(isinstance(one.command, Publish) for one in view.pending):
        return Say("a release is being made already", "press p again once it is there")
    dist = view.builds.dist or (view.about.dist if view.about is not None else None)
    if dist is None:
        return Ask("publish")
    just = _just_made(view, "publish")
    if just is not None:
        return Say(f"release {just.sequence} was made just now", "press p once more for another one")
    return Send(Publish(), f"publishing to {view.expected.build_channel}")


def _to_copy(view: View) -> Release | Say:
    """The release that is offered once more, if its bytes are still there and no poison."""
    release = release_meant(view)
    if release is None:
        return _NO_RELEASE
    if release.origin == "poisoned":
        return _poisoned(release, view)
    if not view.expected.has_bytes(release):
        return Say(
            f"the bundle of release {release.sequence} was pruned: its bytes are gone",
            "publish that content again, or select a newer release",
        )
    return release


def _reoffer(view: View) -> Plan:
    release = _to_copy(view)
    if isinstance(release, Say):
        return release
    command = Reoffer(sequence=release.sequence)
    if any(one.command == command for one in view.pending):
        return Say(
            f"release {release.sequence} is being offered again already", "press r again once it is there"
        )
    just = _just_made(view, "reoffer")
    if just is not None:
        # The selection may be the copy by now: a second quick r would make a copy of a copy.
        return Say(
            f"release {just.sequence} was made just now",
            f"press r once more to offer {release.sequence} again",
        )
    return Send(command, f"release {release.sequence} again")


def _just_made(view: View, origin: str) -> Release | None:
    """The newest release, if the same key made it a moment ago: a key that is held down is one wish, not many."""
    newest = view.expected.releases.get(view.expected.last_sequence)
    if newest is None or newest.origin != origin:
        return None
    return newest if abs(view.now - newest.published_at) < _A_MOMENT else None


def _roll_back(view: View) -> Plan:
    release = _to_copy(view)
    if isinstance(release, Say):
        return release
    number, channel = release.sequence, release.channel
    newest = view.expected.newest(channel)
    if newest is None or newest.sequence <= number:
        return Say(
            f"release {number} is the newest of {channel} already",
            "select the older one that is to come back (1); r offers this one again",
        )
    return Confirm(
        RollBackTo(sequence=number),
        f"back to release {number}",
        f"Roll {channel} back to {number} ({release.version})? It is offered again as "
        f"{view.expected.next_sequence}, and what came after it is withheld.",
    )


def _promote(view: View) -> Plan:
    reason = reason_meant(view)
    if reason is not None and reason.code in ("channel-unknown", "no-release"):
        newest = max(view.expected.releases, default=None)
        if newest is not None:
            return Ask("promote", {"sequence": newest, "channel": reason.args["channel"]})
    release = _to_copy(view)
    return release if isinstance(release, Say) else Ask("promote", {"sequence": release.sequence})


def _edit(view: View) -> Plan:
    release = release_meant(view)
    if release is None:
        return _NO_RELEASE
    today = {
        "notes": release.notes or "",
        "min_binary_version": release.min_binary_version,
        "version": release.version,
    }
    return Ask("edit-release", {"sequence": release.sequence}, today, _suggested(release, view))


def _rolled_out(view: View) -> Plan:
    release = release_rolled_or_meant(view)
    if release is None:
        return _NO_RELEASE
    return _poisoned(release, view) if release.origin == "poisoned" else Roll(release.sequence)


def _poisoned(release: Release, view: View) -> Say:
    """What keys say that would spread a bad copy: it belongs to its fault, and stays bad under any number."""
    armed = next((one for one in view.expected.faults if one.sequence == release.sequence), None)
    message = f"release {release.sequence} is a poisoned copy of {release.from_sequence}"
    if armed is None:
        return Say(f"{message}, and its fault is over", f"select {release.from_sequence} instead (1)")
    key = "z on the client" if armed.client is not None else "Z"
    return Say(
        f"{message}: it is for whom the fault {armed.fault} is",
        f"{key} disarms it; select {release.from_sequence} instead (1)",
    )


def _suggested(release: Release, view: View) -> Mapping[str, wire.Json]:
    """What WHY and NEXT say that should be changed of this release, if they do."""
    lines = _lines_said(view)
    if lines.isdisjoint(
        {f"hotswap-dev edit-release {release.sequence} --min-binary-version {SAME_AS_CLIENT}"}
    ):
        return {}
    return {"min_binary_version": SAME_AS_CLIENT}


def _lines_said(view: View) -> set[str]:
    """The command lines that explain the selection: of the answer that was recorded, and of the one there is now."""
    client = view.client
    check = None if client is None else next_check(client)
    recorded = reason_meant(view)
    said = set() if recorded is None else {change(recorded)}
    if check is None:
        return said
    try:
        decision = decide(view.controls, check, view.now)
        return said | {change(decision.reason), next_step(client, decision, view.controls, check).command}
    except (ValueError, HotswapError):  # a binary version or a fault that only another version knows
        return said


# --- channels and notes --------------------------------------------------------------------------------------------


def _builds_go_to(view: View) -> Plan:
    if view.channel is None or len(view.expected.channels) < 2:
        return Ask("set-build-channel")
    if view.channel == view.expected.build_channel:
        return Say(
            f"builds go to {view.channel} already", "c shows the next channel, then t lets builds go there"
        )
    return Send(SetBuildChannel(channel=view.channel), f"builds to {view.channel}")


def _forced(controls: Controls, client: str | None) -> Forced204 | None:
    return next((one for one in controls.forced if (one.client, one.channel) == (client, None)), None)


_PLANS: Mapping[str, Callable[[View], Plan]] = {
    "n": _no_update_for_client,
    "N": lambda view: _no_update(view, None),
    "m": _mandatory,
    "M": _all_mandatory,
    "w": _withheld,
    "W": _paused,
    "z": cleared,
    "Z": all_cleared,
    "x": _fault_for_client,
    "X": _fault_for_all,
    "J": _jump,
    "p": _publish,
    "r": _reoffer,
    "b": _roll_back,
    "greater_than_sign": _promote,
    "e": _edit,
    "percent_sign": _rolled_out,
    "t": _builds_go_to,
    "semicolon": lambda _: Ask("annotate"),
}

ACTING = tuple(_PLANS)
"""The keys that ask the server for something."""
