"""Bundles that many clients get are verified and extracted once, and in full whatever is new about them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

import pytest

from hotswap_dev.client.updater import Updater
from hotswap_dev.client.updating import bundles as module
from hotswap_dev.client.updating.bundles import Bundles
from hotswap_dev.packing.signing import new_key
from tests.real_client.scripted_server import tar_gz
from tests.unit.client.test_updater import BUNDLE, KEY, Server, server_fixture

__all__ = ["server_fixture"]

SIGNATURE = KEY.sign(BUNDLE, comment="")


async def test_a_thousand_clients_that_ask_at_once_cost_one_verification(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In another thread too, where larger ones are verified."""
    monkeypatch.setattr(module, "SMALL", 0)
    shared = Bundles()
    said = await asyncio.gather(*(shared.refusal(BUNDLE, SIGNATURE, KEY.public_key) for _ in range(1000)))
    assert set(said) == {None}
    assert (shared.verified, shared.recalled) == (1, 999)


async def test_whatever_differs_is_verified_anew() -> None:
    shared = Bundles()
    other = new_key()
    assert await shared.refusal(BUNDLE, SIGNATURE, KEY.public_key) is None
    assert await shared.refusal(BUNDLE[:-1] + b"\1", SIGNATURE, KEY.public_key) == (
        "The signature verification failed"
    )
    assert await shared.refusal(BUNDLE, SIGNATURE, other.public_key) is not None
    assert await shared.refusal(BUNDLE, other.sign(BUNDLE, comment=""), KEY.public_key) is not None
    assert await shared.refusal(BUNDLE, SIGNATURE, KEY.public_key) is None
    assert (shared.verified, shared.recalled) == (4, 1)


async def test_the_same_bytes_are_extracted_once_for_each_format() -> None:
    shared = Bundles()
    first = await shared.listing(BUNDLE, "tar.gz")
    assert first.files == {"index.html": 8, "assets/app.js": 1}
    assert await shared.listing(bytes(bytearray(BUNDLE)), "tar.gz") is first
    assert (await shared.listing(BUNDLE, "zip")).error is not None


async def test_who_looks_at_pages_sees_the_contents_once() -> None:
    seen: list[Mapping[str, bytes]] = []

    def look(files: Mapping[str, bytes]) -> bool:
        seen.append(files)
        return b"new" not in files["index.html"]

    shared = Bundles(look)
    assert not (await shared.listing(BUNDLE, "tar.gz")).starts
    assert not (await shared.listing(BUNDLE, "tar.gz")).starts
    assert seen == [{"index.html": b"new page", "assets/app.js": b"1"}]


async def test_the_others_still_get_it_where_the_first_who_asked_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        begun.set()
        assert go_on.wait(10)

    monkeypatch.setattr(module, "SMALL", 0)
    monkeypatch.setattr(module, "refusal", slow)
    shared = Bundles()
    first = asyncio.create_task(shared.refusal(BUNDLE, SIGNATURE, KEY.public_key))
    second = asyncio.create_task(shared.refusal(BUNDLE, SIGNATURE, KEY.public_key))
    await asyncio.to_thread(begun.wait, 10)
    first.cancel()
    go_on.set()
    assert await second is None
    with pytest.raises(asyncio.CancelledError):
        await first
    assert shared.verified == 1


async def test_what_went_wrong_in_looking_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Bundles()
    with monkeypatch.context() as broken:
        broken.setattr(module, "refusal", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await shared.refusal(BUNDLE, SIGNATURE, KEY.public_key)
    await asyncio.sleep(0)
    assert await shared.refusal(BUNDLE, SIGNATURE, KEY.public_key) is None


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    shared = Bundles()
    for number in range(5):
        await shared.listing(tar_gz({"index.html": str(number)}), "tar.gz")
    await shared.listing(tar_gz({"index.html": "4"}), "tar.gz")
    assert len(shared._known) == 3


async def test_a_bundle_that_is_in_use_is_verified_once_however_many_corrupted_ones_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST", 4)
    shared = Bundles()
    for number in range(10):
        assert await shared.refusal(BUNDLE, SIGNATURE, KEY.public_key) is None
        assert await shared.refusal(BUNDLE + bytes([number]), SIGNATURE, KEY.public_key) is not None
    assert (shared.verified, shared.recalled) == (11, 9)


async def test_a_check_tells_the_reason_that_the_answer_names(server: Server) -> None:
    async with Updater(server.config, binary_version="0.1.0") as app:
        assert [request.reason for request in (await app.check()).requests] == [None]
