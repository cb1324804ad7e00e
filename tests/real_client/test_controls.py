"""What bends the answers of a run, as the actual plugin meets it: forced 204, mandatory, and their end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hotswap_dev.client.control import ControlClient
from hotswap_dev.domain.commands.overrides import ClearOverrides, Force204, SetMandatory
from tests.real_client.conftest import Launch
from tests.real_client.our_server import Serve, installed, published
from tests.real_client.our_server import serve_fixture as serve_fixture


async def test_one_forced_204_for_one_of_two_clients_keeps_it_waiting_once_and_the_other_not_at_all(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel, laptop = await installed(launch, server, "Pixel"), await installed(launch, server, "Laptop")
    assert (await pixel.asks()).short == ("newer-release", 1)
    assert (await laptop.asks()).short == ("newer-release", 1)

    # The other asks first: it does not use it up either.
    await server.engine.run(Force204(on=True, client="Pixel", times=1))
    assert (await laptop.asks()).short == ("newer-release", 1)
    forced = await pixel.asks()

    assert forced.short == ("forced-204", None)
    assert await laptop.takes() == 1
    assert await pixel.client.sequence() == 0
    assert (await pixel.asks()).short == ("newer-release", 1)
    assert await pixel.takes() == 1
    assert (await pixel.shows(), await laptop.shows()) == ("new", "new")


async def test_a_forced_204_takes_back_the_offer_that_the_plugin_kept_since_the_check_before(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).offered == 1

    await pixel.after(Force204(on=True, times=1))

    applied = await pixel.client.apply()
    assert applied.error == "no pending update — call check first"
    assert await pixel.client.sequence() == 0


async def test_a_forced_204_for_a_channel_is_for_those_who_ask_for_it(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "for all")
    await published(server, tmp_path, "for testers", channel="beta")
    pixel = await installed(launch, server, "Pixel")
    tester = await installed(launch, server, "Tester", channel="beta")
    assert (await pixel.asks()).short == ("newer-release", 1)
    assert (await tester.asks()).short == ("newer-release", 2)

    assert (await tester.after(Force204(on=True, channel="beta"))).short == ("forced-204", None)
    assert (await pixel.asks()).short == ("newer-release", 1)
    assert (await pixel.switches("beta")).short == ("forced-204", None)

    # Who names no channel asks for production.
    assert (await pixel.switches("production")).offered == 1
    assert (await pixel.after(Force204(on=True, channel="production"))).short == ("forced-204", None)
    assert (await tester.after(Force204(on=False, channel="beta"))).short == ("newer-release", 2)
    assert await tester.takes() == 2
    assert await tester.shows() == "for testers"


async def test_a_forced_204_for_a_client_in_a_channel_is_for_that_client_there(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "for all")
    await published(server, tmp_path, "for testers", channel="beta")
    pixel = await installed(launch, server, "Pixel", channel="beta")
    tester = await installed(launch, server, "Tester", channel="beta")
    await pixel.asks()

    forced = await pixel.after(Force204(on=True, client="Pixel", channel="beta"))

    assert forced.short == ("forced-204", None)
    assert forced.change == "hotswap-dev force-204 off --client Pixel --channel beta"
    assert (await tester.asks()).short == ("newer-release", 2)
    assert (await pixel.switches("production")).short == ("newer-release", 1)
    assert (await pixel.switches("beta")).short == ("forced-204", None)


async def test_a_forced_204_for_everyone_lasts_until_it_is_off(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel, laptop = await installed(launch, server, "Pixel"), await installed(launch, server, "Laptop")
    await pixel.asks()
    await laptop.asks()

    forced = await pixel.after(Force204(on=True))

    assert forced.short == ("forced-204", None)
    assert forced.change == "hotswap-dev force-204 off"
    for _ in range(3):
        assert (await pixel.asks()).short == ("forced-204", None)
        assert (await laptop.asks()).short == ("forced-204", None)
    newcomer = await installed(launch, server, "Newcomer")
    assert (await newcomer.asks()).short == ("forced-204", None)
    assert (await laptop.after(Force204(on=False))).short == ("newer-release", 1)
    assert await laptop.takes() == 1
    assert (await pixel.asks()).short == ("newer-release", 1)
    assert (await newcomer.asks()).short == ("newer-release", 1)


async def test_a_forced_204_for_two_times_is_two_answers_whoever_asks(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel, laptop = await installed(launch, server, "Pixel"), await installed(launch, server, "Laptop")
    await pixel.asks()
    await laptop.asks()

    assert (await pixel.after(Force204(on=True, times=2))).short == ("forced-204", None)
    assert [one.left for one in server.engine.controls.forced] == [1]
    assert (await laptop.asks()).short == ("forced-204", None)
    assert server.engine.controls.forced == ()

    assert (await pixel.asks()).short == ("newer-release", 1)
    assert (await laptop.asks()).short == ("newer-release", 1)


async def test_the_narrowest_forced_204_answers_and_the_wider_one_is_not_used_up(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "new")
    pixel, laptop = await installed(launch, server, "Pixel"), await installed(launch, server, "Laptop")
    await pixel.asks()
    await server.engine.run(Force204(on=True, times=1))

    assert (await pixel.after(Force204(on=True, client="Pixel", times=1))).short == ("forced-204", None)

    assert (await laptop.asks()).short == ("forced-204", None)
    assert (await pixel.asks()).short == ("newer-release", 1)
    assert (await laptop.asks()).short == ("newer-release", 1)


async def test_a_mandatory_release_reaches_javascript_and_the_next_one_is_not(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).mandatory is False

    assert (await pixel.after(SetMandatory(on=True, sequence=1))).mandatory is True
    assert await pixel.takes() == 1
    await published(server, tmp_path, "two")
    assert (await pixel.asks()).mandatory is False
    await published(server, tmp_path, "three", mandatory=True)
    assert (await pixel.asks()).mandatory is True
    assert (await pixel.after(SetMandatory(on=False, sequence=3))).mandatory is False


async def test_mandatory_for_all_makes_every_offer_mandatory_until_it_is_off(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    pixel, laptop = await installed(launch, server, "Pixel"), await installed(launch, server, "Laptop")
    assert (await pixel.asks()).mandatory is False

    assert (await pixel.after(SetMandatory(on=True))).mandatory is True
    assert (await laptop.asks()).mandatory is True
    assert await pixel.takes() == 1
    await published(server, tmp_path, "two")
    assert (await pixel.asks()).mandatory is True
    assert (await pixel.after(SetMandatory(on=False))).mandatory is False
    assert (await laptop.asks()).mandatory is False


@pytest.mark.parametrize("command", [Force204(on=True, times=5), Force204(on=True), SetMandatory(on=True)])
async def test_clearing_overrides_brings_the_plain_offer_back(
    launch: Launch, serve: Serve, tmp_path: Path, command: Force204 | SetMandatory
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    pixel = await installed(launch, server, "Pixel")
    plain = await pixel.asks()

    assert await pixel.after(command) != plain
    assert await pixel.after(ClearOverrides()) == plain
    assert await pixel.takes() == 1


async def test_what_is_recorded_of_a_client_is_what_its_plugin_was_told(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    control = ControlClient(server.file.control, server.file.token or "")
    await published(server, tmp_path, "new", notes="what is new")
    pixel, laptop = await installed(launch, server, "Pixel"), await installed(launch, server, "Laptop")
    told = [await pixel.asks()]

    done = await asyncio.to_thread(control.command, "force-204", {"on": True, "client": "Pixel", "times": 1})

    assert [change["client"] for change in done["changes"]] == ["Pixel"]
    await laptop.asks()
    told += [await pixel.asks(), await pixel.asks()]
    await pixel.takes()
    told.append(await pixel.asks())

    async def recorded() -> list[tuple[str, int | None]]:
        found = await asyncio.to_thread(control.get, "/api/checks", client="Pixel")
        return [(one["reason"], one["offered"]) for one in reversed(found)]

    async with asyncio.timeout(10):
        while len(await recorded()) < 5:
            await asyncio.sleep(0.01)
    # What it asked when it had taken the release was no answer of its own: the same as the last.
    assert await recorded() == [*(one.short for one in told), told[-1].short]
    rows = {one["id"]: one for one in await asyncio.to_thread(control.get, "/api/clients")}
    assert {name: row["sequence"] for name, row in rows.items()} == {"Pixel": 1, "Laptop": 0}
