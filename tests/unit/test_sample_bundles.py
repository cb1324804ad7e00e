"""The sample frontends: whole, self-contained, and well-behaved towards the plugin.

People copy their `app.js`, so what it does around apply, reload and `notifyReady` is run here, by node, in a
page that has only the elements of the sample's own index.html and around a plugin that behaves as 0.0.4 does:
apply raises the current sequence at once, while the old page still runs.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

SAMPLES = Path(__file__).parents[2] / "sample_bundles"
HELLOS = ["hello-v1", "hello-v2"]
EVERY_SAMPLE = [*HELLOS, "crashes-on-load"]

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not on PATH: the samples' code can't be run")

each_sample = pytest.mark.parametrize("sample", EVERY_SAMPLE)
each_hello = pytest.mark.parametrize("sample", HELLOS)
each_way_to_invoke = pytest.mark.parametrize("api", ["global", "internals"])


# What is in the folders


class Markup(HTMLParser):
    """What an index.html or an svg holds, as far as a content security policy or a sub-path cares."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.attributes: dict[str, dict[str, str]] = {}  # element id -> its attributes
        self.inline: list[str] = []
        self.labelled_language = False
        self._code: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.references += [values[name] for name in ("src", "href", "xlink:href") if name in values]
        self.inline += [f"{tag} {name}" for name in values if name == "style" or name.startswith("on")]
        self.labelled_language |= tag == "html" and values.get("lang") == "en"
        if "id" in values:
            self.attributes[values["id"]] = values
        self._code = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        self._code = None

    def handle_data(self, data: str) -> None:
        if self._code and data.strip():
            self.inline.append(f"{self._code}: {data.strip()[:40]}")


def text_of(sample: str, name: str) -> str:
    return (SAMPLES / sample / name).read_text(encoding="utf-8")


def index_of(sample: str) -> Markup:
    return Markup(text_of(sample, "index.html"))


def files_of(sample: str) -> list[Path]:
    return sorted(path for path in (SAMPLES / sample).rglob("*") if path.is_file())


@each_sample
def test_every_file_that_the_page_names_is_there_and_relative(sample: str) -> None:
    references = index_of(sample).references
    assert "./style.css" in references
    assert "./app.js" in references
    for reference in references:
        assert reference.startswith("./"), f"{reference} would break under a sub-path"
        assert (SAMPLES / sample / reference).is_file(), reference


@each_sample
def test_no_file_lies_in_the_folder_unused(sample: str) -> None:
    named = {reference.removeprefix("./") for reference in index_of(sample).references}
    assert {path.relative_to(SAMPLES / sample).as_posix() for path in files_of(sample)} == {
        "index.html",
        *named,
    }


@each_sample
def test_any_content_security_policy_lets_the_page_run(sample: str) -> None:
    for path in files_of(sample):
        if path.suffix in (".html", ".svg"):
            assert Markup(path.read_text(encoding="utf-8")).inline == [], path.name
    code = text_of(sample, "app.js")
    assert not re.search(r"\beval\b|new Function|innerHTML|insertAdjacentHTML|\.style\b|import\(", code)


@each_sample
def test_nothing_is_loaded_from_elsewhere(sample: str) -> None:
    for path in files_of(sample):
        text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"\b(https?|wss?|data|blob):|[\"'(=]\s*//", text), path.name
        assert not re.search(r"@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket", text), path.name


@each_sample
def test_a_sample_is_small_and_says_its_language(sample: str) -> None:
    assert sum(path.stat().st_size for path in files_of(sample)) < 20_000
    assert index_of(sample).labelled_language


def test_the_two_hellos_share_their_code_and_differ_in_looks() -> None:
    assert text_of("hello-v1", "app.js") == text_of("hello-v2", "app.js")
    for name in ("index.html", "style.css", "art.svg"):
        assert text_of("hello-v1", name) != text_of("hello-v2", name)


# What their code does


class Element(msgspec.Struct, frozen=True):
    """An element of the page after all is done, as a person meets it."""

    text: str
    hidden: bool
    disabled: bool
    value: float | None = None
    max: float | None = None


class Visit(msgspec.Struct, frozen=True):
    """What came of a visit: who called what, in order (`1 apply` is the first page), and what the page says."""

    log: list[str]
    confirmed: list[int]  # the sequences that notify_ready confirmed
    thrown: list[str]  # what the pages' scripts threw when they were loaded
    state: str
    elements: dict[str, Element]


