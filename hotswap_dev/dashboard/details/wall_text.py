"""The wall of phones, as the dashboard tells of it: its link, who may follow it, and how it reaches a phone."""

from __future__ import annotations

from urllib.parse import urlsplit

from hotswap_dev.dashboard.details.paragraphs import head, section, sentence, whole
from hotswap_dev.dashboard.spans import Line, Span


def wall_lines(link: str | None, said: str, width: int, *, code: bool) -> list[Line]:
    """The page. `link` is None as long as there is none, and `said` says why; `code` is whether a QR code is shown."""
    lines = [head((Span("Wall of phones", "strong"),), (), width), ()]
    if link is None:
        return [*lines, *sentence(said, width, role="dim")]
    lines += sentence(
        "Each client is a phone with the page that it runs now. Open the link in a browser of this machine; "
        "y copies it.",
        width,
    )
    lines += section("link", width)
    lines += whole(link, width, role="accent")
    lines += sentence(
        "Who has it may look, and can change nothing. It ends with the server.", width, role="dim"
    )
    port = urlsplit(link).port
    lines += section("a phone by usb", width)
    lines += whole(f"adb reverse tcp:{port} tcp:{port}", width, role="key")
    if code:
        lines += sentence(
            "Then scan the code. Without a tunnel it leads nowhere: the link works on this machine only.",
            width,
            role="dim",
        )
    return lines
