"""Line 2: the newest release's way, lit as it happens. It is what a developer glances at after a save."""

from __future__ import annotations

from hotswap_dev.dashboard.details.figures import clock, size, took
from hotswap_dev.dashboard.selectors.columns import Piece, as_many, margined
from hotswap_dev.dashboard.selectors.figures import age, folder
from hotswap_dev.dashboard.selectors.for_some import FOR_SOME, POISONED, leaves_out, nobody_words, share
from hotswap_dev.dashboard.selectors.offers import current_on, held_back, offers_now
from hotswap_dev.dashboard.spans import Line, Role, Span, cells, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.adoption import Adoption
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.observations import BuildRefused, Noticed
from hotswap_dev.domain.rollout import WHOLE
from hotswap_dev.domain.text import shown

_STEP = " ▸ "
_ROOMY = 110
_WIDE = 140


def way(view: View, width: int) -> Line:
    """` 14 ▸ saved ✓ ▸ signed 28 ms ▸ offered 4/4 ▸ fetched 2 ▸ running 1 ▸ fell back 0`."""
    link = view.link
    if link.state == "starting":
        return _said(
            link.said or "reading what the server has", link.hint, "warn" if link.said else "dim", width
        )
    if link.state == "gone":
        said = line(Span(shown(link.said or "the server has ended", 1000), "bad"))
        return margined(said, line(Span("q", "key"), Span(" quits")), width)
    if link.state == "reconnecting":
        since = "" if link.since is None else f" What stands below is from {clock(link.since)}."
        return _said(f"{link.said or 'the server does not answer'}.{since}", "", "warn", width)
    newest = shown_newest(view)
    if view.builds.building is not None:
        return _building(view, width)
    if view.builds.waiting is not None:
        return _waiting(view.builds.waiting, view, width)
    if view.builds.refused is not None:
        return _refused(view.builds.refused, view, width)
    if newest is None:
        return _nothing(view, width)
    return _released(view, newest, width)


def followed(view: View) -> str:
    """The channel whose newest release this line is about: the one that is shown alone, else where builds go."""
    return view.channel or view.controls.build_channel


def shown_newest(view: View) -> Release | None:
    """The newest release of that channel."""
    return view.controls.newest(followed(view))


def _served(view: View) -> int | None:
    """What that channel's clients are offered meanwhile."""
    channel = view.controls.channels.get(followed(view))
    if channel is None or channel.paused:
        return None
    return current_on(channel.name, view, view.controls)


def how_it_came(release: Release) -> str:
    """Where a release is from, for one that no save made: `re-offered 12`; "" for a build."""
    source = release.from_sequence
    return {
        "publish": "published by hand",
        "promote": f"promoted from {source}",
        "reoffer": f"re-offered {source}",
        "roll-back": f"rolled back to {source}",
        "poisoned": f"bad copy of {source}",
    }.get(release.origin, "")


def _released(view: View, release: Release, width: int) -> Line:
    adoption = view.adoption.get(release.sequence, Adoption(sequence=release.sequence))
    made = view.published.get(release.sequence)
    saved = (
        "saved ✓" if made is not None and made.offered_ms is not None else how_it_came(release) or "found ✓"
    )
    signed = "signed ✓" if made is None else f"signed {took(made.pack_ms)}"
    nobody = offers_now(view).for_nobody(release, view.controls)
    out = leaves_out(release, nobody)
    held = held_back(release, view.controls) or nobody_words(nobody)
    offered = f"offered {adoption.offered}/{adoption.clients}"
    reached: Role = "good" if adoption.offered else "dim"
    part: Line = ()
    if release.percent < WHOLE:
        part = share(release, view, "warn" if out else "text", columns=_columns(width))
        held = "" if out else held
    elif out:
        held = FOR_SOME
    pieces = [
        Piece(line(Span(str(release.sequence), "accent"))),
        Piece(line(Span(saved, "bad" if release.origin == POISONED else "good")), 4),
        Piece(line(Span(signed, "good")), 3),
        Piece(part, 2),
        Piece(line(Span(f"{held}, {offered}", "warn")) if held else line(Span(offered, reached))),
        Piece(line(Span(f"fetched {adoption.fetched}", "good" if adoption.fetched else "dim")), 1),
        Piece(line(Span(f"running {adoption.running}", "good" if adoption.running else "dim")), 0),
        # Of clients that don't report nothing is said: 0 would read as if none had.
        Piece(line(Span(f"confirmed {adoption.confirmed}", "good")) if adoption.confirmed else (), 1),
        Piece(line(Span(f"failed {adoption.failed}", "bad")) if adoption.failed else (), 0),
        Piece(
            line(Span(f"fell back {adoption.fallen}", "bad" if adoption.fallen else "dim")),
            0 if adoption.fallen else 2,
        ),
    ]
    left = as_many(pieces, max(0, width - 1), _STEP)
    return (
        margined(left, _about_it(view, release, width - 4 - cells(left)), max(width, 0))
        if width >= _ROOMY
        else ((Span(" "), *left) if width > 0 else ())
    )


