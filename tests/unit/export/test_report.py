"""The page of a run: it loads nothing, says the outcome, names what it draws, and believes no text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev.domain.reasons import CODES
from hotswap_dev.export.report import (
    Answers,
    Beat,
    ClientRow,
    Figure,
    Moment,
    Report,
    Series,
    Struck,
    Way,
    render,
)
from hotswap_dev.export.report_releases import segments
from hotswap_dev.export.report_style import STYLE
from tests.unit.export.reported import WHEN, empty, halted, many_releases, small

_VOID = {"meta", "br", "link", "img", "input", "hr"}
_LOADS = (
    "src",
    "href",
    "xlink:href",
    "srcset",
    "action",
    "formaction",
    "data",
    "poster",
    "ping",
    "background",
)


class Page(HTMLParser):
    """A page taken apart: its elements, whether each is closed where it should be, its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.crossed: list[str] = []
        self.feed(page)
        self.close()
        self.crossed += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.words.append(data)

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    @property
    def text(self) -> str:
        return "".join(self.words)


REPORTS = {
    "halted": halted(),
    "small": small(),
    "empty": empty(),
    "forty": many_releases(),
    "one": Report(
        title="One",
        when=WHEN,
        seconds=1,
        known=1,
        checks=1,
        releases=(Way(sequence=1, clients=1, offered=1, fetched=1, running=1),),
        running=(Series(name="release 1", points=((0.0, 1),), sequence=1),),
    ),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_loads_nothing_from_anywhere_and_runs_no_script(name: str) -> None:
    page = Page(render(REPORTS[name]))
    assert page.crossed == []
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "use"}
    for tag, attributes in page.elements:
        assert not [one for one in attributes if one in _LOADS or one.startswith("on")], (tag, attributes)
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert not re.search(r"url\((?!#)|@import|https?:", STYLE)


@pytest.mark.parametrize("name", REPORTS)
def test_every_picture_says_in_words_what_it_shows(name: str) -> None:
    page = Page(render(REPORTS[name]))
    ids = {a["id"] for _, a in page.elements if "id" in a}
    for tag, attributes in page.elements:
        if tag == "svg" and attributes.get("aria-hidden") != "true":
            named = (attributes.get("aria-labelledby") or "").split()
            assert attributes["role"] == "img"
            assert attributes.get("aria-label") or (named and set(named) <= ids)
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
    tables = sum(tag == "table" for tag, _ in page.elements)
    assert tables == sum(tag == "caption" for tag, _ in page.elements)
    assert len(ids) == sum("id" in a for _, a in page.elements)


@pytest.mark.parametrize("name", REPORTS)
def test_no_coordinate_is_outside_of_its_picture(name: str) -> None:
    page = render(REPORTS[name])
    assert "nan" not in page.lower().replace("finance", "")
    for x in re.findall(r'<(?:text|rect)[^>]* x="(-?[\d.]+)"', page):
        assert 0 <= float(x) <= 960


def test_the_same_report_is_the_same_bytes() -> None:
    assert render(halted()) == render(halted())
    assert render(small()) != render(replace(small(), when=WHEN + timedelta(minutes=1)))


def test_five_thousand_clients_are_a_page_under_200_kilobytes_and_all_counted() -> None:
    page = render(halted(5000))
    assert len(page.encode()) < 200_000
    text = Page(page).text
    assert "4,976 clients more" in text
    assert text.count("phone-") == 24


def test_those_with_trouble_are_named_first_and_those_without_are_few() -> None:
    text = Page(render(halted(5000))).text
    assert text.index("phone-0002") < text.index("phone-0000") < text.index("phone-0006")
    assert "phone-0023" in text
    assert "phone-0024" not in text


def test_an_empty_run_is_a_sentence_and_no_empty_plot() -> None:
    page = Page(render(empty()))
    assert "Nothing was released, and no client checked in." in page.text
    assert not page.tags & {"section", "table", "figure", "dl"}


def test_forty_releases_are_a_few_bands_and_the_newest_rows() -> None:
    page = render(many_releases())
    assert "releases 1 to 31" in page
    assert page.count('class="band ') == 10
    assert "15 older releases that did no harm" in page


