"""The part of a report that is about releases: its large figures, the plots over time, and each release's way."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from hotswap_dev.export.headline import broke, hurt, the_one
from hotswap_dev.export.markup import counted, isolated, percent, several, text
from hotswap_dev.export.plots import Segment, bar, lines
from hotswap_dev.export.stacked import stacked
from hotswap_dev.export.told import Figure, Moment, Report, Series, Way

_MOST_WAYS = 25
_MOST_BANDS = 9
_ORDER = ("bad", "one", "old", "embedded")
_MOST_COMPARED = 5


def summary(report: Report) -> str:
    """The numbers that one looks at first."""
    found = [*_figures(report), *report.figures]
    if not found:
        return ""
    boxes = "".join(
        f"<div><dt>{isolated(one.words, 80)}</dt><dd{' class=bad-text' if one.bad else ''}>"
        f"{isolated(one.value, 24)}</dd></div>"
        for one in found
    )
    return f'<dl class="figures">{boxes}</dl>'


def _figures(report: Report) -> list[Figure]:
    best = the_one(report.releases)
    found: list[Figure] = []
    if report.known:
        found.append(Figure(value=f"{report.known:,}", words=_plural(report.known, "client")))
    if best is not None and best.clients:
        found.append(
            Figure(
                value=f"{best.running:,} of {best.clients:,}",
                words=f"run release {best.sequence}",
                bad=broke(best),
            )
        )
        if best.confirmed:
            found.append(Figure(value=f"{best.confirmed:,}", words="confirmed"))
    harmed = sum(hurt(way) for way in report.releases) if report.harmed is None else report.harmed
    if harmed:
        found.append(Figure(value=f"{harmed:,}", words="fell back or failed", bad=True))
    if report.checks:
        found.append(Figure(value=f"{report.checks:,}", words=_plural(report.checks, "check")))
    return found


def _plural(count: int, one: str) -> str:
    return one if count == 1 else f"{one}s"


# --- over time -------------------------------------------------------------------------------------------------------


def lines_over_time(report: Report) -> str:
    """Who runs what, from the begin of the run to its end."""
    drawn = [one for one in report.running if one.points]
    if not drawn:
        return ""
    shown, kinds, merged = _bands(report, drawn)
    most = max([report.known, *(way.clients for way in report.releases)], default=0)
    said = "Every client, by what it runs; who of them confirmed it is told below"
    if merged:
        said += f"; {merged} releases are one band"
    svg = stacked(
        "adoption",
        "Clients by what they run, over time",
        shown,
        kinds=kinds,
        seconds=report.seconds,
        most=most,
        moments=report.moments,
    )
    return (
        f'<section><h2>Adoption over time</h2><p class="soft">{said}</p>{_band_key(shown, kinds)}'
        f"<figure>{svg}</figure></section>"
    )


def _band_key(shown: Sequence[Series], kinds: Mapping[str, str]) -> str:
    """What the colours of the bands mean: they are releases', not the stations' of the table below."""
    drawn = {kinds[one.name]: one for one in shown if _peak(one)}
    items = []
    if "bad" in drawn:
        bad = [one for one in shown if kinds[one.name] == "bad" and _peak(one)]
        named = several(str(one.sequence) for one in bad)
        items.append(("key-bad", f"release{'s' if len(bad) > 1 else ''} {named}: bad, clients fell back"))
    if "one" in drawn:
        items.append(("key-one", drawn["one"].name))
    if any(kind.startswith("old") for kind in drawn):
        items.append(("key-old", "other releases" if "one" in drawn or "bad" in drawn else "releases"))
    if "embedded" in drawn:
        items.append(("key-embedded", "the page built into the app"))
    return _swatches(items)


def _bands(report: Report, series: Sequence[Series]) -> tuple[list[Series], Mapping[str, str], int]:
    """The bands from the bottom up: the bad ones, what it is about, older ones, the embedded page; how each is drawn;
    and how many releases the last band but one stands for, where there are too many.
    """
    ways = {way.sequence: way for way in report.releases}
    best = the_one([way for way in report.releases if not broke(way)])

    def kind(one: Series) -> str:
        way = ways.get(one.sequence) if one.sequence is not None else None
        if way is not None and broke(way):
            return "bad"
        if best is not None and one.sequence == best.sequence:
            return "one"
        return "embedded" if one.sequence == 0 else "old"

    order = sorted(series, key=lambda one: (_ORDER.index(kind(one)), -(one.sequence or 0), one.name))
    wanted = sorted(order, key=lambda one: (kind(one) != "old", _peak(one), one.sequence or 0), reverse=True)
    # A band for one alone would be no fewer.
    kept = {id(one) for one in wanted[: _MOST_BANDS if len(wanted) > _MOST_BANDS + 1 else len(wanted)]}
    rest = [one for one in order if id(one) not in kept]
    shown = [one for one in order if id(one) in kept]
    kinds: dict[str, str] = {}
    for place, one in enumerate(shown):
        found = kind(one)
        kinds[one.name] = f"old{place % 2}" if found == "old" else found
    if rest:
        place = next((at for at, one in enumerate(shown) if kind(one) == "embedded"), len(shown))
        name = _named_together([one.sequence for one in rest])
        shown.insert(place, Series(name=name, points=_sum(rest)))
        kinds[name] = "old2"
    return shown, kinds, len(rest)


def _named_together(sequences: Sequence[int | None]) -> str:
    known = sorted(one for one in sequences if one is not None)
    if len(known) == len(sequences) and known[-1] - known[0] == len(known) - 1:
        return f"releases {known[0]} to {known[-1]}" if len(known) > 1 else f"release {known[0]}"
    return "other releases"


def _sum(series: Sequence[Series]) -> tuple[tuple[float, int], ...]:
    """Several counts as one."""
    steps: dict[float, int] = {}
    for one in series:
        was = 0
        for at, value in one.points:
            steps[at] = steps.get(at, 0) + value - was
            was = value
    total, out = 0, []
    for at in sorted(steps):
        total += steps[at]
        out.append((at, total))
    return tuple(out)


def _peak(one: Series) -> int:
    return max((value for _, value in one.points), default=0)


def hits(report: Report) -> str:
    """How many a bad release had hit, over time: in one run, or in several side by side."""
    drawn = [one for one in report.hits if one.points][:_MOST_COMPARED]
    if not drawn:
        return ""
    # Of one release, runs are compared; else each is a bad one.
    compared = len(drawn) > 1 and len({one.sequence for one in drawn}) == 1
    if compared:
        kinds = dict(zip((one.name for one in drawn), ("one", "bad", "c1", "c2", "c3"), strict=False))
    else:
        kinds = _hit_kinds(drawn, {way.sequence for way in report.releases if not broke(way)})
    svg = lines(
        "hits",
        "Clients that had fallen back from a release or failed with it, over time",
        drawn,
        kinds=kinds,
        seconds=report.seconds,
        moments=_about_bad(report.moments),
    )
    said = "Clients that had fallen back from it, or failed with it, until then"
    bad = all(kind in ("one", "bad", "bad2") for kind in kinds.values()) or compared
    title = "Hit by a bad release" if bad else "Fell back or failed"
    return f'<section><h2>{title}</h2><p class="soft">{said}</p><figure>{svg}</figure></section>'


def _hit_kinds(drawn: Sequence[Series], good: Container[int | None]) -> dict[str, str]:
    """The bad ones' lines are red; those of releases that only could not be had, under a fault for example, are not."""
    red, others = iter(("bad", "bad2")), iter(("c2", "c3", "c1"))
    return {one.name: next(others if one.sequence in good else red, "embedded") for one in drawn}