def _columns(width: int) -> int:
    """How much room there is for who of a rollout has it; 0: none."""
    return 0 if width < _ROOMY else 10 if width < _WIDE else 16


def _about_it(view: View, release: Release, room: int) -> Line:
    """What else there is to say of the newest release where the line is long enough."""
    skipped = view.builds.skipped
    pieces = [
        Piece(line(Span(_same_again(view, skipped.sequence), "dim")) if skipped is not None else (), 3),
        Piece(line(Span(shown(release.version, 40), "text")), 2),
        Piece(line(Span(f"on {shown(release.channel)}", "dim")), 4),
        Piece(line(Span(size(release.bundle.size), "dim")), 5),
        Piece(line(Span(f"{age(release.published_at, view.now)} ago", "dim")), 1),
    ]
    said = as_many(pieces, max(0, room), "  ")
    return said if room > 8 else ()


def _same_again(view: View, sequence: int) -> str:
    # Nothing was published in this run: that the folder was saved meanwhile, or only found, nobody can tell.
    return (
        "saved again, same content"
        if view.builds.last is not None
        else f"found as it was: release {sequence}"
    )


def _building(view: View, width: int) -> Line:
    coming = str(view.expected.next_sequence)
    pieces = [
        Piece(line(Span(coming, "accent"))),
        Piece(line(Span("saved ✓", "good")), 1),
        Piece(line(Span(f"signing {folder(view.builds.building or '')}…", "accent"))),
        *(Piece(line(Span(word, "dim")), 2) for word in ("offered", "fetched", "running")),
    ]
    until = " until then" if width >= _ROOMY else ""
    served = _served(view)
    right = () if served is None else line(Span(f"{served} is served{until}", "dim"))
    return margined(as_many(pieces, max(0, width - 3 - cells(right)), _STEP), right, width)


def _refused(refused: BuildRefused, view: View, width: int) -> Line:
    where = f" ({shown(refused.path)})" if refused.path and refused.path not in refused.detail else ""
    left = line(
        Span("✗ not published ", "bad"),
        Span(f"{shown(refused.code)}: {shown(refused.detail, 1000)}{where}", "bad"),
    )
    return margined(left, _meanwhile(view), width)


def _waiting(notice: Noticed, view: View, width: int) -> Line:
    """What the folder lacks. Red where nothing in it can be published, else only a warning: it takes care of itself."""
    dist = view.builds.dist or ""
    detail = shown(notice.message.replace(dist, folder(dist)) if dist else notice.message, 1000)
    role = waiting_role(notice)
    text = {
        "missing-reference": f"waiting up to 10 s: {detail}",
        "still-changing": f"waiting: {detail}",
    }.get(notice.code, f"not published: {detail}")
    return margined(
        line(Span("✗ " if role == "bad" else "! ", role), Span(text, role)), _meanwhile(view), width
    )


def waiting_role(notice: Noticed) -> Role:
    """How bad it is what the folder waits for."""
    return "warn" if notice.code in ("missing-reference", "still-changing") else "bad"


def _meanwhile(view: View) -> Line:
    served = _served(view)
    if served is None:
        return line(Span("nothing is served", "warn"))
    return line(Span(f"{served} is served on", "good"))


def _nothing(view: View, width: int) -> Line:
    where = f" on {shown(followed(view))}" if view.channel or view.controls.releases else ""
    dist = view.builds.dist or (view.about.dist if view.about else None)
    if dist is None:
        said = line(Span(f"no release yet{where}: ", "warn"), Span("hotswap-dev publish DIST", "strong"))
    else:
        said = line(
            Span(f"no release yet{where}: ", "warn"),
            Span(f"build the frontend into {folder(dist)}, or "),
            Span("p", "key"),
            Span(" publishes it as it is"),
        )
    return margined(said, (), width)


def _said(text: str, hint: str, role: Role, width: int) -> Line:
    said = line(Span(shown(text, 1000), role))
    if hint:
        said = (*said, Span(" · ", "dim"), Span(shown(hint, 1000)))
    return margined(said, (), width)
