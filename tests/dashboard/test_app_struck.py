"""The whole dashboard with rows of faults, reports and completions: found, opened, and harmless whatever is in them."""

from __future__ import annotations

import pytest

from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.observations import CheckAnswered, Observation
from tests.dashboard.desks import busy, checked, desk_on, later, line_with, on_screen, strips_of
from tests.dashboard.scripted import Desk
from tests.dashboard.struck import REQUEST, asked_by_post, became, completed, fetch, reported
from tests.unit.making import NOW

pytestmark = pytest.mark.screens

HANG = {"fault": "hang", "id": 1, "left": "", "client": "phone", "channel": "", "instead": "up-to-date"}


def struck(second: float = 1, **more: object) -> CheckAnswered:
    """A check of the phone that was answered nothing."""
    return checked("phone", at=later(second), status=0, reason="fault", args=HANG, fault="hang", **more)


def harmless(desk: Desk) -> None:
    """Nothing on the screen draws by itself, and every row ends where the terminal does."""
    for strip in strips_of(desk.app):
        assert "".join(segment.text for segment in strip).isprintable()
        assert strip.cell_length == desk.app.size.width


async def test_a_struck_check_is_followed_explained_and_opened() -> None:
    control = busy()
    control.happens(*ArmFault(fault="hang", client="phone").events(control.controls, NOW), struck())
    async with desk_on(control) as desk:
        assert "hang" in line_with(desk, " — ")
        assert "By the fault hang, armed for phone, until it is disarmed." in desk.text("why")
        assert "disarm fault 1" in desk.text("why")

        await desk.press("enter")
        assert on_screen(desk.app) == "ExchangeScreen"
        assert "STRUCK BY A FAULT   hotswap-dev disarm-fault 1" in desk.screen
        assert "Nothing: the connection stayed open for a while" in desk.screen


async def test_many_equal_struck_checks_are_one_row_that_counts() -> None:
    async with desk_on(busy(*(struck(second) for second in range(1, 31)))) as desk:
        assert "×30" in line_with(desk, " — ")
        await desk.happens(struck(31))
        assert "×31" in line_with(desk, " — ")


@pytest.mark.parametrize(
    ("typed", "there", "gone"),
    [
        ("fault:hang", " — ", "up-to-date"),
        (REQUEST, "success", "up-to-date"),
        ("protocol:update", "my-product", "ready-confirmed"),
        ("confirmed", "confirmed 14", "my-product"),
        ("unexpected", "unexpected", "up-to-date"),
    ],
)
async def test_the_filter_finds_faults_requests_protocols_and_reports(
    typed: str, there: str, gone: str
) -> None:
    events = [struck(), asked_by_post(at=later(2)), completed(at=later(3)), reported(at=later(4)),
              became(at=later(5), outcome="unexpected")]  # fmt: skip
    async with desk_on(busy(*events), size=(160, 44)) as desk:
        keys = {":": "colon", ".": "full_stop", "-": "minus"}
        await desk.press("slash", *(keys.get(letter, letter) for letter in typed), "enter")

        rows = "\n".join(desk.screen.splitlines()[18:36])
        assert there in rows
        assert gone not in rows


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (completed(at=later(2), client="phone"), "completed frontend 0.4.1-ota.14 with success"),
        (reported(at=later(2), client="phone"), "says ready-confirmed: confirmed 14."),
        (
            became(at=later(2), client="phone", outcome="unexpected"),
            "did something else than it was expected to do",
        ),
        (fetch(at=later(2), client="phone"), "at attempt 2 of 4, after 600 kB of release 14"),
    ],
)
async def test_what_a_client_says_and_does_is_followed_explained_and_opened(
    event: Observation, says: str
) -> None:
    async with desk_on(busy(event)) as desk:
        assert says in " ".join(desk.text("why").split())
        await desk.press("enter")
        assert on_screen(desk.app) == "ExchangeScreen"
        assert "Pixel" in desk.screen


HOSTILE = ("[@click=app.leave]x[/]", "[/nope]", "\x1b]52;c;aGVsbG8=\x07", "a\u202eb\u200bc", "漢字" * 90)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_C3_no_text_of_a_fault_a_report_or_a_completion_does_anything(
    text: str, size: tuple[int, int]
) -> None:
    events: list[Observation] = [
        struck(1, flags=(text,)),
        asked_by_post(text, at=later(2), product=text, request_id=text, args={"updates": text, "header": text}),
        reported(text, at=later(3), error=text, version=text, client=text, peer=text),
        completed(at=later(4), status=text, detail=text, version=text, request_id=text, update_type=text,
                  flags=(text,), client=text),
        became(at=later(5), client=text, detail=text, fault=text),
        fetch(at=later(6), fault=text, client=text, peer=text),
    ]  # fmt: skip
    async with desk_on(busy(*events), size=size) as desk:
        harmless(desk)
        for _ in events:
            await desk.press("enter")
            harmless(desk)
            await desk.press("escape", "j")
        for row in range(4, size[1] - 7, 3):  # below it keys can be clicked
            for column in range(2, size[0], 26):
                await desk.pilot.click(offset=(column, row))
        await desk.rests()
        assert desk.app.is_running
        assert desk.control.commands == []