def test_an_old_release_that_did_harm_keeps_its_row() -> None:
    report = many_releases()
    bad = replace(report.releases[2], fell_back=4)
    page = render(replace(report, releases=(*report.releases[:2], bad, *report.releases[3:])))
    assert ">3</b>" in page
    assert ">4</b>" not in page


_NASTY = "<script>alert(1)</script>\"'&\u202egnp.exe\x1b[31m\u0000</title></style>"


def test_C3_hostile_names_are_text_wherever_they_stand() -> None:
    report = Report(
        title=_NASTY,
        when=WHEN,
        source=_NASTY,
        seconds=10,
        known=3,
        figures=(Figure(value=_NASTY, words=_NASTY),),
        releases=(Way(sequence=1, version=_NASTY, channel=_NASTY, notes=_NASTY, clients=1), Way(sequence=2)),
        running=(Series(name=_NASTY, points=((0.0, 3),)),),
        hits=(Series(name=_NASTY, points=((0.0, 0), (1.0, 3))),),
        moments=(Moment(at=1.0, words=_NASTY),),
        answers=(Answers(reason=_NASTY, count=1),),
        faults=(Struck(fault=_NASTY, times=1, clients=1, reaction=_NASTY),),
        beats=(
            Beat(title=_NASTY, said=_NASTY, failed_at=_NASTY, expected=_NASTY, seen=_NASTY, outcome="failed"),
        ),
        clients=(
            ClientRow(name=_NASTY, standing="failed", said=_NASTY, platform=_NASTY, binary_version=_NASTY),
            ClientRow(name="b", standing="running", channel=_NASTY),
        ),
        remarks=(_NASTY,),
    )
    drawn = render(report)
    page = Page(drawn)
    assert page.crossed == []
    assert "script" not in page.tags
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x00\x1b]", drawn)
    assert page.text.count("<script>") >= 12
    assert "\\u{202e}" in page.text


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 10**7)), max_size=40),
    counts=st.lists(st.integers(0, 10**6), max_size=300),
    seconds=st.floats(0, 1e6),
    name=st.text(max_size=40),
)
def test_any_run_is_a_page_whose_elements_are_closed(
    points: list[tuple[float, int]], counts: list[int], seconds: float, name: str
) -> None:
    from hotswap_dev.export.report import Rate

    told = tuple(sorted(points, key=lambda one: one[0]))
    report = Report(
        title=name,
        when=WHEN,
        seconds=seconds,
        running=(Series(name=name, points=told, sequence=1), Series(name="b", points=told[:1])),
        hits=(Series(name=name, points=told),),
        moments=tuple(Moment(at=at, words=name) for at, _ in told),
        rate=Rate(period=5, counts=tuple(counts)),
    )
    page = render(report)
    assert Page(page).crossed == []
    assert len(page.encode()) < 120_000


def test_every_reason_that_a_server_gives_has_words() -> None:
    page = Page(
        render(Report(title="x", when=WHEN, answers=tuple(Answers(reason=c, count=1) for c in CODES)))
    )
    for code in CODES:
        assert f"{code} {code}" not in " ".join(page.text.split())
        assert code in page.text


def test_a_failed_step_is_told_with_what_was_expected_and_seen() -> None:
    beat = Beat(title="wait until all run 5", outcome="failed", expected="8 clients run 5", seen="7 do")
    text = Page(render(replace(small(), beats=(beat, Beat(title="later", outcome="not-run"))))).text
    assert (
        "“wait until all run 5” failed. Expected: 8 clients run 5. Seen: 7 do." in text
    )  # the window's title
    drawn = render(replace(small(), beats=(beat,)))
    assert '<h1 class="bad-text">“wait until all run 5” failed.</h1>' in drawn
    assert "<p class=lead><bdi>Expected: 8 clients run 5.</bdi></p>" in drawn
    story = text[text.index("The story, step by step") :]
    assert "expected: 8 clients run 5" in story
    assert "seen: 7 do" in story
    assert "0 of 2 passed" in text
    assert "not run" in text


def _colours_of(kinds: Sequence[str]) -> set[str]:
    return {
        colour for kind in kinds for colour in re.findall(rf"\.{kind}(?:,[^{{]*)?\{{fill:([^;}}]+)", STYLE)
    }


