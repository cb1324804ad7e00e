"""What is done to a release, as the actual plugin meets it: withheld, restored, rolled back, re-offered, edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotswap_dev.domain.commands.releases import EditRelease, Reoffer, Restore, RollBackTo, Withhold
from hotswap_dev.domain.model import SAME_AS_CLIENT
from hotswap_dev.server.run import RunningServer
from tests.real_client.conftest import Launch
from tests.real_client.our_server import App, Serve, installed, published
from tests.real_client.our_server import serve_fixture as serve_fixture


async def has(app: App, server: RunningServer, folder: Path, *texts: str) -> None:
    """The app takes these builds one after the other, as they are published, and runs the last."""
    for text in texts:
        sequence = await published(server, folder, text)
        assert (await app.asks()).short == ("newer-release", sequence)
        assert await app.takes() == sequence
        assert await app.shows() == text


async def test_of_a_withheld_release_the_next_lower_one_is_offered_and_restored_it_is_offered_itself(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    await published(server, tmp_path, "two")
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).short == ("newer-release", 2)

    assert (await pixel.after(Withhold(sequence=2))).short == ("newer-release", 1)
    assert await pixel.takes() == 1
    assert await pixel.shows() == "one"
    waiting = await pixel.asks()
    assert waiting.short == ("release-withheld", None)
    assert waiting.change == "hotswap-dev restore 2"

    assert (await pixel.after(Restore(sequence=2))).short == ("newer-release", 2)
    assert await pixel.takes() == 2
    assert await pixel.shows() == "two"


async def test_who_has_a_release_that_is_withheld_keeps_it_also_over_a_restart(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    pixel = await installed(launch, server, "Pixel")
    await has(pixel, server, tmp_path, "one", "two")

    assert (await pixel.after(Withhold(sequence=2))).short == ("up-to-date", None)

    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).short == ("up-to-date", None)
    assert await pixel.shows() == "two"


async def test_what_was_checked_before_it_was_withheld_is_applied_all_the_same(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).short == ("newer-release", 1)

    await server.engine.run(Withhold(sequence=1))

    assert await pixel.takes() == 1
    assert await pixel.shows() == "one"


async def test_a_roll_back_ends_with_the_old_content_for_who_is_ahead_of_it_and_for_who_is_new(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    pixel = await installed(launch, server, "Pixel")
    await has(pixel, server, tmp_path, "good", "broken", "worse")
    newcomer = await installed(launch, server, "Newcomer")
    assert (await newcomer.asks()).offered == 3

    assert (await pixel.after(RollBackTo(sequence=1))).short == ("newer-release", 4)

    assert await pixel.takes() == 4
    assert (await pixel.shows(), await newcomer.shows()) == ("good", "embedded")
    assert (await pixel.client.page()).content == (tmp_path / "good" / "index.html").read_bytes()
    assert (await pixel.client.page("/app.js")).content == (tmp_path / "good" / "app.js").read_bytes()
    assert (await newcomer.asks()).offered == 4
    # With the copy withheld too, the next lower one is the original: what was broken is behind everybody.
    assert (await newcomer.after(Withhold(sequence=4))).offered == 1
    assert (await newcomer.after(Restore(sequence=4))).offered == 4
    assert await newcomer.takes() == 4
    assert await newcomer.shows() == "good"
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).short == ("up-to-date", None)
    assert await pixel.shows() == "good"


async def test_who_is_at_the_release_rolled_back_to_takes_it_again_as_the_next_sequence(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    pixel = await installed(launch, server, "Pixel")
    await has(pixel, server, tmp_path, "good")
    await published(server, tmp_path, "broken")
    assert (await pixel.asks()).offered == 2

    assert (await pixel.after(RollBackTo(sequence=1))).short == ("newer-release", 3)

    assert await pixel.takes() == 3
    assert await pixel.shows() == "good"


async def test_what_a_client_rolled_back_itself_is_offered_again_and_reoffered_under_a_new_sequence(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    pixel = await installed(launch, server, "Pixel")
    await has(pixel, server, tmp_path, "one", "two")

    assert (await pixel.client.rollback()).value["sequence"] == 1
    assert await pixel.shows() == "one"
    assert (await pixel.asks()).short == ("newer-release", 2)

    assert (await pixel.after(Reoffer(sequence=2))).short == ("newer-release", 3)
    assert await pixel.takes() == 3
    assert await pixel.shows() == "two"


async def test_a_reoffer_reaches_who_has_the_release_already(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    pixel = await installed(launch, server, "Pixel")
    await has(pixel, server, tmp_path, "one")
    had = await pixel.asks()
    assert had.short == ("up-to-date", None)
    assert had.change == "hotswap-dev reoffer 1"

    again = await pixel.after(Reoffer(sequence=1))

    assert again.short == ("newer-release", 2)
    assert again.version == "0.1.0-ota.1"
    assert await pixel.takes() == 2
    assert await pixel.shows() == "one"


async def test_edited_notes_and_version_reach_javascript(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "one", notes="first text")
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).notes == "first text"

    assert (await pixel.after(EditRelease(sequence=1, notes="Grüße, 世界 <b>"))).notes == "Grüße, 世界 <b>"
    assert (await pixel.after(EditRelease(sequence=1, notes=""))).notes is None
    assert (await pixel.after(EditRelease(sequence=1, version="summer"))).version == "summer"

    assert await pixel.takes() == 1
    assert (await pixel.client.current_version()).value["version"] == "summer"


async def test_a_minimum_raised_above_the_binary_is_not_offered_and_lowered_it_is(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    await published(server, tmp_path, "two")
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).short == ("newer-release", 2)

    assert (await pixel.after(EditRelease(sequence=2, min_binary_version="0.2.0"))).offered == 1
    refused = await pixel.after(EditRelease(sequence=1, min_binary_version="0.1.1"))
    assert refused.short == ("binary-too-old", None)
    assert refused.change == "hotswap-dev edit-release 2 --min-binary-version same-as-client"

    newer = await installed(launch, server, "Newer", version="0.2.0")
    assert (await newer.asks()).short == ("newer-release", 2)
    assert (await pixel.after(EditRelease(sequence=2, min_binary_version="0.1.0"))).offered == 2
    assert await pixel.takes() == 2
    pixel = await installed(launch, server, "Pixel")
    assert (await pixel.asks()).short == ("up-to-date", None)
    assert await pixel.shows() == "two"


@pytest.mark.parametrize(
    ("minimum", "after_restart", "page"), [("0.0.9", 0, "embedded"), (SAME_AS_CLIENT, 1, "one")]
)
async def test_a_minimum_edited_below_the_binary_is_lost_at_the_next_start_and_same_as_client_is_kept(
    launch: Launch, serve: Serve, tmp_path: Path, minimum: str, after_restart: int, page: str
) -> None:
    server = await serve()
    await published(server, tmp_path, "one")
    pixel = await installed(launch, server, "Pixel")
    await pixel.asks()
    assert (await pixel.after(EditRelease(sequence=1, min_binary_version=minimum))).offered == 1
    assert await pixel.takes() == 1

    pixel = await installed(launch, server, "Pixel")

    await pixel.asks()
    assert server.engine.clients["Pixel"].sequence == after_restart
    assert await pixel.shows() == page


async def test_a_minimum_is_held_against_the_binary_in_the_plugin_s_order_of_versions(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    """Rust's `Ord` for versions: a pre-release is below its release, and build metadata counts."""
    server = await serve()
    await published(server, tmp_path, "one", min_binary_version="0.1.0")
    pixel = await installed(launch, server, "Pixel", version="0.2.0-rc.1+7")
    assert (await pixel.asks()).offered == 1
    for minimum, offered in {
        "0.2.0-alpha": 1,
        "0.2.0": None,
        "0.2.0-rc.1": 1,
        "0.2.0-rc.1+8": None,
        "0.2.0-rc.1+7": 1,
        "0.2.0-rc.2": None,
        "0.2.0-rc.0.9": 1,
    }.items():
        # What is offered the plugin takes for an offer too, or `after` would say so.
        answer = await pixel.after(EditRelease(sequence=1, min_binary_version=minimum))
        assert (minimum, answer.offered) == (minimum, offered)
