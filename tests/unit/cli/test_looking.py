"""`status`, `clients`, `why` and `log`: what a person reads of a running server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest

from hotswap_dev.cli.log import moment, unseen, wanted
from hotswap_dev.cli.look import _clients, ago, armed
from hotswap_dev.cli.tables import table
from hotswap_dev.cli.why import explained
from hotswap_dev.errors import HotswapError
from tests.unit.cli.saying import Say, Site, a_row, a_why

NOW = datetime(2026, 4, 5, 12, 0, tzinfo=UTC)


def test_why_says_answer_reason_ladder_next_and_the_commands_on_80_columns() -> None:
    lines = [click.unstyle(text) for text in explained(a_why())]

    assert lines[0] == "QA phone (Pixel): at 1, binary 0.1.0, android/aarch64, channel beta"
    assert lines[1:5] == [
        "ANSWER  204, no update (binary-too-old)",
        "WHY     Release 3 needs binary 0.5.0, the client runs 0.1.0.",
        "        → hotswap-dev edit-release 3 --min-binary-version 0.1.0",
        "Passed over, highest first:",
    ]
    assert lines[5:8] == [
        "  3  binary-too-old: as above",
        "  2  release-withheld: Release 2 is withheld.",
        "      → hotswap-dev restore 2",
    ]
    assert lines[8].startswith("NEXT    Nothing until")
    assert max(map(len, lines)) <= 80


def test_why_says_what_an_offer_is_and_that_nobody_exists() -> None:
    offer = a_why(
        check={**a_why()["check"], "client": "", "channel": None}, name=None, considered=[],
        status=200, reason="newer-release", offered=3, version="0.5.0-ota.1", mandatory=True,
    )  # fmt: skip

    text = click.unstyle("\n".join(explained(offer)))

    assert text.startswith("a client that does not exist: at 1")
    assert "production (none named)" in " ".join(text.split())
    assert "ANSWER  200, release 3 (0.5.0-ota.1, mandatory), newer-release" in text
    assert "Passed over" not in text


def test_why_says_what_was_wrong_with_a_check_that_could_not_be_read() -> None:
    refused = a_why(
        check={**a_why()["check"], "sequence": None, "at": "2026-04-05T12:00:00Z", "path": "/api/ota/x"},
        status=400, reason="bad-request", considered=[], change="",
        sentence="The check's sequence is x; expected is a whole number.",
        client={**a_row("Pixel"), "sequence": None, "remarks": ["Two addresses use this id."]},
    )  # fmt: skip

    text = " ".join(click.unstyle("\n".join(explained(refused))).split())

    assert text.startswith("QA phone (Pixel): its last check (")
    assert ", /api/ota/x) could not be read; options describe another one" in text
    assert "KNOWN Two addresses use this id." in text
    assert "ANSWER 400, refused (bad-request) WHY The check's sequence is x; expected" in text


def test_what_is_said_of_many_clients_is_said_once_below_them(say: Say) -> None:
    both, its_own = "It runs the embedded page, sequence 0.", "Two addresses use this id."
    seen = {
        "platform": "linux", "arch": "x86_64", "binary_version": "1.0.0", "channel": None,
        "last_seen": "2026-04-05T12:00:00Z", "label": {"code": "embedded", "sentence": both},
    }  # fmt: skip
    rows = [a_row("anna", **seen, remarks=[its_own]), a_row("b" * 60, **{**seen, "remarks": ["Late."] * 1})]
    rows.append(a_row("carl", **{**seen, "label": None}, remarks=["Late."]))

    head, *lines = say("clients", site=Site({"/api/clients": rows})).out.splitlines()

    assert head.split() == ["client", "runs", "on", "binary", "channel", "at", "seen"]
    assert lines[0].startswith("anna ")
    assert lines[0].endswith("embedded, [1]")
    assert lines[1] == f"  {its_own}"
    assert lines[2].startswith("b" * 39 + "…  linux/x86_64")
    assert lines[2].endswith("embedded, [1] [2]")
    assert lines[3].endswith("[2]")
    assert lines[4:] == [f"[1] {both}", "[2] Late."]


def test_why_of_nobody_is_usage(say: Say) -> None:
    said = say("why", site=Site())

    assert said.code == 2
    assert "nothing says which client is meant" in said.err


def test_status_shows_all_that_bends_answers_and_nothing_where_nothing_does() -> None:
    calm: dict[str, Any] = {
        "forced": [], "faults": [], "mandatory_for_all": False, "pins": {}, "names": {"p1": "QA phone"},
        "channels": {"beta": {"paused": False}}, "releases": {"1": {"withheld": False, "mandatory": False}},
        "required": {}, "products": {},
    }  # fmt: skip
    bent = {
        **calm,
        "forced": [
            {"client": "p1", "channel": None, "left": 2},
            {"client": None, "channel": None, "left": None},
        ],
        "mandatory_for_all": True,
        "pins": {"p1": 3},
        "channels": {"beta": {"paused": True}},
        "releases": {
            "10": {"withheld": True, "mandatory": False},
            "9": {"withheld": True, "mandatory": True},
        },
    }

    assert list(armed(calm)) == []
    assert list(armed(bent)) == [
        ("override", "no update for QA phone (p1) at the next 2 checks"),
        ("override", "no update for everyone, until it is off"),
        ("override", "every offer is mandatory, until it is off"),
        ("paused", "beta: nobody who asks for it is offered anything"),
        ("pinned", "QA phone (p1) to 3"),
        ("withheld", "9, 10"),
        ("mandatory", "9"),
    ]


def test_columns_stand_below_each_other_whatever_is_in_them() -> None:
    rows = [("client", "at"), ("東京の電話", "1"), ("Pixel 😀", "12"), ("a\u0301b", "3")]

    assert list(table(rows, right={1})) == [
        "client      at",
        "東京の電話   1",
        "Pixel 😀    12",
        "a\u0301b           3",
    ]


def test_the_client_seen_last_has_its_name_and_no_sequence_that_it_never_said() -> None:
    seen = a_row("p1", sequence=None, reason="bad-request", last_seen="2026-04-05T12:00:00Z")

    assert _clients([seen], {"p1": "QA phone"}) == "1, last QA phone (p1) (bad-request)"
    assert _clients([{**seen, "sequence": 4}], {}) == "1, last p1 at 4 (bad-request)"


def test_why_takes_latest_and_says_its_hints_in_options(say: Say) -> None:
    asked: list[Mapping[str, Any]] = []

    class Refusing(Site):
        def get(self, path: str, **query: Any) -> Any:
            if path == "/api/releases":
                return [{"sequence": 7}]
            asked.append(query)
            raise HotswapError(
                "no",
                "seen: /x?z=1&a=2; or say: sequence, binary_version, platform, arch, channel, ?sequence=0&arch=x",
            )

    said = say("why", "--sequence", "latest", site=Refusing())

    assert asked[0]["sequence"] == 7
    assert "seen: /x?z=1&a=2; or say: --sequence, --binary-version, " in said.err
    assert said.err.endswith("--channel, --sequence 0 --arch x\n")
    assert say("why", "--sequence", "abc", site=Refusing()).code == 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-60, "0 s ago"), (0, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (3599, "59 min ago"),
     (3600, "1 h ago"), (47 * 3600, "47 h ago"), (48 * 3600, "2 days ago")],
)  # fmt: skip
def test_how_long_ago_is_said_in_the_unit_that_a_person_would_use(seconds: int, text: str) -> None:
    assert ago(NOW, (NOW - timedelta(seconds=seconds)).isoformat()) == text


@pytest.mark.parametrize(
    ("typed", "before"),
    [("30s", {"seconds": 30}), ("10m", {"minutes": 10}), ("2h", {"hours": 2}), ("1d", {"days": 1})],
)
def test_since_takes_a_span(typed: str, before: dict[str, int]) -> None:
    assert datetime.fromisoformat(moment(typed, NOW)) == NOW - timedelta(**before)


def test_since_takes_a_time_that_without_a_zone_is_the_persons_own() -> None:
    assert datetime.fromisoformat(moment("2026-04-05T12:00:00Z", NOW)) == NOW
    own = datetime.fromisoformat(moment("2026-04-05T12:00", NOW))
    assert own.utcoffset() is not None
    assert own.replace(tzinfo=None) == datetime(2026, 4, 5, 12, 0)  # noqa: DTZ001 - that it has none is the point


@pytest.mark.parametrize("typed", ["yesterday", "10", "m", "10 m", "999999d", "\u0661m", "-5m"])
def test_since_that_can_not_be_meant_is_usage_and_named(say: Say, typed: str) -> None:
    said = say("log", "--since", typed, site=Site())

    assert said.code == 2
    assert repr(typed) in said.err
    assert "10m, 2h" in said.err


@pytest.mark.parametrize(
    "arguments", [["--reason", "binary-to-old"], ["--event", "noted"], ["--status", "ok"], ["--limit", "0"]]
)
def test_a_filter_that_matches_nothing_ever_is_usage(say: Say, arguments: list[str]) -> None:
    said = say("log", *arguments, site=Site())

    assert said.code == 2
    assert arguments[0] in said.err


def event(number: int, at: int, **more: Any) -> dict[str, Any]:
    return {
        "event": "note-added",
        "at": (NOW + timedelta(seconds=at)).isoformat(),
        "text": str(number),
        **more,
    }


def test_what_follows_a_history_is_told_once_and_nothing_is_lost() -> None:
    """The recorder writes behind: the third was not on the disk yet when the history was read."""
    happened = [event(number, number, revision=number, instance="i") for number in range(1, 5)]
    rows = [{**event(number, number), "number": number} for number in (1, 2)]

    told = [one and one["text"] for one in unseen([*happened, None], rows, 3)]

    assert told == ["3", "4", None]


def test_what_came_before_the_rows_that_are_shown_is_not_told_after_them() -> None:
    stream = [event(1, 1, revision=1), event(2, 2, revision=2)]

    assert list(unseen(stream, [event(2, 2)], 2)) == []


def test_a_clock_that_was_set_back_hides_nothing_new() -> None:
    stream = [event(1, 100, revision=1), event(2, -100, revision=2)]

    assert [one and one["text"] for one in unseen(stream, [event(1, 100)], 1)] == ["2"]


def test_following_filters_as_the_history_does() -> None:
    check = {
        "event": "check-answered",
        "at": NOW.isoformat(),
        "client": "anna",
        "reason": "up-to-date",
        "status": 204,
    }
    events = [check, event(1, 0), None]

    def found(**only: Any) -> list[Any]:
        given: dict[str, Any] = {"client": None, "reason": None, "status": None, **only}
        return [one["event"] for one in wanted(events, **given) if one]

    assert found() == ["check-answered", "note-added"]
    assert found(client="anna") == found(reason="up-to-date") == found(status=204) == ["check-answered"]
    assert found(client="ben") == found(status=200) == []
    assert found(only=("note-added",)) == ["note-added"]
    assert found(since=(NOW + timedelta(seconds=1)).isoformat()) == []
