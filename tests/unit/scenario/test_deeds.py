"""Steps in words: every kind of them, and hostile texts made harmless."""

from __future__ import annotations

import pytest

from hotswap_dev.scenario.deeds import in_words, judges, promised
from hotswap_dev.scenario.model import Action
from hotswap_dev.scenario.reading import read_scenario

_HEAD = '[[clients]]\ncount = 2\nnames = ["Mia"]\n[[steps]]\nsave = "hello-v1"\nas = "good"\n[[steps]]\n'


def _action(text: str) -> Action:
    return read_scenario(_HEAD + text, "story.toml").steps[-1].action


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('save = "hello-v2"', "save hello-v2"),
        ('live = "90s"', "live 90 s"),
        ('act = "check"', "all clients check"),
        ('act = "rollback"\nclient = "Mia"', "Mia rolls back"),
        ('act = "upgrade"\nclient = "Mia"\nbinary_version = "2.0.0"', "Mia upgrades to 2.0.0"),
        ('do = "withhold"\nsequence = "@good"', "withhold sequence=@good"),
        (
            'do = "set-rollout"\nsequence = "latest"\npercent = 12.5\nalways = ["Mia", "Ben"]',
            "set-rollout sequence=latest percent=12.5 always=Mia,Ben",
        ),
        ('do = "force-204"\non = true', "force-204 on=on"),
        ('do = "pin-client"\nclient = "Mia"\nsequence = "none"', "pin-client client=Mia sequence=none"),
        (
            'do = "arm-fault"\nfault = "truncate"\nparameters = { percent = 50 }',
            "arm-fault fault=truncate parameters=percent:50",
        ),
        ('do = "publish"\npath = "some/where/dist"', "publish path=dist"),
        (
            'do = "set-required-header"\nchannel = "beta"\nheader = "X-Key"\nstatus = 401\nvalue = "hush"',
            "set-required-header channel=beta header=X-Key status=401 value=***",
        ),
        ('do = "restore"\nsequence = 9\nrefused = "unknown-release"', "restore sequence=9, refused as unknown-release"),
        ('expect = "newest"\nsequence = "@good"\nchannel = "beta"', "expect @good is the newest in beta"),
        ('expect = "withheld"\nsequence = "@good"', "expect @good is withheld"),
        ('expect = "running"\nsequence = "@good"\nall = true', "expect all clients run @good"),
        ('expect = "running"\nsequence = "@good"\nclient = "Mia"', "expect Mia runs @good"),
        ('expect = "running"\nsequence = 0\ngroup = "phones"\nexactly = 0', "expect none of phones runs 0"),
        ('expect = "failed"\nsequence = "@good"\nexactly = 0', "expect no client has failed on @good"),
        ('expect = "fetched"\nsequence = "@good"', "expect at least 1 client has fetched @good"),
        (
            'expect = "offered"\nsequence = "@good"\nat_least = 2\nat_most = 5\ngroup = "phones"',
            "expect at least 2 and at most 5 of phones were offered @good",
        ),
        ('expect = "answered"\nreason = "up-to-date"', "expect at least 1 check is answered up-to-date"),
        (
            'expect = "answered"\nreason = "up-to-date"\nat_least = 3\nclient = "Mia"',
            "expect at least 3 checks of Mia are answered up-to-date",
        ),
        (
            'wait = "labelled"\nlabel = "rollback-loop"\nall = true\nwithin = "2m"',
            "wait until all clients are labelled rollback-loop (within 120 s)",
        ),
        (
            'wait = "fell-back"\nsequence = "@good"\nexactly = 1',
            "wait until exactly 1 client has fallen back from @good (within 30 s)",
        ),
    ],
)  # fmt: skip
def test_a_step_reads_much_as_it_stands_in_the_file(text: str, words: str) -> None:
    action = _action(text)

    assert in_words(action) == words
    assert promised(action)


def test_what_judges_is_what_waits_or_expects_or_expects_a_refusal() -> None:
    told = {
        'expect = "withheld"\nsequence = "@good"': True,
        'wait = "withheld"\nsequence = "@good"': True,
        'do = "restore"\nsequence = 9\nrefused = "unknown-release"': True,
        'do = "withhold"\nsequence = "@good"': False,
        'save = "hello-v2"': False,
        'act = "check"': False,
        'live = "1s"': False,
    }
    assert {text: judges(_action(text)) for text in told} == told


def test_texts_of_a_file_are_made_harmless() -> None:
    words = in_words(_action('do = "annotate"\ntext = "\\u001b[31mred\\u202e"'))

    assert "\x1b" not in words
    assert "\u202e" not in words
