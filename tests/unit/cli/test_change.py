"""Commands of the registry as a person types them: what is sent, what is said, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from hotswap_dev.cli import change
from hotswap_dev.cli.change import change_lines, command_of
from hotswap_dev.cli.meaning import Known
from hotswap_dev.domain.commands import registered
from tests.unit.cli.saying import Say, Site, a_row, a_state

ROWS = [a_row("Pixel-1234", name="QA phone", sequence=3), a_row("Laptop"), a_row("Lamp")]
ANSWERS: dict[str, Any] = {"/api/state": a_state(*ROWS), "/api/releases": [{"sequence": 7}]}
OFFER = {
    "status": 200,
    "reason": "newer-release",
    "offered": 7,
    "mandatory": False,
    "version": "1",
    "sentence": "",
}
NOTHING = {"status": 204, "reason": "release-withheld", "sentence": "Release 7 is withheld."}


def withheld(*changes: dict[str, Any]) -> dict[str, Any]:
    events = [{"event": "release-withheld", "at": "2026-04-05T12:00:00Z", "sequence": 7}]
    return {"revision": 5, "events": events, "result": None, "changes": list(changes)}


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        (["withhold", "3"], {"sequence": 3}),
        (["withhold", "latest"], {"sequence": 7}),
        (["set-mandatory", "on"], {"on": True}),
        (["set-mandatory", "off", "--sequence", "latest"], {"on": False, "sequence": 7}),
        (["pin-client", "QA phone", "none"], {"client": "Pixel-1234", "sequence": None}),
        (["pin-client", "pix", "latest"], {"client": "Pixel-1234", "sequence": 7}),
        (
            ["force-204", "on", "--client", "Lap", "--times", "2"],
            {"on": True, "client": "Laptop", "times": 2},
        ),
        (["force-204", "on", "--times", "none"], {"on": True, "times": None}),
        (["promote", "latest", "beta"], {"sequence": 7, "channel": "beta"}),
        (["edit-release", "3", "--notes", ""], {"sequence": 3, "notes": ""}),
        (["publish", "--mandatory", "on", "--notes", "x"], {"mandatory": True, "notes": "x"}),
        (["annotate", "none"], {"text": "none"}),
        (["jump-sequence", "500"], {"to": 500}),
        (["clear-overrides"], {}),
    ],
)
def test_words_are_sent_as_what_they_mean(say: Say, typed: list[str], sent: dict[str, Any]) -> None:
    site = Site(ANSWERS)

    said = say(*typed, site=site)

    assert (said.code, said.err) == (0, "")
    assert site.asked == [(typed[0], sent, False)]


def test_a_path_is_its_callers(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    site = Site(ANSWERS)

    say("publish", "dist", site=site)

    assert site.asked == [("publish", {"path": str((tmp_path / "dist").resolve())}, False)]


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (["withhold", "x"], "'SEQUENCE': 'x' is no whole number, nor latest"),
        (["withhold", "1_000"], "'SEQUENCE': '1_000'"),
        (["withhold", "\u0661"], "'SEQUENCE'"),
        (["withhold", "none"], "'SEQUENCE': 'none'"),
        (["jump-sequence", "latest"], "'TO': 'latest' is no whole number"),
        (["withhold"], "'SEQUENCE'"),
        (["set-mandatory", "yes"], "'on|off': 'yes' is not one of 'on', 'off'"),
        (["force-204", "on", "--times", "often"], "'--times': 'often' is no whole number, nor none"),
        (["force-204", "on", "--cliemt", "x"], "--cliemt"),
        (["publish", ""], "path"),
    ],
)
def test_a_word_that_can_not_be_meant_is_usage_and_names_the_argument(
    say: Say, typed: list[str], named: str
) -> None:
    site = Site(ANSWERS)

    said = say(*typed, site=site)

    assert said.code == 2
    assert named in said.err
    assert (said.out, site.asked) == ("", [])


def test_latest_without_a_release_says_so(say: Say) -> None:
    said = say("withhold", "latest", site=Site({"/api/releases": []}))

    assert said.code == 1
    assert "there is no release yet" in said.err


def test_a_beginning_that_two_clients_have_is_refused_with_both(say: Say) -> None:
    site = Site(ANSWERS)

    said = say("name-client", "La", "x", site=site)

    assert said.code == 1
    assert "'La' could be 2 clients: Lamp, Laptop" in said.err
    assert site.asked == []


def test_a_client_that_nobody_saw_is_taken_as_an_id_and_that_is_said(say: Say) -> None:
    site = Site(ANSWERS)

    said = say("name-client", "Tablet", "x", site=site)

    assert said.code == 0
    assert "no client was seen that 'Tablet' could mean" in said.err
    assert site.asked == [("name-client", {"client": "Tablet", "name": "x"}, False)]


def test_a_client_is_meant_by_what_was_set_for_it_before_it_was_seen(say: Say) -> None:
    forced = [{"client": "Desk", "channel": None, "left": None}]
    state = a_state(*ROWS, names={"Neverseen": "Ghost"}, pins={"Tablet-99": 7}, forced=forced)
    site = Site({**ANSWERS, "/api/state": state})

    said = [say("pin-client", typed, "1", site=site) for typed in ("Ghost", "Neverseen", "Tab", "desk")]

    assert [(one.code, one.err) for one in said] == [(0, "")] * 4
    assert [arguments["client"] for _, arguments, _ in site.asked] == [
        *["Neverseen"] * 2,
        "Tablet-99",
        "Desk",
    ]


def test_a_204_that_is_not_in_force_is_not_off_while_narrower_ones_are(say: Say) -> None:
    forced = [
        {"client": "Pixel-1234", "channel": None, "left": 2},
        {"client": None, "channel": "beta", "left": None},
    ]
    bent = Site({**ANSWERS, "/api/state": a_state(*ROWS, forced=forced)})

    for extra in ([], ["--dry-run"]):
        text = say("force-204", "off", *extra, site=bent).out
        assert text.startswith("nothing to do: none was set for everyone. Still in force: ")
        assert "no update for QA phone (Pixel-1234) at the next 2 checks; no update for channel beta" in text
        assert "hotswap-dev clear-overrides" in text
    scoped = say("force-204", "off", "--client", "Lap", "--channel", "beta", site=bent).out
    assert "none was set for Laptop on channel beta" in scoped
    assert say("force-204", "off", site=Site(ANSWERS)).out == "nothing to do: already so\n"
    assert "already so" in say("force-204", "on", site=bent).out


def test_to_forget_who_was_never_seen_says_that_and_succeeds(say: Say) -> None:
    events = [{"event": "client-forgotten", "at": "2026-04-05T12:00:00Z", "client": "nobody"}]
    site = Site(ANSWERS, {**withheld(), "events": events})

    said = say("forget-client", "nobody", site=site)

    assert (said.code, said.err) == (0, "")
    assert said.out == "'nobody' was never seen, and nothing is set for it: nothing to forget\n"
    assert site.asked == [("forget-client", {"client": "nobody"}, False)]
    assert say("forget-client", "Laptop", site=site).out.startswith("nobody is forgotten")


def test_a_word_that_begins_as_an_option_does_is_told_how_it_is_an_argument(say: Say) -> None:
    site = Site(ANSWERS)

    why = say("why", "-rf", site=site)
    pin = say("pin-client", "-odd", "1", site=site)

    assert (why.code, pin.code) == (2, 2)
    assert "where -rf is no option: hotswap-dev why -- -rf\n" in why.err
    assert "hotswap-dev pin-client -- -odd 1\n" in pin.err
    assert say("pin-client", "--", "-odd", "1", site=site).code == 0
    assert " -- " not in say("status", "-rf", site=site).err, "it has no arguments"


def test_a_client_is_cut_in_a_table_and_its_beginning_means_it(say: Say) -> None:
    long = "x" * 100
    site = Site({**ANSWERS, "/api/state": a_state(a_row(long))})
    known = Known(seen={long: 3})

    _, line = change_lines([{"client": long, "before": OFFER, "after": NOTHING}], known)
    say("pin-client", line.split("…")[0], "1", site=site)

    assert line.startswith("x" * 39 + "…    3  offer 7")
    assert site.asked[0][1]["client"] == long


def test_what_was_done_is_one_line_in_words_with_how_many_are_answered_otherwise(say: Say) -> None:
    change_of = {"client": "Laptop", "before": OFFER, "after": NOTHING}

    one = say("withhold", "7", site=Site(ANSWERS, withheld(change_of)))
    none = say("withhold", "7", site=Site(ANSWERS, withheld()))
    again = say("withhold", "7", site=Site(ANSWERS))

    assert one.out == "release 7 is withheld; 1 client gets another answer\n"
    assert none.out == "release 7 is withheld; no client's answer changes\n"
    assert again.out == "nothing to do: already so\n"


def test_a_dry_run_shows_whose_answers_change_before_and_after(say: Say) -> None:
    changes = [
        {"client": "Pixel-1234", "before": OFFER, "after": NOTHING},
        {"client": "Laptop", "before": OFFER, "after": {**OFFER, "mandatory": True}},
    ]
    site = Site(ANSWERS, withheld(*changes))

    said = say("withhold", "7", "--dry-run", site=site)

    assert site.asked == [("withhold", {"sequence": 7}, True)]
    head, columns, phone, laptop = said.out.splitlines()
    assert head == "would do: release 7 is withheld"
    assert columns.split() == ["client", "has", "now", "then"]
    assert " ".join(phone.split()) == (
        "QA phone (Pixel-1234) 3 offer 7: newer-release no update: release-withheld"
    )
    assert laptop.split("  ")[-2:] == [
        "offer 7: newer-release, not mandatory",
        "offer 7: newer-release, mandatory",
    ]


def test_a_dry_run_that_changes_nobodys_answer_says_so(say: Say) -> None:
    nobody = say("withhold", "7", "--dry-run", site=Site(ANSWERS, withheld()))
    already = say("withhold", "7", "--dry-run", site=Site(ANSWERS))

    assert nobody.out.splitlines() == ["would do: release 7 is withheld", "no client's answer changes"]
    assert already.out == "nothing to do: already so\n"


def test_many_changes_are_counted_and_not_poured_out() -> None:
    changes = [{"client": f"phone-{number}", "before": OFFER, "after": NOTHING} for number in range(200)]

    lines = list(change_lines(changes, Known()))

    assert len(lines) == 52
    assert lines[-1] == "… and 150 more; --dry-run --json shows them all"


def test_what_is_asked_about_many_still_stands_on_a_terminal(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = [{"client": f"phone-{number}", "before": OFFER, "after": NOTHING} for number in range(200)]
    monkeypatch.setattr(change, "_on_a_terminal", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)

    asked = say("roll-back-to", "1", site=Site(ANSWERS, withheld(*changes))).err.splitlines()

    assert len(asked) <= 15
    assert asked[0] == "roll-back-to: release 7 is withheld"
    assert "  … and 190 more; --dry-run --json shows them all" in asked


@pytest.mark.parametrize("extra", [[], ["--dry-run"]])
def test_json_is_the_answer_as_it_came(say: Say, extra: list[str]) -> None:
    done = withheld({"client": "Laptop", "before": OFFER, "after": NOTHING})

    said = say("withhold", "7", "--json", *extra, site=Site(ANSWERS, done))

    assert json.loads(said.out) == done


def test_what_is_final_is_asked_on_a_terminal_and_done_without_one(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {"client": "Laptop", "before": OFFER, "after": NOTHING}
    site = Site(ANSWERS, withheld(changed))

    assert say("roll-back-to", "1", site=site).code == 0
    assert site.asked == [("roll-back-to", {"sequence": 1}, False)]

    site.asked.clear()
    monkeypatch.setattr(change, "_on_a_terminal", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    refused = say("roll-back-to", "1", site=site)
    assert (refused.code, refused.out) == (1, "")
    assert site.asked == [("roll-back-to", {"sequence": 1}, True)]
    assert "release 7 is withheld" in refused.err
    assert "Laptop" in refused.err

    site.asked.clear()
    assert say("roll-back-to", "1", "--yes", site=site).code == 0
    assert site.asked == [("roll-back-to", {"sequence": 1}, False)]

    site.asked.clear()
    monkeypatch.setattr(click, "confirm", lambda *_, **__: True)
    assert say("roll-back-to", "1", site=site).code == 0
    assert [dry_run for _, _, dry_run in site.asked] == [True, False]


@pytest.mark.parametrize("name", registered())
def test_every_command_has_a_dry_run_and_says_what_its_words_are(name: str) -> None:
    kind = registered()[name]
    command = command_of(kind)
    options = {one for parameter in command.params for one in parameter.opts}
    own = [parameter.name for parameter in command.params]

    assert "--dry-run" in options
    assert ("--yes" in options) == kind.final
    assert len(own) == len(set(own)), "an argument has the name of an option that every command has"
    help_text = command.get_help(click.Context(command, info_name=name))
    assert f"hotswap-dev {kind.example}" in " ".join(help_text.split())
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            called = "on|off" if parameter.name == "on" else str(parameter.name).upper()
            assert f"\n    {called} " in help_text
