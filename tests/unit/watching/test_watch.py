"""Real folders: threads, reports and clocks."""

import asyncio
import errno
import itertools
import os
import shutil
import sys
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hotswap_dev.packing.tree import scan
from hotswap_dev.watching import Pace, Polling, Seen, Settled, Waiting, Watch, watch
from hotswap_dev.watching.settling import Look
from hotswap_dev.watching.watch import look_at, system_reports
from tests.unit.watching.timelines import contents

PAGE = '<script src="/a.js"></script>'
S = TypeVar("S", bound=Seen)


async def test_a_save_is_handed_over_once_it_stood_still(tmp_path: Path) -> None:
    root = _built(tmp_path / "dist")
    async with Watch(root, Pace(settle=0.1, safety=60)) as folder:
        assert (await _next(folder, Settled)).first
        clock = asyncio.get_running_loop().time
        (root / "a.js").write_text("saved")
        saved_at = clock()
        settled = await _next(folder, Settled)
        assert settled.scan == scan(root)
        assert 0.1 <= clock() - saved_at < 1.0
        assert saved_at - 0.01 <= settled.changed_at <= saved_at + 0.5


async def test_E10_a_folder_swapped_in_is_watched_as_the_old_one_was(tmp_path: Path) -> None:
    root = _built(tmp_path / "dist")
    async with Watch(root, Pace(settle=0.05, safety=60)) as folder:
        await _next(folder, Settled)
        for content in ("second", "third"):
            _built(tmp_path / "dist.new", content)
            root.rename(tmp_path / f"before-{content}")
            (tmp_path / "dist.new").rename(root)
            assert (await _next(folder, Settled)).scan == scan(root)
        # No safety look comes in this test: only reports from the new folder can tell of this.
        (root / "a.js").write_text("saved in the new folder")
        assert (await _next(folder, Settled)).scan == scan(root)


@pytest.mark.skipif(not hasattr(Path, "symlink_to"), reason="no links")
async def test_a_root_that_is_a_link_may_be_pointed_elsewhere(tmp_path: Path) -> None:
    _built(tmp_path / "one")
    _built(tmp_path / "two", "two")
    root = tmp_path / "dist"
    root.symlink_to("one")
    async with Watch(root, Pace(settle=0.05, safety=60)) as folder:
        await _next(folder, Settled)
        (tmp_path / "link").symlink_to("two")
        (tmp_path / "link").rename(root)
        assert contents((await _next(folder, Settled)).scan) == contents(scan(tmp_path / "two"))


async def test_E10_a_folder_removed_and_built_again_50_times_ends_as_it_stands(tmp_path: Path) -> None:
    root = _built(tmp_path / "dist")
    async with Watch(root, Pace(settle=0.05, safety=60)) as folder:
        await _next(folder, Settled)
        for generation in range(50):
            shutil.rmtree(root)
            _built(root, "x" * generation)
            await asyncio.sleep(0)
        final = scan(root)
        async with asyncio.timeout(10):
            async for seen in folder:
                if isinstance(seen, Settled) and seen.scan == final:
                    break
        # The new folder may have the inode of the old one; it must be listened to all the same.
        (root / "a.js").write_text("saved")
        assert (await _next(folder, Settled)).scan == scan(root)


async def test_E10_a_folder_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    root = tmp_path / "app" / "dist"
    async with watch(root, settle=0.05) as folder:
        assert (await _next(folder, Waiting)).code == "folder-missing"
        _built(root)
        built_at = asyncio.get_running_loop().time()
        settled = await _next(folder, Settled)
        assert settled.scan == scan(root)
        assert settled.changed_at - built_at < 0.9


async def test_a_tree_is_handed_over_again_after_rescan(tmp_path: Path) -> None:
    root = _built(tmp_path / "dist")
    async with Watch(root, Pace(settle=0.05, safety=60)) as folder:
        first = await _next(folder, Settled)
        waiting = asyncio.ensure_future(_next(folder, Settled))
        await asyncio.sleep(0)
        folder.rescan()
        again = await waiting
        assert again.scan == first.scan
        assert not again.first


async def test_E11_where_the_system_refuses_to_report_the_folder_is_polled(tmp_path: Path) -> None:
    async def refused(root: Path) -> AsyncGenerator[object]:
        yield _no_more_watches(root)

    root = _built(tmp_path / "dist")
    async with Watch(root, Pace(settle=0.05, safety=60), reports=refused) as folder:
        polling = await _next(folder, Polling)
        assert "OS file watch limit reached" in polling.why
        assert polling.seconds < 1
        await _next(folder, Settled)
        (root / "a.js").write_text("saved")
        assert (await _next(folder, Settled)).scan == scan(root)


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="this system holds no such name")
async def test_E11_a_folder_whose_path_is_not_utf8_is_polled(tmp_path: Path) -> None:
    """watchfiles takes no such path; its error must not end the watching."""
    root = _built(tmp_path / os.fsdecode(b"caf\xe9") / "dist")
    async with Watch(root, Pace(settle=0.05, safety=60)) as folder:
        polling = await _next(folder, Polling)
        assert "not valid UTF-8" in polling.why
        assert polling.why.isprintable()
        await _next(folder, Settled)
        (root / "a.js").write_text("saved")
        assert (await _next(folder, Settled)).scan == scan(root)


