"""A tab's own process: it gets what is typed, draws what is seen, and never outlives its tab."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from asyncio.subprocess import PIPE
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.cli.web.command import showing
from hotswap_dev.cli.web.site import Shown
from hotswap_dev.cli.web.tab import DRIVER, Size, packet_of
from tests.unit.cli.tabs import (
    APP,
    BROKEN,
    PATIENCE,
    POLITE,
    STUBBORN,
    Tab,
    Visitor,
    command,
    is_gone,
    lives,
    visiting,
)

pytestmark = pytest.mark.screens

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = JSON | st.lists(
    st.sampled_from(["stdin", "resize", "focus", "blur", "ping"])
    | JSON
    | st.fixed_dictionaries({"width": st.integers(), "height": st.integers()}),
    max_size=3,
)


async def test_a_key_acts_and_a_new_size_is_drawn() -> None:
    async with visiting(command(APP)) as one:
        await one.enter()
        async with one.tab() as tab:
            await tab.pid()
            await tab.say("stdin", "nn")
            await tab.shows("pressed=(2);")
            await tab.say("resize", {"width": 120, "height": 36})
            await tab.shows(r"size=(120x36);")


async def test_each_tab_has_a_process_of_its_own_that_ends_with_it() -> None:
    async with visiting(command(APP)) as one:
        await one.enter()
        async with one.tab() as first:
            async with one.tab() as second:
                pids = {await first.pid(), await second.pid()}
                assert len(pids) == 2
                ended = await second.pid()
            await is_gone(ended)
            await first.say("stdin", "n")
            await first.shows("pressed=(1);")


async def test_a_tab_whose_app_ends_is_closed() -> None:
    async with visiting(command(APP)) as one:
        await one.enter()
        async with one.tab() as tab:
            pid = await tab.pid()
            await tab.say("stdin", "q")
            await tab.to_the_end()
            await is_gone(pid)


async def test_E16_no_process_is_left_when_the_site_ends() -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        async with showing(Shown(command(APP), os.environ, "my-app")) as address:
            one = Visitor(session, address)
            await one.enter()
            tab = Tab(await session.ws_connect(f"{one.site}{one.path}terminal", headers=one.handshake()))
            pid = await tab.pid()
            reading = asyncio.create_task(tab.to_the_end())
        assert not lives(pid)
        await reading
        assert tab.socket.close_code == aiohttp.WSCloseCode.GOING_AWAY


async def test_E16_an_app_is_asked_to_end_before_it_is_told(tmp_path: Path) -> None:
    async with visiting(command(POLITE, str(tmp_path / "ended by itself"))) as one:
        await one.enter()
        async with one.tab() as tab:
            pid = await tab.pid()
        await is_gone(pid)
    assert (tmp_path / "ended by itself").exists()


async def test_E16_an_app_ends_with_its_stdin_and_needs_nobody_who_ends_it() -> None:
    process = await asyncio.create_subprocess_exec(
        *command(APP), stdin=PIPE, stdout=PIPE, env={**os.environ, "TEXTUAL_DRIVER": DRIVER}
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        assert await process.stdout.readline() == b"__GANGLION__\n"
        process.stdin.close()
        await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_E16_an_app_that_does_not_want_to_end_is_killed_with_its_tab() -> None:
    async with visiting(command(STUBBORN)) as one:
        await one.enter()
        async with one.tab() as tab:
            pid = await tab.pid()
        await is_gone(pid)


async def test_E16_a_tab_that_vanishes_takes_its_process_with_it() -> None:
    async with visiting(command(APP)) as one:
        await one.enter()
        async with one.tab() as tab:
            pid = await tab.pid()
            connection = tab.socket._response.connection
            assert connection is not None
            assert connection.transport is not None
            connection.transport.abort()
            await is_gone(pid)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
async def test_an_app_that_is_killed_closes_its_tab() -> None:
    async with visiting(command(APP)) as one:
        await one.enter()
        async with one.tab() as tab:
            os.kill(await tab.pid(), signal.SIGKILL)
            await tab.to_the_end()


async def test_C3_the_last_words_of_an_app_that_never_drew_are_read_in_the_page_as_text(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with visiting(command(BROKEN)) as one:
        await one.enter()
        async with one.tab() as tab:
            await tab.to_the_end()
            assert tab.drawn == "error: no server runs in here \\u{202e}\\x1b"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert capfd.readouterr() == ("", "")


async def test_a_command_that_there_is_none_closes_the_tab(tmp_path: Path) -> None:
    async with visiting([str(tmp_path / "nothing")]) as one:
        await one.enter()
        async with one.tab() as tab:
            await tab.to_the_end()
            assert tab.drawn == ""


@pytest.mark.parametrize(
    "name", ["a b", 'it\'s "so"', "$(touch made)", "`touch made`", "; touch made", "%PATH%"]
)
async def test_no_shell_reads_the_name_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = tmp_path / "ended"
    async with visiting(command(POLITE, str(ended), name)) as one:
        await one.enter()
        async with one.tab() as tab:
            await tab.pid()
            assert str([name]) in tab.drawn
    assert list(tmp_path.iterdir()) == [ended]


async def test_C2_an_app_makes_the_browser_open_no_address_and_take_no_file() -> None:
    async with visiting(command(APP)) as one:
        await one.enter()
        async with one.tab() as tab:
            await tab.say("stdin", "udn")
            await tab.shows("pressed=(1);")
            await tab.say("ping", "7")
            await tab.say("stdin", "q")
            await tab.to_the_end()
            assert tab.told == [["pong", "7"]]


@pytest.mark.parametrize(
    ("query", "size"),
    [("", "80x24"), ("?width=x&height=-3", "80x24"), ("?width=999999999&height=0", "600x5")],
)
async def test_a_size_that_is_none_is_brought_within_reason(query: str, size: str) -> None:
    async with visiting(command(APP)) as one:
        await one.enter()
        async with one.tab(query) as tab:
            assert await tab.shows(r"size=(\d+x\d+);") == size


async def test_what_is_no_message_of_the_page_is_passed_over() -> None:
    async with visiting(command(APP)) as one:
        await one.enter()
        async with one.tab() as tab:
            await tab.pid()
            for text in (
                "",
                "{",
                "[]",
                "null",
                '["stdin"]',
                '["stdin", 1]',
                '["resize", {"width": "x"}]',
                '"\\ud800"',
            ):
                await tab.socket.send_str(text)
            await tab.socket.send_bytes(b"D\xff\xff\xff\xff")
            await tab.say("stdin", "n")
            await tab.shows("pressed=(1);")


@given(MESSAGES)
def test_any_json_is_one_whole_packet_or_none(message: object) -> None:
    packet, answer = packet_of(message)

    if packet:
        kind, length, body = packet[:1], int.from_bytes(packet[1:5], "big"), packet[5:]
        assert kind in (b"D", b"M")
        assert length == len(body)
        if kind == b"M":
            said = json.loads(body)
            assert said["type"] in ("resize", "focus", "blur")
            assert said["type"] != "resize" or (20 <= said["width"] <= 600 and 5 <= said["height"] <= 300)
    assert answer is None or json.loads(answer)[0] == "pong"


@given(st.text())
def test_whatever_is_typed_arrives_as_its_bytes(text: str) -> None:
    assert packet_of(["stdin", text])[0][5:] == text.encode("utf-8", "replace")


@given(st.integers(), st.integers())
def test_every_size_is_one_that_a_screen_could_have(columns: int, rows: int) -> None:
    size = Size.within_reason(columns, rows)

    assert 20 <= size.columns <= 600
    assert 5 <= size.rows <= 300
    assert Size.within_reason(size.columns, size.rows) == size
