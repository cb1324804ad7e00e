"""Stories of an app with the actual plugin, and what our server says of each: never what the plugin did not do.

An `App` checks, applies, restarts; after each check its label is held against what the plugin says it runs and what
lies in its folder, and what truly happened must be among the label's readings.
"""

from __future__ import annotations

from hotswap_dev.domain.clients import remarks
from hotswap_dev.domain.labels import readings
from hotswap_dev.packing.signing import new_key
from tests.real_client.our_server import Serve
from tests.real_client.our_server import serve_fixture as serve_fixture
from tests.real_client.stories import Apps, Publishing
from tests.real_client.stories import app_fixture as app_fixture
from tests.real_client.stories import publish_fixture as publish_fixture


async def test_applied_confirmed_and_started_again(serve: Serve, app: Apps, publish: Publishing) -> None:
    one = app(await serve())
    await publish(one.server)
    await one.start()
    await one.proves("embedded", "embedded", sequence=0)
    assert one.next().sentence == (
        "It downloads 1 if the app or the person wants it; after apply it reports 1 at its next check. Unless "
        "notifyReady() confirms it, the start after that rolls it back."
    )
    assert remarks(one.client) == (
        "1 is offered and not downloaded yet; if apply() was called: require_https refuses http.",
    )

    await one.apply()
    await one.proves("applied", "applied", sequence=1)
    await one.plugin.notify_ready()
    await one.start()

    await one.proves("applied", "applied", sequence=1)
    assert one.next().sentence == "It keeps 1 until something newer is published."
    assert [turn.code for turn in one.client.story] == ["embedded", "fetched", "applied"]


async def test_never_confirmed_it_goes_back_to_the_embedded_page_and_the_second_time_is_a_loop(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server)
    await one.start()
    await one.apply()
    await one.proves("applied", "applied", sequence=1)

    await one.start()
    said = await one.proves("rolled-back", "rolled-back", sequence=0)
    assert "rolled back to the embedded page, or reinstalled" in said
    assert one.next().sentence.startswith("The same offer again: it had 1 and has given it up once.")

    await one.apply()
    await one.proves("applied", "applied", sequence=1)
    await one.start()
    said = await one.proves("rollback-loop", "rolled-back", sequence=0)
    assert "for the 2nd time" in said
    assert one.next().command == "hotswap-dev withhold 1"


async def test_never_confirmed_over_a_confirmed_one_it_goes_back_to_that(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server, "good")
    await one.start()
    await one.apply()
    await one.plugin.notify_ready()
    await publish(one.server, "crashes")
    await one.apply()
    await one.proves("applied", "applied", sequence=2)
    await one.start()

    said = await one.proves("rolled-back", "rolled-back", sequence=1)

    assert said.startswith("It reported 2, now 1: rolled back.")
    assert "Inferred" not in said


async def test_a_rollback_from_the_page_is_a_rollback(serve: Serve, app: Apps, publish: Publishing) -> None:
    one = app(await serve())
    await publish(one.server, "first")
    await one.start()
    await one.apply()
    await one.plugin.notify_ready()
    await publish(one.server, "second")
    await one.apply()
    await one.plugin.notify_ready()
    await one.proves("applied", "applied", sequence=2)

    await one.plugin.rollback()

    await one.proves("rolled-back", "rolled-back", sequence=1)


async def test_gone_back_before_it_ever_checked_looks_like_never_activated_and_is_not_said_to_be(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    """A page that crashes never checks: the server sees a download and the same sequence as before."""
    one = app(await serve())
    await publish(one.server)
    await one.start()
    await one.apply()
    assert (await one.plugin.page()).text != "embedded"
    await one.start()

    said = await one.proves("not-activated", "rolled-back", sequence=0)

    assert "or it ran, nobody confirmed it, and it was rolled back before this check" in said
    assert said.endswith("(Inferred.)")
    assert one.next().sentence.startswith("The same offer again: it has fetched 1 and not activated it")


async def test_gone_past_a_confirmed_one_by_policy_names_both_that_it_may_have_been(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve(), config={"rollback_policy": "embedded_only"})
    await publish(one.server, "good")
    await one.start()
    await one.apply()
    await one.plugin.notify_ready()
    await one.proves("applied", "applied", sequence=1)
    await publish(one.server, "crashes")
    await one.apply()
    await one.start()

    said = await one.proves("rolled-back", "rolled-back", sequence=0)

    assert "2, which it had fetched, or 1 was not confirmed" in said


async def test_a_foreign_signature_is_not_activated(serve: Serve, app: Apps, publish: Publishing) -> None:
    one = app(await serve(), config={"pubkey": new_key().public_key})
    await publish(one.server)
    await one.start()
    await one.check()
    refused = await one.plugin.apply()
    assert (refused.error or "").startswith("signature verification failed")

    await one.proves("not-activated", "not-verified", sequence=0)
    await one.plugin.apply()
    said = await one.proves("not-activated", "not-verified", sequence=0)

    assert "for the 2nd time" in said


async def test_what_cannot_be_extracted_is_not_activated(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server)
    await one.start()
    await one.check()
    (one.plugin.folder / ".tmp-seq-1").write_text("in the way of the plugin's folder of that name")
    refused = await one.plugin.apply()
    assert (refused.error or "").startswith("I/O error")
    assert refused.events == ("download-start", "download-complete")

    await one.proves("not-activated", "not-extracted", sequence=0)


async def test_downloaded_only_is_not_activated_until_it_is(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server)
    await one.start()
    await one.check()
    _ = (await one.plugin.download()).value

    await one.proves("not-activated", "not-yet-activated", sequence=0)
    _ = (await one.plugin.activate()).value
    await one.proves("applied", "applied", sequence=1)


async def test_what_it_refuses_for_its_size_may_have_been_sent_whole(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    """It hangs up after the headers; of so small a bundle all is on its way by then, or not."""
    one = app(await serve(), config={"max_bundle_size": 10})
    await publish(one.server)
    await one.start()
    await one.check()
    refused = await one.plugin.apply()
    assert (refused.error or "").startswith("bundle too large")

    await one.check()

    assert not (one.plugin.folder / "seq-1").exists()
    assert one.client.label is not None
    if one.client.fetched is None:
        assert one.label == "embedded"
        assert remarks(one.client)[0].startswith("1 is offered, and its last download broke off")
    else:
        assert "not-received" in readings(one.client.label)


async def test_a_grace_period_keeps_what_nobody_confirmed_for_so_many_launches(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    grace = {"confirmation_policy": {"grace_period": {"max_unconfirmed_launches": 2}}}
    one = app(await serve(), config=grace)
    await publish(one.server)
    await one.start()
    await one.apply()
    for _ in range(2):
        await one.start()
        await one.proves("applied", "applied", sequence=1)

    await one.start()

    await one.proves("rolled-back", "rolled-back", sequence=0)
