"""The outcome of a run in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from hotswap_dev.domain.text import shown
from hotswap_dev.export.markup import counted, percent, several
from hotswap_dev.export.told import Report, Way

_LONGEST = 160
_MOST_NAMED = 2


def headline(report: Report) -> str:
    """`Release 5 reached 8 of 8 clients; release 4 was withheld after 3 fell back.` One sentence, whatever happened."""
    if report.headline:
        return report.headline
    red = next((beat for beat in report.beats if beat.outcome == "failed"), None)
    if red is not None:
        why = f": {_clause(red.detail)}" if red.detail else ""
        return f"It failed at “{shown(red.title, 80)}”{why}."
    if not report.releases:
        if not report.known and not report.checks:
            return "Nothing was released, and no client checked in."
        return f"Nothing was released; {counted(report.known, 'client')} checked in."
    best = the_one(report.releases)
    bad = [way for way in report.releases if is_bad(way) and way is not best]
    first = _reached(best) if best is not None else _none_offered(report.releases)
    return f"{first}{_of_bad(bad)}."


def the_one(ways: Sequence[Way]) -> Way | None:
    """The release that a run is about at its end: the newest one offered, on the channel that most follow."""
    offered = [way for way in ways if not way.withheld and way.origin != "poisoned"]
    if not offered:
        return None
    # Who runs a release of a channel that it has left counts there too, so that the counts of one channel may differ.
    follow: dict[str, int] = {}
    for way in offered:
        follow[way.channel] = max(way.clients, follow.get(way.channel, 0))
    most = max(follow.values())
    return max((way for way in offered if follow[way.channel] == most), key=lambda way: way.sequence)


def is_bad(way: Way) -> bool:
    """Whether a release did harm, or was kept from doing any."""
    return way.withheld or way.origin == "poisoned" or hurt(way) > 0


def hurt(way: Way) -> int:
    """Clients that fell back from it or failed with it, as far as is known."""
    return way.hit or way.fell_back + way.failed


def _reached(way: Way) -> str:
    if not way.clients:
        return f"Release {way.sequence} was offered, and no client has asked for its channel"
    reached = f"{way.running:,} of {counted(way.clients, 'client')}"
    if way.fell_back + way.failed:
        return f"Release {way.sequence} reached {reached}, and {counted(hurt(way), 'client')} {_how(way)}"
    if way.percent < 100:
        return f"Release {way.sequence} is rolled out to {percent(way.percent)}: {reached} run it"
    if way.targeted:
        return f"Release {way.sequence}, meant for some only, reached {reached}"
    return f"Release {way.sequence} reached {reached}"


def _none_offered(ways: Sequence[Way]) -> str:
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
