"""How many checks came lately: the last two minutes, and nothing of what was before them."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.dashboard.rates import PERIOD, SHOWN, Rates
from tests.unit.making import NOW


@given(st.lists(st.integers(0, 10_000), max_size=300))
def test_each_check_of_the_last_two_minutes_is_counted_once_and_no_older_one_is_kept(
    seconds: list[int],
) -> None:
    rates, now = Rates(), NOW
    for second in sorted(seconds):
        now = NOW + timedelta(seconds=second)
        rates.count(now)
    periods = [(int(NOW.timestamp()) + second) // PERIOD for second in seconds]
    last = int(now.timestamp()) // PERIOD

    assert sum(rates.per_period(now)) == sum(last - SHOWN < period for period in periods)
    assert rates.last_minute(now) == sum(last - 60 // PERIOD < period for period in periods)
    assert len(rates._counts) <= 2 * SHOWN


def test_however_often_the_state_is_read_again_no_more_than_the_plot_is_kept() -> None:
    rates = Rates()
    for minute in range(300):
        rates.count(NOW + timedelta(minutes=minute))
        rates = Rates(before=rates)

    assert len(rates._before) <= 2 * SHOWN
    assert rates.per_period(NOW + timedelta(minutes=299))[-1] == 1


def test_a_day_of_checks_leaves_no_more_periods_than_the_plot_needs() -> None:
    rates = Rates()
    for minute in range(24 * 60):
        rates.count(NOW + timedelta(minutes=minute))
        assert len(rates._counts) <= 2 * SHOWN

    assert rates.last_minute(NOW + timedelta(minutes=24 * 60 - 1)) == 1
