"""What the shell proposes behind a command: values of the running server, where there is one.

A completion says nothing and fails at nothing: without a server there is simply nothing to propose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from hotswap_dev import wire
from hotswap_dev.cli.options import WHERE, control
from hotswap_dev.domain.faults import every_fault, fault_kind
from hotswap_dev.errors import HotswapError

_SECONDS = 1.0
_MOST = 20
_MOST_CLIENTS = 1000
_PLAIN = re.compile(r"[\w@%+.,/:][\w@%+=:,./-]*")
"""Words that are one word in every shell and do nothing in any: bash puts what is proposed on the line as it is."""


def matching(items: Iterable[CompletionItem], incomplete: str) -> list[CompletionItem]:
    """Those that go on from what was typed."""
    return [item for item in items if str(item.value).startswith(incomplete)]


def matching_last(items: Iterable[CompletionItem], incomplete: str) -> list[CompletionItem]:
    """The same for the last word of a list with commas."""
    before, comma, word = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{item.value}", help=item.help) for item in matching(items, word)]


def sequences(ctx: click.Context) -> list[CompletionItem]:
    """The newest releases, each with its version."""
    found = _asked(ctx, "/api/releases", limit=_MOST) or []
    return [CompletionItem(str(one["sequence"]), help=f"{one['version']} {one['channel']}") for one in found]


def clients(ctx: click.Context) -> list[CompletionItem]:
    """The clients seen last, each with its name; an id that a shell would read as more than a word is left out."""
    found = _asked(ctx, "/api/clients", limit=_MOST_CLIENTS) or []
    return [CompletionItem(one["id"], help=one["name"] or "") for one in found if _PLAIN.fullmatch(one["id"])]


def channels(ctx: click.Context) -> list[CompletionItem]:
    """The channels that there are."""
    state = _asked(ctx, "/api/state") or {"controls": {"channels": {}}}
    return [CompletionItem(name) for name in state["controls"]["channels"]]


def faults() -> list[CompletionItem]:
    """The catalogue, each fault with what the server does."""
    return [CompletionItem(name, help=kind.summary) for name, kind in every_fault().items()]


def parameters_of_fault(name: object) -> list[CompletionItem]:
    """A fault's parameters, up to their values; none for a word that is no fault."""
    try:
        kind = fault_kind(str(name))
    except HotswapError:
        return []
    return [CompletionItem(f"{field}=") for field in kind.__struct_fields__]


def armed_faults(ctx: click.Context) -> list[CompletionItem]:
    """The numbers of the faults that are armed, each with its name."""
    state = _asked(ctx, "/api/state") or {"controls": {"faults": ()}}
    return [
        CompletionItem(str(one["override"]), help=one["fault"]) for one in state["controls"].get("faults", ())
    ]


def _asked(ctx: click.Context, path: str, **query: int) -> wire.Json:
    try:
        return control({name: ctx.params.get(name) for name in WHERE}).get(path, seconds=_SECONDS, **query)
    except (HotswapError, OSError, ValueError):
        return None
