"""What a pane says that has nothing in it: never only that, always the next step."""

from __future__ import annotations

import re

from rich.cells import chop_cells

from hotswap_dev.dashboard.selectors.figures import folder
from hotswap_dev.dashboard.spans import Line, Span, cells, cut, line
from hotswap_dev.dashboard.view import Pane, View
from hotswap_dev.domain.text import shown


def empty(view: View, pane: Pane, width: int | None = None) -> tuple[Line, ...]:
    """The lines for a pane without rows, in at most `width` columns where that is given: sentences are broken between
    words, and so is a command line, whole and to be copied, where it has to be.
    """
    lines = _lines(view, pane)
    if width is None:
        return lines
    return tuple(piece for one in lines for piece in _wrapped(one, width))


def _wrapped(spans: Line, width: int) -> list[Line]:
    """A line over as many as it takes. Each piece keeps its role, and a key stays with the word behind it."""
    if cells(spans) <= width:
        return [spans]
    words: list[Span] = []
    for span in spans:
        for word in re.findall(r"\s*\S+|\s+$", span.text):
            words += [Span(part, span.role) for part in chop_cells(word, max(1, width))]
    out: list[list[Span]] = [[]]
    for word in words:
        if out[-1] and cells((*out[-1], word)) > width:
            out.append([Span(word.text.lstrip(), word.role)])
        else:
            out[-1].append(word)
    return [cut(tuple(one), width) for one in out]


def _lines(view: View, pane: Pane) -> tuple[Line, ...]:
    link = view.link
    if link.state == "starting":
        if not link.said:
            return (line(Span("Starting: reading what the server has.", "dim")),)
        return _said(link.said, link.hint)
    if link.state == "gone" and view.about is None:
        return _said(link.said or "The server has ended.", link.hint)
    if pane == "releases":
        return _no_release(view)
    if pane == "clients":
        return _no_client(view)
    return _no_row(view)


def _said(said: str, hint: str) -> tuple[Line, ...]:
    first = line(Span(shown(said, 1000), "warn"))
    return (first, line(Span(shown(hint, 1000)))) if hint else (first,)


def _no_release(view: View) -> tuple[Line, ...]:
    if view.channel is not None and view.controls.releases:
        return (
            line(Span(f"Channel {shown(view.channel)} has no release yet.", "text")),
            line(
                Span("c", "key"),
                Span(" shows the next channel, "),
                Span(">", "key"),
                Span(" promotes to it."),
            ),
        )
    dist = view.builds.dist or (view.about.dist if view.about else None)
    if dist is None:
        return (
            line(Span("No release yet, and no folder is watched.", "text")),
            line(Span("hotswap-dev publish DIST", "strong"), Span("  publishes a folder.")),
        )
    return (
        line(Span(f"No release yet: the first finished build in {folder(dist)} becomes one.", "text")),
        line(Span("p", "key"), Span(" publishes what is there now.")),
    )


def _no_client(view: View) -> tuple[Line, ...]:
    if view.channel is not None and view.clients:
        return (
            line(Span(f"No client asks for channel {shown(view.channel)}.", "text")),
            line(Span("c", "key"), Span(" shows the next channel.")),
        )
    # How to get one stands where there is most room for it, once.
    return (
        line(Span("Whoever asks stands here. ", "dim")),
        line(Span("3", "key"), Span(" says how an app comes to ask.", "dim")),
    )


def _first_client(view: View) -> tuple[Line, ...]:
    about = view.about
    lines: list[Line] = []
    if about is not None and about.build_line:
        lines += [
            line(Span("No client yet. Build the app once with", "text")),
            line(Span(shown(about.build_line, 1000), "strong")),
            line(Span("and start it: it asks here from then on.", "text")),
        ]
    elif about is not None:
        lines += [
            line(Span("No client yet. Point the app's endpoint here:", "text")),
            line(Span(shown(about.endpoint, 1000), "strong")),
        ]
    else:
        lines.append(line(Span("No client yet.", "text")))
    lines.append(line(Span("A dev build (tauri dev) bypasses OTA and never asks. ", "dim")))
    lines.append(line(Span("u", "key"), Span(" shows addresses, a QR code and the build line.", "dim")))
    return tuple(lines)


def _no_row(view: View) -> tuple[Line, ...]:
    if view.filter:
        return (
            line(Span("Nothing here matches ", "text"), Span(shown(view.filter, 60), "warn"), Span(".")),
            line(
                Span("esc", "key"),
                Span(" shows all again, "),
                Span("/", "key"),
                Span(" filters by something else."),
            ),
        )
    if view.channel is not None and view.clients:
        return (
            line(Span(f"Nothing was asked of channel {shown(view.channel)} yet.", "text")),
            line(Span("c", "key"), Span(" shows the next channel.")),
        )
    if view.clients:
        return (line(Span("Nothing has happened since the server started.", "dim")),)
    return _first_client(view)
