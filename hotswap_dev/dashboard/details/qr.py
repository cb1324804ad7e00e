"""An address as a QR code, as rows of text to be drawn dark on light."""

from __future__ import annotations

import segno

QUIET = 4
"""Modules of light around it (ISO/IEC 18004, 5.3.8): without them many a camera finds nothing."""

_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def qr_rows(text: str, *, in_ascii: bool = False) -> list[str]:
    """The code with its quiet zone, every row as wide as the others.

    Two modules are one character high, so that a module is about square; in ASCII one is `##`, twice as large.
    Both are for a light background and dark ink, whatever the theme is.
    """
    code = segno.make(text, error="l", boost_error=False, micro=False)
    modules = [[bool(module) for module in row] for row in code.matrix_iter(border=QUIET)]
    if in_ascii:
        return ["".join("##" if dark else "  " for dark in row) for row in modules]
    if len(modules) % 2:
        modules.append([False] * len(modules[0]))
    return [
        "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(modules[::2], modules[1::2], strict=True)
    ]
