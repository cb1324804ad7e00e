"""For each example of `fixtures/scenarios` one fault, planted into its text, and the sentences that must name it.

What a story proves is shown by a change that turns it red; `tests/e2e/test_scenarios.py` plays both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "fixtures" / "scenarios"


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault in an example: `was` becomes `is_`, the first time that it stands there."""

    why: str
    """What was done wrong, as a person would have."""
    was: str
    is_: str
    expected: str
    """How the failing step's expectation begins."""
    seen: str
    """What must be said of what there was instead, somewhere in it."""

    def __call__(self, document: str) -> str:
        """The example with its fault; ValueError where it has none of what is to be changed."""
        if self.was not in document:
            raise ValueError(f"there is no {self.was!r} in it")
        return document.replace(self.was, self.is_, 1)


PLANTED = {
    "a-save-reaches-everyone": Planted(
        why="the apps never ask for updates",
        was='poll = "10s" ',
        is_="# poll",
        expected="all 4 clients have confirmed 1 (@first)",
        seen="4 have not checked yet",
    ),
    "bad-build-withheld-and-fixed": Planted(
        why="the bad build is a good one",
        was='save = "crashes-on-load"',
        is_='save = "hello-v2"',
        expected="at least 1 client is labelled rollback-loop",
        seen="4 run 2, last answered up-to-date",
    ),
    "channels-and-promote": Planted(
        why="it is promoted to where it is already",
        was='do = "promote"\nsequence = "@candidate"\nchannel = "production"',
        is_='do = "promote"\nsequence = "@candidate"\nchannel = "beta"',
        expected="the newest release of production is 2 (@released)",
        seen="production has no release",
    ),
    "fail-two-of-four-attempts": Planted(
        why="all four attempts fail",
        was="times = 2",
        is_="times = 4",
        expected="Mia has confirmed 1 (@first)",
        seen="it runs the embedded page (failed)",
    ),
    "forced-204": Planted(
        why="nothing was forced",
        was="on = true",
        is_="on = false",
        expected="all 3 clients were answered forced-204",
        seen="none of 3 was answered forced-204; 3 run 2",
    ),
    "halt-a-bad-release": Planted(
        why="the bad build is a good one",
        was='save = "crashes-on-load"',
        is_='save = "hello-v2"',
        expected="no client has confirmed 2 (@bad)",
        seen="of 200 have confirmed 2",
    ),
    "mandatory": Planted(
        why="the urgent one is not mandatory",
        was="mandatory = true",
        is_="mandatory = false",
        expected="all 3 clients have confirmed 2 (@urgent)",
        seen="3 run the embedded page, last answered newer-release",
    ),
    "old-binaries-wait": Planted(
        why="the build is for the older binary",
        was='app_version = "2.0.0"',
        is_='app_version = "1.0.0"',
        expected="all 2 of old were answered binary-too-old",
        seen="2 run 1, last answered up-to-date",
    ),
    "paused-channel": Planted(
        why="another channel is paused",
        was='do = "pause-channel"',
        is_='do = "resume-channel"',
        expected="all 3 clients run 1 (@evening)",
        seen="none of 3 runs 1; 3 run 2, last answered up-to-date",
    ),
    "phone-that-is-ahead": Planted(
        why="the counter does not jump far enough",
        was="to = 501",
        is_="to = 400",
        expected="all 3 clients have confirmed 400 (@past)",
        seen="2 of 3 have confirmed 400; 1 runs 500 (ahead), last answered client-ahead",
    ),
    "poisoned-bundle-is-refused": Planted(
        why="the archive unpacks, and its page crashes",
        was='fault = "path-traversal"',
        is_='fault = "crash-on-load"',
        expected="all 3 clients have failed on 2 (@poison)",
        seen="none of 3 has failed on 2",
    ),
    "ten-percent-then-all": Planted(
        why="it goes to everyone at once",
        was="percent = 10\n",
        is_="percent = 100\n",
        expected="at most 6 clients run 2 (@new)",
        seen="20 of 20 run 2",
    ),
    "upgrade-discards": Planted(
        why="the new binary is no newer than the minimum",
        was='binary_version = "2.0.0"',
        is_='binary_version = "1.0.0"',
        expected="all 2 clients run the embedded page",
        seen="none of 2 runs the embedded page; 2 run 1, last answered up-to-date",
    ),
}
