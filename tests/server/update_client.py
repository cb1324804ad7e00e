"""A client of the second protocol, written from its description alone: it knows nothing of the server behind it.

What it takes for granted is only what the description says, and it says so where the server tells anything else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True)
class AvailableUpdate:
    """An entry of the list, with the fields that the description's example has, and their types."""

    update_type: str
    url: str
    hash_function: str
    hash_value: str
    size: int
    version: str


@dataclass(frozen=True)
class Available:
    """What a server that has updates tells."""

    updates: Sequence[AvailableUpdate]
    request_id: str

    def of(self, update_type: str) -> AvailableUpdate:
        """The update of this type."""
        return next(update for update in self.updates if update.update_type == update_type)


class NotTheProtocol(Exception):
    """The server said what the description does not say."""


class UpdateClient:
    """An installed application: it asks, downloads, checks what it got, and reports."""

    def __init__(
        self,
        site: str,
        session: aiohttp.ClientSession,
        *,
        product: str = "your_app",
        version: int | str = 0,
        platform: str = "macOS",
        locale: str = "en-US",
    ) -> None:
        self.version = version
        self._site = site
        self._session = session
        self._about = {"product": product, "platform": platform, "locale": locale}

    async def ask(self) -> Available | None:
        """Ask for updates; None where there are none."""
        async with self._session.post(
            f"{self._site}/update", json={**self._about, "version": self.version}
        ) as answer:
            body = await answer.read()
        if answer.status == 204:
            if body:
                raise NotTheProtocol(f"204 with a body: {body!r}")
            return None
        if answer.status != 200:
            raise NotTheProtocol(f"{answer.status}: {body!r}")
        return _available(json.loads(body))

    async def download(self, update: AvailableUpdate) -> bytes:
        """The bytes of an update; ValueError names what is wrong with them, as a completion's reason does."""
        async with self._session.get(update.url) as answer:
            content = await answer.read()
        if answer.status != 200:
            raise ValueError(f"bad status {answer.status}")
        if len(content) != update.size:
            raise ValueError("bad size")
        # The only function that the description names; a client that knows another one too is no worse off.
        if update.hash_function != "sha512" or hashlib.sha512(content).hexdigest() != update.hash_value:
            raise ValueError("bad checksum")
        return content

    async def complete(self, request_id: str, updates: Mapping[str, Mapping[str, Any]]) -> Any:
        """Report what became of updates; what the server says to it, which the description leaves open."""
        async with self._session.post(
            f"{self._site}/update/completion", json={"updates": updates, "request_id": request_id}
        ) as answer:
            body = await answer.read()
        if answer.status // 100 != 2:
            raise NotTheProtocol(f"{answer.status}: {body!r}")
        return json.loads(body) if body else None

    async def update(self) -> Available | None:
        """All of it, as an application does it: ask, fetch, verify, report."""
        available = await self.ask()
        if available is None:
            return None
        report: dict[str, Mapping[str, Any]] = {}
        for update in available.updates:
            try:
                await self.download(update)
            except ValueError as error:
                report[update.update_type] = failed(update, str(error))
            else:
                report[update.update_type] = success(update)
        await self.complete(available.request_id, report)
        return available


def success(update: AvailableUpdate) -> dict[str, Any]:
    """How a completion says that an update was applied."""
    return {"status": "success", "version": update.version}


def failed(update: AvailableUpdate, reason: str) -> dict[str, Any]:
    """How a completion says that it was not, and why."""
    return {
        "status": "failed",
        "reason": reason,
        "version": update.version,
        "hash_function": update.hash_function,
        "hash_value": update.hash_value,
        "size": update.size,
    }


def _available(document: Any) -> Available:
    if not isinstance(document, dict) or set(document) != {"available_updates", "request_id"}:
        raise NotTheProtocol(f"not the list and its request id: {document}")
    updates, request_id = document["available_updates"], document["request_id"]
    if not isinstance(request_id, str) or not request_id or not isinstance(updates, list) or not updates:
        raise NotTheProtocol(f"no list, or no request id: {document}")
    return Available([_update(update) for update in updates], request_id)


def _update(entry: Any) -> AvailableUpdate:
    fields = {name: int if name == "size" else str for name in AvailableUpdate.__annotations__}
    if not isinstance(entry, dict) or {name: type(value) for name, value in entry.items()} != fields:
        raise NotTheProtocol(f"an update has other fields: {entry}")
    return AvailableUpdate(**entry)
