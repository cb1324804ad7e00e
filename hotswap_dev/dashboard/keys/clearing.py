"""What `z` and `Z` end: one thing after the other of what is set for the selection, or all that belongs to this run."""

from __future__ import annotations

from hotswap_dev.dashboard.keys.meaning import client_meant, release_meant
from hotswap_dev.dashboard.keys.planned import Confirm, Plan, Say, Send
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.faults import DisarmFault
from hotswap_dev.domain.commands.overrides import ClearOverrides, Force204, SetMandatory
from hotswap_dev.domain.fact_words import scope_words, who
from hotswap_dev.domain.model import ArmedFault, Release

_FOR_EVERYONE = "Z clears what is set for everyone"


def cleared(view: View) -> Plan:
    """What is set for this client alone, or for this release."""
    client = client_meant(view)
    if client is not None:
        return _for_client(view, client)
    release = release_meant(view)
    if release is None:
        return Say("nothing is selected", f"select a client, a release or a check-in; {_FOR_EVERYONE}")
    return _for_release(view, release)


def all_cleared(view: View) -> Plan:
    """Every override of this run."""
    if not view.expected.overridden:
        return Say(
            "no forced 204, no mandatory for all and no fault is set",
            "pins, pauses, rollouts, targets and withheld releases stay",
        )
    poisoned = [one.sequence for one in view.expected.faults if one.sequence is not None]
    if not poisoned:
        return Send(ClearOverrides(), "everything cleared")
    many = len(poisoned) > 1
    which = ", ".join(map(str, poisoned))
    return Confirm(
        ClearOverrides(),
        "everything cleared",
        f"Clear everything? The poisoned release{'s' if many else ''} {which} {'are' if many else 'is'} withheld for "
        "good, and healthy content is offered again to who took it.",
    )


def _for_client(view: View, client: str) -> Plan:
    controls = view.expected
    names = controls.names
    forced = next((one for one in controls.forced if one.client == client), None)
    if forced is not None:
        words = f"updates again for {scope_words(client, forced.channel, names)}"
        return Send(Force204(on=False, client=client, channel=forced.channel), words)
    armed = next((one for one in controls.faults if one.client == client), None)
    if armed is not None:
        return disarmed(armed, view)
    if client in controls.pins:
        return Send(PinClient(client=client, sequence=None), f"{who(client, names)} pinned no longer")
    return Say(f"nothing is set for {who(client, names)} alone", _FOR_EVERYONE)


def _for_release(view: View, release: Release) -> Plan:
    number = release.sequence
    if release.mandatory:
        return Send(SetMandatory(on=False, sequence=number), f"release {number} no longer mandatory")
    armed = next((one for one in view.expected.faults if one.sequence == number), None)
    if armed is not None:
        return disarmed(armed, view)
    if not release.whole and not release.withheld:
        # What many clients are offered at once can't be pulled back: that is chosen with its preview.
        return Say(
            f"release {number} is not for everyone", "% shows its rollout and targets, and changes them"
        )
    return Say(f"nothing is set for release {number}", _FOR_EVERYONE)


def disarmed(armed: ArmedFault, view: View) -> Send | Confirm:
    """End an armed fault; where it made a poisoned release, which is withheld for good, that is asked before."""
    whom = scope_words(armed.client, armed.channel, view.expected.names)
    command, words = DisarmFault(id=armed.override), f"fault {armed.fault} for {whom} disarmed"
    if armed.sequence is None:
        return Send(command, words)
    return Confirm(
        command,
        words,
        f"Disarm {armed.fault} for {whom}? Its poisoned release {armed.sequence} is withheld for good, and healthy "
        "content is offered again to who took it.",
    )
