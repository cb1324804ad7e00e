"""Asking in the second protocol: `POST /update` (contract, update-server-protocol)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.commands.access import MapProduct, SetRequiredHeader
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.commands.releases import Withhold
from hotswap_dev.domain.observations import DownloadEnded
from tests.server.asking import Asking, happened, times, until, write_frontend
from tests.server.conftest import Serve
from tests.server.update_asking import ask, checks, listed
from tests.server.update_client import UpdateClient


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


async def test_a_question_that_can_not_be_read_is_still_its_clients(server: Asking) -> None:
    await ask(server, {"product": None})
    await ask(server, {"version": "one"})
    await ask(server, {"platform": 7})
    await ask(server, {"product": None}, X_Device_Id="Pixel 8")

    seen = await checks(server, 4)
    assert [one.client for one in seen] == ["local/macos", "local/macos", "local/?", "Pixel 8"]


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


async def test_attempts_at_a_bundle_count_from_one_again_after_each_list(server: Asking) -> None:
    url = listed(await ask(server))["frontend"]["url"]
    for _ in range(2):
        await server.get(url)
    await ask(server)
    await server.get(url)

    assert [ended.attempt for ended in await times(server.engine, DownloadEnded, 3)] == [1, 2, 1]


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
