"""The lines for the devtools, run as pasted: in a script scope, by node, against a plugin that only takes notes."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from hotswap_dev.tauri.snippet import confirm_line, devtools_line

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not on PATH: the lines can't be run")

# The answers are keyed by command; one that has an `error` rejects with it, as the plugin does with its text.
DEVTOOLS = """
const { line, answers } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const seen = [];
const print = (kind) => (...words) => seen.push(`${kind}: ${words.join(" ")}`);
const invoke = async (command) => {
  seen.push(command);
  const answer = answers[command];
  if (answer === undefined) throw `Command ${command} not found`;
  if (answer.error) throw answer.error;
  return answer.value;
};
const page = {
  __TAURI_INTERNALS__: answers ? { invoke } : undefined,
  console: { log: print("log"), error: print("error") },
  location: { reload: () => seen.push("reload") },
};
if (!answers) delete page.__TAURI_INTERNALS__;
require("node:vm").runInNewContext(line, page);
process.on("beforeExit", () => { console.log(JSON.stringify(seen)); process.exit(); });
"""

CHECK = "plugin:hotswap|hotswap_check"
APPLY = "plugin:hotswap|hotswap_apply"
NOTIFY_READY = "plugin:hotswap|hotswap_notify_ready"
OFFER = {"value": {"available": True, "version": "0.4.1-ota.2", "sequence": 2}}
NOTHING = {"value": {"available": False, "version": None, "sequence": None}}


def paste(line: str, answers: dict[str, Any] | None) -> list[str]:
    """What happens, in order, when `line` is pasted; None for `answers` is a page outside Tauri."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", DEVTOOLS],
        input=json.dumps({"line": line, "answers": answers}),
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: list[str] = json.loads(done.stdout)
    return seen


@pytest.mark.parametrize("line", [devtools_line(), confirm_line()])
def test_a_line_can_be_copied_from_any_terminal(line: str) -> None:
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 320


@needs_node
def test_an_offered_update_is_applied_and_then_the_page_reloads() -> None:
    seen = paste(devtools_line(), {CHECK: OFFER, APPLY: {"value": "0.4.1-ota.2"}})
    assert seen == [CHECK, "log: applying 0.4.1-ota.2 sequence 2", APPLY, "reload"]


@needs_node
def test_without_an_update_nothing_is_applied() -> None:
    assert paste(devtools_line(), {CHECK: NOTHING}) == [CHECK, "log: no update"]


@needs_node
def test_the_plugins_text_is_printed_when_the_check_is_refused() -> None:
    seen = paste(devtools_line(), {CHECK: {"error": "HTTP 500: update check failed"}})
    assert seen == [CHECK, "error: HTTP 500: update check failed"]


@needs_node
def test_a_page_whose_update_was_refused_does_not_reload() -> None:
    seen = paste(devtools_line(), {CHECK: OFFER, APPLY: {"error": "extraction failed: invalid gzip header"}})
    assert seen[-2:] == [APPLY, "error: extraction failed: invalid gzip header"]


@needs_node
def test_outside_tauri_the_line_says_what_is_missing() -> None:
    [said] = paste(devtools_line(), None)
    assert said.startswith("error: ReferenceError: __TAURI_INTERNALS__")


@needs_node
def test_the_confirming_line_confirms_once() -> None:
    assert paste(confirm_line(), {NOTIFY_READY: {"value": None}}) == [NOTIFY_READY, "log: confirmed"]


@needs_node
def test_a_refused_confirmation_is_printed() -> None:
    refused = "hotswap.hotswap_notify_ready not allowed"
    assert paste(confirm_line(), {NOTIFY_READY: {"error": refused}}) == [NOTIFY_READY, f"error: {refused}"]
