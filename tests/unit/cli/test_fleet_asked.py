"""A fleet in words: what is typed is what is planned, and what can't be meant is said with a way out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hotswap_dev.domain.checks import ARCHES, PLATFORMS
from hotswap_dev.errors import UsageError
from hotswap_dev.fleet.asked import TRAITS, crew, seconds, share, words
from hotswap_dev.fleet.plan import Crew, planned

TIMES = st.builds(
    lambda number, unit: f"{number}{unit}", st.integers(1, 999), st.sampled_from(["ms", "s", "m", "h"])
)
SHARES = st.integers(0, 100).map(lambda number: f"{number}%")


def mixes(*names: str) -> st.SearchStrategy[str]:
    weights = st.dictionaries(st.sampled_from(names), st.integers(1, 99), min_size=1)
    return weights.map(lambda them: ",".join(f"{name}={weight}" for name, weight in them.items()))


ASKED = st.fixed_dictionaries(
    {},
    optional={
        "mix": mixes(*PLATFORMS),
        "arches": mixes(*ARCHES),
        "binary-versions": mixes("1.0.0", "1.1.0-rc.1", "0.9.0"),
        "channels": mixes("production", "beta"),
        "poll": TIMES,
        "clicks": TIMES | st.just("never"),
        "ignores": SHARES,
        "reopens": TIMES | st.just("never"),
        "failure-rate": SHARES,
    },
)


@given(ASKED)
def test_whatever_is_typed_is_a_crew_that_can_be_planned_and_is_the_same_once_it_is_written_out_again(
    texts: dict[str, str | None],
) -> None:
    asked = crew(texts, count=7)

    assert len(planned([asked], 1)) == 7
    written = list(words(texts))
    again = {written[at].removeprefix("--"): written[at + 1] for at in range(0, len(written), 2)}
    assert crew(again, count=7) == asked


@given(st.integers(0, 10_000))
def test_a_time_is_the_same_in_every_unit(number: int) -> None:
    assert seconds("poll", f"{number * 1000}ms") == seconds("poll", f"{number}s") == float(number)
    assert seconds("poll", f"{number}h") == seconds("poll", f"{number * 60}m") == float(number * 3600)


@given(st.integers(0, 100))
def test_a_share_is_a_number_or_a_percentage(number: int) -> None:
    assert share("ignores", f"{number}%") == pytest.approx(share("ignores", f"{number / 100:.2f}"))


def test_every_trait_is_a_field_of_a_crew_and_each_default_can_be_read() -> None:
    fields = {field.name for field in structs.fields(Crew)}

    assert {trait.field for trait in TRAITS} <= fields
    assert all(trait.read(trait.name, trait.default) is not None for trait in TRAITS if trait.default)


def test_one_name_alone_is_all_of_them() -> None:
    assert crew({"mix": "ios"}, count=3).platforms == {"ios": 1.0}


def test_a_name_with_the_weight_0_is_nobody() -> None:
    assert crew({"mix": "ios=1,android=0"}, count=3).platforms == {"ios": 1.0}


def test_never_is_a_time_at_which_nothing_happens() -> None:
    asked = crew({"clicks": "never", "reopens": "never"}, count=1)

    assert (asked.clicks, asked.reopens) == (None, None)


@pytest.mark.parametrize(
    ("name", "text", "message", "hint"),
    [
        ("poll", "30", "--poll is '30'", "with its unit: 30s"),
        ("poll", "soon", "--poll is 'soon'", "a time is 500ms, 30s, 5m or 1h"),
        ("poll", "-3s", "--poll is '-3s'", "a time is 500ms, 30s, 5m or 1h"),
        ("poll", "٣s", "--poll is '٣s'", "a time is 500ms, 30s, 5m or 1h"),
        ("poll", "0s", "--poll is '0s', which is no time at all", "--poll 30s"),
        ("reopens", "0s", "--reopens is '0s', which is no time at all", "--reopens 30s"),
        ("clicks", "later", "--clicks is 'later'", "a time is 500ms, 30s, 5m or 1h, or never"),
        ("ignores", "2", "--ignores is '2'", "a share is 0 to 1, such as 0.1, or 10%"),
        ("failure-rate", "101%", "--failure-rate is '101%'", "a share is 0 to 1, such as 0.1, or 10%"),
        ("mix", "androd=1", "--mix: 'androd' is no platform", "did you mean android?"),
        ("mix", "symbian", "--mix: 'symbian' is no platform", "one of macos, windows, linux, android, ios"),
        ("mix", "android=x", "--mix: the weight of android is 'x'", "a weight is a number: --mix android=0.7,…"),
        ("mix", "android,ios=1", "--mix: android has no weight", "--mix android=0.7,…"),
        ("mix", "ios=1,ios=2", "--mix names ios twice", "add the two weights up"),
        ("mix", "ios=0,android=0", "--mix: every weight is 0", "somebody has to be there"),
        ("arches", "aarch=1", "--arches: 'aarch' is no arch", "did you mean aarch64?"),
        ("binary-versions", "1.0", "--binary-versions: '1.0' is no version", "a semantic one, such as 1.0.0"),
        ("upgrade-to", "two", "--upgrade-to: 'two' is no version", "a semantic one, such as 1.0.0"),
        ("channels", "a b", "--channels: 'a b' is no channel's name", "letters, digits, dots, dashes, 64 at most"),
        ("upgrade-to", "1.1.0", "--upgrade-to alone says only half of an upgrade", "add --upgrade-after 5m"),
        ("upgrade-after", "5m", "--upgrade-after alone says only half of an upgrade", "add --upgrade-to 1.1.0"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_names_the_option_the_value_and_the_way_out(
    name: str, text: str, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as refused:
        crew({name: text}, count=1)

    assert (refused.value.message, refused.value.hint) == (message, hint)


def test_C3_what_was_typed_cannot_draw_on_the_terminal() -> None:
    with pytest.raises(UsageError) as refused:
        crew({"mix": "\x1b[31mios"}, count=1)

    assert "\x1b" not in refused.value.message
