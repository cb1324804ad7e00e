"""`fleet` on the command line: what it refuses, what it prints for locust, and how it tells what came of a run."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import shlex
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hotswap_dev.cli.fleet import ended, under_locust
from hotswap_dev.cli.fleet.running import Ran, told
from hotswap_dev.errors import HotswapError, Unreachable
from hotswap_dev.fleet.adoption import Tally
from hotswap_dev.fleet.asked import TRAITS
from hotswap_dev.fleet.happened import Happened, What
from hotswap_dev.fleet.plan import Crew
from hotswap_dev.wire import ServerFile
from tests.unit.cli.saying import Say

PUBKEY = "RWQ87zwoQaY9NXt4tOEvLrw7aSZpM4DjHySjvcaE5OQNayO4lNCL5a2A"
SERVER = ServerFile(
    site="http://127.0.0.1:3333",
    endpoint="http://127.0.0.1:3333/api/ota/{{current_sequence}}",
    addresses=("http://127.0.0.1:3333",),
    control="http://127.0.0.1:4444",
    pubkey=PUBKEY,
    workspace="app/.hotswap-dev",
    instance="i",
    pid=1,
    version="0.1.0",
)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of this workspace."""
    monkeypatch.setattr("hotswap_dev.cli.fleet.command.running_server", lambda _: SERVER)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server runs here."""

    def nobody(_: Mapping[str, Any]) -> ServerFile:
        raise Unreachable("no server is running here", "start one")

    monkeypatch.setattr("hotswap_dev.cli.fleet.command.running_server", nobody)


def commands(say: Say, *arguments: str) -> list[list[str]]:
    """What is printed for locust, word by word."""
    said = say("fleet", "--locust", *arguments)
    assert said.code == 0, said.err
    return [shlex.split(line) for line in said.out.splitlines() if not line.startswith("#")]


@pytest.mark.usefixtures("here")
def test_for_locust_it_prints_a_master_and_a_worker_that_ask_this_server(say: Say) -> None:
    master, worker = commands(say, "--clients", "1000", "--workers", "3", "--for", "5m", "--mix", "ios")

    pairs = dict(itertools.pairwise(master))
    assert pairs["--host"] == "http://127.0.0.1:3333"
    assert pairs["--hotswap-pubkey"] == PUBKEY
    assert (pairs["--users"], pairs["--hotswap-clients"], pairs["--expect-workers"]) == ("1000", "1000", "3")
    assert (pairs["--run-time"], pairs["--hotswap-mix"]) == ("300s", "ios")
    assert "--headless" in master
    assert pairs["--master-bind-host"] == "127.0.0.1"
    assert "--worker" in worker
    assert master[2] == worker[2] == str(under_locust.LOCUSTFILE)
    assert Path(master[2]).is_file()


@pytest.mark.usefixtures("here")
def test_without_a_time_locust_shows_its_own_page(say: Say) -> None:
    master, _ = commands(say)

    assert "--headless" not in master
    assert "--web-port" in master


@pytest.mark.usefixtures("here")
def test_the_commands_for_locust_are_one_object_where_json_is_asked_for(say: Say) -> None:
    said = say("fleet", "--locust", "--json")

    assert len(json.loads(said.out)["commands"]) == 2


@pytest.mark.usefixtures("here")
def test_every_trait_is_an_option_with_its_default_in_the_help(say: Say) -> None:
    help_text = " ".join(say("fleet", "--help").out.split())

    for trait in TRAITS:
        assert f"--{trait.name} {trait.metavar}" in help_text
        assert trait.default is None or f"[default: {trait.default}]" in help_text


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--mix", "androd"], "'androd' is no platform", "did you mean android?"),
        (["--for", "0s"], "--for is '0s', which is no time at all", "--for 30s"),
        (["--start"], "--start means nothing without --locust", "add --locust"),
        (["--csv", "x"], "--csv means nothing without --locust", "add --locust"),
        (["--locust", "--report", "x.html"], "--report means nothing with --locust", "--csv PREFIX"),
        (["192.168.1.20"], "'192.168.1.20' is no server's address", "http://192.168.1.20:3333"),
        (["http://127.0.0.1:1/app"], "is no server's address", "without a path"),
        (["http://127.0.0.1:99999"], "is no server's address", "without a path"),
        (["ftp://127.0.0.1"], "is no server's address", "in full"),
        (["http://192.168.1.20:3333"], "nothing says which key", "give --pubkey"),
        (["--workers", "3"], "--workers means nothing without --locust", "add --locust"),
        (["--pubkey", "RWfoo"], "--pubkey: the public key is cut short", "copy the whole text"),
        (["--pubkey", "R" * 300], "--pubkey: the public key", "RW"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_a_usage_error_that_says_what_would_be_right(
    say: Say, arguments: list[str], message: str, hint: str
) -> None:
    said = say("fleet", *arguments)

    assert said.code == 2
    assert message in said.err
    assert hint in said.err


@pytest.mark.usefixtures("alone")
def test_without_a_server_it_says_so(say: Say) -> None:
    assert say("fleet").code == 3


@pytest.mark.usefixtures("alone")
def test_another_server_is_asked_where_its_address_and_its_key_are_typed(say: Say) -> None:
    endpoint = "http://192.168.1.20:3333/api/ota/{{current_sequence}}"

    master, _ = commands(say, endpoint, "--pubkey", PUBKEY)

    assert master[master.index("--host") + 1] == "http://192.168.1.20:3333"


@pytest.mark.usefixtures("here")
def test_its_own_server_is_known_by_its_address_too(say: Say) -> None:
    master, _ = commands(say, "http://127.0.0.1:3333/")

    assert master[master.index("--hotswap-pubkey") + 1] == PUBKEY


@pytest.mark.usefixtures("here")
def test_a_report_that_cannot_be_written_is_said_before_the_run(say: Say, tmp_path: Path) -> None:
    said = say("fleet", "--report", str(tmp_path / "nowhere" / "x.html"))

    assert said.code == 1
    assert "no report can be written to" in said.err


@pytest.mark.usefixtures("here")
def test_a_folder_is_no_report_and_that_too_is_said_before_the_run(say: Say, tmp_path: Path) -> None:
    said = say("fleet", "--report", str(tmp_path))

    assert said.code == 1
    assert "no report can be written to" in said.err


@pytest.mark.usefixtures("here")
def test_a_report_that_cannot_be_written_any_more_costs_nobody_the_result(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "folder" / "x.html"
    page.parent.mkdir()

    def takes_it_away(*_: object, **__: object) -> Ran:
        page.unlink()
        page.parent.rmdir()
        return ran()

    monkeypatch.setattr("hotswap_dev.cli.fleet.running.run", takes_it_away)
    monkeypatch.setattr("hotswap_dev.cli.fleet.command._demand_answer", lambda _: None)
    said = say("fleet", "--report", str(page))

    assert said.code == 1
    assert "2 clients for 10 s" in said.out
    assert "no report can be written to" in said.err


@pytest.mark.usefixtures("here")
def test_a_key_in_a_file_that_is_no_text_is_a_usage_error(say: Say, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\x96\xeb")

    said = say("fleet", "--pubkey", str(tmp_path / "key"))

    assert said.code == 2
    assert "--pubkey" in said.err


@pytest.mark.usefixtures("here")
def test_its_own_server_is_known_by_the_other_name_of_this_machine_too(say: Say) -> None:
    master, _ = commands(say, "http://localhost:3333")

    assert master[master.index("--host") + 1] == "http://localhost:3333"
    assert master[master.index("--hotswap-pubkey") + 1] == PUBKEY


@pytest.mark.usefixtures("alone")
def test_where_nobody_answers_nothing_is_begun(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotswap_dev.cli.fleet.running.run", lambda *_, **__: ran())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        site = f"http://127.0.0.1:{taken.getsockname()[1]}"

        said = say("fleet", site, "--pubkey", PUBKEY)

    assert said.code == 3
    assert f"no server answers at {site}" in said.err


def test_a_server_that_was_started_anew_meanwhile_is_asked_where_it_is_now(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew = msgspec.structs.replace(SERVER, control="http://127.0.0.1:5555", pid=2)
    found = iter([SERVER, anew])
    asked: list[ServerFile | None] = []

    def concluded(one: Ran, server: ServerFile | None) -> ended.Outcome:
        asked.append(server)
        return told_by(one, None)

    told_by = ended.concluded
    monkeypatch.setattr("hotswap_dev.cli.fleet.command.running_server", lambda _: next(found))
    monkeypatch.setattr("hotswap_dev.cli.fleet.running.run", lambda *_, **__: ran())
    monkeypatch.setattr("hotswap_dev.cli.fleet.command._demand_answer", lambda _: None)
    monkeypatch.setattr(ended, "concluded", concluded)

    assert say("fleet").code == 0
    assert asked == [anew]


def test_why_the_servers_side_is_missing_is_said_beside_what_is_missing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gone = msgspec.structs.replace(SERVER, control=f"http://127.0.0.1:{taken.getsockname()[1]}")

        text = "\n".join(ended.lines(ended.concluded(ran(), gone)))

    assert "server     its side is missing: " in text


@pytest.mark.usefixtures("here")
def test_without_locust_its_start_says_how_to_get_it(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    said = say("fleet", "--locust", "--start")

    assert said.code == 1
    assert "pip install 'hotswap-dev[fleet]'" in said.err


def test_locusts_own_figures_become_one_entry_for_each_kind_of_request() -> None:
    entry = {
        "name": "check",
        "num_requests": 100,
        "num_failures": 2,
        "response_times": {"9": 1, "1": 60, "10": 1, "2": 38},
        "max_response_time": 10.4,
    }

    assert under_locust.requests_in(json.dumps([entry]).encode()) == [
        {"name": "check", "requests": 100, "failures": 2, "p50_ms": 1, "p99_ms": 9, "max_ms": 10.4}
    ]


def test_what_locust_says_instead_of_figures_is_shown() -> None:
    with pytest.raises(HotswapError, match="no figures, sorry"):
        under_locust.requests_in(b"no figures, sorry")


@pytest.mark.processes
def test_a_signal_that_comes_while_the_first_is_being_started_ends_that_one_too() -> None:
    children = under_locust._Children()
    children.end(143)
    try:
        child = children.start([sys.executable, "-c", "import time; time.sleep(60)"], None)

        assert child.wait(timeout=10) != 0
    finally:
        children.close()


# --- what came of it ----------------------------------------------------------------------------------------------


def ran(code: int = 0, seconds: float = 10.0) -> Ran:
    """Two clients: one runs release 1, the other fell back from it, and could not have it again."""

    def step(
        client: str, what: What, sequence: int, at: float, offered: int | None = None, detail: str = ""
    ) -> None:
        happened.append(
            Happened(client=client, what=what, sequence=sequence, offered=offered, detail=detail, at=at)
        )

    happened: list[Happened] = []
    for client in ("a", "b"):
        step(client, "launched", 0, 0.0)
        step(client, "checked", 0, 1.0, offered=1, detail="newer-release")
        step(client, "fetched", 0, 2.0, offered=1)
        step(client, "applied", 1, 2.0)
    step("a", "confirmed", 1, 2.0)
    step("b", "crashed", 1, 2.0)
    step("b", "fell-back", 0, 6.0, offered=1)
    step("b", "failed", 0, 8.0, offered=1, detail="HTTP 503: bundle download failed")
    tally = Tally()
    for one in happened:
        tally(one)
    return Ran(
        crew=Crew(count=2),
        site="http://127.0.0.1:3333",
        seed=4,
        began=datetime(2026, 7, 1, tzinfo=UTC),
        planned=10.0,
        seconds=seconds,
        code=code,
        tally=tally,
        happened=happened,
        verified=1,
        recalled=1,
    )


def test_a_server_that_nobody_may_look_into_still_has_a_table_of_what_its_clients_did() -> None:
    text = "\n".join(ended.lines(ended.concluded(ran(), None)))

    assert text.startswith("2 clients for 10 s, seed 4, at http://127.0.0.1:3333\n")
    row = next(line for line in text.splitlines() if line.startswith("1 "))
    assert row.split() == ["1", "?", "?", "2", "100.0", "%", "2", "1", "1", "1", "1", "1"]
    assert "1 bundle verified, once each; 2 downloads" in text
    assert "1x HTTP 503: bundle download failed" in text


def test_the_plot_rises_and_falls_with_the_clients_that_run_it() -> None:
    lines = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in ended.lines(ended.concluded(ran(), None))]

    top = lines[lines.index("running 1") + 1]
    assert top.startswith("2│")
    full = [place for place, letter in enumerate(top) if letter == "█"]
    assert len(top) * 0.15 < full[0] < len(top) * 0.3
    assert len(top) * 0.5 < full[-1] < len(top) * 0.7
    assert any(line.rstrip().endswith("10 s") and line.lstrip().startswith("0 s") for line in lines)


def test_a_machine_that_could_not_keep_up_says_so_and_its_figures_are_of_the_time_that_it_took() -> None:
    text = " ".join(" ".join(ended.lines(ended.concluded(ran(seconds=40.0), None))).split())

    assert text.startswith("2 clients for 40 s, seed 4")
    assert "could not keep up: what was planned for 10 s took 40 s" in text
    assert "checks 2, 0.1 a second" in text
    assert "keep up" not in "\n".join(ended.lines(ended.concluded(ran(), None)))


def test_a_run_that_was_ended_before_its_time_says_so() -> None:
    outcome = ended.concluded(ran(code=130), None)

    assert "ended before its time" in next(ended.lines(outcome))
    assert ended.plain(outcome)["whole"] is False


def test_for_scripts_it_is_one_object_with_who_ran_what_when() -> None:
    found = json.loads(json.dumps(ended.plain(ended.concluded(ran(), None))))

    assert found["releases"] == [
        {
            "sequence": 1, "offered": 2, "fetched": 2, "running": 1, "confirmed": 1, "crashed": 1,
            "fell_back": 1, "failed": 1,
        }
    ]  # fmt: skip
    assert found["adoption"] == [{"sequence": 1, "running": [[2.0, 2], [6.0, 1]]}]
    assert (found["checks"], found["downloads"], found["bundles_verified"]) == (2, 2, 1)


def test_the_page_is_html_with_the_clients_side_of_it() -> None:
    class Page(HTMLParser):
        heading = ""

        def handle_data(self, data: str) -> None:
            self.heading += data if self.lasttag == "title" else ""

    page = Page()
    page.feed(ended.page(ended.concluded(ran(), None)))

    assert page.heading.startswith("A fleet of 2: ")


def test_the_line_meanwhile_says_how_far_it_is_and_what_runs_where() -> None:
    line = told(ran().tally, 2, now=7.2, seconds=60, rate=0.52, behind=0.4)

    assert line == "7 of 60 s   2 clients   0.5 checks/s   at 1: 1, below: 1   1 failure"
    assert told(ran().tally, 2, now=7.2, seconds=60, rate=0.5, behind=12).endswith("12 s behind plan")
