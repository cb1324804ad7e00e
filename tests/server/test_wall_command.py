"""`hotswap-dev wall`: the link of a running server's wall, and the browser that is led to it."""

from __future__ import annotations

import asyncio
import html
import json
import sys
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner, Result

from hotswap_dev.cli.main import program
from hotswap_dev.errors import Unreachable
from tests.server.asking import Asking
from tests.server.walls import LINKED, opened


async def said(workspace: Path, *arguments: str) -> Result:
    """What the command prints, in a thread: this loop is the server's."""
    given = ["wall", "--workspace", str(workspace), *arguments]
    return await asyncio.to_thread(CliRunner().invoke, program, given)


async def test_it_prints_the_link_and_nothing_else_each_time_the_same(server: Asking, tmp_path: Path) -> None:
    first, second, as_json = [await said(tmp_path / "w", *more) for more in ((), (), ("--json",))]

    assert first.exit_code == 0
    assert first.output == second.output == f"{(await opened(server)).url}\n"
    assert json.loads(as_json.output) == {"url": first.output.strip()}
    assert (await server.get(first.output.strip())).status == 200


async def test_A11_the_browser_is_led_by_a_file_that_only_this_user_may_read(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def opens(url: str) -> bool:
        asked.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", opens)
    answer = await said(tmp_path / "w", "--open")

    wall = await opened(server)
    assert answer.output == f"{wall.url}\n"
    (url,) = asked
    assert urlsplit(url).scheme == "file"
    way_in = Path(unquote(urlsplit(url).path.lstrip("/") if sys.platform == "win32" else urlsplit(url).path))
    assert wall.path.split("/")[2] not in url
    assert html.unescape(way_in.read_text()).count(wall.url) == 2
    if sys.platform != "win32":
        assert way_in.stat().st_mode & 0o777 == 0o600
    # What the file leads to comes from another page, as browsers see it.
    assert (await wall.get("", LINKED)).status == 200


async def test_where_no_browser_is_found_the_link_is_there_all_the_same(
    server: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    answer = await said(tmp_path / "w", "--open")

    assert answer.exit_code == 0
    assert answer.stdout == f"{(await opened(server)).url}\n"
    assert "no browser was found" in answer.stderr


async def test_without_a_server_it_says_so(tmp_path: Path) -> None:
    answer = await said(tmp_path / "w")

    assert isinstance(answer.exception, Unreachable)
