"""Two apps that are taken for one client: what shows it, and what is then no longer said of either."""

from __future__ import annotations

from hotswap_dev.domain.clients import label_sentence, remarks
from hotswap_dev.domain.labels import readings
from tests.unit.domain.clients import Story


def test_two_addresses_in_turns_are_two_devices_or_two_networks() -> None:
    story = Story().reports(0).reports(0, peer="10.0.0.7")
    assert remarks(story.client) == ()
    (remark,) = remarks(story.reports(0).client)
    assert remark == (
        "Two addresses use this id at once, 10.0.0.7 and 127.0.0.1: two devices with one X-Device-Id, or one device "
        "in two networks."
    )


def test_an_address_that_changes_for_good_is_a_device_that_moved() -> None:
    story = Story().reports(0).reports(0, peer="10.0.0.7").reports(0, peer="10.0.0.8")
    assert remarks(story.client) == ()


def test_an_address_that_comes_back_after_a_while_is_a_device_that_moved_back() -> None:
    assert remarks(Story().reports(0).later(90).reports(0, peer="10.0.0.7").later(90).reports(0).client) == ()


def test_the_two_families_of_localhost_are_one_machine() -> None:
    story = (
        Story().reports(0).reports(0, peer="::1").reports(0).reports(0, peer="::ffff:127.0.0.1").reports(0)
    )
    assert remarks(story.client) == ()


def test_a_binary_version_that_flaps_is_two_apps() -> None:
    story = Story().reports(0).reports(0, binary_version="1.1.0").reports(0)
    assert remarks(story.client) == (
        "Its binary is 1.1.0 and 1.0.0 in turns: two apps under one id, or one that is installed back and forth.",
    )


def test_an_upgrade_is_no_flapping() -> None:
    story = Story().reports(0).reports(0, binary_version="1.1.0").reports(0, binary_version="1.2.0")
    assert remarks(story.client) == ()


def test_the_remark_goes_away_when_it_has_been_one_thing_for_an_hour() -> None:
    story = Story().reports(0).reports(0, binary_version="1.1.0").reports(0)
    assert remarks(story.later(70).reports(0).client) == ()


def test_what_comes_back_without_a_download_is_another_app_and_no_loop() -> None:
    """A plugin deletes what it gives up: two apps behind one address, one of them at 14."""
    story = Story().applies(14).reports(0).reports(14)
    assert story.label == "shared-id"
    assert "two apps under one id" in label_sentence(story.client)
    assert any("two apps under one id" in remark for remark in remarks(story.client))
    for _ in range(3):
        story.reports(0).reports(14)
    assert story.label == "shared-id"
    assert story.client.falls == 1
    assert story.codes.count("shared-id") <= 7


def test_a_fall_among_two_addresses_is_not_held_against_either() -> None:
    story = Story().applies(14).reports(0, peer="10.0.0.7").reports(14).reports(0, peer="10.0.0.7")
    assert story.label == "shared-id"
    assert story.client.label is not None
    assert set(readings(story.client.label)) >= {"shared-id", "rolled-back", "reinstalled"}


def test_what_a_shared_id_fetched_and_reports_is_still_applied() -> None:
    story = Story().reports(0).reports(0, peer="10.0.0.7").applies(14)
    assert story.label == "applied"


def test_a_rollback_to_what_was_once_given_up_and_fetched_again_is_a_rollback() -> None:
    story = Story().applies(13).applies(14, at=13).offered(14, at=13).fetched(14).reports(14)
    assert story.applies(15, at=14).reports(14).label == "rolled-back"
