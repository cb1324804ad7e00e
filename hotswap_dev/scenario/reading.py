"""A scenario file, read: TOML to `Scenario`, or a `ScenarioError` that says all that is wrong, where, and what would
be right. `hotswap-dev help scenarios` has the format.

What can be known without a server is known here: that a command of the registry takes such arguments, that a reason, a
label, a fault, a group and an `@name` exist. What can't is judged when it is played.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.text import LONGEST_PATH, shown
from hotswap_dev.domain.versions import is_version
from hotswap_dev.errors import NotFound, UsageError
from hotswap_dev.fleet.plan import Crew
from hotswap_dev.scenario.crews import MAX_CLIENTS, crew
from hotswap_dev.scenario.lines import Block, Lines, lines_of
from hotswap_dev.scenario.model import Action, Do, Save, Scenario, Step
from hotswap_dev.scenario.samples import build_folder
from hotswap_dev.scenario.steps import Known, step
from hotswap_dev.scenario.words import Mistake, nearest, quoted, text, whole

MAX_BYTES = 1024 * 1024
MAX_STEPS = 10_000
_LONGEST_ABOUT = 4000
_TOLD = 20
"""Mistakes that one error says, at most."""

_PLACE = re.compile(r" \(at line (\d+), column \d+\)")


class Wrong(Struct, frozen=True):
    """One mistake of a file, and where it is."""

    line: int
    message: str
    hint: str = ""


class ScenarioError(UsageError):
    """A scenario file that can't be played: `wrong` has each of its mistakes, in the order of the lines."""

    def __init__(self, file: str, wrong: Sequence[Wrong]) -> None:
        self.file = shown(file, LONGEST_PATH)
        self.wrong = tuple(sorted(wrong, key=lambda one: one.line))
        if len(self.wrong) == 1:
            only = self.wrong[0]
            super().__init__(f"{self.file}:{only.line}: {only.message}", only.hint, code="bad-scenario")
            return
        told = [
            f"{self.file}:{one.line}: {one.message}" + (f" ({one.hint})" if one.hint else "")
            for one in self.wrong[:_TOLD]
        ]
        more = len(self.wrong) - len(told)
        super().__init__(
            "\n".join(
                [
                    f"{self.file} has {len(self.wrong)} mistakes",
                    *told,
                    *([f"and {more} more"] if more else []),
                ]
            ),
            "hotswap-dev help scenarios has the format",
            code="bad-scenario",
        )


def read_file(path: Path, *, cast: Sequence[Crew] = (), names: Collection[str] = ()) -> Scenario:
    """The scenario of a file, the folders that it saves found: `Save.folder` and publish's `path` are absolute.

    `cast` and `names` are what it finds on a stage where others were played before: the clients, and what `@name`s may
    be said. UsageError where the file can't be read, ScenarioError where it can't be meant.
    """
    file = shown(str(path), LONGEST_PATH)
    scenario = read_scenario(_document(path, file), file, cast=cast, names=names)
    wrong: list[Wrong] = []
    steps: list[Step] = []
    for one in scenario.steps:
        try:
            steps.append(replace(one, action=_found(one.action, path.parent)))
        except NotFound as error:
            wrong.append(Wrong(one.line, error.message, error.hint))
    if wrong:
        raise ScenarioError(file, wrong)
    return replace(scenario, steps=tuple(steps))


def read_scenario(
    document: str, file: str, *, cast: Sequence[Crew] = (), names: Collection[str] = ()
) -> Scenario:
    """The scenario of a text, its folders as they are written. `file` is what errors call it. See `read_file`."""
    file = shown(file, LONGEST_PATH)
    given = _toml(document, file)
    notes = _Notes(lines_of(document))
    head = _head(given, notes)
    crews = _crews(given, notes)
    # A group of a block that can't be read is none that a step could be blamed for.
    groups = None if notes.wrong else tuple(dict.fromkeys(one.group for one in (*cast, *crews)))
    steps = _steps(given, notes, Known(groups=groups, named=dict.fromkeys(names, "")))
    if notes.wrong:
        raise ScenarioError(file, notes.wrong)
    return Scenario(
        title=head.pop("title", None) or Path(file).stem or file,
        file=file,
        crews=tuple(crews),
        steps=tuple(steps),
        **head,
    )


