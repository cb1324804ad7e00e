"""The actual plugin's lifecycle events, reported as its page would: the label says what the plugin did."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from hotswap_dev.domain.adoption import adoptions
from hotswap_dev.domain.labels import Reading, inferred, readings
from hotswap_dev.packing.signing import new_key
from tests.real_client.our_server import Serve
from tests.real_client.our_server import serve_fixture as serve_fixture
from tests.real_client.reporting import Page, page_of
from tests.real_client.stories import App, Apps, Publishing
from tests.real_client.stories import app_fixture as app_fixture
from tests.real_client.stories import publish_fixture as publish_fixture


async def test_applied_and_confirmed_before_it_ever_checks_again(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server)
    await one.start()
    async with page_of(one) as page:
        assert await page.takes() == 1
        await page.agrees("applied", "applied")
        await page.notify_ready()
        await page.agrees("confirmed", "confirmed")
        assert page.posted == [
            "check-start",
            "check-complete",
            "download-start",
            "download-complete",
            "apply",
            "ready-confirmed",
        ]

        await one.start()
        await page.check()
        await page.notify_ready()

        await page.agrees("confirmed", "confirmed")
        assert confirmed_on_disk(one, 1)
        assert page.sentence == (
            "It runs 1, and its page confirmed it: its lifecycle report of notifyReady() says so."
        )
        assert [turn.code for turn in one.client.story] == ["embedded", "fetched", "applied", "confirmed"]


async def test_a_page_that_only_confirms_is_enough(serve: Serve, app: Apps, publish: Publishing) -> None:
    """The page that applied had no code for it; the one that came with the update has."""
    one = app(await serve())
    await publish(one.server)
    await one.start()
    async with page_of(one) as page:
        page.silent = True
        await page.takes()
        page.silent = False
        await page.notify_ready()
        await page.agrees("confirmed", "confirmed")


async def test_applied_and_gone_at_the_next_start_is_a_rollback_although_it_never_checked(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    """Without a report this looks like a download that was never activated."""
    one = app(await serve())
    await publish(one.server, "good")
    await one.start()
    async with page_of(one) as page:
        await page.takes()
        await page.notify_ready()
        await publish(one.server, "crashes")
        assert await page.takes() == 2
        await one.start()
        await page.check()

        await page.agrees("rolled-back", "rolled-back")
        assert page.sentence == (
            "It reported 2, now 1: rolled back. 2 was not confirmed by notifyReady() before a start, or the app called "
            "rollback()."
        )
        await page.notify_ready()
        await page.agrees("rolled-back", "rolled-back")
        assert confirmed_on_disk(one, 1)
        assert one.client.confirmed == 1


@pytest.mark.parametrize("before", ["a confirmed one", "the embedded page"])
async def test_a_rollback_from_the_page_is_the_apps_own(
    before: str, serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server, "first")
    await one.start()
    async with page_of(one) as page:
        await page.takes()
        await page.notify_ready()
        if before == "a confirmed one":
            await publish(one.server, "second")
            await page.takes()
            await page.notify_ready()

        await page.rollback()

        await page.agrees("rolled-back", "rolled-back")
        assert one.client.label is not None
        assert inferred(one.client.label) == (before == "the embedded page")
        assert "The app called rollback(), by its own report" in page.sentence
        await page.check()
        await page.agrees("rolled-back", "rolled-back")


async def test_a_rollback_that_nobody_reports_of_a_confirmed_one_blames_no_start(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await one.start()
    async with page_of(one) as page:
        for text in ("first", "second"):
            await publish(one.server, text)
            if text == "first":
                await page.check()
            await page.takes()
            await page.notify_ready()
        page.silent = True

        await page.rollback()
        await page.check()

        await page.agrees("rolled-back", "rolled-back")
        assert page.sentence.endswith(
            "2 had been confirmed, so no start gave it up: the app called rollback()."
        )


async def test_a_rollback_at_the_embedded_page_that_a_start_went_back_to_is_not_proved_to_be_the_apps(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    """Found by a story: the plugin says the same whether there was anything to leave or not."""
    one = app(await serve())
    await publish(one.server)
    await one.start()
    async with page_of(one) as page:
        await page.takes()
        await one.start()
        await page.rollback()

        await page.agrees("rolled-back", "rolled-back")
        assert "whether a start had left 1 before can't be seen" in page.sentence


async def test_a_rollback_at_the_embedded_page_leaves_nothing(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server)
    await one.start()
    async with page_of(one) as page:
        await page.check()
        await page.rollback()
        assert page.posted[-1] == "rollback"
        await page.agrees("embedded", "embedded")


async def test_a_confirmed_one_that_a_newer_binary_discards_is_discarded(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server)
    await one.start()
    async with page_of(one) as page:
        await page.takes()
        await page.notify_ready()
        await one.start("0.2.0")
        await page.check()
        await page.agrees("upgraded", "discarded")
        assert one.client.confirmed is None

        assert await page.takes() == 1
        await page.agrees("applied", "applied")


async def test_a_download_that_fails_has_the_plugins_own_words(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve(), config={"max_bundle_size": 10})
    await publish(one.server)
    await one.start()
    async with page_of(one) as page:
        await page.check()
        refused = await page.apply()
        assert refused.events == ("download-start", "download-error")
        assert page.posted[-2:] == ["download-error", "apply-error"]
        await page.agrees("failed", "update-failed")
        assert f"`{refused.error}`" in page.sentence
        assert page.sentence.startswith("It could not download 1, by its own report")

        await page.check()
        await page.agrees("failed", "update-failed")
        await page.apply()
        assert "for the 2nd time" in page.sentence
        way = adoptions(one.server.engine.controls.releases.values(), [one.client])[1]
        assert (way.offered, way.running, way.confirmed, way.failed) == (1, 0, 0, 1)


async def test_a_refused_signature_is_named_where_the_page_reports_what_was_rejected(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve(), config={"pubkey": new_key().public_key})
    await publish(one.server)
    await one.start()
    async with page_of(one) as page:
        await page.check()
        refused = await page.apply()
        assert refused.events == ("download-start",)
        await page.check()

        await page.agrees("failed", "update-failed")
        assert (
            page.sentence
            == f"It could not apply 1, by its own report: `{refused.error}`; it keeps the embedded page."
        )


async def test_a_check_that_fails_has_the_plugins_own_words_until_one_works(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server)
    await one.start()
    async with page_of(one) as page:
        await page.takes()
        await page.notify_ready()
        # A path of the site that is no check: the plugin gets a 404.
        await one.plugin.configure(endpoint=f"{one.server.file.site}/api/nothing/{{{{current_sequence}}}}")
        failed = await page.check()
        assert failed.events == ("check-start", "check-error")
        await page.agrees("failed", "check-failed")
        assert page.sentence == f"Its last check failed, by its own report: `{failed.error}`; it keeps 1."

        await one.plugin.configure(endpoint=one.server.file.endpoint)
        await page.check()
        await page.agrees("confirmed", "confirmed")


async def test_every_event_of_the_plugin_is_one_that_is_read(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server)
    await one.start()
    async with page_of(one) as page:
        await page.check()
        await page.download()
        await page.agrees("embedded", "embedded")
        await page.activate()
        await page.agrees("applied", "applied")
        await page.notify_ready()
        await page.rollback()

        assert set(page.posted) == {
            "check-start",
            "check-complete",
            "download-start",
            "download-complete",
            "apply",
            "ready-confirmed",
            "rollback",
        }


# --- any story ---------------------------------------------------------------------------------------------------

DOINGS = (
    *("check",) * 5,
    *("apply",) * 5,
    *("restart",) * 4,
    *("confirm",) * 4,
    *("update",) * 2,
    *("publish", "publish", "download", "activate", "rollback"),
)


@pytest.mark.parametrize("seed", range(12))
async def test_with_every_event_reported_the_server_knows_what_runs_before_the_next_check(
    seed: int, serve: Serve, app: Apps, publish: Publishing
) -> None:
    draw = random.Random(seed)
    one = app(await serve(), config={"rollback_policy": draw.choice(("latest_confirmed", "embedded_only"))})
    await publish(one.server, "first")
    await one.start()
    told: list[str] = []
    held = 0
    async with page_of(one) as page:
        await page.check()
        unseen = False  # a start says nothing to anyone: what it did shows at the next check
        for number in range(80):
            doing = draw.choice(DOINGS)
            told.append(doing)
            truly = await done(page, doing, publish, number)
            unseen = doing == "restart" or (unseen and doing not in ("check", "update"))
            if unseen:
                continue
            client, runs = one.client, await one.plugin.sequence()
            label = client.label
            assert label is not None
            assert client.sequence == label.args["sequence"] == runs, told
            assert truly is None or truly in readings(label), (label, told)
            if runs and client.confirmed == runs:
                assert confirmed_on_disk(one, runs), told
                held += 1
    assert held, "no story is about a confirmation"


async def done(page: Page, doing: str, publish: Publishing, number: int) -> Reading | None:
    """Do it; what the label has to say of it, where it has to."""
    if doing == "publish":
        await publish(page.app.server, f"build {number}")
    elif doing == "restart":
        await page.app.start()
    elif doing == "confirm":
        await page.notify_ready()
    elif doing == "update":
        await page.check()
        await page.apply()
        await page.notify_ready()
    elif doing in ("apply", "activate"):
        answer = await (page.apply() if doing == "apply" else page.activate())
        return "applied" if answer.error is None else None
    elif doing == "rollback":
        before = await page.app.plugin.sequence()
        await page.rollback()
        return "rolled-back" if before else None
    else:
        await getattr(page, doing)()
    return None


def confirmed_on_disk(app: App, sequence: int) -> bool:
    """What the plugin itself has written of it."""
    meta: dict[str, Any] = json.loads(
        (app.plugin.folder / f"seq-{sequence}" / "hotswap-meta.json").read_text()
    )
    return bool(meta["confirmed"])
