"""Where a block and a key of a TOML file stand, whatever its strings and comments pretend to be."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.scenario.lines import Block, Lines, lines_of

SINGLE = ('"', "'", '"""', "'''", "#", "[", "]", "{", "}", "=", "\\", ",", "é", "a", " ")
LURES = st.lists(
    st.sampled_from(["[[steps]]", "[[clients]]", "\n", "\n[[steps]]\nsave = 1\n", "k0 = 1", *SINGLE]),
    max_size=6,
).map("".join)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


STRINGS = st.one_of(
    LURES.map(lambda text: f'"{escaped(text)}"'),
    LURES.map(lambda text: "'" + text.replace("'", "").replace("\n", "") + "'"),
    LURES.map(lambda text: '"""' + text.replace("\\", "\\\\").replace('"""', '""\\"') + '"""'),
    LURES.map(lambda text: '"""\n' + text.replace("\\", "\\\\").replace('"', '\\"') + 'a"""""'),
    LURES.map(lambda text: '"""\n' + text.replace("\\", "\\\\").replace('"', '\\"') + 'a""""'),
    LURES.map(lambda text: "'''" + re.sub("'{3,}", "''", text) + "'''"),
)
COMMENTS = LURES.map(lambda text: "#" + text.replace("\n", ""))
ARRAYS = st.tuples(st.lists(STRINGS, max_size=2), COMMENTS).map(
    lambda both: "[ " + both[1] + "\n" + "".join(f"  {one}, {both[1]}\n" for one in both[0]) + "]"
)
TABLES = STRINGS.map(lambda text: f"{{a = {text}, b = [1, {{c = {text}}}]}}")
VALUES = st.one_of(STRINGS, ARRAYS, TABLES, st.sampled_from(["1", "true", "1979-05-27 07:32:00", "0.5"]))
HEADERS = {
    name: st.sampled_from([f"[[{name}]]", f"[[ {name} ]]", f'[["{name}"]]', f"  [['{name}']] # [[x]]"])
    for name in ("steps", "clients")
}
FORMS = st.sampled_from(["{}", '"{}"', "'{}'", "{}.x", '"{}" . "y"', "  {}"])
FILLERS = st.lists(st.one_of(COMMENTS, st.just(""), st.just("  \t")), max_size=2)


@dataclass
class Written:
    """A document as it grows, and where what was put into it stands."""

    lines: list[str] = field(default_factory=list)
    wanted: Lines = field(default_factory=lambda: Lines({}, {}))

    def put(self, text: str) -> int:
        """Its first line's number."""
        first = len(self.lines) + 1
        self.lines += text.split("\n")
        return first


@st.composite
def documents(draw: st.DrawFn) -> Written:
    written = Written()
    keys = written.wanted.top
    for number in range(draw(st.integers(0, 3))):
        put_key(draw, written, keys, number)
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(("steps", "clients")))
        for filler in draw(FILLERS):
            written.put(filler)
        block = Block(written.put(draw(HEADERS[name])), {})
        written.wanted.blocks.setdefault(name, []).append(block)
        for number in range(draw(st.integers(0, 3))):
            put_key(draw, written, block.keys, number)
        if draw(st.booleans()):
            block.keys["table"] = written.put(f"[{name}.table]")
            put_key(draw, written, {}, 0)
    return written


def put_key(draw: st.DrawFn, written: Written, keys: dict[str, int], number: int) -> None:
    for filler in draw(FILLERS):
        written.put(filler)
    key = draw(FORMS).format(f"k{number}")
    keys[f"k{number}"] = written.put(f"{key} = {draw(VALUES)} {draw(COMMENTS)}")


@given(documents(), st.booleans())
def test_every_block_and_every_key_is_found_on_its_line(written: Written, of_windows: bool) -> None:
    document = "\n".join(written.lines)
    given_ = tomllib.loads(document)  # what is drawn is TOML, or this test says nothing
    if of_windows:
        document = document.replace("\n", "\r\n")

    found = lines_of(document)

    assert found == written.wanted
    for name, blocks in found.blocks.items():
        assert len(blocks) == len(given_[name])
        for block, read in zip(blocks, given_[name], strict=True):
            assert set(block.keys) == set(read)


STATEMENTS = st.one_of(
    VALUES.map(lambda value: f"k = {value}"),
    LURES,
    st.sampled_from(["[[steps]]", "[[steps]]\n[[clients]]", "[a]"]),
)


@given(st.lists(STATEMENTS, max_size=4).map("\n".join))
def test_as_many_blocks_are_found_as_tomllib_finds_and_in_what_it_refuses_the_search_ends(
    document: str,
) -> None:
    found = lines_of(document)

    try:
        read = tomllib.loads(document)
    except tomllib.TOMLDecodeError:
        return
    assert {name: len(blocks) for name, blocks in found.blocks.items()} == {
        name: len(value) for name, value in read.items() if name in ("steps", "clients")
    }


def test_a_table_below_a_block_belongs_to_the_block_before_it() -> None:
    found = lines_of(
        '[[steps]]\ndo = "arm-fault"\n\n[steps.parameters]\nms = 5\n[[steps]]\nlive = 1\n[other]\na = 1\n'
    )

    assert found.blocks["steps"] == [Block(1, {"do": 2, "parameters": 4}), Block(6, {"live": 7})]
    assert found.top == {"other": 8}


def test_quotes_that_end_a_long_string_begin_no_other_one() -> None:
    found = lines_of("a = \"\"\"x\"\"\"\" # a \" and a [\nb = '''x'''' # a ' and a {\n[[steps]]\nlive = 1\n")

    assert found == Lines({"a": 1, "b": 2}, {"steps": [Block(3, {"live": 4})]})