PAGE = r"""
const vm = require("node:vm");
const plan = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const result = { log: [], confirmed: [], thrown: [], state: "", elements: {} };
const plugin = { version: null, sequence: 0, binary_version: "0.4.1", offer: plan.offer };
let page = 0, dom = {}, body = null, heard = {}, asked = null;

class FakeElement {
  constructor(attributes) { this.attributes = { ...attributes }; this.hidden = "hidden" in attributes; this.text = ""; }
  get textContent() { return this.text; }
  set textContent(value) { this.text = String(value); }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  getAttribute(name) { return this.attributes[name] ?? null; }
  removeAttribute(name) { delete this.attributes[name]; delete this[name]; }
  addEventListener(kind, listener) { if (kind === "click") this.press = listener; }
}

const emit = (event, payload) => (heard[event] ?? []).forEach((handler) => handler({ event, payload }));
const lifecycle = (event) => emit("hotswap://lifecycle", { event });
const commands = {
  current_version: () => ({ ...plugin, offer: undefined, active: plugin.version !== null }),
  check: () => ({ available: plugin.offer !== null, version: null, sequence: null, notes: null, mandatory: null,
                  bundle_size: null, ...plugin.offer }),
  apply: () => {
    lifecycle("download-start");
    for (const downloaded of plan.downloaded) emit("hotswap://download-progress", downloaded);
    if (plan.refuse.apply) throw plan.refuse.apply;
    lifecycle("download-complete");
    Object.assign(plugin, { version: plugin.offer.version, sequence: plugin.offer.sequence, offer: null });
    lifecycle("apply");
    return plugin.version;
  },
  notify_ready: () => { result.confirmed.push(plugin.sequence); },
};

const invokeFrom = (caller) => async (command, args) => {
  if (command === "plugin:event|listen") {
    if (plan.refuse.listen) throw plan.refuse.listen;
    if (args.target.kind !== "Any") throw `unknown target ${JSON.stringify(args.target)}`;
    (heard[args.event] ??= []).push(callbacks[args.handler]);
    return 1;
  }
  const name = command.replace("plugin:hotswap|hotswap_", "");
  result.log.push(`${caller} ${name}`);
  if (!commands[name]) throw `Command ${command} not found`;
  if (name !== "apply" && plan.refuse[name]) throw plan.refuse[name];
  return commands[name]();
};

const callbacks = [];
function open(script) {
  const caller = ++page;
  heard = {};
  dom = {};
  for (const [id, attributes] of Object.entries(script.elements)) dom[id] = new FakeElement(attributes);
  body = { dataset: {} };
  const invoke = invokeFrom(caller);
  const window = {
    document: { body, getElementById: (id) => dom[id] ?? null },
    location: { reload: () => { result.log.push(`${caller} reload`); asked = plan.pages[page] ?? null; } },
    localStorage: { getItem: (key) => plan.saved[key] ?? null },
    console: { info: (words) => result.log.push(`${caller} info: ${words}`) },
  };
  window.window = window;
  if (plan.api !== "none") {
    window.__TAURI_INTERNALS__ = { invoke, transformCallback: (handler) => callbacks.push(handler) - 1 };
  }
  if (plan.api === "global") {
    const listen = async (event, handler) => { (heard[event] ??= []).push(handler); };
    window.__TAURI__ = { core: { invoke }, event: { listen } };
    delete window.__TAURI_INTERNALS__.transformCallback; // whoever has the one must not need the other
  }
  try { vm.runInNewContext(script.code, window); } catch (error) { result.thrown.push(String(error)); }
}

(async () => {
  open(plan.pages[0]);
  for (const step of plan.steps) {
    if (step === "wait") {
      // The fake plugin answers by promises alone: a turn of the loop later all that follows from it is done.
      await new Promise(setImmediate);
      if (asked) { const next = asked; asked = null; open(next); await new Promise(setImmediate); }
    } else if (step === "withdraw") plugin.offer = null;
    else if (step.emit) emit(...step.emit);
    else dom[step].press?.();
  }
  result.state = body.dataset.state ?? "";
  for (const [id, { text, hidden, attributes, value, max }] of Object.entries(dom)) {
    result.elements[id] = { text, hidden, disabled: attributes["aria-disabled"] === "true", value, max };
  }
  console.log(JSON.stringify(result));
})();
"""

OFFER = {
    "version": "0.4.1-ota.2",
    "sequence": 2,
    "notes": "Evening colours.",
    "mandatory": True,
    "bundle_size": 12_400,
}


