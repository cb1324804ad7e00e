"""WHY, what was passed over, and NEXT of the selection, each with the key that would change it.

By the same functions as the command line. A check-in is explained by what was recorded with it; where its client would
be answered otherwise by now, that is said too.
"""

from __future__ import annotations

from collections.abc import Mapping

from hotswap_dev import wire
from hotswap_dev.dashboard.check_log import Row
from hotswap_dev.dashboard.keys.meaning import check_of
from hotswap_dev.dashboard.selectors.deciding import Decided, decided
from hotswap_dev.dashboard.selectors.passed import passed_over
from hotswap_dev.dashboard.selectors.sections import Section, laid
from hotswap_dev.dashboard.selectors.who_has_it import release_sections
from hotswap_dev.dashboard.selectors.why_told import (
    completion_section,
    download_sections,
    lifecycle_section,
    outcome_section,
    struck_then,
)
from hotswap_dev.dashboard.spans import Line
from hotswap_dev.dashboard.view import View
from hotswap_dev.domain.checks import BadCheck
from hotswap_dev.domain.clients import Client, label_sentence, remarks
from hotswap_dev.domain.fact_words import fact_words
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.observations import (
    BuildRefused,
    CheckAnswered,
    DownloadEnded,
    FaultOutcome,
    LifecycleReported,
    Noticed,
    Published,
    UpdateReported,
)
from hotswap_dev.domain.preview import Told, next_check, told
from hotswap_dev.domain.reasons import Reason, change, sentence
from hotswap_dev.domain.text import shown

_REFUSED = "bad-request"
_LONGEST = 1000
_COUNTING = ("forced-204", "fault")
"""Their sentence is another one each time: it says how many are left."""

_WHOSE = ("client", "channel", "id")


def why_lines(view: View, width: int, height: int) -> tuple[Line, ...]:
    """The selection explained, in at most `height` lines of at most `width` columns; () where nothing is selected."""
    return laid(_sections(view), view, width, height)


def _sections(view: View) -> list[Section]:
    chosen = view.selected
    if chosen is None:
        return []
    if chosen.kind == "release":
        release = view.controls.releases.get(chosen.key) if isinstance(chosen.key, int) else None
        return [] if release is None else release_sections(release, view)
    if chosen.kind == "client":
        client = view.clients.get(str(chosen.key))
        return [] if client is None else _of_client(client, view)
    row = view.row
    return [] if row is None else _of_row(row, view)


def _of_row(row: Row, view: View) -> list[Section]:
    event = row.event
    if isinstance(event, CheckAnswered):
        return _of_check(event, view)
    if isinstance(event, DownloadEnded):
        return [*download_sections(event, view), *_now(view.client, view)]
    if isinstance(event, LifecycleReported):
        return [lifecycle_section(event, view), *_now(view.client, view)]
    if isinstance(event, UpdateReported):
        return [completion_section(event, view), *_now(view.client, view)]
    if isinstance(event, FaultOutcome):
        return [outcome_section(event, view), *_now(view.client, view)]
    if isinstance(event, BuildRefused):
        where = f" ({shown(event.path)})" if event.path and event.path not in event.detail else ""
        return [
            Section("WHY", f"{shown(event.code)}: {shown(event.detail, _LONGEST)}{where}.", role="bad"),
            Section("NEXT", shown(event.hint, _LONGEST)),
        ]
    if isinstance(event, Noticed):
        return [
            Section("WHY", shown(event.message, _LONGEST)),
            Section("NEXT", shown(event.hint, _LONGEST)),
        ]
    if isinstance(event, Published):
        release = view.controls.releases.get(event.sequence)
        return [] if release is None else release_sections(release, view)
    if isinstance(event, Fact):
        return [Section("WHY", f"{_capital(fact_words(wire.plain(event), view.controls.names))}.")]
    return []


# --- a check-in ----------------------------------------------------------------------------------------------------


def _of_check(event: CheckAnswered, view: View) -> list[Section]:
    recorded = Reason(event.reason, dict(event.args))
    first = Section("WHY", sentence(recorded), change(recorded))
    client = view.clients.get(event.client)
    if event.reason == _REFUSED:
        refused = decided(_bad_check(event), client, view)
        return [first, *([Section("NEXT", refused.next.sentence)] if refused else [])]
    # What the keys act on is the same answer (`keys.meaning`).
    check = (None if client is None else next_check(client)) or check_of(event)
    found = None if check is None else decided(check, client, view)
    if check is None or found is None:
        return [Section("WHY", first.text)]
    reason = found.decision.reason
    if _same(event, recorded, told(found.decision, check), reason):
        # The same answer as then: what is passed over now is what was passed over then.
        return [Section("WHY", first.text, change(reason)), *_then(found)]
    # What would have changed the answer then may be done already, or mean another release by now.
    return [
        Section("WHY", first.text),
        *struck_then(event, view),
        Section("NOW", sentence(reason), change(reason)),
        *_then(found),
    ]


def _same(event: CheckAnswered, recorded: Reason, answer: Told, reason: Reason) -> bool:
    """Whether a client is answered now as it was, for the same reason. One that counts down is the same reason."""
    if (answer.reason, answer.offered) != (event.reason, event.offered):
        return False
    then, now = recorded.args, reason.args
    counts = reason.code in _COUNTING
    if counts and any(then.get(name) != now.get(name) for name in _WHOSE):
        return False
    if sentence(reason) == sentence(recorded):
        return True
    if not counts:
        return False
    left, remains = then.get("left"), now.get("left")
    return isinstance(left, int) and isinstance(remains, int) and remains < left


def _bad_check(event: CheckAnswered) -> BadCheck:
    args: Mapping[str, str | int] = event.args
    parameter, value, expected, example = (
        str(args.get(name, "")) for name in ("parameter", "value", "expected", "example")
    )
    return BadCheck(client=event.client, parameter=parameter, value=value, expected=expected, example=example)


# --- a client ------------------------------------------------------------------------------------------------------


def _of_client(client: Client, view: View) -> list[Section]:
    known = " ".join(text for text in (label_sentence(client), *remarks(client)) if text)
    return [Section("KNOWN", known, dear=1), *_now(client, view, label="WHY")]


def _now(client: Client | None, view: View, label: str = "NOW") -> list[Section]:
    """What a client is answered at its next check."""
    if client is None:
        return []
    check = next_check(client)
    found = None if check is None else decided(check, client, view)
    if found is None:
        return [Section(label, "No check of it could be read yet: what it would be answered is not known.")]
    reason = found.decision.reason
    return [Section(label, sentence(reason), change(reason)), *_then(found)]


def _then(found: Decided) -> list[Section]:
    return [passed_over(found.decision), Section("NEXT", found.next.sentence, found.next.command)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
