"""A client's life without a clock and a connection: driven by hand, against answers that are made up."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from hotswap_dev.client.updating.storage import Listing
from hotswap_dev.domain.plugin import Extract, Get, Received, Verify
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.fleet.life import Asked, Given, Life, Lived, Report, Until
from hotswap_dev.fleet.plan import Crew, Phone, planned

SITE = "http://127.0.0.1:3333"


@dataclass
class World:
    """A server with one release, and the time; what the client does is written down with when it was."""

    offers: int = 1
    mandatory: bool = False
    minimum: str = "1.0.0"
    starts: bool = True
    status: int = 200
    refusal: str | None = None
    log: list[tuple[float, str]] = field(default_factory=list)
    did: list[Happened] = field(default_factory=list)
    now: float = 0.0

    def live(self, life: Life, until: float) -> list[tuple[float, str]]:
        """Have the client live so long, from its begin."""
        lived = life.lived()
        asked = next(lived)
        while True:
            if isinstance(asked, Until):
                if asked.at is None or asked.at > until:
                    return self.log
                self.now = max(self.now, asked.at)
            life.now = self.now
            asked = lived.send(self.answer(asked))

    def have(self, lived: Lived) -> None:
        """Have the client do one thing, to its end."""
        came: Given = None
        with suppress(StopIteration):
            while True:
                came = self.answer(lived.send(came))

    def answer(self, asked: Asked) -> Given:
        if isinstance(asked, Get):
            path = urlsplit(asked.url).path
            self.note("GET " + path)
            if not path.startswith("/api/ota/"):
                return Received(status=self.status, body=b"bundle")
            current = int(path.rpartition("/")[2])
            return (
                Received(status=204) if current >= self.offers else Received(status=200, body=self.manifest())
            )
        if isinstance(asked, Report):
            self.note(f"{asked.body['event']} {asked.body.get('error', asked.body.get('sequence'))}")
        elif isinstance(asked, Happened):
            self.did.append(asked)
        elif isinstance(asked, Verify):
            return self.refusal
        elif isinstance(asked, Extract):
            return Listing(files={}, error=None, starts=self.starts)
        return None

    def note(self, what: str) -> None:
        self.log.append((round(self.now, 3), what))

    def manifest(self) -> bytes:
        manifest: dict[str, Any] = {
            "version": f"1.0.0-ota.{self.offers}", "sequence": self.offers, "notes": "", "pub_date": "",
            "url": f"{SITE}/bundles/x/{self.offers}/y.tar.gz", "signature": "", "bundle_size": 6,
            "min_binary_version": self.minimum, "mandatory": self.mandatory,
        }  # fmt: skip
        return json.dumps(manifest).encode()


def one(**traits: Any) -> Phone:
    """A client that checks at 1 s and every 10 s from then on."""
    (phone,) = planned([Crew(**{"poll": 10.0, **traits})], 1)
    return replace(phone, first_check=1.0, poll=10.0)


def alive(plan: Phone) -> Life:
    return Life(plan, site=SITE, pubkey="RW")


def test_it_checks_applies_when_its_person_clicks_and_then_runs_and_confirms_it() -> None:
    life = alive(one(clicks=2.0))

    assert World().live(life, 12) == [
        (1.0, "GET /api/ota/0"),
        (3.0, "GET /bundles/x/1/y.tar.gz"),
        (3.0, "apply 1"),
        (3.0, "ready-confirmed 1"),
        (11.0, "GET /api/ota/1"),
    ]
    assert life.app.sequence == 1


def test_nobody_is_asked_where_it_is_mandatory() -> None:
    log = World(mandatory=True).live(alive(one(ignores=1.0)), 2)

    assert [at for at, what in log if what == "apply 1"] == [1.0]


def test_a_person_who_ignores_it_keeps_what_runs() -> None:
    log = World().live(alive(one(ignores=1.0)), 30)

    assert [what for _, what in log] == ["GET /api/ota/0"] * 3


def test_a_page_that_does_not_start_asks_nothing_until_its_person_opens_the_app_again() -> None:
    life = alive(replace(one(clicks=0.0), poll=1.0))

    # Its person does that three to eight seconds later at the earliest.
    log = World(starts=False).live(life, 3.9)

    assert [what for _, what in log] == ["GET /api/ota/0", "GET /bundles/x/1/y.tar.gz", "apply 1"]
    assert (life.crashed, life.app.sequence) == (True, 1)


def test_a_page_that_did_not_start_is_gone_after_the_next_start_and_is_offered_again() -> None:
    life = alive(one(clicks=0.0))

    World(starts=False).live(life, 10.9)
    assert (life.crashed, life.app.sequence) == (False, 0)

    log = World(starts=False).live(alive(one(clicks=0.0)), 12)
    assert [(at, what) for at, what in log if what.startswith("GET /api")] == [
        (1.0, "GET /api/ota/0"),
        (11.0, "GET /api/ota/0"),
    ]


def test_a_release_that_starts_elsewhere_breaks_on_who_was_drawn_for_it() -> None:
    life = alive(one(clicks=0.0, failure_rate=1.0))
    log = World().live(life, 2)

    assert [what for _, what in log][-1] == "apply 1"
    assert life.crashed


def test_a_bundle_that_is_refused_is_said_in_the_plugins_words_and_tried_again_at_the_next_offer() -> None:
    log = World(refusal="Unexpected signature algorithm").live(alive(one(clicks=0.0)), 12)

    assert log.count((1.0, "apply-error signature verification failed: Unexpected signature algorithm")) == 1
    assert log.count((11.0, "apply-error signature verification failed: Unexpected signature algorithm")) == 1


def test_a_download_that_fails_is_tried_four_times() -> None:
    log = World(status=503).live(alive(one(clicks=0.0)), 2)

    assert [what for _, what in log].count("GET /bundles/x/1/y.tar.gz") == 4
    assert log[-1] == (1.0, "apply-error HTTP 503: bundle download failed")


def test_installing_a_newer_app_discards_what_the_old_one_had() -> None:
    life = alive(replace(one(clicks=0.0), upgrades=(15.0, "1.1.0")))

    log = World().live(life, 22)

    assert [what for _, what in log if what.startswith("GET /api")] == [
        "GET /api/ota/0",
        "GET /api/ota/1",
        "GET /api/ota/0",
    ]
    assert life.app.binary_version == "1.1.0"


def test_opening_the_app_again_forgets_what_was_offered_and_not_yet_clicked() -> None:
    log = World().live(alive(replace(one(clicks=5.0), reopens=4.0)), 10)

    assert [what for _, what in log] == ["GET /api/ota/0"]


def test_who_was_away_does_not_make_up_for_missed_checks() -> None:
    world, life = World(offers=0), alive(one())
    world.live(life, 0)
    world.now = 35.0

    assert world.live(life, 60) == [
        (35.0, "GET /api/ota/0"),
        (45.0, "GET /api/ota/0"),
        (55.0, "GET /api/ota/0"),
    ]


def test_what_another_server_gave_it_runs_from_the_start() -> None:
    log = World(offers=9).live(alive(one(clicks=0.0, sequence=7)), 2)

    assert log[:2] == [(0.0, "ready-confirmed 7"), (1.0, "GET /api/ota/7")]


def test_what_it_is_told_to_do_is_done_whoever_would_click_and_each_step_is_told_with_its_time() -> None:
    world, life = World(), alive(one(ignores=1.0))
    world.live(life, 3)

    life.now = 4.0
    for told in (life.updates(), life.restarts("1.1.0"), life.rolls_back()):
        world.have(told)

    assert [(step.at, step.what, step.sequence, step.offered) for step in world.did] == [
        (0.0, "launched", 0, None),
        (1.0, "checked", 0, 1),
        (4.0, "checked", 0, 1),
        (4.0, "fetched", 1, 1),
        (4.0, "applied", 1, None),
        (4.0, "confirmed", 1, None),
        (4.0, "closed", 1, None),
        (4.0, "upgraded", 0, None),
        (4.0, "discarded", 0, 1),
        (4.0, "launched", 0, None),
        (4.0, "fell-back", 0, None),
    ]
    assert life.binary_version == "1.1.0"


def test_a_client_without_reports_does_the_same_and_says_nothing_to_the_server() -> None:
    loud, quiet = World(), World()
    loud.live(alive(one()), 30)
    quiet.live(alive(replace(one(), reports=False)), 30)

    assert quiet.did == loud.did
    assert {what.split()[0] for _, what in quiet.log} == {"GET"}
    assert {what.split()[0] for _, what in loud.log} == {"GET", "apply", "ready-confirmed"}