def visit(
    *samples: str,
    press: list[Any] | None = None,
    api: str = "internals",
    offer: dict[str, Any] | None = None,
    refuse: dict[str, str] | None = None,
    downloaded: list[dict[str, int | None]] | None = None,
    saved: dict[str, str] | None = None,
    started: bool = True,
) -> Visit:
    """Open the first sample, press what is to be pressed, and let every reload open the next sample.

    `press` holds element ids, "wait" where the answers are awaited (also done at the end), "withdraw" where the
    server takes its offer back, and `{"emit": …}` for an event; `started=False` presses before the plugin has
    answered for the first time.
    """
    assert NODE is not None
    plan = {
        "pages": [
            {"code": text_of(each, "app.js"), "elements": index_of(each).attributes} for each in samples
        ],
        "steps": [*(["wait"] if started else []), *(press or []), "wait"],
        "api": api,
        "offer": offer,
        "refuse": refuse or {},
        "downloaded": downloaded or [],
        "saved": saved or {},
    }
    done = subprocess.run(
        [NODE, "-e", PAGE],
        input=json.dumps(plan),
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=Visit)


@needs_node
@each_hello
@each_way_to_invoke
def test_a_page_that_stands_confirms_itself_once(sample: str, api: str) -> None:
    seen = visit(sample, api=api)
    assert seen.log == ["1 current_version", "1 notify_ready"]
    assert seen.thrown == []
    assert seen.state == "ready"
    assert seen.elements["version"].text == "built in"
    assert seen.elements["sequence"].text == "0"
    assert seen.elements["binary"].text == "0.4.1"
    assert not seen.elements["check"].disabled
    assert seen.elements["apply"].disabled


@needs_node
@each_way_to_invoke
def test_an_update_is_confirmed_by_the_new_page_and_never_by_the_old_one(api: str) -> None:
    seen = visit("hello-v1", "hello-v2", press=["check", "wait", "apply"], api=api, offer=OFFER)
    assert seen.log == [
        "1 current_version",
        "1 notify_ready",
        "1 check",
        "1 apply",
        "1 reload",
        "2 current_version",
        "2 notify_ready",
    ]
    assert seen.confirmed == [0, 2]
    assert seen.elements["version"].text == "0.4.1-ota.2"
    assert seen.elements["sequence"].text == "2"
    assert "confirmed" in seen.elements["status"].text


@needs_node
@each_hello
def test_an_offer_is_described_and_can_be_applied(sample: str) -> None:
    seen = visit(sample, press=["check"], offer=OFFER)
    status = seen.elements["status"].text
    assert status == "0.4.1-ota.2 is available (sequence 2, 13 kB, mandatory). Evening colours."
    assert not seen.elements["apply"].disabled


@needs_node
@each_hello
def test_an_offer_may_leave_out_all_that_is_optional(sample: str) -> None:
    bare = {**OFFER, "notes": None, "mandatory": None, "bundle_size": None}
    seen = visit(sample, press=["check"], offer=bare)
    assert seen.elements["status"].text == "0.4.1-ota.2 is available (sequence 2)."


@needs_node
@each_hello
def test_without_an_offer_there_is_nothing_to_apply(sample: str) -> None:
    seen = visit(sample, press=["check", "wait", "apply"])
    assert seen.log[2:] == ["1 check"]
    assert seen.elements["apply"].disabled
    assert seen.elements["status"].text == "No update for this app right now."


@needs_node
@each_hello
def test_an_offer_that_was_taken_back_can_no_longer_be_applied(sample: str) -> None:
    seen = visit(sample, press=["check", "wait", "withdraw", "check", "wait", "apply"], offer=OFFER)
    assert seen.log[2:] == ["1 check", "1 check"]
    assert seen.elements["apply"].disabled


@needs_node
@each_hello
@pytest.mark.parametrize(
    ("refused", "press", "text"),
    [
        ("current_version", [], "plugin hotswap not found"),
        ("notify_ready", [], "hotswap.hotswap_notify_ready not allowed"),
        ("check", ["check"], "HTTP 500: update check failed"),
        (
            "apply",
            ["check", "wait", "apply"],
            "signature verification failed: Unexpected signature algorithm",
        ),
    ],
)
def test_the_plugins_own_words_are_shown_when_it_refuses(
    sample: str, refused: str, press: list[str], text: str
) -> None:
    seen = visit(sample, press=press, offer=OFFER, refuse={refused: text})
    assert seen.state == "failed"
    assert seen.elements["error"].text == text
    assert not seen.elements["check"].disabled


@needs_node
@each_hello
def test_a_page_that_could_not_ask_what_runs_does_not_confirm_itself(sample: str) -> None:
    assert visit(sample, refuse={"current_version": "plugin hotswap not found"}).confirmed == []


@needs_node
@each_hello
def test_a_refused_update_does_not_reload_and_can_be_applied_again(sample: str) -> None:
    refuse = {"apply": "HTTP 503: bundle download failed"}
    seen = visit(sample, press=["check", "wait", "apply", "wait", "apply"], offer=OFFER, refuse=refuse)
    assert seen.log[2:] == ["1 check", "1 apply", "1 apply"]
    assert not seen.elements["apply"].disabled


