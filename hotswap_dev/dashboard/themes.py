"""The two themes: calm, with contrast for a projector, and hues that the colour-blind can tell apart.

Blue, bluish green, amber and vermilion are those of Okabe and Ito, brighter on dark and darker on light. No state is
said by a hue alone: a word says it too. Where NO_COLOR is set Textual draws without colours, `widgets.roles` by weight.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="hotswap-dark",
    dark=True,
    background="#10141a",
    surface="#181e27",
    panel="#232c38",
    foreground="#e8ebf0",
    primary="#6cbcf5",
    secondary="#9fb3c8",
    accent="#c5b3ff",
    success="#4fd6a6",
    warning="#f2c14e",
    error="#ff8562",
    variables={
        "text-primary": "#6cbcf5",
        "text-accent": "#c5b3ff",
        "text-success": "#4fd6a6",
        "text-warning": "#f2c14e",
        "text-error": "#ff8562",
        "text-fault": "#ef9fd0",
        "warning-muted": "#3d3214",
        "border": "#3a4757",
        "border-blurred": "#2a3441",
        "footer-background": "#10141a",
        "block-cursor-background": "#26384b",
        "block-cursor-foreground": "#e8ebf0",
        "input-selection-background": "#6cbcf5 30%",
        "scrollbar": "#2f3b4a",
        "scrollbar-hover": "#46566a",
        "scrollbar-active": "#6cbcf5",
        "scrollbar-background": "#10141a",
        "scrollbar-background-hover": "#10141a",
        "scrollbar-background-active": "#10141a",
        "scrollbar-corner-color": "#10141a",
    },
)

LIGHT = Theme(
    name="hotswap-light",
    dark=False,
    background="#fdfcfa",
    surface="#f6f4ef",
    panel="#efece5",
    foreground="#0f1318",
    primary="#005a96",
    secondary="#45566a",
    accent="#5b37a8",
    success="#006448",
    warning="#7d4c00",
    error="#a83200",
    variables={
        "text-primary": "#005a96",
        "text-accent": "#5b37a8",
        "text-success": "#006448",
        "text-warning": "#7d4c00",
        "text-error": "#a83200",
        "text-fault": "#98216b",
        "warning-muted": "#f7e3b4",
        "border": "#c9c4b6",
        "border-blurred": "#dcd8cc",
        "footer-background": "#fdfcfa",
        "block-cursor-background": "#d5e5f2",
        "block-cursor-foreground": "#0f1318",
        "input-selection-background": "#005a96 25%",
        "scrollbar": "#cfcabd",
        "scrollbar-hover": "#b3ad9d",
        "scrollbar-active": "#005a96",
        "scrollbar-background": "#fdfcfa",
        "scrollbar-background-hover": "#fdfcfa",
        "scrollbar-background-active": "#fdfcfa",
        "scrollbar-corner-color": "#fdfcfa",
    },
)
