"""What a selection means to a key: which client it is about, which release, which channel."""

from __future__ import annotations

from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.facts import ReleaseAdded
from hotswap_dev.domain.model import DEFAULT_CHANNEL, Release
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import next_check
from hotswap_dev.domain.reasons import Args, Reason

_NAMED = ("sequence", "newest")
"""Where a reason's values name the release that it is about."""


def client_meant(view: View) -> str | None:
    """The id of the client that the selection is about, also of one that is not in the table any more."""
    chosen = view.selected
    if chosen is not None and chosen.kind == "client":
        return str(chosen.key)
    return None if view.row is None else view.row.client


def release_meant(view: View) -> Release | None:
    """The release that the selection is about, as it will be once everything pending is done.

    Of a check-in or a client: the one that its answer offered; else the one that its reason names, such as the one that
    is withheld; else the newest of its channel. The same before and after a key acted on it, so that pressing it again
    takes it back.
    """
    chosen = view.selected
    if chosen is None:
        return None
    if chosen.kind == "release":
        return _release(view, chosen.key)
    if chosen.kind == "client":
        client = view.clients.get(str(chosen.key))
        return None if client is None else _release_of_client(view, client)
    event = None if view.row is None else view.row.event
    if isinstance(event, CheckAnswered):
        offered = _release(view, event.offered)
        return (
            offered
            or _named(view, event.reason, event.args)
            or _newest(view, event.channel or DEFAULT_CHANNEL)
        )
    if isinstance(event, ReleaseAdded):
        return _release(view, event.release.sequence)
    return _release(view, getattr(event, "sequence", None))


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
    """Why the selected check-in was answered so, or why the selected client is answered so now."""
    row = view.row
    if row is not None:
        return None if row.check is None else Reason(row.check.reason, dict(row.check.args))
    return None if view.client is None else _reason(view, view.client)


def _release_of_client(view: View, client: Client) -> Release | None:
    # `offered` is the last one that it ever was offered: it is about its answer only if that was an offer.
    offered = _release(view, client.offered) if client.status == 200 else None
    reason = None if offered is not None else _reason(view, client)
    named = None if reason is None or reason.code == "up-to-date" else _named(view, reason.code, reason.args)
    return offered or named or _newest(view, client.channel or DEFAULT_CHANNEL)


def _reason(view: View, client: Client) -> Reason | None:
    check = next_check(client)
    try:
        return None if check is None else decide(view.expected, check, view.now).reason
    except ValueError:  # a binary version that only a server of another version takes for one
        return None


def _named(view: View, code: str, args: Args) -> Release | None:
    if code == "client-ahead":
        return None
    return next((found for name in _NAMED if (found := _release(view, args.get(name))) is not None), None)


def _newest(view: View, channel: str) -> Release | None:
    return view.expected.newest(channel)


def _release(view: View, sequence: object) -> Release | None:
    return view.expected.releases.get(sequence) if isinstance(sequence, int) else None
