"""Requests of the second protocol as anybody can send them, and what was recorded of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hotswap_dev.domain.observations import CheckAnswered, UpdateReported
from tests.server.asking import Answer, Asking, times

QUESTION: Mapping[str, Any] = {"product": "your_app", "version": 0, "platform": "macOS", "locale": "en-US"}
"""The contract's question, of a client that runs nothing yet."""


async def post(
    server: Asking,
    body: bytes,
    content_type: str | None = "application/json",
    path: str = "/update",
    **headers: str,
) -> Answer:
    """Send bytes; a header's name has `_` for `-`."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type is not None:
        sent["Content-Type"] = content_type
    return await server._ask("POST", server.running.file.site + path, sent, body)


async def ask(server: Asking, changes: Mapping[str, Any] | None = None, **headers: str) -> Answer:
    """Ask with the contract's question; a field that is None is left out."""
    document = {name: value for name, value in {**QUESTION, **(changes or {})}.items() if value is not None}
    return await post(server, json.dumps(document).encode(), **headers)


async def complete(
    server: Asking, request_id: str | None, updates: Any, *, path: str = "/update/completion", **headers: str
) -> Answer:
    """Send a completion."""
    document = {"updates": updates} | ({} if request_id is None else {"request_id": request_id})
    return await post(server, json.dumps(document).encode(), path=path, **headers)


def listed(answer: Answer) -> dict[str, dict[str, Any]]:
    """The updates of an answer by their types."""
    assert answer.status == 200, (answer.status, answer.body)
    return {update["update_type"]: update for update in answer.json["available_updates"]}


async def checks(server: Asking, count: int) -> list[CheckAnswered]:
    """The first so many checks that were answered."""
    return await times(server.engine, CheckAnswered, count)


async def reports(server: Asking, count: int) -> list[UpdateReported]:
    """The first so many reports of updates."""
    return await times(server.engine, UpdateReported, count)
