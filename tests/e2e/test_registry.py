"""Every command of the registry, by the command line and by HTTP: a new class is held to this by being there."""

from __future__ import annotations

import http.client
import io
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from msgspec.structs import replace

from hotswap_dev.cli.main import main
from hotswap_dev.client.control import ControlClient, ServerRefused
from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import Fact, OverrideSpent, ReleaseAdded
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.reasons import CODES
from hotswap_dev.storage.workspace import find_server
from tests.e2e.server_process import ServerProcess, write_frontend
from tests.unit.engine.engines import facts_on_disk
from tests.unit.making import NOW, meant_by

REPOSITORY = Path(__file__).parents[2]

UNDONE: Mapping[str, tuple[str, dict[str, Any]]] = {
    "clear-overrides": ("force-204", {"on": True, "channel": "beta"}),
    "disarm-fault": ("arm-fault", {"fault": "hang", "channel": "nobody-asks-for-it"}),
    "edit-release": ("edit-release", {"sequence": 0, "notes": ""}),
    "force-204": ("force-204", {"on": False, "client": "Pixel"}),
    "name-client": ("name-client", {"client": "Pixel", "name": ""}),
    "pause-channel": ("resume-channel", {"channel": "beta"}),
    "pin-client": ("pin-client", {"client": "Pixel", "sequence": None}),
    "restore": ("withhold", {"sequence": 0}),
    "resume-channel": ("pause-channel", {"channel": "beta"}),
    "set-build-channel": ("set-build-channel", {"channel": "production"}),
    "set-mandatory": ("set-mandatory", {"on": False, "sequence": 0}),
    "withhold": ("restore", {"sequence": 0}),
}
"""What has to be asked before a command's example, so that it finds something to do; sequence 0 is the latest."""


@dataclass(frozen=True)
class Served:
    """A running server, its workspace and its control site."""

    process: ServerProcess
    workspace: Path

    @property
    def site(self) -> ControlClient:
        """The control site."""
        found = find_server(self.workspace)
        return ControlClient(found.control, found.token or "")

    @property
    def controls(self) -> Controls:
        """The controls as the server tells them, but for times and for what another key signs."""
        told = self.site.get("/api/state")["controls"]
        controls = msgspec.convert(told, Controls, strict=False)
        return replace(controls, releases={one: like(made) for one, made in controls.releases.items()})

    @property
    def facts(self) -> list[Fact]:
        """The facts on its disk, but for the same; without the answers that were counted, which come when they do."""
        return [
            replace(fact, at=NOW, release=like(fact.release))
            if isinstance(fact, ReleaseAdded)
            else replace(fact, at=NOW)
            for fact in facts_on_disk(self.workspace)
            if not isinstance(fact, OverrideSpent)
        ]

    @property
    def latest(self) -> int:
        """The newest release's sequence."""
        return max(self.controls.releases)

    def ask(self, client: str, sequence: int = 0, channel: str = "production") -> tuple[int, str]:
        """A check of this client: its status and reason."""
        site = urlsplit(self.process.ready["site"])
        connection = http.client.HTTPConnection(site.hostname or "", site.port, timeout=10)
        query = f"binary_version=0.1.0&platform=android&arch=aarch64&channel={channel}"
        try:
            connection.request("GET", f"/api/ota/{sequence}?{query}", headers={"X-Device-Id": client})
            response = connection.getresponse()
            response.read()
            return response.status, response.getheader("X-Hotswap-Reason", "")
        finally:
            connection.close()


def like(release: Release) -> Release:
    """A release without its time and what is particular to the key."""
    return replace(release, published_at=NOW, bundle=replace(release.bundle, signature="", key_id=""))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """Two servers to which the same has been done: three releases, a channel beta, a client Pixel."""
    with ExitStack() as ended:
        both = []
        for name in ("by-line", "by-http"):
            folder = tmp_path_factory.mktemp(name)
            process = ServerProcess(folder / "dist", "--port", "0", "--workspace", folder / "w", cwd=folder)
            served = Served(ended.enter_context(process), folder / "w")
            for sample in ("hello-v1", "hello-v2", "hello-v1"):
                served.site.command("publish", {"path": str(REPOSITORY / "sample_bundles" / sample)})
            served.site.command("create-channel", {"channel": "beta"})
            served.ask("Pixel")
            both.append(served)
        yield both[0], both[1]