def _about_bad(moments: Sequence[Moment]) -> Sequence[Moment]:
    return [one for one in moments if "withheld" in one.words] or moments


# --- each release's way -------------------------------------------------------------------------------------------


def ways_table(report: Report) -> str:
    """Each release with who stands where on its way, newest first."""
    if not report.releases:
        return ""
    order = sorted(report.releases, key=lambda way: -way.sequence)
    # Beyond what is recent, what did harm is worth its row.
    kept = [way for place, way in enumerate(order) if place < _MOST_WAYS or hurt(way)][: 2 * _MOST_WAYS]
    rows = "".join(_row(way, several=len({one.channel for one in order}) > 1) for way in kept)
    more = len(order) - len(kept)
    rest = f'<p class="soft">And {counted(more, "older release")} that did no harm.</p>' if more else ""
    heads = "".join(
        f'<th scope="col"{" class=n" if right else ""}>{words}</th>'
        for words, right in (
            ("Release", False),
            ("Its clients", False),
            ("Offered", True),
            ("Fetched", True),
            ("Running", True),
            ("Confirmed", True),
            ("Fell back", True),
            ("Failed", True),
        )
    )
    return (
        f"<section><h2>Releases</h2>{_key()}"
        '<div class="scroll"><table><caption>Releases, and how many clients came how far with each</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{rest}</section>"
    )


