"""Which client a person means: an id, a name that was given, or the beginning of either."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hotswap_dev.errors import HotswapError


def meant(wanted: str, ids: Collection[str], names: Mapping[str, str]) -> str | None:
    """The id of the one client that `wanted` means; None where it means none.

    In this order: a whole id, a whole name, the beginning of one id or name, whatever its case. HotswapError lists the
    clients where it could be several. `names` maps ids to names; whoever has one is known, seen or not.
    """
    if wanted in ids or wanted in names:
        return wanted
    known = {**{one: one for one in ids}, **names}
    whole = [one for one, name in known.items() if name == wanted]
    small = wanted.casefold()
    found = whole or [
        one
        for one, name in known.items()
        if small and (one.casefold().startswith(small) or name.casefold().startswith(small))
    ]
    if len(found) > 1:
        some = ", ".join(sorted(found)[:5]) + (", …" if len(found) > 5 else "")
        raise HotswapError(
            f"client: {wanted!r} could be {len(found)} clients: {some}",
            "give more of the id",
            code="ambiguous-client",
        )
    return found[0] if found else None
