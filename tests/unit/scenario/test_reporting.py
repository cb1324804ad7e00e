"""What a report shows is what was seen and told: counts over time, who was hit, the story, each client's standing."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.clients import Client, ClientTable
from hotswap_dev.domain.facts import FaultArmed, ReleaseAdded, ReleaseWithheld, RolloutSet
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.export.report import Moment, Series, headline, render
from hotswap_dev.fleet.happened import Happened, What
from hotswap_dev.scenario.over_time import rate_of, reported_by, running_series
from hotswap_dev.scenario.reporting import Seen, gathered
from hotswap_dev.scenario.verdict import Ended, Outcome, Verdict
from tests.unit.domain.clients import a_download, a_report, an_offer
from tests.unit.making import NOW, a_release, an_answered_check, controls_with


def _step(client: str, what: What, sequence: int, at: float, **more: Any) -> Happened:
    return Happened(client=client, what=what, sequence=sequence, at=at, **more)


def _ended(text: str, outcome: Outcome = "passed", **more: Any) -> Ended:
    return Ended(number=1, line=3, text=text, outcome=outcome, **more)


def _verdict(*steps: Ended, title: str = "A bad build") -> Verdict:
    return Verdict(title=title, file="bad.toml", seed=1, steps=steps)


FLEET = (
    _step("a", "launched", 0, 0.0),
    _step("b", "launched", 0, 0.0),
    _step("a", "checked", 0, 1.0, detail="newer-release", offered=4),
    _step("a", "applied", 4, 2.0),
    _step("a", "crashed", 4, 2.0),
    _step("b", "checked", 0, 3.0, detail="newer-release", offered=4),
    _step("b", "failed", 0, 4.0, offered=4, detail="HTTP 503: bundle download failed"),
    _step("a", "fell-back", 0, 6.0, offered=4),
    _step("a", "checked", 0, 7.0, detail="newer-release", offered=5),
    _step("a", "applied", 5, 8.0),
    _step("a", "confirmed", 5, 8.0),
)


def test_of_a_fleet_what_ran_when_is_its_own_word_in_its_own_time() -> None:
    report = gathered(Seen(), FLEET, title="x", began=NOW)
    assert [(one.name, one.points) for one in report.running] == [
        ("embedded page", ((0.0, 2), (2.0, 1), (6.0, 2), (8.0, 1))),
        ("release 4", ((0.0, 0), (2.0, 1), (6.0, 0))),
        ("release 5", ((0.0, 0), (8.0, 1))),
    ]
    assert report.seconds == 8.0
    assert report.checks == 3


def test_who_was_hit_is_each_client_once_however_it_was_hit() -> None:
    seen = Seen(controls=controls_with(a_release(4), a_release(5)))
    report = gathered(seen, FLEET, title="x", began=NOW)
    assert report.hits == (Series(name="release 4", points=((0.0, 0), (2.0, 1), (4.0, 2)), sequence=4),)
    bad, good = report.releases
    assert (bad.fell_back, bad.failed, bad.hit) == (1, 1, 2)
    assert (good.fell_back, good.failed, good.hit) == (0, 0, 0)


def test_of_a_server_alone_it_is_what_clients_reported_and_an_upgrade_is_no_fall() -> None:
    events = tuple(
        an_answered_check(client, sequence=sequence, binary_version=binary, at=NOW + timedelta(seconds=at))
        for at, client, sequence, binary in (
            (0, "a", 0, "1.0.0"),
            (1, "b", 0, "1.0.0"),
            (2, "a", 4, "1.0.0"),
            (3, "b", 4, "1.0.0"),
            (5, "a", 0, "1.0.0"),
            (6, "b", 0, "2.0.0"),
        )
    )
    report = gathered(Seen(events=events), title="x", began=NOW)
    assert [one.points for one in report.running] == [
        ((0.0, 1), (1.0, 2), (2.0, 1), (3.0, 0), (5.0, 1), (6.0, 2)),
        ((0.0, 0), (2.0, 1), (3.0, 2), (5.0, 1), (6.0, 0)),
    ]
    assert report.hits == (Series(name="release 4", points=((0.0, 0), (5.0, 1)), sequence=4),)
    assert "inferred" in report.remarks[-1]


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.sampled_from(["a", "b", "c", "d"]), st.integers(0, 4)), max_size=60
    )
)
def test_at_every_moment_each_client_seen_so_far_runs_exactly_one_thing(
    told: list[tuple[float, str, int]],
) -> None:
    reports = sorted(told, key=lambda one: one[0])
    series = running_series(reports)
    for moment in {at for at, _, _ in reports}:
        last = {client: sequence for at, client, sequence in reports if at <= moment}
        counts = {
            one.sequence: [value for at, value in one.points if at <= moment][-1]
            for one in series
            if one.points[0][0] <= moment
        }
        assert {sequence: count for sequence, count in counts.items() if count} == Counter(last.values())


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=200), st.floats(0, 1e5))
def test_each_check_is_counted_in_one_period_and_there_are_not_many(at: list[float], end: float) -> None:
    rate = rate_of(at, end)
    assert rate is not None
    assert sum(rate.counts) == len(at)
    assert len(rate.counts) <= 120


def test_changes_are_marks_at_their_time_and_in_a_hurry_the_steps_are() -> None:
    def at(seconds: float) -> Any:
        return NOW + timedelta(seconds=seconds)

    seen = Seen(
        events=(
            ReleaseAdded(at=at(-1), release=a_release(4)),
            RolloutSet(at=at(2), sequence=4, percent=12.5),
            FaultArmed(at=at(3), armed=ArmedFault(override=1, fault="hang")),
            ReleaseWithheld(at=at(9), sequence=4),
            ReleaseAdded(at=at(10), release=a_release(5, origin="reoffer", from_sequence=3)),
        )
    )
    real = gathered(seen, FLEET, title="x", began=NOW)
    assert [(one.at, one.words) for one in real.moments] == [
        (0.0, "4 saved"),
        (2.0, "4 to 12.5 %"),
        (3.0, "hang armed"),
        (9.0, "4 withheld"),
        (10.0, "5 re-offered"),
    ]
    steps = _verdict(
        _ended("set-rollout sequence=@bad percent=12.5", at=30.0),
        _ended("live 30 s", at=30.0),
        _ended("withhold sequence=@bad", at=60.0),
        _ended("withhold sequence=@other", at=61.0),
        _ended("wait until …", at=70.0, judges=True),
        _ended("reoffer sequence=3", at=80.0, sequence=5),
        _ended("save hello-v2", "failed", at=90.0),
    )
    hurried = gathered(seen, FLEET, title="x", began=NOW, pace=0, verdicts=[steps])
    assert [(one.at, one.words) for one in hurried.moments] == [
        (30.0, "4 to 12.5 %"),
        (60.0, "4 withheld"),
        (61.0, "withhold sequence=@other"),
        (80.0, "5 re-offered"),
    ]
    given = (Moment(at=1.0, words="mine"),)
    assert gathered(seen, FLEET, title="x", began=NOW, moments=given).moments == given


def test_one_scenario_is_told_step_by_step_and_several_as_a_beat_each() -> None:
    red = _verdict(
        _ended("save hello-v2", say="A build is saved", watch="line 2", at=1.0),
        _ended("wait until all run 2", "failed", expected="Expected are 8 clients.", seen="Seen are 7."),
        _ended("expect 2 is confirmed", "skipped"),
    )
    steps = gathered(Seen(), title="x", began=NOW, verdicts=[red]).beats
    assert [(one.title, one.outcome, one.said) for one in steps] == [
        ("A build is saved", "passed", "line 2"),
        ("wait until all run 2", "failed", ""),
        ("expect 2 is confirmed", "not-run", ""),
    ]
    assert (steps[1].expected, steps[1].seen) == ("Expected are 8 clients.", "Seen are 7.")
    assert steps[1].failed_at == ""
    good = _verdict(_ended("save hello-v2", watch="line 2"), title="A build is saved")
    beats = gathered(Seen(), title="x", began=NOW, verdicts=[good, red]).beats
    assert [(one.title, one.outcome, one.said) for one in beats] == [
        ("A build is saved", "passed", "line 2"),
        ("A bad build", "failed", "line 2"),
    ]
    assert beats[1].failed_at == "wait until all run 2"
    assert (beats[1].expected, beats[1].seen) == ("Expected are 8 clients.", "Seen are 7.")


def _clients(*observations: Any) -> tuple[Client, ...]:
    table = ClientTable()
    for one in observations:
        table.see(one)
    return tuple(table.values())


@pytest.mark.parametrize(
    ("observations", "standing"),
    [
        ([an_answered_check("a", sequence=1)], "running"),
        ([an_answered_check("a", sequence=1), a_report("ready-confirmed", 1, client="a")], "confirmed"),
        ([an_offer(2, client="a")], "waiting"),
        ([an_offer(2, client="a"), a_report("download-error", 2, client="a", error="HTTP 503")], "failed"),
        ([an_answered_check("a", sequence=9, reason="client-ahead")], "ahead"),
        (
            [
                an_answered_check("a", sequence=1),
                an_answered_check("a", sequence=4),
                an_offer(4, client="a", sequence=1),
            ],
            "fell-back",
        ),
    ],
)
def test_a_client_stands_where_its_check_ins_and_reports_put_it(
    observations: list[Any], standing: str
) -> None:
    (row,) = gathered(Seen(clients=_clients(*observations)), title="x", began=NOW).clients
    assert row.standing == standing
    assert row.said


def test_a_fault_is_told_with_whom_it_struck_and_what_a_client_does_then() -> None:
    struck = [
        replace(an_answered_check(client), fault="check/http-error", status=500, reason="fault")
        for client in "aab"
    ]
    armed = FaultArmed(at=NOW, armed=ArmedFault(override=2, fault="hang"))
    faults = gathered(Seen(events=(*struck, armed)), title="x", began=NOW).faults
    assert [(one.fault, one.times, one.clients) for one in faults] == [
        ("check/http-error", 3, 2),
        ("hang", 0, 0),
    ]
    assert all(one.reaction.endswith(".") for one in faults)


def test_a_poisoned_release_strikes_whoever_downloads_it_whole() -> None:
    armed = FaultArmed(at=NOW, armed=ArmedFault(override=2, fault="path-traversal", sequence=7))
    broken = replace(a_download(7, client="c"), complete=False)
    events = (armed, a_download(7, client="a"), a_download(7, client="b"), a_download(6, client="b"), broken)
    seen = Seen(controls=controls_with(a_release(7)), events=events)
    report = gathered(seen, title="x", began=NOW)
    assert [(one.fault, one.times, one.clients) for one in report.faults] == [("path-traversal", 2, 2)]
    assert [(one.sequence, one.fetched) for one in report.releases] == [(7, 2)]


def test_times_are_of_what_was_not_slowed_on_purpose() -> None:
    quick = [an_answered_check(duration_ms=float(one)) for one in range(1, 101)]
    slow = replace(quick[0], fault="check/delay", duration_ms=5000.0)
    (checks,) = gathered(Seen(events=(*quick, slow)), title="x", began=NOW).latencies
    assert (checks.count, checks.p50, checks.p99, checks.worst) == (100, 50.0, 99.0, 100.0)


def test_a_history_that_is_not_whole_says_so_and_the_clients_count_the_answers() -> None:
    events = (an_answered_check("a", reason="up-to-date"),)
    report = gathered(Seen(events=events, cut=True), FLEET, title="x", began=NOW)
    assert [(one.reason, one.count) for one in report.answers] == [("newer-release", 3)]
    assert report.remarks[0].endswith("times, downloads and faults are those of its newest 1 checks.")
    alone = gathered(Seen(events=events, cut=True), title="x", began=NOW)
    assert alone.remarks[0].endswith("what is counted here is of its newest 1 checks.")


def test_a_fleets_report_is_a_page_with_its_outcome() -> None:
    seen = Seen(
        controls=controls_with(a_release(4, withheld=True), a_release(5)),
        clients=_clients(an_answered_check("a", sequence=5), an_offer(5, client="b")),
    )
    report = gathered(seen, FLEET, title="A fleet of 2", began=NOW, seed=7)
    assert headline(report) == (
        "Release 5 reached 1 of 2 clients; release 4 was withheld after 2 clients failed or fell back."
    )
    page = render(report)
    assert 'class="band one"' in page
    assert "seed 7" in page


def test_what_a_server_has_forgotten_of_a_release_its_clients_have_told() -> None:
    seen = Seen(
        controls=controls_with(a_release(4), a_release(5)),
        clients=_clients(an_answered_check("a", sequence=5)),
    )
    bad, good = gathered(seen, FLEET, title="x", began=NOW).releases
    assert (bad.offered, bad.running, good.offered, good.running) == (2, 0, 1, 1)
    assert bad.clients == 2


def test_of_a_server_that_can_not_be_asked_the_fleet_alone_tells() -> None:
    report = gathered(Seen(), FLEET, title="x", began=NOW)
    assert [(one.sequence, one.running, one.confirmed) for one in report.releases] == [(4, 0, 0), (5, 1, 1)]
    assert report.known == 2
    assert [(one.reason, one.count) for one in report.answers] == [("newer-release", 3)]
    assert headline(report).startswith("Release 5 reached 1 of 2 clients; 2 clients failed or fell back")


def test_what_a_closed_app_ran_is_not_told_anew_by_its_closing() -> None:
    assert reported_by([_step("a", "applied", 5, 1.0), _step("a", "closed", 5, 2.0)]) == [(1.0, "a", 5)]


def test_what_runs_at_the_end_is_what_the_fleet_says_though_no_check_has_told_the_server_yet() -> None:
    seen = Seen(
        controls=controls_with(a_release(5)),
        clients=_clients(an_offer(5, client="a"), an_answered_check("somebody-else", sequence=5)),
    )
    story = (
        _step("a", "checked", 0, 1.0, detail="newer-release", offered=5),
        _step("a", "applied", 5, 2.0),
        _step("a", "confirmed", 5, 2.0),
    )
    report = gathered(seen, story, title="x", began=NOW)
    (way,) = report.releases
    assert (way.running, way.confirmed, way.clients) == (1, 1, 1)
    assert [(one.name, one.runs, one.standing) for one in report.clients] == [("a", 5, "confirmed")]
    assert report.running[-1].points[-1][1] == way.running


def test_a_fleets_report_is_about_its_own_clients_and_says_how_many_others_there_are() -> None:
    strangers = [
        one
        for number in range(30)
        for one in (
            an_answered_check(f"stranger-{number}", sequence=4),
            an_offer(4, client=f"stranger-{number}", sequence=1),
            replace(a_download(4, client=f"stranger-{number}"), fault="corrupt-byte"),
        )
    ]
    own = [an_offer(5, client="a"), an_answered_check("a", sequence=5), a_download(5, client="a")]
    seen = Seen(
        controls=controls_with(a_release(4), a_release(5)),
        clients=_clients(*strangers, *own),
        events=(*strangers, *own, ReleaseWithheld(at=NOW, sequence=4)),
    )
    story = (
        _step("a", "checked", 0, 1.0, detail="newer-release", offered=5),
        _step("a", "applied", 5, 2.0),
        _step("a", "checked", 5, 3.0, detail="up-to-date"),
    )
    report = gathered(seen, story, title="A fleet of 1", began=NOW)
    old, new = report.releases
    assert (report.known, report.others) == (1, 30)
    assert (old.clients, old.offered, old.running, old.fell_back) == (1, 0, 0, 0)
    assert (new.clients, new.running) == (1, 1)
    assert [one.name for one in report.clients] == ["a"]
    assert sum(one.count for one in report.answers) == 2
    assert report.faults == ()
    assert [(one.what, one.count) for one in report.latencies] == [("Checks", 2), ("Whole downloads", 1)]
    assert [one.words for one in report.moments] == ["4 withheld"]
    assert headline(report) == "Release 5 reached 1 of 1 client."
    assert "The server knows 30 other clients too" in render(report)
    plot = render(report).partition('id="adoption-d">')[2].partition("</svg>")[0]
    assert ">1 run 5<" in plot
    assert re.findall(r'class="tick"[^>]*text-anchor="end">(\d+)<', plot) == ["0", "1"]


def test_who_is_in_a_rollback_loop_fell_back_also_while_it_runs_the_release_once_more() -> None:
    observations = [
        an_offer(4, client="a", sequence=1),
        an_answered_check("a", sequence=4),
        an_offer(4, client="a", sequence=1),
        a_download(4, client="a"),
        an_answered_check("a", sequence=4),
    ]
    seen = Seen(
        controls=controls_with(a_release(1), a_release(4)),
        clients=_clients(*observations),
        events=(*observations,),
    )
    alone = gathered(seen, title="x", began=NOW)
    way = alone.releases[1]
    assert (way.running, way.again, way.fell_back) == (1, 1, 1)
    assert [one.standing for one in alone.clients] == ["fell-back"]
    assert alone.harmed == 1
    story = (
        _step("a", "applied", 4, 1.0),
        _step("a", "crashed", 4, 1.0),
        _step("a", "fell-back", 1, 2.0, offered=4),
        _step("a", "applied", 4, 3.0),
        _step("a", "crashed", 4, 3.0),
    )
    told = gathered(seen, story, title="x", began=NOW).releases[1]
    assert (told.running, told.again, told.fell_back, told.hit) == (1, 1, 1, 1)


def test_what_the_table_and_the_large_figures_say_is_where_the_chart_ends() -> None:
    """Three of six have fallen back from 3 since the server last heard of them."""
    ids = [f"c{number}" for number in range(6)]
    story = [_step(one, "applied", 2, 1.0) for one in ids]
    story += [_step(one, what, 3, 2.0) for one in ids for what in ("applied", "crashed")]
    story += [_step(one, "fell-back", 2, 3.0, offered=3) for one in ids[:3]]
    seen = Seen(
        controls=controls_with(a_release(2), a_release(3)),
        clients=_clients(*(an_answered_check(one, sequence=3) for one in ids)),
    )
    report = gathered(seen, story, title="x", began=NOW)
    ends = {one.sequence: one.points[-1][1] for one in report.running}
    assert ends == {2: 3, 3: 3}
    assert {way.sequence: way.running for way in report.releases} == ends
    assert Counter(one.runs for one in report.clients) == ends
    assert {one.standing for one in report.clients} == {"fell-back"}
    back = [one.said for one in report.clients if one.runs == 2]
    assert all("By its own word it runs 2 now; no check of it has said so yet." in said for said in back)
    assert "own word" not in " ".join(one.said for one in report.clients if one.runs == 3)
    assert report.harmed == 6
    page = render(report)
    assert "<dt><bdi>run release 3</bdi></dt><dd class=bad-text><bdi>3 of 6</bdi></dd>" in page
    assert "<dd class=bad-text><bdi>6</bdi></dd>" in page


def test_who_fell_back_to_what_it_had_confirmed_runs_it_confirmed_and_who_gave_that_up_does_not() -> None:
    story = (
        _step("a", "applied", 2, 1.0),
        _step("a", "confirmed", 2, 1.0),
        _step("a", "applied", 3, 2.0),
        _step("a", "crashed", 3, 2.0),
        _step("a", "fell-back", 2, 3.0, offered=3),
        _step("b", "applied", 2, 1.0),
        _step("b", "confirmed", 2, 1.0),
        _step("b", "fell-back", 0, 2.0, offered=2),
        _step("b", "applied", 2, 3.0),
    )
    seen = Seen(controls=controls_with(a_release(2), a_release(3)))
    good, bad = gathered(seen, story, title="x", began=NOW).releases
    assert (good.running, good.confirmed, good.again) == (2, 1, 1)
    assert (bad.running, bad.confirmed) == (0, 0)


def test_without_a_fleet_too_a_client_that_two_releases_hit_is_one_that_was_harmed() -> None:
    observations = [
        an_offer(4, client="a", sequence=1),
        an_answered_check("a", sequence=4),
        an_offer(5, client="a", sequence=1),
        a_report("download-error", 5, client="a", error="HTTP 503"),
    ]
    seen = Seen(
        controls=controls_with(a_release(4), a_release(5)),
        clients=_clients(*observations),
        events=(*observations,),
    )
    assert gathered(seen, title="x", began=NOW).harmed == 1


def test_a_run_that_took_longer_than_it_was_meant_to_is_drawn_to_its_real_end() -> None:
    late = (*FLEET, *(_step("a", "checked", 5, 30.0 + one, detail="up-to-date") for one in range(11)))
    report = gathered(Seen(), late, title="x", began=NOW, seconds=30.0)
    assert report.seconds == 40.0
    assert report.rate is not None
    assert sum(report.rate.counts[31:]) == 10
    assert len(report.rate.counts) == 40


def test_a_story_that_waited_for_what_never_came_is_drawn_to_the_end_of_its_wait() -> None:
    waited = _verdict(
        _ended("wait until all run 9", "failed", expected="x", at=8.0, seconds=300.0), _ended("y", "skipped")
    )
    report = gathered(Seen(), FLEET, title="x", began=NOW, verdicts=[waited])
    assert report.seconds == 308.0


def test_a_client_that_two_releases_hit_is_one_that_was_harmed() -> None:
    seen = Seen(controls=controls_with(a_release(4), a_release(5)))
    story = (
        _step("a", "crashed", 4, 1.0),
        _step("a", "fell-back", 0, 2.0, offered=4),
        _step("a", "failed", 0, 3.0, offered=5),
    )
    report = gathered(seen, story, title="x", began=NOW)
    assert [way.hit for way in report.releases] == [1, 1]
    assert report.harmed == 1
    assert "<dt><bdi>fell back or failed</bdi></dt><dd class=bad-text><bdi>1</bdi></dd>" in render(report)


def test_of_too_many_marks_mere_saves_go_first() -> None:
    saves = [ReleaseAdded(at=NOW + timedelta(seconds=one), release=a_release(one)) for one in range(1, 60)]
    withheld = ReleaseWithheld(at=NOW + timedelta(seconds=70), sequence=59)
    moments = gathered(Seen(events=(*saves, withheld)), title="x", began=NOW).moments
    assert moments[-1] == Moment(at=70.0, words="59 withheld")
    assert len(moments) == 40
    assert [one.at for one in moments] == sorted(one.at for one in moments)


def test_a_minute_in_periods_of_a_second_has_sixty_of_them() -> None:
    rate = rate_of([0.0, 30.5, 60.0], 60.0)
    assert rate is not None
    assert (rate.period, len(rate.counts), rate.counts[0], rate.counts[30], rate.counts[-1]) == (
        1.0,
        60,
        1,
        1,
        1,
    )
