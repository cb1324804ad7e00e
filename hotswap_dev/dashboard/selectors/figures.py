"""How figures and names read on the screen: short, in the unit that a person would use, in the local time of day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from hotswap_dev.dashboard.spans import Line, Role, Span, line
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.clients import Client
from hotswap_dev.domain.model import DEFAULT_CHANNEL
from hotswap_dev.domain.text import shown

TIMES = "\N{MULTIPLICATION SIGN}"
_LEVELS = "▁▂▃▄▅▆▇█"

_FLAGS = {
    "platform-unknown": "no known platform",
    "arch-unknown": "no known arch",
    "binary-version-empty": "no binary version",
}


def age(then: datetime, now: datetime) -> str:
    """How long ago something was: `12 s`, `4 min`, `3 h`, `2 d`; a clock that was set back is no time."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length, until in (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 48 * 3600)):
        if seconds < until:
            return f"{seconds // length} {unit}"
    return f"{seconds // (24 * 3600)} d"


def several(names: Sequence[str], most: int = 3) -> str:
    """`Pixel, iPad and 5 more`."""
    head = ", ".join(names[:most])
    return head if len(names) <= most else f"{head} and {len(names) - most} more"


def spans_of(sequences: Iterable[int]) -> str:
    """Sequences, the highest first, where three neighbours or more are one: `16, 14…9`."""
    runs: list[list[int]] = []
    for one in sorted(set(sequences), reverse=True):
        if runs and runs[-1][-1] == one + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(f"{run[0]}…{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def name_of(client: str, view: View) -> str:
    """What people call a client, or its id."""
    return shown(view.controls.names.get(client) or client)


def seen_last_first(view: View) -> Iterator[Client]:
    """The clients, beginning with the one that was seen last."""
    clients = view.clients
    return (clients[one] for one in reversed(list(clients)))


def channel_of(client: Client) -> str:
    """The channel that a client asks for."""
    return client.channel or DEFAULT_CHANNEL


def flag_words(flags: Iterable[str]) -> str:
    """What a check has that the plugin never sends."""
    return ", ".join(_FLAGS.get(one, shown(one)) for one in flags)


def folder(path: str) -> str:
    """A folder by its last name, whatever the system that it is on: `dist`."""
    return shown(path.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or path)


def spark(counts: Sequence[int], width: int) -> str:
    """The last `width` counts as a small plot; "" where there was nothing."""
    last = counts[-width:] if width > 0 else ()
    most = max(last, default=0)
    if most <= 0:
        return ""
    return "".join(_LEVELS[-(-one * 7 // most)] for one in last)


def bar(parts: Sequence[tuple[int, str, Role]], total: int, width: int) -> Line:
    """Parts of a whole, each drawn by its letter; whoever counts has a column, as long as there is one."""
    if total <= 0 or width <= 0:
        return line(Span("░" * max(0, width), "dim"))
    out: list[Span] = []
    left = width
    for count, letter, role in parts:
        wide = min(left, max(1, round(count * width / total))) if count > 0 else 0
        if wide:
            out.append(Span(letter * wide, role))
            left -= wide
    if left:
        out.append(Span("░" * left, "dim"))
    return tuple(out)


def parted(parts: Sequence[tuple[int, str, Role]], width: int) -> Line:
    """Counts side by side in exactly `width` columns, each by its sign; whoever counts has a column.

    Where there are fewer columns than parts, the largest are drawn.
    """
    counting = [one for one in parts if one[0] > 0]
    if not counting or width <= 0:
        return (Span("░" * max(0, width), "dim"),)
    if len(counting) > width:
        largest = sorted(counting, key=lambda one: -one[0])[:width]
        counting = [one for one in counting if one in largest][:width]
    whole, free = sum(count for count, _, _ in counting), width - len(counting)
    exact = [count * free / whole for count, _, _ in counting]
    wide = [1 + int(one) for one in exact]
    by_rest = sorted(range(len(counting)), key=lambda place: (int(exact[place]) - exact[place], place))
    for place in by_rest[: width - sum(wide)]:
        wide[place] += 1
    return tuple(Span(sign * columns, role) for (_, sign, role), columns in zip(counting, wide, strict=True))
