"""Completions of the second protocol: recorded as they are, with what is wrong in them flagged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev.domain.commands.releases import EditRelease
from hotswap_dev.domain.updates import MOST_TYPES
from tests.server.asking import Asking, until, write_frontend
from tests.server.conftest import Serve
from tests.server.update_asking import ask, complete, listed, post, reports
from tests.server.update_client import UpdateClient, failed, success


@pytest.fixture
def client(server: Asking) -> UpdateClient:
    return UpdateClient(server.running.file.site, server.session)


async def offered(server: Asking, **headers: str) -> tuple[str, dict[str, Any]]:
    """The request id of an answer, and its frontend update."""
    answer = await ask(server, None, **headers)
    return answer.json["request_id"], listed(answer)["frontend"]


async def flags_of(server: Asking, request_id: str | None, update: Any, kind: str = "frontend") -> list[str]:
    """The flags with which a completion of one update is recorded."""
    answer = await complete(server, request_id, {kind: update})
    assert answer.status == 200, answer.body
    flags: list[str] = answer.json["recorded"][0]["flags"]
    return flags


async def test_a_success_is_recorded_for_the_client_and_the_release_that_were_offered(
    server: Asking, client: UpdateClient
) -> None:
    available = await client.ask()
    assert available is not None

    said = await client.complete(available.request_id, {"frontend": success(available.of("frontend"))})

    [report] = await reports(server, 1)
    assert (report.client, report.update_type, report.status) == ("local/macos", "frontend", "success")
    assert (report.sequence, report.version) == (1, "0.1.0-ota.1")
    assert (report.request_id, report.flags, report.detail) == (available.request_id, (), "")
    assert said == {
        "recorded": [{"update_type": "frontend", "status": "success", "sequence": 1, "flags": []}]
    }


async def test_a_failure_is_recorded_with_its_reason(server: Asking, client: UpdateClient) -> None:
    available = await client.ask()
    assert available is not None

    await client.complete(
        available.request_id, {"frontend": failed(available.of("frontend"), "bad checksum")}
    )

    [report] = await reports(server, 1)
    assert (report.status, report.detail, report.flags) == ("failed", "bad checksum", ())


@pytest.mark.parametrize("path", ["/update", "/update/completion"])
async def test_a_completion_is_one_at_either_address(server: Asking, path: str) -> None:
    request_id, update = await offered(server)

    answer = await complete(server, request_id, {"frontend": {"status": "success", **update}}, path=path)

    assert answer.json["recorded"][0]["flags"] == []
    [report] = await reports(server, 1)
    assert report.sequence == 1


async def test_a_completion_may_come_in_a_form(server: Asking) -> None:
    request_id, update = await offered(server)
    document = json.dumps(
        {"request_id": request_id, "updates": {"frontend": {"status": "success", **update}}}
    )

    answer = await post(
        server,
        b"--x\r\nContent-Disposition: form-data; name=d\r\n\r\n" + document.encode() + b"\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
    )

    assert answer.json["recorded"][0]["sequence"] == 1


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "another version": ({"version": "9.9.9"}, ["version-mismatch"]),
    "another hash": ({"hash_value": "ab" * 64}, ["hash-mismatch"]),
    "a hash of a function that nobody named": (
        {"hash_function": "crc32", "hash_value": "abcd"},
        ["hash-unchecked"],
    ),
    "another size": ({"size": 1}, ["size-mismatch"]),
    "no status": ({"status": None}, ["missing-status"]),
    "a status that there is not": ({"status": "maybe"}, ["unknown-status"]),
    "no version": ({"version": None}, ["missing-version"]),
    "a failure without a reason": ({"status": "failed"}, ["missing-reason"]),
    "a failure of nothing in particular": (
        {"status": "failed", "reason": "x", "hash_value": None, "size": None},
        ["missing-hash", "missing-size"],
    ),
    "a size that is a text": ({"size": "12"}, ["malformed"]),
    "a size that is a truth": ({"size": True}, ["malformed"]),
    "a version that is a number": ({"version": 1}, ["malformed", "missing-version"]),
    "a status that is an array": ({"status": []}, ["malformed", "missing-status"]),
    "several things at once": (
        {"size": 1, "version": "2.0", "hash_value": "00"},
        ["version-mismatch", "hash-mismatch", "size-mismatch"],
    ),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_does_not_fit_is_recorded_and_flagged(server: Asking, what: str) -> None:
    changes, flags = WRONG[what]
    request_id, update = await offered(server)
    said = {
        name: value for name, value in {"status": "success", **update, **changes}.items() if value is not None
    }

    assert await flags_of(server, request_id, said) == flags

    [report] = await reports(server, 1)
    assert report.flags == tuple(flags)
    assert (report.client, report.sequence) == ("local/macos", 1)


@pytest.mark.parametrize("said", ["success", 1, None, [], True])
async def test_an_update_that_is_no_object_is_recorded_as_malformed(server: Asking, said: Any) -> None:
    request_id, _ = await offered(server)

    assert await flags_of(server, request_id, said) == ["malformed"]


async def test_the_hash_may_be_written_in_capitals_or_be_the_sha256_that_names_the_bundle(
    server: Asking,
) -> None:
    request_id, update = await offered(server)
    capitals = {"status": "success", **update, "hash_value": update["hash_value"].upper()}
    release = server.engine.controls.releases[1]
    other = {"status": "success", **update, "hash_function": "SHA-256", "hash_value": release.bundle.hash}

    assert await flags_of(server, request_id, capitals) == []
    assert await flags_of(server, request_id, other) == ["repeated"]


async def test_a_version_that_was_edited_after_the_offer_still_fits_as_the_new_one_does(
    server: Asking,
) -> None:
    request_id, update = await offered(server)
    await server.engine.run(EditRelease(sequence=1, version="2.0.0"))

    assert await flags_of(server, request_id, success_of(update)) == []
    assert await flags_of(server, request_id, {"status": "success", "version": "2.0.0"}) == ["repeated"]
    assert await flags_of(server, request_id, {"status": "success", "version": "2.0.1"}) == [
        "repeated",
        "version-mismatch",
    ]


async def test_a_type_that_was_not_offered_is_recorded_without_a_release(server: Asking) -> None:
    request_id, _ = await offered(server)

    answer = await complete(
        server, request_id, {"gecko_media_plugins": {"status": "success", "version": "1.0"}}
    )

    flags = {
        one["update_type"]: (one["status"], one["sequence"], one["flags"]) for one in answer.json["recorded"]
    }
    assert flags["gecko_media_plugins"] == ("success", None, ["not-offered"])
    assert flags["frontend"] == ("not-reported", 1, ["not-reported"])


async def test_an_update_that_a_completion_leaves_out_is_recorded_once_as_not_reported(
    server: Asking, client: UpdateClient, tmp_path: Path
) -> None:
    await server.publish(write_frontend(tmp_path / "data", "data"), update_type="blocklist")
    available = await client.ask()
    assert available is not None
    fronted = {"frontend": success(available.of("frontend"))}

    first = await client.complete(available.request_id, fronted)
    again = await client.complete(available.request_id, fronted)
    rest = await client.complete(available.request_id, {"blocklist": success(available.of("blocklist"))})

    assert [(one["update_type"], one["flags"]) for one in first["recorded"]] == [
        ("frontend", []),
        ("blocklist", ["not-reported"]),
    ]
    assert [(one["update_type"], one["flags"]) for one in again["recorded"]] == [("frontend", ["repeated"])]
    assert [(one["update_type"], one["flags"]) for one in rest["recorded"]] == [("blocklist", [])]


@pytest.mark.parametrize("request_id", ["xyz321", "", "A" * 5000, "é\x00\x1b[31m", "AQ", "=", "AAAA" * 20])
async def test_an_unknown_request_is_recorded_for_nobody_and_flagged(server: Asking, request_id: str) -> None:
    flags = await flags_of(server, request_id, {"status": "success", "version": "1.0"})

    assert flags == ["unknown-request" if request_id else "missing-request-id"]
    [report] = await reports(server, 1)
    assert (report.client, report.sequence) == (None, None)
    assert report.request_id.isprintable()
    assert len(report.request_id) <= 1000


async def test_a_request_id_of_another_workspace_or_changed_by_a_letter_is_unknown(server: Asking) -> None:
    request_id, update = await offered(server)
    for place in range(len(request_id)):
        letter = "A" if request_id[place] != "A" else "B"
        forged = request_id[:place] + letter + request_id[place + 1 :]
        assert await flags_of(server, forged, success_of(update)) == ["unknown-request"]


async def test_a_completion_without_a_request_id_is_recorded_and_flagged(server: Asking) -> None:
    assert await flags_of(server, None, {"status": "success", "version": "1"}) == ["missing-request-id"]


async def test_a_repeated_report_is_flagged_and_recorded_again(server: Asking) -> None:
    request_id, update = await offered(server)

    assert await flags_of(server, request_id, success_of(update)) == []
    assert await flags_of(server, request_id, success_of(update)) == ["repeated"]
    assert len(await reports(server, 2)) == 2


async def test_a_report_of_another_client_than_the_one_that_was_offered_is_flagged(server: Asking) -> None:
    request_id, update = await offered(server, X_Device_Id="Pixel 8")

    own = await complete(server, request_id, {"frontend": success_of(update)}, X_Device_Id="Pixel 8")
    silent = await complete(server, request_id, {"frontend": success_of(update)})
    others = await complete(server, request_id, {"frontend": success_of(update)}, X_Device_Id="iPhone")

    assert [one.json["recorded"][0]["flags"] for one in (own, silent, others)] == [
        [],
        ["repeated"],
        ["other-client", "repeated"],
    ]
    assert [report.client for report in await reports(server, 3)] == ["Pixel 8"] * 3


async def test_request_ids_and_what_was_reported_under_them_survive_a_restart(
    serve: Serve, dist: Path
) -> None:
    async with serve() as server:
        await server.publish(dist)
        reported, update = await offered(server, X_Device_Id="Pixel 8")
        waiting, _ = await offered(server, X_Device_Id="Pixel 8")
        left_out, _ = await offered(server, X_Device_Id="Pixel 8")
        assert await flags_of(server, reported, success_of(update)) == []
        assert await flags_of(server, left_out, success_of(update), "other") == ["not-offered"]
    async with serve() as server:
        assert await flags_of(server, reported, success_of(update)) == ["repeated"]
        assert await flags_of(server, waiting, success_of(update)) == []
        assert await flags_of(server, left_out, success_of(update)) == []
        assert [(one.client, one.sequence) for one in await reports(server, 3)] == [("Pixel 8", 1)] * 3


async def test_a_report_of_a_bundle_whose_bytes_are_gone_is_kept_with_its_hash_unchecked(
    serve: Serve, dist: Path
) -> None:
    async with serve() as server:
        release = await server.publish(dist)
        request_id, update = await offered(server)
    async with serve() as server:
        server.engine.bundle_file(release).unlink()

        said = {"status": "success", **update}
        assert await flags_of(server, request_id, said) == ["hash-unchecked"]


@pytest.mark.parametrize(
    ("document", "parameter"),
    [
        (b"{}", "updates"),
        (b'{"request_id": "x"}', "updates"),
        (b'{"updates": []}', "updates"),
        (b'{"updates": {}}', "updates"),
        (b'{"updates": null, "request_id": "x"}', "updates"),
        (json.dumps({"updates": {str(n): {} for n in range(MOST_TYPES + 1)}}).encode(), "updates"),
        (b"[]", "body"),
        (b"", "body"),
        (b'{"updates": {', "body"),
    ],
)
async def test_what_reports_nothing_is_a_400_that_names_the_field_and_is_recorded_nowhere(
    server: Asking, document: bytes, parameter: str
) -> None:
    answer = await post(server, document, path="/update/completion")

    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["parameter"] == parameter
    assert "request_id" in answer.json["example"]
    before = server.engine.bus.revision
    assert await flags_of(server, "x", {}) == ["unknown-request", "missing-status", "missing-version"]
    assert server.engine.bus.revision == before + 1


async def test_C3_hostile_texts_are_recorded_harmless(server: Asking) -> None:
    request_id, _ = await offered(server)
    hostile = "[@click=app.quit]\x1b]52;c;x\x07\u202e" * 30

    await complete(
        server,
        request_id,
        {hostile: {"status": hostile, "version": hostile, "reason": hostile, "hash_value": hostile}},
    )

    report = (await reports(server, 1))[0]
    for text in (report.update_type, report.status, report.version or "", report.detail):
        assert text.isprintable()
        assert 0 < len(text) <= 256


async def test_completions_are_in_the_history(server: Asking) -> None:
    request_id, update = await offered(server)
    await flags_of(server, request_id, success_of(update))
    await until(lambda: server.engine.history.recorded >= server.engine.bus.revision, "all is recorded")

    [row] = (await server.control("/api/history?event=update-reported")).json

    assert (row["update_type"], row["status"], row["sequence"]) == ("frontend", "success", 1)


async def test_the_hash_is_the_sha512_of_what_is_downloaded(server: Asking) -> None:
    _, update = await offered(server)

    content = (await server.get(update["url"])).body

    assert update["hash_function"] == "sha512"
    assert update["hash_value"] == hashlib.sha512(content).hexdigest()
    assert update["size"] == len(content)


def success_of(update: dict[str, Any]) -> dict[str, Any]:
    """The contract's success."""
    return {"status": "success", "version": update["version"]}
