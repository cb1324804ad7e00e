"""An exchange is told whole: what was asked, answered and proved; and what is gone is said to be gone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.details.exchange import Exchange, read_exchange
from hotswap_dev.dashboard.details.exchange_text import FLAGS, row_lines
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.facts import ClientNamed, Forced204Set, every_fact
from hotswap_dev.domain.observations import BuildRefused, CheckAnswered, Noticed, Observation, Published
from hotswap_dev.domain.text import shown
from tests.dashboard.details import (
    MINUTE,
    a_moment,
    an_about,
    an_exchange,
    hostile,
    not_activated,
    releases,
    text_of,
    too_wide,
    unprintable,
    words_of,
)
from tests.unit.domain.clients import a_download
from tests.unit.making import NOW, an_answered_check, instances


def newest(view: View) -> Row:
    return view.rows[0]


def the_page(view: View, exchange: Exchange | None = None, said: str = "", width: int = 100) -> str:
    return text_of(row_lines(newest(view), view, width, exchange, said))


def exchange_of(view: View, **changes: Any) -> Exchange:
    check = newest(view).check
    assert check is not None
    return read_exchange(an_exchange(check, **changes))


def test_a_kept_exchange_has_request_answer_manifest_and_timing() -> None:
    view = a_moment(*not_activated(), controls=releases(13, 14), about=an_about())

    page = the_page(view, exchange_of(view))

    assert "GET /api/ota/13?binary_version=1.0.0&platform=android&arch=aarch64" in page
    assert "  x-device-id    Pixel-8" in page
    assert "  authorization  ***" in page
    assert "ANSWERED   200 OK" in page
    assert "  X-Hotswap-Reason  newer-release" in page
    assert '\n  {\n    "version": "1.0.0-ota.14",\n    "sequence": 14,' in page
    assert "↓ 14  in 0.4 ms" in page.split("\n")[0]


def test_the_reason_is_said_in_a_sentence_with_what_would_change_it() -> None:
    view = a_moment(*not_activated(), controls=releases(13, 14))

    page = the_page(view)

    assert "Release 14 (1.0.0-ota.14) is newer than the client's 13." in page
    assert "→ hotswap-dev withhold 14" in page


def test_what_a_check_proved_is_told_with_it_and_of_the_others_that_it_was_nothing_new() -> None:
    events = not_activated()
    view = a_moment(*events, controls=releases(13, 14))
    rows = {row.at: row for row in view.rows if row.check is not None}

    proved = words_of(row_lines(rows[NOW + 9 * MINUTE], view, 100))
    nothing = words_of(row_lines(rows[NOW + 3 * MINUTE], view, 100))

    assert "All of 14 was sent to it, and it still reports 13: not activated." in proved
    assert "Nothing new: what it said before, it says again." in nothing
    assert "now All of 14 was sent to it" in nothing


def test_what_the_plugin_never_sends_is_said_in_words() -> None:
    check = an_answered_check(platform="beos", flags=("platform-unknown", "binary-version-empty", "new-flag"))
    page = the_page(a_moment(check))

    assert FLAGS["platform-unknown"] in page
    assert FLAGS["binary-version-empty"] in page
    assert "! new-flag" in page


def test_an_exchange_that_is_gone_leaves_what_the_row_has_and_says_why() -> None:
    view = a_moment(*not_activated(), controls=releases(13, 14), about=an_about())

    page = the_page(view, said="It is gone.")

    assert "GET /api/ota/13?binary_version=1.0.0&platform=android&arch=aarch64" in page
    assert "client   Pixel-8" in page
    assert "runs on  android/aarch64" in page
    assert "ANSWERED" not in page
    assert "It is gone." in page
    assert "curl -i -H 'X-Device-Id: Pixel-8'" in page


def test_equal_answers_are_said_to_be_many() -> None:
    view = a_moment(*(an_answered_check(at=NOW + n * MINUTE) for n in range(3)))

    assert "The last of 3 equal answers since" in the_page(view)


def test_an_answer_without_a_body_has_none_and_rubbish_is_shown_as_it_is() -> None:
    view = a_moment(an_answered_check())

    assert "{" not in the_page(view, exchange_of(view))
    assert "  <html>not json" in the_page(view, exchange_of(view, body="<html>not json"))


def test_a_client_that_was_forgotten_leaves_its_row_readable() -> None:
    view = replace(a_moment(an_answered_check()), clients={})

    assert "not known any more" in the_page(view)


def test_a_download_says_what_was_sent_and_what_came_of_it() -> None:
    events = not_activated()
    view = a_moment(*events, controls=releases(13, 14))
    row = next(row for row in view.rows if row.check is None)

    page = text_of(row_lines(row, view, 100))

    assert "sent     1.2 MB of 1.2 MB" in page
    assert "attempt  1 of 4" in page
    assert "WHAT CAME OF IT" in page
    assert "not activated" in page


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"complete": False}, "broke off. The plugin tries 3 more times by itself, after 1, 2 and 4 s."),
        ({"complete": False, "attempt": 4}, "That was the plugin's last attempt by itself."),
        ({"range": True, "complete": False}, "the plugin never does that"),
        ({}, "Whether it was verified, extracted and activated shows at its next check."),
        ({"client": None}, "All of release 14"),
        ({"duration_ms": 0.0}, "All of release 14"),
    ],
)
def test_a_download_is_worded_by_how_it_ended(changes: dict[str, Any], says: str) -> None:
    view = a_moment(a_download(14, **changes))

    assert says in words_of(row_lines(newest(view), view, 100))


def test_builds_notices_and_changes_have_a_page_too() -> None:
    published = Published(
        at=NOW, sequence=14, version="1.0.0-ota.14", channel="production", origin="build", bundle_size=1_200_000,
        files=43, changed=2, scan_ms=4.0, pack_ms=28.0, offered_ms=310.0,
    )  # fmt: skip
    refused = BuildRefused(
        at=NOW, code="no-index", detail="dist has no index.html", hint="build it", path="dist"
    )
    notice = Noticed(at=NOW, level="warning", code="clock", message="the clock went back", hint="look at it")
    forced = Forced204Set(at=NOW, override=1, client="phone", channel=None, times=2)

    def said(event: Any) -> str:
        view = a_moment(event)
        return the_page(view)

    assert "packed in   28 ms, signed and verified" in said(published)
    assert "offered     310 ms after the save" in said(published)
    assert "dist has no index.html" in said(refused)
    assert "What is served stays as it was." in said(refused)
    assert "→ look at it" in said(notice)
    assert "No update for phone at the next 2 checks." in said(forced)


@pytest.mark.parametrize(
    "kind", [*every_fact(), *Observation.__subclasses__()], ids=lambda kind: kind.__name__
)
@given(st.data())
def test_every_event_has_a_page_that_keeps_its_width(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(instances(kind))

    lines = row_lines(Row(number=1, event=event, first_at=event.at), a_moment(), 80)

    assert too_wide(lines, 80) == []
    assert len(lines) > 2


@hostile
@pytest.mark.parametrize("width", [40, 80, 200])
def test_C3_hostile_text_of_a_client_is_text_and_keeps_the_page(text: str, width: int) -> None:
    safe = shown(text)  # as the server stores it
    check = an_answered_check(
        safe or "x", path=f"/api/ota/0?channel={safe}", channel=safe, binary_version=safe, platform=safe, arch=safe,
        flags=(safe,), args={"channel": text, "current": 0, "newest": 0},
    )  # fmt: skip
    view = a_moment(ClientNamed(at=NOW, client=check.client, name=text), check, about=an_about())
    exchange = exchange_of(
        view, headers=[[safe, safe], ["x-device-id", safe]], body=wire.encode({"notes": safe}).decode()
    )

    for row in view.rows:
        for page in (row_lines(row, view, width, exchange), row_lines(row, view, width)):
            assert too_wide(page, width) == []
            assert unprintable(page) == []


def test_an_exchange_of_another_version_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="status"):
        read_exchange({"at": "2026-01-01T00:00:00Z", "status": "ok"})


def test_a_check_of_the_past_is_explained_though_another_version_wrote_it() -> None:
    check: CheckAnswered = an_answered_check(reason="newer-release", args={})

    assert "another version wrote it" in the_page(a_moment(check))
