"""Whom a release is for: each field of its targets, the ranges of binaries, and what who is left out is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from hotswap_dev import wire
from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.commands.clients import PinClient
from hotswap_dev.domain.commands.rollouts import SetTargets
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import ReleaseAdded, TargetsSet
from hotswap_dev.domain.model import Release, Targets
from hotswap_dev.domain.policy import Decision, Offer, decide, newest_whole
from hotswap_dev.domain.reasons import sentence
from hotswap_dev.domain.rollout import in_range, missed_target
from hotswap_dev.errors import HotswapError
from tests.unit.making import BINARY_VERSIONS, NOW, a_check, a_release, all_controls, checks, controls_with


def offered(decision: Decision) -> int | None:
    return decision.answer.release.sequence if isinstance(decision.answer, Offer) else None


def done(controls: Controls, *commands: SetTargets | PinClient) -> Controls:
    for command in commands:
        for fact in command.events(controls, NOW):
            controls = apply(controls, fact)
    return controls


@pytest.fixture
def two() -> Controls:
    return controls_with(a_release(1), a_release(2))


@pytest.mark.parametrize(
    ("targets", "meant", "other", "told"),
    [
        (
            {"platforms": ("android", "ios")},
            {"platform": "ios"},
            {"platform": "macos"},
            ("platform", "macos", "android, ios"),
        ),
        ({"arches": ("arm",)}, {"arch": "arm"}, {"arch": "x86_64"}, ("arch", "x86_64", "arm")),
        (
            {"binary_versions": ">=0.4,<0.6"},
            {"binary_version": "0.5.0"},
            {"binary_version": "0.6.0"},
            ("binary_version", "0.6.0", ">=0.4,<0.6"),
        ),
        (
            {"clients": ("Pixel", "iPad")},
            {"client": "iPad"},
            {"client": "Nokia"},
            ("client", "Nokia", "Pixel, iPad"),
        ),
    ],
    ids=["platforms", "arches", "binary_versions", "clients"],
)
def test_who_is_left_out_is_offered_the_one_below_and_told_both_values(
    targets: dict[str, Any], meant: dict[str, Any], other: dict[str, Any], told: tuple[str, str, str]
) -> None:
    releases = (a_release(1, min_binary_version="0.1.0"), a_release(2, min_binary_version="0.1.0"))
    controls = done(controls_with(*releases), SetTargets(sequence=2, **targets))

    assert offered(decide(controls, a_check(**meant), NOW)) == 2
    outside = decide(controls, a_check(**other), NOW)
    assert offered(outside) == 1
    [passed] = outside.considered
    assert passed.reason.code == "not-targeted"
    assert tuple(passed.reason.args[name] for name in ("what", "is", "wanted")) == told
    assert told[1] in sentence(passed.reason)
    assert told[2] in sentence(passed.reason)


def test_all_of_what_is_asked_for_must_be_so(two: Controls) -> None:
    controls = done(two, SetTargets(sequence=2, platforms=("android",), arches=("aarch64",)))
    asked = {("android", "aarch64"): 2, ("android", "arm"): 1, ("ios", "aarch64"): 1, ("ios", "arm"): 1}
    for (platform, arch), sequence in asked.items():
        assert offered(decide(controls, a_check(platform=platform, arch=arch), NOW)) == sequence


def test_what_is_not_given_restricts_nothing_and_without_any_it_is_for_everyone_again(two: Controls) -> None:
    narrow = done(two, SetTargets(sequence=2, platforms=("ios",), clients=("iPad",)))
    other = done(narrow, SetTargets(sequence=2, clients=("iPad",)))
    assert other.releases[2].targets == Targets(clients=("iPad",))

    again = done(other, SetTargets(sequence=2))
    assert again.releases[2].targets == Targets()
    assert again.releases[2].whole
    assert SetTargets(sequence=2).events(again, NOW) == []


def test_an_empty_range_is_none_and_spaces_around_one_mean_nothing(two: Controls) -> None:
    assert SetTargets(sequence=2, binary_versions="  ").events(two, NOW) == []
    [fact] = SetTargets(sequence=2, binary_versions=" >=1.0 ").events(two, NOW)
    assert isinstance(fact, TargetsSet)
    assert fact.targets.binary_versions == ">=1.0"


def test_latest_json_has_no_release_that_is_only_for_some(two: Controls) -> None:
    shown = newest_whole(done(two, SetTargets(sequence=2, arches=("x86_64",))), "production")
    assert shown is not None
    assert shown.sequence == 1


def test_a_pin_overrules_targets(two: Controls) -> None:
    controls = done(
        two, SetTargets(sequence=2, platforms=("ios",)), PinClient(client="local/linux/x86_64", sequence=2)
    )
    assert offered(decide(controls, a_check(), NOW)) == 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"platforms": ("amiga",)}, "platforms: 'amiga' is none that a client sends"),
        ({"arches": ("mips",)}, "arches: 'mips' is none that a client sends"),
        ({"binary_versions": "new"}, "binary_versions: 'new' is no range of versions"),
        ({"binary_versions": ">=1 <2"}, "binary_versions: '>=1 <2' is no range of versions"),
        ({"clients": ("a\nb",)}, "client: 'a\\\\x0ab' can't be a client's id"),
    ],
)
def test_what_no_client_is_can_not_be_asked_for(two: Controls, arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(HotswapError) as refused:
        SetTargets(sequence=2, **arguments).events(two, NOW)
    assert refused.value.message == named
    assert refused.value.hint


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"platforms": ("andriod",)}, "did you mean android?"),
        ({"platforms": ("osx",)}, "did you mean macos?"),
        ({"arches": ("arm64",)}, "did you mean aarch64?"),
        ({"arches": ("amd64",)}, "did you mean x86_64?"),
    ],
)
def test_what_others_call_it_and_the_nearest_one_is_named(
    two: Controls, arguments: dict[str, Any], hint: str
) -> None:
    with pytest.raises(HotswapError) as refused:
        SetTargets(sequence=2, **arguments).events(two, NOW)
    assert refused.value.hint == hint


def test_capital_letters_mean_the_same(two: Controls) -> None:
    [fact] = SetTargets(sequence=2, platforms=("Android", "iOS"), arches=("X86_64",)).events(two, NOW)
    assert isinstance(fact, TargetsSet)
    assert fact.targets == Targets(platforms=("android", "ios"), arches=("x86_64",))


# The ranges


@pytest.mark.parametrize(
    ("version", "range_", "is_in"),
    [
        ("0.4.0", ">=0.4,<0.6", True),
        ("0.5.99", ">=0.4,<0.6", True),
        ("0.6.0", ">=0.4,<0.6", False),
        ("0.3.9", ">=0.4,<0.6", False),
        # A prerelease is what it is a prerelease of: packaging alone would leave it out, or put it below.
        ("0.6.0-rc.1", ">=0.6", True),
        ("0.6.0-rc.1", "<0.6", False),
        ("0.5.0-canary.5", "==0.5.0", True),
        # What packaging can't read at all.
        ("0.1.0-ota.1", ">=0.1", True),
        ("0.1.0-nightly.20260101", "==0.1.*", True),
        ("1.0.0-1", "==1.0.0", True),
        ("1.0.0+5", "==1.0.0", True),
        ("1.0.0+build-7", "==1.0.0", True),
        ("1.0.0+-7", "==1.0.0", True),
        ("1.0.0-rc.1+build.7-x", "==1.0.0", True),
        ("0.4.1", "~=0.4", True),
        ("1.0.0", "~=0.4", False),
        ("0.5.0", "!=0.5.0", False),
        ("1.0.0", "<2,>=1,!=1.5.0", True),
        (f"{2**64 - 1}.0.0", ">=1", True),
        # What is unknown, and what no client may say, is of none.
        (None, ">=0", False),
        ("", ">=0", False),
        ("1.0", ">=0", False),
        ("v1.0.0", ">=0", False),
        ("01.0.0", ">=0", False),
    ],
)
def test_a_binary_is_asked_by_its_release_triple(version: str | None, range_: str, is_in: bool) -> None:
    assert in_range(version, range_) is is_in


TRIPLES = st.tuples(*[st.integers(0, 3)] * 3).map(lambda three: ".".join(map(str, three)))
TAILS = st.sampled_from(("", "-rc.1", "-ota.7", "+5", "-a+b", "-0", "+a-b"))
RANGES = st.lists(
    st.builds("{}{}".format, st.sampled_from((">=", ">", "<=", "<", "==", "!=")), TRIPLES),
    min_size=1,
    max_size=3,
).map(",".join)


@given(TRIPLES, TAILS, RANGES)
def test_no_tail_changes_whether_a_binary_is_in_a_range(triple: str, tail: str, range_: str) -> None:
    assert in_range(triple + tail, range_) == SpecifierSet(range_).contains(Version(triple))


def test_a_version_that_is_unknown_is_said_to_be_unknown(two: Controls) -> None:
    controls = done(two, SetTargets(sequence=2, binary_versions=">=1.0"))
    decision = decide(controls, a_check(1, binary_version=None), NOW)
    assert decision.reason.code == "not-targeted"
    assert "the client's is an unknown one" in sentence(decision.reason)


# Laws


@given(all_controls(), checks())
def test_nobody_is_offered_what_is_not_for_them_but_by_a_pin(controls: Controls, check: Check) -> None:
    decision = decide(replace(controls, faults=(), required={}), check, NOW)
    if isinstance(decision.answer, Offer) and check.client not in controls.pins:
        assert missed_target(decision.answer.release, check) is None
    for one in decision.considered:
        if one.reason.code == "not-targeted":
            missed = missed_target(controls.releases[one.sequence], check)
            assert missed is not None
            assert (missed.what, missed.is_, missed.wanted) == (
                one.reason.args["what"],
                one.reason.args["is"],
                one.reason.args["wanted"],
            )


@given(
    st.sampled_from(("linux", "android", "ios")),
    st.sampled_from(BINARY_VERSIONS),
    st.builds(
        Targets,
        platforms=st.sampled_from(((), ("linux",), ("android", "ios"))),
        binary_versions=st.sampled_from((None, ">=1.0,<2", "<1.0")),
        clients=st.sampled_from(((), ("local/linux/x86_64",), ("phone",))),
    ),
)
def test_a_target_more_never_lets_more_in(platform: str, binary: str, targets: Targets) -> None:
    check = a_check(platform=platform, binary_version=binary)
    if missed_target(a_release(1, targets=targets), check) is None:
        for name in ("platforms", "binary_versions", "clients"):
            without = replace(targets, **{name: None if name == "binary_versions" else ()})
            assert missed_target(a_release(1, targets=without), check) is None


# Whom a release is for that takes back a poisoned one


def taking_back() -> Controls:
    return controls_with(a_release(1), a_release(2, withheld=True), a_release(3, targets=Targets(having=2)))


@pytest.mark.parametrize(
    ("sequence", "told"),
    [(2, (3, "newer-release")), (1, (None, "release-withheld")), (3, (None, "up-to-date"))],
)
def test_the_way_back_is_for_who_runs_what_it_takes_back_and_no_news_to_anyone_else(
    sequence: int, told: tuple[int | None, str]
) -> None:
    decision = decide(taking_back(), a_check(sequence), NOW)
    assert (offered(decision), decision.reason.code) == told
    assert 3 not in [one.sequence for one in decision.considered]


def test_who_never_took_it_is_offered_the_healthy_one() -> None:
    assert offered(decide(taking_back(), a_check(0), NOW)) == 1


# What an older version wrote


def test_a_release_that_an_older_version_wrote_down_is_whole() -> None:
    written = wire.decode_fact(without(wire.encode(ReleaseAdded(at=NOW, release=a_release(1)))))
    assert isinstance(written, ReleaseAdded)
    release: Release = written.release
    assert (release.percent, release.always, release.targets, release.whole) == (100.0, (), Targets(), True)
    assert release == a_release(1)


def without(fact: bytes) -> bytes:
    """A release's fact as it was written before there were rollouts and targets."""
    told = wire.decode(fact)
    for name in ("percent", "always", "targets"):
        del told["release"][name]
    return wire.encode(told)
