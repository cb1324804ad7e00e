"""`status`, `releases` and `clients`: what a running server does, on one screen."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from hotswap_dev import wire
from hotswap_dev.cli.lines import size
from hotswap_dev.cli.options import control, echo_json, finding_a_server, running_server
from hotswap_dev.cli.paragraphs import wrapped
from hotswap_dev.cli.tables import WIDEST_CLIENT, cut, table
from hotswap_dev.domain.commands.faults import overtaken_by
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.fact_words import Names, armed_words, forced_words, targets_words, who
from hotswap_dev.domain.model import ArmedFault


@click.command(params=finding_a_server())
def status(as_json: bool, **where: Any) -> None:
    """What the running server does: address, newest release, clients, and all that bends its answers."""
    server = running_server(where)
    state = control(where).get("/api/state")
    if as_json:
        public = {name: value for name, value in wire.plain(server).items() if name != "token"}
        echo_json({**state, "server": public})
        return
    controls, builds = state["controls"], state["builds"]
    click.echo(f"serving    {server.endpoint}   pid {server.pid}")
    click.echo(f"watching   {builds['dist'] or 'nothing'}   builds go to {controls['build_channel']}")
    newest = max(controls["releases"], key=int, default=None)
    if newest is None:
        click.echo("releases   none yet: the first finished build becomes one, or hotswap-dev publish DIST")
    else:
        release = controls["releases"][newest]
        bad = f", a poisoned copy of {release['from_sequence']}" if release["origin"] == "poisoned" else ""
        called = f"newest {newest} ({release['version']}{bad}) on {release['channel']}"
        click.echo(f"releases   {len(controls['releases'])}, {called}")
    click.echo(f"clients    {_clients(state['clients'], controls['names'])}")
    for label, text in armed(controls):
        click.echo(f"{label:<10} {click.style(text, fg='yellow')}")
    if state["recording"]["dropped"]:
        click.echo(f"history    {state['recording']['dropped']} observations were not recorded")


def armed(controls: wire.Json) -> Iterator[tuple[str, str]]:
    """What bends answers now, each with the label of its line; `controls` as `GET /api/state` has them."""
    names: Names = controls["names"]
    overrides = [
        forced_words(one["client"], one["channel"], one["left"], names) for one in controls["forced"]
    ]
    if controls["mandatory_for_all"]:
        overrides.append("every offer is mandatory, until it is off")
    for text in overrides:
        yield "override", text
    for one in controls["faults"]:
        armed_fault = msgspec.convert(one, ArmedFault)
        said = f"{armed_fault.override}: {armed_words(armed_fault, names).removeprefix('fault ')}"
        newer = _overtaken(controls, armed_fault)
        yield "fault", said + ("" if newer is None else f"; overtaken by {newer}: it strikes nobody any more")
    paused = [name for name, channel in controls["channels"].items() if channel["paused"]]
    if paused:
        yield "paused", f"{', '.join(paused)}: nobody who asks for it is offered anything"
    for client, sequence in controls["pins"].items():
        yield "pinned", f"{who(client, names)} to {sequence}"
    for label in ("withheld", "mandatory"):
        sequences = sorted((int(one) for one, release in controls["releases"].items() if release[label]))
        if sequences:
            yield label, _some(sequences)
    for sequence in _narrowed(controls):
        release = controls["releases"][str(sequence)]
        yield "narrowed", f"{sequence} on {release['channel']}: {'; '.join(reach_marks(release, names))}"
    for channel, required in controls["required"].items():
        which = " with its value" if required["digest"] is not None else ""
        yield (
            "demands",
            f"channel {channel}: the header {required['header']}{which}, else {required['status']}",
        )
    for product, channel in controls["products"].items():
        yield "product", f"{product} is answered from channel {channel}"


def _overtaken(controls: wire.Json, armed_fault: ArmedFault) -> int | None:
    if armed_fault.sequence is None:
        return None
    try:
        return overtaken_by(msgspec.convert(controls, Controls, str_keys=True), armed_fault)
    except msgspec.ValidationError:  # a server of another version has them otherwise
        return None


def reach_marks(release: wire.Json, names: Names) -> Iterator[str]:
    """Whom a release leaves out: its rollout, and its targets."""
    if release["percent"] < 100:
        always = ", ".join(who(client, names) for client in release["always"])
        yield f"{release['percent']:g} %" + (f" and {always}" if always else "")
    if release["targets"]:
        yield f"for {targets_words(release['targets'], names)}"


def _narrowed(controls: wire.Json) -> Iterator[int]:
    """The releases in play that not everyone may have: those above the newest whole one of their channel."""
    for channel in controls["channels"].values():
        for sequence in channel.get("releases", ()):
            release = controls["releases"][str(sequence)]
            if release["withheld"]:
                continue
            if release["percent"] >= 100 and not release["targets"]:
                break
            yield sequence


@click.command(params=finding_a_server())
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="how many, newest first"
)
def releases(as_json: bool, limit: int, **where: Any) -> None:
    """What is offered, newest first."""
    site = control(where)
    found = site.get("/api/releases", limit=limit)
    if as_json:
        echo_json(found)
        return
    if not found:
        click.echo("no release yet: the first finished build becomes one, or hotswap-dev publish DIST")
        return
    targeted = any(one["always"] or one["targets"].get("clients") for one in found)
    names: Names = site.get("/api/state")["controls"]["names"] if targeted else {}
    rows = [("", "version", "channel", "needs", "files", "size", "published", "from", "")]
    rows += [
        (
            str(one["sequence"]),
            one["version"],
            one["channel"],
            one["min_binary_version"],
            str(one["bundle"]["files"]),
            size(one["bundle"]["size"]),
            datetime.fromisoformat(one["published_at"]).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            one["origin"] + (f" {one['from_sequence']}" if one["from_sequence"] is not None else ""),
            "; ".join(_marks(one, names)),
        )
        for one in found
    ]
    for text in table(rows, right={0, 4, 5}):
        click.echo(text)


@click.command(params=finding_a_server())
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="how many, the last seen first",
)
def clients(as_json: bool, limit: int, **where: Any) -> None:
    """Who was seen, and what each one's check-ins prove."""
    found = control(where).get("/api/clients", limit=limit)
    if as_json:
        echo_json(found)
        return
    if not found:
        click.echo("no client yet: build the app once with the line that serve prints; dev builds never ask")
        return
    names, now = {one["id"]: one["name"] for one in found if one["name"]}, datetime.now(UTC)
    said = [[*([one["label"]["sentence"]] if one["label"] else []), *one["remarks"]] for one in found]
    often = Counter(itertools.chain.from_iterable(said))
    noted = {text: f"[{number}]" for number, text in enumerate((one for one in often if often[one] > 1), 1)}
    rows = [("client", "runs on", "binary", "channel", "at", "seen", "")]
    rows += [
        (
            cut(who(one["id"], names), WIDEST_CLIENT),
            f"{one['platform'] or '?'}/{one['arch'] or '?'}",
            one["binary_version"] or "?",
            one["channel"] or "-",
            "?" if one["sequence"] is None else str(one["sequence"]),
            ago(now, one["last_seen"]),
            ", ".join(
                [
                    *([one["label"]["code"]] if one["label"] else []),
                    *([f"pinned to {one['pinned']}"] if one["pinned"] is not None else []),
                    *(
                        [" ".join(marks)]
                        if (marks := [noted[text] for text in texts if text in noted])
                        else []
                    ),
                ]
            ),
        )
        for one, texts in zip(found, said, strict=True)
    ]
    head, *lines = table(rows, right={4})
    click.echo(head)
    for text, texts in zip(lines, said, strict=True):
        click.echo(text)
        for sentence in texts:
            if sentence not in noted:
                for part in wrapped(sentence, indent="  "):
                    click.echo(click.style(part, dim=True))
    for sentence, mark in noted.items():
        for part in wrapped(sentence, indent=" " * (len(mark) + 1), first=f"{mark} "):
            click.echo(click.style(part, dim=True))


