"""What a run came to, as one page for people: a static HTML file with inline SVG that loads nothing from anywhere.

    render(Report(title="Demo", when=now, releases=(Way(sequence=5, version="1.0.0-ota.5", clients=8, running=8),)))

A `Report` (`export.told`) is what is shown, frozen; `scenario.reporting.gathered` makes one of a run. The same report
is the same bytes. Every text may come from a client or a file: it is shown, never markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hotswap_dev.export.headline import headline, sentences
from hotswap_dev.export.markup import counted, duration, isolated, joined, milliseconds, moment, text
from hotswap_dev.export.plots import Segment, bar, columns
from hotswap_dev.export.report_releases import hits, legend, lines_over_time, summary, ways_table
from hotswap_dev.export.report_style import PATTERNS, STYLE
from hotswap_dev.export.told import (
    STANDINGS,
    Answers,
    Beat,
    BeatOutcome,
    ClientRow,
    Figure,
    Latency,
    Moment,
    Rate,
    Report,
    Series,
    Standing,
    Struck,
    Way,
)

__all__ = [
    "Answers",
    "Beat",
    "ClientRow",
    "Figure",
    "Latency",
    "Moment",
    "Rate",
    "Report",
    "Series",
    "Struck",
    "Way",
    "headline",
    "render",
]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_MOST_CLIENTS = 50
_MOST_WELL = 12
"""Of those without trouble."""

_WELL = ("running", "confirmed")
_MOST_BEATS = 200


def render(report: Report) -> str:
    """The page as one HTML document. Its size is bounded: of many clients the most interesting ones are named."""
    outcome = headline(report)
    body = joined(
        (
            _head(report),
            summary(report),
            lines_over_time(report),
            ways_table(report),
            hits(report),
            _rate(report),
            _answers(report.answers),
            _story(report.beats),
            _faults(report.faults),
            _clients(report.clients, report.known),
            _latencies(report.latencies),
            _foot(report),
        )
    )
    return joined(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{text(report.title)}: {text(outcome, 120)}</title>",
            f"<style>{STYLE}</style></head>",
            f"<body>{PATTERNS}<main>",
            body,
            "</main></body></html>\n",
        )
    )


def _head(report: Report) -> str:
    outcome, *further = sentences(report)
    said = [moment(report.when)]
    if report.seconds:
        said.append(f"over {duration(report.seconds)}")
    if report.seed is not None:
        said.append(f"seed {report.seed}")
    if report.source:
        said.append(f"from {isolated(report.source)}")
    red = ' class="bad-text"' if any(beat.outcome == "failed" for beat in report.beats) else ""
    beside = ""
    if report.others:
        one = report.others == 1
        beside = (
            f'<p class="soft">The server knows {counted(report.others, "other client")} too, '
            f"{'which is' if one else 'which are'} not counted here.</p>"
        )
    return (
        f'<header><p class="over">{isolated(report.title)}</p><h1{red}>{text(outcome, 400)}</h1>'
        f"{''.join(f'<p class=lead>{isolated(one, 400)}</p>' for one in further)}"
        f'<p class="soft">{" · ".join(said)}</p>{beside}</header>'
    )


def _section(title: str, content: str, said: str = "") -> str:
    below = f'<p class="soft">{said}</p>' if said else ""
    return f"<section><h2>{title}</h2>{below}{content}</section>"


def _rate(report: Report) -> str:
    rate = report.rate
    if rate is None or not any(rate.counts) or rate.period <= 0:
        return ""
    said = "" if rate.period == 60 else "Each column is what its part of the run would come to in a minute"
    return _section("Checks a minute", f"<figure>{columns('rate', 'Checks a minute', rate)}</figure>", said)


# --- tables -----------------------------------------------------------------------------------------------------------


def _answers(answers: Sequence[Answers]) -> str:
    every = sum(one.count for one in answers)
    if not every:
        return ""
    order = sorted(answers, key=lambda one: (-one.count, one.reason))
    rows = "".join(
        f'<tr><th scope="row">{_REASONS.get(one.reason, isolated(one.reason, 60))} '
        f'<code>{text(one.reason, 60)}</code></th><td class="bars">'
        f"{bar((Segment('accent-fill', one.count, 'answers'),), every, width=260)}</td>"
        f'<td class="n">{one.count:,}</td><td class="n">{_share(one.count, every)}</td></tr>'
        for one in order
    )
    heads = (
        '<th scope="col">Why</th><th scope="col">Share</th><th scope="col" class="n">Answers</th>'
        '<th scope="col" class="n">Of all</th>'
    )
    return _section("What the checks were answered", _table("Answers by reason", heads, rows))


def _share(part: int, whole: int) -> str:
    share = 100 * part / whole
    return "&lt; 1 %" if 0 < share < 1 else "&gt; 99 %" if 99 < share < 100 else f"{share:.0f} %"


def _story(beats: Sequence[Beat]) -> str:
    if not beats:
        return ""
    items = []
    for beat in beats[:_MOST_BEATS]:
        mark, words, kind = _OUTCOMES[beat.outcome]
        at = "" if beat.at is None else f" at {duration(beat.at)}"
        said = f'<p class="soft">{isolated(beat.said, 400)}</p>' if beat.said else ""
        detail = "".join(
            f'<p class="{kind}">{what}: {isolated(words, 1000)}</p>'
            for what, words in (("at", beat.failed_at), ("expected", beat.expected), ("seen", beat.seen))
            if words
        )
        items.append(
            f'<li><span class="mark-of {kind}" aria-hidden="true">{mark}</span><div><strong>{isolated(beat.title)}'
            f'</strong> <span class="{kind}">{words}</span><span class="soft">{at}</span>{said}{detail}</div></li>'
        )
    more = len(beats) - len(items)
    rest = f'<p class="soft">And {counted(more, "step")} more.</p>' if more else ""
    passed = sum(beat.outcome == "passed" for beat in beats)
    return _section(
        "The story, step by step",
        f'<ol class="story">{"".join(items)}</ol>{rest}',
        f"{passed} of {len(beats)} passed",
    )


_OUTCOMES: dict[BeatOutcome, tuple[str, str, str]] = {
    "passed": ("✓", "passed", "good-text"),
    "failed": ("✗", "failed", "bad-text"),
    "not-run": ("○", "not run", "soft"),
}


def _faults(faults: Sequence[Struck]) -> str:
    if not faults:
        return ""
    rows = "".join(
        f'<tr><th scope="row"><code>{text(one.fault, 60)}</code></th><td class="n">{one.times:,}</td>'
        f'<td class="n">{one.clients:,}</td><td>{isolated(one.reaction, 400)}</td></tr>'
        for one in faults
    )
    heads = (
        '<th scope="col">Fault</th><th scope="col" class="n">Struck</th><th scope="col" class="n">Clients</th>'
        '<th scope="col">What a client does then</th>'
    )
    return _section(
        "Faults that were armed",
        _table("Faults that were armed, whom they struck, and what they lead to", heads, rows),
    )


def _clients(clients: Sequence[ClientRow], known: int) -> str:
    if not clients:
        return ""
    order = sorted(clients, key=lambda one: (STANDINGS.index(one.standing), one.name))
    several = len({one.channel for one in clients}) > 1
    channel_head = '<th scope="col">Channel</th>' if several else ""
    # Of many, those without trouble are all alike.
    trouble = sum(one.standing not in _WELL for one in order)
    named = min(_MOST_CLIENTS, trouble + _MOST_WELL)
    rows = "".join(_client(one, several=several) for one in order[:named])
    heads = (
        '<th scope="col">Client</th><th scope="col">How it stands</th><th scope="col" class="n">Runs</th>'
        f'<th scope="col">Platform</th><th scope="col">Binary</th>{channel_head}'
        '<th scope="col" class="n">Checks</th><th scope="col">What its check-ins prove</th>'
    )
    rest = order[named:]
    counts = Counter(one.standing for one in rest)
    words = ", ".join(f"{counts[one]:,} {_STANDS[one][1]}" for one in STANDINGS if counts[one])
    unseen = max(0, known - len(clients))
    if unseen:
        words += f"{', ' if words else ''}{unseen:,} not looked at"
    more = f'<p class="soft">And {counted(len(rest) + unseen, "client")} more: {words}.</p>' if words else ""
    said = f"The {named} that say most" if rest else ""
    return _section("Clients", _table("Clients, those with trouble first", heads, rows) + more, said)


def _client(one: ClientRow, *, several: bool) -> str:
    mark, words, kind = _STANDS[one.standing]
    runs = "?" if one.runs is None else "embedded" if one.runs == 0 else str(one.runs)
    channel = f'<td class="short">{isolated(one.channel, 40)}</td>' if several else ""
    return (
        f'<tr><th scope="row" class="client">{isolated(one.name, 60)}</th>'
        f'<td class="{kind} nowrap">{mark} {words}</td><td class="n">{runs}</td>'
        f'<td class="short">{isolated(one.platform, 40)}</td>'
        f'<td class="short">{isolated(one.binary_version, 40)}</td>{channel}<td class="n">{one.checks:,}</td>'
        f'<td class="said-of">{isolated(one.said, 240)}</td></tr>'
    )


_STANDS: dict[Standing, tuple[str, str, str]] = {
    "fell-back": ("↩", "fell back", "bad-text"),
    "failed": ("✗", "failed", "bad-text"),
    "ahead": ("↑", "ahead", "bad-text"),
    "waiting": ("…", "not there yet", "soft"),
    "running": ("▸", "running", "good-text"),
    "confirmed": ("✓", "confirmed", "good-text"),
}


def _latencies(latencies: Sequence[Latency]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{isolated(one.what)}</th><td class="n">{one.count:,}</td>'
        f'<td class="n">{milliseconds(one.p50)}</td><td class="n">{milliseconds(one.p99)}</td>'
        f'<td class="n">{milliseconds(one.worst)}</td></tr>'
        for one in latencies
        if one.count
    )
    if not rows:
        return ""
    heads = (
        '<th scope="col">What</th><th scope="col" class="n">How often</th><th scope="col" class="n">Half within</th>'
        '<th scope="col" class="n">99 of 100 within</th><th scope="col" class="n">Slowest</th>'
    )
    return _section("How long the server took", _table("Times of the server's answers", heads, rows))


def _table(caption: str, heads: str, rows: str) -> str:
    return (
        f'<div class="scroll"><table><caption>{caption}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _foot(report: Report) -> str:
    remarks = "".join(f"<p>{isolated(one, 600)}</p>" for one in report.remarks)
    made = "<p>Made by hotswap-dev. Nothing is loaded from elsewhere.</p>"
    return f'<footer class="soft">{legend(report)}{remarks}{made}</footer>'


_REASONS = {
    "newer-release": "An update was offered",
    "up-to-date": "Nothing newer",
    "client-ahead": "The client is ahead of the server",
    "no-release": "The channel has no release",
    "channel-unknown": "There is no such channel",
    "channel-paused": "The channel is paused",
    "binary-too-old": "The binary of the app is too old",
    "not-targeted": "It is meant for others",
    "not-in-rollout": "Outside of the rollout so far",
    "release-withheld": "The release is withheld",
    "pinned": "Pinned to another release",
    "forced-204": "No update, because somebody said so",
    "fault": "A fault struck",
    "access-denied": "Refused: the header is missing or wrong",
    "bad-request": "The check could not be read",
}