Run = Callable[..., tuple[Any, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run(words, workspace)` as a person types it in the repository: exit code, stdout, stderr."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def typed(words: Sequence[str], workspace: Path | None = None) -> tuple[Any, str, str]:
        if workspace is not None:
            monkeypatch.setenv("HOTSWAP_DEV_WORKSPACE", str(workspace))
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return typed


@pytest.mark.parametrize("verb", list(registered()))
def test_a_commands_example_runs_as_it_stands_and_does_what_the_same_does_by_http(
    two: tuple[Served, Served], run: Run, verb: str
) -> None:
    by_line, by_http = two
    for served in two:
        served.ask("Pixel")
        if verb in UNDONE:
            name, arguments = UNDONE[verb]
            given = {
                key: served.latest if key == "sequence" and value == 0 else value
                for key, value in arguments.items()
            }
            served.site.command(name, given)
    assert by_line.controls == by_http.controls
    before = len(by_http.facts)
    line = example(verb, by_http)

    dry, said, _ = run([*shlex.split(line)[1:], "--dry-run"], by_line.workspace)
    assert (dry, said[:10]) == (0, "would do: ")
    assert len(by_line.facts) == before, "a dry run leaves no fact"

    code, said, err = run(shlex.split(line)[1:], by_line.workspace)
    assert (code, err) == (0, "")
    assert said
    arguments = by_the_schema(verb, line, by_http.latest)
    if "path" in arguments:
        arguments["path"] = str(REPOSITORY / arguments["path"])
    done = by_http.site.command(verb, arguments)
    assert len(by_http.facts) > before, f"{line} found nothing to do"
    assert len(done["events"]) == len(by_http.facts) - before
    assert by_line.facts == by_http.facts
    assert by_line.controls == by_http.controls


def example(verb: str, served: Served) -> str:
    """A command's example; the number of a fault is that of one which is armed."""
    line = f"hotswap-dev {registered()[verb].example}"
    if verb != "disarm-fault":
        return line
    newest = max(one.override for one in served.controls.faults)
    return re.sub(r" [0-9]+$", f" {newest}", line)


def by_the_schema(verb: str, line: str, latest: int) -> dict[str, Any]:
    """The arguments of a command line as JSON has them: a list's commas are its borders (interface.md)."""
    _, arguments = meant_by(line, latest=latest)
    lists = {field.name for field in msgspec.structs.fields(registered()[verb]) if "tuple" in str(field.type)}
    return {name: value.split(",") if name in lists else value for name, value in arguments.items()}


@pytest.mark.parametrize("verb", list(registered()))
def test_a_commands_help_has_its_example_and_every_argument(run: Run, verb: str) -> None:
    kind = registered()[verb]
    code, said, _ = run([verb, "--help"])
    assert code == 0
    assert f"hotswap-dev {kind.example}" in said
    for field in msgspec.structs.fields(kind):
        positional = field.required or (kind.builds and field.name == "path")
        assert (field.name.upper() if positional else f"--{field.name.replace('_', '-')}") in said


def refused(served: Served, verb: str, arguments: Any) -> ServerRefused:
    """How the server refuses these arguments."""
    before = served.facts
    with pytest.raises(ServerRefused) as caught:
        served.site.command(verb, arguments)
    assert served.facts == before
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize("verb", list(registered()))
def test_by_http_what_is_wrong_with_an_argument_is_said_with_its_name(
    two: tuple[Served, Served], verb: str
) -> None:
    _, served = two
    kind = registered()[verb]
    given = by_the_schema(verb, f"hotswap-dev {kind.example}", 1)
    assert "nonsense" in refused(served, verb, {**given, "nonsense": 1}).message
    for field in msgspec.structs.fields(kind):
        number = "float" in str(field.type) and "dict" not in str(field.type)
        for wrong in ({"a": 1}, [1], "x" if number else 1.5):
            assert field.name in refused(served, verb, {**given, field.name: wrong}).message
        if field.required:
            without = {name: value for name, value in given.items() if name != field.name}
            assert field.name in refused(served, verb, without).message
    bodies: list[Any] = [[], None, "x", 3]
    for body in bodies:
        assert verb in refused_body(served, verb, body)


def refused_body(served: Served, verb: str, body: Any) -> str:
    with pytest.raises(ServerRefused) as caught:
        served.site.request("POST", f"/api/commands/{verb}", msgspec.json.encode(body))
    return caught.value.message


@pytest.mark.parametrize("verb", list(registered()))
def test_on_the_command_line_what_is_wrong_with_an_argument_is_said_with_its_name(
    two: tuple[Served, Served], run: Run, verb: str
) -> None:
    served, _ = two
    kind = registered()[verb]
    words = shlex.split(kind.example)
    before = served.facts
    code, out, err = run([*words, "--nonsense", "1"], served.workspace)
    assert (code, out) == (2, "")
    assert "--nonsense" in err
    required = [field.name for field in msgspec.structs.fields(kind) if field.required]
    if required:
        code, out, err = run([verb, *words[1 : len(required)]], served.workspace)
        assert (code, out) == (2, "")
        assert required[-1] in err.lower()
    for field in msgspec.structs.fields(kind):
        if any(word in str(field.type) for word in ("int", "float", "bool", "dict", "Literal")):
            wrong = [*words]
            if field.required:
                wrong[1 + required.index(field.name)] = "nonsense"
            else:
                wrong += [f"--{field.name.replace('_', '-')}", "nonsense"]
            code, out, err = run(wrong, served.workspace)
            assert (code, out) == (2, ""), wrong
            assert field.name.replace("_", "-") in err.lower().replace("_", "-")
            assert "nonsense" in err
    assert served.facts == before


# The commands that answers name

ODD = "-odd id's"
"""A client's id that a shell and an option parser could both take for something else."""

SITUATIONS: Mapping[str, tuple[list[str], int]] = {
    "newer-release": (["promote 1 CHANNEL"], 0),
    "up-to-date": (["promote 1 CHANNEL"], -1),
    "client-ahead": (["promote 1 CHANNEL"], 10_000),
    "no-release": (["create-channel CHANNEL"], 0),
    "channel-unknown": ([], 0),
    "channel-paused": (["promote 1 CHANNEL", "pause-channel CHANNEL"], 0),
    "binary-too-old": (["promote 1 CHANNEL", "edit-release latest --min-binary-version 9.0.0"], 0),
    "release-withheld": (["promote 1 CHANNEL", "withhold latest"], 0),
    "pinned": (["promote 1 CHANNEL", f"pin-client -- {shlex.quote(ODD)} 1"], 0),
    "forced-204": (["promote 1 CHANNEL", f"force-204 on --client {shlex.quote(ODD)}"], 0),
    "not-targeted": (["promote 1 CHANNEL", "set-targets latest --platforms ios,macos"], 0),
    "not-in-rollout": (["promote 1 CHANNEL", "set-rollout latest 0"], 0),
    "fault": (["promote 1 CHANNEL", f"arm-fault html-page --client {shlex.quote(ODD)} --channel CHANNEL"], 0),
    "access-denied": (["promote 1 CHANNEL", "set-required-header CHANNEL X-Key 401 --value k"], 0),
}
"""What has to be done, and what the client then runs (-1: the newest), to be answered with a code."""


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that watches a folder and has published it as release 1."""
    folder = tmp_path_factory.mktemp("watching")
    dist = write_frontend(folder / "dist")
    with ServerProcess(dist, "--port", "0", "--workspace", folder / "w", cwd=folder) as process:
        process.event("published")
        yield Served(process, folder / "w")


@pytest.mark.parametrize("code", [code for code in CODES if code != "bad-request"])
def test_the_command_that_an_answer_names_can_be_typed_and_changes_the_answer(
    watching: Served, run: Run, code: str
) -> None:
    lines, at = SITUATIONS[code]
    for line in lines:
        ended, _, err = run(shlex.split(line.replace("CHANNEL", code)), watching.workspace)
        assert ended == 0, err
    sequence = watching.latest if at == -1 else at
    watching.ask(ODD, sequence, code)
    explained = watching.site.get("/api/why", client=ODD)
    assert explained["reason"] == code
    program, *words = shlex.split(explained["change"])
    assert program == "hotswap-dev"

    ended, said, err = run(words, watching.workspace)
    assert ended == 0, f"{explained['change']}: {err}"
    assert said
    after = watching.site.get("/api/why", client=ODD)
    told = ("status", "reason", "offered", "sentence")
    assert [after.get(name) for name in told] != [explained.get(name) for name in told]
    assert watching.ask(ODD, sequence, code) == (after["status"], after["reason"])
