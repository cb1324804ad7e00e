"""The JSON of everything, there and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.domain.facts import ChannelCreated, Fact, every_fact, kebab
from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.observations import Observation
from hotswap_dev.domain.plugin import read_manifest
from hotswap_dev.domain.policy import decide
from hotswap_dev.engine.bus import Bus
from hotswap_dev.errors import HotswapError
from tests.unit.making import (
    NOW,
    all_controls,
    an_answered_check,
    checks,
    histories,
    instances,
)

OBSERVATIONS: list[type[Observation]] = Observation.__subclasses__()
RFC3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def the_union(kinds: list[type[Any]]) -> Any:
    union: Any = kinds[0]
    for kind in kinds[1:]:
        union |= kind
    return union


# Facts and observations


@pytest.mark.parametrize("kind", every_fact())
@settings(max_examples=25)
@given(data=st.data())
def test_every_fact_comes_back_from_the_journal_as_it_went_in(kind: type[Fact], data: st.DataObject) -> None:
    fact = data.draw(instances(kind))
    assert wire.decode_fact(wire.encode(fact)) == fact
    assert wire.decode_fact(wire.encode(fact).decode()) == fact


@pytest.mark.parametrize("kind", OBSERVATIONS)
@settings(max_examples=25)
@given(data=st.data())
def test_every_observation_comes_back_as_it_was_recorded(
    kind: type[Observation], data: st.DataObject
) -> None:
    seen = data.draw(instances(kind))
    assert msgspec.json.decode(wire.encode(seen), type=the_union(OBSERVATIONS)) == seen


@pytest.mark.parametrize("kind", [*every_fact(), *OBSERVATIONS, wire.Gap])
@settings(max_examples=25)
@given(data=st.data())
def test_every_line_of_the_stream_is_read_as_it_was_written(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(instances(kind))
    line = Bus("run-1").line(7, event)
    assert wire.decode_event(line) == wire.EventLine("run-1", 7, event)


@settings(max_examples=50)
@given(all_controls(), instances(Client), st.booleans())
def test_a_state_is_read_as_it_was_written(controls: Controls, client: Client, plain: bool) -> None:
    said = {"instance": "run-1", "revision": 3, "controls": controls, "clients": [client], "builds": {}}
    read = wire.decode_state(wire.encode(wire.plain(said) if plain else said))
    assert read == wire.State(instance="run-1", revision=3, controls=controls, clients=(client,))


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", '{"instance": "a", "revision": 1, "event": "of-tomorrow", "at": "x"}']
)
def test_a_line_that_this_version_can_not_read_is_a_ValueError(line: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.decode_event(line)


@pytest.mark.parametrize("kind", [*every_fact(), *OBSERVATIONS])
@settings(max_examples=25)
@given(data=st.data())
def test_an_event_is_a_flat_object_with_its_name_and_its_time_in_utc(
    kind: type[Fact | Observation], data: st.DataObject
) -> None:
    event = data.draw(instances(kind))
    told = wire.decode(wire.encode(event))
    assert re.fullmatch("[a-z]+(-[a-z]+|-[0-9]+)*", told["event"])
    assert RFC3339_UTC.fullmatch(told["at"])
    assert all(re.fullmatch("[a-z0-9]+(_[a-z0-9]+)*", name) for name in told)


def test_no_two_events_have_one_name() -> None:
    names = [kind.__struct_config__.tag for kind in [*every_fact(), *OBSERVATIONS]]
    assert len(set(names)) == len(names)
    assert kebab("ReleaseAdded") in names
    assert kebab("Forced204Set") == "forced-204-set"
    assert "notice" in names


@given(histories())
def test_a_journal_written_and_read_again_leads_to_the_same_controls(facts: list[Fact]) -> None:
    assert replay(wire.decode_fact(wire.encode(fact)) for fact in facts) == replay(facts)


def test_a_fact_of_a_newer_version_is_refused_with_its_name_and_a_way_out() -> None:
    with pytest.raises(HotswapError, match="'rollout-set'") as caught:
        wire.decode_fact('{"event": "rollout-set", "at": "2026-07-01T12:00:00Z", "percent": 5}')
    assert caught.value.code == "unknown-fact"
    assert "newer" in caught.value.hint


def test_a_new_field_of_a_known_fact_is_passed_over() -> None:
    fact = ChannelCreated(at=NOW, channel="beta")
    written = {**wire.plain(fact), "colour": "red"}
    assert wire.decode_fact(wire.encode(written)) == fact


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "null",
        "3",
        '"x"',
        "{}",
        '{"event": 7}',
        '{"event": "channel-created"',
        '{"event": null}',
        '{"event": "channel-created", "at": "yesterday", "channel": "beta"}',
        '{"event": "channel-created", "at": "2026-07-01T12:00:00Z"}',
    ],
)
def test_a_row_that_is_no_fact_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(HotswapError, match="the journal holds") as caught:
        wire.decode_fact(text)
    assert caught.value.code == "unknown-fact"
    assert "--workspace" in caught.value.hint


# State


@given(all_controls(), checks())
def test_plain_is_what_the_json_is_made_of(controls: Controls, check: Any) -> None:
    for value in (controls, decide(controls, check, NOW)):
        assert wire.encode(wire.plain(value)) == wire.encode(value)
    told = wire.decode(wire.encode(controls))
    assert wire.plain(controls)["releases"].keys() == told["releases"].keys()


def test_a_server_that_knows_nothing_yet_can_be_told_of() -> None:
    assert wire.decode(wire.encode(Controls()))["releases"] == {}
    assert wire.plain(Controls())["channels"] == {}


@given(instances(Client))
def test_a_client_comes_back_as_it_was_stored(client: Client) -> None:
    assert wire.decode_client(wire.encode(client)) == client


# The manifest


def test_a_manifest_is_the_contracts_json_without_what_is_not_there() -> None:
    manifest = Manifest(
        version="v", sequence=43, min_binary_version="0.1.0", url="u", signature="s", mandatory=False
    )
    assert wire.decode(wire.encode_manifest(manifest)) == {
        "version": "v",
        "sequence": 43,
        "min_binary_version": "0.1.0",
        "url": "u",
        "signature": "s",
        "mandatory": False,
    }


@given(instances(Manifest))
def test_the_plugin_reads_a_manifest_as_it_was_told(manifest: Manifest) -> None:
    assert read_manifest(wire.encode_manifest(manifest)) == manifest


# Times


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (datetime(2026, 4, 5, 12, tzinfo=UTC), "2026-04-05T12:00:00.000Z"),
        (datetime(2026, 4, 5, 12, 0, 0, 123_999, tzinfo=UTC), "2026-04-05T12:00:00.123Z"),
        (datetime(2026, 4, 5, 12, tzinfo=timezone(timedelta(hours=2))), "2026-04-05T10:00:00.000Z"),
    ],
)
def test_a_publication_date_is_the_contracts_rfc_3339_in_utc(when: datetime, text: str) -> None:
    assert wire.rfc3339(when) == text


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_stored_time_is_the_one_that_observations_have(when: datetime) -> None:
    assert wire.stored_time(when) == wire.plain(an_answered_check(at=when))["at"]


# The server's file


@given(instances(wire.ServerFile))
def test_a_servers_file_comes_back_as_it_was_written(server: wire.ServerFile) -> None:
    assert msgspec.json.decode(wire.encode(server), type=wire.ServerFile) == server
