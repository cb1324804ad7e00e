"""The first lines of `serve`, in a terminal's eyes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from tests.e2e.server_process import clean_environment
from tests.e2e.test_start_and_end import tauri_project

SAMPLES = Path(__file__).parents[2] / "sample_bundles"


def first_lines(
    folder: Path, *arguments: str, until: str = "release 1", environ: dict[str, str] | None = None
) -> list[str]:
    """What `hotswap-dev` prints until a line has `until` in it."""
    program = [sys.executable, "-m", "hotswap_dev", *arguments, "--port", "0"]
    lines = []
    with subprocess.Popen(
        program,
        cwd=folder,
        env={**clean_environment(folder), **(environ or {})},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            for text in process.stdout:
                lines.append(text.rstrip("\n"))
                if until in text:
                    return lines
        finally:
            process.send_signal(signal.SIGTERM)
    raise AssertionError(f"no line with {until!r} in {lines}")


def test_in_a_project_they_say_what_was_taken_from_where_and_what_to_run(tmp_path: Path) -> None:
    project = tauri_project(tmp_path / "app")
    (project / "package.json").write_text(
        json.dumps(
            {"scripts": {"tauri": "tauri"}, "devDependencies": {"vite": "^7", "@tauri-apps/cli": "^2"}}
        )
    )
    (project / "pnpm-lock.yaml").write_text("")

    lines = first_lines(project)

    assert lines[0].startswith(" my-app 0.4.1 (src-tauri/tauri.conf.json)   channel production   key ")
    assert lines[0].endswith(" (made now)")
    assert lines[1].startswith(" serving      http://127.0.0.1:")
    assert lines[1].endswith("/api/ota/{{current_sequence}}")
    assert lines[2] == (
        " build once   pnpm tauri build --debug --no-bundle -c .hotswap-dev/tauri.dev.conf.json"
        f"   then start {Path('src-tauri/target/debug/my-app')}"
    )
    assert (
        lines[3] == " then         pnpm exec vite build --watch   every save is offered as the next release"
    )
    assert "__TAURI_INTERNALS__" in "".join(lines)
    missing = [text for text in lines if text.startswith(" missing")]
    assert any("tauri-plugin-hotswap" in text for text in missing)
    assert any("hotswap:default" in text for text in missing)
    assert lines[-1].endswith(", as found")
    assert (project / ".hotswap-dev" / "tauri.dev.conf.json").exists()
    assert (project / ".hotswap-dev" / "tauri.mobile.conf.json").exists()


def test_outside_a_project_they_say_what_an_app_needs_to_know(tmp_path: Path) -> None:
    lines = first_lines(tmp_path, "serve", str(SAMPLES / "hello-v1"))

    assert "0.1.0 (assumed: no version was found; --app-version)" in lines[0]
    assert "pubkey RW" in "".join(lines)


def test_settings_that_were_not_typed_are_said_with_their_source(tmp_path: Path) -> None:
    project = tauri_project(tmp_path / "app")
    (project / "hotswap-dev.toml").write_text("settle = 200")

    lines = first_lines(project, environ={"HOTSWAP_DEV_FORMAT": "zip"})

    assert " settings     format zip (HOTSWAP_DEV_FORMAT), settle 200 (hotswap-dev.toml)" in lines


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    project = tauri_project(tmp_path / "app")
    config = project / "src-tauri" / "tauri.conf.json"
    config.write_text(config.read_text().replace("my-app", "my\\u001b]52;c;aGk=\\u0007app", 1))

    lines = first_lines(project)

    assert lines[0].startswith(r" my\x1b]52;c;aGk=\x07app 0.4.1")
