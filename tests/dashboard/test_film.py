"""A film is its frames: whatever they show, and at every moment; it is small, and stands alone."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dashboard.film import CELL, MARGIN, ROW, Cell, Frame, animated, paced

SVG = "{http://www.w3.org/2000/svg}"
PAPER, INK = "#10141a", "#e8ebf0"


def row(text: str, width: int, ink: str = INK, ground: str = PAPER) -> tuple[Cell, ...]:
    return tuple(Cell(letter, ink, ground) for letter in text.ljust(width))


def frames_of(*screens: Sequence[str], width: int = 20) -> list[Frame]:
    return [Frame(float(at), tuple(row(line, width) for line in screen)) for at, screen in enumerate(screens)]


class Projector:
    """Shows a film as a browser would: the first picture, then over it each group whose time has come."""

    def __init__(self, film: str, seconds: float) -> None:
        self.root = ET.fromstring(film)
        self.seconds = seconds
        style = self.root.findtext(f"{SVG}style") or ""
        self.looks = {
            found[1]: (found[2], bool(found[3]))
            for found in re.finditer(r"\.([a-zA-Z]\w*)\{fill:(#\w{6})(;font-weight:700)?\}", style)
        }
        self.begins = {
            found[1]: float(found[2])
            for found in re.finditer(
                r"@keyframes (f\d+)\{0%\{visibility:hidden\}([\d.]+)%\{visibility:visible\}\}", style
            )
        }
        self.stored = {one.get("id"): one for one in self.root.findall(f"{SVG}defs/{SVG}g")}
        self.columns = (int(self.root.get("width", 0)) - 2 * MARGIN) // CELL
        self.rows = (int(self.root.get("height", 0)) - 2 * MARGIN) // ROW

    def at(self, seconds: float) -> list[list[Cell]]:
        return self._screen(
            {name for name, begins in self.begins.items() if begins <= seconds / self.seconds * 100}
        )

    def poster(self) -> list[list[Cell]]:
        """What is seen where nothing is animated."""
        return self._screen({one.get("id") for one in self.groups("p")})

    def groups(self, part: str) -> list[ET.Element]:
        return self.root.findall(f"{SVG}g/{SVG}g[@class='{part}']/{SVG}g")

    def _screen(self, shown: set[str | None]) -> list[list[Cell]]:
        screen = [[Cell(" ", INK, PAPER) for _ in range(self.columns)] for _ in range(self.rows)]
        for one, top in self._drawn(shown):
            colour, bold = self.looks[one.get("class", "")]
            if one.tag == f"{SVG}path":
                found = re.fullmatch(r"M(\d+) (\d+)h(\d+)v(\d+)h-(\d+)", one.get("d", ""))
                assert found is not None
                x, y, width, height, back = map(int, found.groups())
                assert width == back
                line = screen[(y + top) // ROW]
                for at in range(x // CELL, (x + width) // CELL):
                    # A bar is a half of its line here, and at the bottom of it.
                    half = height < ROW and (y + top) % ROW == ROW // 2 == height
                    assert half or height == ROW
                    line[at] = Cell("▄", colour, line[at].ground, bold) if half else Cell(" ", INK, colour)
            else:
                text = one.text or ""
                assert int(one.get("textLength", len(text) * CELL)) == len(text) * CELL
                line = screen[(int(one.get("y", 0)) + top) // ROW]
                for at, letter in enumerate(text, start=int(one.get("x", 0)) // CELL):
                    # A space draws nothing: a bar may be there.
                    line[at] = line[at] if letter == " " else Cell(letter, colour, line[at].ground, bold)
        return screen

    def _drawn(self, shown: set[str | None]) -> Iterator[tuple[ET.Element, int]]:
        [screen] = self.root.findall(f"{SVG}g")
        for one in screen:
            if one.get("class") not in ("p", "q") or one.tag != f"{SVG}g":
                yield from self._placed(one, 0)
            else:
                for group in one:
                    for inner in group if group.get("id") in shown else ():
                        yield from self._placed(inner, 0)

    def _placed(self, one: ET.Element, top: int) -> Iterator[tuple[ET.Element, int]]:
        if one.tag == f"{SVG}use":
            for inner in self.stored[one.get("href", "")[1:]]:
                yield from self._placed(inner, top + int(one.get("y", 0)))
        else:
            yield one, top


def seen(cells: Sequence[Sequence[Cell]]) -> list[list[tuple[str, str, str, bool]]]:
    """What a person sees: of an empty place only its ground."""
    return [
        [
            (cell.text, cell.ink, cell.ground, cell.bold)
            if cell.text != " "
            else (" ", "", cell.ground, False)
            for cell in line
        ]
        for line in cells
    ]


cells = st.sampled_from(
    [
        Cell(text, ink, ground, bold)
        for text in "   ab<&▄"
        for ink, ground, bold in [(INK, PAPER, False), (INK, "#203040", False), ("#ff0000", PAPER, True)]
    ]
)


@st.composite
def films(draw: st.DrawFn) -> list[Frame]:
    """Screens that are much like the ones before them, as a terminal's are."""
    columns, lines = draw(st.integers(1, 12)), draw(st.integers(1, 3))
    line = st.lists(cells, min_size=columns, max_size=columns).map(tuple)
    screen = [draw(line) for _ in range(lines)]
    found = [Frame(0.0, tuple(screen))]
    for at in range(1, draw(st.integers(1, 5))):
        for _ in range(draw(st.integers(0, 3))):
            number, other = draw(st.integers(0, lines - 1)), draw(st.integers(0, lines - 1))
            column = draw(st.integers(0, columns - 1))
            changed = (*screen[other][:column], draw(cells), *screen[other][column + 1 :])
            screen[number] = changed
        found.append(Frame(float(at), tuple(screen)))
    return found


