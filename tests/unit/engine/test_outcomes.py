"""Who is followed after a fault struck: what of a client's life is taken in, and of how many clients."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.faults import Strike, read_fault
from hotswap_dev.domain.model import ArmedFault, Protocol
from hotswap_dev.domain.observations import LifecycleReported
from hotswap_dev.engine.outcomes import MAX_FOLLOWED, Outcomes
from tests.unit.making import NOW, a_release, an_answered_check

WRONG_KEY = Strike(ArmedFault(override=1, fault="wrong-key"), read_fault("wrong-key", {}))
STRUCK = an_answered_check(
    sequence=1, fault="wrong-key", args={"id": 1, "sequence": 2}, offered=2, status=200
)
FAILED = LifecycleReported(
    at=NOW, client="phone", peer="p", lifecycle="apply-error", sequence=2, version=None, error="no"
)


def a_row(**changes: Any) -> Client:
    return replace(Client(id="phone", first_seen=NOW, last_seen=NOW, peer="p", sequence=1), **changes)


def test_while_a_bundle_is_fetched_whose_signature_is_bad_nobody_says_that_nobody_took_it() -> None:
    following = Outcomes(lambda: {"phone": a_row()})
    following.struck("phone", WRONG_KEY)
    following.seen(STRUCK)
    following.fetches("phone", a_release(2), None, ())

    assert [following.seen(STRUCK) for _ in range(5)] == [()] * 5


def test_what_a_client_asks_in_the_second_protocol_says_nothing_of_its_plugin() -> None:
    following = Outcomes(lambda: {"phone": a_row()})
    following.struck("phone", WRONG_KEY)
    following.seen(STRUCK)

    assert following.seen(replace(STRUCK, sequence=0, protocol="update-server")) == ()
    assert [one.outcome for one in following.seen(FAILED)] == ["unexpected"]


@pytest.mark.parametrize(("protocol", "said"), [("hotswap", ["unexpected"]), ("update-server", [])])
def test_a_download_of_the_second_protocol_is_nobodys_reaction(protocol: Protocol, said: list[str]) -> None:
    armed = ArmedFault(override=1, fault="truncate")
    following = Outcomes(lambda: {"phone": a_row(protocol=protocol)})

    following.fetches("phone", a_release(2), Strike(armed, read_fault("truncate", {})), ())

    assert [one.outcome for one in following.seen(FAILED)] == said


def test_only_so_many_clients_are_followed_and_whoever_was_struck_longest_ago_leaves() -> None:
    armed = ArmedFault(override=1, fault="check/http-error", parameters={"status": 503})
    strike = Strike(armed, read_fault("check/http-error", {}))
    following = Outcomes(dict)
    for number in range(MAX_FOLLOWED + 1):
        name = f"phone-{number}"
        following.struck(name, strike)
        following.seen(an_answered_check(name, at=NOW, fault="check/http-error", args={"id": 1}, status=503))

    def asks(number: int) -> list[str]:
        seen = following.seen(an_answered_check(f"phone-{number}", at=NOW))
        return [one.outcome for one in seen]

    assert asks(0) == []
    assert asks(1) == asks(MAX_FOLLOWED) == ["as-expected"]
