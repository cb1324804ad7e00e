"""What holds of every line of the main screen, whatever clients call themselves and however wide the terminal is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.dashboard import selectors
from hotswap_dev.dashboard.ascii import in_ascii, wants_ascii
from hotswap_dev.dashboard.looking import PANES, Looking
from hotswap_dev.dashboard.selectors.columns import Column, Piece, as_many, in_columns, margined
from hotswap_dev.dashboard.selectors.figures import bar, spark
from hotswap_dev.dashboard.selectors.releases import release_state
from hotswap_dev.dashboard.selectors.who_has_it import release_sections
from hotswap_dev.dashboard.spans import Line, Span, cells, line, plain
from hotswap_dev.dashboard.view import Link, LinkState, Selected, View
from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.clients import advance
from hotswap_dev.domain.commands.overrides import Force204
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import (
    ClientNamed,
    ClientPinned,
    FaultArmed,
    NoteAdded,
    ProductMapped,
    ReleaseEdited,
    RequiredHeaderSet,
    RolloutSet,
    TargetsSet,
)
from hotswap_dev.domain.faults import every_fault
from hotswap_dev.domain.model import DEFAULT_CHANNEL, ArmedFault, RequiredHeader, Targets
from hotswap_dev.domain.observations import BuildRefused, BuildStarted, Noticed
from hotswap_dev.domain.policy import decide
from hotswap_dev.domain.preview import next_check
from tests.dashboard.moments import a_view
from tests.dashboard.views import Scene, a_morning
from tests.unit.making import NOW, all_controls, an_answered_check, checks

CORPUS = (
    "[/nope]",
    "[@click=app.force_mandatory]Pixel 8[/]",
    "\x1b]52;c;aGk=\x07",
    "\x9b31m",
    "\u202egnp.exe",
    "\u200b\u200d\ufeff",
    "e" + "\u0301" * 40,
    "李雷的手机",
    "👩‍👩‍👧‍👦",
    "x" * 4000,
    "\udcff",
    "a\nb\tc\r",
    "",
)

hostile = st.sampled_from(CORPUS) | st.text(max_size=40)
widths = st.integers(20, 300)
ranges = st.sampled_from((None, ">=0.4,<0.6"))
faults = st.sampled_from(tuple(every_fault()))


@st.composite
def views(draw: st.DrawFn) -> View:
    """A view in which everything that comes from outside is hostile."""
    said = st.shared(hostile, key="said")
    text, client = draw(said), draw(hostile) or "c"
    scene = Scene(app=draw(hostile), key_id=draw(said), production_key=draw(st.booleans()))
    scene.saved(1, channel="beta").saved(2, channel=draw(hostile) or "beta").saved(3)
    scene.happens(ReleaseEdited(at=NOW, sequence=1, version=text or "x"), NoteAdded(at=NOW, text=text))
    scene.happens(ClientNamed(at=NOW, client=client, name=draw(hostile)))
    scene.happens(ClientPinned(at=NOW, client=client, sequence=2))
    scene.later(1).asks(
        client, 0, platform=draw(hostile), arch=text, channel=draw(st.sampled_from(("beta", text)))
    )
    if draw(st.booleans()):
        scene.told_anyhow(client, draw(st.integers(0, 4)), binary_version=draw(hostile), reason=draw(hostile))
    scene.fetches(client, 3).fetches(None, 2, peer=text)
    scene.happens(Noticed(at=NOW, level="error", code=text, message=draw(hostile), hint=text))
    if draw(st.booleans()):
        scene.happens(BuildRefused(at=NOW, code=text, detail=draw(hostile), hint=text, path=draw(hostile)))
    if draw(st.booleans()):
        scene.happens(BuildStarted(at=NOW, path=draw(hostile)))
    if draw(st.booleans()):
        scene.happens(
            TargetsSet(at=NOW, sequence=3, targets=Targets(clients=(client,), binary_versions=draw(ranges))),
            RolloutSet(at=NOW, sequence=3, percent=draw(st.floats(0, 100)), always=(client,)),
            FaultArmed(at=NOW, armed=ArmedFault(override=7, fault=draw(faults), client=client, left=2)),
            FaultArmed(at=NOW, armed=ArmedFault(override=8, fault=text, channel=text, probability=0.5)),
            RequiredHeaderSet(at=NOW, channel=text, required=RequiredHeader(header=text, status=401)),
            ProductMapped(at=NOW, product=text, channel=draw(hostile)),
        )
    scene.mirror.sent(Force204(on=True, client="px", times=draw(st.integers(1, 3))), text)
    state: LinkState = draw(st.sampled_from(("starting", "live", "live", "gap", "reconnecting", "gone")))
    link = Link(state=state, since=NOW, said=draw(hostile), hint=text)
    view = scene.view(
        Looking(pane=draw(st.sampled_from(PANES)), filter=draw(st.sampled_from(("", "client:")))), link
    )
    chosen = draw(
        st.sampled_from(
            [None, Selected("client", client), *(Selected("release", one) for one in (1, 2, 3))]
            + [Selected("row", row.number) for row in view.rows]
        )
    )
    return replace(view, selected=chosen, channel=draw(st.sampled_from((None, None, "beta", text or "x"))))


def every_line(view: View, width: int) -> Iterator[Line]:
    """All that the main screen draws of a view."""
    for bar_of in (selectors.header, selectors.way, selectors.chips, selectors.tabs, selectors.foot):
        yield bar_of(view, width)
    for release in selectors.release_rows(view):
        yield selectors.release_line(release, view, width)
    for client in selectors.client_rows(view):
        yield selectors.client_line(client, view, width)
    for row in view.rows:
        yield selectors.check_line(row, view, width)
    yield from selectors.why_lines(view, width, 6)
    for heads in (selectors.release_heads, selectors.client_heads, selectors.check_heads):
        yield heads(view, width)
    for pane in PANES:
        yield from selectors.empty(view, pane, width)


@given(views(), widths)
def test_C3_no_line_is_wider_than_its_room_or_draws_anything_by_itself(view: View, width: int) -> None:
    for one in every_line(view, width):
        assert cells(one) <= width, plain(one)
        assert plain(one).isprintable(), plain(one)


@given(views(), st.integers(0, 19))
def test_a_terminal_too_narrow_for_anything_breaks_nothing(view: View, width: int) -> None:
    for one in every_line(view, width):
        assert cells(one) <= max(1, width)


@given(views(), widths, st.integers(0, 12))
def test_why_never_takes_more_lines_than_it_has(view: View, width: int, height: int) -> None:
    assert len(selectors.why_lines(view, width, height)) <= height


@given(views())
def test_what_an_empty_pane_says_draws_nothing_by_itself(view: View) -> None:
    for pane in PANES:
        for one in selectors.empty(view, pane):
            assert plain(one).isprintable()


@given(views(), widths)
def test_in_ascii_the_same_lines_have_nothing_but_ascii_and_no_more_columns(view: View, width: int) -> None:
    for one in every_line(view, width):
        drawn = in_ascii(one)
        assert plain(drawn).isascii()
        assert cells(drawn) <= cells(one)


_CAN_BE_HAD = ("offered", "rolling out", "for some", "poisoned")


@given(all_controls(), st.lists(st.tuples(checks(), st.sampled_from(("a", "b", "c"))), max_size=4))
def test_state_who_and_next_of_a_release_never_contradict_what_its_clients_are_told(
    controls: Controls, asking: list[tuple[Check, str]]
) -> None:
    asked = [
        an_answered_check(
            client, sequence=one.sequence, binary_version=one.binary_version, platform=one.platform,
            arch=one.arch, channel=one.channel,
        )
        for one, client in asking
    ]  # fmt: skip
    clients = {one.client: client for one in asked if (client := advance(None, one)) is not None}
    view = a_view(controls, clients=clients)
    told = [decide(controls, check, NOW).offered for one in clients.values() if (check := next_check(one))]
    offered = {release.sequence for release in told if release is not None}
    for number, release in controls.releases.items():
        state, _ = release_state(release, view)
        who, *_, after = release_sections(release, view)
        assert (f"{number} is offered to none" not in who.text) == (number in offered or not clients)
        if number in offered:
            assert state in _CAN_BE_HAD
            assert "Nobody" not in after.text
            assert "in its place" not in after.text
        elif clients and state == "offered":
            # Nobody known is without it, or could have it: it is what the next one is offered.
            assert not any(
                client.sequence is not None and client.sequence < number and next_check(client) is not None
                and (client.channel or DEFAULT_CHANNEL) == release.channel
                and decide(controls, next_check(client), NOW).reason.code == "forced-204"  # type: ignore[arg-type]
                for client in clients.values()
            )  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.text(max_size=30), st.integers(0, 30), st.integers(0, 6), st.integers(1, 10), st.booleans()
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 200),
)
def test_columns_never_exceed_their_room(
    given_columns: list[tuple[str, int, int, int, bool]], width: int
) -> None:
    columns = [
        Column(line(text), wide, rank, least, grows=grows) for text, wide, rank, least, grows in given_columns
    ]
    assert cells(in_columns(columns, width)) <= width


@given(st.lists(st.tuples(st.text(max_size=12), st.integers(0, 3)), max_size=8), st.text(max_size=20), widths)
def test_bars_of_pieces_never_exceed_their_room(
    pieces: list[tuple[str, int]], right: str, width: int
) -> None:
    left = as_many([Piece(line(text), rank) for text, rank in pieces], width, "  ")
    assert cells(left) <= width
    assert cells(margined(left, line(right), width)) <= width


@given(st.lists(st.integers(0, 500), min_size=1, max_size=30), st.integers(1, 24))
def test_a_plot_has_a_column_for_each_count_and_its_highest_is_full(counts: list[int], width: int) -> None:
    drawn = spark(counts, width)
    last = counts[-width:]
    assert len(drawn) == (len(last) if max(last) else 0)
    assert not max(last) or drawn[last.index(max(last))] == "█"


@given(st.lists(st.integers(0, 50), min_size=3, max_size=3), st.integers(0, 100), st.integers(0, 40))
def test_a_bar_is_as_wide_as_it_may_be_and_shows_whoever_counts(
    parts: list[int], more: int, width: int
) -> None:
    one, other, third = parts
    total = one + other + third + more
    drawn = plain(bar(((one, "a", "good"), (other, "b", "bad"), (third, "c", "accent")), total, width))
    assert len(drawn) == width
    assert not one or width == 0 or "a" in drawn


# --- ASCII ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "encoding", "wanted"),
    [
        ({}, None, False),
        ({"LANG": "en_US.UTF-8", "TERM": "xterm-256color"}, None, False),
        ({"LANG": "C.utf8"}, None, False),
        ({"LANG": "de_DE.ISO-8859-1"}, None, True),
        ({"LANG": "C"}, None, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "POSIX"}, None, True),
        ({"LANG": "C", "LC_CTYPE": "UTF-8"}, None, False),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, None, True),
        ({"LANG": "C"}, "utf-8", False),
        ({"LANG": "en_US.UTF-8"}, "cp1252", True),
        ({}, "cp65001", False),
    ],
)
def test_ascii_is_drawn_where_the_terminal_has_no_utf8(
    environ: dict[str, str], encoding: str | None, wanted: bool
) -> None:
    assert wants_ascii(environ, encoding) is wanted


def test_in_ascii_the_way_reads_the_same() -> None:
    drawn = plain(in_ascii(selectors.way(a_morning().view(), 80)))
    assert drawn == " 14 > saved + > signed 28 ms > offered 2/4 > fetched 1 > running 1 > fell back 0"


def test_a_name_stays_as_far_as_the_terminals_encoding_has_it() -> None:
    name = line(Span("Ünal 李      "))
    assert plain(in_ascii(name, "latin-1")).startswith("Ünal \\u{674")
    assert plain(in_ascii(name)).startswith("\\u{dc}nal")
