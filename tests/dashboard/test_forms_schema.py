"""A command's schema as fields, and what is typed into them as arguments and as a command line."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.dashboard.schema_form import (
    Field,
    Form,
    Known,
    command_line,
    form_of,
    suggestions,
    texts_in,
    texts_of,
    typed,
)
from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.controls import Controls
from tests.unit.making import all_controls, commands, meant_by

ENTRIES = {entry["name"]: entry for entry in wire.command_schemas()}
FORMS = {name: form_of(entry) for name, entry in ENTRIES.items()}
KNOWN = Known(
    clients=("tablet", "Pixel"),
    names={"Pixel": "QA phone"},
    channels=("production", "beta"),
    sequences=(15, 14),
)

MADE_UP = form_of(
    {
        "name": "send-elsewhere",
        "summary": "Send some clients elsewhere",
        "group": "change",
        "final": True,
        "arguments": {
            "type": "object",
            "properties": {
                "sequence": {"type": "integer", "minimum": 1},
                "status": {"enum": [401, 403, None]},
                "percent": {"type": "number", "default": 100.0},
                "clients": {"type": "array", "items": {"type": "string"}, "default": []},
                "ports": {"type": "array", "items": {"type": "integer"}, "default": []},
                "parameters": {"anyOf": [{"type": "object"}, {"type": "null"}], "default": None},
                "loud": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None},
                "level": {"enum": ["low", "high"], "default": "low"},
                "either": {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": "x"},
            },
            "required": ["sequence", "status"],
        },
    }
)


def filled(form: Form, **texts: str) -> dict[str, str]:
    """The form as it opens, with these texts typed."""
    return {**texts_of(form, {}), **texts}


def sent_by(form: Form, line: str, *, latest: int) -> Any:
    """The command of a command line, as the command line reads it: commas between the items of a list."""
    verb, arguments = meant_by(line, latest=latest)
    listed = {field.name: field.kind for field in form.fields}
    for name, value in arguments.items():
        if listed[name] == "list" and isinstance(value, str):
            arguments[name] = [one for one in value.split(",") if one]
        elif name == "percent":
            arguments[name] = float(value)
        elif name == "status" and isinstance(value, str):
            arguments[name] = None if value == "none" else int(value)
    return wire.read_command(verb, arguments)


# --- every command of the registry ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
def test_the_example_of_every_command_typed_into_its_form_is_the_command_that_it_means(name: str) -> None:
    form = FORMS[name]
    texts = texts_in(form, form.example)
    assert texts is not None

    meant = typed(form, filled(form, **texts), KNOWN)

    assert meant.problems == {}
    assert wire.read_command(name, meant.arguments) == sent_by(form, form.example, latest=15)
    assert command_line(form, texts) == shlex.join(shlex.split(form.example))


@pytest.mark.parametrize("name", FORMS)
def test_a_form_has_a_field_for_each_argument_and_says_what_it_is_for(name: str) -> None:
    form = FORMS[name]

    assert [field.name for field in form.fields] == list(registered()[name].__struct_fields__)
    assert all(field.description for field in form.fields)
    assert form.final == registered()[name].final
    assert form.summary


@pytest.mark.parametrize("name", FORMS)
def test_a_form_as_it_opens_misses_exactly_what_is_required(name: str) -> None:
    form = FORMS[name]

    problems = typed(form, texts_of(form, {}), KNOWN).problems

    # `name-client` may be given an empty name, and a switch always says something.
    needed = {field.name for field in form.fields if field.required and field.kind != "switch"}
    assert set(problems) == needed - {"name"}


@given(st.data(), st.sampled_from(sorted(FORMS)), all_controls())
def test_what_a_form_shows_of_any_arguments_means_those_arguments(
    data: st.DataObject, name: str, controls: Controls
) -> None:
    form = FORMS[name]
    command = data.draw(commands(registered()[name], controls))
    needed = {field.name for field in form.fields if field.required}
    given_now = {
        key: value for key, value in wire.plain(command).items() if value is not None or key in needed
    }

    texts = texts_of(form, given_now)
    meant = typed(form, texts)
    line = command_line(form, texts)

    assert meant.problems == {}
    if any(one == "" and key != "name" for key, one in given_now.items()) or given_now.get("always") in (
        [],
        (),
    ):
        return  # an optional text or list that is empty can't be told from none: it is typed as ''
    assert wire.read_command(name, meant.arguments) == wire.read_command(name, given_now)
    # The line has stars in place of a secret, and all else as it is.
    secret = {field.name for field in form.fields if field.secret}
    told = {key: "***" if key in secret and value else value for key, value in given_now.items()}
    assert sent_by(form, line, latest=1) == wire.read_command(name, told)
    again = texts_in(form, line)
    assert again is not None
    assert typed(form, filled(form, **again)).arguments == {
        key: "***" if key in secret and value else value for key, value in meant.arguments.items()
    }


def test_an_empty_list_where_none_is_another_value_is_typed_as_an_empty_text_is() -> None:
    form = FORMS["set-rollout"]

    assert "always" not in typed(form, {"sequence": "1", "percent": "5", "always": ""}).arguments
    assert typed(form, {"sequence": "1", "percent": "5", "always": "''"}).arguments["always"] == []


# --- what is typed -------------------------------------------------------------------------------------------------


def test_latest_is_the_newest_release_and_none_a_null() -> None:
    promote, pin = FORMS["promote"], FORMS["pin-client"]

    assert typed(promote, {"sequence": "latest", "channel": "beta"}, KNOWN).arguments["sequence"] == 15
    assert typed(pin, {"client": "tablet", "sequence": "none"}, KNOWN).arguments["sequence"] is None
    missing = typed(promote, {"sequence": "latest", "channel": "beta"})
    assert "no release yet" in missing.problems["sequence"]


def test_a_client_is_meant_by_its_name_or_the_beginning_of_its_id_and_may_be_a_new_one() -> None:
    form = FORMS["forget-client"]

    def meant(text: str) -> Any:
        return typed(form, {"client": text}, KNOWN).arguments["client"]

    assert [meant(text) for text in ("QA phone", "tab", "Pixel", " tablet ", "new-phone")] == [
        "Pixel",
        "tablet",
        "Pixel",
        "tablet",
        "new-phone",
    ]


def test_a_beginning_that_several_clients_have_is_a_problem_of_that_field() -> None:
    known = Known(clients=("phone-1", "phone-2"))

    assert "2 clients" in typed(FORMS["forget-client"], {"client": "pho"}, known).problems["client"]


@pytest.mark.parametrize("text", ["1_000", "٣", "1.5", "x", "9" * 21, "+1", "0x1", "none"])
def test_C5_a_number_is_ascii_digits_and_nothing_else(text: str) -> None:
    found = typed(FORMS["jump-sequence"], {"to": text}, KNOWN)

    assert found.arguments == {}
    assert "whole number" in found.problems["to"]


def test_every_field_that_is_wrong_is_said_at_once() -> None:
    problems = typed(FORMS["promote"], {"sequence": "x", "channel": ""}, KNOWN).problems

    assert set(problems) == {"sequence", "channel"}


def test_an_empty_optional_field_is_left_out() -> None:
    form = FORMS["publish"]

    assert typed(form, texts_of(form, {})).arguments == {}
    assert command_line(form, texts_of(form, {})) == "hotswap-dev publish"


def test_two_quotes_stand_for_an_empty_text() -> None:
    form = FORMS["edit-release"]
    texts = filled(form, sequence="15", notes="''")

    assert typed(form, texts).arguments == {"sequence": 15, "notes": ""}
    assert command_line(form, texts) == "hotswap-dev edit-release 15 --notes ''"


def test_what_is_so_today_is_sent_only_where_it_changes_and_emptied_is_a_change() -> None:
    form = FORMS["edit-release"]
    today = {"notes": "old", "min_binary_version": "1.0.0", "version": "1.0.0-ota.3"}
    texts = texts_of(form, {"sequence": 15, **today})

    assert typed(form, texts, today=today).arguments == {"sequence": 15}
    changed = {**texts, "min_binary_version": "same-as-client", "notes": ""}
    assert typed(form, changed, today=today).arguments == {
        "sequence": 15,
        "notes": "",
        "min_binary_version": "same-as-client",
    }
    assert (
        command_line(form, changed, today)
        == "hotswap-dev edit-release 15 --notes '' --min-binary-version same-as-client"
    )


def test_a_command_line_shows_in_capitals_what_is_still_missing() -> None:
    assert command_line(FORMS["promote"], {"sequence": "14"}) == "hotswap-dev promote 14 CHANNEL"


def test_an_id_that_begins_as_an_option_does_stands_behind_two_dashes() -> None:
    line = command_line(FORMS["pin-client"], {"client": "-x", "sequence": "none"})

    assert line == "hotswap-dev pin-client -- -x none"
    assert texts_in(FORMS["pin-client"], line) == {"client": "-x", "sequence": "none"}


def test_a_line_of_another_command_or_with_too_much_fills_in_nothing() -> None:
    form = FORMS["promote"]

    for line in (
        "hotswap-dev reoffer 1",
        "hotswap-dev promote 1 beta x",
        "hotswap-dev promote 1 beta --x",
        "promote",
    ):
        assert texts_in(form, line) is None


# --- a command that this version has never heard of ----------------------------------------------------------------


def test_a_command_added_later_becomes_a_form_with_a_field_of_each_kind() -> None:
    kinds = {field.name: (field.kind, field.required, field.nullable) for field in MADE_UP.fields}

    assert kinds == {
        "sequence": ("number", True, False),
        "status": ("choice", True, True),
        "percent": ("number", False, False),
        "clients": ("list", False, False),
        "ports": ("list", False, False),
        "parameters": ("object", False, True),
        "loud": ("switch", False, True),
        "level": ("choice", False, False),
        "either": ("text", False, False),
    }
    assert (MADE_UP.name, MADE_UP.final) == ("send-elsewhere", True)


def test_its_texts_become_json_of_the_right_kinds() -> None:
    texts = filled(
        MADE_UP,
        sequence="latest",
        status="403",
        percent="12.5",
        clients="QA phone, tablet,new",
        ports="80, 443",
        parameters='{"ms": 500}',
        loud="off",
        level="high",
    )

    meant = typed(MADE_UP, texts, KNOWN)

    assert meant.problems == {}
    assert meant.arguments == {
        "sequence": 15,
        "status": 403,
        "percent": 12.5,
        "clients": ["Pixel", "tablet", "new"],
        "ports": [80, 443],
        "parameters": {"ms": 500},
        "loud": False,
        "level": "high",
    }
    assert command_line(MADE_UP, texts) == (
        "hotswap-dev send-elsewhere latest 403 --percent 12.5 --clients 'QA phone,tablet,new' "
        """--ports 80,443 --parameters '{"ms": 500}' --loud off --level high"""
    )


def test_its_null_is_typed_as_none_and_what_is_no_choice_is_refused() -> None:
    assert typed(MADE_UP, filled(MADE_UP, sequence="1", status="none")).arguments["status"] is None
    problems = typed(
        MADE_UP,
        filled(
            MADE_UP,
            sequence="1",
            status="500",
            parameters="[1]",
            ports="80, x",
            level="middle",
            percent="many",
        ),
    ).problems
    assert set(problems) == {"status", "parameters", "ports", "level", "percent"}
    assert "401, 403" in problems["status"]
    assert "JSON object" in problems["parameters"]


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"name": "x", "arguments": None},
        {"name": "x", "arguments": {"properties": {"a": True, "b": {"anyOf": []}}}},
    ],
)
def test_an_entry_that_is_not_as_expected_is_a_form_all_the_same(entry: dict[str, Any]) -> None:
    form = form_of(entry)

    assert typed(form, texts_of(form, {})).arguments == {}


# --- suggestions ---------------------------------------------------------------------------------------------------


def test_what_there_is_is_suggested_where_a_field_names_it() -> None:
    def suggested(**field: Any) -> tuple[str, ...]:
        return suggestions(Field(kind="text", **field), KNOWN)

    assert suggested(name="client") == ("tablet", "Pixel", "QA phone")
    assert suggested(name="channel") == ("production", "beta")
    assert suggested(name="sequence") == ("latest", "15", "14")
    assert suggested(name="sequence", required=True, nullable=True) == ("latest", "none", "15", "14")
    assert suggested(name="min_binary_version") == ("same-as-client",)
    assert suggested(name="notes") == ()
