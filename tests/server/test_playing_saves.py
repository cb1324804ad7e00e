"""Saves into a watched folder while somebody watches, and what is left of one that is ended; names of clients."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.scenario.own_server import own_server
from hotswap_dev.scenario.playing import play
from hotswap_dev.scenario.stage import staged
from tests.unit.scenario.playing_on import a_stage, written


def _build(folder: Path, says: str, files: int = 3) -> Path:
    folder.mkdir()
    (folder / "index.html").write_text(f"<p>{says}</p>")
    for number in range(files):
        (folder / f"{number}.js").write_text(f"say({says!r})")
    return folder


def _slowly(wait: Callable[[int], Any]) -> Callable[[Any, Any], None]:
    """`os.replace`, and `wait` after it with how many of its kind there were."""
    done = 0
    replace = os.replace

    def replacing(source: Any, target: Any) -> None:
        nonlocal done
        replace(source, target)
        if Path(source).parent.name.startswith(".saving-"):
            done += 1
            wait(done)

    return replacing


async def test_a_save_that_is_held_up_half_way_is_published_once_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer than the server takes a folder at rest for finished."""
    one, two = _build(tmp_path / "one", "one"), _build(tmp_path / "two", "two")
    async with a_stage() as stage:
        await stage.save(str(one))
        never = threading.Event()
        monkeypatch.setattr(os, "replace", _slowly(lambda done: done == 2 and never.wait(0.6)))
        saved = await stage.save(str(two))
        again = (await stage.control.command("publish", {}))["result"]["sequence"]
        releases = (await stage.control.state()).controls.releases

    assert (saved, again) == (2, 3), "nothing was published in between"
    assert releases[2].bundle.tree == releases[3].bundle.tree


async def test_a_scenario_that_is_ended_while_it_saves_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, folders = threading.Event(), []

    def save(_folder: Path, into: Path, *, mark: str, stop: threading.Event) -> None:
        begun.set()
        stop.wait(10)
        (into / mark).mkdir(parents=True)  # the one file that was under way

    async def saves() -> None:
        async with own_server() as (meeting, place), staged(meeting) as stage:
            folders.append(place)
            await stage.save("build")

    monkeypatch.setattr("hotswap_dev.scenario.stage.save", save)
    saving = asyncio.create_task(saves())
    assert await asyncio.to_thread(begun.wait, 20)
    saving.cancel()
    await asyncio.sleep(0)
    saving.cancel()  # somebody is impatient
    with pytest.raises(asyncio.CancelledError):
        await saving

    assert not folders[0].exists()


_PAIR = '[[clients]]\nnames = ["phones-2", "Mia"]\ncount = 2\n'


@pytest.mark.parametrize(
    "step",
    [
        'do = "force-204"\non = true\nclient = "Mai"',
        'do = "pin-client"\nclient = "Mai"\nsequence = "none"',
        'act = "check"\nclient = "Mai"',
    ],
)
async def test_a_misspelt_client_is_told_with_the_nearest_name(step: str, tmp_path: Path) -> None:
    async with a_stage() as stage:
        verdict = await play(written(tmp_path, f"{_PAIR}[[steps]]\n{step}\n"), stage)

    assert verdict.failure is not None
    assert "called" in verdict.failure.seen
    assert "Mai" in verdict.failure.seen
    assert "did you mean Mia?" in verdict.failure.seen


async def test_a_name_that_was_given_means_whom_it_was_given_to_also_where_it_is_like_an_id(
    tmp_path: Path,
) -> None:
    async with a_stage() as stage:
        await play(written(tmp_path, _PAIR + '[[steps]]\nact = "check"\nclient = "phones-2"\n'), stage)

        [client] = (await stage.control.state()).clients
        assert stage.fleet.phones[client.id].plan.name == "phones-2"
