"""One release as a whole, and two compared: what changed, what is doubtful, and who ran it when."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hotswap_dev import wire
from hotswap_dev.domain.facts import BundlesPruned
from hotswap_dev.domain.observations import CheckAnswered
from hotswap_dev.server import release_changes
from tests.server.asking import Asking, until


def edit(dist: Path) -> Path:
    """A second build: a file is added, one changed, one removed."""
    (dist / "app.js").unlink()
    (dist / "new.css").write_text("body{}")
    (dist / "index.html").write_text("<!doctype html><title>second</title>")
    return dist


async def the_release(server: Asking, sequence: int) -> Any:
    answer = await server.control(f"/api/releases/{sequence}")
    assert answer.status == 200, answer.body
    return answer.json


async def running(server: Asking, sequence: int, count: int) -> list[int]:
    """The steps of a release's way over time, once there are so many: the history is written behind the answers."""
    async with asyncio.timeout(10):
        while True:
            points = (await the_release(server, sequence))["adoption"]["points"]
            if len(points) >= count:
                return [clients for _, clients in points]
            await asyncio.sleep(0.01)


async def test_a_release_has_what_its_row_has_and_what_changed_since_the_one_before(
    server: Asking, dist: Path
) -> None:
    sizes = {path.name: path.stat().st_size for path in dist.iterdir()}
    await server.publish(edit(dist))

    found = await the_release(server, 2)

    row = (await server.control("/api/releases")).json[0]
    assert {name: found[name] for name in row} == row
    assert found["compared_with"] == 1
    assert found["changes"] == [
        {"path": "app.js", "change": "removed", "before": sizes["app.js"], "after": None},
        {"path": "index.html", "change": "changed", "before": sizes["index.html"], "after": 36},
        {"path": "new.css", "change": "added", "before": None, "after": 6},
    ]
    assert found["counts"] == {"added": 1, "changed": 1, "removed": 1, "same": 0}
    assert found["sizes"] == {
        "before": sum(sizes.values()),
        "after": 42,
        "bundle_before": server.engine.controls.releases[1].bundle.size,
        "bundle_after": row["bundle"]["size"],
    }
    assert found["changes_missing"] is None


async def test_the_first_release_of_a_channel_has_none_to_compare_with(server: Asking, dist: Path) -> None:
    await server.publish(dist, channel="beta")

    for sequence, channel in ((1, "production"), (2, "beta")):
        found = await the_release(server, sequence)
        assert (found["compared_with"], found["changes"], found["counts"]) == (None, None, None)
        assert found["changes_missing"] == f"it is the first release of channel {channel}"


async def test_a_release_is_compared_with_the_one_before_it_in_its_own_channel(
    server: Asking, dist: Path
) -> None:
    await server.publish(dist, channel="beta")
    await server.publish(edit(dist))

    found = await the_release(server, 3)

    assert found["compared_with"] == 1


async def test_a_release_whose_neighbour_was_pruned_says_so_and_a_diff_with_it_is_refused(
    server: Asking, dist: Path
) -> None:
    await server.publish(edit(dist))
    first = server.engine.controls.releases[1].bundle.hash
    await server.engine.commit(lambda _: [BundlesPruned(at=server.engine._now(), hashes=(first,))])
    server.engine.store.remove(first)

    found = await the_release(server, 2)
    gone = await the_release(server, 1)
    compared = await server.control("/api/diff?from=1&to=2")

    assert (found["compared_with"], found["changes"], found["sizes"]) == (1, None, None)
    assert "the bundle of release 1 is gone" in found["changes_missing"]
    assert found["warnings"] == []
    assert gone["bundle_gone"] is True
    assert gone["warnings"] is None
    assert (compared.status, compared.json["title"]) == (404, "bundle-gone")
    assert "release 1" in compared.json["detail"]


async def test_a_list_of_files_that_is_lost_or_broken_is_told_as_gone(server: Asking, dist: Path) -> None:
    await server.publish(edit(dist))
    [path] = server.engine.store.folder.glob(f"{server.engine.controls.releases[1].bundle.hash}.files.json")

    for content in (b'["index.html"]', b"{", b""):
        path.write_bytes(content)
        assert "is gone" in (await the_release(server, 2))["changes_missing"]


async def test_a_list_from_before_warnings_were_kept_is_still_compared(server: Asking, dist: Path) -> None:
    await server.publish(edit(dist))
    for path in server.engine.store.folder.glob("*.files.json"):
        listed = wire.decode_bundle_list(path.read_bytes())
        path.write_bytes(wire.encode(listed.files))

    found = await the_release(server, 2)

    assert found["counts"] == {"added": 1, "changed": 1, "removed": 1, "same": 0}
    assert found["warnings"] is None


async def test_what_was_doubtful_in_a_tree_stays_with_its_release(server: Asking, dist: Path) -> None:
    (dist / ".env").write_text("TOKEN=1")
    (dist / "a.js.map").write_text("{}")
    (dist / "b.js.map").write_text("{}")
    (dist / "app.js").unlink()
    await server.publish(dist)

    warnings = {one["code"]: one for one in (await the_release(server, 2))["warnings"]}

    assert warnings.keys() == {"env-file", "source-map", "missing-reference"}
    assert warnings["env-file"]["path"] == ".env"
    assert warnings["source-map"]["path"] == "a.js.map"
    assert "(2 such files)" in warnings["source-map"]["detail"]
    assert warnings["missing-reference"]["path"] == "index.html"
    assert "app.js" in warnings["missing-reference"]["detail"]
    assert (await the_release(server, 1))["warnings"] == []


