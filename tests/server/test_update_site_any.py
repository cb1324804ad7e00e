"""Whatever is sent in the second protocol: never a 5xx, and never a record of what did not happen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotswap_dev.domain.observations import CheckAnswered, Observation, UpdateReported
from hotswap_dev.domain.reasons import CODES
from tests.server.asking import Answer, Asking, write_frontend
from tests.server.update_asking import complete, listed, post

EXAMPLES = 300

E = TypeVar("E", bound=Observation)

texts = st.text(max_size=20) | st.sampled_from(
    ["", "frontend", "0.1.0", "0.1.0-ota.1", "1.0", "\x00", "é" * 300]
)
numbers = st.integers(-3, 5) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | texts
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)


def nearly(whole: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Documents with all their fields as they should be, but for a few that are anything, or missing."""
    spoiled = st.dictionaries(st.sampled_from([*whole, "surplus"]), anything | st.just(MISSING), max_size=2)
    return st.builds(
        lambda right, wrong: {name: one for name, one in {**right, **wrong}.items() if one is not MISSING},
        st.fixed_dictionaries(dict(whole)),
        st.just({}) | spoiled,
    )


MISSING = object()

questions = nearly(
    {
        "product": st.just("your_app") | texts,
        "version": st.integers(0, 3) | st.sampled_from(["0.1.0", "0.1.0-ota.1", "0.0.1"]),
        "platform": st.sampled_from(["macOS", "Windows", "plan9"]),
        "locale": st.just("en-US"),
    }
)
said_of_one = nearly(
    {
        "status": st.sampled_from(["success", "failed"]),
        "reason": texts,
        "version": st.just("0.1.0-ota.1"),
        "hash_function": st.sampled_from(["sha512", "sha256", "md5"]),
        "hash_value": texts,
        "size": st.integers(0, 1000),
    }
)
completions = nearly(
    {
        "updates": st.dictionaries(
            st.sampled_from(["frontend", "blocklist"]) | texts, said_of_one | anything, min_size=1, max_size=4
        ),
        "request_id": texts,
    }
)
documents = questions | completions | nearly({"product": texts, "updates": anything}) | anything
paths = st.sampled_from(["/update", "/update/completion"])
content_types = st.none() | st.sampled_from(
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="\\"',
        "multipart/form-data; boundary*=utf-8''%00",
        "multipart/form-data; boundary*0=a; boundary*1=b",
        ";",
        "/",
        "application/json; charset=nonsense",
    ]
)
bodies = (
    st.binary(max_size=200)
    | documents.map(lambda document: json.dumps(document).encode())
    | documents.map(lambda document: b"a=1&doc=" + json.dumps(document).encode())
    | documents.map(lambda document: b"--x\r\n\r\n%b\r\n--x--\r\n" % json.dumps(document).encode())
    | st.lists(
        st.sampled_from([b"--x", b"\r\n", b"--", b"{}", b"=", b"&", b'{"updates":', b"}", b"%7B", b"\xff"])
    ).map(b"".join)
)


