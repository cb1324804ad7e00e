"""A check is read strictly: what can't be meant is named, what merely deviates is flagged."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hotswap_dev.domain.checks import (
    ARCHES,
    CHANNEL_NAME,
    PLATFORMS,
    BadCheck,
    Check,
    client_id,
    is_loopback,
    read_check,
)
from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.domain.text import shown
from hotswap_dev.domain.versions import is_version

GOOD = {"binary_version": ["0.4.1"], "platform": ["linux"], "arch": ["x86_64"]}


def read(
    sequence: str = "0",
    changes: Mapping[str, list[str] | None] | None = None,
    *,
    device: str | None = None,
    peer: str = "127.0.0.1",
    **query: list[str],
) -> Check | BadCheck:
    """A good check with some parameters replaced; in `changes` None takes one away."""
    merged = {**GOOD, **query, **(changes or {})}
    return read_check(
        sequence,
        {name: values for name, values in merged.items() if values is not None},
        device=device,
        peer=peer,
    )


def test_a_good_check_is_read_as_the_contract_has_it() -> None:
    assert read("42", channel=["beta"]) == Check(
        client="local/linux/x86_64",
        sequence=42,
        binary_version="0.4.1",
        platform="linux",
        arch="x86_64",
        channel="beta",
    )


@pytest.mark.parametrize(
    ("text", "sequence"),
    [
        ("0", 0),
        ("007", 7),
        ("9007199254740993", 2**53 + 1),
        ("9223372036854775808", 2**63),
        ("18446744073709551615", 2**64 - 1),
    ],
)
def test_a_sequence_is_any_u64(text: str, sequence: int) -> None:
    found = read(text)
    assert isinstance(found, Check)
    assert found.sequence == sequence


@pytest.mark.parametrize(
    "text",
    [
        *("", "-1", "+5", "1_000", "1.0", "1e3", "0x10", " 1", "1 ", "1\n", "abc", "null", "%31"),
        *("٣", "\uff11", "²"),
        "18446744073709551616",
        "99999999999999999999",
        "9" * 21,
        "0" * 20 + "7",
        "9" * 5000,
        "{{current_sequence}}",
        "\udcff",
    ],
)
def test_any_other_sequence_is_refused_by_name_with_its_value_and_an_example(text: str) -> None:
    found = read(text)
    assert isinstance(found, BadCheck)
    assert (found.parameter, found.value) == ("sequence", text)
    assert str(MAX_SEQUENCE) in found.expected
    assert found.example == "/api/ota/0"


@pytest.mark.parametrize("name", ["binary_version", "platform", "arch"])
def test_a_parameter_that_the_client_always_sends_must_be_there(name: str) -> None:
    found = read("0", {name: None})
    assert isinstance(found, BadCheck)
    assert (found.parameter, found.value) == (name, "")
    assert found.example.startswith(f"{name}=")


@pytest.mark.parametrize("name", ["binary_version", "platform", "arch", "channel"])
def test_a_parameter_that_stands_twice_with_two_values_is_refused(name: str) -> None:
    found = read("0", {name: ["1.0.0", "2.0.0"]})
    assert isinstance(found, BadCheck)
    assert (found.parameter, found.value, found.expected) == (name, "1.0.0, 2.0.0", "one value")


def test_a_parameter_that_stands_twice_with_one_value_says_the_same_thing_twice() -> None:
    found = read(platform=["linux", "linux"], channel=["beta", "beta"])
    assert isinstance(found, Check)
    assert (found.platform, found.channel, found.flags) == ("linux", "beta", ())


def test_parameters_that_nobody_knows_are_passed_over() -> None:
    assert read("0", {"utm_source": ["a", "b"], "": ["c"]}) == read()


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "01.0.0", "1.0.0\n", "latest", "\uff11.0.0", "1" * 300])
def test_a_binary_version_that_the_client_could_not_have_is_refused(version: str) -> None:
    found = read(binary_version=[version])
    assert isinstance(found, BadCheck)
    assert (found.parameter, found.value) == ("binary_version", version)


def test_an_app_without_a_version_is_answered_and_flagged() -> None:
    found = read(binary_version=[""])
    assert isinstance(found, Check)
    assert found.binary_version is None
    assert found.flags == ("binary-version-empty",)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("arch", ARCHES)
def test_every_platform_and_arch_of_the_contract_passes_without_a_flag(platform: str, arch: str) -> None:
    found = read(platform=[platform], arch=[arch])
    assert isinstance(found, Check)
    assert found.flags == ()


def test_an_unknown_platform_or_arch_is_answered_and_flagged() -> None:
    found = read(platform=["Linux"], arch=[""])
    assert isinstance(found, Check)
    assert found.flags == ("platform-unknown", "arch-unknown")


@pytest.mark.parametrize("channel", ["beta", "1", "A.b_c-d", "x" * 64, "0.4.x"])
def test_a_channel_may_be_letters_digits_dots_underscores_and_dashes(channel: str) -> None:
    found = read(channel=[channel])
    assert isinstance(found, Check)
    assert found.asked_channel == channel


@pytest.mark.parametrize(
    "channel", ["", ".", "-beta", "_x", "x" * 65, "a b", "a/b", "a\n", "bêta", "[/nope]", "\x1b[2J"]
)
def test_any_other_channel_is_refused(channel: str) -> None:
    found = read(channel=[channel])
    assert isinstance(found, BadCheck)
    assert (found.parameter, found.value) == ("channel", channel)


def test_without_a_channel_production_is_meant() -> None:
    found = read()
    assert isinstance(found, Check)
    assert found.channel is None
    assert found.asked_channel == "production"


# Who asks


def test_an_app_that_names_its_device_is_that_client_wherever_it_asks_from() -> None:
    assert read(device="pixel-8", peer="192.168.1.7").client == "pixel-8"
    assert read("nonsense", device="pixel-8").client == "pixel-8"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_every_loopback_address_is_local(peer: str) -> None:
    assert is_loopback(peer)
    assert read(peer=peer).client == "local/linux/x86_64"


@pytest.mark.parametrize("peer", ["192.168.1.7", "10.0.2.2", "fe80::1", "::ffff:10.0.0.1", "0.0.0.0"])
def test_any_other_peer_stands_in_the_id_by_its_address(peer: str) -> None:
    assert not is_loopback(peer)
    assert read(peer=peer).client == f"{peer}/linux/x86_64"


def test_an_empty_device_id_names_nobody() -> None:
    assert read(device="").client == "local/linux/x86_64"


def test_an_upgraded_app_is_the_same_client() -> None:
    assert read(binary_version=["0.4.1"]).client == read(binary_version=["0.5.0"]).client


def test_a_check_without_platform_or_arch_still_names_its_client() -> None:
    assert read("0", {"platform": None, "arch": None}).client == "local/?/?"


@pytest.mark.parametrize(
    "device", ["x" * 129, "tab\there", "\x1b[31m", "\u202eevil", "\udcff", "Z" + "\u0301" * 9]
)
def test_an_id_that_is_long_or_does_not_print_goes_by_its_hash(device: str) -> None:
    named = client_id(device, peer="::1", platform="linux", arch="arm")
    assert named.startswith("h:")
    assert len(named) == 18
    assert named == client_id(device, peer="10.0.0.1", platform="ios", arch="x86")


def test_two_ids_that_do_not_print_are_two_clients() -> None:
    assert (
        len({client_id(odd, peer="::1", platform="", arch="") for odd in ("\udcff", "\udcfe", "\ud800")}) == 3
    )


def test_an_id_of_128_characters_stands_as_it_is() -> None:
    assert client_id("x" * 128, peer="::1", platform="linux", arch="arm") == "x" * 128


anything = st.text(st.characters(), max_size=40)
likely = st.one_of(anything, st.sampled_from(("0", "7", "1.0.0", "linux", "x86_64", "beta", "")))
queries = st.dictionaries(
    st.one_of(anything, st.sampled_from(("binary_version", "platform", "arch", "channel"))),
    st.lists(likely, max_size=3),
    max_size=6,
)


@given(likely, queries, st.one_of(st.none(), anything), anything)
@example("0", {name: [] for name in GOOD}, None, "")
@example("0", dict(GOOD), "\ud800", "?")
def test_whatever_is_asked_it_is_a_check_or_a_bad_check_from_somebody_who_can_be_shown(
    sequence: str, query: Mapping[str, list[str]], device: str | None, peer: str
) -> None:
    found = read_check(sequence, query, device=device, peer=peer)
    assert found.client == shown(found.client, 128) != ""
    if isinstance(found, Check):
        assert found.sequence == int(sequence) <= MAX_SEQUENCE
        assert found.binary_version is None or is_version(found.binary_version)
        assert CHANNEL_NAME.fullmatch(found.asked_channel)
    else:
        assert found.parameter in ("sequence", "binary_version", "platform", "arch", "channel")
        assert found.expected
        assert found.example
