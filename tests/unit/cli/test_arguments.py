"""Arguments follow from their schema alone, also of commands that come later."""

from __future__ import annotations

from typing import Any

import click
import pytest

from hotswap_dev.cli.arguments import parameter
from hotswap_dev.cli.words import LATEST, NULL

TEXTS = {"type": "array", "items": {"type": "string"}}
MAYBE = {"type": "null"}


def parsed(name: str, schema: dict[str, Any], *words: str, positional: bool = False) -> Any:
    command = click.Command("x", params=[parameter(name, schema, positional=positional, required=positional)])
    return command.make_context("x", list(words)).params[name]


@pytest.mark.parametrize(
    ("name", "schema", "words", "value"),
    [
        ("percent", {"type": "number"}, ["--percent", "12.5"], 12.5),
        ("seed", {"anyOf": [{"type": "integer"}, MAYBE]}, ["--seed", "-3"], -3),
        ("seed", {"anyOf": [{"type": "integer"}, MAYBE]}, ["--seed", "none"], NULL),
        ("sequence", {"type": "integer"}, ["--sequence", "latest"], LATEST),
        (
            "platforms",
            {"anyOf": [TEXTS, MAYBE]},
            ["--platforms", "ios", "--platforms", "linux"],
            ["ios", "linux"],
        ),
        ("platforms", TEXTS, [], None),
        ("platforms", TEXTS, ["--platforms", ""], []),
        ("clients", TEXTS, ["--clients", '"a,b",c'], ["a,b", "c"]),
        (
            "platforms",
            TEXTS,
            ["--platforms", "ios, linux", "--platforms", "macos"],
            ["ios", "linux", "macos"],
        ),
        ("parameters", {"type": "object"}, [], None),
        (
            "parameters",
            {"type": "object"},
            ["-p", "ms=500,jitter=-2", "--parameters", "percent=12.5", "-p", "field=url=x"],
            {"ms": 500, "jitter": -2, "percent": 12.5, "field": "url=x"},
        ),
        ("status", {"anyOf": [{"enum": [401, 403]}, MAYBE]}, ["--status", "403"], 403),
        ("status", {"anyOf": [{"enum": [401, 403]}, MAYBE]}, ["--status", "none"], NULL),
        ("probability", {"anyOf": [{"type": "number"}, MAYBE]}, ["--probability", "none"], NULL),
        ("parameters", {"type": "object"}, ["--parameters", '{"ms": 500}'], {"ms": 500}),
        ("stage", {"enum": ["check", "download"]}, ["--stage", "check"], "check"),
        ("min_binary_version", {"type": "string"}, ["--min-binary-version", "none"], "none"),
        ("withheld", {"anyOf": [{"type": "boolean"}, MAYBE]}, ["--withheld", "off"], False),
    ],
)
def test_an_option_is_what_its_schema_says(
    name: str, schema: dict[str, Any], words: list[str], value: Any
) -> None:
    assert parsed(name, schema, *words) == value


@pytest.mark.parametrize(
    ("name", "schema", "word"),
    [
        ("parameters", {"type": "object"}, "[1]"),
        ("parameters", {"type": "object"}, "{"),
        ("stage", {"enum": ["check"]}, "upload"),
        ("percent", {"type": "number"}, "most"),
        ("percent", {"type": "number"}, "nan"),
        ("percent", {"type": "number"}, "1e5"),
        ("percent", {"type": "number"}, "none"),
        ("parameters", {"type": "object"}, "ms"),
        ("parameters", {"type": "object"}, "=5"),
        ("status", {"enum": [401, 403]}, "404"),
        ("status", {"enum": [401, 403]}, "none"),
        ("seed", {"type": "integer"}, "none"),
        ("seed", {"type": "integer"}, "9" * 30),
    ],
)
def test_what_can_not_be_meant_names_the_option(name: str, schema: dict[str, Any], word: str) -> None:
    with pytest.raises(click.BadParameter) as raised:
        parsed(name, schema, f"--{name}", word)

    assert f"'--{name}'" in raised.value.format_message()


def test_a_parameter_that_is_given_twice_is_refused_and_named() -> None:
    with pytest.raises(click.BadParameter, match="ms is given twice"):
        parsed("parameters", {"type": "object"}, "-p", "ms=5", "-p", "jitter=1,ms=6")


def test_a_required_argument_has_no_dashes() -> None:
    assert parsed("on", {"type": "boolean"}, "on", positional=True) is True
    assert parsed("client", {"type": "string"}, "Pixel", positional=True) == "Pixel"
    with pytest.raises(click.MissingParameter):
        parsed("client", {"type": "string"}, positional=True)
