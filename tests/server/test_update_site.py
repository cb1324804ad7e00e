"""Asking in the second protocol: `POST /update` (contract, update-server-protocol)."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from hotswap_dev.domain.commands.access import MapProduct, SetRequiredHeader
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.commands.releases import Withhold
from hotswap_dev.domain.observations import DownloadEnded
from tests.server.asking import Asking, connection, happened, raw, status_of, until, write_frontend
from tests.server.conftest import Serve
from tests.server.probes import FOREIGN_PAGES
from tests.server.update_asking import QUESTION, ask, checks, listed, post
from tests.server.update_client import UpdateClient

JSON = json.dumps(QUESTION).encode()


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


def multipart(*parts: tuple[str, bytes]) -> bytes:
    lines = [
        b'--frontier\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value)
        for name, value in parts
    ]
    return b"".join([*lines, b"--frontier--\r\n"])


async def test_a_client_written_from_the_contract_alone_asks_fetches_verifies_and_reports(
    server: Asking,
) -> None:
    client = UpdateClient(server.running.file.site, server.session, version=0)

    available = await client.update()

    assert available is not None
    [update] = available.updates
    release = server.engine.controls.releases[1]
    assert update.update_type == "frontend"
    assert update.version == release.version
    assert hashlib.sha256(await client.download(update)).hexdigest() == release.bundle.hash
    client.version = update.version
    assert await client.ask() is None


BODIES: dict[str, tuple[bytes, str | None]] = {
    "JSON": (JSON, "application/json"),
    "JSON with a charset": (JSON, "application/json; charset=utf-8"),
    "JSON with a byte order mark": (b"\xef\xbb\xbf" + JSON, "application/json"),
    "JSON without a type": (JSON, None),
    "JSON as curl -d sends it": (JSON, "application/x-www-form-urlencoded"),
    "JSON as text": (JSON, "text/plain"),
    "a form's field": (form(document=JSON.decode()), "application/x-www-form-urlencoded"),
    "a form's field of any name": (form(x=JSON.decode()), "application/x-www-form-urlencoded"),
    "a field among others": (form(a="1", doc=JSON.decode(), b="{}}"), "application/x-www-form-urlencoded"),
    "a form's only name": (quote(JSON.decode()).encode(), "application/x-www-form-urlencoded"),
    "a multipart form": (multipart(("doc", JSON)), "multipart/form-data; boundary=frontier"),
    "a multipart form with others": (
        multipart(("a", b"1"), ("doc", JSON)),
        'multipart/form-data; boundary="frontier"',
    ),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_the_document_may_come_as_json_or_in_any_one_field_of_a_form(server: Asking, kind: str) -> None:
    body, content_type = BODIES[kind]

    answer = await post(server, body, content_type)

    assert listed(answer)["frontend"]["size"] == server.engine.controls.releases[1].bundle.size
    assert answer.reason == "newer-release"


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "application/json", "body"),
    "no JSON": (b"{", "application/json", "body"),
    "an array": (b"[]", "application/json", "body"),
    "a number": (b"7", "application/json", "body"),
    "nesting without an end": (b"[" * 60_000, "application/json", "body"),
    "bytes that are no text": (b"\xff\xfe\x00", "application/json", "body"),
    "a form without a document": (form(a="1"), "application/x-www-form-urlencoded", "body"),
    "a form with two": (form(a=JSON.decode(), b=JSON.decode()), "application/x-www-form-urlencoded", "body"),
    "a form with a thousand fields": (
        form(**{f"f{n}": "1" for n in range(1000)}),
        "application/x-www-form-urlencoded",
        "body",
    ),
    "a multipart form without a boundary": (multipart(("doc", JSON)), "multipart/form-data", "body"),
    "a multipart form that is cut off": (
        multipart(("doc", JSON))[:-40],
        "multipart/form-data; boundary=frontier",
        "body",
    ),
    "gzip": (gzip.compress(JSON), "application/json", "body"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_body_without_a_document_is_a_400_with_an_example(server: Asking, kind: str) -> None:
    body, content_type, parameter = REFUSED[kind]

    answer = await post(server, body, content_type)

    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["parameter"] == parameter
    assert "product" in answer.json["example"]
    assert answer.reason == "bad-request"
    [seen] = await checks(server, 1)
    assert (seen.status, seen.reason, seen.protocol) == (400, "bad-request", "update-server")


async def test_D7_a_compressed_body_is_never_unpacked(server: Asking) -> None:
    answer = await post(server, gzip.compress(JSON), Content_Encoding="gzip")

    assert answer.status == 400


@pytest.mark.parametrize(
    ("changes", "parameter", "value"),
    [
        ({"product": None}, "product", ""),
        ({"product": ""}, "product", ""),
        ({"product": 7}, "product", "7"),
        ({"product": "x" * 257}, "product", "x" * 255 + "…"),
        ({"version": None}, "version", ""),
        ({"version": -1}, "version", "-1"),
        ({"version": 2**64}, "version", str(2**64)),
        ({"version": True}, "version", "true or false"),
        ({"version": 1.0}, "version", "1.0"),
        ({"version": [1]}, "version", "an array"),
        ({"version": {}}, "version", "an object"),
        ({"version": ""}, "version", ""),
        ({"version": "one"}, "version", "one"),
        ({"version": "1.0"}, "version", "1.0"),
        ({"platform": None}, "platform", ""),
        ({"platform": 1}, "platform", "1"),
    ],
)
async def test_a_field_that_can_not_be_read_is_a_400_that_names_it_and_its_value(
    server: Asking, changes: dict[str, Any], parameter: str, value: str
) -> None:
    answer = await ask(server, changes)

    assert answer.status == 400
    assert (answer.json["parameter"], answer.json["value"]) == (parameter, value)
    assert parameter in answer.json["example"]
    assert parameter in answer.json["detail"]


async def test_a_whole_number_is_the_sequence_and_no_minimum_applies(server: Asking, dist: Path) -> None:
    await server.publish(dist, min_binary_version="9.0.0")

    assert listed(await ask(server, {"version": 1}))["frontend"]["version"] == "0.1.0-ota.2"
    assert (await ask(server, {"version": 2})).status == 204
    assert (await ask(server, {"version": 2**64 - 1})).reason == "client-ahead"


async def test_a_text_that_names_a_release_is_its_sequence_and_no_minimum_applies(
    server: Asking, dist: Path
) -> None:
    await server.publish(dist, min_binary_version="9.0.0")

    assert listed(await ask(server, {"version": "0.1.0-ota.1"}))["frontend"]["version"] == "0.1.0-ota.2"
    assert (await ask(server, {"version": "0.1.0-ota.2"})).status == 204
    [first, _] = await checks(server, 2)
    assert (first.sequence, first.binary_version) == (1, None)


async def test_a_version_that_a_reoffer_repeats_is_the_highest_sequence_of_it(
    server: Asking, dist: Path
) -> None:
    await server.control("/api/commands/reoffer", {"sequence": 1})

    answer = await ask(server, {"version": "0.1.0-ota.1"})

    assert (answer.status, answer.reason) == (204, "up-to-date")


async def test_a_version_counts_in_the_products_own_channel_first(server: Asking, dist: Path) -> None:
    beta = await server.publish(dist, channel="beta")
    await server.control("/api/commands/promote", {"sequence": beta.sequence, "channel": "production"})
    newer = await server.publish(write_frontend(dist, "newer"), channel="beta")
    await server.engine.run(MapProduct(product="your_app", channel="beta"))
    promoted_again = {"sequence": beta.sequence, "channel": "production"}
    assert (await server.control("/api/commands/promote", promoted_again)).status == 200

    answer = await ask(server, {"version": beta.version})

    assert listed(answer)["frontend"]["version"] == newer.version


async def test_any_other_text_is_the_binary_version_of_a_client_without_updates(
    server: Asking, dist: Path
) -> None:
    await server.publish(dist, min_binary_version="0.5.0")

    assert listed(await ask(server, {"version": "0.4.0"}))["frontend"]["version"] == "0.1.0-ota.1"
    assert listed(await ask(server, {"version": "0.5.0"}))["frontend"]["version"] == "0.1.0-ota.2"
    [seen, _] = await checks(server, 2)
    assert (seen.sequence, seen.binary_version) == (0, "0.4.0")


async def test_a_product_is_answered_from_the_channel_that_it_is_mapped_to_else_production(
    server: Asking, dist: Path
) -> None:
    await server.publish(write_frontend(dist, "beta"), channel="beta")
    await server.engine.run(MapProduct(product="my-game", channel="beta"))

    mapped = listed(await ask(server, {"product": "my-game"}))
    other = listed(await ask(server, {"product": "any other"}))

    assert "/2/" in mapped["frontend"]["url"]
    assert "/1/" in other["frontend"]["url"]
    [first, second] = await checks(server, 2)
    assert (first.product, first.channel) == ("my-game", "beta")
    assert (second.product, second.channel) == ("any other", None)


async def test_a_platform_is_lower_cased_and_one_that_nobody_knows_is_answered_and_flagged(
    server: Asking,
) -> None:
    assert (await ask(server, {"platform": "macOS"})).status == 200
    assert (await ask(server, {"platform": "Plan 9", "locale": None})).status == 200

    [first, second] = await checks(server, 2)
    assert (first.client, first.platform, first.arch, first.flags) == ("local/macos", "macos", None, ())
    assert second.flags == ("platform-unknown", "locale-missing")


async def test_targets_of_a_platform_match_and_targets_of_an_arch_never_do(
    server: Asking, dist: Path
) -> None:
    async def target(**targets: Any) -> None:
        answer = await server.control("/api/commands/set-targets", {"sequence": 1, **targets})
        assert answer.status == 200, answer.body

    await target(platforms=["macos"])
    assert (await ask(server)).status == 200
    assert (await ask(server, {"platform": "Windows"})).reason == "not-targeted"
    await target(arches=["x86_64", "aarch64", "x86", "arm"])
    assert (await ask(server)).reason == "not-targeted"


async def test_each_type_of_a_product_has_its_newest_release_in_one_list_and_checks_see_the_frontend_alone(
    server: Asking, dist: Path, tmp_path: Path
) -> None:
    data = await server.publish(write_frontend(tmp_path / "data", "data"), update_type="blocklist")
    newest = await server.publish(write_frontend(tmp_path / "data", "newer"), update_type="blocklist")

    answer = await ask(server)

    updates = listed(answer)
    assert set(updates) == {"frontend", "blocklist"}
    assert updates["blocklist"]["version"] == newest.version
    assert f"/{newest.sequence}/" in updates["blocklist"]["url"]
    client = UpdateClient(server.running.file.site, server.session)
    available = await client.ask()
    assert available is not None
    assert hashlib.sha256(await client.download(available.of("blocklist"))).hexdigest() == newest.bundle.hash
    assert (await server.check(1)).status == 204
    assert (await server.get("/channels/production/latest.json")).json["sequence"] == 1
    assert set(listed(await ask(server, {"version": data.sequence}))) == {"blocklist"}


async def test_a_check_in_is_in_the_same_lists_as_the_plugins(server: Asking) -> None:
    answer = await ask(server, X_Device_Id="Pixel 8")
    await server.get(listed(answer)["frontend"]["url"])
    await happened(server.engine, DownloadEnded)
    await until(lambda: server.engine.history.recorded >= server.engine.bus.revision, "all is recorded")

    row = (await server.control("/api/checks")).json[0]

    assert (row["client"], row["path"], row["protocol"]) == ("Pixel 8", "/update", "update-server")
    assert (row["offered"], row["args"]["updates"]) == (1, "frontend 1")
    assert row["request_id"] == answer.json["request_id"]
    [client] = (await server.control("/api/clients")).json
    assert client["id"] == "Pixel 8"
    history = (await server.control("/api/history?event=download-ended")).json
    assert [(row["client"], row["sequence"], row["complete"]) for row in history] == [("Pixel 8", 1, True)]


async def test_controls_change_these_answers_too(server: Asking) -> None:
    await server.engine.run(Force204(on=True, times=1))
    assert (await ask(server)).reason == "forced-204"
    assert (await ask(server)).reason == "newer-release"
    await server.engine.run(Withhold(sequence=1))
    assert (await ask(server)).reason == "release-withheld"


async def test_one_request_for_two_types_uses_up_a_forced_204_once(
    server: Asking, dist: Path, tmp_path: Path
) -> None:
    await server.publish(write_frontend(tmp_path / "data", "data"), update_type="blocklist")
    await server.engine.run(Force204(on=True, times=2))

    answers = [await ask(server) for _ in range(3)]

    assert [answer.status for answer in answers] == [204, 204, 200]


async def test_a_channel_that_demands_a_header_refuses_who_does_not_send_it(server: Asking) -> None:
    await server.engine.run(
        SetRequiredHeader(channel="production", header="X-Api-Key", value="s3cret", status=401)
    )

    refused = await ask(server)
    answered = await ask(server, X_Api_Key="s3cret")

    assert (refused.status, refused.reason) == (401, "access-denied")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert b"s3cret" not in refused.body
    assert answered.status == 200


async def test_an_update_whose_bytes_are_not_there_is_not_promised(server: Asking) -> None:
    release = server.engine.controls.releases[1]
    server.engine.bundle_file(release).unlink()

    answer = await ask(server)

    assert (answer.status, answer.reason) == (204, "release-withheld")
    [seen] = await checks(server, 1)
    assert seen.flags == ("bundle-unreadable",)
    assert seen.offered is None


async def test_the_address_in_the_list_is_the_requests_host_or_the_public_url(
    serve: Serve, dist: Path
) -> None:
    async with serve(public_url="https://ota.example") as server:
        await server.publish(dist)
        assert listed(await ask(server))["frontend"]["url"].startswith("https://ota.example/bundles/")
    async with serve() as server:
        url = listed(await ask(server, Host="10.0.2.2:3333"))["frontend"]["url"]
        assert url.startswith("http://10.0.2.2:3333/bundles/")


async def test_A2_a_host_that_is_not_this_server_is_refused(server: Asking) -> None:
    assert (await ask(server, Host="evil.example")).status == 403


@pytest.mark.parametrize("page", FOREIGN_PAGES)
async def test_A5_no_web_page_can_ask_or_report(server: Asking, page: str) -> None:
    headers = {name.replace("-", "_"): value for name, value in FOREIGN_PAGES[page].items()}

    for path in ("/update", "/update/completion"):
        answer = await post(server, JSON, "text/plain", path, **headers)
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert not server.engine.clients


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_another_method_than_post_is_a_405(server: Asking, method: str) -> None:
    for path in ("/update", "/update/completion"):
        assert (await server.get(path, method=method)).status == 405


@pytest.mark.parametrize("path", ["/update", "/update/completion"])
async def test_C7_a_body_of_more_than_64_kib_is_not_read(server: Asking, path: str) -> None:
    answer = await post(server, b" " * (64 * 1024 + 1), path=path)
    chunked = await raw(
        server.port,
        b"POST %b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        % path.encode()
        + b"10001\r\n%b\r\n0\r\n\r\n" % (b" " * 0x10001),
    )

    assert (answer.status, answer.json["title"]) == (413, "body-too-large")
    assert status_of(chunked) == 413


async def test_D5_a_body_that_breaks_its_own_framing_is_a_400(server: Asking) -> None:
    answer = await raw(
        server.port,
        b"POST /update HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    )

    assert status_of(answer) == 400


async def test_D3_a_body_that_does_not_come_is_given_up(
    server: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotswap_dev.server.update_body.BODY_SECONDS", 0.05)
    async with connection(server.port) as (reader, writer):
        writer.write(b"POST /update HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        head = await reader.readuntil(b"\r\n\r\n")

    assert status_of(head) == 400


async def test_a_client_that_is_gone_before_its_answer_does_no_harm(server: Asking) -> None:
    async with connection(server.port) as (_, writer):
        writer.write(b"POST /update HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()

    assert (await ask(server)).status == 200
