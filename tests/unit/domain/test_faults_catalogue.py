"""The catalogue of faults: what each class must say of itself, and how one is read."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.commands import ArmFault
from hotswap_dev.domain.controls import Controls, apply, replay
from hotswap_dev.domain.facts import (
    Fact,
    FaultArmed,
    FaultDisarmed,
    OverrideSpent,
    RequiredHeaderSet,
    RolloutSet,
    TargetsSet,
)
from hotswap_dev.domain.faults import (
    STAGES,
    Stage,
    every_fault,
    fault_kind,
    listed_name,
    parameters_of,
    read_fault,
)
from hotswap_dev.domain.model import ArmedFault, RequiredHeader, Targets
from hotswap_dev.errors import HotswapError, NotFound
from tests.unit.making import NOW, a_release, added, histories, instances

DESIGN = {
    "check": "check/http-error check/delay hang check/connection-reset empty-response malformed-json html-page "
    "missing-field stale-manifest same-sequence lower-sequence bad-min-binary-version "
    "future-min-binary-version insecure-url missing-bundle",
    "signature": "wrong-key legacy-signature other-files-signature garbage-signature",
    "download": "download/http-error download/delay bandwidth truncate stall download/connection-reset "
    "no-content-length huge-content-length corrupt-byte",
    "bundle": "path-traversal absolute-path not-gzip second-gzip-member symlinks no-index blank-page crash-on-load",
    "preset": "slow-3g fast-3g offline",
}
"""The design's own list (§7): a name that people and scripts hold on to does not go away unseen."""

NAMES = tuple(every_fault())


def test_every_fault_of_the_design_is_there_stage_by_stage() -> None:
    there: dict[str, str] = {}
    for name, kind in every_fault().items():
        there[kind.stage] = f"{there.get(kind.stage, '')} {name}".strip()
    assert {stage: set(names.split()) for stage, names in there.items()} == {
        stage: set(names.split()) for stage, names in DESIGN.items()
    }
    assert list(there) == list(STAGES) == list(get_args(Stage))


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_says_what_it_does_in_a_line_and_in_a_text_and_each_parameter_its_unit(name: str) -> None:
    kind = every_fault()[name]
    assert kind.summary == kind.summary.strip(" .")
    assert 10 < len(kind.summary) < 90
    assert kind.__doc__
    for field in msgspec.structs.fields(kind):
        assert not field.required, "a fault can be armed by its name alone"
        shape = msgspec.json.schema(kind)
        told = shape["$defs"][kind.__name__]["properties"][field.name]
        assert told["description"]
        bounded = {"enum"} & told.keys() or ({"minimum"} & told.keys() and told.keys() & _UPPER)
        assert bounded, f"{name}: {field.name} needs its limits"


_UPPER = {"maximum", "exclusiveMaximum"}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_read_as_its_fault_and_its_parameters_come_back(name: str) -> None:
    fault = read_fault(name, {})
    assert fault.name == name == listed_name(type(fault))
    assert read_fault(name, parameters_of(fault)) == fault
    assert fault_kind(f"{fault.stage}/{fault.named}") is type(fault), "with its stage it is always understood"
    assert wire.plain(parameters_of(fault)) == parameters_of(fault)


def test_only_names_that_two_stages_share_are_listed_with_their_stage() -> None:
    short = [kind.named for kind in every_fault().values()]
    for name, kind in every_fault().items():
        assert ("/" in name) == (short.count(kind.named) > 1)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_says_of_itself_agrees_with_its_stage(name: str) -> None:
    fault = read_fault(name, {})
    if fault.stage == "signature":
        assert (fault.at_offers, fault.keeps_offer) == (True, True)
    if fault.stage in ("bundle", "preset"):
        assert fault.standing
    else:
        assert not fault.standing
    if fault.told_status(204) in (0, *range(400, 600)):
        assert not fault.keeps_offer, "who hears an error hears of no offer"
    if fault.at_offers:
        assert fault.told_status(200) == 200


def test_the_table_can_not_be_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        every_fault()["mine"] = every_fault()["hang"]  # type: ignore[index]


# What is not one


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("delay", "say check/delay or download/delay"),
        ("crash-onload", "did you mean crash-on-load?"),
        ("hnag", "did you mean hang"),
        ("http-eror", "http-error"),
    ],
)
def test_a_name_that_is_none_gets_the_nearest_ones(name: str, hint: str) -> None:
    with pytest.raises(NotFound) as refused:
        fault_kind(name)
    assert repr(name) in refused.value.message
    assert hint in refused.value.hint


def test_a_name_like_no_other_gets_them_all() -> None:
    with pytest.raises(NotFound) as refused:
        fault_kind("zzzz")
    assert all(name in refused.value.hint for name in NAMES)


@pytest.mark.parametrize(
    ("name", "parameters", "named"),
    [
        ("check/http-error", {"status": 399}, "check/http-error: status:"),
        ("check/http-error", {"status": 600}, "status:"),
        ("check/http-error", {"status": 500.5}, "status:"),
        ("check/delay", {"ms": 600_001}, "ms:"),
        ("check/delay", {"ms": -1}, "ms:"),
        ("missing-field", {"field": "notes"}, "field:"),
        ("truncate", {"percent": 100}, "percent:"),
        ("bandwidth", {"kb_s": 0}, "kb_s:"),
        ("hang", {"ms": 5}, "ms"),
        ("offline", {"ms": 5}, "ms"),
    ],
)
def test_a_parameter_that_it_does_not_have_or_that_is_out_of_its_limits_is_named(
    name: str, parameters: dict[str, Any], named: str
) -> None:
    with pytest.raises(HotswapError) as refused:
        read_fault(name, parameters)
    assert refused.value.code == "bad-parameters"
    assert named in refused.value.message
    assert "$" not in refused.value.message, "no path of a decoder's"
    assert refused.value.hint.startswith(
        ("its parameters: ", "it has no parameters", "field is one of version, ")
    )


