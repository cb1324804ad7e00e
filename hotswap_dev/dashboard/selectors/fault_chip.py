"""An armed fault as a chip: what it is, for whom, and how long."""

from __future__ import annotations

from collections.abc import Mapping

from hotswap_dev.dashboard.selectors.figures import TIMES, name_of
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.commands.faults import overtaken_by
from hotswap_dev.domain.fact_words import scope_words
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.model import ArmedFault
from hotswap_dev.domain.text import shown


def fault_chip(armed: ArmedFault, view: View) -> str:
    """What is armed, for whom, and how long: `download/http-error 503 Pixel · 2 more attempts · chance 50 %`."""
    values = " ".join(
        _UNITS.get(name, "{}").format(value if isinstance(value, str) else f"{value:g}")
        for name, value in armed.parameters.items()
        if value != 0 or name != "jitter"
    )
    head = " ".join(
        one for one in (shown(armed.fault), shown(values, 60), whom(armed.client, armed.channel, view)) if one
    )
    newer = overtaken_by(view.controls, armed)
    poisoned = "" if armed.sequence is None else f"as {armed.sequence}"
    if newer is not None:
        poisoned += f", overtaken by {newer}"
    chance = "" if armed.probability is None else f"chance {armed.probability * 100:g} %"
    return " · ".join(one for one in (head, poisoned, _lasting(armed), chance) if one)


def _lasting(armed: ArmedFault) -> str:
    """How often it strikes yet. Which of a client's attempts that will be nobody knows beforehand: it may be at its
    second when the fault is armed.
    """
    if armed.left is None:
        return ""
    if armed.fault not in _BY_ATTEMPT:
        return f"{TIMES}{armed.left}"
    if armed.fired:
        return f"{armed.left} more {'attempt' if armed.left == 1 else 'attempts'}"
    return "1 attempt" if armed.left == 1 else f"{armed.left} attempts"


_UNITS: Mapping[str, str] = {
    "ms": "{} ms",
    "jitter": "±{} ms",
    "seconds": "{} s",
    "kb_s": "{} kB/s",
    "percent": "{} %",
}
_BY_ATTEMPT = frozenset(name for name, kind in every_fault().items() if kind.stage == "download")


def whom(client: str | None, channel: str | None, view: View) -> str:
    """Whom something is armed for, by the names that people know."""
    if client is None:
        return shown(scope_words(None, channel, {}))
    return name_of(client, view) + (f" on {shown(channel)}" if channel else "")