async def each(law: Callable[..., Awaitable[None]], **strategies: st.SearchStrategy[Any]) -> None:
    """Hold a law about a server that runs in this loop: the examples are drawn in a thread."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(**strategies)
    def one(**drawn: Any) -> None:
        async def held() -> None:
            await law(**drawn)

        asyncio.run_coroutine_threadsafe(held(), loop).result(20)

    await asyncio.to_thread(one)


async def since(server: Asking, revision: int, kind: type[E]) -> list[E]:
    """What happened above a revision, of one kind."""
    async for batch in server.engine.bus.read(revision, heartbeat=0):
        return [event for _, event in batch if isinstance(event, kind)]
    return []


def demand_an_answer(answer: Answer) -> None:
    """One of those that the protocol has."""
    assert answer.status in (200, 204, 400), (answer.status, answer.body)
    if answer.status == 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["parameter"] in ("body", "product", "version", "platform", "updates")
        assert answer.json["example"]
        assert answer.json["detail"].isprintable()
    else:
        assert bool(answer.body) == (answer.status == 200)


async def test_any_document_is_answered_as_the_protocol_has_it_and_recorded_as_it_was_answered(
    server: Asking,
) -> None:
    async def law(document: Any, path: str) -> None:
        before = server.engine.bus.revision

        answer = await post(server, json.dumps(document).encode(), path=path)

        demand_an_answer(answer)
        checks = await since(server, before, CheckAnswered)
        reports = await since(server, before, UpdateReported)
        if answer.reason is not None:
            [check] = checks
            assert reports == []
            assert (check.status, check.reason) == (answer.status, answer.reason)
            assert check.reason in CODES
            assert check.offered == (1 if answer.status == 200 else None)
            assert check.request_id == (answer.json["request_id"] if answer.status == 200 else None)
        else:
            assert checks == []
            said = [report.update_type for report in reports]
            assert said == (
                [] if answer.status == 400 else [one["update_type"] for one in answer.json["recorded"]]
            )

    await each(law, document=documents, path=paths)


async def test_any_bytes_of_any_type_are_answered(server: Asking) -> None:
    async def law(body: bytes, content_type: str | None, path: str) -> None:
        demand_an_answer(await post(server, body, content_type, path))

    await each(law, body=bodies, content_type=content_types, path=paths)


async def test_any_completion_of_a_real_request_is_recorded_for_its_client_and_its_releases(
    server: Asking, tmp_path: Path
) -> None:
    """The flags are worked out here once more, from the offer that the client holds."""
    await server.publish(write_frontend(tmp_path / "data", "data"), update_type="blocklist")
    reported: set[tuple[str, str]] = set()
    known: list[tuple[str, str, dict[str, dict[str, Any]]]] = []

    async def law(device: str, again: bool, updates: Mapping[str, Mapping[str, Any]]) -> None:
        if not (again and known):
            asked = {"product": "p", "version": 0, "platform": "linux", "locale": "de"}
            answer = await post(server, json.dumps(asked).encode(), X_Device_Id=device)
            known.append((answer.json["request_id"], device, listed(answer)))
        request_id, owner, offers = known[-1]
        before = server.engine.bus.revision

        answer = await complete(server, request_id, updates)

        assert answer.status == 200
        rows = await since(server, before, UpdateReported)
        assert {row.client for row in rows} == {owner}
        assert {row.request_id for row in rows} == {request_id}
        by_type = {row.update_type: row for row in rows}
        news = any((request_id, kind) not in reported for kind in updates)
        for kind, said in updates.items():
            row, offer = by_type[kind], offers.get(kind)
            assert ("repeated" in row.flags) == ((request_id, kind) in reported)
            assert ("not-offered" in row.flags) == (offer is None)
            assert row.sequence == (None if offer is None else int(offer["url"].split("/")[-2]))
            assert (row.status, row.version) == (said.get("status", ""), said.get("version"))
            for flag, field in (
                ("version-mismatch", "version"),
                ("hash-mismatch", "hash_value"),
                ("size-mismatch", "size"),
            ):
                wrong = offer is not None and field in said and said[field] != offer[field]
                assert (flag in row.flags) == wrong, (flag, row.flags, said)
            reported.add((request_id, kind))
        left = {
            kind for kind in offers if news and kind not in updates and (request_id, kind) not in reported
        }
        assert {row.update_type for row in rows if row.status == "not-reported"} == left
        assert len(rows) == len(updates) + len(left)

    bundle = server.engine.controls.releases[1].bundle
    fields = st.fixed_dictionaries(
        {},
        optional={
            "status": st.sampled_from(["success", "failed"]),
            "version": st.sampled_from(["0.1.0-ota.1", "0.1.0-ota.2", "0.1.0"]),
            "hash_value": st.sampled_from(["ab" * 64, bundle.hash]),
            "size": st.sampled_from([bundle.size, 1]),
        },
    )
    await each(
        law,
        device=st.sampled_from(["Pixel 8", "iPhone", "é"]),
        again=st.booleans(),
        updates=st.dictionaries(
            st.sampled_from(["frontend", "blocklist", "other"]), fields, min_size=1, max_size=3
        ),
    )
