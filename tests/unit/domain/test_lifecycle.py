"""Reading a page's lifecycle report, and whose it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.checks import client_id
from hotswap_dev.domain.clients import ClientTable
from hotswap_dev.domain.facts import ClientForgotten
from hotswap_dev.domain.lifecycle import Report, read_report, reporter
from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.errors import HotswapError
from tests.unit.making import NOW, an_answered_check


def a_table(*checks: tuple[str, str]) -> ClientTable:
    """Who checked, and from which address."""
    clients = ClientTable()
    for client, peer in checks:
        clients.see(an_answered_check(client, peer=peer))
    return clients


def test_the_plugins_payload_is_read_as_it_is() -> None:
    payload = {"event": "download-error", "version": "1.0.0-ota.2", "sequence": 14, "error": "HTTP 503"}
    assert read_report(payload) == Report(
        event="download-error", version="1.0.0-ota.2", sequence=14, error="HTTP 503"
    )


def test_what_the_plugin_leaves_out_or_javascript_makes_null_is_not_there() -> None:
    absent = dict.fromkeys(("version", "sequence", "error", "device", "platform", "arch"))
    assert read_report({"event": "check-start"}) == read_report({"event": "check-start", **absent})


def test_an_event_and_fields_of_a_newer_plugin_are_no_reason_to_refuse() -> None:
    assert read_report({"event": "paused-by-user", "percent": 40}) == Report(event="paused-by-user")


def test_the_highest_sequence_there_is_can_be_reported() -> None:
    assert read_report({"event": "apply", "sequence": MAX_SEQUENCE}).sequence == MAX_SEQUENCE


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ([], "no JSON object"),
        ("apply", "no JSON object"),
        (None, "no JSON object"),
        ({}, "event is missing"),
        ({"event": ""}, "event is ''"),
        ({"event": "Apply!"}, "event is 'Apply!'"),
        ({"event": "a" * 65}, "event is 'aaa"),
        ({"event": 7}, "event is 7"),
        ({"event": "\x1b[31m"}, "event is "),
        ({"event": "apply", "sequence": "14"}, "sequence is '14'"),
        ({"event": "apply", "sequence": -1}, "sequence is -1"),
        ({"event": "apply", "sequence": 1.0}, "sequence is 1.0"),
        ({"event": "apply", "sequence": True}, "sequence is True"),
        ({"event": "apply", "sequence": MAX_SEQUENCE + 1}, f"sequence is {MAX_SEQUENCE + 1}"),
        ({"event": "apply", "version": 2}, "version is 2"),
        ({"event": "apply", "error": {}}, "error is {}"),
        ({"event": "apply", "device": ["a"]}, "device is ['a']"),
    ],
)
def test_what_is_no_report_is_named_with_its_value_and_an_example(document: Any, names: str) -> None:
    with pytest.raises(HotswapError) as refused:
        read_report(document)

    assert refused.value.code == "bad-report"
    assert refused.value.message.startswith(names) or names in refused.value.message
    assert refused.value.message.isprintable()
    assert '"ready-confirmed"' in refused.value.hint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("event", "sequence", "version", "error", "device", "platform", "x")), inner
        )
    ),
)


@given(JSON)
def test_any_document_is_a_report_or_a_refusal_that_can_be_shown(document: Any) -> None:
    try:
        report = read_report(document)
    except HotswapError as refused:
        assert refused.message.isprintable()
    else:
        assert report.event == document["event"]
        assert report.sequence is None or 0 <= report.sequence <= MAX_SEQUENCE


# Whose it is


def test_a_device_names_its_client_wherever_it_asks_from() -> None:
    clients = a_table(("phone", "10.0.0.7"), ("tablet", "10.0.0.7"))
    assert reporter(Report(event="apply", device="tablet"), clients, "10.0.0.8") == "tablet"


def test_a_device_that_never_checked_is_nobody_even_where_only_one_asks_from() -> None:
    clients = a_table(("phone", "10.0.0.7"))
    assert reporter(Report(event="apply", device="tablet"), clients, "10.0.0.7") is None


def test_a_device_that_cannot_be_shown_is_named_as_its_check_names_it() -> None:
    device = "0" * 129
    named = client_id(device, peer="10.0.0.7", platform="linux", arch="x86_64")
    clients = a_table((named, "10.0.0.7"), ("tablet", "10.0.0.7"))

    assert named.startswith("h:")
    assert reporter(Report(event="apply", device=device), clients, "10.0.0.7") == named
    assert reporter(Report(event="apply", device="\x1b[31m"), clients, "10.0.0.7") is None


def test_without_a_device_it_is_the_only_client_at_that_address() -> None:
    clients = a_table(("phone", "10.0.0.7"), ("tablet", "10.0.0.8"))
    assert reporter(Report(event="apply"), clients, "10.0.0.8") == "tablet"
    assert reporter(Report(event="apply"), clients, "10.0.0.9") is None


def test_both_families_of_localhost_are_one_address() -> None:
    clients = a_table(("local/linux/x86_64", "127.0.0.1"))
    assert reporter(Report(event="apply"), clients, "::1") == "local/linux/x86_64"


def test_among_several_at_one_address_nobody_can_tell() -> None:
    clients = a_table(("phone", "127.0.0.1"), ("tablet", "::1"))
    assert reporter(Report(event="apply"), clients, "127.0.0.1") is None


def test_among_several_platform_and_arch_name_the_one_without_a_device() -> None:
    clients = a_table(("phone", "127.0.0.1"), ("local/linux/x86_64", "127.0.0.1"))
    told = Report(event="apply", platform="linux", arch="x86_64")
    assert reporter(told, clients, "127.0.0.1") == "local/linux/x86_64"
    assert reporter(Report(event="apply", platform="linux", arch="arm"), clients, "127.0.0.1") is None


def test_the_only_one_at_an_address_is_not_who_says_to_be_another_platform() -> None:
    clients = a_table(("local/linux/x86_64", "127.0.0.1"))
    assert reporter(Report(event="apply", platform="android"), clients, "127.0.0.1") is None
    assert reporter(Report(event="apply", platform="linux"), clients, "127.0.0.1") == "local/linux/x86_64"


def test_who_moved_away_or_was_forgotten_leaves_the_other_one_alone_there() -> None:
    clients = a_table(("phone", "10.0.0.7"), ("tablet", "10.0.0.7"))
    clients.see(an_answered_check("phone", peer="10.0.0.8"))
    assert reporter(Report(event="apply"), clients, "10.0.0.7") == "tablet"
    clients.apply(ClientForgotten(at=NOW, client="tablet"))
    assert reporter(Report(event="apply"), clients, "10.0.0.7") is None
    assert reporter(Report(event="apply"), clients, "10.0.0.8") == "phone"
