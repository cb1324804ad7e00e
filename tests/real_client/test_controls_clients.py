"""What is set for one client, as the actual plugin meets it: pinned, and jumped past where it is ahead."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hotswap_dev.domain.commands.clients import ForgetClient, NameClient, PinClient
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.commands.releases import JumpSequence, Withhold
from hotswap_dev.packing.signing import new_key
from tests.real_client.conftest import Launch
from tests.real_client.our_server import Serve, a_server, installed, port_of, published
from tests.real_client.our_server import serve_fixture as serve_fixture


async def test_a_pinned_client_is_offered_that_release_of_several_and_nothing_after_it(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    for text in ("one", "two", "three"):
        await published(server, tmp_path, text)
    pixel, laptop = await installed(launch, server, "Pixel"), await installed(launch, server, "Laptop")
    assert (await pixel.asks()).short == ("newer-release", 3)

    assert (await pixel.after(PinClient(client="Pixel", sequence=2))).short == ("newer-release", 2)

    assert await pixel.takes() == 2
    assert await pixel.shows() == "two"
    waiting = await pixel.asks()
    assert waiting.short == ("pinned", None)
    assert waiting.change == "hotswap-dev pin-client Pixel none"
    assert (await laptop.asks()).short == ("newer-release", 3)
    assert (await pixel.after(PinClient(client="Pixel", sequence=None))).short == ("newer-release", 3)
    assert await pixel.takes() == 3
    assert await pixel.shows() == "three"


async def test_a_client_pinned_to_what_it_passed_already_gets_nothing_until_it_is_unpinned(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    await published(server, tmp_path, "two")
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).offered == 2
    assert await pixel.takes() == 2

    assert (await pixel.after(PinClient(client="Pixel", sequence=1))).offered is None
    await published(server, tmp_path, "three")
    assert (await pixel.asks()).short == ("pinned", None)
    assert await pixel.shows() == "two"

    assert (await pixel.after(PinClient(client="Pixel", sequence=None))).short == ("newer-release", 3)
    assert await pixel.takes() == 3


async def test_a_pin_does_not_reach_a_withheld_release_nor_one_of_a_channel_that_the_client_does_not_ask_for(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    await published(server, tmp_path, "for testers", channel="beta")
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).short == ("newer-release", 1)

    assert (await pixel.after(PinClient(client="Pixel", sequence=2))).short == ("pinned", None)
    assert (await pixel.switches("beta")).short == ("newer-release", 2)
    assert (await pixel.after(Withhold(sequence=2))).short == ("release-withheld", None)
    assert await pixel.client.sequence() == 0


async def test_a_forgotten_client_is_answered_like_a_new_one(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    await published(server, tmp_path, "two")
    pixel = await installed(launch, server, "Pixel")
    await pixel.asks()
    assert (await pixel.after(PinClient(client="Pixel", sequence=1))).offered == 1
    assert (await pixel.after(NameClient(client="Pixel", name="QA phone"))).offered == 1
    assert (await pixel.after(Force204(on=True, client="Pixel"))).short == ("forced-204", None)

    await server.engine.run(ForgetClient(client="Pixel"))

    assert list(server.engine.clients) == []
    assert (await pixel.asks()).short == ("newer-release", 2)
    assert server.engine.clients["Pixel"].checks == 1
    assert server.engine.controls.names == {}


@pytest.mark.parametrize("to", [4, 500])
async def test_a_client_ahead_of_a_server_that_forgot_its_counter_takes_what_is_jumped_past_it(
    launch: Launch, tmp_path: Path, to: int
) -> None:
    key = new_key()
    async with a_server(tmp_path / "before", key) as server:
        for text in ("one", "two", "three"):
            await published(server, tmp_path, text)
        pixel = await installed(launch, server, "Pixel")
        assert (await pixel.asks()).offered == 3
        assert await pixel.takes() == 3

    # The same key and address as in the app, and neither workspace nor mark of the key: another checkout's machine.
    async with a_server(tmp_path / "forgot", key, port=port_of(server)) as forgot:
        await published(forgot, tmp_path, "after the loss")
        pixel.server = forgot
        ahead = await pixel.asks()
        assert ahead.short == ("client-ahead", None)
        assert ahead.change == "hotswap-dev jump-sequence 4"
        assert (await pixel.client.apply()).error is not None

        assert (await pixel.after(JumpSequence(to=to))).short == ("newer-release", to)

        assert await pixel.takes() == to
        assert await pixel.shows() == "after the loss"
        assert await published(forgot, tmp_path, "and on") == to + 1
        assert (await pixel.asks()).offered == to + 1
        assert await pixel.takes() == to + 1


async def test_a_jump_offers_the_newest_that_nobody_withheld_and_not_what_is_no_frontend(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "good")
    await published(server, tmp_path, "broken")
    await published(server, tmp_path, "a sidecar", update_type="sidecar")
    await server.engine.run(Withhold(sequence=2))
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).short == ("newer-release", 1)
    assert await pixel.takes() == 1

    assert (await pixel.after(JumpSequence(to=10))).short == ("newer-release", 10)

    assert await pixel.takes() == 10
    assert await pixel.shows() == "good"


async def test_a_client_whose_id_is_too_long_to_show_is_pinned_by_the_one_that_stands_for_it(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    await published(server, tmp_path, "two")
    device = "9" * 129
    pixel = await installed(launch, server, device, identifier="com.example.long")
    pixel.id = f"h:{hashlib.sha256(device.encode()).hexdigest()[:16]}"
    assert (await pixel.asks()).offered == 2

    assert (await pixel.after(PinClient(client=pixel.id, sequence=1))).short == ("newer-release", 1)

    assert await pixel.takes() == 1
    assert server.engine.clients[pixel.id].fetched == 1
