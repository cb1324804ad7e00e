"""What may be asked, what it leads to, and how a wrong request is answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.domain.commands import Built, Command, Publish, registered
from hotswap_dev.domain.commands.arguments import next_sequence
from hotswap_dev.domain.controls import Controls, apply, replay
from hotswap_dev.domain.facts import Fact, ReleaseAdded, SequenceFloorRaised
from hotswap_dev.domain.model import MAX_SEQUENCE, SAME_AS_CLIENT, Origin, Release
from hotswap_dev.errors import HotswapError, NotFound
from tests.unit.making import NOW, a_bundle, a_release, added, all_controls, built, controls_with


def published(
    controls: Controls, command: Publish | None = None, made: Built | None = None, **when: Any
) -> Release:
    """The release that a publish leads to."""
    facts = (command or Publish()).events(controls, when.get("now", NOW), made or built())
    releases = [fact.release for fact in facts if isinstance(fact, ReleaseAdded)]
    assert len(releases) == 1
    return releases[0]


# publish


def test_the_first_release_is_sequence_1_in_the_build_channel_with_version_1() -> None:
    assert published(Controls()) == Release(
        sequence=1,
        channel="production",
        bundle=a_bundle("hello"),
        version="1.0.0-ota.1",
        binary_version="1.0.0",
        min_binary_version="1.0.0",
        published_at=NOW,
        origin="build",
    )


def test_what_was_asked_for_is_what_the_release_says() -> None:
    command = Publish(
        channel="beta",
        notes="new greeting",
        mandatory=True,
        min_binary_version=SAME_AS_CLIENT,
        update_type="sidecar",
    )
    release = published(Controls(), command, built(origin="publish"))
    assert (release.channel, release.notes, release.mandatory) == ("beta", "new greeting", True)
    assert (release.min_binary_version, release.update_type, release.origin) == (
        SAME_AS_CLIENT,
        "sidecar",
        "publish",
    )


@given(all_controls(), st.sampled_from((None, "beta", "new")))
def test_a_publish_always_takes_the_next_sequence_and_can_be_applied(
    controls: Controls, channel: str | None
) -> None:
    release = published(controls, Publish(channel=channel))
    assert release.sequence == controls.last_sequence + 1
    after = apply(controls, ReleaseAdded(at=NOW, release=release))
    newest = after.newest(channel or controls.build_channel)
    assert newest == release
    assert release.version == f"1.0.0-ota.{after.build_counts['1.0.0']}"


def test_versions_go_on_counting_for_each_binary_version_across_channels() -> None:
    controls = Controls()
    versions = []
    for binary, channel in [("1.0.0", None), ("1.0.0", "beta"), ("1.1.0", None), ("1.0.0", None)]:
        release = published(controls, Publish(channel=channel), built(binary_version=binary))
        controls = apply(controls, ReleaseAdded(at=NOW, release=release))
        versions.append(release.version)
    assert versions == ["1.0.0-ota.1", "1.0.0-ota.2", "1.1.0-ota.1", "1.0.0-ota.3"]


@pytest.mark.parametrize("origin", ["promote", "reoffer", "roll-back"])
def test_what_only_repeats_a_bundle_takes_no_version_number(origin: Origin) -> None:
    controls = controls_with(a_release(1), a_release(2, origin=origin))
    assert published(controls).version == "1.0.0-ota.2"


@pytest.mark.parametrize("years", [-10, 10])
def test_a_release_is_never_dated_before_the_one_it_follows(years: int) -> None:
    controls = controls_with(a_release(1))
    release = published(controls, now=NOW + timedelta(days=365 * years))
    assert release.published_at == max(NOW, NOW + timedelta(days=365 * years))


def test_a_floor_in_between_does_not_forget_when_the_last_release_was() -> None:
    controls = apply(controls_with(a_release(1)), SequenceFloorRaised(at=NOW, floor=9, source="x"))
    assert published(controls, now=NOW - timedelta(days=1)).published_at == NOW


def test_without_a_bundle_there_is_nothing_to_publish() -> None:
    with pytest.raises(HotswapError) as caught:
        Publish().events(Controls(), NOW)
    assert caught.value.code == "nothing-built"


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "x" * 65, "../up", "b\n", "bêta"])
def test_a_name_that_no_channel_may_have_is_refused_and_named(name: str) -> None:
    with pytest.raises(HotswapError, match="channel: ") as caught:
        published(Controls(), Publish(channel=name))
    assert repr(name) in caught.value.message
    assert caught.value.hint
    assert caught.value.code == "bad-channel"


@pytest.mark.parametrize("minimum", ["", "1.0", "v1.0.0", "latest", "same-as-clients", "1.0.0\n"])
def test_a_minimum_that_is_no_version_is_refused_and_named(minimum: str) -> None:
    with pytest.raises(HotswapError, match="min_binary_version: ") as caught:
        published(Controls(), Publish(min_binary_version=minimum))
    assert repr(minimum) in caught.value.message
    assert caught.value.code == "bad-version"


def test_the_last_sequence_that_a_client_can_read_is_given_out_once() -> None:
    almost = replay([SequenceFloorRaised(at=NOW, floor=MAX_SEQUENCE - 1, source="x")])
    assert next_sequence(almost) == MAX_SEQUENCE
    full = apply(almost, added(a_release(MAX_SEQUENCE))[0])
    with pytest.raises(HotswapError) as caught:
        next_sequence(full)
    assert caught.value.code == "sequences-used-up"


@pytest.mark.parametrize("floor", [MAX_SEQUENCE, 2**70])
def test_a_floor_at_the_end_of_u64_leaves_no_sequence(floor: int) -> None:
    with pytest.raises(HotswapError):
        published(replay([SequenceFloorRaised(at=NOW, floor=floor, source="x")]))


# The registry


@pytest.mark.parametrize("name", list(registered()))
def test_every_command_says_what_it_does_and_shows_how(name: str) -> None:
    kind = registered()[name]
    assert kind.verb == name
    assert kind.group in ("start", "look", "change", "test", "ship")
    assert kind.summary
    assert kind.summary[0].isupper()
    assert not kind.summary.endswith(".")
    assert kind.__doc__
    assert kind.example.split()[0] == name
    assert kind.events is not Command.events


def test_the_schemas_describe_every_command_with_every_argument() -> None:
    schemas = {schema["name"]: schema for schema in wire.command_schemas()}
    assert schemas.keys() == registered().keys()
    for name, schema in schemas.items():
        assert schema["help"]
        assert schema["example"].startswith(f"hotswap-dev {name}")
        assert list(schema["arguments"]["properties"]) == list(registered()[name].__struct_fields__)
        for field, described in schema["arguments"]["properties"].items():
            assert described.get("description"), f"{name}: {field} says what it is for"


def test_the_registry_can_not_be_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        registered()["evil"] = Publish  # type: ignore[index]


# As it comes over the wire


def test_arguments_are_read_into_the_command() -> None:
    assert wire.read_command("publish", {"path": "/dist", "mandatory": True}) == Publish(
        path="/dist", mandatory=True
    )
    assert wire.read_command("publish", {}) == Publish()


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"mandatory": "yes"}, "mandatory"),
        ({"mandatory": 1}, "mandatory"),
        ({"channel": 7}, "channel"),
        ({"notes": "x" * 4097}, "notes"),
        ({"update_type": ""}, "update_type"),
        ({"update_type": "front end"}, "update_type"),
        ({"update_type": "frontend\n"}, "update_type"),
        ({"update_type": "x" * 65}, "update_type"),
        ({"chanel": "beta"}, "chanel"),
        ([], "object"),
        (None, "object"),
        ("beta", "object"),
    ],
)
def test_an_argument_that_can_not_be_meant_is_named_with_all_that_there_are(
    arguments: Any, names: str
) -> None:
    with pytest.raises(HotswapError) as caught:
        wire.read_command("publish", arguments)
    assert caught.value.message.startswith("publish: ")
    assert names in caught.value.message
    assert "min_binary_version" in caught.value.hint
    assert (caught.value.code, caught.value.status) == ("bad-arguments", 400)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("annotate", {"text": ""}, "text: must not be empty"),
        ("annotate", {"text": "x" * 501}, "text: at most 500 characters"),
        ("annotate", {}, "text: is missing"),
        ("annotate", [], "expected is an object, not an array"),
        ("annotate", {"text": "x", "txt": ""}, "there is no argument txt"),
        ("force-204", {"on": True, "times": 0}, "times: at least 1"),
        ("force-204", {"on": True, "times": 10**9}, "times: at most 1000000"),
        ("force-204", {"on": 1}, "on: expected is true or false, not a whole number"),
        ("force-204", {"on": True, "times": 1.5}, "times: must be a whole number"),
        ("pin-client", {"client": "a", "sequence": "x"}, "sequence: expected is a whole number or null, not a text"),
        ("publish", {"update_type": "a b"}, "update_type: must match ^[A-Za-z0-9._-]{1,64}$"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_argument_is_said_in_plain_words(name: str, arguments: Any, words: str) -> None:
    with pytest.raises(HotswapError) as caught:
        wire.read_command(name, arguments)
    assert caught.value.message.startswith(f"{name}: {words}")


def test_a_command_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(NotFound, match="'publsh'") as caught:
        wire.read_command("publsh", {})
    assert "publish" in caught.value.hint


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.one_of(
        json_values,
        st.dictionaries(st.sampled_from(Publish.__struct_fields__), json_values, max_size=4),
    )
)
def test_whatever_json_comes_it_is_a_release_or_a_sentence(arguments: Any) -> None:
    try:
        facts: list[Fact] = wire.read_command("publish", arguments).events(Controls(), NOW, built())
    except HotswapError as refused:
        codes = {refused.code}
    else:
        codes = set()
        assert [wire.decode_fact(wire.encode(fact)) for fact in facts] == facts
    assert codes <= {"bad-arguments", "bad-channel", "bad-version"}


def test_two_equal_requests_are_equal_commands() -> None:
    assert replace(Publish(channel="beta"), notes="x") == Publish(channel="beta", notes="x")
