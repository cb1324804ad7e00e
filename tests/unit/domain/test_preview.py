"""Whose answers a change changes: exactly theirs, and in words that differ."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap_dev.domain.clients import Client, advance
from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.commands.channels import PauseChannel
from hotswap_dev.domain.commands.clients import NameClient
from hotswap_dev.domain.commands.overrides import Annotate, Force204, SetMandatory
from hotswap_dev.domain.commands.registry import Command
from hotswap_dev.domain.commands.releases import EditRelease, Reoffer, Withhold
from hotswap_dev.domain.commands.rollouts import SetRollout
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.policy import Offer, decide, told_minimum
from hotswap_dev.domain.preview import Change, changes, next_check, told
from hotswap_dev.domain.rollout import inside
from tests.unit.making import (
    BINARY_VERSIONS,
    CHANNELS,
    NOW,
    a_release,
    all_controls,
    an_answered_check,
    bundles_for,
    commands,
    controls_with,
    leads_to,
)

LATER = NOW + timedelta(minutes=1)


def a_client(client: str = "phone", **checked: object) -> Client:
    """A client as one check of it left it."""
    known = advance(None, an_answered_check(client, **checked))
    assert known is not None
    return known


clients = st.lists(
    st.builds(
        a_client,
        st.sampled_from(("phone", "local/linux/x86_64", "tablet")),
        sequence=st.one_of(st.none(), st.integers(0, 6), st.just(2**64 - 1)),
        binary_version=st.sampled_from((None, *BINARY_VERSIONS)),
        channel=st.sampled_from((None, *CHANNELS)),
    ),
    unique_by=lambda client: client.id,
    max_size=3,
)


def after(controls: Controls, command: Command) -> Controls:
    for fact in leads_to(command, controls, LATER):
        controls = apply(controls, fact)
    return controls


def foretold(controls: Controls, command: Command, *seen: Client) -> list[Change]:
    return changes(controls, after(controls, command), seen, NOW)


# The law


def heard(controls: Controls, client: Client) -> object:
    """What a client hears of its next answer: the code, what strikes it, and what of a manifest people tell answers
    apart by.
    """
    check = next_check(client)
    if check is None:
        return None
    decision = decide(controls, check, NOW)
    fault = decision.strike and decision.strike.armed.fault
    told = (decision.status, decision.reason.code, fault)
    release = decision.offered
    if release is None or not isinstance(decision.answer, Offer):
        return told
    minimum = told_minimum(release, check.binary_version)
    return (*told, release.sequence, release.version, decision.answer.mandatory, minimum, release.notes)


@settings(max_examples=60)
@given(all_controls(), clients, st.data())
def test_a_change_is_told_for_exactly_the_clients_that_hear_something_else_and_in_other_words(
    controls: Controls, seen: list[Client], data: st.DataObject
) -> None:
    for kind in registered().values():
        command = data.draw(commands(kind, controls))
        becomes = controls
        for fact in leads_to(command, controls, LATER, data.draw(bundles_for(kind))):
            becomes = apply(becomes, fact)
        found = changes(controls, becomes, seen, NOW)
        assert [one.client for one in found] == [
            client.id for client in seen if heard(controls, client) != heard(becomes, client)
        ], command.verb
        assert all(one.before != one.after for one in found)


@given(all_controls(), clients)
def test_where_nothing_changes_nobody_is_named(controls: Controls, seen: list[Client]) -> None:
    assert changes(controls, controls, seen, NOW) == []
    for command in (Annotate(text="QA"), NameClient(client="phone", name="QA phone")):
        assert foretold(controls, command, *seen) == []


# What is told


def test_an_offer_is_told_with_what_its_manifest_says() -> None:
    controls = controls_with(a_release(1, notes="new greeting", mandatory=True))
    check = next_check(a_client())
    assert check is not None
    answer = told(decide(controls, check, NOW), check)
    assert (answer.status, answer.reason, answer.offered) == (200, "newer-release", 1)
    assert (answer.version, answer.mandatory) == ("1.0.0-ota.1", True)
    assert (answer.min_binary_version, answer.notes) == ("1.0.0", "new greeting")


def test_a_204_is_told_with_its_reason_alone() -> None:
    (change,) = foretold(controls_with(a_release(1)), PauseChannel(channel="production"), a_client())
    assert msgspec.to_builtins(change.after).keys() == {"status", "reason"}
    assert (change.after.status, change.after.reason) == (204, "channel-paused")


def test_a_change_of_what_the_manifest_says_is_a_change() -> None:
    controls = controls_with(a_release(1))
    for command in (
        SetMandatory(on=True),
        SetMandatory(on=True, sequence=1),
        EditRelease(sequence=1, notes="x"),
        EditRelease(sequence=1, version="a name"),
        EditRelease(sequence=1, min_binary_version="0.9.0"),
        Reoffer(sequence=1),
    ):
        assert [one.client for one in foretold(controls, command, a_client())] == ["phone"], command


def test_who_is_not_offered_a_release_hears_nothing_of_its_changes() -> None:
    controls = controls_with(a_release(1))
    has_it = a_client(sequence=1)
    for command in (SetMandatory(on=True), EditRelease(sequence=1, notes="x"), Withhold(sequence=1)):
        assert foretold(controls, command, has_it) == []


def test_of_a_forced_204_for_one_answer_every_client_could_be_the_one() -> None:
    controls = controls_with(a_release(1))
    found = foretold(controls, Force204(on=True, times=1), a_client("a"), a_client("b"))
    assert [one.client for one in found] == ["a", "b"]


def test_a_client_whose_check_could_never_be_read_has_no_answer_to_compare() -> None:
    unread = a_client(sequence=None, binary_version=None, platform=None, arch=None, status=400)
    assert next_check(unread) is None
    assert foretold(controls_with(a_release(1)), Withhold(sequence=1), unread) == []


def test_a_client_is_expected_to_ask_what_it_asked_last() -> None:
    check = next_check(a_client("tablet", sequence=4, binary_version="2.0.0", channel="beta"))
    assert check is not None
    assert (check.client, check.sequence, check.binary_version) == ("tablet", 4, "2.0.0")
    assert (check.asked_channel, check.platform, check.arch) == ("beta", "linux", "x86_64")


def test_a_change_of_another_type_of_release_is_foretold_to_who_asks_for_it_and_to_nobody_else() -> None:
    controls = controls_with(a_release(1), a_release(2, update_type="sidecar"))
    plugin = a_client("plugin", sequence=1)
    other = a_client("other", sequence=1, protocol="update-server", arch=None)

    [change] = changes(controls, after(controls, Withhold(sequence=2)), [plugin, other], LATER)

    assert (change.client, change.before.offered, change.after.status) == ("other", 2, 204)


def test_a_rollout_of_another_type_is_foretold_to_each_client_by_its_own_place() -> None:
    controls = controls_with(a_release(1), a_release(2, update_type="sidecar"))
    others = [
        a_client(f"other-{number}", sequence=1, protocol="update-server", arch=None) for number in range(40)
    ]

    lowered = after(controls, SetRollout(sequence=2, percent=50.0))
    foretold = changes(controls, lowered, others, LATER)

    release = lowered.releases[2]
    assert {one.client for one in foretold} == {one.id for one in others if not inside(release, one.id)}
    assert 0 < len(foretold) < len(others)
