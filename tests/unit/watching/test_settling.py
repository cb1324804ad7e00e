"""The rules, one by one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.packing.gate import Gate
from hotswap_dev.packing.tree import Scan
from hotswap_dev.watching import Pace, Polling, Seen, Settled, SettleNarrowed, SettleWidened, Waiting
from hotswap_dev.watching.settling import Heard, Look, State, advance, next_look, same


def test_a_folder_that_long_stood_still_is_handed_over_at_once() -> None:
    play = _Play()
    assert play.look(at=100, files={"index.html": 1}, age=3600) is None
    assert play.due() == 100
    settled = play.look(at=100.01)
    assert isinstance(settled, Settled)
    assert (settled.first, settled.changed_at) == (True, 100)


def test_a_folder_written_just_before_the_start_must_stand_still_first() -> None:
    play = _Play()
    play.look(at=100, files={"index.html": 1}, age=1.5)
    assert play.due() == pytest.approx(100.3)


def test_E4_file_times_in_the_future_are_no_age() -> None:
    play = _Play()
    play.look(at=100, files={"index.html": 1}, age=-5000)
    assert play.due() == pytest.approx(100.3)


def test_only_the_first_tree_is_the_first() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    settled = play.change(at=200, files={"index.html": 2})
    assert isinstance(settled, Settled)
    assert not settled.first


def test_an_unchanged_tree_is_handed_over_again_only_on_demand() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    assert play.look(at=102.5) is None
    play.state = replace(play.state, again=True)
    assert isinstance(play.look(at=103), Settled)
    assert play.look(at=105.5) is None


def test_new_paths_right_after_a_tree_as_found_widen_nothing() -> None:
    # Nobody saw what its build had touched: the next save would look like a build that goes on.
    play = _Play().handed_over({"index.html": 1}, at=100)
    assert isinstance(play.change(at=101, files={"index.html": 1, "new.js": 1}), Settled)


def test_new_paths_soon_after_a_build_widen_the_settle_time_to_twice_the_gap() -> None:
    play = _Play().handed_over({"index.html": 1, "a.js": 1}, at=100)
    assert isinstance(play.change(at=200, files={"index.html": 2, "a.js": 1}), Settled)
    widened = play.change(at=201.2, files={"index.html": 2, "a.js": 2})
    assert isinstance(widened, SettleWidened)
    assert widened.seconds == 2.4
    assert "1.2 s" in widened.why
    assert play.due() == pytest.approx(203.62)
    assert isinstance(play.look(at=203.63), Settled)


def test_two_files_saved_by_turns_make_three_builds_slow_and_then_none() -> None:
    """A person in a project without a bundler: each save touches what the one before had not."""
    play = _Play().handed_over({"index.html": 1, "a.js": 1}, at=100)
    assert isinstance(play.change(at=200, files={"index.html": 2, "a.js": 1}), Settled)
    at, seen = 200.0, []
    for save in range(2, 10):
        # Half a second after the last one was offered.
        at += play.state.settle + 0.7
        heard = play.change(at=at, files={"index.html": 2 + save // 2, "a.js": 1 + (save + 1) // 2})
        while isinstance(heard, SettleWidened | SettleNarrowed):
            seen.append(heard)
            while (heard := play.look(at=play.due())) is None:
                pass
        assert isinstance(heard, Settled)
    assert isinstance(seen[-1], SettleNarrowed)
    assert seen[-1].seconds == play.state.settle == 0.3
    assert len([event for event in seen if isinstance(event, SettleNarrowed)]) == 1


def test_a_build_that_writes_slowly_keeps_its_wider_settle_time() -> None:
    play = _Play().handed_over({"index.html": 1, "a.js": 1, "b.js": 1}, at=100)
    assert isinstance(play.change(at=200, files={"index.html": 2, "a.js": 1, "b.js": 1}), Settled)
    assert isinstance(play.change(at=201, files={"index.html": 2, "a.js": 2, "b.js": 1}), SettleWidened)
    assert isinstance(play.look(at=203.1), Settled)
    for build in range(3, 10):
        start = 200.0 + 20 * build
        play.heard = Heard(start, start)
        assert play.look(at=start + 0.1, files={"index.html": build, "a.js": build - 1, "b.js": 1}) is None
        seen = play.change(at=start + 1, files={"index.html": build, "a.js": build, "b.js": 1})
        while seen is None:
            seen = play.look(at=play.due())
        assert isinstance(seen, Settled)
    assert play.state.settle == 2.0


def test_a_removed_path_counts_as_touched() -> None:
    play = _Play().handed_over({"index.html": 1, "a.js": 1}, at=100)
    assert isinstance(play.change(at=200, files={"index.html": 2, "a.js": 1}), Settled)
    assert isinstance(play.change(at=201, files={"index.html": 2}), SettleWidened)


def test_one_path_that_the_build_had_touched_makes_it_a_new_save() -> None:
    play = _Play().handed_over({"index.html": 1, "a.js": 1}, at=100)
    assert isinstance(play.change(at=200, files={"index.html": 2, "a.js": 1}), Settled)
    assert isinstance(play.change(at=201, files={"index.html": 3, "a.js": 2}), Settled)


def test_a_page_that_was_moved_away_soon_after_a_build_and_comes_back_widens_nothing() -> None:
    # The recorded timeline of a person: a save of a.js, half a second later `mv index.html away`, 8 s later back.
    play = _Play().handed_over({"index.html": 1, "a.js": 1}, at=100)
    assert isinstance(play.change(at=200, files={"index.html": 1, "a.js": 2}), Settled)
    assert play.change(at=200.9, files={"a.js": 2}) is None
    waits = None
    while waits is None:
        waits = play.look(at=play.due())
    assert isinstance(waits, Waiting)
    assert isinstance(play.change(at=209, files={"index.html": 2, "a.js": 2}), Settled)
    assert play.state.settle == 0.3
    # And what follows is judged as before.
    assert isinstance(play.change(at=210.2, files={"index.html": 2, "a.js": 3}), SettleWidened)


def test_new_paths_more_than_3_s_after_a_build_are_a_new_save() -> None:
    play = _Play().handed_over({"index.html": 1, "a.js": 1}, at=100)
    assert isinstance(play.change(at=200, files={"index.html": 2, "a.js": 1}), Settled)
    assert isinstance(play.change(at=203.4, files={"index.html": 2, "a.js": 2}), Settled)


def test_the_settle_time_is_widened_to_5_s_at_most_and_never_below_what_was_asked_for() -> None:
    play = _Play().handed_over({"index.html": 1, "a.js": 1}, at=100)
    play.change(at=200, files={"index.html": 2, "a.js": 1})
    widened = play.change(at=203.2, files={"index.html": 2, "a.js": 2})
    assert isinstance(widened, SettleWidened)
    assert widened.seconds == 5.0
    patient = _Play(Pace(settle=8)).handed_over({"index.html": 1, "a.js": 1}, at=100)
    patient.change(at=200, files={"index.html": 2, "a.js": 1})
    assert isinstance(patient.change(at=210, files={"index.html": 2, "a.js": 2}), Settled)


def test_a_reference_once_given_up_is_not_waited_for_until_its_file_was_there_again() -> None:
    lacks = Gate("missing-reference", "config.js is missing", ("config.js",))
    play = _Play()
    play.look(at=100, files={"index.html": 1}, gate=lacks)
    assert play.look(at=100.4) == Waiting("missing-reference", "config.js is missing")
    assert play.look(at=109.9) is None
    given_up = play.look(at=play.due())
    assert isinstance(given_up, Settled)
    assert given_up.missing_references == ("config.js",)
    assert isinstance(play.change(at=120, files={"index.html": 2}, gate=lacks), Settled)
    assert isinstance(play.change(at=130, files={"index.html": 2, "config.js": 1}), Settled)
    assert play.change(at=140, files={"index.html": 3}, gate=lacks) is None
    assert isinstance(play.look(at=141.1), Waiting)


def test_a_reference_that_was_missing_long_before_the_start_is_not_waited_for() -> None:
    play = _Play()
    play.look(at=100, files={"index.html": 1}, gate=Gate("missing-reference", "", ("config.js",)), age=60)
    assert isinstance(play.look(at=100.1), Settled)


def test_another_missing_reference_is_waited_for_though_one_was_given_up() -> None:
    play = _Play(Pace(give_up=1))
    lacks = Gate("missing-reference", "config.js is missing", ("config.js",))
    play.look(at=100, files={"index.html": 1}, gate=lacks, age=60)
    assert isinstance(play.look(at=100.1), Settled)
    play.change(at=120, files={"index.html": 2}, gate=replace(lacks, missing=("config.js", "main.js")))
    assert play.state.said == ""
    assert play.due() == pytest.approx(121.02)


def test_E10_what_a_folder_lacks_is_said_once_and_ends_with_the_old_tree_too() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    assert play.change(at=200, files=None) is None  # builds empty their folder: not worth a word yet
    assert isinstance(play.look(at=201.2), Waiting)
    assert play.look(at=203.3) is None
    assert isinstance(play.change(at=210, files={"index.html": 1}), Settled)


def test_a_folder_emptied_for_a_moment_is_not_worth_a_word() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    play.change(at=200, files={})
    assert play.look(at=200.6) is None
    assert play.change(at=200.9, files={"index.html": 1}) is None


def test_reports_that_no_look_confirms_put_a_tree_off_for_1_s_at_most() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    play.heard = Heard(200, 200)
    play.look(at=200.1, files={"index.html": 2})
    for tenth in range(2, 13):
        play.heard = Heard(200 + tenth / 10, 200 + tenth / 10)
        assert play.look(at=200 + tenth / 10 + 0.01) is None
    play.heard = Heard(201.3, 201.3)
    assert isinstance(play.look(at=201.31), Settled)


def test_E11_changes_that_are_never_reported_make_it_poll_and_a_report_ends_that() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    play.change(at=200, files={"index.html": 2}, reported=False)
    assert play.due() == pytest.approx(202.42)
    play.look(at=300, files={"index.html": 3})
    polling = play.look(at=300.3)
    assert isinstance(polling, Polling)
    assert polling.seconds == 0.3
    assert isinstance(play.look(at=300.31), Settled)
    assert play.due() == pytest.approx(300.61)
    assert isinstance(play.change(at=400, files={"index.html": 4}), Settled)
    assert play.due() == pytest.approx(402.32)


def test_a_late_report_is_no_reason_to_poll() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    for round_ in range(1, 5):
        play.look(at=200 * round_, files={"index.html": round_ + 1})
        play.heard = Heard(200 * round_ + 0.05, 200 * round_ + 0.05)
        play.look(at=200 * round_ + 0.15)
        assert isinstance(play.look(at=200 * round_ + 0.4), Settled)


def test_two_looks_that_agree_lie_apart_however_late_they_are() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    play.heard = Heard(200, 200)
    play.look(at=250, files={"index.html": 2})  # its reader was busy
    assert play.due() == pytest.approx(250.1)


def test_a_report_says_nothing_of_a_folder_that_took_the_others_place() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    play.heard = Heard(200, 200)
    play.look(at=200.2, files={"index.html": 2}, root_id=(1, 2))
    assert play.state.changed_at == 200.2


def test_nothing_is_known_of_what_was_written_after_the_reports_ended() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    play.heard = Heard(200, 200, ended=True)
    play.look(at=200.2, files={"index.html": 2})
    assert play.state.changed_at == 200.2


def test_of_reports_only_those_since_a_look_count_for_the_next() -> None:
    assert Heard(1, 3).since(3) is None
    assert Heard(1, 3).since(2) == Heard(3, 3)
    assert Heard(1, 3).since(0.5) == Heard(1, 3)


def test_a_long_settle_time_is_no_time_without_looks() -> None:
    play = _Play(Pace(settle=9)).handed_over({"index.html": 1}, at=100)
    play.heard = Heard(200, 200)
    play.look(at=203, files={"index.html": 2})
    assert play.due() == pytest.approx(206)  # a third, for looks lie apart; 2 s are shorter
    play.look(at=206)
    assert play.due() == 209


def test_an_idle_folder_is_looked_at_less_often_the_dearer_a_look_is() -> None:
    cheap = _Play().handed_over({"index.html": 1}, at=100)
    dear = _Play(took=0.2).handed_over({"index.html": 1}, at=100)
    assert cheap.due() == 102
    assert dear.due() - 100 == pytest.approx(0.2 / 0.03, abs=0.3)


def test_a_burst_without_end_is_looked_at_now_and_then() -> None:
    play = _Play().handed_over({"index.html": 1}, at=100)
    play.heard = Heard(200, 200.05)
    assert play.due() == 102  # the safety look comes first
    play.look(at=200, files={"index.html": 2})
    play.heard = Heard(200.01, 200.95)
    assert play.due() == pytest.approx(201.01)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2)), max_size=6), st.data())
def test_two_scans_are_the_same_exactly_when_they_are_equal(
    files: list[tuple[str, int]], data: st.DataObject
) -> None:
    before = _scan(dict(files))
    other = data.draw(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2)), max_size=6))
    after = data.draw(
        st.sampled_from(
            [
                _scan(dict(files)),
                _scan(dict(other)),
                replace(before, root_id=(9, 9)),
                replace(before, links={"a": "b"}),
            ]
        )
    )
    assert same(before, after) == (before == after)
    assert same(None, None)
    assert not same(before, None)
    assert not same(None, before)


class _Play:
    """The rules, told look by look what is there."""

    def __init__(self, pace: Pace | None = None, took: float = 0.001) -> None:
        self.state = State(pace or Pace())
        self.took = took
        self.heard: Heard | None = None
        self._files: dict[str, int] | None = None
        self._gate = Gate()
        self._root_id = (1, 1)

    def look(self, *, at: float, age: float = 0.0, **there: Any) -> Seen | None:
        if "files" in there:
            self._files = there["files"]
            self._gate = there.get("gate", _gate(self._files))
        self._root_id = there.get("root_id", self._root_id)
        tree = None if self._files is None else replace(_scan(self._files), root_id=self._root_id)
        look = Look(at, self.took, tree, self._gate, age)
        self.state, seen = advance(self.state, look, self.heard)
        self.heard = self.heard.since(at) if self.heard else None
        return seen

    def change(self, *, at: float, reported: bool = True, **there: Any) -> Seen | None:
        """Something changed at `at`: look when it is due, until all is still; what was seen last."""
        self.heard = Heard(at + 0.02, at + 0.02) if reported else None
        seen = self.look(at=at + 0.12, **there)
        while seen is None and self.due() < at + max(self.state.settle, 0.3) + 0.5:
            seen = self.look(at=self.due())
        return seen

    def handed_over(self, files: dict[str, int], *, at: float) -> "_Play":
        self.look(at=at - 0.01, files=files, age=3600)
        assert isinstance(self.look(at=at), Settled)
        return self

    def due(self) -> float:
        return next_look(self.state, self.heard)


def _gate(files: dict[str, int] | None) -> Gate:
    if files is None:
        return Gate("folder-missing", "no folder")
    return Gate() if "index.html" in files else Gate("no-index", "no index")


def _scan(files: dict[str, int]) -> Scan:
    return Scan(Path("dist"), (1, 1), {path: (v, v, v, v) for path, v in sorted(files.items())}, {})
