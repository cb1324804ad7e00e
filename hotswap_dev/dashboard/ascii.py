"""The dashboard where the terminal has no UTF-8, or no glyphs for it: each sign of ours by one that every font has."""

from __future__ import annotations

from collections.abc import Mapping

from hotswap_dev.dashboard.spans import Line, Span, cells

_SIGNS: Mapping[str, str] = {
    "▸": ">",
    "→": ">",
    "←": "<",
    "±": "~",
    "↓": "v",
    "↑": "^",
    "✓": "+",
    "✗": "x",
    "×": "x",  # noqa: RUF001 - the sign that is meant
    "●": "*",
    "…": "~",
    "·": "-",
    "—": "-",
    "–": "-",  # noqa: RUF001 - the sign that is meant
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "▁": "_",
    "▂": ".",
    "▃": ":",
    "▄": "-",
    "▅": "=",
    "▆": "+",
    "▇": "*",
    "█": "#",
    "░": ".",
    "▒": "%",
    "▓": "=",
    "─": "-",
    "│": "|",
}
"""One column for one column: what stood below each other still does."""

_POOR_TERMINALS = ("linux", "vt", "ansi", "cons25", "dumb", "unknown")


def wants_ascii(environ: Mapping[str, str], encoding: str | None = None) -> bool:
    """Whether signs beyond ASCII would be boxes or question marks.

    `encoding` is the terminal stream's, where it is known; else the locale's settings say it, in the order of POSIX
    (LC_ALL, LC_CTYPE, LANG). Where nothing says anything, a terminal of today is believed to have UTF-8. The Linux
    console has UTF-8 and a font of 256 or 512 glyphs, which lacks most of ours.
    """
    if environ.get("TERM", "").lower().startswith(_POOR_TERMINALS):
        return True
    if encoding is None:
        said = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := environ.get(name))), "")
        if not said:
            return False
        encoding = said.partition(".")[2].partition("@")[0] or (
            "utf-8" if said.lower() == "utf-8" else "ascii"
        )
    return encoding.lower().replace("-", "").replace("_", "") not in ("utf8", "cp65001")


def in_ascii(spans: Line, encoding: str = "ascii") -> Line:
    r"""A line as such a terminal can draw it, in no more columns than before.

    Text from outside stays where `encoding` has it, else a letter is `\u{…}` as everywhere in hotswap-dev; what no
    longer fits is cut, with a `~`.
    """
    if all(span.text.isascii() for span in spans):
        return spans
    room = cells(spans)
    drawn = tuple(Span("".join(_letter(one, encoding) for one in span.text), span.role) for span in spans)
    if cells(drawn) <= room:
        return drawn
    if room <= 0:  # signs that only change the one before them, as a tone of skin alone
        return ()
    out: list[Span] = []
    left = room - 1
    for span in drawn:
        if len(span.text) > left:
            out.append(Span(f"{span.text[:left]}~", span.role))
            break
        out.append(span)
        left -= len(span.text)
    return tuple(out)


def _letter(letter: str, encoding: str) -> str:
    if letter.isascii():
        return letter
    if (sign := _SIGNS.get(letter)) is not None:
        return sign
    if "\u2800" <= letter <= "\u28ff":  # braille, of which plots are made
        return " " if letter == "\u2800" else "."
    if "\u2500" <= letter <= "\u257f":
        return "+"
    if "\u2580" <= letter <= "\u259f":
        return "#"
    try:
        letter.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return f"\\u{{{ord(letter):x}}}"
    return letter
