"""A folder that is emptied and made anew while it is watched: only whole builds come out (hardening E10, E12)."""

from __future__ import annotations

import asyncio
import random
import shutil
import threading
import time
from pathlib import Path

import pytest

from hotswap_dev.domain.observations import BuildRefused, Published
from hotswap_dev.packing.tree import scan
from tests.server.asking import Asking, happened, so_far, until, write_frontend
from tests.server.conftest import Serve
from tests.unit.packing.trees import extracted, grown

pytestmark = pytest.mark.processes

SETTLE = 0.12
FILES = [f"{number:02}.js" for number in range(24)]


def bundle(server: Asking, sequence: int) -> dict[str, bytes]:
    """The files of a release, as its bundle on disk has them."""
    return extracted(server.engine.bundle_file(server.engine.controls.releases[sequence]).read_bytes())


async def test_E10_a_folder_removed_and_built_again_fifty_times_ends_as_the_last_bundle(
    serve: Serve, dist: Path
) -> None:
    chance = random.Random(10)
    async with serve(dist=dist) as server:
        await happened(server.engine, Published)
        for number in range(50):
            await asyncio.to_thread(shutil.rmtree, dist)
            # Sometimes long enough for the settle time, sometimes not at all.
            await asyncio.sleep(chance.choice((0.0, 0.0, 0.02, 0.08)))
            await asyncio.to_thread(write_frontend, dist, f"build {number}")
            await asyncio.sleep(chance.choice((0.0, 0.0, 0.02, 0.08)))

        final = grown(dist)
        await until(
            lambda: bundle(server, server.engine.controls.last_sequence) == final, "the final tree is offered"
        )

        sequence = server.engine.controls.last_sequence
        assert (await server.check()).json["sequence"] == sequence
        assert list(server.engine.store.folder.glob(".tmp-*")) == []
        # It is still watched: the next save comes too.
        write_frontend(dist, "afterwards")
        await happened(server.engine, Published, lambda event: event.sequence == sequence + 1)
        assert bundle(server, sequence + 1) == grown(dist)


class Writers:
    """Build tools that take turns: each build rewrites every file in place, stamped with the build's number.

    `stalled` has the builds that the system itself held up for so long that they looked finished half-way.
    """

    def __init__(self, dist: Path) -> None:
        self.built = 0
        self.stalled: set[int] = set()
        self._dist = dist
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._build_again_and_again, args=(n,)) for n in range(4)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def build(self, *, rest: float = 0.0) -> None:
        """One build: a file every millisecond, each in two halves, and half a settle time's pause in the middle.

        Nobody writes for `rest` seconds then.
        """
        with self._turn:
            self.built += 1
            before = time.monotonic()
            for name in ("index.html", *FILES):
                whole = stamped(name, self.built)
                with (self._dist / name).open("wb", buffering=0) as file:
                    file.write(whole[: len(whole) // 2])
                    time.sleep(SETTLE / 2 if name == FILES[12] else 0.001)
                    file.write(whole[len(whole) // 2 :])
                now = time.monotonic()
                if now - before >= SETTLE:
                    self.stalled.add(self.built)
                before = now
            self._stop.wait(rest)

    def _build_again_and_again(self, number: int) -> None:
        chance = random.Random(number)
        while not self._stop.is_set():
            self.build(rest=chance.choice((0.0, 0.0, 3 * SETTLE)))


def stamped(name: str, build: int) -> bytes:
    """What a file holds: the same length in every build, so that only its content tells."""
    return f"<!-- {name} of build {build:06} -->\n".encode() * 60


async def test_E12_with_four_writers_every_bundle_is_one_whole_build(serve: Serve, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    writers = Writers(dist)
    writers.build()
    async with serve(dist=dist, settle=SETTLE, settle_widens=False) as server:
        await happened(server.engine, Published)
        writers.start()
        try:
            await happened(server.engine, Published, lambda event: event.sequence >= 4)
        finally:
            await asyncio.to_thread(writers.stop)
        final = grown(dist)
        await until(
            lambda: bundle(server, server.engine.controls.last_sequence) == final, "the last build is offered"
        )
        published = [event.sequence for event in await so_far(server.engine, Published)]

    for sequence in published:
        files = bundle(server, sequence)
        builds = {int(content.split(b"build ")[1][:6]) for content in files.values()}
        assert set(files) == {"index.html", *FILES}
        if not builds & writers.stalled:
            assert len(builds) == 1, f"release {sequence} has files of the builds {sorted(builds)}"
            assert files == {name: stamped(name, *builds) for name in files}
    assert len(published) < writers.built, "some builds were overtaken by the next"


async def test_E12_a_tree_that_moves_each_time_it_is_packed_is_never_offered_and_the_whole_one_stays(
    serve: Serve, dist: Path
) -> None:
    async with serve() as server:
        await server.publish(dist)
        for number in range(5):
            found = scan(dist)
            write_frontend(dist, f"again {number}")

            assert await server.engine.publish_settled(found, changed_at=None) == 0.0

        assert server.engine.controls.last_sequence == 1
        assert (await server.check()).json["sequence"] == 1
        assert await so_far(server.engine, BuildRefused) == []
