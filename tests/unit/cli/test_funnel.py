"""`funnel`: what a person reads of how far the clients came with a release."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hotswap_dev.cli.funnel import funnel
from tests.unit.cli.saying import Say


@dataclass
class Site:
    """A control site with these funnels, and what was asked of it."""

    funnels: list[dict[str, Any]]
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def get(self, path: str, **query: Any) -> Any:
        self.asked.append((path, query))
        return self.funnels if path == "/api/funnel" else [{"sequence": 14}]


Run = Callable[..., Result]


def a_funnel(sequence: int = 14, **changes: Any) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "version": f"1.0.0-ota.{sequence}",
        "channel": "production",
        "clients": 8,
        "offered": 6,
        "fetched": 4,
        "running": 2,
        "confirmed": 1,
        "failed": 1,
        "fell_back": 0,
        **changes,
    }


def one(client: str, station: str, **changes: Any) -> dict[str, Any]:
    return {"client": client, "name": None, "station": station, "at": 13, "sentence": "", **changes}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def start(*arguments: str, site: Site) -> Result:
        monkeypatch.setattr("hotswap_dev.cli.funnel.control", lambda _: site)
        return CliRunner().invoke(funnel, arguments)

    return start


def test_each_release_is_a_line_of_its_steps(run: Run) -> None:
    said = run(site=Site([a_funnel(14), a_funnel(13, running=0, confirmed=0)]))

    assert said.exit_code == 0
    assert said.stdout.splitlines() == [
        "    version       channel     clients  offered  fetched  running  confirmed  failed  fell back",
        "14  1.0.0-ota.14  production        8        6        4        2          1       1          0",
        "13  1.0.0-ota.13  production        8        6        4        0          0       1          0",
    ]


def test_one_release_is_bars_and_who_stands_where(run: Run) -> None:
    sentence = "It could not download 14, by its own report: `HTTP 503: bundle download failed`; it keeps 13."
    who = [
        one("tablet", "failed", sentence=sentence),
        one("phone", "confirmed", at=14, name="QA phone", sentence="It runs 14, and its page confirmed it."),
        one("old", "waiting", at=None),
    ]

    said = run("14", site=Site([a_funnel(who=who)]))

    assert said.stdout.splitlines() == [
        "14  1.0.0-ota.14 on production, 8 clients",
        "offered        6  ██████████████████████████████",
        "fetched        4  ████████████████████",
        "running        2  ██████████",
        "confirmed      1  █████",
        "failed         1  █████",
        "fell back      0",
        "",
        "confirmed:",
        "  QA phone (phone) at 14",
        "",
        "failed:",
        "  tablet at 13",
        "    It could not download 14, by its own report: `HTTP 503: bundle download",
        "    failed`; it keeps 13.",
        "",
        "not offered:",
        "  old",
    ]


def test_where_nobody_reports_it_says_why_nobody_has_confirmed(run: Run) -> None:
    reports = run("14", site=Site([a_funnel(confirmed=0, who=[])]))
    nobody = run("14", site=Site([a_funnel(confirmed=0, running=0, who=[])]))

    assert "seen only of an app that reports" in reports.stdout
    assert "only an app" not in nobody.stdout


def test_one_of_thousands_still_has_a_bar(run: Run) -> None:
    said = run("14", site=Site([a_funnel(clients=10_000, confirmed=1, who=[])]))
    assert "confirmed      1  █" in said.stdout.splitlines()


def test_of_many_at_one_station_some_are_named_and_the_others_counted(run: Run) -> None:
    who = [one(f"phone-{number}", "offered") for number in range(33)]
    said = run("14", site=Site([a_funnel(who=who)])).stdout
    assert "phone-19" in said
    assert "phone-20" not in said
    assert "  and 13 more: --json names them" in said


def test_latest_is_the_newest_release(run: Run) -> None:
    site = Site([a_funnel(who=[])])
    run("latest", site=site)
    assert site.asked[-1] == ("/api/funnel", {"sequence": 14})


def test_the_number_of_releases_is_asked_for(run: Run) -> None:
    site = Site([])
    said = run("--limit", "3", site=site)
    assert site.asked == [("/api/funnel", {"limit": 3})]
    assert said.stdout.startswith("no release yet")


def test_json_is_what_the_control_site_says(run: Run) -> None:
    funnels = [a_funnel(who=[one("phone", "offered")])]
    assert json.loads(run("14", "--json", site=Site(funnels)).stdout) == funnels


@pytest.mark.parametrize("arguments", [["x"], ["1_0"], ["none"], ["1", "2"], ["--limit", "0"]])
def test_what_is_no_sequence_is_usage(run: Run, arguments: list[str]) -> None:
    assert run(*arguments, site=Site([])).exit_code == 2


def test_it_is_a_command_that_looks(say: Say) -> None:
    said = say("--help").out
    assert "  funnel" in said.partition("\nlook:")[2].partition("\nchange:")[0]
