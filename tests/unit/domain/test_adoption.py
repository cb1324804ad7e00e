"""How far a release has come: who counts at which station of its way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.adoption import Adoption, Counting, adoptions, failed_on, in_play, station
from hotswap_dev.domain.clients import Client
from tests.unit.domain.clients import Story
from tests.unit.making import a_release

RELEASES = [a_release(13), a_release(14), a_release(15, channel="beta")]


def the_way(*stories: Story, of: int = 14) -> Adoption:
    return adoptions(RELEASES, [story.client for story in stories])[of]


def test_each_client_counts_at_every_station_up_to_its_own() -> None:
    way = the_way(
        Story().reports(0),
        Story().offered(14),
        Story().offered(14).fetched(14),
        Story().applies(14),
        Story().applies(14).says("ready-confirmed", 14),
        Story().applies(14).offered(14),
        Story().offered(14).says("download-error", 14, error="HTTP 503: bundle download failed"),
    )

    assert way == Adoption(
        sequence=14, clients=7, offered=6, fetched=4, running=2, confirmed=1, failed=1, fell_back=1
    )


def test_an_app_that_never_reports_is_running_and_not_counted_as_confirmed() -> None:
    way = the_way(Story().applies(14).reports(14))
    assert (way.running, way.confirmed) == (1, 0)


def test_who_runs_again_what_it_gave_up_has_fallen_back_until_it_is_confirmed() -> None:
    story = Story().applies(14).reports(13).offered(14, at=13).fetched(14).reports(14)
    way = the_way(story)
    assert (way.running, way.fell_back, way.again, way.fallen) == (1, 0, 1, 1)
    assert station(RELEASES[1], story.client) == "fell-back"

    story.says("ready-confirmed", 14)
    way = the_way(story)
    assert (way.running, way.confirmed, way.again, way.fallen) == (1, 1, 0, 0)
    assert station(RELEASES[1], story.client) == "confirmed"


def test_whoever_moved_on_runs_the_older_one_no_longer_and_has_it_confirmed_no_more() -> None:
    story = Story().applies(13).says("ready-confirmed", 13).applies(14, at=13)
    assert (the_way(story, of=13).running, the_way(story, of=13).confirmed) == (0, 0)
    assert (the_way(story).running, the_way(story).confirmed) == (1, 0)


def test_a_whole_download_that_was_not_activated_failed_too() -> None:
    way = the_way(Story().offered(14).fetched(14).offered(14))
    assert (way.fetched, way.failed) == (1, 1)


def test_whoever_failed_before_and_runs_it_now_did_not_fail() -> None:
    story = Story().offered(14).says("download-error", 14, error="x").fetched(14).reports(14)
    assert (the_way(story).running, the_way(story).failed) == (1, 0)


def test_a_check_that_failed_is_no_failure_of_a_release() -> None:
    story = Story().applies(13).says("check-error", error="HTTP 500: update check failed")
    assert failed_on(story.client) is None
    assert all(the_way(story, of=sequence).failed == 0 for sequence in (13, 14))


def test_a_failed_check_does_not_hide_the_download_that_failed_before() -> None:
    story = Story().offered(14).says("download-error", 14, error="x").says("check-error", error="y")
    assert failed_on(story.client) == 14


def test_another_channels_clients_are_no_part_of_it_unless_they_run_it() -> None:
    way = the_way(Story(channel="beta").reports(0), Story(channel="beta").reports(14))
    assert (way.clients, way.offered, way.running) == (1, 1, 1)


def test_what_somebody_failed_on_is_in_play() -> None:
    story = Story().offered(14).says("download-error", 14, error="x").reports(0)
    assert 14 in in_play([story.client])


STORIES = (
    Story().reports(0),
    Story().reports(0, channel="beta"),
    Story().offered(14),
    Story().offered(14).fetched(14),
    Story().applies(13),
    Story().applies(14),
    Story().applies(14).says("ready-confirmed", 14),
    Story().applies(14).offered(14),
    Story().applies(13).applies(14, at=13).says("rollback", 13),
    Story().offered(14).says("download-error", 14, error="x"),
    Story().offered(14).fetched(14).offered(14),
    Story(channel="beta").applies(15),
    Story(channel="beta").applies(14),
)
CLIENTS = st.lists(st.sampled_from([story.client for story in STORIES]), max_size=20)


@given(CLIENTS)
def test_the_way_only_narrows_and_whoever_failed_does_not_run(clients: list[Client]) -> None:
    for way in adoptions(RELEASES, clients).values():
        assert way.clients >= way.offered >= way.fetched >= way.running >= way.confirmed
        assert way.offered >= way.failed + way.running
        assert way.fetched >= way.fell_back + way.running


@given(CLIENTS, st.integers(1, 5))
def test_counted_in_pieces_is_counted_at_once(clients: list[Client], size: int) -> None:
    counting = Counting(RELEASES)
    for begin in range(0, len(clients), size):
        counting.add(clients[begin : begin + size])
    assert counting.counted() == adoptions(RELEASES, clients)


@given(CLIENTS)
def test_who_stands_where_is_what_is_counted(clients: list[Client]) -> None:
    for release in RELEASES:
        way = adoptions([release], clients)[release.sequence]
        stations = [station(release, client) for client in clients]
        assert way.confirmed == stations.count("confirmed")
        assert way.running == stations.count("confirmed") + stations.count("running")
        assert way.failed == stations.count("failed")
        assert way.clients == len(stations) - stations.count(None)
        assert way.offered == way.clients - stations.count("waiting")


def test_a_release_of_another_type_has_only_the_second_protocols_clients_to_win() -> None:
    sidecar = a_release(16, update_type="sidecar")
    plugin, other = Story().reports(0).client, Story(protocol="update-server").reports(0).client
    other = replace(other, id="other")

    assert adoptions([sidecar], [plugin, other])[16].clients == 1
    assert (station(sidecar, plugin), station(sidecar, other)) == (None, "waiting")
    assert adoptions([a_release(16)], [plugin, other])[16].clients == 2
