"""How many clients or checks a condition asks for: whether they are enough, and in words."""

from __future__ import annotations

from collections.abc import Mapping

from hotswap_dev.scenario.model import Condition

STATIONS: Mapping[str, tuple[str, str]] = {
    "running": ("runs", "run"),
    "confirmed": ("has confirmed", "have confirmed"),
    "fetched": ("has fetched", "have fetched"),
    "offered": ("was offered", "were offered"),
    "fell-back": ("has fallen back from", "have fallen back from"),
    "failed": ("has failed on", "have failed on"),
}
"""What one client does at a station of a release, and what several do."""


def is_counted(condition: Condition) -> bool:
    """Whether it gives a number."""
    return not condition.at_least is condition.at_most is condition.exactly is None


def are_enough(condition: Condition, count: int) -> bool:
    """Whether so many are as many as it asks for; without a number one is."""
    if condition.exactly is not None:
        return count == condition.exactly
    least = (
        condition.at_least if condition.at_least is not None else 0 if condition.at_most is not None else 1
    )
    return count >= least and (condition.at_most is None or count <= condition.at_most)


def how_many(condition: Condition) -> str:
    """`none`, `exactly 3`, `at least 2 and at most 5`."""
    if condition.exactly is not None:
        return "none" if condition.exactly == 0 else f"exactly {condition.exactly}"
    bounds = []
    if condition.at_least is not None or condition.at_most is None:
        bounds.append(f"at least {condition.at_least or 1}")
    if condition.at_most is not None:
        bounds.append(f"at most {condition.at_most}")
    return " and ".join(bounds)


def so_many(condition: Condition, one: str, many: str) -> str:
    """The same before a noun: `no checks`, `at least 1 client`."""
    number = how_many(condition)
    return f"{'no' if number == 'none' else number} {one if is_lone(condition) else many}"


def is_lone(condition: Condition) -> bool:
    """Whether what follows is said as of one."""
    bounds = (condition.exactly, condition.at_most, condition.at_least)
    return next((one for one in bounds if one is not None), 1) < 2
