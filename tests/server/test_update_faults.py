"""Faults in the second protocol: what breaks the answer, and what bends the list."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hotswap_dev.domain.bent_updates import LOWEST_VERSION
from hotswap_dev.domain.commands import ArmFault
from tests.server.asking import Asking, write_frontend
from tests.server.conftest import Serve
from tests.server.update_asking import ask, checks, listed
from tests.server.update_client import UpdateClient


async def arm(server: Asking, fault: str, **more: Any) -> None:
    await server.engine.run(ArmFault(fault=fault, **more))


async def test_an_http_error_stands_in_place_of_the_list_once(server: Asking, tmp_path: Path) -> None:
    await server.publish(write_frontend(tmp_path / "data", "data"), update_type="blocklist")
    await arm(server, "check/http-error", times=1, parameters={"status": 502})

    answers = [await ask(server) for _ in range(2)]

    assert [answer.status for answer in answers] == [502, 200]
    assert answers[0].reason == "fault"
    [struck, _] = await checks(server, 2)
    assert (struck.status, struck.fault, struck.offered, struck.request_id) == (
        502,
        "check/http-error",
        None,
        None,
    )


async def test_a_list_is_cut_off_in_the_middle(server: Asking) -> None:
    await arm(server, "malformed-json")

    answer = await ask(server)

    assert answer.status == 200
    assert answer.body.startswith(b'{"available_updates"')
    with pytest.raises(ValueError, match="Unterminated|Expecting"):
        _ = answer.json


async def test_nothing_is_answered_where_the_connection_is_reset(server: Asking) -> None:
    await arm(server, "check/connection-reset")

    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(server)

    [seen] = await checks(server, 1)
    assert (seen.status, seen.fault) == (0, "check/connection-reset")


BENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "missing-field": ({"field": "signature"}, {"hash_value": None}),
    "missing-field of the url": ({"field": "url"}, {"url": None}),
    "missing-field of the version": ({"field": "version"}, {"version": None}),
    "same-sequence": ({}, {"version": "0"}),
    "lower-sequence": ({}, {"version": LOWEST_VERSION}),
    "garbage-signature": ({}, {"hash_value": "this is no hash"}),
}


@pytest.mark.parametrize("kind", BENT)
async def test_an_offer_is_bent_in_one_field_alone(server: Asking, kind: str) -> None:
    parameters, changed = BENT[kind]
    plain = listed(await ask(server))["frontend"]
    await arm(server, kind.split(" ")[0], parameters=parameters)

    answer = await ask(server)

    bent = listed(answer)["frontend"]
    assert bent == {name: value for name, value in {**plain, **changed}.items() if value is not None}
    assert answer.reason == "fault"


async def test_a_bundle_that_is_missing_is_a_404(server: Asking) -> None:
    await arm(server, "missing-bundle")

    url = listed(await ask(server))["frontend"]["url"]

    assert (await server.get(url)).status == 404


async def test_a_public_address_becomes_an_insecure_one(serve: Serve, dist: Path) -> None:
    async with serve(public_url="https://ota.example") as server:
        await server.publish(dist)
        await arm(server, "insecure-url")

        assert listed(await ask(server))["frontend"]["url"].startswith("http://ota.example/bundles/")


async def test_the_hash_of_other_bytes_is_found_by_a_client_that_compares(server: Asking) -> None:
    await arm(server, "other-files-signature")
    client = UpdateClient(server.running.file.site, server.session)
    available = await client.ask()
    assert available is not None
    [update] = available.updates
    assert len(update.hash_value) == 128

    with pytest.raises(ValueError, match="bad checksum"):
        await client.download(update)


async def test_a_stale_list_has_what_the_client_already_runs(server: Asking, dist: Path) -> None:
    plain = listed(await ask(server))["frontend"]
    await server.publish(write_frontend(dist, "newer"))
    await arm(server, "stale-manifest")

    stale = listed(await ask(server, {"version": 1}))["frontend"]

    assert stale == plain


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("wrong-key", {}),
        ("legacy-signature", {}),
        ("bad-min-binary-version", {}),
        ("future-min-binary-version", {}),
        ("missing-field", {"field": "sequence"}),
        ("missing-field", {"field": "min_binary_version"}),
    ],
)
async def test_a_fault_of_what_this_protocol_does_not_have_does_not_strike_and_is_not_used_up(
    server: Asking, fault: str, parameters: dict[str, Any]
) -> None:
    plain = listed(await ask(server))["frontend"]
    await arm(server, fault, parameters=parameters, times=1)

    answer = await ask(server)

    assert listed(answer)["frontend"] == plain
    assert answer.reason == "newer-release"
    assert len(server.engine.controls.faults) == 1


async def test_a_download_is_spoiled_as_for_any_client(server: Asking) -> None:
    await arm(server, "corrupt-byte", times=1)
    client = UpdateClient(server.running.file.site, server.session)
    available = await client.ask()
    assert available is not None
    [update] = available.updates

    with pytest.raises(ValueError, match="bad checksum"):
        await client.download(update)

    content = await client.download(update)
    assert hashlib.sha512(content).hexdigest() == update.hash_value
