"""`diff`: what changed from one release to another, file by file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.lines import size
from hotswap_dev.cli.meaning import latest_sequence
from hotswap_dev.cli.options import control, echo_json, finding_a_server
from hotswap_dev.cli.tables import table
from hotswap_dev.cli.words import LATEST, Latest, Whole

_COLOURS = {"added": "green", "changed": "yellow", "removed": "red"}


@click.command(params=finding_a_server())
@click.argument("before", metavar="A", type=Whole(sequence=True, nullable=False))
@click.argument("after", metavar="B", type=Whole(sequence=True, nullable=False))
def diff(before: int | Latest, after: int | Latest, as_json: bool, **where: Any) -> None:
    """What changed from release A to release B: files added, changed and removed, with their sizes.

    A and B are sequences, or latest. A file is changed when its content is, whatever its date.
    """
    site = control(where)
    newest = latest_sequence(site) if before is LATEST or after is LATEST else 0
    found = site.get(
        "/api/diff",
        **{
            "from": newest if isinstance(before, Latest) else before,
            "to": newest if isinstance(after, Latest) else after,
        },
    )
    if as_json:
        echo_json(found)
        return
    for text in compared(found):
        click.echo(text)


def compared(found: wire.Json) -> Iterator[str]:
    """The lines for people; `found` as `GET /api/diff` has it."""
    counts, sizes = found["counts"], found["sizes"]
    if not found["changes"]:
        yield f"{found['from']} and {found['to']} have the same files: {_files(counts['same'])}"
        return
    rows = [("", "before", "after", "file")]
    rows += [
        (one["change"], _size(one["before"]), _size(one["after"]), one["path"]) for one in found["changes"]
    ]
    head, *lines = table(rows, right={1, 2})
    yield head
    for text, one in zip(lines, found["changes"], strict=True):
        yield click.style(text, fg=_COLOURS[one["change"]])
    total = counts["added"] + counts["changed"] + counts["removed"]
    if total > len(found["changes"]):
        yield f"and {_files(total - len(found['changes']))} more"
    yield ""
    told = ", ".join(f"{counts[kind]} {kind}" for kind in _COLOURS)
    yield f"{told}, {counts['same']} the same"
    yield f"files   {_way(sizes['before'], sizes['after'])}"
    yield f"bundle  {_way(sizes['bundle_before'], sizes['bundle_after'])}"


def _way(before: int, after: int) -> str:
    grown = after - before
    more = f"{'+' if grown > 0 else '-'}{size(abs(grown))}" if grown else "the same"
    return f"{size(before)} → {size(after)} ({more})"


def _size(count: int | None) -> str:
    return "" if count is None else size(count)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"
