"""What a client's own requests say of it. What they prove is in `test_clients_labels.py`."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.clients import Client, advance
from hotswap_dev.domain.labels import Turn
from hotswap_dev.domain.observations import BuildStarted, DownloadEnded
from tests.unit.domain.clients import Story, a_download, checked
from tests.unit.making import NOW, an_answered_check

EMBEDDED = Turn(code="embedded", at=NOW, args={"sequence": 0})


def test_the_first_check_makes_the_client() -> None:
    assert checked() == Client(
        id="phone",
        first_seen=NOW,
        last_seen=NOW,
        peer="127.0.0.1",
        checks=1,
        platform="linux",
        arch="x86_64",
        binary_version="1.0.0",
        sequence=0,
        status=204,
        reason="up-to-date",
        label=EMBEDDED,
        story=(EMBEDDED,),
    )


def test_the_next_check_brings_it_up_to_date_and_keeps_when_it_was_first_seen() -> None:
    later = NOW + timedelta(minutes=5)
    client = checked(
        checked(),
        at=later,
        sequence=3,
        binary_version="1.1.0",
        channel="beta",
        peer="10.0.0.7",
        status=200,
        offered=4,
    )
    assert (client.first_seen, client.last_seen, client.checks) == (NOW, later, 2)
    assert (client.sequence, client.binary_version, client.channel) == (3, "1.1.0", "beta")
    assert (client.peer, client.status, client.offered) == ("10.0.0.7", 200, 4)


def test_it_stays_known_what_was_offered_last() -> None:
    assert checked(checked(status=200, offered=4), sequence=4).offered == 4


def test_a_client_that_went_back_to_production_asks_for_no_channel() -> None:
    assert checked(checked(channel="beta"), channel=None).channel is None


def test_a_question_that_could_not_be_read_takes_nothing_away_that_was_known() -> None:
    before = checked(channel="beta", sequence=3)
    after = checked(
        before,
        sequence=None,
        binary_version=None,
        platform=None,
        arch=None,
        channel=None,
        status=400,
        reason="bad-request",
    )
    assert (after.checks, after.status, after.reason) == (2, 400, "bad-request")
    assert (after.sequence, after.binary_version, after.platform) == (3, "1.0.0", "linux")
    assert (after.arch, after.channel) == ("x86_64", "beta")


def test_what_it_fetched_is_the_highest_that_came_whole() -> None:
    client: Client | None = checked()
    for download in (a_download(3), a_download(5, complete=False), a_download(2)):
        client = advance(client, download)
    assert client is not None
    assert client.fetched == 3


def test_the_reason_is_that_of_the_last_answer() -> None:
    assert checked(checked(), reason="forced-204").reason == "forced-204"


def test_what_it_runs_has_the_minimum_that_it_was_told_last() -> None:
    story = Story().offered(14).offered(14, minimum="0.9.0").fetched(14).reports(14)
    assert story.client.minimum == "0.9.0"


def test_the_same_step_again_is_told_once_and_counted() -> None:
    story = Story().offered(14).fetched(14).fetched(14)
    assert story.codes == ["embedded", "fetched"]
    assert story.client.story[-1].args["times"] == 2


def test_a_part_that_somebody_asked_for_is_no_download() -> None:
    before = checked()
    assert advance(before, a_download(3, complete=False, range=True)) is before


def test_a_download_makes_no_client_of_somebody_who_never_asked() -> None:
    assert advance(None, a_download(3)) is None


def test_what_is_about_no_client_changes_none() -> None:
    client = checked()
    assert advance(client, BuildStarted(at=NOW, path="dist")) is client


@given(
    st.lists(
        st.one_of(st.integers(0, 9).map(a_download), st.builds(an_answered_check, sequence=st.integers(0, 9)))
    )
)
def test_checks_are_counted_and_nothing_else_is(seen: list[DownloadEnded]) -> None:
    client = None
    for one in seen:
        client = advance(client, one)
    expected = sum(not isinstance(one, DownloadEnded) for one in seen)
    assert (client.checks if client else 0) == expected