def ago(now: datetime, then: str) -> str:
    """How long ago an RFC 3339 time was, in the unit that a person would use; a clock that was set back is no time."""
    seconds = max(0, int((now - datetime.fromisoformat(then)).total_seconds()))
    for unit, length, until in (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 48 * 3600)):
        if seconds < until:
            return f"{seconds // length} {unit} ago"
    return f"{seconds // (24 * 3600)} days ago"


def _marks(release: wire.Json, names: Names) -> Iterator[str]:
    yield from reach_marks(release, names)
    for name in ("mandatory", "withheld"):
        if release[name]:
            yield name
    if release["bundle_gone"]:
        yield "bundle gone"
    pinned = release["pinned"]
    if pinned:
        yield f"pinned by {pinned[0]}" + (f" and {len(pinned) - 1} more" if len(pinned) > 1 else "")


def _some(sequences: Sequence[int]) -> str:
    shown = ", ".join(map(str, sequences[-10:]))
    return f"…, {shown}" if len(sequences) > 10 else shown


def _clients(clients: Sequence[wire.Json], names: Names) -> str:
    if not clients:
        return "none yet"
    newest = max(clients, key=lambda client: client["last_seen"])
    at = "" if newest["sequence"] is None else f" at {newest['sequence']}"
    return f"{len(clients)}, last {who(newest['id'], names)}{at} ({newest['reason']})"
