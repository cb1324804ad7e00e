"""`why`: the answer that a client gets now, seen or imagined, and all that explains it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.lines import clock
from hotswap_dev.cli.meaning import client_meant, known_in, latest_sequence
from hotswap_dev.cli.options import control, echo_json, finding_a_server
from hotswap_dev.cli.paragraphs import wrapped
from hotswap_dev.cli.words import LATEST, ChannelWord, ClientWord, Whole
from hotswap_dev.domain.checks import ARCHES, PLATFORMS
from hotswap_dev.domain.fact_words import who
from hotswap_dev.errors import HotswapError, UsageError

_LABEL = 8
_QUESTION = "sequence, binary_version, platform, arch, channel"
_OPTIONS = "--sequence, --binary-version, --platform, --arch, --channel"


@click.command(params=finding_a_server())
@click.argument("client", required=False, type=ClientWord(), metavar="[CLIENT]")
@click.option("--sequence", type=Whole(sequence=True, nullable=False), help="what it has (default: 0)")
@click.option("--binary-version", metavar="V", help="its app's version (default: the app's)")
@click.option("--platform", type=click.Choice(PLATFORMS), help="(default: linux)")
@click.option("--arch", type=click.Choice(ARCHES), help="(default: x86_64)")
@click.option("--channel", type=ChannelWord(), metavar="NAME", help="what it asks for (default: production)")
def why(as_json: bool, client: str | None, **given: Any) -> None:
    """Why a client is answered as it is, what it does with the answer, and what would change it.

    CLIENT is an id, the beginning of one, or a name. Options stand in for what is known of it, or describe a client
    that does not exist.

    \b
    hotswap-dev why Pixel
    hotswap-dev why --sequence 5 --binary-version 0.4.0 --platform android
    """  # noqa: D301 - click's mark for lines that stay as they are
    where = {name: given.pop(name) for name in ("project", "workspace", "debug")}
    asked = {name: value for name, value in given.items() if value is not None}
    if client is None and not asked:
        raise UsageError(
            "why: nothing says which client is meant",
            "name one of hotswap-dev clients, or describe one: --sequence 5 --binary-version 0.4.0",
        )
    site = control(where)
    named = (
        None if client is None else client_meant(client, known_in(site.get("/api/state")), say=bool(asked))
    )
    if asked.get("sequence") is LATEST:
        asked["sequence"] = latest_sequence(site)
    try:
        found = site.get("/api/why", client=named, **asked)
    except HotswapError as error:
        error.hint = _as_options(error.hint)
        raise
    if as_json:
        echo_json(found)
        return
    for text in explained(found):
        click.echo(text)


def _as_options(hint: str) -> str:
    """The hint of the control site, with the parameters of a query as the options that they are here."""
    names = _QUESTION.replace(", ", "|")
    typed = re.sub(rf" ?[?&]({names})=([^\s&]+)", lambda one: f" --{one[1].replace('_', '-')} {one[2]}", hint)
    return typed.replace(_QUESTION, _OPTIONS)


def explained(why: wire.Json) -> Iterator[str]:
    """The lines for an answer of `GET /api/why`, 80 columns wide but for commands, which must stay whole."""
    check, known = why["check"], why["client"]
    names = {check["client"]: why["name"]} if why["name"] else {}
    subject = who(check["client"], names) if check["client"] else "a client that does not exist"
    yield from wrapped(f"{click.style(subject, bold=True)}: {_asked(check)}", indent="  ", first="")
    if known is not None and check["sequence"] in (None, known["sequence"]):
        sentences = [*([known["label"]["sentence"]] if known["label"] else []), *known["remarks"]]
        yield from _labelled("KNOWN", " ".join(sentences))
    yield from _labelled("ANSWER", _answer(why))
    yield from _labelled("WHY", why["sentence"], why["change"])
    if why["considered"]:
        yield "Passed over, highest first:"
        for one in why["considered"]:
            head = f"  {one['sequence']}  {one['code']}: "
            # The answer's own reason is not said twice.
            same = one["detail"] == why["sentence"]
            yield from wrapped("as above" if same else one["detail"], indent="      ", first=head)
            if one["change"] and not same:
                yield f"      → {one['change']}"
    step = why["next"]
    yield from _labelled(
        "NEXT", step["sentence"], "" if step["command"] == why["change"] else step["command"]
    )


def _asked(check: wire.Json) -> str:
    if check["sequence"] is None:
        when = f" ({clock(check['at'])}, {check['path']})" if check["at"] else ""
        return f"its last check{when} could not be read; options describe another one"
    binary = check["binary_version"] or "unknown"
    channel = check["channel"] or "production (none named)"
    return f"at {check['sequence']}, binary {binary}, {check['platform']}/{check['arch']}, channel {channel}"


def _answer(why: wire.Json) -> str:
    status, reason, fault = why["status"], why["reason"], why.get("fault")
    if fault is not None:
        told = "nothing is answered" if status == 0 else str(status)
        offer = f", release {why['offered']} ({why['version']})" if "offered" in why else ""
        return f"{told}{offer}, by the fault {fault}"
    if status >= 400:
        return f"{status}, refused ({reason})"
    if status != 200:
        return f"{status}, no update ({reason})"
    mandatory = ", mandatory" if why.get("mandatory") else ""
    return f"200, release {why['offered']} ({why['version']}{mandatory}), {reason}"


def _labelled(label: str, text: str, command: str = "") -> Iterator[str]:
    margin = " " * _LABEL
    if text:
        yield from wrapped(text, indent=margin, first=f"{label:<{_LABEL}}")
    if command:
        yield f"{margin}→ {command}"
