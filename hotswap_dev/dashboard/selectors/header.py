"""Line 1: which app, how things stand, where builds go, where clients find the server, and whose key signs."""

from __future__ import annotations

from urllib.parse import urlsplit

from hotswap_dev import wire
from hotswap_dev.dashboard.details.figures import clock
from hotswap_dev.dashboard.selectors.columns import Piece, as_many, margined
from hotswap_dev.dashboard.selectors.figures import folder
from hotswap_dev.dashboard.selectors.way import waiting_role
from hotswap_dev.dashboard.spans import Line, Role, Span, cells, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.text import shown


def header(view: View, width: int) -> Line:
    """` my-app 0.4.1  ● watching dist  builds → beta  :3333 loopback           key 3FqA`."""
    about = view.about
    right: Line = ()
    if about is not None:
        right = (
            line(Span(f" PRODUCTION KEY {shown(about.key_id)} ", "danger"))
            if about.production_key
            else line(Span(f"key {shown(about.key_id)}", "dim"))
        )
    pieces = [
        Piece(_app(view), 2 if view.link.state != "live" else 1),
        Piece(_state(view)),
        Piece(_builds(view), 3),
        Piece(_place(about) if about else (), 4),
    ]
    room = width - 2 - (cells(right) + 2 if right else 0)
    if room < 20:  # the key's own line of the chips still says whose it is
        room, right = width - 2, right if about is not None and about.production_key and width > 60 else ()
    return margined(as_many(pieces, max(0, room), "  "), right, width)


def _app(view: View) -> Line:
    about = view.about
    if about is None:
        return line(Span("hotswap-dev", "strong"))
    version = f" {shown(view.builds.app_version)}" if view.builds.app_version else ""
    return line(Span(f"{shown(about.app)}{version}", "strong"))


def _state(view: View) -> Line:
    text, role = state_words(view)
    return line(Span("● ", role), Span(text, "text" if role == "good" else role))


def state_words(view: View) -> tuple[str, Role]:
    """How dashboard, server and build stand to each other, and how that looks."""
    link = view.link
    since = "" if link.since is None else f" since {clock(link.since)}"
    if link.state == "starting":
        return ("starting", "accent") if not link.said else (f"no server yet{since}", "warn")
    if link.state == "gap":
        return "events were missed, reading again", "warn"
    if link.state == "reconnecting":
        return f"disconnected{since}, reconnecting", "bad"
    if link.state == "gone":
        return f"server gone{since}", "bad"
    dist = view.builds.dist or (view.about.dist if view.about else None)
    if view.builds.building is not None:
        return f"building {folder(view.builds.building)}", "accent"
    if view.builds.waiting is not None:
        return f"waiting for {folder(dist or 'a build')}", waiting_role(view.builds.waiting)
    if view.builds.refused is not None:
        return "build refused", "bad"
    if dist is None:
        return "watching nothing", "dim"
    return f"watching {folder(dist)}", "good"


def _builds(view: View) -> Line:
    if view.about is None:
        return ()
    # The one that it becomes where that is asked for already.
    channel = view.expected.build_channel
    pending = "…" if channel != view.controls.build_channel else ""
    return line(Span("builds → ", "dim"), Span(f"{shown(channel)}{pending}"))


def _place(about: wire.About) -> Line:
    if about.host_is_loopback:
        port = _port(about.site)
        return line(Span(f"{port} " if port else "", "text"), Span("loopback", "dim"))
    open_to = next((one for one in about.addresses if "127.0.0.1" not in one), about.site)
    return line(Span(shown(open_to.partition("://")[2] or open_to)))


def _port(site: str) -> str:
    try:
        port = urlsplit(site).port
    except ValueError:
        return ""
    return "" if port is None else f":{port}"
