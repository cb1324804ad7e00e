"""Channels, as the actual plugin meets them: switched by `configure`, paused, promoted to, built to."""

from __future__ import annotations

from pathlib import Path

from hotswap_dev.domain.commands.channels import CreateChannel, PauseChannel, ResumeChannel, SetBuildChannel
from hotswap_dev.domain.commands.releases import Promote
from tests.e2e.server_process import write_frontend
from tests.real_client.conftest import Launch
from tests.real_client.our_server import Serve, installed, published, released
from tests.real_client.our_server import serve_fixture as serve_fixture


async def test_a_channel_that_configure_switches_to_is_the_one_that_answers(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "stable")
    await published(server, tmp_path, "for testers", channel="beta")
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).short == ("newer-release", 1)
    assert server.engine.clients["Pixel"].channel is None
    assert await pixel.takes() == 1

    assert (await pixel.switches("beta")).short == ("newer-release", 2)
    assert await pixel.takes() == 2
    assert await pixel.shows() == "for testers"

    # Above its channel, not above the counter: no client that is ahead, and nothing takes it back.
    assert (await pixel.switches("production")).short == ("up-to-date", None)
    assert await pixel.shows() == "for testers"
    await published(server, tmp_path, "stable again")
    assert (await pixel.asks()).short == ("newer-release", 3)
    assert await pixel.takes() == 3
    assert await pixel.shows() == "stable again"


async def test_a_channel_of_configure_is_gone_after_a_restart_and_production_answers_again(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "stable")
    await server.engine.run(CreateChannel(channel="beta"))
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.switches("beta")).short == ("no-release", None)

    pixel = await installed(launch, server, "Pixel")

    assert (await pixel.asks()).short == ("newer-release", 1)
    assert server.engine.clients["Pixel"].channel is None


async def test_a_paused_channel_offers_nothing_until_it_is_resumed_and_others_are_not_touched(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "stable")
    await published(server, tmp_path, "for testers", channel="beta")
    pixel = await installed(launch, server, "Pixel")
    tester = await installed(launch, server, "Tester", channel="beta")
    await pixel.asks()
    await tester.asks()

    paused = await tester.after(PauseChannel(channel="beta"))

    assert paused.short == ("channel-paused", None)
    assert paused.change == "hotswap-dev resume-channel beta"
    assert (await pixel.asks()).short == ("newer-release", 1)
    assert await pixel.takes() == 1
    await published(server, tmp_path, "published while paused", channel="beta")
    assert (await tester.asks()).short == ("channel-paused", None)
    assert (await tester.after(ResumeChannel(channel="beta"))).short == ("newer-release", 3)
    assert await tester.takes() == 3
    assert await tester.shows() == "published while paused"


async def test_an_unknown_channel_gets_nothing_an_empty_one_too_and_a_promoted_release_once_it_is_there(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "stable", mandatory=True)
    pixel = await installed(launch, server, "Pixel")

    unknown = await pixel.switches("nightly")
    assert unknown.short == ("channel-unknown", None)
    assert unknown.change == "hotswap-dev promote latest nightly"
    assert (await pixel.after(CreateChannel(channel="nightly"))).short == ("no-release", None)

    promoted = await pixel.after(Promote(sequence=1, channel="nightly"))

    assert promoted.short == ("newer-release", 2)
    assert (promoted.version, promoted.mandatory) == ("0.1.0-ota.1", False)
    assert await pixel.takes() == 2
    assert await pixel.shows() == "stable"


async def test_a_release_promoted_to_another_channel_is_taken_there_and_leaves_its_own_as_it_was(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "tested", channel="beta")
    await published(server, tmp_path, "not yet", channel="beta")
    tester = await installed(launch, server, "Tester", channel="beta")
    pixel = await installed(launch, server, "Pixel")
    assert (await tester.asks()).short == ("newer-release", 2)
    assert await tester.takes() == 2
    assert (await pixel.asks()).short == ("no-release", None)

    assert (await pixel.after(Promote(sequence=1, channel="production"))).short == ("newer-release", 3)

    assert await pixel.takes() == 3
    assert await pixel.shows() == "tested"
    assert (await tester.asks()).short == ("up-to-date", None)
    assert await tester.shows() == "not yet"


async def test_after_the_build_channel_is_set_the_next_save_goes_there(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    dist = write_frontend(tmp_path / "dist", "first save")
    server = await serve(dist)
    await released(server, 1)
    pixel = await installed(launch, server, "Pixel")
    tester = await installed(launch, server, "Tester", channel="beta")
    assert (await pixel.asks()).short == ("newer-release", 1)
    assert await pixel.takes() == 1
    assert (await tester.asks()).short == ("channel-unknown", None)

    assert (await tester.after(SetBuildChannel(channel="beta"))).short == ("no-release", None)
    write_frontend(dist, "second save")
    await released(server, 2)

    assert (await tester.asks()).short == ("newer-release", 2)
    assert await tester.takes() == 2
    assert await tester.shows() == "second save"
    assert (await pixel.asks()).short == ("up-to-date", None)
    assert await pixel.shows() == "first save"
