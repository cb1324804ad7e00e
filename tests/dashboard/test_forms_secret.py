"""What is secret is typed into a form without being shown by it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input

from hotswap_dev import wire
from hotswap_dev.dashboard.keys import Ask
from hotswap_dev.dashboard.schema_form import Form, command_line, form_of, typed
from tests.dashboard.forms_host import Server, host_on, rests, screen_text
from tests.unit.making import a_release, controls_with

SECRET = "sk_live_4711"


def entry_with(shape: dict[str, Any]) -> dict[str, Any]:
    return {"name": "log-in", "arguments": {"properties": {"token": shape}, "required": []}}


def the_form(name: str) -> Form:
    return next(form_of(one) for one in wire.command_schemas() if one["name"] == name)


@pytest.mark.parametrize(
    "shape",
    [
        {"type": "string", "writeOnly": True},
        {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}], "writeOnly": True},
        {"anyOf": [{"type": "string", "writeOnly": True}, {"type": "null"}]},
    ],
)
def test_a_text_that_is_only_written_is_secret(shape: dict[str, Any]) -> None:
    (field,) = form_of(entry_with(shape)).fields
    assert field.secret


def test_a_text_that_may_be_read_is_not_secret() -> None:
    assert not any(field.secret for field in form_of(entry_with({"type": "string"})).fields)
    assert [one.name for one in the_form("set-required-header").fields if one.secret] == ["value"]


def test_the_command_line_has_stars_in_its_place_and_what_is_sent_has_it_whole() -> None:
    form = the_form("set-required-header")
    texts = {"channel": "beta", "header": "X-API-Key", "status": "401", "value": SECRET}

    assert command_line(form, texts) == "hotswap-dev set-required-header beta X-API-Key 401 --value ***"
    assert typed(form, texts).arguments["value"] == SECRET
    assert "***" not in command_line(form, {**texts, "value": ""})


@pytest.mark.screens
async def test_a_secret_is_nowhere_on_the_screen_and_in_nothing_that_is_told() -> None:
    server = Server(controls_with(a_release(14)))
    async with host_on(server, size=(100, 40)) as (app, pilot):
        app.carry_out(
            Ask("set-required-header", {"channel": "production", "header": "X-API-Key", "status": 401})
        )
        await rests(pilot)
        field = app.screen.query_one("#field-value", Input)
        field.focus()
        await pilot.press(*"sk", "underscore", *"live", "underscore", *"4711")
        await rests(pilot)
        assert field.value == SECRET
        assert SECRET not in screen_text(app)
        assert "--value ***" in screen_text(app)

        await pilot.press("ctrl+d")
        await rests(pilot)
        assert SECRET not in screen_text(app)
        server.hold()
        await pilot.press("ctrl+s")
        await rests(pilot)
        server.go_on()
        await rests(pilot)

        assert server.done[0][1]["value"] == SECRET
        assert all(SECRET not in one.words for one in app.view().pending)
        assert SECRET not in repr(app.told)
