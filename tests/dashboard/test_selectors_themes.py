"""The themes: every role can be read, on a projector and by who tells red from green badly."""

from __future__ import annotations

import itertools

import pytest
from textual.color import Color
from textual.theme import Theme

from hotswap_dev.dashboard.themes import DARK, LIGHT

INKS = ("text-primary", "text-accent", "text-success", "text-warning", "text-error", "text-fault")


GROUNDS = ("background", "surface", "panel", "block-cursor-background")


def colours(theme: Theme) -> dict[str, Color]:
    """What the theme's names stand for."""
    known = {**theme.to_color_system().generate(), **theme.variables}
    return {name: Color.parse(known[name]) for name in (*INKS, *GROUNDS, "foreground", "warning-muted")}


def contrast(one: Color, other: Color) -> float:
    """WCAG's contrast ratio, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_every_ink_stands_out_from_every_ground(theme: Theme) -> None:
    known = colours(theme)
    for ink in (*INKS, "foreground"):
        for ground in GROUNDS:
            assert contrast(known[ink], known[ground]) >= 4.5, (ink, ground)
    assert contrast(known["text-warning"], known["warning-muted"]) >= 4.5


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_what_is_dim_can_still_be_read(theme: Theme) -> None:
    known = colours(theme)
    dim = known["background"].blend(known["foreground"], 0.58)
    assert contrast(dim, known["background"]) >= 4.5
    for ground in ("surface", "panel"):
        assert contrast(dim, known[ground]) >= 3.5, ground


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_no_two_inks_are_the_same(theme: Theme) -> None:
    known = colours(theme)
    for one, other in itertools.combinations(INKS, 2):
        assert known[one] != known[other]


def test_the_themes_are_what_their_names_say() -> None:
    assert DARK.dark
    assert not LIGHT.dark
    assert _luminance(Color.parse(str(DARK.background))) < _luminance(Color.parse(str(LIGHT.background)))