@settings(max_examples=40)
@given(films())
def test_at_every_moment_it_shows_the_frame_of_that_moment(frames: list[Frame]) -> None:
    seconds = len(frames) + 1.0
    shown = Projector(animated(frames, seconds=seconds, title="t"), seconds)
    for frame in frames:
        assert seen(shown.at(frame.at + 0.5)) == seen(frame.rows)


@settings(max_examples=40)
@given(films(), st.data())
def test_where_nothing_may_move_it_is_the_frame_that_was_chosen(
    frames: list[Frame], data: st.DataObject
) -> None:
    chosen = data.draw(st.integers(0, len(frames) - 1))
    film = animated(frames, seconds=99, title="t", poster=chosen)
    assert seen(Projector(film, 99).poster()) == seen(frames[chosen].rows)
    assert ".q>g{visibility:hidden}" in film
    assert "animation" not in film.partition("prefers-reduced-motion:no-preference")[0]


@settings(max_examples=40)
@given(films())
def test_the_same_frames_are_the_same_bytes(frames: list[Frame]) -> None:
    again = [
        Frame(frame.at, tuple(tuple(Cell(*cell) for cell in line) for line in frame.rows)) for frame in frames
    ]
    assert animated(frames, seconds=9, title="t") == animated(again, seconds=9, title="t")


def test_a_wide_character_is_drawn_whole_and_what_follows_it_stays_in_its_column() -> None:
    before = Frame(0.0, (row("ab c", 6),))
    wide = (Cell("漢", INK, PAPER), Cell("", INK, PAPER), *row(" d", 4))
    film = Projector(animated([before, Frame(1.0, (wide,))], seconds=2, title="t"), 2)
    [group] = film.groups("q")
    assert [(one.get("x"), one.get("textLength"), one.text) for one in group.iter(f"{SVG}text")] == [
        ("0", str(4 * CELL), "漢 d")
    ]


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("▁▁", "M0 15.75h16v2.25h-16"),
        ("██", "M0 0h16v18h-16"),
        ("▌", "M0 0h4v18h-4"),
        ("▐", "M4 0h4v18h-4"),
        ("░", "M0 0h8v18h-8"),
        ("▔", "M0 0h8v2.25h-8"),
    ],
)
def test_bars_and_shades_fill_their_cells_and_nothing_else(text: str, drawn: str) -> None:
    [ground, bar] = ET.fromstring(
        animated([Frame(0, (row(text, len(text), ink="#ff0000"),))], seconds=1, title="t")
    ).iter(f"{SVG}path")
    assert (ground.get("class") != bar.get("class"), bar.get("d")) == (True, drawn)
    assert bar.get("opacity") == ("0.25" if text == "░" else None)