def test_no_release_has_a_colour_that_the_key_of_the_stations_calls_confirmed_or_something_else() -> None:
    releases = _colours_of(["band.one", "old0", "old1", "old2", "band.embedded"])
    stations = _colours_of(["confirmed", "running", "had", "outside"])
    assert len(releases) == 5
    assert len(stations) == 4
    assert not releases & stations


def _bands(*ways: Way) -> dict[str, str]:
    """How the band of each release of a run is drawn."""
    series = tuple(
        Series(name=f"release {way.sequence}", points=((0.0, 1),), sequence=way.sequence) for way in ways
    )
    page = render(Report(title="x", when=WHEN, seconds=9, known=6, releases=ways, running=series))
    names = re.findall(r"release (\d+): ", re.findall(r'<desc id="adoption-d">(.*?)</desc>', page)[0])
    return dict(zip(names, re.findall(r'class="band (\w+)"', page), strict=True))


def _had(sequence: int, **more: Any) -> Way:
    return Way(sequence=sequence, **{"clients": 6, "offered": 6, "fetched": 6, **more})


@pytest.mark.parametrize(
    ("ways", "drawn"),
    [
        # The newest crashes; the one before could not be had at first, under a fault.
        (
            (_had(2, running=4, failed=6, hit=6), _had(3, running=2, again=2, fell_back=6, hit=6)),
            {"2": "one", "3": "bad"},
        ),
        ((_had(2, running=6, failed=6, hit=6),), {"2": "one"}),
        ((_had(2, fell_back=1, withheld=True), _had(3, running=6)), {"2": "bad", "3": "one"}),
        ((_had(2, withheld=True), _had(3, running=6)), {"2": "old1", "3": "one"}),
        ((_had(2, running=5), _had(3, origin="poisoned", running=1)), {"2": "one", "3": "bad"}),
        # Some few fall back from any release.
        ((_had(2, clients=500, fetched=500, running=446, confirmed=438, fell_back=12),), {"2": "one"}),
        ((_had(2, clients=500, fetched=500, fell_back=12), _had(3, running=6)), {"2": "old1", "3": "one"}),
    ],
)
def test_a_release_is_drawn_as_a_bad_one_by_who_fell_back_from_it_and_not_by_failed_downloads(
    ways: tuple[Way, ...], drawn: dict[str, str]
) -> None:
    assert _bands(*ways) == drawn


def test_what_the_bands_colours_mean_stands_above_them() -> None:
    text = Page(render(small())).text
    above = text[text.index("Adoption over time") : text.index("Clients by what they run")]
    assert "who of them confirmed it is told below" in above
    assert "release 3: bad, clients fell back" in above


def test_who_runs_again_what_it_gave_up_is_one_that_fell_back_and_none_that_runs_it() -> None:
    way = _had(3, running=3, again=2, fell_back=5, confirmed=0)
    told = {one.words: one.count for one in segments(way)}
    assert (told["fell back"], told["running, not confirmed"]) == (5, 1)
    assert sum(told.values()) == way.offered


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (500, "The server knows 500 other clients too, which are not counted here."),
        (1, "The server knows 1 other client too, which is not counted here."),
        (0, None),
    ],
)
def test_whom_else_the_server_knows_is_a_quiet_line(others: int, said: str | None) -> None:
    text = Page(render(replace(small(), others=others))).text
    assert ("The server knows" in text) == (said is not None)
    assert said is None or said in text


# --- contrast -------------------------------------------------------------------------------------------------------


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(one * 2 for one in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1, 2])
def test_every_text_has_the_contrast_of_aa_in_light_in_dark_and_on_paper(theme: int) -> None:
    colours = dict(
        re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]+)", re.findall(r":root\{([^}]*)\}", STYLE)[theme])
    )
    colours = {
        **({} if theme < 2 else dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]+)", STYLE[:900]))),
        **colours,
    }
    texts = ("ink", "soft", "good", "bad", "c1", "c2", "c3", "quiet")
    pairs = [(name, ground) for name in texts for ground in ("card", "page")]
    pairs += [("ink", band) for band in ("rel0", "rel1", "rel2", "emb")] + [("on-rel", "rel")]
    low = {pair: _contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: round(value, 2) for pair, value in low.items() if value < 4.5} == {}