def _row(way: Way, *, several: bool) -> str:
    about = " · ".join(
        one
        for one in (
            isolated(way.version, 40) if way.version else "",
            isolated(way.channel, 40) if several else "",
            _ORIGINS.get(way.origin, "") + (f" of {way.from_sequence}" if way.from_sequence else ""),
        )
        if one.strip()
    )
    tags = "".join(f'<i class="tag {kind}">{words}</i>' for words, kind in _tags(way))
    numbers = "".join(
        f'<td class="n{" zero" if not count else " bad-text" if bad else ""}">{count:,}</td>'
        for count, bad in (
            (way.offered, False),
            (way.fetched, False),
            (way.running, False),
            (way.confirmed, False),
            (way.fell_back, True),
            (way.failed, True),
        )
    )
    notes = f"<span>{isolated(way.notes, 160)}</span>" if way.notes else ""
    return (
        f'<tr><th scope="row" class="release"><b>{way.sequence}</b> {tags}<span>{about}</span>{notes}</th>'
        f'<td class="bars">{bar(segments(way), way.clients)}</td>{numbers}</tr>'
    )


def _tags(way: Way) -> list[tuple[str, str]]:
    found = []
    if way.withheld:
        found.append(("withheld", "bad-text"))
    if way.origin == "poisoned":
        found.append(("poisoned", "bad-text"))
    if way.percent < 100:
        found.append((f"{percent(way.percent)} rollout", "good-text"))
    if way.targeted and way.origin != "poisoned":
        found.append(("for some only", "soft"))
    if way.mandatory:
        found.append(("mandatory", "soft"))
    return found


def segments(way: Way) -> tuple[Segment, ...]:
    """A release's clients, each at one station; together with who was not offered it they are all."""
    again = min(way.again, way.running)
    confirmed = min(way.confirmed, way.running - again)
    # Who failed first and runs it now is where it runs; who gave it up before and has not confirmed it since is not.
    elsewhere = max(0, way.offered - way.running)
    fell = min(max(0, way.fell_back - again), elsewhere)
    failed = min(way.failed, elsewhere - fell)
    had = min(max(0, way.fetched - way.running - fell - failed), elsewhere - fell - failed)
    offered = elsewhere - fell - failed - had
    return (
        Segment("confirmed", confirmed, "confirmed"),
        Segment("running", way.running - again - confirmed, "running, not confirmed"),
        Segment("fell", fell + again, "fell back"),
        Segment("failed", failed, "failed"),
        Segment("way", offered, "offered, not fetched"),
        Segment("had", had, "fetched, runs another"),
    )


def _key() -> str:
    return _swatches(
        (
            ("confirmed", "confirmed"),
            ("running", "running, not confirmed"),
            ("fell", "fell back"),
            ("failed", "failed"),
            ("way", "offered, not fetched"),
            ("had", "fetched, runs another"),
            ("outside", "not offered"),
        )
    )


def _swatches(kinds: Iterable[tuple[str, str]]) -> str:
    items = "".join(
        f'<li><svg viewBox="0 0 26 14" aria-hidden="true"><rect class="{kind}" width="26" height="14"/></svg>'
        f"{text(words)}</li>"
        for kind, words in kinds
    )
    return f'<ul class="key">{items}</ul>' if items else ""


def legend(report: Report) -> str:
    """What the words of the page mean, for whoever has not seen one before."""
    if not report.releases:
        return ""
    return (
        "<p><strong>Confirmed</strong>: the new page reported that it works; no later start gives it up. "
        "<strong>Fell back</strong>: it was started, did not confirm itself, and the client returned to what it ran "
        "before. <strong>Failed</strong>: it could not be downloaded, verified or unpacked; the client keeps what it "
        "has. <strong>Withheld</strong>: it is offered to nobody any more.</p>"
    )


_ORIGINS = {
    "publish": "published by hand",
    "promote": "promotion",
    "reoffer": "copy",
    "roll-back": "rolled back: copy",
    "poisoned": "bad copy",
}
