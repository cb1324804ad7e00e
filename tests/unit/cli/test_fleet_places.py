"""Several processes share one plan: together they play it, nobody twice, and nobody is left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.fleet.places import Places
from hotswap_dev.fleet.plan import Crew, planned

CREW = Crew(count=30, platforms={"android": 0.7, "ios": 0.3})


@given(st.integers(1, 7), st.integers(0, 5))
def test_workers_together_are_the_fleet_that_one_process_would_be(workers: int, seed: int) -> None:
    every = [Places(CREW, seed, index=index, every=workers) for index in range(workers)]
    # As a master does it: each in its turn gets the next user.
    phones = [every[turn % workers] for turn in range(CREW.count)]
    played = [places.phone(places.taken()) for places in phones]

    assert played == list(planned((CREW,), seed))


@given(st.integers(1, 4), st.lists(st.integers(0, 9), max_size=60))
def test_nobody_is_two_whoever_comes_and_goes(workers: int, turns: list[int]) -> None:
    every = [
        Places(CREW, 1, index=index, every=workers) for index in range(workers + 1)
    ]  # one was not expected
    playing: list[tuple[Places, int]] = []
    for turn in turns:
        if turn == 0 and playing:
            places, number = playing.pop(0)
            places.left(number)
        else:
            places = every[turn % len(every)]
            playing.append((places, places.taken()))

        ids = [places.phone(number).id for places, number in playing]
        assert len(set(ids)) == len(ids)


def test_who_left_is_the_first_to_come_back() -> None:
    places = Places(CREW, 1)
    first, second = places.taken(), places.taken()
    places.left(second)
    places.left(first)

    assert (places.taken(), places.taken(), places.taken()) == (first, second, 2)


def test_more_than_were_planned_are_others_of_the_same_kind() -> None:
    places = Places(CREW, 1)
    phones = [places.phone(places.taken()) for _ in range(2 * CREW.count)]

    more = phones[CREW.count :]
    assert len({phone.id for phone in phones}) == 2 * CREW.count
    assert sum(phone.platform == "android" for phone in more) == 21