def test_one_changed_figure_costs_little_and_a_line_that_scrolls_is_stored_once() -> None:
    lines = [f"{number:02} a client asked, and was told of release {number}" for number in range(40)]
    still = frames_of(lines[:20], [*lines[:19], lines[19].replace("19", "20")], width=60)
    one_figure = len(animated(still, seconds=9, title="t")) - len(animated(still[:1], seconds=9, title="t"))
    assert one_figure < 500
    scrolling = frames_of(*(lines[at : at + 20] for at in range(20)), width=60)
    film = animated(scrolling, seconds=30, title="t")
    assert all(film.count(line) == 1 for line in lines[1:38])


def test_it_loads_nothing_runs_no_script_and_says_its_title() -> None:
    film = animated(frames_of(["<script>", "x"], ["url(", "y"]), seconds=3, title='a < b & "c"')
    root = ET.fromstring(film)
    assert root.findtext(f"{SVG}title") == 'a < b & "c"'
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {
        "svg",
        "title",
        "style",
        "defs",
        "g",
        "rect",
        "path",
        "text",
        "use",
    }
    assert all(
        value.startswith("#") for one in root.iter() for name, value in one.items() if name.endswith("href")
    )
    assert not re.search(r"url\(|@import|@font-face", root.findtext(f"{SVG}style") or "")


def test_what_is_followed_at_once_is_left_out_and_nothing_stands_for_longer_than_it_may() -> None:
    screens = [(0.0, "a"), (5.0, "b"), (5.04, "c"), (5.06, "d"), (6.0, "d"), (7.0, "e")]
    frames = [Frame(at, (row(text, 3),)) for at, text in screens]
    assert [(frame.at, frame.rows[0][0].text) for frame in paced(frames, shortest=0.1, longest=2)] == [
        (0.0, "a"),
        (2.0, "d"),
        (3.94, "e"),
    ]


def test_no_two_come_at_one_time() -> None:
    frames = [Frame(at, (row(str(at), 6),)) for at in (0.0, 0.5, 0.999, 1.0001, 2.0)]
    kept = paced(frames, shortest=0.5, longest=2)
    assert all(before.at < after.at for before, after in pairwise(kept))
    assert animated(kept, seconds=9, title="t")


def test_of_many_that_follow_each_other_at_once_one_is_kept_now_and_then() -> None:
    frames = [Frame(at / 10, (row(str(at), 3),)) for at in range(100)]
    kept = paced(frames, shortest=0.5, longest=2)
    assert len(kept) == 20
    assert kept[-1].rows == frames[-1].rows


@settings(max_examples=40)
@given(films(), st.floats(0.1, 3), st.floats(0.5, 4))
def test_a_paced_film_begins_at_0_ends_on_the_same_screen_and_never_stands_longer(
    frames: list[Frame], shortest: float, longest: float
) -> None:
    kept = paced(frames, shortest=shortest, longest=longest)
    assert kept[0].at == 0
    assert kept[-1].rows == frames[-1].rows
    assert all(0 < after.at - before.at <= longest + 0.011 for before, after in pairwise(kept))
    assert all(before.rows != after.rows for before, after in pairwise(kept))


@pytest.mark.parametrize(
    ("frames", "seconds"),
    [
        ([], 5),
        ([Frame(0, (row("a", 2),)), Frame(1, (row("a", 3),))], 5),
        ([Frame(0, (row("a", 2),)), Frame(0, (row("b", 2),))], 5),
        ([Frame(0, (row("a", 2),)), Frame(5, (row("b", 2),))], 5),
    ],
    ids=["none", "two sizes", "at one time", "after the end"],
)
def test_frames_that_are_no_film_are_refused(frames: list[Frame], seconds: float) -> None:
    with pytest.raises(ValueError, match="frame"):
        animated(frames, seconds=seconds, title="t")
