"""How a role of `spans` looks in the theme that is chosen; without colours, by weight alone."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.theme import Theme

from hotswap_dev.dashboard.spans import Role


def role_style(role: Role, app: App[Any]) -> Style:
    """The style of a role, to be laid over the widget's own: it has a background only where the role needs one."""
    return role_styles(app)[role]


def role_styles(app: App[Any]) -> Mapping[Role, Style]:
    """The styles of every role in the app's theme as it is now; the same object as long as the theme stays."""
    if app.no_color:
        return _COLOURLESS
    theme = app.current_theme
    return _themed(_Looks(theme))


class _Looks:
    """A theme as the key of a cache: themes are compared by what they are called and what they are."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme

    def __hash__(self) -> int:
        return hash((self.theme.name, self.theme.primary))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Looks) and (self.theme is other.theme or self.theme == other.theme)


@functools.lru_cache(maxsize=8)
def _themed(looks: _Looks) -> Mapping[Role, Style]:
    theme = looks.theme
    variables = {**theme.to_color_system().generate(), **theme.variables}

    def colour(name: str) -> Color:
        return Color.parse(variables[name])

    def ink(name: str, *, bold: bool = False) -> Style:
        return Style(color=colour(name).rich_color, bold=bold or None)

    paper, foreground, alarm = colour("background"), colour("foreground"), colour("error")
    if paper.ansi is not None:  # the terminal's own sixteen colours: none of them can be mixed
        soft = Style(dim=True)
        chip = Style(color=colour("text-warning").rich_color, reverse=True, bold=True)
        danger = Style(color=alarm.rich_color, reverse=True, bold=True)
    else:
        # The terminal's own "dim" is drawn differently everywhere, and on some not at all.
        soft = Style(color=paper.blend(foreground, 0.58, 1.0).rich_color)
        chip = Style(color=foreground.rich_color, bgcolor=colour("warning-muted").rich_color, bold=True)
        danger = Style(color=alarm.get_contrast_text(1.0).rich_color, bgcolor=alarm.rich_color, bold=True)
    return MappingProxyType(
        {
            "text": Style.null(),
            "dim": soft,
            "strong": Style(bold=True),
            "good": ink("text-success"),
            "warn": ink("text-warning"),
            "bad": ink("text-error", bold=True),
            "accent": ink("text-primary"),
            "key": ink("text-accent", bold=True),
            "chip": chip,
            # A theme of Textual's own has no colour for it.
            "fault": ink("text-fault" if "text-fault" in variables else "text-secondary"),
            "danger": danger,
        }
    )


_COLOURLESS: Mapping[Role, Style] = MappingProxyType(
    {
        "text": Style.null(),
        "dim": Style(dim=True),
        "strong": Style(bold=True),
        "good": Style.null(),
        "warn": Style(underline=True),
        "bad": Style(bold=True, underline=True),
        "accent": Style(bold=True),
        "key": Style(bold=True),
        "chip": Style(reverse=True),
        "fault": Style(italic=True, underline=True),
        "danger": Style(reverse=True, bold=True, underline=True),
    }
)
