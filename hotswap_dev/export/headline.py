"""The outcome of a run in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from hotswap_dev.domain.text import shown
from hotswap_dev.export.markup import counted, percent, several
from hotswap_dev.export.told import Beat, Report, Way

_LONGEST = 160
_LONGEST_STEP = 100
_SHARE = 0.1
"""Of those who had a release: if so many gave it up, it is the release."""

_MOST_NAMED = 2


def headline(report: Report) -> str:
    """As `Release 5 reached 8 of 8 clients; release 4 was withheld after 3 clients fell back.` is.

    Of a run that failed three sentences: what failed, what was expected, what was seen.
    """
    return " ".join(sentences(report))


def sentences(report: Report) -> list[str]:
    """The outcome, and of a run that failed what was expected and what was seen, apart."""
    red = next((beat for beat in report.beats if beat.outcome == "failed"), None)
    return _red(red) if red is not None and not report.headline else [_outcome(report)]


def _outcome(report: Report) -> str:
    if report.headline:
        return report.headline
    if not report.releases:
        if not report.known and not report.checks:
            return "Nothing was released, and no client checked in."
        return f"Nothing was released; {counted(report.known, 'client')} checked in."
    best = the_one(report.releases)
    bad = [way for way in report.releases if is_bad(way) and way is not best]
    if best is not None:
        return f"{_reached(best)}{_of_bad(bad)}."
    incident = _of_bad(bad).removeprefix("; ")
    return f"{_none_offered(report.releases)}{f'; {incident}' if incident else ''}."


def _red(beat: Beat) -> list[str]:
    """What failed, what was expected of it, and what was seen: a sentence each."""
    at = f" at “{shown(beat.failed_at, _LONGEST_STEP)}”" if beat.failed_at else ""
    said = [f"“{shown(beat.title, _LONGEST_STEP)}” failed{at}."]
    said += [f"Expected: {_clause(beat.expected)}."] if beat.expected else []
    said += [f"Seen: {_clause(beat.seen)}."] if beat.seen else []
    return said


def the_one(ways: Sequence[Way]) -> Way | None:
    """The release that a run is about at its end, on the channel that most follow: the newest one that is offered to
    all who ask for it; where nobody runs that one and it hit nobody, the one that most run, withheld or not.

    What is poisoned or re-offered for some only is beside the point, and so is what is built for some only where there
    is another one. None where nothing else is left.
    """
    usual = [way for way in ways if way.origin != "poisoned" and not (way.targeted and way.origin != "build")]
    offered = [way for way in usual if not way.withheld]
    offered = [way for way in offered if not way.targeted] or offered
    run = [way for way in usual if way.running]
    if not offered:
        return max(run, key=_most_run, default=None)
    # Who runs a release of a channel that it has left counts there too, so that the counts of one channel may differ.
    follow: dict[str, int] = {}
    for way in offered:
        follow[way.channel] = max(way.clients, follow.get(way.channel, 0))
    most = max(follow.values())
    newest = max((way for way in offered if follow[way.channel] == most), key=lambda way: way.sequence)
    if newest.running or hurt(newest):
        return newest
    return max((way for way in run if way.channel == newest.channel), key=_most_run, default=newest)


def _most_run(way: Way) -> tuple[int, int]:
    return way.running, way.sequence


def broke(way: Way) -> bool:
    """Whether a release is a bad one by what happened on it: it was poisoned, or clients gave it up. A few of many are
    their own trouble, unless it was withheld for them; and failed downloads say nothing of what was to be downloaded.
    """
    if way.origin == "poisoned":
        return True
    if not way.fell_back or way.withheld:
        return way.fell_back > 0
    return way.confirmed <= way.fell_back and way.fell_back >= _SHARE * max(way.fetched, way.running)


def is_bad(way: Way) -> bool:
    """Whether a release did harm, or was kept from doing any."""
    return way.withheld or way.origin == "poisoned" or hurt(way) > 0


def hurt(way: Way) -> int:
    """Clients that fell back from it or failed with it, as far as is known."""
    return way.hit or way.fell_back + way.failed


def _reached(way: Way) -> str:
    if not way.clients:
        return f"Release {way.sequence} was offered, and no client has asked for its channel"
    well = max(0, way.running - way.again)
    if way.fell_back and not well and not way.confirmed:
        fell = min(hurt(way), way.clients)
        return (
            f"Release {way.sequence} hit {fell:,} of {counted(way.clients, 'client')}: they {_how(way)}, "
            "and nobody confirmed it"
        )
    reached = f"{well:,} of {counted(way.clients, 'client')}"
    if way.withheld:
        return f"Release {way.sequence} is run by {reached}, though it is withheld"
    if way.fell_back + way.failed:
        harm = f"{counted(hurt(way), 'client')} {_how(way)}"
        first = well + hurt(way) > way.clients
        return f"Release {way.sequence} reached {reached}, {f'though {harm} at first' if first else f'and {harm}'}"
    if way.percent < 100:
        return f"Release {way.sequence} is rolled out to {percent(way.percent)}: {reached} run it"
    if way.targeted:
        return f"Release {way.sequence}, meant for some only, reached {reached}"
    return f"Release {way.sequence} reached {reached}"


def _none_offered(ways: Sequence[Way]) -> str:
    if any(not way.withheld and way.origin != "poisoned" for way in ways):
        return "No release is offered to everyone"
    return (
        f"Release {ways[0].sequence} is not offered" if len(ways) == 1 else "No release is offered any more"
    )


def _of_bad(bad: Sequence[Way]) -> str:
    """What is said of them: the worst one by itself, the others together."""
    harmful = sorted(
        (way for way in bad if hurt(way)),
        key=lambda way: (way.origin == "poisoned", -hurt(way), -way.sequence),
    )
    if not harmful:
        held = [str(way.sequence) for way in bad if way.withheld]
        if not held:
            return ""
        one = len(held) == 1
        return f"; release{'' if one else 's'} {several(held)} {'was' if one else 'were'} withheld"
    named, others = harmful[:_MOST_NAMED], harmful[_MOST_NAMED:]
    said = [_harm(way) for way in named]
    if others:
        said.append(f"{counted(len(others), 'further release')} hit {sum(map(hurt, others)):,}")
    return f"; {', and '.join(said)}"


def _harm(way: Way) -> str:
    count = counted(hurt(way), "client")
    if way.origin == "poisoned" and not way.fell_back:
        return f"release {way.sequence}, poisoned on purpose, was refused by {count}"
    if way.withheld:
        return f"release {way.sequence} was withheld after {count} {_how(way)}"
    return f"{count} {_how(way)} {_by(way)} release {way.sequence}"


def _how(way: Way) -> str:
    if way.failed and way.fell_back:
        return "failed or fell back"
    if way.failed:
        return "failed"
    return "fell back" if way.fell_back else "were hit"


def _by(way: Way) -> str:
    return "from" if way.fell_back else "with" if way.failed else "by"


def _clause(sentence: str) -> str:
    """A sentence as the end of another one."""
    return shown(sentence, _LONGEST).rstrip(". ")
