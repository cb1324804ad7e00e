"""The table of clients: bounded, in the order in which they were seen last, the same wherever the same is heard."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.clients import Client, ClientTable, advance, table
from hotswap_dev.domain.facts import ChannelPaused, ClientForgotten
from hotswap_dev.domain.observations import BuildSkipped, Observation
from tests.unit.domain.clients import a_download
from tests.unit.making import NOW, an_answered_check

NAMES = ("anna", "ben", "cleo", "dora")


def a_client(name: str) -> Client:
    return Client(id=name, first_seen=NOW, last_seen=NOW, peer="127.0.0.1")


def test_whoever_was_seen_last_comes_last() -> None:
    clients = ClientTable(map(a_client, ("anna", "ben", "cleo")))

    clients.see(an_answered_check("anna"))

    assert list(clients) == [client.id for client in clients.values()] == ["ben", "cleo", "anna"]
    assert list(reversed(clients)) == [client.id for client in clients.newest_first()]
    assert next(clients.newest_first()).id == "anna"


def test_whoever_was_seen_longest_ago_leaves_a_full_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_CLIENTS", 2)
    clients = ClientTable(map(a_client, ("anna", "ben", "cleo")))
    assert list(clients) == ["ben", "cleo"]

    clients.see(an_answered_check("ben"))
    clients.see(an_answered_check("dora"))

    assert list(clients) == ["ben", "dora"]
    assert len(clients) == 2


def test_a_full_table_holds_ten_thousand() -> None:
    clients = ClientTable(a_client(str(number)) for number in range(10_001))

    assert len(clients) == 10_000
    assert "0" not in clients
    assert clients.get("0") is None
    assert clients["1"].id == "1"


def test_what_is_seen_of_a_client_advances_it_and_is_returned() -> None:
    clients = ClientTable()

    first = clients.see(an_answered_check("anna", sequence=1))
    second = clients.see(a_download(2, client="anna"))

    assert first is not None
    assert first.sequence == 1
    assert second is not None
    assert second is clients["anna"]
    assert second.fetched == 2


def test_what_is_about_nobody_known_changes_nothing() -> None:
    clients = ClientTable([a_client("anna")])

    unseen: list[Observation] = [
        a_download(2, client="ben"),
        a_download(2, client=None),
        BuildSkipped(at=NOW, channel="production", sequence=1),
    ]

    assert [clients.see(one) for one in unseen] == [None, None, None]
    assert list(clients.values()) == [a_client("anna")]


def test_a_client_that_is_forgotten_leaves_and_every_other_fact_leaves_the_clients() -> None:
    clients = ClientTable(map(a_client, ("anna", "ben")))

    clients.apply(ClientForgotten(at=NOW, client="ben"))
    clients.apply(ClientForgotten(at=NOW, client="never seen"))
    clients.apply(ChannelPaused(at=NOW, channel="production"))

    assert dict(clients) == {"anna": a_client("anna")}


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["check", "download", "forget"]))))
def test_the_table_is_what_advance_makes_of_each_client_by_itself(steps: list[tuple[str, str]]) -> None:
    clients = ClientTable()
    expected: OrderedDict[str, Client] = OrderedDict()
    for number, (name, what) in enumerate(steps):
        at = NOW + timedelta(seconds=number)
        if what == "forget":
            clients.apply(ClientForgotten(at=at, client=name))
            expected.pop(name, None)
            continue
        seen = (
            an_answered_check(name, at=at, sequence=number % 3)
            if what == "check"
            else a_download(number % 3 + 1, client=name)
        )
        after = advance(expected.pop(name, None), seen)
        if after is not None:
            expected[name] = after
        assert clients.see(seen) == after

    assert list(clients.items()) == list(expected.items())
    assert list(ClientTable(clients.values()).items()) == list(expected.items())


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(NAMES), st.sampled_from(("127.0.0.1", "::1", "10.0.0.7", "10.0.0.8"))),
            st.sampled_from(NAMES),
        )
    )
)
def test_who_is_alone_at_an_address_is_what_looking_at_everyone_finds(
    seen: list[tuple[str, str] | str],
) -> None:
    clients = ClientTable()
    for one in seen:
        if isinstance(one, str):
            clients.apply(ClientForgotten(at=NOW, client=one))
        else:
            clients.see(an_answered_check(one[0], peer=one[1]))

    for peers in (("127.0.0.1", "::1"), ("10.0.0.7",), ("10.0.0.8",)):
        there = [client for client in clients.values() if client.peer in peers]
        for peer in peers:
            assert clients.only_at(peer) == (there[0] if len(there) == 1 else None)


def test_whoever_leaves_a_full_table_is_at_no_address_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_CLIENTS", 1)
    clients = ClientTable()
    clients.see(an_answered_check("anna", peer="10.0.0.7"))
    clients.see(an_answered_check("ben", peer="10.0.0.7"))

    alone = clients.only_at("10.0.0.7")

    assert alone is not None
    assert alone.id == "ben"
