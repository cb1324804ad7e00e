"""What the real plugin says while it downloads, verifies, extracts and starts: the texts that faults must provoke."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from minisign import KeyPair

from hotswap_dev.domain.plugin import insecure_url
from tests.real_client.conftest import Launch
from tests.real_client.driver import Answer, RealClient
from tests.real_client.scripted_server import (
    Handler,
    ScriptedServer,
    answering,
    cut_short,
    in_base64,
    public_line,
    resetting,
    signed,
    tar_gz,
    zipped,
)

KEY = KeyPair.generate()
GOOD = tar_gz({"index.html": "new page", "assets/app.js": "1"})
DOWNLOAD_FAILED = ("download-start", "download-error")
NOT_VERIFIED = ("download-start",)
NOT_EXTRACTED = ("download-start", "download-complete")
APPLIED = ("download-start", "download-complete", "apply")


def config(server: ScriptedServer, **more: Any) -> dict[str, Any]:
    return {
        "endpoint": server.endpoint,
        "pubkey": public_line(KEY),
        "require_https": False,
        "max_retries": 0,
        **more,
    }


async def checked_and_applied(client: RealClient) -> Answer:
    assert (await client.check()).available
    return await client.apply()


async def test_a_good_bundle_is_downloaded_once_applied_and_shown(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(
        config(server, headers={"X-Device-Id": "d1"}), embedded={"index.html": "old", "only.js": "2"}
    )
    server.offer(GOOD, signed(KEY, GOOD))

    said = await checked_and_applied(client)

    assert said.value == "0.1.0-ota.7"
    assert said.events == APPLIED
    assert said.progress >= 1
    assert server.downloads == ["/files/bundle.tar.gz"]
    assert server.headers[-1]["X-Device-Id"] == "d1"
    assert (await client.page("/")).text == "new page"
    assert (await client.page("/assets/app.js")).mime == "text/javascript"
    assert (await client.page("/only.js")).text == "2", "what the bundle lacks comes from the embedded page"
    assert (client.folder / "current").read_text() == "seq-7"


async def test_download_then_activate_is_apply_in_two_steps(launch: Launch, server: ScriptedServer) -> None:
    client = await launch(config(server))
    server.offer(GOOD, signed(KEY, GOOD))
    assert (await client.check()).available

    assert (await client.download()).events == ("download-start", "download-complete")
    assert await client.sequence() == 0
    assert (await client.activate()).events == ("apply",)
    assert await client.sequence() == 7


async def test_the_next_check_names_the_applied_sequence(launch: Launch, server: ScriptedServer) -> None:
    client = await launch(config(server))
    server.offer(GOOD, signed(KEY, GOOD), sequence=2**64 - 1)
    _ = (await checked_and_applied(client)).value

    said = await client.check()

    assert not said.available, "nothing is newer ever after"
    assert server.checks[-1].startswith("/check/18446744073709551615?")


async def test_a_confirmed_bundle_outlives_a_restart_and_an_unconfirmed_one_goes_back(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server))
    server.offer(GOOD, signed(KEY, GOOD), sequence=7)
    _ = (await checked_and_applied(client)).value
    assert (await client.notify_ready()).events == ("ready-confirmed",)
    client = await launch(config(server))
    assert client.started.value["sequence"] == 7
    server.offer(GOOD, signed(KEY, GOOD), sequence=8)
    _ = (await checked_and_applied(client)).value

    client = await launch(config(server))

    assert client.started.value["sequence"] == 7
    assert any("was not confirmed" in line for line in client.started.log)
    assert client.started.events == ()
    assert (await client.check()).available, "a sequence that was rolled back is not blacklisted"


async def test_a_newer_binary_discards_what_an_older_one_applied(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server))
    server.offer(GOOD, signed(KEY, GOOD))
    _ = (await checked_and_applied(client)).value
    await client.notify_ready()

    client = await launch(config(server), version="0.1.1")

    assert client.started.value["sequence"] == 0
    assert any("discards cached" in line for line in client.started.log)
    assert not (client.folder / "seq-7").exists()


async def test_a_failing_download_is_tried_again_after_a_second(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server, max_retries=1))
    server.offer(GOOD, signed(KEY, GOOD))
    server.download = answering(503)

    said = await checked_and_applied(client)

    assert said.error == "HTTP 503: bundle download failed"
    assert said.events == DOWNLOAD_FAILED
    assert len(server.downloads) == 2
    assert said.seconds >= 1


async def too_large(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(600 * 2**20)})
    await response.prepare(request)
    assert request.transport is not None
    request.transport.close()
    return response


async def without_length(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(GOOD)
    await response.write_eof()
    return response


@dataclass(frozen=True, kw_only=True)
class Failing:
    """A download that goes wrong, once."""

    name: str
    download: Handler
    error: str
    config: dict[str, Any] | None = None


@pytest.mark.parametrize(
    "row",
    [
        Failing(name="503", download=answering(503), error="HTTP 503: bundle download failed"),
        Failing(name="404", download=answering(404), error="HTTP 404: bundle download failed"),
        Failing(name="304", download=answering(304), error="HTTP 304: bundle download failed"),
        Failing(
            name="cut short",
            download=cut_short(GOOD[:50], len(GOOD)),
            error="network error: error decoding response body",
        ),
        Failing(
            name="reset",
            download=resetting,
            error="network error: error sending request for url ({url})",
        ),
        Failing(
            name="600 MB announced",
            download=too_large,
            error="bundle too large: 629145600 bytes exceeds limit of 536870912 bytes",
        ),
        Failing(
            name="larger than max_bundle_size",
            download=answering(200, GOOD),
            config={"max_bundle_size": 100},
            error=f"bundle too large: {len(GOOD)} bytes exceeds limit of 100 bytes",
        ),
        Failing(
            name="larger than max_bundle_size, length unknown",
            download=without_length,
            config={"max_bundle_size": 100},
            error=f"bundle too large: {len(GOOD)} bytes exceeds limit of 100 bytes",
        ),
    ],
    ids=lambda row: row.name,
)
async def test_a_failed_download_names_its_cause(
    row: Failing, launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server, **(row.config or {})))
    server.offer(GOOD, signed(KEY, GOOD))
    server.download = row.download

    said = await checked_and_applied(client)

    assert said.error == row.error.format(url=f"{server.origin}/files/bundle.tar.gz")
    assert said.events == DOWNLOAD_FAILED
    assert len(server.downloads) == 1
    assert await client.sequence() == 0


async def test_a_download_needs_no_content_length(launch: Launch, server: ScriptedServer) -> None:
    client = await launch(config(server))
    server.offer(GOOD, signed(KEY, GOOD))
    server.download = without_length

    assert (await checked_and_applied(client)).events == APPLIED


SIGNATURE = "signature verification failed: "


@pytest.mark.parametrize(
    ("signature", "error"),
    [
        pytest.param(
            signed(KeyPair.generate(), GOOD),
            "The signature was created with a different key than the one provided",
            id="another key",
        ),
        pytest.param(signed(KEY, GOOD, prehash=False), "Unexpected signature algorithm", id="legacy"),
        pytest.param(
            signed(KeyPair.generate(), GOOD, prehash=False),
            "The signature was created with a different key than the one provided",
            id="another key is noticed before legacy",
        ),
        pytest.param(
            signed(KEY, GOOD + b"x"), "The signature verification failed", id="another file's signature"
        ),
        pytest.param("rubbish!", "base64 decode failed: Invalid symbol 33, offset 7.", id="no base64"),
        pytest.param(
            in_base64(b"\xff\xfe\x00"),
            "signature is not valid UTF-8: invalid utf-8 sequence of 1 bytes from index 0",
            id="base64 of no text",
        ),
        pytest.param(
            in_base64("rubbish"),
            "invalid signature format: Invalid encoding in minisign data",
            id="base64 of rubbish",
        ),
        pytest.param("", "invalid signature format: Invalid encoding in minisign data", id="empty"),
        pytest.param(
            "\n" + signed(KEY, GOOD),
            "base64 decode failed: Invalid symbol 32, offset 9.",
            id="raw, behind an empty line",
        ),
    ],
)
async def test_a_bad_signature_is_refused_after_one_download_without_another_event(
    signature: str, error: str, launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server, max_retries=3))
    server.offer(GOOD, signature)

    said = await checked_and_applied(client)

    assert said.error == SIGNATURE + error
    assert said.events == NOT_VERIFIED
    assert len(server.downloads) == 1


async def test_a_signature_may_be_base64_of_the_four_lines(launch: Launch, server: ScriptedServer) -> None:
    client = await launch(config(server))
    server.offer(GOOD, in_base64(signed(KEY, GOOD)))

    assert (await checked_and_applied(client)).events == APPLIED


@pytest.mark.parametrize(
    ("wrapped", "objection"),
    [
        pytest.param("{line}\n", "Invalid encoding in minisign data", id="with a newline"),
        pytest.param(" {line}", "Invalid encoding in minisign data", id="with a space"),
        pytest.param("{file}", "Invalid encoding in minisign data", id="the two lines of a .pub file"),
        pytest.param("{tauri}", "Invalid encoding in minisign data", id="what Tauri's CLI writes"),
        pytest.param("", "Invalid encoding in minisign data", id="empty"),
    ],
)
async def test_a_pubkey_that_is_not_the_bare_line_fails_after_the_whole_download(
    wrapped: str, objection: str, launch: Launch, server: ScriptedServer
) -> None:
    line = public_line(KEY)
    file = f"untrusted comment: minisign public key\n{line}\n"
    client = await launch(config(server, pubkey=wrapped.format(line=line, file=file, tauri=in_base64(file))))
    server.offer(GOOD, signed(KEY, GOOD))

    said = await checked_and_applied(client)

    assert said.error == f"{SIGNATURE}invalid public key: {objection}"
    assert said.events == NOT_VERIFIED
    assert len(server.downloads) == 1


@pytest.mark.parametrize(
    ("bundle", "name", "error"),
    [
        pytest.param(
            tar_gz({"index.html": "x", "../evil": "x"}),
            "bundle.tar.gz",
            "unsafe path component in archive: ../evil",
            id="parent",
        ),
        pytest.param(
            tar_gz({"/etc/evil": "x"}), "bundle.tar.gz", "absolute path in archive: /etc/evil", id="absolute"
        ),
        pytest.param(b"no archive at all", "bundle.tar.gz", "invalid gzip header", id="not gzip"),
        pytest.param(zipped({"index.html": "x"}), "b.zip?v=1", "invalid gzip header", id="zip with a query"),
        pytest.param(
            zipped({"../evil": "x"}), "b.zip", "unsafe path component in archive: ../evil", id="parent, zip"
        ),
    ],
)
async def test_an_archive_that_cannot_be_extracted_is_refused_and_leaves_nothing(
    bundle: bytes, name: str, error: str, launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server, max_retries=3))
    server.offer(bundle, signed(KEY, bundle), name)

    said = await checked_and_applied(client)

    assert said.error == f"extraction failed: {error}"
    assert said.events == NOT_EXTRACTED
    assert len(server.downloads) == 1
    assert list(client.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("bundle", "name", "page"),
    [
        pytest.param(zipped({"index.html": "zip"}), "b.zip", "zip", id="zip"),
        pytest.param(zipped({"index.html": "zip"}), "B.ZIP", "zip", id="ZIP"),
        pytest.param(GOOD, "anything.bin?v=1", "new page", id="tar.gz by whatever name"),
        pytest.param(tar_gz({}), "b.tar.gz", "embedded", id="an empty archive"),
        pytest.param(tar_gz({"other.html": "x"}), "b.tar.gz", "embedded", id="no index.html"),
        pytest.param(
            tar_gz({"real.html": "x"}, {"index.html": "real.html"}), "b.tar.gz", "embedded", id="a symlink"
        ),
        pytest.param(
            GOOD + gzip.compress(b"a second member"), "b.tar.gz", "new page", id="a second gzip member"
        ),
    ],
)
async def test_these_are_applied_and_the_page_is(
    bundle: bytes, name: str, page: str, launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server))
    server.offer(bundle, signed(KEY, bundle), name)

    assert (await checked_and_applied(client)).events == APPLIED
    assert (await client.page("/")).text == page


async def test_a_static_file_offers_until_it_is_applied_and_ignores_the_status(
    launch: Launch, server: ScriptedServer
) -> None:
    settings = {
        "pubkey": public_line(KEY),
        "require_https": False,
        "channel": "beta",
        "headers": {"X-A": "1"},
    }
    client = await launch(settings, static_manifest=f"{server.origin}/check/latest.json")
    server.offer(GOOD, signed(KEY, GOOD))
    _ = (await checked_and_applied(client)).value
    assert not (await client.check()).available
    server.check = answering(404)
    said = await client.check()

    assert server.checks == ["/check/latest.json"] * 3
    assert "X-A" not in server.headers[0], "it sends none on its check"
    assert server.headers[1]["X-A"] == "1", "the download does"
    assert said.error == "invalid manifest: EOF while parsing a value at line 1 column 0"
    assert said.events == ("check-start", "check-error")


async def test_an_http_bundle_url_under_require_https_is_refused_before_any_request(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch({"pubkey": public_line(KEY)}, static_manifest=f"{server.origin}/check/latest.json")
    server.offer(GOOD, signed(KEY, GOOD))

    said = await checked_and_applied(client)

    assert said.error == insecure_url(f"{server.origin}/files/bundle.tar.gz")
    assert said.events == ()
    assert server.downloads == []


async def test_apply_without_a_check_has_nothing_to_apply(launch: Launch, server: ScriptedServer) -> None:
    client = await launch(config(server))

    assert (await client.apply()).error == "no pending update — call check first"


async def test_an_app_killed_in_the_middle_of_a_download_starts_as_it_was(
    launch: Launch, server: ScriptedServer
) -> None:
    client = await launch(config(server))
    server.offer(GOOD, signed(KEY, GOOD))

    async def killing(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(GOOD))})
        await response.prepare(request)
        await response.write(GOOD[:50])
        process = client._process
        assert process is not None
        process.kill()
        return response

    server.download = killing
    assert (await client.check()).available
    with pytest.raises(RuntimeError, match="the real client ended at apply"):
        await client.apply()

    client = await launch(config(server))
    assert await client.sequence() == 0
