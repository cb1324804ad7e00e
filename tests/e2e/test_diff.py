"""`diff` as a person types it, against a running server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.server_process import ServerProcess, run_command, write_frontend


def test_diff_names_the_files_that_changed_and_says_what_is_wrong(tmp_path: Path) -> None:
    dist = write_frontend(tmp_path / "dist")
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        (dist / "new.css").write_text("body{}")
        server.event("published", lambda event: event["sequence"] == 2)

        told = run_command("diff", "1", "latest", cwd=tmp_path)
        as_json = json.loads(run_command("diff", "1", "2", "--json", cwd=tmp_path).stdout)
        unknown = run_command("diff", "1", "9", cwd=tmp_path)
    nobody = run_command("diff", "1", "2", cwd=tmp_path)
    helped = run_command("help", "diff", cwd=tmp_path)

    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[1].split() == ["added", "6", "B", "new.css"]
    assert "1 added, 0 changed, 0 removed" in told.stdout
    assert [one["path"] for one in as_json["changes"]] == ["new.css"]
    assert unknown.returncode == 1
    assert "there is no release 9" in unknown.stderr
    assert nobody.returncode == 3
    assert "What changed from release A to release B" in helped.stdout