async def test_E11_where_the_system_reports_nothing_saves_are_seen_all_the_same(tmp_path: Path) -> None:
    arming = itertools.count(1)

    async def silent(root: Path) -> AsyncGenerator[object]:
        next(arming)
        await asyncio.Event().wait()
        yield root

    root = _built(tmp_path / "dist")
    async with Watch(root, Pace(settle=0.05, safety=0.1), reports=silent) as folder:
        await _next(folder, Settled)
        for content in ("one", "three", "seven"):
            (root / "a.js").write_text(content)
            assert (await _next(folder, Settled)).scan == scan(root)
    assert next(arming) > 2, "silent reports must be asked for anew before they are not relied on"


async def test_E11_reports_that_were_refused_are_asked_for_again(tmp_path: Path) -> None:
    late = 0.0
    asked: list[Path] = []

    async def refused_once(root: Path) -> AsyncGenerator[object]:
        asked.append(root)
        if len(asked) == 1:
            yield _no_more_watches(root)
        async with aclosing(system_reports(root)) as reports:
            async for report in reports:
                yield report

    root = _built(tmp_path / "dist")
    pace = Pace(settle=0.05, safety=60)
    async with Watch(root, pace, clock=lambda: time.monotonic() + late, reports=refused_once) as folder:
        await _next(folder, Polling)
        await _next(folder, Settled)
        late = 31.0
        folder.rescan()
        await _next(folder, Settled)
        assert len(asked) == 2


async def test_what_is_reported_during_a_look_is_looked_at_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _built(tmp_path / "dist")
    async with Watch(root, Pace(settle=0.05, safety=60, patience=0)) as folder:
        await _next(folder, Settled)

        def slow_look(*arguments: Any) -> Look:
            look = look_at(*arguments)
            monkeypatch.undo()
            (root / "a.js").write_text("written after it was looked at")
            while folder._heard is None or folder._heard.newest <= look.at:
                time.sleep(0.001)
            return look

        monkeypatch.setattr(sys.modules["hotswap_dev.watching.watch"], "look_at", slow_look)
        folder.rescan()
        while (await _next(folder, Settled)).scan != scan(root):
            pass


async def test_a_folder_that_long_stood_still_is_offered_at_the_start_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _built(tmp_path / "dist")
    an_hour_later = time.time_ns() + 3600 * 10**9
    monkeypatch.setattr("hotswap_dev.packing.tree.time.time_ns", lambda: an_hour_later)
    async with Watch(root, Pace(settle=60)) as folder:
        assert (await _next(folder, Settled)).first


def test_looks_that_saw_the_same_share_one_tree(tmp_path: Path) -> None:
    root = _built(tmp_path / "dist")
    before = look_at(root, None, time.monotonic)
    after = look_at(root, before, time.monotonic)
    assert before.scan is not None
    assert after.scan is not None
    assert after.scan.files is before.scan.files
    assert after.scan.taken_ns > before.scan.taken_ns


async def test_a_bug_in_what_reports_is_not_swallowed(tmp_path: Path) -> None:
    async def buggy(root: Path) -> AsyncGenerator[object]:
        yield 1 / len(root.name[:0])

    folder = Watch(_built(tmp_path / "dist"), Pace(settle=0.05), reports=buggy)
    with pytest.raises(ZeroDivisionError):
        await _next(folder, Settled)


async def test_a_reader_may_stop_waiting_and_come_back(tmp_path: Path) -> None:
    root = _built(tmp_path / "dist")
    async with Watch(root, Pace(settle=0.05)) as folder:
        await _next(folder, Settled)
        waiting = asyncio.ensure_future(anext(folder))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        (root / "a.js").write_text("meanwhile")
        assert (await _next(folder, Settled)).scan == scan(root)


async def test_a_reader_that_stops_waiting_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    late = 0.0
    waiting: asyncio.Future[Settled] | None = None

    async def interrupting(root: Path) -> AsyncGenerator[object]:
        if waiting is None:
            yield _no_more_watches(root)
        else:
            waiting.cancel()  # the tree is looked at, and its reader waits for nothing but this
            await asyncio.Event().wait()

    pace = Pace(settle=0.05, safety=60)
    root = _built(tmp_path / "dist")
    async with Watch(root, pace, clock=lambda: time.monotonic() + late, reports=interrupting) as folder:
        await _next(folder, Settled)
        late = 31.0
        folder.rescan()
        waiting = asyncio.ensure_future(_next(folder, Settled))
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await _next(folder, Settled)).scan == scan(root)


async def test_leaving_ends_all_that_ran(tmp_path: Path) -> None:
    root = _built(tmp_path / "dist")
    async with Watch(root, Pace(settle=0.05)) as folder:
        await _next(folder, Settled)
        assert len(asyncio.all_tasks()) > 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_when_its_loop_ends_no_thread_is_left(tmp_path: Path) -> None:
    async def once() -> None:
        async with Watch(_built(tmp_path / "dist"), Pace(settle=0.05)) as folder:
            await _next(folder, Settled)

    before = set(threading.enumerate())
    asyncio.run(once())
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


def _no_more_watches(root: Path) -> object:
    raise OSError(errno.ENOSPC, "OS file watch limit reached", str(root))


def _built(root: Path, content: str = "first") -> Path:
    """A small frontend. index.html comes last, and is whole when it is there."""
    root.mkdir(parents=True)
    (root / "a.js").write_text(content)
    (root / "index.html").write_text(PAGE)
    return root


async def _next(folder: Watch, kind: type[S]) -> S:
    """The next of that kind; others may come before it."""
    async with asyncio.timeout(10):
        while not isinstance(seen := await anext(folder), kind):
            pass
        return seen
