"""Each fault of the catalogue, armed, and the actual plugin asked: the reaction named is the reaction seen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from hotswap_dev.domain.commands.faults import DisarmFault
from hotswap_dev.domain.faults import Fault, Value, every_fault, read_fault
from hotswap_dev.domain.faults.check import ManifestFault, MissingBundle
from hotswap_dev.domain.faults.presets import Offline
from hotswap_dev.domain.faults.reactions import Reaction, Requests, reaction
from tests.real_client.our_server import published
from tests.real_client.reactions import a_server, armed, device, reacts, refused, run, taken

pytestmark = pytest.mark.real_client

SOONER: Mapping[str, dict[str, Value]] = {
    "check/delay": {"ms": 50},
    "hang": {"seconds": 1},
    "download/delay": {"ms": 50},
    "stall": {"seconds": 1},
}
"""Parameters under which the plugin does the same as under the default ones, in less time."""

each = pytest.mark.parametrize("name", every_fault())
each_bundle = pytest.mark.parametrize(
    "name", [name for name, kind in every_fault().items() if kind.stage == "bundle"]
)


def heard_of(name: str, expected: Reaction) -> Requests:
    """Of the requests that the plugin makes, those that the server has a record of."""
    kind = every_fault()[name]
    if issubclass(kind, Offline):
        return Requests()  # nobody was there to hear them
    if issubclass(kind, MissingBundle):
        return Requests(check=expected.requests.check)  # an address that names no bundle is no download
    return expected.requests


def outcomes_of(fault: Fault) -> tuple[str, ...]:
    """What the server can say of an app that does what is expected, never retries, and reports nothing."""
    if isinstance(fault, Offline):
        return ()  # it was struck by nobody's answer
    if isinstance(fault, ManifestFault) or reaction(fault).requests.download > 1:
        # As a person who has not clicked, or an app that was closed after its first attempt.
        return ("cannot-tell",)
    return ("as-expected",)


@each
async def test_the_reaction_named_is_the_reaction_seen(
    name: str, real_client_binary: Path, tmp_path: Path
) -> None:
    fault = read_fault(name, SOONER.get(name, {}))
    expected = reaction(fault, max_retries=0)
    needs = dict(expected.needs or {})
    async with (
        a_server(tmp_path, https=bool(needs.get("require_https"))) as (server, trusts),
        device("phone", server, real_client_binary, tmp_path, trusts=trusts, config=needs) as phone,
    ):
        first = await published(server, tmp_path, "first")
        assert await phone.takes() == first
        second = await published(server, tmp_path, "second")
        poisoned = (await armed(server, fault)).get("sequence")
        if isinstance(fault, Offline):
            await refused(server)

        seen = await reacts(phone, expected, heard_of(name, expected))

        assert seen.reaction == expected
        assert seen.heard == heard_of(name, expected)
        applied = expected.applied and expected.restart == "keeps"
        assert seen.runs == ((poisoned or second) if applied else first)
        assert seen.outcomes == outcomes_of(fault)


async def test_where_plain_http_is_allowed_an_insecure_url_is_applied_and_not_called_unexpected(
    real_client_binary: Path, tmp_path: Path
) -> None:
    async with (
        a_server(tmp_path) as (server, _),
        device("phone", server, real_client_binary, tmp_path) as phone,
    ):
        await published(server, tmp_path, "first")
        await phone.takes()
        second = await published(server, tmp_path, "second")
        await armed(server, read_fault("insecure-url", {}))
        as_usual = reaction(read_fault("no-content-length", {}), max_retries=0)

        seen = await reacts(phone, as_usual, as_usual.requests, reports=True)

        assert seen.reaction == as_usual
        assert (seen.runs, seen.outcomes) == (second, ("cannot-tell",))


async def test_once_the_server_listens_again_the_app_is_offered_what_it_missed(
    real_client_binary: Path, tmp_path: Path
) -> None:
    async with (
        a_server(tmp_path) as (server, _),
        device("phone", server, real_client_binary, tmp_path) as phone,
    ):
        await published(server, tmp_path, "first")
        await phone.takes()
        second = await published(server, tmp_path, "second")
        done = await armed(server, Offline())
        await refused(server)
        assert (await phone.plugin.check()).error is not None

        await run(server, DisarmFault(id=done["id"]))
        await taken(server)

        assert await phone.takes() == second


async def test_the_plugin_waits_15_s_for_a_check_and_no_longer(
    real_client_binary: Path, tmp_path: Path
) -> None:
    hang, delay = read_fault("hang", {}), read_fault("check/delay", {"ms": 16_000})
    expected = reaction(hang)
    assert reaction(delay).events == expected.events
    async with (
        a_server(tmp_path) as (server, _),
        device("one", server, real_client_binary, tmp_path) as one,
        device("other", server, real_client_binary, tmp_path) as other,
    ):
        first = await published(server, tmp_path, "first")
        assert await one.takes() == await other.takes() == first
        await published(server, tmp_path, "second")
        await armed(server, hang, client="one")
        await armed(server, delay, client="other")
        began = asyncio.get_running_loop().time()

        both = await asyncio.gather(
            *(reacts(who, expected, expected.requests, asks=0) for who in (one, other))
        )

        assert 15 <= asyncio.get_running_loop().time() - began < 25
    for fault, seen in zip((hang, delay), both, strict=True):
        assert replace(seen.reaction, sentence=reaction(fault).sentence) == reaction(fault)
        assert (seen.heard, seen.runs) == (expected.requests, first)


@pytest.mark.parametrize(("times", "attempts"), [(2, 3), (None, 4)])
async def test_the_plugin_makes_four_attempts_at_a_bundle_and_the_first_that_comes_through_is_applied(
    times: int | None, attempts: int, real_client_binary: Path, tmp_path: Path
) -> None:
    fault = read_fault("download/http-error", {})
    expected = reaction(fault, times)
    async with (
        a_server(tmp_path) as (server, _),
        device("phone", server, real_client_binary, tmp_path, config={"max_retries": 3}) as phone,
    ):
        first = await published(server, tmp_path, "first")
        assert await phone.takes() == first
        second = await published(server, tmp_path, "second")
        await armed(server, fault, **({} if times is None else {"times": times}))

        seen = await reacts(phone, expected, expected.requests)

    assert expected.requests.download == attempts
    assert seen.reaction == expected
    assert seen.heard == expected.requests
    assert seen.runs == (first if times is None else second)
    assert seen.outcomes == ("as-expected",)


@pytest.mark.parametrize(
    "name",
    [name for name, kind in every_fault().items() if outcomes_of(kind()) == ("cannot-tell",)],
)
async def test_what_cannot_be_told_is_told_where_the_page_reports_it(
    name: str, real_client_binary: Path, tmp_path: Path
) -> None:
    fault = read_fault(name, {})
    expected = reaction(fault, max_retries=0)
    needs = dict(expected.needs or {})
    async with (
        a_server(tmp_path, https=bool(needs.get("require_https"))) as (server, trusts),
        device("phone", server, real_client_binary, tmp_path, trusts=trusts, config=needs) as phone,
    ):
        await published(server, tmp_path, "first")
        await phone.takes()
        await published(server, tmp_path, "second")
        await armed(server, fault)

        seen = await reacts(phone, expected, heard_of(name, expected), reports=True)

    # Its check ends in an error that the plugin reports to nobody but the caller.
    silent = expected.events == ("check-start",)
    assert seen.outcomes == ("cannot-tell" if silent else "as-expected",)


@each_bundle
async def test_after_a_poisoned_release_is_disarmed_who_took_it_gets_the_healthy_content_and_nobody_else_anything(
    name: str, real_client_binary: Path, tmp_path: Path
) -> None:
    fault = read_fault(name, {})
    expected = reaction(fault)
    async with (
        a_server(tmp_path) as (server, _),
        device("taker", server, real_client_binary, tmp_path) as taker,
        device("bystander", server, real_client_binary, tmp_path) as bystander,
    ):
        healthy = await published(server, tmp_path, "healthy")
        assert await taker.takes() == await bystander.takes() == healthy
        done = await armed(server, fault, client="taker")
        assert not (await bystander.plugin.check()).available, "it is for the taker alone"
        assert (await taker.plugin.check()).available
        assert ((await taker.plugin.apply()).error is None) == expected.applied

        await run(server, DisarmFault(id=done["id"]))

        assert not (await bystander.plugin.check()).available
        if not expected.applied:
            assert not (await taker.plugin.check()).available, "it has the healthy one still"
        else:
            assert await taker.takes() > done["sequence"]
        for one in (taker, bystander):
            await one.start()
            assert "healthy" in (await one.plugin.page()).text
            assert "healthy" in (await one.plugin.page("/app.js")).text
            assert not (await one.plugin.check()).available
