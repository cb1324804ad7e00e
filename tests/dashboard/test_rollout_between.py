"""While a rollout and targets are set one after the other, nobody is offered what neither before nor after offers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.dashboard.known import known_to
from hotswap_dev.dashboard.rollout_draft import Draft, drafted, texts_today
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.clients import advance
from hotswap_dev.domain.commands.rollouts import SetRollout, SetTargets
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.model import Release, Targets
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import next_check
from tests.dashboard.moments import a_view
from tests.unit.making import NOW, a_release, an_answered_check, controls_with

CLIENTS = tuple(f"client-{number}" for number in range(24))


def a_moment(release: Release) -> View:
    """Releases 1 and 2, the second as the test says; clients on three platforms that have none."""
    known = {}
    for number, name in enumerate(CLIENTS):
        seen = advance(None, an_answered_check(name, platform=("android", "ios", "linux")[number % 3]))
        assert seen is not None
        known[name] = seen
    return a_view(controls_with(a_release(1), release), clients=known)


def draft(view: View, **typed: str) -> Draft:
    release = view.expected.releases[2]
    return drafted(release, {**texts_today(release, known_to(view)), **typed}, frozenset(typed), view)


def offered(view: View, controls: Controls) -> dict[str, int | None]:
    found = {}
    for client in view.clients.values():
        check = next_check(client)
        assert check is not None
        release = decide(controls, check, NOW).offered
        found[client.id] = None if release is None else release.sequence
    return found


percents = st.sampled_from([0.0, 5.0, 25.0, 40.0, 50.0, 75.0, 100.0])
names = st.lists(st.sampled_from(CLIENTS), max_size=4, unique=True)
platforms = st.lists(st.sampled_from(["android", "ios", "linux"]), max_size=2, unique=True)


@settings(max_examples=150)
@given(percents, names, platforms, percents, names, platforms, names)
def test_between_the_commands_each_client_is_offered_what_it_was_or_what_it_will_be(
    percent: float,
    always: list[str],
    meant: list[str],
    percent_then: float,
    always_then: list[str],
    meant_then: list[str],
    named_then: list[str],
) -> None:
    release = a_release(2, percent=percent, always=tuple(always), targets=Targets(platforms=tuple(meant)))
    view = a_moment(release)
    made = draft(
        view,
        percent=f"{percent_then:g}",
        always=", ".join(always_then),
        platforms=", ".join(meant_then),
        clients=", ".join(named_then),
    )
    before, after = offered(view, view.expected), offered(view, made.after)

    assert made.problems == {}
    controls = view.expected
    for command in made.commands:
        for fact in command.events(controls, NOW):
            controls = apply(controls, fact)
        between = offered(view, controls)
        assert all(told in (before[name], after[name]) for name, told in between.items())
    assert controls == made.after
    wanted = replace(
        release,
        percent=percent_then,
        always=tuple(always_then),
        targets=Targets(platforms=tuple(meant_then), clients=tuple(named_then)),
    )
    assert controls.releases[2] == wanted


def test_who_leaves_goes_first_then_the_targets_are_set_then_who_joins_comes() -> None:
    view = a_moment(a_release(2, percent=25.0, always=("client-1",)))

    made = draft(view, percent="10", always="client-2", platforms="ios").commands

    first, targets, last = made
    assert isinstance(first, SetRollout)
    assert isinstance(targets, SetTargets)
    assert first.percent == 10
    assert "client-1" not in (first.always or ())
    assert last == SetRollout(sequence=2, percent=10.0, always=("client-2",))


def test_a_rollout_alone_is_one_command_though_some_leave_and_some_join() -> None:
    view = a_moment(a_release(2, percent=25.0, always=("client-1",)))

    assert draft(view, percent="10", always="client-2").commands == (
        SetRollout(sequence=2, percent=10.0, always=("client-2",)),
    )
