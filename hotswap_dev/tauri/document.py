"""A configuration file as a table: JSON, JSON5 or TOML, and how one is laid over another.

Owns the syntax and the errors that point into a file. What the keys mean is said elsewhere.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hotswap_dev.errors import HotswapError

Table = dict[str, Any]
"""One JSON object. Never changed once it was read."""


def read_document(path: Path) -> Table:
    """The file's top-level object; as `read_value`, and `config-broken` where it is something else."""
    value = read_value(path)
    if not isinstance(value, dict):
        raise _broken(path, (1, 1), "an object { … } was expected at the top")
    return value


def read_value(path: Path) -> object:
    """What the file holds; the format goes by the extension.

    As Tauri does (tauri-utils, config/parse.rs), `.json` may also hold JSON5. A byte order mark is skipped. Raises
    HotswapError `config-unreadable` where the file can't be read, `config-broken` with line and column where it
    can't be parsed.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise HotswapError(
            f"{path} can't be read: {error.strerror}",
            "check the file and its permissions",
            code="config-unreadable",
        ) from None
    except UnicodeDecodeError as error:
        raise _broken(path, (0, 0), f"byte {error.start} is not UTF-8") from None
    parse = {".toml": _parse_toml, ".json5": _parse_json5}.get(path.suffix.lower(), _parse_json_or_json5)
    try:
        return parse(text)
    except _SyntaxProblem as problem:
        raise _broken(path, problem.at, problem.what) from None
    except RecursionError:
        raise _broken(path, (0, 0), "it is nested too deeply") from None


def merge_patch(target: object, patch: object) -> Any:  # noqa: ANN401 - any JSON value in, any JSON value out
    """`target` with `patch` laid over it by RFC 7396, as Tauri merges platform files and `-c`.

    Objects merge, anything else replaces, null deletes. Neither argument is changed.
    """
    if not isinstance(patch, Mapping):
        return patch
    merged: Table = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def table_at(table: Mapping[str, Any], *keys: str) -> Table:
    """The object at the end of `keys`, empty where there is none: for files whose shape is not ours to judge."""
    value: object = table
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else {}


def spelling(table: Mapping[str, Any], key: str) -> str | None:
    """How `table` spells the camelCase `key`: as it is, or in kebab-case, or not at all (None).

    Tauri takes `product-name` for `productName` (serde aliases in tauri-utils' config.rs). It does so for its own
    keys only: nothing below `plugins` may be looked up with this.
    """
    if key in table:
        return key
    kebab = kebab_case(key)
    return kebab if kebab in table else None


def kebab_case(key: str) -> str:
    """`frontendDist` as `frontend-dist`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda upper: "-" + upper[0].lower(), key)


class _SyntaxProblem(Exception):
    """`at` is (line, column), from 1; (0, 0) where the parser doesn't say."""

    def __init__(self, at: tuple[int, int], what: str) -> None:
        super().__init__(what)
        self.at = at
        self.what = what


def _broken(path: Path, at: tuple[int, int], what: str) -> HotswapError:
    place = f"{path}, line {at[0]}, column {at[1]}" if at != (0, 0) else str(path)
    return HotswapError(f"{place}: {what}", "mend the file at that place", code="config-broken")


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _SyntaxProblem((error.lineno, error.colno), error.msg) from None


def _parse_json5(text: str) -> object:
    import json5  # 30 ms, and few projects need it

    try:
        value: object = json5.loads(text)
    except ValueError as error:
        found = re.search(r":(\d+) (.*) at column (\d+)", str(error), re.DOTALL)
        if found is None:
            raise _SyntaxProblem((1, 1), str(error)) from None
        raise _SyntaxProblem((int(found[1]), int(found[3])), found[2]) from None
    return value


def _parse_json_or_json5(text: str) -> object:
    try:
        return _parse_json(text)
    except _SyntaxProblem as strict:
        try:
            return _parse_json5(text)
        except _SyntaxProblem as lenient:
            # A comment stops the strict parser lines before the mistake, and then the lenient one knows; on one line
            # the strict one says it more plainly.
            raise (lenient if lenient.at[0] > strict.at[0] else strict) from None


def _parse_toml(text: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"(.*) \(at line (\d+), column (\d+)\)", str(error), re.DOTALL)
        if found is None:
            raise _SyntaxProblem((0, 0), str(error)) from None
        raise _SyntaxProblem((int(found[2]), int(found[3])), found[1]) from None
