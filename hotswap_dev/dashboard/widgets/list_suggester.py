"""What could be meant in a line of several items between commas: the end of the last one."""

from __future__ import annotations

from collections.abc import Sequence

from textual.suggester import Suggester

from hotswap_dev.dashboard.typed_values import as_item


class SuggestItem(Suggester):
    """Completes the item that is being typed by the first candidate that begins so, whatever its case."""

    def __init__(self, candidates: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._candidates = [(one.casefold(), one) for one in candidates if as_item(one) == one]

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line as it would be; None where nothing that is known begins so."""
        before, comma, last = value.rpartition(",")
        typed = last.lstrip()
        if not typed:
            return None
        begins = typed.casefold()
        found = next((one for small, one in self._candidates if small.startswith(begins)), None)
        if found is None or len(found) == len(typed):
            return None
        return f"{before}{comma}{last[: len(last) - len(typed)]}{typed}{found[len(typed) :]}"
