"""What a selection means to a key: which client it is about, which release, which channel."""

from __future__ import annotations

from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import ReleaseAdded
from hotswap_dev.domain.model import DEFAULT_CHANNEL, ArmedFault, Release
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.domain.policy import Decision, Offer, decide
from hotswap_dev.domain.preview import next_check
from hotswap_dev.domain.reasons import Reason
from hotswap_dev.errors import HotswapError

_NAMED = ("sequence", "newest")
"""Where a reason's values name the release that it is about."""


def client_meant(view: View) -> str | None:
    """The id of the client that the selection is about, also of one that is not in the table any more."""
    chosen = view.selected
    if chosen is not None and chosen.kind == "client":
        return str(chosen.key)
    return None if view.row is None else view.row.client


def check_meant(view: View) -> Check | None:
    """The check that the selected client, or that of the selected check-in, asks next: its last one again. Of a client
    that is not in the table any more it is the selected check-in; None where neither could be read.
    """
    client = view.client
    check = None if client is None else next_check(client)
    event = None if view.row is None else view.row.check
    return check_of(event) if check is None and event is not None else check


def check_of(event: CheckAnswered) -> Check | None:
    """The question that was answered; None where it could not be read."""
    if event.sequence is None or event.platform is None or event.arch is None:
        return None
    return Check(
        client=event.client,
        sequence=event.sequence,
        binary_version=event.binary_version,
        platform=event.platform,
        arch=event.arch,
        channel=event.channel,
    )


def release_meant(view: View) -> Release | None:
    """The release that the selection is about, as it will be once everything pending is done.

    Of a check-in or a client: the one that the client is offered now; else the one that the reason for its answer
    names, such as the one that is withheld; else the newest of its channel that can be offered. WHY explains that same
    answer. What is pending does not change which one it is, so that a key pressed again takes back what it asked for.
    """
    chosen = view.selected
    if chosen is None:
        return None
    if chosen.kind == "release":
        return _release(view, chosen.key)
    event = None if view.row is None else view.row.event
    if chosen.kind == "client" or isinstance(event, CheckAnswered):
        return _release_of_answer(view)
    if isinstance(event, ReleaseAdded):
        return _release(view, event.release.sequence)
    return _release(view, getattr(event, "sequence", None))


def release_withheld_or_meant(view: View) -> Release | None:
    """The release that `w` is about: the one that is passed over first for being withheld, so that a second press takes
    back the first one; else the one that is meant.
    """
    return _passed_over_first(view, "release-withheld") or release_meant(view)


def release_rolled_or_meant(view: View) -> Release | None:
    """The release that `%` is about: the one that is passed over first because its rollout or its targets leave this
    client out; else the one that is meant.
    """
    return _passed_over_first(view, "not-in-rollout", "not-targeted") or release_meant(view)


def _passed_over_first(view: View, *codes: str) -> Release | None:
    found = None if view.selected is None or view.selected.kind == "release" else _decision(view)
    first = found.considered[0] if found is not None and found.considered else None
    return _release(view, first.sequence) if first is not None and first.reason.code in codes else None


def fault_alone(controls: Controls, client: str | None) -> ArmedFault | None:
    """The fault that `x` armed for this client, or `X` for everyone, if it is the only one.

    A poisoned release lies in a channel, which the server fills in: of a client's bundle fault any channel will do.
    """
    found = [
        one
        for one in controls.faults
        if one.client == client and (one.channel is None or (client is not None and one.sequence is not None))
    ]
    return found[0] if len(found) == 1 else None


def channel_meant(view: View) -> str | None:
    """The channel that the selection is about; None where it is about none in particular."""
    chosen = view.selected
    if chosen is None:
        return None
    if chosen.kind == "client":
        client = view.clients.get(str(chosen.key))
        return None if client is None else client.channel or DEFAULT_CHANNEL
    event = None if view.row is None else view.row.event
    if isinstance(event, CheckAnswered):
        return event.channel or DEFAULT_CHANNEL
    said = getattr(event, "channel", None)
    release = release_meant(view)
    return str(said) if said else None if release is None else release.channel


def reason_meant(view: View) -> Reason | None:
    """Why the client of the selection is answered now as it is; of a check that could not be read, why it was
    refused.
    """
    found = _decision(view)
    if found is not None:
        return found.reason
    event = None if view.row is None else view.row.check
    return None if event is None else Reason(event.reason, dict(event.args))


def _release_of_answer(view: View) -> Release | None:
    found = _decision(view)
    if found is not None and isinstance(found.answer, Offer):
        return _release(view, found.answer.release.sequence)
    named = None if found is None else _named(view, found.reason)
    channel = channel_meant(view)
    return named or (None if channel is None else _newest(view, channel))


def _decision(view: View) -> Decision | None:
    """What the client of the selection is told next, as things are."""
    check = check_meant(view)
    try:
        return None if check is None else decide(view.controls, check, view.now)
    except (ValueError, HotswapError):  # a binary version or a fault that only another version knows
        return None


def _named(view: View, reason: Reason) -> Release | None:
    if reason.code == "client-ahead":
        return None
    args = reason.args
    return next((found for name in _NAMED if (found := _release(view, args.get(name))) is not None), None)


def _newest(view: View, channel: str) -> Release | None:
    """The newest release of a channel that can be offered, else its newest."""
    controls = view.controls
    known = controls.channels.get(channel)
    for sequence in () if known is None else known.releases:
        release = controls.releases[sequence]
        if not release.withheld and controls.has_bytes(release):
            return _release(view, sequence)
    return None if known is None or not known.releases else _release(view, known.releases[0])


def _release(view: View, sequence: object) -> Release | None:
    return view.expected.releases.get(sequence) if isinstance(sequence, int) else None
