"""Recorded builds, and any others: what is seen of them."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotswap_dev.packing.tree import scan
from hotswap_dev.watching import Polling, Seen, Settled, SettleNarrowed, SettleWidened, Waiting
from tests.unit.watching.timelines import FIXTURES, Replay, Reports, Timeline, contents, read

PAGE = '<script src="/a.js"></script>'
TIMELINES = sorted(path.stem for path in FIXTURES.glob("*.json"))


@pytest.mark.parametrize("name", TIMELINES)
def test_of_each_recorded_build_is_seen_what_its_timeline_says(name: str, tmp_path: Path) -> None:
    timeline = read(name)
    told = Replay(tmp_path, timeline).run()
    assert [_described(each.seen, timeline.under_way(each.at)) for each in told] == [
        {key: value for key, value in expected.items() if key != "at"}
        | ({"settled": True} if "settled" in expected else {})
        for expected in timeline.expect
    ]
    times = [expected.get("at", expected.get("settled")) for expected in timeline.expect]
    assert [each.at for each in told] == pytest.approx(times, abs=0.12)


@pytest.mark.parametrize("reports", ["none", "the first only"])
@pytest.mark.parametrize("name", TIMELINES)
def test_where_nothing_is_reported_the_newest_whole_tree_is_handed_over_all_the_same(
    name: str, reports: Reports, tmp_path: Path
) -> None:
    replay = Replay(tmp_path, read(name), reports=reports)
    replay.run()
    last = replay.settled()[-1][1].scan
    if replay.root.exists():
        assert contents(last) == contents(scan(replay.root))
    else:
        gone = replay.told[-1].seen
        assert isinstance(gone, Waiting)
        assert gone.code == "folder-missing"


@pytest.mark.parametrize("name", TIMELINES)
def test_a_slow_reader_gets_the_newest_tree_and_none_that_was_overtaken(name: str, tmp_path: Path) -> None:
    in_time = Replay(tmp_path / "quick", read(name))
    in_time.run()
    slow = Replay(tmp_path / "slow", read(name), busy=2.5)
    slow.run()
    assert len(slow.settled()) <= len(in_time.settled())
    assert contents(slow.settled()[-1][1].scan) == contents(in_time.settled()[-1][1].scan)
    handed_over = [(at, settled.scan) for at, settled in slow.settled()]
    for at, tree in handed_over:
        assert contents(tree) == _folder_at(read(name), at, tmp_path / f"at-{at}")


WRITES = st.lists(
    st.tuples(
        st.floats(0.001, 3.0),
        st.sampled_from(
            ["index.html", "a.js", "b.js", "assets/c.css", "remove a.js", "empty", "swap", "drop"]
        ),
        st.integers(1, 99),
    ),
    min_size=1,
    max_size=25,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(WRITES, st.sampled_from(["all", "none", "the first only"]), st.sampled_from([0.0, 0.7, 4.0]))
def test_whatever_is_written_the_last_word_is_the_folder_as_it_ends(
    tmp_path_factory: pytest.TempPathFactory,
    writes: list[tuple[float, str, int]],
    reports: Reports,
    busy: float,
) -> None:
    timeline = Timeline("random", list(_events(writes)), [], [])
    replay = Replay(tmp_path_factory.mktemp("random"), timeline, reports=reports, busy=busy)
    told = replay.run(until=timeline.events[-1]["at"] + 40)
    last = [each.seen for each in told if isinstance(each.seen, Settled | Waiting)][-1]
    if not replay.root.exists():
        assert isinstance(last, Waiting)
    elif not (replay.root / "index.html").exists():
        assert isinstance(last, Waiting)
        assert last.code == "no-index"
    else:
        assert isinstance(last, Settled)
        assert contents(last.scan) == contents(scan(replay.root))
        assert bool(last.missing_references) == (not (replay.root / "a.js").exists())


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(WRITES)
def test_while_changes_are_reported_a_tree_is_handed_over_only_when_nothing_changed_for_the_settle_time(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[float, str, int]]
) -> None:
    timeline = Timeline("random", list(_events(writes)), [], [])
    replay = Replay(tmp_path_factory.mktemp("random"), timeline)
    replay.run()
    for at, settled in replay.settled():
        newest = max(event["at"] for event in timeline.events if event["at"] < at)
        assert at - newest >= replay.pace.settle
        if not settled.first:
            assert settled.changed_at == pytest.approx(newest + replay.lag, abs=0.35)
    for (_, earlier), (_, later) in itertools.pairwise(replay.settled()):
        between = replay.told[_place(replay, earlier) + 1 : _place(replay, later)]
        assert earlier.scan != later.scan or any(isinstance(told.seen, Waiting) for told in between)


def _described(seen: Seen, under_way: bool) -> dict[str, object]:
    match seen:
        case Settled():
            described: dict[str, object] = {"settled": True}
            if under_way:
                described["half_built"] = True
            if seen.missing_references:
                described["missing"] = list(seen.missing_references)
            return described
        case Waiting():
            return {"waiting": seen.code}
        case SettleWidened():
            return {"widened": seen.seconds}
        case SettleNarrowed():
            return {"narrowed": seen.seconds}
        case Polling():
            return {"polling": seen.why}


def _folder_at(timeline: Timeline, at: float, parent: Path) -> dict[str, int]:
    """The folder as it stood at a moment."""
    until = replace(timeline, events=[event for event in timeline.events if event["at"] <= at])
    parent.mkdir()
    replay = Replay(parent, until)
    replay.run(until=at)
    return contents(scan(replay.root))


def _place(replay: Replay, settled: Settled) -> int:
    return next(place for place, told in enumerate(replay.told) if told.seen is settled)


def _events(writes: list[tuple[float, str, int]]) -> "itertools.chain[dict[str, Any]]":
    """A timeline in which every step can be done, whatever came before it."""
    events: list[dict[str, Any]] = [{"at": 0.0, "mkdir": "dist"}]
    there: set[str] = set()
    at = 0.0
    for pause, what, size in writes:
        at += pause
        if what == "drop":
            events += [{"at": at, "mkdir": "dist"}, {"at": at, "remove": "dist"}]
            there.clear()
        elif what == "swap":
            events += [
                {"at": at, "mkdir": "dist"},
                {"at": at, "write": "dist.new/index.html", "text": PAGE},
                {"at": at, "write": "dist.new/a.js", "size": size},
                {"at": at, "remove": "dist"},
                {"at": at, "rename": ["dist.new", "dist"]},
            ]
            there = {"index.html", "a.js"}
        elif what in ("empty", "remove a.js"):
            gone = there if what == "empty" else there & {"a.js"}
            events += [{"at": at, "remove": f"dist/{path}"} for path in sorted(gone)]
            there -= gone
        elif what == "index.html":
            events.append({"at": at, "write": "dist/index.html", "text": PAGE})
            there.add(what)
        else:
            events.append({"at": at, "write": f"dist/{what}", "size": size})
            there.add(what)
    return itertools.chain(events)
