"""Labels held against the truth: what agrees, and that a label which is not true is found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hotswap_dev.domain.labels import CODES, STEPS
from hotswap_dev.fleet.agreement import Truth, began, disagreements, follow, truths
from hotswap_dev.fleet.happened import Happened, What
from hotswap_dev.fleet.plan import Crew, Phone, planned

Step = tuple[What, int] | tuple[What, int, int | None] | tuple[What, int, int | None, str]


def a_phone(*, sequence: int = 0, reports: bool = True) -> Phone:
    return planned([Crew(sequence=sequence, reports=reports)], 1)[0]


def after(phone: Phone, *steps: Step) -> Truth:
    found = began(phone)
    for number, (what, sequence, *more) in enumerate(steps):
        offered, detail = (*more, None, "")[:2] if len(more) < 2 else more
        found = follow(
            found,
            Happened(
                client=phone.id,
                what=what,
                sequence=sequence,
                offered=offered if isinstance(offered, int) else None,
                detail=detail if isinstance(detail, str) else "",
                at=float(number),
            ),
        )
    return found


def agrees(truth: Truth, code: str, **args: Any) -> bool:
    row = {"id": "x", "label": {"code": code, "args": args, "sentence": "…"}}
    return disagreements([row], {"x": truth}) == ()


TAKEN: tuple[Step, ...] = (
    ("launched", 0),
    ("checked", 0, 7),
    ("fetched", 0, 7),
    ("applied", 7),
    ("confirmed", 7),
)
LOST: tuple[Step, ...] = (
    ("launched", 0),
    ("checked", 0, 7),
    ("fetched", 0, 7),
    ("applied", 7),
    ("crashed", 7),
    ("closed", 7),
    ("fell-back", 0, 7),
    ("launched", 0),
    ("checked", 0, 7),
)
FELL = {"sequence": 0, "was": 7, "gave_up": 7, "times": 1}


@pytest.mark.parametrize(
    ("reports", "steps", "code", "args"),
    [
        (True, TAKEN[:2], "embedded", {"sequence": 0}),
        (True, TAKEN, "confirmed", {"sequence": 7}),
        (True, TAKEN, "applied", {"sequence": 7}),
        (False, (*TAKEN, ("checked", 7)), "applied", {"sequence": 7}),
        (True, LOST, "rolled-back", FELL),
        (True, LOST, "rollback-loop", {**FELL, "times": 2}),
        (False, LOST, "not-activated", {"sequence": 0, "fetched": 7, "times": 1}),
        (
            True,
            (("checked", 0, 7), ("failed", 0, 7, "signature verification failed: x")),
            "failed",
            {"sequence": 0, "of": 7, "stage": "apply-error", "error": "x"},
        ),
        (
            False,
            (("checked", 0, 7), ("failed", 0, 7, "extraction failed: x"), ("checked", 0, 7)),
            "not-activated",
            {"sequence": 0, "fetched": 7, "times": 1},
        ),
        (
            True,
            (("checked", 0), ("check-failed", 0, None, "HTTP 500")),
            "failed",
            {"sequence": 0, "stage": "check-error", "error": "HTTP 500"},
        ),
        (
            True,
            (*TAKEN, ("closed", 7), ("upgraded", 0, None, "2.0.0"), ("discarded", 0, 7), ("checked", 0, 7)),
            "upgraded",
            {"sequence": 0, "was": 7, "binary_version": "2.0.0", "was_binary_version": "1.0.0"},
        ),
        (True, (*TAKEN, ("fell-back", 0, 7, "rollback()")), "rolled-back", {**FELL, "by_app": 1}),
    ],
)
def test_a_label_that_is_true_agrees(
    reports: bool, steps: tuple[Step, ...], code: str, args: Mapping[str, Any]
) -> None:
    assert agrees(after(a_phone(reports=reports), *steps), code, **args)


@pytest.mark.parametrize(
    ("reports", "steps", "code", "args"),
    [
        # It runs something else than the label is about.
        (True, (*TAKEN, ("checked", 7)), "embedded", {"sequence": 0}),
        (True, LOST, "applied", {"sequence": 7}),
        # It went back, and that could be seen.
        (True, LOST, "embedded", {"sequence": 0}),
        (True, LOST, "discarded", {**FELL, "minimum": "1.0.0"} | {"sequence": 3}),
        # Nobody confirmed it, or nothing of the kind ever happened.
        (True, (*TAKEN[:4], ("checked", 7)), "confirmed", {"sequence": 7}),
        (True, (*TAKEN, ("checked", 7)), "rolled-back", {**FELL, "sequence": 7}),
        (True, (*TAKEN, ("checked", 7)), "failed", {"sequence": 7, "stage": "check-error", "error": "x"}),
        (True, (*TAKEN, ("checked", 7)), "running", {"sequence": 7}),
        (True, (*TAKEN, ("checked", 7)), "shared-id", {"sequence": 7, "was": 6}),
        # A check that failed is over when the next one is answered.
        (
            True,
            (("checked", 0), ("check-failed", 0), ("checked", 0)),
            "failed",
            {"sequence": 0, "stage": "check-error", "error": "x"},
        ),
        # Who does not report can't be known to be confirmed, and here was not.
        (False, (*TAKEN[:4], ("crashed", 7), ("checked", 7)), "confirmed", {"sequence": 7}),
    ],
)
def test_a_label_that_is_not_true_is_found(
    reports: bool, steps: tuple[Step, ...], code: str, args: Mapping[str, Any]
) -> None:
    assert not agrees(after(a_phone(reports=reports), *steps), code, **args)


def test_after_a_fall_that_a_check_showed_only_labels_that_name_one_agree() -> None:
    truth = after(a_phone(), *LOST)
    args = {**FELL, "fetched": 7, "binary_version": "1.0.0", "was_binary_version": "1.0.0", "minimum": "1"}
    others = {"channel": "x", "last": 3, "stage": "apply", "error": "x", "of": 7}
    agreeing = {code for code in CODES if code not in STEPS and agrees(truth, code, **args, **others)}
    assert agreeing == {
        "rolled-back",
        "rollback-loop",
        "discarded",
        "not-activated",
        "upgraded",
        "downgraded",
        "shared-id",  # it names the fall as what else may have happened
    }


def test_what_a_client_did_since_it_was_last_heard_of_is_not_asked_of_the_server() -> None:
    truth = after(a_phone(), *TAKEN[:4], ("crashed", 7), ("closed", 7), ("fell-back", 0, 7), ("launched", 0))
    assert agrees(truth, "applied", sequence=7)
    assert not agrees(after(a_phone(), *LOST), "applied", sequence=7)


def test_a_client_that_came_with_a_sequence_has_it_from_elsewhere_and_confirmed() -> None:
    truth = after(a_phone(sequence=40), ("launched", 40), ("checked", 40))
    assert agrees(truth, "ahead", sequence=40, last=3)
    assert agrees(truth, "running", sequence=40)
    assert agrees(truth, "confirmed", sequence=40)
    assert not agrees(truth, "applied", sequence=40)


def test_a_client_that_asked_and_has_no_row_is_found_and_one_that_never_asked_is_not() -> None:
    phones = planned([Crew(count=3)], 1)
    whats: tuple[What, ...] = ("checked", "checked", "launched")
    steps = [
        Happened(client=phone.id, what=what, sequence=0, at=0.0)
        for phone, what in zip(phones, whats, strict=True)
    ]
    found = disagreements([{"id": phones[1].id, "label": None}, {"id": "other"}], truths(phones, steps))
    assert [(one.client, one.said, one.truly, one.running) for one in found] == [
        (phones[0].id, "nothing: it has no row", ("embedded",), 0),
        (phones[1].id, "nothing: its row has no label", ("embedded",), 0),
    ]
