"""Demanding a header from the command line: what can't be foretold is said so."""

from __future__ import annotations

from typing import Any

from tests.unit.cli.saying import Say, Site, a_state

SET = {
    "event": "required-header-set",
    "at": "2026-04-05T12:00:00Z",
    "channel": "beta",
    "required": {"header": "X-API-Key", "status": 401, "digest": None},
}
SAID = "2 of 3 clients were not seen sending X-API-Key so far: whether they send it is not known before"


def answered(result: Any, *events: dict[str, Any]) -> Site:
    done = {"revision": 5, "events": list(events), "result": result, "changes": []}
    return Site({"/api/state": a_state()}, done)


def test_of_clients_that_were_never_looked_at_it_is_said_that_nobody_knows(say: Say) -> None:
    unseen = {"header": "X-API-Key", "unseen": 2, "of": 3}
    for words in ((), ("--dry-run",)):
        said = say("set-required-header", "beta", "X-API-Key", "401", *words, site=answered(unseen, SET))
        assert said.code == 0
        assert SAID in said.out


def test_where_all_were_seen_sending_it_or_nothing_is_demanded_nothing_is_added(say: Say) -> None:
    for result in ({"header": "X-API-Key", "unseen": 0, "of": 3}, None):
        said = say("set-required-header", "beta", "X-API-Key", "401", site=answered(result, SET))
        assert len(said.out.splitlines()) == 1