@needs_node
@each_hello
def test_an_event_that_comes_late_does_not_hide_the_error(sample: str) -> None:
    late = {"emit": ["hotswap://lifecycle", {"event": "download-complete"}]}
    refuse = {"apply": "extraction failed: invalid gzip header"}
    seen = visit(sample, press=["check", "wait", "apply", "wait", late], offer=OFFER, refuse=refuse)
    assert seen.elements["error"].text == "extraction failed: invalid gzip header"


@needs_node
@each_hello
def test_the_next_check_clears_the_error(sample: str) -> None:
    refuse = {"apply": "extraction failed: invalid gzip header"}
    seen = visit(sample, press=["check", "wait", "apply", "wait", "check"], offer=OFFER, refuse=refuse)
    assert seen.elements["error"].text == ""
    assert seen.state == "available"


@needs_node
@each_hello
def test_an_impatient_person_asks_the_plugin_only_once(sample: str) -> None:
    press = ["check", "check", "apply", "wait", "apply", "apply", "check"]
    assert visit(sample, press=press, offer=OFFER).log[2:] == ["1 check", "1 apply", "1 reload"]


@needs_node
@each_hello
def test_no_button_works_before_the_page_has_confirmed_itself(sample: str) -> None:
    assert visit(sample, press=["check", "apply"], offer=OFFER, started=False).log == [
        "1 current_version",
        "1 notify_ready",
    ]


@needs_node
@each_hello
@each_way_to_invoke
def test_a_download_shows_how_far_it_came(sample: str, api: str) -> None:
    steps: list[dict[str, int | None]] = [
        {"downloaded": 4_000, "total": 12_400},
        {"downloaded": 8_000, "total": 12_400},
    ]
    seen = visit(sample, press=["check", "wait", "apply"], api=api, offer=OFFER, downloaded=steps)
    assert (seen.elements["bar"].value, seen.elements["bar"].max) == (8_000, 12_400)
    assert seen.elements["amount"].text == "8 kB of 13 kB"
    assert not seen.elements["download"].hidden
    assert seen.elements["status"].text == "Applied. Reloading…"


@needs_node
@each_hello
def test_a_download_of_unknown_length_shows_what_has_come(sample: str) -> None:
    steps: list[dict[str, int | None]] = [{"downloaded": 4_000_000, "total": None}]
    seen = visit(sample, press=["check", "wait", "apply"], offer=OFFER, downloaded=steps)
    assert seen.elements["bar"].value is None
    assert seen.elements["amount"].text == "4.0 MB"


@needs_node
def test_an_update_works_where_events_are_not_permitted() -> None:
    refuse = {"listen": "event.listen not allowed"}
    seen = visit("hello-v1", "hello-v2", press=["check", "wait", "apply"], offer=OFFER, refuse=refuse)
    assert seen.confirmed == [0, 2]
    assert "1 info: no events of hotswap://lifecycle: event.listen not allowed" in seen.log


@needs_node
@each_hello
def test_in_a_plain_browser_the_page_calls_nothing_and_shows_its_note(sample: str) -> None:
    seen = visit(sample, press=["check", "apply"], api="none")
    assert seen.log == []
    assert seen.thrown == []
    assert seen.state == "outside"
    assert "plain browser" in text_of(sample, "index.html")
    assert '[data-state="outside"] .inside' in text_of(sample, "style.css")


@needs_node
@each_way_to_invoke
def test_a_page_that_crashes_on_load_is_never_confirmed(api: str) -> None:
    press = ["check", "wait", "apply"]
    seen = visit("hello-v2", "crashes-on-load", press=press, api=api, offer=OFFER)
    assert seen.log[-1] == "1 reload"
    assert seen.confirmed == [0]  # the page before it, and not sequence 2
    assert seen.thrown == ["TypeError: Cannot read properties of null (reading 'name')"]
    assert seen.state == ""  # index.html says `loading`, and nobody changes that


@needs_node
def test_on_its_authors_machine_the_same_page_stands() -> None:
    saved = {"hello.settings": json.dumps({"name": "Ada"})}
    seen = visit("crashes-on-load", saved=saved)
    assert seen.log == ["1 current_version", "1 notify_ready"]
    assert seen.elements["greeting"].text == "Good to see you again, Ada."


def test_the_page_that_crashes_says_loading_until_its_code_has_run() -> None:
    assert '<body data-state="loading">' in text_of("crashes-on-load", "index.html")
    style = text_of("crashes-on-load", "style.css")
    assert '[data-state="loading"] .hero' in style
    assert '[data-state="loading"] .panel' in style
