"""What was judged, as the JUnit XML that build machines read: `testsuites`, a `testsuite` each, a `testcase` each.

There is no standard. The strictest reader is Jenkins' xUnit plugin, which refuses what its schema lacks (junit-10.xsd):
no `skipped` on `testsuites`, no `file` and `line` on a `testcase`. What it takes, GitLab and GitHub's actions read too.
Where a case stands in its file is told in the body of its failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from hotswap_dev.domain.text import shown

_LONGEST_NAME = 300
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't hold, not even as a reference (section 2.2)."""


class Case(Struct, frozen=True, kw_only=True):
    """One thing that was judged."""

    name: str
    seconds: float = 0.0
    failed: str | None = None
    """What was expected, in a sentence, where it did not come to be."""
    seen: str = ""
    """What there was instead."""
    skipped: str | None = None
    """Why it was not reached."""
    told: str = ""
    """What else is worth reading of it."""
    line: int | None = None
    """Where it stands in the suite's file."""


class Suite(Struct, frozen=True, kw_only=True):
    """The cases of one file."""

    name: str
    file: str = ""
    at: datetime | None = None
    """When it began."""
    properties: dict[str, str] = {}
    cases: tuple[Case, ...] = ()

    @property
    def failures(self) -> int:
        """How many of its cases failed."""
        return sum(case.failed is not None for case in self.cases)

    @property
    def skipped(self) -> int:
        """How many were not reached."""
        return sum(case.failed is None and case.skipped is not None for case in self.cases)

    @property
    def seconds(self) -> float:
        """That they took together."""
        return sum(case.seconds for case in self.cases)


def render(suites: Sequence[Suite], *, name: str = "hotswap-dev") -> str:
    r"""The document, in UTF-8 by its own word. The same suites are the same text.

    Text from outside may be anything: in names it is made harmless (`domain.text.shown`), in the bodies whatever XML
    can't hold is written as `\xNN` or `\u{…}`.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f"<testsuites{_attributes(name=name, **_sums(suites))}>")
    for suite in suites:
        lines += _suite(suite)
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


def _suite(suite: Suite) -> Iterator[str]:
    about: dict[str, str] = {"name": suite.name}
    if suite.file:
        about["file"] = suite.file
    if suite.at is not None:
        # Jenkins' schema takes neither a zone nor a fraction.
        about["timestamp"] = suite.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    yield f"  <testsuite{_attributes(**about, skipped=str(suite.skipped), **_sums([suite]))}>"
    if suite.properties:
        yield "    <properties>"
        for key, value in suite.properties.items():
            yield f"      <property{_attributes(name=key, value=value)}/>"
        yield "    </properties>"
    for case in suite.cases:
        yield from _case(case, suite)
    yield "  </testsuite>"


def _case(case: Case, suite: Suite) -> Iterator[str]:
    yield f"    <testcase{_attributes(name=case.name, classname=suite.name, time=_time(case.seconds))}>"
    if case.failed is not None:
        where = f"{suite.file}:{case.line}\n" if suite.file and case.line is not None else ""
        body = f"{where}expected: {case.failed}\nseen:     {case.seen}"
        yield f"      <failure{_attributes(message=case.failed, type='expectation')}>{_body(body)}</failure>"
    elif case.skipped is not None:
        yield f"      <skipped{_attributes(message=case.skipped)}/>"
    if case.told:
        yield f"      <system-out>{_body(case.told)}</system-out>"
    yield "    </testcase>"


def _sums(suites: Sequence[Suite]) -> dict[str, str]:
    return {
        "tests": str(sum(len(suite.cases) for suite in suites)),
        "failures": str(sum(suite.failures for suite in suites)),
        "errors": "0",
        "time": _time(sum(suite.seconds for suite in suites)),
    }


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"


def _attributes(**values: str) -> str:
    return "".join(f" {name}={quoteattr(shown(value, _LONGEST_NAME))}" for name, value in values.items())


def _body(text: str) -> str:
    # A carriage return would come back as a newline; `]]>` must not stand in text: escape() writes its > as &gt;.
    legal = _NO_CHARACTER.sub(_named, text.replace("\r\n", "\n"))
    return escape(legal, {"\r": "&#13;"})


def _named(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{{{code:x}}}"
