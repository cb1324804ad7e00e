"""Checks: what a client asks, what it is told, and what is said of it (contract; design §6)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.facts import BundlesPruned
from hotswap_dev.domain.model import SAME_AS_CLIENT
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.packing.signing import verify
from tests.server.asking import Asking, happened, raw, so_far, statuses, until, write_frontend
from tests.server.conftest import Serve

QUERY = "binary_version=0.1.0&platform=linux&arch=x86_64"


@pytest.mark.parametrize("path", ["/api/ota", "/api/updates"])
async def test_an_offer_is_a_manifest_as_the_contract_has_it(server: Asking, dist: Path, path: str) -> None:
    release = server.engine.controls.releases[1]

    answer = await server.get(f"{path}/0?{QUERY}")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.reason == "newer-release"
    told = answer.json
    assert {name: type(value) for name, value in told.items()} == {
        "version": str,
        "sequence": int,
        "min_binary_version": str,
        "url": str,
        "signature": str,
        "pub_date": str,
        "mandatory": bool,
        "bundle_size": int,
    }
    assert told["version"] == "0.1.0-ota.1"
    assert told["sequence"] == 1
    assert told["min_binary_version"] == "0.1.0"
    assert told["mandatory"] is False
    assert told["bundle_size"] == release.bundle.size
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["pub_date"])
    assert abs(datetime.fromisoformat(told["pub_date"]) - datetime.now(UTC)).total_seconds() < 60
    assert re.fullmatch(
        rf"{re.escape(server.running.file.site)}/bundles/[0-9a-f]{{10}}/1/[0-9a-f]{{8}}\.tar\.gz", told["url"]
    )


async def test_what_is_offered_is_signed_by_the_key_that_the_server_names(
    server: Asking, tmp_path: Path
) -> None:
    told = (await server.check()).json
    bundle = await server.get(told["url"])
    (tmp_path / "got").write_bytes(bundle.body)

    verify(tmp_path / "got", told["signature"], server.running.file.pubkey)

    # The raw form, as the plugin knows it by its start; its second line is that of a prehashed signature.
    untrusted, signed, *_ = told["signature"].split("\n")
    assert untrusted.startswith("untrusted comment:")
    assert base64.b64decode(signed)[:2] == b"ED"


async def test_notes_and_mandatory_are_passed_on(server: Asking, dist: Path) -> None:
    await server.publish(dist, notes="Fixed the „button“", mandatory=True)

    told = (await server.check()).json

    assert told["sequence"] == 2
    assert told["notes"] == "Fixed the „button“"
    assert told["mandatory"] is True


async def test_the_bundle_is_where_the_client_asked(server: Asking) -> None:
    """An emulator asks 10.0.2.2, `adb reverse` 127.0.0.1, a phone the address in its network: one server for all."""
    for host in ("localhost", "127.0.0.1", "[::1]", "10.0.2.2", "LOCALHOST", "a.localhost"):
        answer = await server.check(headers={"Host": f"{host}:{server.port}"})

        assert answer.json["url"].startswith(f"http://{host}:{server.port}/bundles/")


async def test_the_public_url_outdoes_the_host_and_its_name_may_be_asked_for(
    serve: Serve, dist: Path
) -> None:
    async with serve(public_url="https://ota.example:8443") as server:
        await server.publish(dist)

        answer = await server.check(headers={"Host": "ota.example:8443"})

        assert answer.json["url"].startswith("https://ota.example:8443/bundles/")
        assert (await server.check()).json["url"].startswith("https://ota.example:8443/bundles/")
        assert server.running.file.endpoint == "https://ota.example:8443/api/ota/{{current_sequence}}"


async def test_every_answer_says_why(server: Asking, tmp_path: Path) -> None:
    """Each code that an answer can have today."""
    await server.publish(write_frontend(tmp_path / "typed"), channel="typed", update_type="data")
    gone = await server.publish(write_frontend(tmp_path / "gone", "gone"), channel="gone")
    await server.engine.commit(
        lambda _: [BundlesPruned(at=datetime.now(UTC), hashes=(gone.bundle.hash,))],
    )
    last = server.engine.controls.last_sequence

    asked: dict[str, tuple[object, dict[str, str | None], int]] = {
        "newer-release": (0, {}, 200),
        "up-to-date": (1, {}, 204),
        "client-ahead": (last + 1, {}, 204),
        "no-release": (0, {"channel": "typed"}, 204),
        "channel-unknown": (0, {"channel": "nowhere"}, 204),
        "binary-too-old": (0, {"binary_version": "0.0.9"}, 204),
        "release-withheld": (0, {"channel": "gone"}, 204),
        "bad-request": ("x", {}, 400),
    }

    answers = {code: await server.check(sequence, **query) for code, (sequence, query, _) in asked.items()}

    assert {code: (answer.reason, answer.status) for code, answer in answers.items()} == {
        code: (code, status) for code, (_, _, status) in asked.items()
    }
    assert {answer.headers["Cache-Control"] for answer in answers.values()} == {"no-store"}


async def test_no_update_is_204_without_a_body(server: Asking) -> None:
    answer = await raw(
        server.port,
        f"GET /api/ota/1?{QUERY} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(),
    )

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert body == b""
    # RFC 9110 §8.6: no Content-Length in a 204.
    assert b"content-length" not in head.lower()
    assert b"transfer-encoding" not in head.lower()


async def test_bad_input_is_named_with_its_value_and_an_example(server: Asking) -> None:
    bad: list[tuple[object, dict[str, str | None], str, str]] = [
        ("x", {}, "sequence", "x"),
        ("1_000", {}, "sequence", "1_000"),
        ("%D9%A1", {}, "sequence", "١"),
        ("-1", {}, "sequence", "-1"),
        ("+5", {}, "sequence", "+5"),
        ("1.0", {}, "sequence", "1.0"),
        ("18446744073709551616", {}, "sequence", "18446744073709551616"),
        ("9" * 5000, {}, "sequence", "9" * 255 + "…"),
        ("%1b%5d52", {}, "sequence", "\\x1b]52"),
        # The plugin's placeholder, which whoever tries the endpoint by hand forgets to replace.
        ("%7B%7Bcurrent_sequence%7D%7D", {}, "sequence", "{{current_sequence}}"),
        (0, {"binary_version": None}, "binary_version", ""),
        (0, {"binary_version": "1.0"}, "binary_version", "1.0"),
        (0, {"binary_version": "v1.0.0"}, "binary_version", "v1.0.0"),
        (0, {"platform": None}, "platform", ""),
        (0, {"arch": None}, "arch", ""),
        (0, {"channel": ""}, "channel", ""),
        (0, {"channel": "../etc"}, "channel", "../etc"),
        (0, {"channel": "[/nope]"}, "channel", "[/nope]"),
    ]
    for sequence, query, parameter, value in bad:
        answer = await server.check(sequence, **query)

        assert answer.status == 400, (sequence, query)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.reason == "bad-request"
        problem = answer.json
        assert problem["status"] == 400
        assert (problem["parameter"], problem["value"]) == (parameter, value)
        assert problem["example"]
        assert problem["example"] in problem["detail"]
        assert parameter in problem["detail"]


async def test_the_largest_sequence_is_read_and_answered(server: Asking) -> None:
    answer = await server.check(2**64 - 1)

    assert (answer.status, answer.reason) == (204, "client-ahead")


async def test_a_deviation_is_answered_all_the_same_and_flagged(server: Asking) -> None:
    deviations: dict[str, dict[str, str | None]] = {
        "platform-unknown": {"platform": "beos"},
        "arch-unknown": {"arch": "m68k"},
        # An app without `version` in its Tauri config.
        "binary-version-empty": {"binary_version": ""},
    }

    answers = [await server.check(**query) for query in deviations.values()]

    assert [answer.status for answer in answers] == [200, 200, 200]
    seen = await so_far(server.engine, CheckAnswered)
    assert [check.flags for check in seen] == [(flag,) for flag in deviations]


async def test_the_same_minimum_as_the_client_is_told_as_the_client_s_own(serve: Serve, dist: Path) -> None:
    async with serve(min_binary_version=SAME_AS_CLIENT) as server:
        await server.publish(dist)

        told = {
            version: (await server.check(binary_version=version)).json["min_binary_version"]
            for version in ("0.0.1", "0.1.0", "7.0.0")
        }

        assert told == {version: version for version in told}
        assert (await server.get("/channels/production/latest.json")).json["min_binary_version"] == "0.1.0"


async def test_an_older_binary_gets_the_newest_release_that_it_can_run(server: Asking, dist: Path) -> None:
    await server.publish(dist, min_binary_version="0.2.0")

    old, new = await server.check(binary_version="0.1.9"), await server.check(binary_version="0.2.0")

    assert (old.json["sequence"], new.json["sequence"]) == (1, 2)


async def test_a_channel_is_asked_for_and_without_one_it_is_production(server: Asking, dist: Path) -> None:
    await server.publish(dist, channel="beta")

    assert (await server.check(channel="beta")).json["sequence"] == 2
    assert (await server.check()).json["sequence"] == 1
    assert (await server.check(1)).reason == "up-to-date"


async def test_other_parameters_are_ignored_whatever_they_are(server: Asking) -> None:
    """The plugin appends its own to any query that the endpoint already has."""
    answer = await server.get(f"/api/ota/0?tenant=a&tenant=b&=&%ff=%ff&{QUERY}&x=" + "y" * 1000)

    assert answer.status == 200


async def test_a_parameter_twice_with_two_values_is_refused_and_with_one_it_is_not(server: Asking) -> None:
    twice = await server.get(f"/api/ota/0?{QUERY}&arch=arm")
    same = await server.get(f"/api/ota/0?{QUERY}&arch=x86_64")

    assert (twice.status, twice.json["parameter"]) == (400, "arch")
    assert same.status == 200


async def test_a_check_is_a_get(server: Asking) -> None:
    for method in ("HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = await server.get(f"/api/ota/0?{QUERY}", method=method)

        assert (answer.status, answer.headers["Allow"]) == (405, "GET"), method
    assert await so_far(server.engine, CheckAnswered) == []


async def test_a_check_is_seen_with_all_that_it_said(server: Asking) -> None:
    await server.check(
        1, {"X-Device-Id": "phone-7"}, platform="android", arch="aarch64", channel="production"
    )

    seen = await happened(server.engine, CheckAnswered)

    assert (seen.client, seen.peer, seen.sequence, seen.binary_version) == (
        "phone-7",
        "127.0.0.1",
        1,
        "0.1.0",
    )
    assert (seen.platform, seen.arch, seen.channel) == ("android", "aarch64", "production")
    assert (seen.status, seen.reason, seen.offered) == (204, "up-to-date", None)
    assert 0 < seen.duration_ms < 1000
    client = server.engine.clients["phone-7"]
    assert (client.checks, client.sequence, client.reason) == (1, 1, "up-to-date")


async def test_who_a_client_is(serve: Serve, dist: Path) -> None:
    async with serve(id_header="X-Install") as server:
        await server.publish(dist)
        await server.check()
        await server.check(headers={"X-Install": "phone"})
        await server.check(headers={"X-Device-Id": "ignored"}, platform="ios")
        await server.check(headers={"X-Install": "x" * 200})
        seen = [check.client for check in await so_far(server.engine, CheckAnswered)]

    assert seen == [
        "local/linux/x86_64",
        "phone",
        "local/ios/x86_64",
        "h:" + hashlib.sha256(b"x" * 200).hexdigest()[:16],
    ]


async def test_C3_C4_hostile_bytes_are_recorded_as_harmless_text(server: Asking) -> None:
    """Escapes, bidi and bytes that are no UTF-8 in every place where a client can say something."""
    hostile = (
        f"GET /api/ota/%1b%9d%ff?{QUERY}&x=%E2%80%AE%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    )
    await raw(server.port, hostile.encode() + b"X-Device-Id: \xff\xfe\x9b31m\r\nUser-Agent: \xff\r\n\r\n")
    platform = (
        "GET /api/ota/0?binary_version=0.1.0&platform=%1b[31m&arch=%ed%a0%80 HTTP/1.1\r\nHost: localhost\r\n"
    )
    await raw(server.port, platform.encode() + b"Connection: close\r\n\r\n")

    await server.check()

    seen = await so_far(server.engine, CheckAnswered)
    assert [check.status for check in seen] == [400, 200, 200]
    for check in seen:
        assert json.dumps(_texts(check), ensure_ascii=False).isprintable()
    assert seen[0].client.startswith("h:")
    # The recorder lives, and what came after is stored too.
    happened_so_far = len(await so_far(server.engine))
    await until(lambda: server.engine.history.recorded == happened_so_far, "all of it is recorded")
    assert server.engine.history.dropped == 0
    assert [row["status"] for row in (await server.control("/api/checks")).json] == [200, 200, 400]


async def test_a_check_with_a_body_is_answered_and_its_body_is_not_taken_for_a_request(
    server: Asking,
) -> None:
    inner = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = f"GET /api/ota/1?{QUERY} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(inner)}"

    answer = await raw(server.port, head.encode() + b"\r\n\r\n" + inner)

    assert statuses(answer) == [204]


def _texts(check: CheckAnswered) -> list[Any]:
    return [check.client, check.path, check.platform, check.arch, check.channel, *check.args.values()]
