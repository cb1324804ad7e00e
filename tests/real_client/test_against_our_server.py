"""The actual plugin against the actual server: what is saved is what the app shows (issue "The loop")."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotswap_dev.domain.commands import Publish
from hotswap_dev.domain.observations import CheckAnswered, DownloadEnded
from hotswap_dev.packing.signing import new_key
from hotswap_dev.tauri.document import merge_patch
from hotswap_dev.tauri.overlay import desktop_overlay
from hotswap_dev.tauri.project import read_project
from tests.e2e.server_process import write_frontend
from tests.e2e.test_start_and_end import tauri_project
from tests.real_client.conftest import Launch
from tests.real_client.our_server import Serve, config_for, released, seen
from tests.real_client.our_server import serve_fixture as serve_fixture


async def test_a_save_is_checked_applied_confirmed_and_kept_over_a_restart(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    dist = write_frontend(tmp_path / "dist", "first build")
    server = await serve(dist)
    await released(server, 1)
    client = await launch(config_for(server), embedded={"/index.html": "embedded"})

    assert (await client.check()).available
    assert (await client.apply()).events == ("download-start", "download-complete", "apply")
    assert "first build" in (await client.page()).text
    _ = (await client.notify_ready()).value

    client = await launch(config_for(server), embedded={"/index.html": "embedded"})
    assert await client.sequence() == 1
    assert not (await client.check()).available

    write_frontend(dist, "second build")
    await released(server, 2)
    assert (await client.check()).available
    _ = (await client.apply()).value
    assert "second build" in (await client.page()).text
    fetched = await seen(server, DownloadEnded, lambda event: event.sequence == 2)
    assert fetched.complete
    assert fetched.bytes == server.engine.controls.releases[2].bundle.size
    assert fetched.client == "local/linux/x86_64"


async def test_a_build_that_is_never_confirmed_goes_back_and_is_offered_again(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve(write_frontend(tmp_path / "dist", "good"))
    await released(server, 1)
    client = await launch(config_for(server))
    await client.check()
    await client.apply()
    await client.notify_ready()
    write_frontend(tmp_path / "dist", "crashes before notifyReady")
    await released(server, 2)
    await client.check()
    await client.apply()
    assert await client.sequence() == 2

    client = await launch(config_for(server))

    assert await client.sequence() == 1
    assert "good" in (await client.page()).text
    offered = await client.check()
    assert offered.available
    assert offered.value["sequence"] == 2


async def test_a_zip_is_applied(launch: Launch, serve: Serve, tmp_path: Path) -> None:
    server = await serve(write_frontend(tmp_path / "dist", "zipped"), format="zip")
    await released(server, 1)
    client = await launch(config_for(server))

    assert (await client.check()).available
    _ = (await client.apply()).value
    assert "zipped" in (await client.page()).text


async def test_the_channel_that_the_app_asks_for_is_the_one_it_gets(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve(write_frontend(tmp_path / "dist", "for beta"), channel="beta")
    await released(server, 1)

    stable = await launch(config_for(server), identifier="com.example.stable")
    assert not (await stable.check()).available
    beta = await launch(config_for(server, channel="beta"), identifier="com.example.beta")
    assert (await beta.check()).available

    answers = [event for _, event in server.engine.bus._ring if isinstance(event, CheckAnswered)]
    assert [(event.channel, event.reason) for event in answers] == [
        (None, "channel-unknown"),
        ("beta", "newer-release"),
    ]


async def test_a_custom_header_names_the_client(launch: Launch, serve: Serve, tmp_path: Path) -> None:
    server = await serve(write_frontend(tmp_path / "dist"))
    await released(server, 1)
    client = await launch(config_for(server, headers={"X-Device-Id": "Pixel 8"}))

    await client.check()
    await client.apply()

    assert (await seen(server, CheckAnswered, lambda _: True)).client == "Pixel 8"
    assert (await seen(server, DownloadEnded, lambda _: True)).client == "Pixel 8"
    assert list(server.engine.clients) == ["Pixel 8"]


async def test_an_older_binary_is_offered_nothing_and_told_why(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve(write_frontend(tmp_path / "dist"), min_binary_version="0.2.0")
    await released(server, 1)
    client = await launch(config_for(server), version="0.1.0")

    assert not (await client.check()).available
    answered = await seen(server, CheckAnswered, lambda _: True)
    assert (answered.status, answered.reason) == (204, "binary-too-old")
    assert answered.args == {"sequence": 1, "binary_version": "0.1.0", "min_binary_version": "0.2.0"}


@pytest.mark.parametrize(("minimum", "after_restart"), [(None, 0), ("same-as-client", 1)])
async def test_an_app_newer_than_the_minimum_discards_its_update_unless_the_minimum_is_its_own(
    launch: Launch, serve: Serve, tmp_path: Path, minimum: str | None, after_restart: int
) -> None:
    server = await serve(write_frontend(tmp_path / "dist"), min_binary_version=minimum)
    await released(server, 1)
    client = await launch(config_for(server), version="0.3.0")
    await client.check()
    await client.apply()
    await client.notify_ready()
    assert await client.sequence() == 1

    restarted = await launch(config_for(server), version="0.3.0")

    assert await restarted.sequence() == after_restart


async def test_a_foreign_key_is_refused_after_the_download(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve(write_frontend(tmp_path / "dist"))
    await released(server, 1)
    client = await launch(config_for(server, pubkey=new_key().public_key))

    assert (await client.check()).available
    refused = await client.apply()

    assert refused.error == (
        "signature verification failed: The signature was created with a different key than the one provided"
    )
    assert refused.events == ("download-start",)
    assert await client.sequence() == 0


async def test_an_empty_app_version_is_answered_and_the_plugin_names_the_mistake(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve(write_frontend(tmp_path / "dist"))
    await released(server, 1)
    client = await launch(config_for(server), version=None)

    answer = await client.check()

    assert answer.error is not None
    assert answer.error.startswith("version error: invalid binary version")
    answered = await seen(server, CheckAnswered, lambda _: True)
    assert answered.flags == ("binary-version-empty",)


async def test_latest_json_feeds_the_static_file_resolver(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = await serve(write_frontend(tmp_path / "dist", "from a file"))
    await released(server, 1)
    client = await launch(
        config_for(server), static_manifest=f"{server.file.site}/channels/production/latest.json"
    )

    assert (await client.check()).available
    _ = (await client.apply()).value
    assert "from a file" in (await client.page()).text
    assert not (await client.check()).available


async def test_the_merged_overlay_alone_configures_the_plugin(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    """As `tauri build -c` merges it: by RFC 7396 over a config that points at production."""
    root = tauri_project(tmp_path / "app")
    config = root / "src-tauri" / "tauri.conf.json"
    config.write_text(
        config.read_text()[:-1]
        + ', "plugins": {"hotswap": {"endpoint": "https://ota.example.com/{{current_sequence}}", "pubkey": "'
        + new_key().public_key
        + '", "headers": {"Authorization": "Bearer production"}}}}'
    )
    project = read_project(config, platform="linux")
    server = await serve(root / "dist", name="overlay")
    await released(server, 1)
    overlay = desktop_overlay(project, endpoint=server.file.endpoint, pubkey=server.file.pubkey)
    merged = merge_patch(dict(project.merged), overlay)

    client = await launch(merged["plugins"]["hotswap"], identifier=merged["identifier"], version="0.4.1")

    assert merged["identifier"] == "com.example.my-app.hotswapdev"
    assert (await client.check()).available
    _ = (await client.apply()).value
    assert "hello" in (await client.page()).text


async def test_a_bundle_keeps_its_bytes_between_check_and_apply(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    """Minutes may lie between the two; the manifest that was checked is the one that is applied."""
    dist = write_frontend(tmp_path / "dist", "checked")
    server = await serve(dist)
    await released(server, 1)
    client = await launch(config_for(server))
    assert (await client.check()).available
    for number in range(2, 9):
        write_frontend(dist, f"later {number}")
        await server.engine.run(Publish())

    _ = (await client.apply()).value

    assert "checked" in (await client.page()).text


async def test_the_samples_apply_as_they_are(launch: Launch, serve: Serve) -> None:
    samples = Path(__file__).parents[2] / "sample_bundles"
    server = await serve(samples / "hello-v1")
    await released(server, 1)
    client = await launch(config_for(server))
    await client.check()
    await client.apply()
    assert (await client.page("/app.js")).text == (samples / "hello-v1" / "app.js").read_text()
    done = await server.engine.run(Publish(path=str(samples / "hello-v2"), mandatory=True, notes="new"))
    offered = (await client.check()).value
    assert (offered["sequence"], offered["mandatory"], offered["notes"]) == (
        done.result["sequence"],
        True,
        "new",
    )
