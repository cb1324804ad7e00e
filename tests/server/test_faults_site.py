"""`GET /api/faults`: the catalogue as scripts read it."""

from __future__ import annotations

from typing import Any

import pytest

from hotswap_dev.domain.faults import STAGES, every_fault, read_fault
from tests.server.asking import Asking


async def listed(server: Asking) -> list[dict[str, Any]]:
    answer = await server.control("/api/faults")
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json
    return found


async def test_every_fault_is_listed_by_its_stage_with_what_the_client_does(server: Asking) -> None:
    found = await listed(server)

    assert [one["name"] for one in found] == list(every_fault())
    assert [STAGES.index(one["stage"]) for one in found] == sorted(
        STAGES.index(one["stage"]) for one in found
    )
    for one in found:
        assert one["summary"]
        assert one["help"]
        expected = one["reaction"]
        assert {"sentence", "check", "apply", "events", "requests"} <= expected.keys()
        assert expected["sentence"].endswith(".")
        assert {"check", "download"} == expected["requests"].keys()


async def test_a_listed_name_and_its_defaults_are_what_arm_fault_takes(server: Asking) -> None:
    for one in await listed(server):
        given = {name: schema["default"] for name, schema in one["parameters"]["properties"].items()}

        assert read_fault(one["name"], given) == every_fault()[one["name"]]()


async def test_a_parameter_has_its_unit_and_its_limits(server: Asking) -> None:
    found = {one["name"]: one for one in await listed(server)}

    ms = found["check/delay"]["parameters"]["properties"]["ms"]
    assert (ms["minimum"], ms["maximum"], ms["default"]) == (0, 600_000, 3000)
    assert ms["description"].startswith("ms ")
    for one in found.values():
        for schema in one["parameters"]["properties"].values():
            assert schema["description"]
            assert "default" in schema


async def test_what_only_shows_under_some_config_says_which(server: Asking) -> None:
    needs = {
        one["name"]: one["reaction"]["needs"] for one in await listed(server) if "needs" in one["reaction"]
    }

    assert needs == {"insecure-url": {"require_https": True}}


@pytest.mark.parametrize("query", ["?stage=check", "?limit=1"])
async def test_a_parameter_that_there_is_none_is_named(server: Asking, query: str) -> None:
    answer = await server.control(f"/api/faults{query}")

    assert answer.status == 400
    assert query[1:].partition("=")[0] in answer.json["detail"]


async def test_A11_the_catalogue_is_behind_the_token_as_all_of_the_control_site(server: Asking) -> None:
    answer = await server.control("/api/faults", headers={"Authorization": None})

    assert answer.status == 401
