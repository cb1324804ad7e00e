"""Which releases tell clients apart, and that clients in one place who ask the same are answered alike."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import SAME_AS_CLIENT, Targets
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import told
from hotswap_dev.domain.rollout import place, told_apart
from tests.unit.making import (
    BINARY_VERSIONS,
    CLIENTS,
    NOW,
    a_check,
    a_release,
    all_controls,
    checks,
    controls_with,
)

IDS = st.sampled_from(CLIENTS) | st.integers(0, 10**6).map("client-{}".format)


def apart(controls: Controls) -> list[int]:
    return [release.sequence for release in told_apart(controls)]


def test_what_is_below_a_whole_release_tells_nobody_apart() -> None:
    old = [a_release(one, percent=10.0) for one in range(1, 40)]
    named = a_release(40, targets=Targets(clients=("phone",)))
    assert apart(controls_with(*old, named, a_release(41), a_release(42, percent=50.0))) == [42]


def test_a_release_that_nobody_has_at_all_tells_nobody_apart() -> None:
    nobody, one = a_release(1, percent=0.0), a_release(2, percent=0.0, always=("phone",))
    assert apart(controls_with(nobody)) == []
    assert apart(controls_with(nobody, one)) == [2]


def test_what_an_older_binary_goes_on_to_does() -> None:
    old = a_release(1, percent=10.0, min_binary_version="0.9.0")
    assert apart(controls_with(old, a_release(2))) == [1]
    assert apart(controls_with(old, a_release(2, min_binary_version=SAME_AS_CLIENT))) == []


def test_a_place_ends_at_the_release_that_the_client_is_offered() -> None:
    rolling = [a_release(one, percent=10.0, always=("phone",)) for one in (1, 2, 3)]
    found = told_apart(controls_with(*rolling))
    assert place(a_check(client="phone"), found) == ((True, False),)
    assert place(a_check(client="phone", binary_version="0.1.0"), found) == ((True, False),) * 3
    assert place(a_check(3, client="phone"), found) == ()
    assert place(a_check(client="phone", channel="beta"), found) == ()


def narrowed() -> st.SearchStrategy[Controls]:
    """Some releases, most of them for a part of the clients."""
    one = st.fixed_dictionaries(
        {
            "percent": st.sampled_from((0.0, 50.0, 100.0, 100.0)),
            "always": st.sampled_from(((), CLIENTS[:1])),
            "targets": st.sampled_from(
                (Targets(), Targets(clients=CLIENTS[:1]), Targets(platforms=("linux",)))
            ),
            "withheld": st.sampled_from((False, False, True)),
            "origin": st.sampled_from(("build", "build", "poisoned")),
            "min_binary_version": st.sampled_from((*BINARY_VERSIONS, SAME_AS_CLIENT)),
        }
    )
    made = st.lists(one, min_size=1, max_size=6)
    return made.map(lambda all_: controls_with(*(a_release(at, **each) for at, each in enumerate(all_, 1))))


@settings(max_examples=200)
@given(all_controls() | narrowed(), checks(), st.lists(IDS, min_size=2, max_size=12, unique=True))
def test_whoever_asks_the_same_from_one_place_is_told_the_same(
    controls: Controls, check: Check, clients: list[str]
) -> None:
    plain = replace(controls, faults=(), forced=(), pins={})
    found = told_apart(plain)
    heard: dict[object, object] = {}
    for client in clients:
        one = replace(check, client=client)
        decision = decide(plain, one, NOW)
        says = (told(decision, one), [(each.sequence, each.reason.code) for each in decision.considered])
        assert heard.setdefault(place(one, found), says) == says
