"""Request ids carry what they stand for, and nobody else can write one."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hotswap_dev.storage import request_ids
from hotswap_dev.storage.request_ids import (
    MOST_REPORTED,
    NONCE_BYTES,
    Offered,
    ReportedBefore,
    RequestIds,
    version_mark,
)

IDS = RequestIds(b"secret")
NONCE = b"\0" * NONCE_BYTES
TOKEN = "0123456789"

offers = st.dictionaries(st.integers(1, 2**64 - 1), st.text(max_size=20), max_size=64)


@given(
    nonce=st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES),
    token=st.binary(min_size=5, max_size=5),
    offered=offers,
)
def test_what_was_written_is_read(nonce: bytes, token: bytes, offered: dict[int, str]) -> None:
    written = IDS.write(nonce, token.hex(), offered.items())

    marks = {sequence: version_mark(version) for sequence, version in offered.items()}
    assert IDS.read(written) == Offered(token.hex(), marks)
    assert written.isascii()
    assert written.isprintable()
    assert len(written) <= 1000


@given(text=st.text(max_size=60) | st.text("ABCabc019-_=+/ \n", max_size=60))
def test_no_other_text_is_read(text: str) -> None:
    assert IDS.read(text) is None


@given(offered=offers, place=st.integers(0), letter=st.sampled_from("ABCXYZabcxyz0189-_=+/. "))
def test_no_letter_of_an_id_can_be_changed_or_added(offered: dict[int, str], place: int, letter: str) -> None:
    written = IDS.write(NONCE, TOKEN, offered.items())
    place %= len(written) + 1
    changed = written[:place] + letter + written[place + 1 :]
    assume(changed != written)

    assert IDS.read(changed) is None
    assert IDS.read(written[:place] + letter + written[place:]) is None
    assert IDS.read(written[:place]) is None or place == len(written)


def test_of_several_texts_for_the_same_bytes_only_the_one_that_was_written_is_read() -> None:
    written = IDS.write(NONCE, TOKEN, [(1, "1.0")])
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    bits = 4  # of 34 letters' 204, that 25 bytes leave over
    last = alphabet.index(written[-1])
    assert last % 2**bits == 0

    assert IDS.read(written) is not None
    assert [IDS.read(written[:-1] + alphabet[last + more]) for more in range(1, 2**bits)] == [None] * 15


def test_an_id_of_another_workspace_is_not_read() -> None:
    assert RequestIds(b"other").read(IDS.write(NONCE, TOKEN, [(1, "1.0")])) is None


def test_an_id_for_one_release_has_34_characters() -> None:
    assert len(IDS.write(NONCE, TOKEN, [(1, "1.0.0-ota.1")])) == 34


def test_a_report_is_a_repetition_once_it_was_made() -> None:
    reported = ReportedBefore()

    assert reported.add("id", "frontend") is False
    assert reported.add("id", "blocklist") is False
    assert reported.add("other", "frontend") is False
    assert reported.add("id", "frontend") is True
    assert ("id", "frontend") in reported
    assert ("id", "other") not in reported


def test_C7_the_oldest_reports_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_ids, "MOST_REPORTED", 3)
    reported = ReportedBefore()
    for number in range(4):
        reported.add(str(number), "frontend")

    assert [(str(number), "frontend") in reported for number in range(4)] == [False, True, True, True]


def test_what_earlier_runs_recorded_counts_as_older_than_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_ids, "MOST_REPORTED", 3)
    reported = ReportedBefore()
    reported.add("now", "frontend")
    newest_first = [{"request_id": name, "update_type": "frontend"} for name in ("late", "middle", "early")]

    reported.refill(newest_first)

    assert [(name, "frontend") in reported for name in ("now", "late", "middle", "early")] == [
        True, True, True, False,
    ]  # fmt: skip
    reported.add("new", "frontend")
    assert ("middle", "frontend") not in reported
    assert ("late", "frontend") in reported


def test_C7_of_the_history_no_more_is_taken_in_than_is_known_at_once() -> None:
    reported = ReportedBefore()
    reported.refill({"request_id": str(n), "update_type": "frontend"} for n in range(MOST_REPORTED + 10))

    assert (str(MOST_REPORTED - 1), "frontend") in reported
    assert (str(MOST_REPORTED), "frontend") not in reported
