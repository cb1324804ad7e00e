"""`GET /api/why`: the answer that somebody would get now, and all that explains it; it gives none (design §6)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from hotswap_dev.domain.commands.clients import NameClient, PinClient
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.commands.releases import Promote, Withhold
from tests.server.asking import CLIENT, Asking, write_frontend

KEYS = {"check", "name", "status", "reason", "sentence", "change", "considered", "next", "client"}


async def why(server: Asking, **query: str | int) -> Any:
    answer = await server.control(f"/api/why?{urlencode(query)}")
    assert answer.status == 200, answer.body
    assert answer.json.keys() >= KEYS
    return answer.json


async def test_a_client_is_told_why_in_words_with_the_command_that_changes_it(
    server: Asking, tmp_path: Path
) -> None:
    await server.publish(write_frontend(tmp_path / "dist", "two"), min_binary_version="0.5.0")
    await server.check(1, {"X-Device-Id": "anna"})
    await server.engine.run(NameClient(client="anna", name="QA phone"))

    found = await why(server, client="anna")

    assert found["check"]["client"] == "anna"
    assert (found["name"], found["status"], found["reason"]) == ("QA phone", 204, "binary-too-old")
    assert found["sentence"] == "Release 2 needs binary 0.5.0, the client runs 0.1.0."
    assert found["change"].startswith("hotswap-dev edit-release 2 --min-binary-version ")
    assert found["next"]["sentence"] == "Nothing until its app is 0.5.0 or newer, or 2 asks for less."
    assert found["client"]["label"]["code"] == "running"
    assert "offered" not in found


async def test_what_was_passed_over_is_listed_highest_first(server: Asking, tmp_path: Path) -> None:
    await server.publish(write_frontend(tmp_path / "dist", "two"))
    await server.publish(write_frontend(tmp_path / "dist", "three"), min_binary_version="0.5.0")
    await server.engine.run(Withhold(sequence=2))

    found = await why(server, sequence=0)

    assert (found["status"], found["offered"], found["reason"]) == (200, 1, "newer-release")
    assert [(one["sequence"], one["code"]) for one in found["considered"]] == [
        (3, "binary-too-old"),
        (2, "release-withheld"),
    ]
    assert found["considered"][1]["detail"] == "Release 2 is withheld."
    assert found["considered"][1]["change"] == "hotswap-dev restore 2"


async def test_it_says_what_a_check_is_then_answered(server: Asking, tmp_path: Path) -> None:
    await server.publish(write_frontend(tmp_path / "dist", "two"), min_binary_version="0.2.0")
    for asked in (
        {"binary_version": "0.1.0"},
        {"binary_version": "0.2.0"},
        {"binary_version": "0.2.0", "channel": "beta"},
        {"sequence": "2"},
        {"sequence": "99"},
        {"platform": "beos", "arch": "sparc"},
    ):
        found = await why(server, **asked)
        answer = await server.check(
            asked.get("sequence", 0), **{name: value for name, value in asked.items() if name != "sequence"}
        )

        assert (found["status"], found["reason"]) == (answer.status, answer.reason), asked
        assert found.get("offered") == (answer.json["sequence"] if answer.status == 200 else None)


async def test_without_more_words_a_client_that_does_not_exist_is_like_the_app(server: Asking) -> None:
    found = await why(server, sequence=0)

    assert found["check"] == {
        "client": "",
        "sequence": 0,
        **CLIENT,
        "channel": None,
        "flags": [],
        "headers": {},
        "protocol": "hotswap",
        "update_type": "frontend",
    }
    assert found["client"] is None


async def test_a_client_that_does_not_exist_is_nobody_that_does(server: Asking) -> None:
    await server.check()
    await server.engine.run(PinClient(client="local/linux/x86_64", sequence=1))
    await server.engine.run(Force204(on=True, client="local/linux/x86_64"))

    assert (await why(server, sequence=0))["reason"] == "newer-release"
    assert (await why(server, client="local/linux/x86_64"))["reason"] == "forced-204"


async def test_what_if_a_client_had_another_binary_or_channel(server: Asking) -> None:
    await server.engine.run(Promote(sequence=1, channel="beta"))
    await server.check(1, {"X-Device-Id": "anna"}, platform="android")

    assert (await why(server, client="anna"))["reason"] == "up-to-date"
    other = await why(server, client="anna", channel="beta")
    assert (other["reason"], other["offered"], other["check"]["platform"]) == ("newer-release", 2, "android")
    assert (await why(server, client="anna", binary_version="0.0.1", sequence=0))[
        "reason"
    ] == "binary-too-old"


async def test_what_if_is_asked_of_a_client_that_was_never_seen_too(server: Asking) -> None:
    await server.engine.run(Force204(on=True, client="new phone"))

    assert (await why(server, client="new phone", sequence=0))["reason"] == "forced-204"


async def test_to_ask_why_spends_nothing(server: Asking) -> None:
    await server.engine.run(Force204(on=True, times=1))
    revision = server.engine.bus.revision

    for _ in range(3):
        assert (await why(server, sequence=0))["reason"] == "forced-204"

    assert server.engine.bus.revision == revision
    assert [(await server.check()).status for _ in range(2)] == [204, 200]


async def test_a_client_that_was_never_seen_is_404_and_the_nearest_are_named(server: Asking) -> None:
    nobody = await server.control("/api/why?client=anna")
    for client in ("anna-phone", "ben-phone", "xyz"):
        await server.check(headers={"X-Device-Id": client})
    near = await server.control("/api/why?client=ana-phone")

    assert (nobody.status, nobody.json["title"]) == (404, "unknown-client")
    assert "no client was seen yet" in nobody.json["hint"]
    assert near.json["detail"] == "client: 'ana-phone' was never seen"
    assert near.json["hint"].startswith("seen were: anna-phone, ben-phone")
    assert "xyz" not in near.json["hint"]


@pytest.mark.parametrize("asked_before", [False, True])
async def test_a_client_whose_last_check_could_not_be_read_is_told_what_was_wrong_with_it(
    server: Asking, asked_before: bool
) -> None:
    anna = {"X-Device-Id": "anna"}
    if asked_before:
        await server.check(1, anna)
    await server.check(0, anna, binary_version="abc")

    found = await why(server, client="anna")

    assert (found["status"], found["reason"], found["change"]) == (400, "bad-request", "")
    assert (found["parameter"], found["value"]) == ("binary_version", "abc")
    assert found["sentence"] == (
        "The check's binary_version is abc; expected is a semantic version, for example binary_version=0.1.0."
    )
    assert (found["check"]["client"], found["check"]["sequence"]) == ("anna", None)
    assert found["check"]["path"].startswith("/api/ota/0")
    assert found["next"]["sentence"].startswith("Its check fails with `")
    assert found["client"]["id"] == "anna"


async def test_what_a_client_would_ask_stands_in_for_a_check_that_could_not_be_read(server: Asking) -> None:
    await server.check("x", {"X-Device-Id": "anna"})
    await server.check(1, {"X-Device-Id": "ben"})
    await server.check(0, {"X-Device-Id": "ben"}, binary_version="abc")

    anna = await why(server, client="anna", binary_version="0.1.0")
    ben = await why(server, client="ben", binary_version="0.1.0")

    assert (anna["status"], anna["check"]["sequence"], anna["check"]["client"]) == (200, 0, "anna")
    assert (ben["status"], ben["check"]["sequence"]) == (204, 1)
    assert (await why(server, client="anna", sequence=0))["status"] == 200


async def test_a_refusal_that_is_in_no_history_is_still_one(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.check("x", {"X-Device-Id": "anna"})
    monkeypatch.setattr(server.engine.history, "checks", lambda **_: [])

    found = await why(server, client="anna")

    assert (found["status"], found["reason"]) == (400, "bad-request")
    assert "not in the history" in found["sentence"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "nothing says who asks"),
        ("sequence=1_000", "sequence is '1_000'"),
        ("sequence=-1", "sequence is '-1'"),
        ("sequence=18446744073709551616", "sequence is"),
        ("sequence=1&sequence=2", "sequence is given twice"),
        ("client=a&client=b", "client is given twice"),
        ("binary_version=1.0", "binary_version is '1.0'"),
        ("binary_version=0.1.0&binary_version=0.2.0", "binary_version is '0.1.0, 0.2.0'"),
        ("channel=a%20b", "channel is 'a b'"),
        ("channel=", "channel is ''"),
        ("platfrom=ios", "there is no parameter 'platfrom'"),
        ("channel=%1b%5b31m", "channel is"),
    ],
)
async def test_a_value_that_can_not_be_meant_is_named(server: Asking, query: str, named: str) -> None:
    answer = await server.control(f"/api/why?{query}")

    assert (answer.status, answer.json["title"]) == (400, "bad-arguments")
    assert answer.json["detail"].startswith(named)
    assert answer.json["detail"].isprintable()
    assert answer.json["hint"]


async def test_what_comes_next_is_that_of_the_client_that_is_asked_about(server: Asking) -> None:
    imagined = await why(server, sequence=0, binary_version="0.2.0")
    await server.check(0, {"X-Device-Id": "anna"})
    as_it_is = await why(server, client="anna")
    upgraded = await why(server, client="anna", binary_version="0.2.0")

    discarded = "1 will be discarded at the next start: binary 0.2.0 > min 0.1.0"
    assert discarded in imagined["next"]["sentence"]
    assert discarded in upgraded["next"]["sentence"]
    assert "discarded" not in as_it_is["next"]["sentence"]
