"""What may go, and what nobody loses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev.domain import retention
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import BundlesPruned, ClientPinned, ClientUnpinned
from hotswap_dev.domain.retention import KEPT_BYTES, KEPT_IN_ALL, KEPT_PER_CHANNEL, prunable
from tests.unit.making import NOW, a_bundle, a_release, all_controls, controls_with

MINUTE = timedelta(minutes=1)
TEN_YEARS = timedelta(days=3650)

FEWER = settings(max_examples=40)  # each of them is a long history

_HASHES = [a_bundle(content).hash for content in "abcdefgh"]
offers = st.dictionaries(
    st.sampled_from(_HASHES), st.timedeltas(timedelta(0), timedelta(hours=3)).map(lambda ago: NOW - ago)
)


@contextmanager
def a_small_shop(in_all: int = 3, per_channel: int = 1, size: int = 10_000) -> Iterator[None]:
    """The same rules with numbers that eight bundles can reach."""
    with patch.multiple(retention, KEPT_IN_ALL=in_all, KEPT_PER_CHANNEL=per_channel, KEPT_BYTES=size):
        yield


def builds(count: int, *, size: int = 1000) -> Controls:
    """Releases 1 to `count` of production, each with a bundle of its own."""
    return controls_with(
        *(a_release(sequence, bundle=a_bundle(str(sequence), size=size)) for sequence in range(1, count + 1))
    )


def hashes(*sequences: int) -> tuple[str, ...]:
    return tuple(a_bundle(str(sequence)).hash for sequence in sequences)


def test_the_newest_50_stay_and_the_rest_goes_oldest_first() -> None:
    assert prunable(builds(KEPT_IN_ALL), {}, NOW) == ()
    assert prunable(builds(KEPT_IN_ALL + 3), {}, NOW) == hashes(1, 2, 3)


def test_beyond_2_gb_all_but_the_newest_five_goes() -> None:
    controls = builds(8, size=KEPT_BYTES // 2)
    assert prunable(controls, {}, NOW) == hashes(1, 2, 3)


def test_the_newest_five_of_a_quiet_channel_outlive_any_number_of_builds_elsewhere() -> None:
    quiet = [a_release(sequence, channel="beta") for sequence in range(1, 8)]
    busy = [a_release(sequence) for sequence in range(8, 108)]
    gone = prunable(controls_with(*quiet, *busy), {}, NOW)
    assert set(hashes(1, 2)) <= set(gone)
    assert not set(hashes(3, 4, 5, 6, 7)) & set(gone)


def test_what_was_offered_within_the_hour_stays_and_may_go_after_it() -> None:
    controls = builds(KEPT_IN_ALL + 2)
    offered = {hashes(1)[0]: NOW - 59 * MINUTE, hashes(2)[0]: NOW - 60 * MINUTE}
    assert prunable(controls, offered, NOW) == hashes(2)


def test_what_a_client_is_pinned_to_stays_however_old_it_is() -> None:
    pinned = apply(builds(KEPT_IN_ALL + 2), ClientPinned(at=NOW, client="phone", sequence=1))
    assert prunable(pinned, {}, NOW) == hashes(2)
    freed = apply(pinned, ClientUnpinned(at=NOW, client="phone"))
    assert prunable(freed, {}, NOW) == hashes(1, 2)


def test_what_was_offered_before_the_clock_was_set_back_stays() -> None:
    assert prunable(builds(KEPT_IN_ALL + 1), {hashes(1)[0]: NOW + TEN_YEARS}, NOW) == ()


def test_a_bundle_that_a_newer_release_points_at_again_is_as_new_as_that_release() -> None:
    again = a_release(KEPT_IN_ALL + 2, bundle=a_bundle("1"))
    controls = controls_with(*(a_release(one) for one in range(1, KEPT_IN_ALL + 2)), again)
    assert prunable(controls, {}, NOW) == hashes(2)


def test_what_is_gone_is_not_pruned_again_and_takes_no_place() -> None:
    controls = builds(KEPT_IN_ALL + 2)
    after = apply(controls, BundlesPruned(at=NOW, hashes=hashes(1, 2, 50)))
    assert prunable(after, {}, NOW) == ()


@FEWER
@given(all_controls(40), offers)
def test_the_newest_of_every_channel_what_was_just_offered_and_what_is_pinned_are_never_pruned(
    controls: Controls, offered: dict[str, datetime]
) -> None:
    for per_channel in (1, 2, KEPT_PER_CHANNEL):
        with a_small_shop(per_channel=per_channel):
            gone = set(prunable(controls, offered, NOW))
        for channel in controls.channels.values():
            newest = {controls.releases[one].bundle.hash for one in channel.releases[:per_channel]}
            assert not newest & gone
        assert not {controls.releases[one].bundle.hash for one in controls.pins.values()} & gone
        assert not {name for name, when in offered.items() if NOW - when < timedelta(hours=1)} & gone


@FEWER
@given(all_controls(40), offers)
def test_what_goes_is_known_still_there_named_once_and_beyond_the_count(
    controls: Controls, offered: dict[str, datetime]
) -> None:
    with a_small_shop():
        gone = prunable(controls, offered, NOW)
    there = {one.bundle.hash for one in controls.releases.values()} - controls.pruned
    assert set(gone) <= there
    assert len(set(gone)) == len(gone)
    if gone:
        assert len(there) - len(gone) >= 3


@FEWER
@given(all_controls(40), offers)
def test_pruning_once_is_enough(controls: Controls, offered: dict[str, datetime]) -> None:
    with a_small_shop():
        gone = prunable(controls, offered, NOW)
        assert prunable(apply(controls, BundlesPruned(at=NOW, hashes=gone)), offered, NOW) == ()


@FEWER
@given(all_controls(40), offers)
def test_without_need_only_as_many_stay_as_were_asked_for(
    controls: Controls, offered: dict[str, datetime]
) -> None:
    with a_small_shop():
        gone = prunable(controls, offered, NOW)
    there = {one.bundle.hash for one in controls.releases.values()} - controls.pruned
    needed = {
        controls.releases[one.releases[0]].bundle.hash for one in controls.channels.values() if one.releases
    }
    needed |= {name for name, when in offered.items() if NOW - when < timedelta(hours=1)}
    needed |= {controls.releases[one].bundle.hash for one in controls.pins.values()}
    assert len(there - set(gone) - needed) <= 3


@FEWER
@given(all_controls(40), offers, st.sampled_from((-TEN_YEARS, TEN_YEARS)))
def test_a_clock_that_jumps_ten_years_prunes_nothing_that_the_counts_alone_would_keep(
    controls: Controls, offered: dict[str, datetime], jump: timedelta
) -> None:
    with a_small_shop():
        by_count_alone = set(prunable(controls, {}, NOW))
        in_time = set(prunable(controls, offered, NOW))
        jumped = set(prunable(controls, offered, NOW + jump))
    assert jumped <= by_count_alone
    if jump < timedelta(0):
        assert jumped <= in_time
