"""Somebody sets the clock while the server runs, or between two starts of it (hardening E4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hotswap_dev.domain import retention
from hotswap_dev.domain.observations import Published
from hotswap_dev.packing.signing import SigningKey, new_key
from tests.e2e.server_process import write_frontend
from tests.server.asking import so_far
from tests.unit.engine.engines import bytes_of, demand_sound, offered, opened, publish

START = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
TEN_YEARS = timedelta(days=3652)
JUMPS = [timedelta(0), TEN_YEARS, -TEN_YEARS, timedelta(seconds=1), -2 * TEN_YEARS]


class Clock:
    """A time of day that somebody sets."""

    def __init__(self) -> None:
        self.shift = timedelta(0)
        self._ticks = 0

    def __call__(self) -> datetime:
        self._ticks += 1
        return START + self.shift + timedelta(milliseconds=self._ticks)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return new_key()


@pytest.fixture
def few_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest bundle is kept, and what was offered."""
    monkeypatch.setattr(retention, "KEPT_IN_ALL", 1)
    monkeypatch.setattr(retention, "KEPT_PER_CHANNEL", 1)


async def test_E4_whatever_the_clock_does_offers_go_by_sequence_and_no_date_goes_back(
    tmp_path: Path, key: SigningKey
) -> None:
    clock, releases = Clock(), []
    for number, jump in enumerate(JUMPS):
        clock.shift = jump
        async with opened(tmp_path, key, now=clock) as engine:
            for half in range(2):
                releases.append(
                    await publish(engine, write_frontend(tmp_path / "dist", f"build {number}-{half}"))
                )
                assert offered(engine, len(releases) - 1) == releases[-1]
                assert offered(engine, len(releases)) is None
            demand_sound(engine)

    assert [release.sequence for release in releases] == list(range(1, 11))
    dates = [release.published_at for release in releases]
    assert dates == sorted(dates)
    assert dates[0] < START + timedelta(minutes=1)


async def test_E4_what_takes_time_is_measured_by_a_clock_that_nobody_sets(
    tmp_path: Path, key: SigningKey
) -> None:
    clock = Clock()
    async with opened(tmp_path, key, now=clock) as engine:
        for number, jump in enumerate(JUMPS):
            clock.shift = jump
            await publish(engine, write_frontend(tmp_path / "dist", f"build {number}"))
        told = await so_far(engine, Published)

    assert len(told) == len(JUMPS)
    assert all(0 <= one.pack_ms < 10_000 for one in told)
    assert all(0 <= one.scan_ms < 10_000 for one in told)


@pytest.mark.parametrize("jump", [TEN_YEARS, -TEN_YEARS], ids=["ahead", "back"])
async def test_E4_a_jump_of_the_clock_prunes_nothing_that_was_just_offered(
    tmp_path: Path, key: SigningKey, few_kept: None, jump: timedelta
) -> None:
    clock = Clock()
    async with opened(tmp_path, key, now=clock) as engine:
        first = await publish(engine, write_frontend(tmp_path / "dist", "first"))
        assert offered(engine) == first
        clock.shift = jump

        for number in range(3):
            await publish(engine, write_frontend(tmp_path / "dist", f"later {number}"))

        assert bytes_of(engine, first)
        # It is not that nothing is ever pruned: the ones between were offered to nobody.
        assert engine.controls.pruned == {engine.controls.releases[number].bundle.hash for number in (2, 3)}
        demand_sound(engine)


@pytest.mark.parametrize("jump", [timedelta(minutes=59), -TEN_YEARS], ids=["an hour less", "back"])
async def test_E4_B12_what_was_offered_within_the_hour_is_kept_though_the_server_was_restarted(
    tmp_path: Path, key: SigningKey, few_kept: None, jump: timedelta
) -> None:
    """A client keeps the manifest between check and apply, whatever the server does meanwhile."""
    clock = Clock()
    async with opened(tmp_path, key, now=clock) as engine:
        first = await publish(engine, write_frontend(tmp_path / "dist", "first"))
        assert offered(engine) == first
    clock.shift = jump
    async with opened(tmp_path, key, now=clock) as engine:
        for number in range(3):
            await publish(engine, write_frontend(tmp_path / "dist", f"later {number}"))

        assert bytes_of(engine, first)
        assert len(engine.controls.pruned) == 2


async def test_B12_what_was_offered_before_that_hour_may_go_after_a_restart(
    tmp_path: Path, key: SigningKey, few_kept: None
) -> None:
    clock = Clock()
    async with opened(tmp_path, key, now=clock) as engine:
        first = await publish(engine, write_frontend(tmp_path / "dist", "first"))
        assert offered(engine) == first
    clock.shift = timedelta(minutes=61)
    async with opened(tmp_path, key, now=clock) as engine:
        await publish(engine, write_frontend(tmp_path / "dist", "second"))

        assert engine.controls.pruned == {first.bundle.hash}


async def test_E4_ten_years_later_the_newest_bundles_are_all_there(tmp_path: Path, key: SigningKey) -> None:
    clock = Clock()
    async with opened(tmp_path, key, now=clock) as engine:
        for number in range(8):
            await publish(engine, write_frontend(tmp_path / "dist", f"build {number}"))
    clock.shift = TEN_YEARS
    async with opened(tmp_path, key, now=clock) as engine:
        await publish(engine, write_frontend(tmp_path / "dist", "ten years later"))

        assert engine.controls.pruned == frozenset()
        assert len(list(engine.store.folder.glob("*.tar.gz"))) == 9
