"""Stories of apps with several servers, several channels, or one id between them."""

from __future__ import annotations

from hotswap_dev.domain.commands.releases import JumpSequence
from tests.real_client.our_server import Serve
from tests.real_client.our_server import serve_fixture as serve_fixture
from tests.real_client.stories import Apps, Publishing
from tests.real_client.stories import app_fixture as app_fixture
from tests.real_client.stories import publish_fixture as publish_fixture


async def test_a_client_of_another_server_is_ahead_until_the_counter_jumps(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    there, here = await serve(name="there"), await serve(name="here")
    for text in ("a", "b", "c"):
        await publish(there, text)
    await publish(here, "ours")
    one = app(there)
    await one.start()
    await one.apply()
    await one.plugin.notify_ready()

    one.server = here
    await one.start()
    said = await one.proves("ahead", "elsewhere", sequence=3)
    assert said.startswith("It reported 3, which was above 1, the highest sequence given out here until ")
    assert one.next().sentence == "Nothing until a sequence above 3 is published."
    assert one.next().command == "hotswap-dev jump-sequence 4"

    await here.engine.run(JumpSequence(to=4))
    await one.apply()
    await one.proves("applied", "applied", sequence=4)


async def test_a_channel_switched_at_run_time_is_a_step_of_its_story(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server, "stable")
    await publish(one.server, "for beta", channel="beta")
    await one.start()
    await one.apply()
    await one.proves("applied", "applied", sequence=1)

    await one.plugin.configure(channel="beta")
    await one.apply()
    await one.proves("applied", "applied", sequence=2)
    await one.plugin.configure(channel="production")
    await one.proves("applied", "applied", sequence=2)

    assert [turn.code for turn in one.client.story] == [
        *("embedded", "fetched", "applied"),
        *("channel-switched", "fetched", "applied"),
        "channel-switched",
    ]
    assert one.next().sentence == "It keeps 2 until channel production has something above it."


async def test_two_apps_behind_one_address_are_not_taken_for_one_that_loops(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    server = await serve()
    await publish(server)
    one, other = app(server), app(server, identifier="com.example.other")
    await one.start()
    await other.start()
    await one.apply()
    await one.plugin.notify_ready()
    await one.proves("applied", "applied", sequence=1)
    await other.check()

    await one.proves("shared-id", "shared-id", sequence=1)
    await other.proves("shared-id", "shared-id", sequence=0)
    said = await one.proves("shared-id", "shared-id", sequence=1)

    assert "two apps under one id" in said