# In the journal


@pytest.mark.parametrize("name", NAMES)
def test_an_armed_fault_comes_back_from_the_journal_and_still_means_the_same(name: str) -> None:
    [*_, fact] = (
        ArmFault(fault=name).events(Controls(), NOW)
        if every_fault()[name].stage != "bundle"
        else [FaultArmed(at=NOW, armed=ArmedFault(override=1, fault=name, sequence=2))]
    )
    again = wire.decode_fact(wire.encode(fact))
    assert again == fact
    assert isinstance(again, FaultArmed)
    assert read_fault(again.armed.fault, again.armed.parameters) == read_fault(name, {})


NEW_FACTS: tuple[Fact, ...] = (
    *added(a_release(1), a_release(2)),
    RolloutSet(at=NOW, sequence=2, percent=12.5, always=("Pixel",)),
    TargetsSet(at=NOW, sequence=2, targets=Targets(platforms=("ios",), binary_versions=">=1", having=1)),
    FaultArmed(at=NOW, armed=ArmedFault(override=1, fault="hang", left=3, probability=0.5, seed=4)),
    OverrideSpent(at=NOW, override=1, times=1, missed=2),
    FaultArmed(at=NOW, armed=ArmedFault(override=2, fault="html-page", client="Pixel")),
    FaultDisarmed(at=NOW, override=2),
    RequiredHeaderSet(
        at=NOW, channel="production", required=RequiredHeader(header="X", status=401, digest="0" * 16)
    ),
)


def test_a_journal_with_rollouts_targets_faults_and_access_replays_to_what_was() -> None:
    controls = Controls()
    for fact in NEW_FACTS:
        controls = apply(controls, fact)
    assert replay(wire.decode_fact(wire.encode(fact)) for fact in NEW_FACTS) == controls
    [armed] = controls.faults
    assert (armed.left, armed.fired, armed.missed) == (2, 1, 2)
    assert (controls.releases[2].percent, controls.releases[2].targets.platforms) == (12.5, ("ios",))


@given(histories(24))
def test_any_journal_replays_to_the_same_controls_from_what_was_written(facts: list[Fact]) -> None:
    assert replay(wire.decode_fact(wire.encode(fact)) for fact in facts) == replay(facts)


OLD_JOURNAL: tuple[dict[str, Any], ...] = (
    {"event": "channel-created", "channel": "production"},
    {
        "event": "release-added",
        "release": {
            "sequence": 1,
            "channel": "production",
            "bundle": {
                "hash": "0" * 64,
                "tree": "1" * 64,
                "format": "tar.gz",
                "size": 10,
                "files": 2,
                "signature": "untrusted comment: t",
                "key_id": "3FqA",
            },
            "version": "1.0.0-ota.1",
            "binary_version": "1.0.0",
            "min_binary_version": "1.0.0",
            "published_at": "2026-06-01T12:00:00Z",
            "origin": "build",
            "from_sequence": None,
            "notes": None,
            "mandatory": False,
            "withheld": False,
            "update_type": "frontend",
        },
        "watched": True,
    },
    {"event": "forced-204-set", "override": 1, "channel": None, "client": "Pixel", "times": 3},
    {"event": "override-spent", "override": 1, "times": 2},
    {"event": "forced-204-lifted", "override": 1},
    {"event": "overrides-cleared"},
)
"""As the version before wrote it, with no word of rollouts, targets, faults or access."""


def test_a_journal_of_the_version_before_is_read_as_it_was_meant() -> None:
    lines = [json.dumps({**fact, "at": "2026-06-01T12:00:00Z"}) for fact in OLD_JOURNAL]
    controls = replay(wire.decode_fact(line) for line in lines)
    release = controls.releases[1]
    assert (release.percent, release.always, release.targets, release.whole) == (100.0, (), Targets(), True)
    assert (controls.faults, controls.required, controls.products) == ((), {}, {})
    assert (controls.forced, controls.last_override) == ((), 1)


@given(instances(ArmedFault))
def test_whatever_was_armed_is_written_and_read_back(armed: ArmedFault) -> None:
    fact = FaultArmed(at=NOW, armed=armed)
    assert wire.decode_fact(wire.encode(fact)) == fact


PARAMETERS = sorted({field for kind in every_fault().values() for field in kind.__struct_fields__})


@given(
    st.sampled_from(NAMES),
    st.sampled_from((*PARAMETERS, "nonsense")),
    st.one_of(st.integers(-5, 700), st.integers(), st.floats(), st.text(max_size=8)),
)
def test_whatever_parameter_comes_it_is_a_fault_or_a_sentence(
    name: str, parameter: str, value: int | float | str
) -> None:
    try:
        fault = read_fault(name, {parameter: value})
    except HotswapError as refused:
        assert refused.code == "bad-parameters"
    else:
        assert parameters_of(fault)[parameter] == value