async def test_C3_a_file_name_in_a_release_draws_nothing(server: Asking, dist: Path) -> None:
    (dist / "\u202egnp.js").write_text("x")
    (dist / "a\x1b[31m.js").write_text("x")
    await server.publish(dist)

    answer = await server.control("/api/releases/2")

    assert [one["path"] for one in answer.json["changes"]] == [r"a\x1b[31m.js", r"\u{202e}gnp.js"]
    assert all(one["code"] == "name-not-portable" for one in answer.json["warnings"])
    assert "\u202e" not in answer.body.decode()
    assert "\\u001b" not in answer.body.decode()


async def test_of_many_changes_the_first_are_named_and_all_are_counted(
    server: Asking, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_changes, "MOST_CHANGES", 3)
    for number in range(10):
        (dist / f"{number}.txt").write_text(str(number))
    await server.publish(dist)

    found = await the_release(server, 2)

    assert [one["path"] for one in found["changes"]] == ["0.txt", "1.txt", "2.txt"]
    assert found["counts"]["added"] == 10


async def test_two_bundles_are_read_and_compared_once(
    server: Asking, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    file_list = server.engine.store.file_list

    def reading(name: str) -> bytes | None:
        read.append(name)
        return file_list(name)

    monkeypatch.setattr(server.engine.store, "file_list", reading)
    await server.publish(edit(dist))
    old, new = (server.engine.controls.releases[sequence].bundle.hash for sequence in (1, 2))

    found = await the_release(server, 2)
    assert sorted(read) == sorted([old, new])
    read.clear()
    compared = (await server.control("/api/diff?from=1&to=2")).json

    assert read == []
    assert {name: compared[name] for name in ("changes", "counts", "sizes")} == {
        name: found[name] for name in ("changes", "counts", "sizes")
    }


async def test_C7_only_the_newest_comparisons_are_kept(
    server: Asking, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_changes, "_KEPT", 2)
    await server.publish(edit(dist))
    for first, second in ((1, 2), (2, 1), (1, 1)):
        assert (await server.control(f"/api/diff?from={first}&to={second}")).status == 200
    for path in server.engine.store.folder.glob("*.files.json"):
        path.unlink()

    statuses = [
        (await server.control(f"/api/diff?from={first}&to={second}")).status
        for first, second in ((1, 2), (2, 1), (1, 1))
    ]

    assert statuses == [404, 200, 200]


async def test_two_releases_are_compared_in_either_direction(server: Asking, dist: Path) -> None:
    await server.publish(edit(dist))

    there = (await server.control("/api/diff?from=1&to=2")).json
    back = (await server.control("/api/diff?from=2&to=1")).json
    same = (await server.control("/api/diff?from=2&to=2")).json

    assert (there["from"], there["to"]) == (1, 2)
    assert [one["change"] for one in there["changes"]] == ["removed", "changed", "added"]
    assert [one["change"] for one in back["changes"]] == ["added", "changed", "removed"]
    assert there["sizes"]["before"] == back["sizes"]["after"]
    assert same["changes"] == []


@pytest.mark.parametrize(
    ("path", "status", "code", "named"),
    [
        ("/api/releases/9", 404, "unknown-release", "9"),
        ("/api/releases/01", 400, "bad-arguments", "'01'"),
        ("/api/releases/%1b", 400, "bad-arguments", r"\x1b"),
        ("/api/releases/1?x=1", 400, "bad-arguments", "'x'"),
        ("/api/diff", 400, "bad-arguments", "from"),
        ("/api/diff?from=1", 400, "bad-arguments", "to"),
        ("/api/diff?from=1&to=latest", 400, "bad-arguments", "'latest'"),
        ("/api/diff?from=1&to=7", 404, "unknown-release", "7"),
        (f"/api/diff?from=1&to={'9' * 30}", 400, "bad-arguments", "to"),
    ],
)
async def test_a_release_that_can_not_be_meant_is_named(
    server: Asking, path: str, status: int, code: str, named: str
) -> None:
    answer = await server.control(path)

    assert (answer.status, answer.json["title"]) == (status, code)
    assert named in answer.json["detail"]


async def test_a_release_has_its_way_over_time(server: Asking, dist: Path) -> None:
    await server.publish(edit(dist))
    for client, sequence in (("anna", 0), ("anna", 2), ("ben", 2), ("ben", 2), ("cleo", 1), ("anna", 1)):
        await server.check(sequence, headers={"X-Device-Id": client})

    assert await running(server, 2, 3) == [1, 2, 1]
    assert await running(server, 1, 2) == [1, 2]
    adoption = (await the_release(server, 2))["adoption"]
    [first, *_] = (await server.control("/api/checks?limit=10")).json[::-1]
    assert adoption["since"] == first["at"]


async def test_a_client_that_is_forgotten_runs_nothing_any_more(server: Asking) -> None:
    await server.check(1, headers={"X-Device-Id": "anna"})
    await server.control("/api/commands/forget-client", {"client": "anna"})

    assert await running(server, 1, 2) == [1, 0]


async def test_a_line_of_the_history_has_what_the_event_had(server: Asking) -> None:
    for sequence in ("0", "1", "x"):
        await server.check(sequence, headers={"X-Device-Id": "anna"})
    engine = server.engine
    await until(lambda: engine.history.recorded >= engine.bus.revision, "all is recorded")

    rows = (await server.control("/api/checks")).json

    lines = {}
    async for batch in engine.bus.read(0):
        for revision, event in batch:
            if isinstance(event, CheckAnswered):
                line = wire.decode(engine.bus.line(revision, event))
                lines[line["at"]] = {
                    name: line[name] for name in line if name not in ("instance", "revision")
                }
        break
    assert len(rows) == len(lines) == 3
    for row in rows:
        assert {name: row[name] for name in row if name != "number"} == lines[row["at"]]
        assert {"args", "flags", "path", "peer", "duration_ms"} <= row.keys()
