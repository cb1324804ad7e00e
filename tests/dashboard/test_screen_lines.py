"""Lines are drawn as text in the look of their roles, whatever is in them and whatever the theme is."""

from __future__ import annotations

import typing
from collections.abc import Sequence

import pytest
from rich.color import Color, ColorType
from textual.app import App, ComposeResult

from hotswap_dev.dashboard.ascii import in_ascii
from hotswap_dev.dashboard.spans import Line, Role, Span, cells, line
from hotswap_dev.dashboard.themes import DARK, LIGHT
from hotswap_dev.dashboard.widgets.lines import Lines
from hotswap_dev.dashboard.widgets.roles import role_style, role_styles
from tests.dashboard.details import HOSTILE

pytestmark = pytest.mark.screens

ROLES: tuple[Role, ...] = typing.get_args(Role)


class Page(App[None]):
    def __init__(self, lines: Sequence[Line] = ()) -> None:
        super().__init__()
        self.first = lines

    def compose(self) -> ComposeResult:
        yield Lines(lambda _: self.first)

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    @property
    def page(self) -> Lines:
        return self.query_one(Lines)

    def rows(self) -> list[str]:
        return ["".join(one.text for one in strip) for strip in self.screen._compositor.render_strips()]


def numbered(count: int) -> list[Line]:
    return [line(f"line {number}") for number in range(count)]


async def test_lines_are_drawn_from_the_top_and_the_rest_is_empty() -> None:
    app = Page(numbered(3))
    async with app.run_test(size=(20, 5)):
        assert [row.rstrip() for row in app.rows()] == ["line 0", "line 1", "line 2", "", ""]


async def test_other_lines_keep_the_place_as_long_as_there_are_enough_of_them() -> None:
    app = Page(numbered(30))
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.pause()
        await pilot.press("j", "j")
        app.page.show([line(f"other {number}") for number in range(30)])
        await pilot.pause()
        assert app.rows()[0].startswith("other 2")

        app.page.show(numbered(3))
        await pilot.pause()
        assert app.rows()[0].startswith("line 0")


async def test_lines_are_made_for_the_width_that_there_is() -> None:
    app = Page()
    async with app.run_test(size=(40, 5)) as pilot:
        app.page.draw(lambda width: [line("x" * width)])
        await pilot.pause()
        assert len(app.rows()[0].rstrip()) == 39  # one is the scrollbar's

        await pilot.resize_terminal(20, 5)
        for _ in range(200):  # a resize is told by a timer
            if app.page.size.width == 20:
                break
            await pilot.pause(0.005)
        await pilot.pause()
        assert len(app.rows()[0].rstrip()) == 19


async def test_a_line_is_revealed_by_scrolling_no_further_than_it_takes() -> None:
    app = Page(numbered(30))
    async with app.run_test(size=(20, 5)) as pilot:
        for number, top in ((3, 0), (7, 3), (6, 3), (1, 1)):
            app.page.reveal(number)
            await pilot.pause()
            assert app.page.scroll_offset.y == top


async def test_C3_a_span_that_nobody_made_harmless_can_t_draw_by_itself() -> None:
    app = Page([line(Span(text, "bad")) for text in HOSTILE])
    async with app.run_test(size=(60, 20)):
        rows = app.rows()

        assert len(rows) == 20
        assert all(row.isprintable() for row in rows)
        assert rows[0].startswith("[red]bold[/red]")
        assert rows[1].startswith("[@click=app.leave]Pixel[/]")
        assert rows[2].startswith("\\x1b]52;c;")


async def test_C2_a_click_on_markup_runs_nothing() -> None:
    app = Page([line("[@click=app.exit]x[/]"), line("[link=file:///x]y[/link]")])
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.click(offset=(20, 0))
        await pilot.click(offset=(18, 1))
        assert app.is_running
        assert all(style.link is None for _, style, _ in app.page.render_line(1) if style is not None)


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name, "ansi-dark", "nord", "textual-light"])
async def test_every_role_has_a_look_in_every_theme_and_it_changes_with_the_theme(theme: str) -> None:
    app = Page([line(Span(role, role)) for role in ROLES])
    async with app.run_test(size=(30, 12)) as pilot:
        before = role_style("good", app)
        app.theme = theme
        await pilot.pause()

        styles = role_styles(app)
        assert set(styles) == set(ROLES)
        assert styles is role_styles(app)  # made once for a theme
        assert (role_style("good", app) == before) == (theme == DARK.name)
        looks = [styles[role] for role in ROLES]
        assert len(set(looks)) == len(looks)
        assert [row.strip() for row in app.rows()][: len(ROLES)] == list(ROLES)


@pytest.mark.parametrize("theme", [DARK, LIGHT])
async def test_the_inks_are_the_theme_s_own(theme: typing.Any) -> None:
    app = Page()
    async with app.run_test():
        app.theme = theme.name
        for role, name in (("good", "text-success"), ("bad", "text-error"), ("warn", "text-warning")):
            colour = role_style(role, app).color  # type: ignore[arg-type]
            assert colour == Color.parse(theme.variables[name])


async def test_without_colours_roles_are_told_apart_by_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Page([line(Span(role, role)) for role in ROLES])
    async with app.run_test(size=(30, 12)):
        styles = role_styles(app)

        assert all(style.color is None and style.bgcolor is None for style in styles.values())
        assert styles["danger"] != styles["chip"] != styles["text"]
        assert styles["bad"] != styles["warn"] != styles["good"]
        inks = {
            segment.style.color.type
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.style and segment.style.color
        }
        assert inks <= {ColorType.TRUECOLOR, ColorType.DEFAULT}


def test_a_sign_that_takes_no_column_takes_none_in_ascii_either() -> None:
    assert in_ascii((Span("\U0001f3fb", "warn"),)) == ()
    assert cells(in_ascii((Span("a\U0001f3fb", "warn"),))) == 1
