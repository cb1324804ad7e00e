"""Reports of runs that were never run, for the tests of what is drawn of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from msgspec.structs import replace

from hotswap_dev.export.report import (
    Answers,
    Beat,
    ClientRow,
    Latency,
    Moment,
    Rate,
    Report,
    Series,
    Struck,
    Way,
)
from hotswap_dev.export.told import Standing
from hotswap_dev.scenario.over_time import running_series

WHEN = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)


def halted(clients: int = 500) -> Report:
    """A bad release at 10 % of so many clients, withheld, and the fixed one that everyone gets."""
    chance = random.Random(4)
    tenth, hit = clients // 10, clients * 3 // 50
    bad_began, held, fixed = 150.0, 181.0, 240.0
    hits = tuple((bad_began + 50 * (n + 1) / tenth, n + 1) for n in range(hit))
    return Report(
        title=f"A fleet of {clients} phones: a bad release is halted",
        when=WHEN,
        seconds=420,
        seed=7,
        source="fixtures/scenarios/halted.toml",
        known=clients,
        checks=clients * 14,
        releases=(
            _way(2, clients, clients, clients, 0, 0),
            _way(3, clients, clients, clients, 0, 0, notes="New start screen"),
            Way(
                sequence=4,
                version="1.0.0-ota.4",
                clients=clients,
                offered=tenth,
                fetched=tenth,
                fell_back=hit,
                percent=10,
                withheld=True,
                notes="Crashes on load",
            ),
            Way(
                sequence=5,
                version="1.0.0-ota.5",
                clients=clients,
                offered=clients,
                fetched=clients - 6,
                running=clients - 12,
                confirmed=clients - 20,
                failed=2,
                fell_back=4,
            ),
        ),
        running=running_series(
            [
                *((0.0, f"phone-{n}", 0) for n in range(clients)),
                *((5 + 60 * n / clients, f"phone-{n}", 3) for n in range(clients)),
                *((bad_began + 40 * n / tenth, f"phone-{n}", 4) for n in range(tenth)),
                *((bad_began + 12 + 40 * n / tenth, f"phone-{n}", 3) for n in range(tenth)),
                *((fixed + 120 * n / clients, f"phone-{n}", 5) for n in range(12, clients)),
            ]
        ),
        hits=(
            Series(name="watched", points=((0, 0), *hits), sequence=4),
            Series(
                name="nobody watched",
                points=((0, 0), *((bad_began + 50 * (n + 1) / tenth, n + 1) for n in range(tenth))),
                sequence=4,
            ),
        ),
        moments=(
            Moment(at=3, words="3 saved"),
            Moment(at=145, words="4 saved"),
            Moment(at=148, words="4 to 10 %"),
            Moment(at=held, words="4 withheld"),
            Moment(at=fixed, words="5 saved"),
        ),
        rate=Rate(period=5, counts=tuple(round(clients / 6 * chance.uniform(0.8, 1.2)) for _ in range(84))),
        answers=(
            Answers(reason="up-to-date", count=clients * 11),
            Answers(reason="newer-release", count=clients * 2 + 31),
            Answers(reason="not-in-rollout", count=clients // 2),
            Answers(reason="release-withheld", count=9),
        ),
        beats=(
            Beat(title="A build is saved", said="every phone takes release 3", at=3),
            Beat(title="A bad build goes to 10 %", said="watch who falls back", at=145),
            Beat(title="It is withheld", said="nobody else is hit", at=held),
            Beat(title="The fixed build reaches everyone", at=fixed),
        ),
        clients=tuple(_row(number, clients) for number in range(clients)),
        latencies=(
            Latency(what="Checks", count=clients * 14, p50=0.8, p99=6.4, worst=21.7),
            Latency(what="Whole downloads", count=clients * 2, p50=4.2, p99=31, worst=1240),
        ),
    )


def small() -> Report:
    """A demo with eight phones, a poisoned copy and a fault."""
    return Report(
        title="Demo",
        when=WHEN,
        seconds=95,
        seed=1,
        source="the demo's own server",
        known=8,
        checks=214,
        releases=(
            _way(1, 8, 8, 8, 0, 0),
            _way(2, 8, 8, 8, 0, 0),
            Way(
                sequence=3,
                version="1.0.0-ota.3",
                clients=8,
                offered=8,
                fetched=8,
                fell_back=3,
                hit=3,
                withheld=True,
                notes="crashes-on-load",
            ),
            Way(
                sequence=4,
                version="1.0.0-ota.3",
                clients=8,
                offered=5,
                fetched=5,
                failed=5,
                hit=5,
                withheld=True,
                origin="poisoned",
                from_sequence=2,
                targeted=True,
            ),
            Way(
                sequence=5,
                version="1.0.0-ota.4",
                clients=8,
                offered=8,
                fetched=8,
                running=8,
                confirmed=8,
                mandatory=True,
            ),
        ),
        running=(
            Series(name="embedded page", points=((0, 9), (4, 7), (6, 4), (9, 1)), sequence=0),
            Series(name="release 1", points=((0, 0), (4, 2), (6, 5), (9, 8), (22, 5), (25, 0)), sequence=1),
            Series(
                name="release 2",
                points=((0, 0), (22, 3), (25, 8), (48, 5), (52, 8), (80, 4), (84, 0)),
                sequence=2,
            ),
            Series(name="release 3", points=((0, 0), (48, 3), (52, 0)), sequence=3),
            Series(name="release 5", points=((0, 0), (80, 4), (84, 8)), sequence=5),
        ),
        hits=(Series(name="release 3", points=((0, 0), (49, 1), (50, 2), (52, 3)), sequence=3),),
        moments=tuple(
            Moment(at=at, words=words)
            for at, words in (
                (2, "1 saved"),
                (20, "2 saved"),
                (21, "2 to 10 %"),
                (24, "2 to 100 %"),
                (46, "3 saved"),
                (55, "3 withheld"),
                (62, "4 poisoned"),
                (78, "5 saved"),
            )
        ),
        rate=Rate(period=1, counts=tuple([2, 3, 1, 2, 4] * 19)),
        answers=(
            Answers(reason="up-to-date", count=150),
            Answers(reason="newer-release", count=52),
            Answers(reason="fault", count=12),
        ),
        faults=(
            Struck(
                fault="bundle/path-traversal",
                times=5,
                clients=5,
                reaction="apply() fails: extraction failed: unsafe path component in archive: ../evil. Not retried.",
            ),
        ),
        beats=(
            Beat(title="A build is saved", said="8 of 8 run it", at=2),
            Beat(title="10 %, then everyone", at=20),
            Beat(title="A bad build", said="3 phones fall back, and the loop is named", at=46),
            Beat(title="A poisoned bundle", said="every client refuses it", at=62),
            Beat(title="The fixed build", said="all confirmed", at=78),
        ),
        clients=tuple(
            ClientRow(
                name=name,
                standing="confirmed",
                runs=5,
                platform=platform,
                binary_version="1.0.0",
                channel="production",
                checks=26,
                said="It reports 5, and its page called notifyReady(): confirmed.",
            )
            for name, platform in (
                ("Pixel 8", "android"),
                ("iPad", "ios"),
                ("Anna's Mac", "macos"),
                ("Kiosk", "linux"),
                ("Galaxy", "android"),
                ("iPhone 15", "ios"),
                ("Office PC", "windows"),
                ("Emulator", "android"),
            )
        ),
        latencies=(Latency(what="Checks", count=214, p50=0.6, p99=3.1, worst=4.8),),
    )


def red() -> Report:
    """A story that ended at a step which did not hold, on a server that others ask too."""
    said = "all 8 clients have confirmed 5 (@a-name-of-some-length-without-a-place-to-break-it), within 300 s"
    failed = Beat(
        title="wait until all clients have confirmed @a-name-of-some-length-without-a-place-to-break-it (within 300 s)",
        outcome="failed",
        expected=said,
        seen="none of 8 has confirmed 5; 7 run 5, last answered newer-release; 1 runs 2 (rollback-loop)",
        at=80,
    )
    return replace(small(), beats=(*small().beats, failed), others=5500)


def empty() -> Report:
    """Nothing happened."""
    return Report(title="Demo", when=WHEN, seed=1)


def many_releases(count: int = 40) -> Report:
    """One release after the other on one channel, followed by 30 clients."""
    ways = tuple(_way(number, 30, 30, 30, 30 if number == count else 0, 0) for number in range(1, count + 1))
    running = running_series(
        [
            (10.0 * number + phone / 5, f"phone-{phone}", number)
            for number in range(1, count + 1)
            for phone in range(30)
        ]
    )
    return Report(
        title="A day of saves",
        when=WHEN,
        seconds=10.0 * count + 20,
        known=30,
        checks=9000,
        releases=ways,
        running=running,
        moments=tuple(Moment(at=10.0 * number, words=f"{number} saved") for number in range(1, count + 1)),
    )


def _way(
    sequence: int, clients: int, offered: int, fetched: int, running: int, fell: int, notes: str = ""
) -> Way:
    return Way(
        sequence=sequence,
        version=f"1.0.0-ota.{sequence}",
        clients=clients,
        offered=offered,
        fetched=fetched,
        running=running,
        confirmed=running,
        fell_back=fell,
        notes=notes,
    )


def _row(number: int, clients: int) -> ClientRow:
    standing: Standing = (
        "failed"
        if number < 2
        else "fell-back"
        if number < 6
        else "waiting"
        if number < 12
        else "running"
        if number < 20
        else "confirmed"
    )
    said = {
        "failed": "It could not download 5, by its own report: `HTTP 503: bundle download failed`; it keeps 3.",
        "fell-back": "It gave 5 up for 3 for the 2nd time: a rollback loop. It applies, is not confirmed by "
        "notifyReady() and goes back at the next start; 5 is offered again as long as it is the newest.",
        "waiting": "5 is offered and not downloaded yet.",
        "running": "It fetched 5 and reports it: applied.",
        "confirmed": "It reports 5, and its page called notifyReady(): confirmed.",
    }[standing]
    return ClientRow(
        name=f"phone-{number:04}",
        standing=standing,
        runs=3 if number < 12 else 5,
        platform="android" if number % 3 else "ios",
        binary_version="1.0.0",
        channel="production",
        checks=14,
        said=said,
    )
