"""Reading a page's lifecycle report: what its plugin said, and whose report it is (design §6).

The body is the payload of the plugin's `hotswap://lifecycle` event (plugin 0.0.4: updater.rs, `LifecycleEvent`), to
which a page may add who it is: `device`, `platform`, `arch`. Other fields are passed over. Events that this version
does not know are recorded all the same: the plugin's list is open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from hotswap_dev.domain.checks import client_id
from hotswap_dev.domain.clients import Client, ClientTable
from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError

_EVENT = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_EVENT_LENGTH = 64
_EXAMPLE = 'for example {"event": "ready-confirmed", "sequence": 14, "version": "0.4.1-ota.2"}'


class Report(Struct, frozen=True, kw_only=True):
    """What a page reports. Its texts are as they came: whoever keeps or shows one makes it harmless."""

    event: str
    """The plugin's: `check-start`, `download-error`, `apply`, `ready-confirmed`, `rollback`, …; or a page's own
    `apply-error`."""
    sequence: int | None = None
    version: str | None = None
    error: str = ""
    device: str | None = None
    """What the app sends as X-Device-Id."""
    platform: str | None = None
    arch: str | None = None


def read_report(document: object) -> Report:
    """The report in a decoded body; HotswapError (`bad-report`) names the field, its value and an example."""
    if not isinstance(document, Mapping):
        raise HotswapError("the body is no JSON object", _EXAMPLE, code="bad-report")
    event = document.get("event")
    if not isinstance(event, str) or len(event) > _EVENT_LENGTH or not _EVENT.fullmatch(event):
        raise _bad("event", event, "a name of the plugin's such as ready-confirmed")
    sequence = document.get("sequence")
    if sequence is not None and (
        not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 <= sequence <= MAX_SEQUENCE
    ):
        raise _bad("sequence", sequence, f"a whole number from 0 to {MAX_SEQUENCE}")
    texts = {name: document.get(name) for name in ("version", "error", "device", "platform", "arch")}
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise _bad(name, value, "a text")
    return Report(
        event=event,
        sequence=sequence,
        version=texts["version"],
        error=texts["error"] or "",
        device=texts["device"] or None,
        platform=texts["platform"] or None,
        arch=texts["arch"] or None,
    )


def reporter(report: Report, clients: ClientTable, peer: str) -> str | None:
    """The id of the client whose report this is; None where nobody can tell. Only a client that checked is named.

    A device is that client and no other: one that is not known has not checked yet. Without one it is the only client
    at that address, unless platform or arch say otherwise; among several there, the one that has no device id and runs
    on that platform and arch.
    """
    if report.device is not None:
        named = client_id(report.device, peer=peer, platform="", arch="")
        return named if named in clients else None
    alone = clients.only_at(peer)
    if alone is not None:
        return alone.id if _may_be(report, alone) else None
    if report.platform is None or report.arch is None:
        return None
    named = client_id(None, peer=peer, platform=report.platform, arch=report.arch)
    return named if named in clients else None


def _may_be(report: Report, client: Client) -> bool:
    return report.platform in (None, client.platform) and report.arch in (None, client.arch)


def _bad(field: str, value: object, expected: str) -> HotswapError:
    what = "missing" if value is None else shown(repr(value), 80)
    return HotswapError(f"{field} is {what}; expected is {expected}", _EXAMPLE, code="bad-report")