class _Notes:
    """The mistakes of a file, as they are found."""

    def __init__(self, lines: Lines) -> None:
        self.wrong: list[Wrong] = []
        self._lines = lines

    def heed(self, mistake: Mistake, key: str, block: Block | None = None) -> None:
        """Note a mistake: on the line of its key in the block, else where the block, or `key`, begins."""
        if block is not None:
            line = block.keys.get(mistake.key or "", block.line)
        else:
            line = self._lines.top.get(mistake.key or "", self.first(key))
        self.wrong.append(Wrong(line, mistake.message, mistake.hint))

    def first(self, key: str) -> int:
        """Where `key`, or the first block of it, stands."""
        blocks = self._lines.blocks.get(key)
        return blocks[0].line if blocks else self._lines.top.get(key, 1)

    def blocks(
        self, given: Mapping[str, Any], key: str, most: int
    ) -> Iterator[tuple[dict[str, Any], Block | None]]:
        """Each `[[key]]` and where it stands; None for those of an array that is written out."""
        found = given.get(key, [])
        if not isinstance(found, list):
            self.heed(Mistake(key, f"{key} is no list of blocks", f"begin each with [[{key}]]"), key)
            return
        if len(found) > most:
            self.heed(Mistake(key, f"{len(found)} [[{key}]]; at most {most} are taken"), key)
        places = self._lines.blocks.get(key, [])
        for index, one in enumerate(found[:most]):
            place = places[index] if index < len(places) else None
            if isinstance(one, dict):
                yield one, place
            else:
                self.heed(Mistake(key, f"{key} holds {quoted(one)}", f"begin each with [[{key}]]"), key)


def _head(given: Mapping[str, Any], notes: _Notes) -> dict[str, Any]:
    head: dict[str, Any] = {}
    for key, value in given.items():
        try:
            if key not in _KEYS:
                raise Mistake(key, f"{quoted(key)} is nothing that a scenario has", nearest(key, _KEYS))
            if key in _HEAD:
                head[key] = _HEAD[key](value)
        except Mistake as mistake:
            notes.heed(mistake, key)
    return head


def _crews(given: Mapping[str, Any], notes: _Notes) -> list[Crew]:
    crews: list[Crew] = []
    taken: set[str] = set()
    for block, place in notes.blocks(given, "clients", MAX_CLIENTS):
        try:
            made = crew(block)
            for one in made.names:
                if one in taken:
                    raise Mistake("names", f"two clients are called {quoted(one)}", "each its own name")
                taken.add(one)
            crews.append(made)
        except Mistake as mistake:
            notes.heed(mistake, "clients", place)
    count = sum(one.count for one in crews)
    if count > MAX_CLIENTS:
        notes.heed(Mistake(None, f"{count} clients; at most {MAX_CLIENTS} can be played"), "clients")
    return crews


def _steps(given: Mapping[str, Any], notes: _Notes, known: Known) -> list[Step]:
    steps: list[Step] = []
    for block, place in notes.blocks(given, "steps", MAX_STEPS):
        line = notes.first("steps") if place is None else place.line
        try:
            steps.append(step(block, line, known))
        except Mistake as mistake:
            notes.heed(mistake, "steps", place)
            if isinstance(block.get("as"), str):  # what is said of it later is no second mistake
                known.named.setdefault(block["as"], "")
    if not steps and not notes.wrong:
        notes.heed(
            Mistake(None, "it has no [[steps]]", "hotswap-dev help scenarios begins with one"), "steps"
        )
    return steps


def _app_version(value: object) -> str:
    if isinstance(value, str) and is_version(value):
        return value
    raise Mistake("app_version", f"app_version is {quoted(value)}, which is no version", 'such as "1.0.0"')


_HEAD: Mapping[str, Callable[[object], Any]] = {
    "title": lambda value: text("title", value),
    "about": lambda value: text("about", value, longest=_LONGEST_ABOUT),
    "seed": lambda value: whole("seed", value, least=0, most=2**32 - 1),
    "app_version": _app_version,
}
_KEYS = (*_HEAD, "clients", "steps")


def _document(path: Path, file: str) -> str:
    try:
        with path.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{file} can't be read: {reason}", "give a .toml file", code="no-scenario") from None
    if len(data) > MAX_BYTES:
        raise ScenarioError(file, [Wrong(1, "it is larger than 1 MiB", "is this a scenario?")])
    try:
        return data.decode("utf-8-sig")  # editors of Windows write the mark
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ScenarioError(file, [Wrong(line, "this is not UTF-8", "save the file as UTF-8")]) from None


def _toml(document: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(document)
    except RecursionError:
        raise ScenarioError(file, [Wrong(1, "it is nested too deeply")]) from None
    except ValueError as error:  # tomllib lets int()'s pass, for a number of thousands of digits
        said = str(error)
        place = _PLACE.search(said)
        line = int(place.group(1)) if place else document.count("\n") + 1
        raise ScenarioError(file, [Wrong(line, f"this is no TOML: {shown(_PLACE.sub('', said))}")]) from None


def _found(action: Action, beside: Path) -> Action:
    if isinstance(action, Save):
        return Save(folder=str(build_folder(action.folder, beside=beside)))
    if isinstance(action, Do) and action.refused is None and isinstance(action.arguments.get("path"), str):
        folder = str(build_folder(action.arguments["path"], beside=beside))
        return replace(action, arguments={**action.arguments, "path": folder})
    return action
