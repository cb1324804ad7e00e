"""What a client did after a fault had struck it, beside what the plugin is expected to do: as expected, or not.

A server sees three things of a client: what it says that it runs, what it fetches, and what its page reports, if it
does. `follow` holds them against the fault's `reaction` and says what they come to, once for each outcome. Much leaves
no trace here: that a manifest was dropped in silence looks like a person who has not clicked, an app that was closed
like one that is configured otherwise. Then it says that it can't tell. Contradicted is only what no rule of the plugin
explains: it goes on following after its word, so that a contradiction that comes late is told too.
"""

from __future__ import annotations

import functools
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.faults import check
from hotswap_dev.domain.faults.reactions import Reaction, reaction, without_addresses
from hotswap_dev.domain.faults.registry import Fault
from hotswap_dev.domain.labels import page
from hotswap_dev.domain.observations import (
    CheckAnswered,
    DownloadEnded,
    FaultOutcome,
    LifecycleReported,
    Observation,
    Outcome,
)
from hotswap_dev.domain.plugin.commands import retry_delay

ENOUGH_CHECKS = 3
"""So many checks without anything new, and it can't be told any more."""

_SLACK = timedelta(seconds=5)
"""Beyond the plugin's pause before its next attempt: a connection takes its time too."""


class Followed(Struct, frozen=True, kw_only=True):
    """A client that a fault struck, and what it has done since."""

    client: str
    override: int
    fault: Fault
    runs: int
    """What it said that it ran."""
    sequence: int | None = None
    """What the fault was about; None where it struck a check that offered nothing."""
    times: int | None = None
    """How often the fault was to strike from then on, the first time included; None: always."""
    offered_before: bool = False
    """Whether it had been offered the sequence before, so that it may take it all the same."""
    fetched_before: bool = False
    """Whether it had fetched the sequence before, so that it may run it without fetching it again."""
    fetching: bool = False
    """Whether a download of the sequence has begun and not ended."""
    attempts: int = 0
    """Downloads of the sequence that ended since; for faults of downloads those of the same series before too."""
    last_attempt: datetime | None = None
    came_through: bool = False
    """Whether one of them was whole; of those that a fault of downloads struck only one that it leaves whole."""
    ran: bool = False
    """Whether it said that it runs the sequence."""
    checks: int = 0
    """Its checks since the last thing that was new."""
    said: Outcome | None = None


Next = tuple[Followed | None, FaultOutcome | None]
"""Who is followed from now on, None where it is over; and what was to say."""

_Verdict = tuple[Outcome, str]


def follow(client: Followed, seen: Observation) -> Next:
    """Take in what was seen of this client after the strike. Observations of others, and of other things, are nothing.

    An outcome is said once; what was said stands until something contradicts it.
    """
    match seen:
        case CheckAnswered() if seen.sequence is not None:
            return _checked(client, seen, seen.sequence)
        case DownloadEnded() if seen.sequence == client.sequence and not seen.range:
            return _fetched(client, seen)
        case LifecycleReported():
            return _reported(client, seen)
    return client, None


def expected_of(client: Followed) -> Reaction:
    """What the plugin does under this fault, with its default configuration."""
    return _reaction(client.fault, client.times)


_reaction = functools.lru_cache(maxsize=256)(reaction)

# --- checks -------------------------------------------------------------------------------------------------------


def _checked(client: Followed, seen: CheckAnswered, runs: int) -> Next:
    client = replace(client, checks=client.checks + 1)
    if runs == client.sequence and runs != client.runs:
        return _ran(client, seen.at)
    if client.ran:
        verdict: _Verdict = ("as-expected", f"it ran {client.sequence}, and is back at {page(runs)}")
        if expected_of(client).restart != "rolls-back":
            verdict = "cannot-tell", f"it ran {client.sequence}, and runs {page(runs)} now"
        return _said(client, verdict, seen.at, over=True)
    if runs != client.runs:
        elsewhere = f"it runs {page(runs)} now, which is something else"
        return _said(client, ("cannot-tell", elsewhere), seen.at, over=True)
    now = _still(client, seen.at)
    # An answer that it did not strike takes the place of what a struck one left in the client's memory.
    over = client.fault.stage in ("check", "signature") and seen.args.get("id") != client.override
    if over and now is None:
        did = _attempts(client) if client.attempts else "the fault was over before anything came of it"
        now = "cannot-tell", f"{did}, and it still reports {page(runs)}"
    return _said(client, now, seen.at, over=over)


def _ran(client: Followed, at: datetime) -> Next:
    """It says that it runs the sequence that the fault was about."""
    expected, sequence = expected_of(client), client.sequence
    tired = client.checks >= ENOUGH_CHECKS
    if not client.attempts:  # the end of a download may be noticed after the check that reports it
        had = f"it runs {sequence}, and did not fetch it since: it had it already"
        return _said(client, ("cannot-tell", had) if tired else None, at)
    if _unmet(client):
        return _said(client, ("cannot-tell", f"it runs {sequence}: {_NO_HTTPS}"), at, over=True)
    if not expected.available or (expected.apply is not None and not _healthy(client)):
        before = client.fetched_before if expected.available else client.offered_before
        if before:
            had = f"it runs {sequence}, which it had from before the fault"
            return _said(client, ("cannot-tell", had), at, over=True)
        wrong = expected.check or expected.apply
        why = f"should fail with `{wrong}`" if wrong else "should be dropped without a word"
        return _said(client, ("unexpected", f"it runs {sequence}, which {why}"), at, over=True)
    if expected.restart == "rolls-back":
        on = f"it runs {sequence} and asks on: it was not started again, or its page said that it is ready"
        return _said(replace(client, ran=True), ("cannot-tell", on) if tired else None, at)
    return _said(client, ("as-expected", f"{_attempts(client)}, and it runs {sequence}"), at, over=True)


def _still(client: Followed, at: datetime) -> _Verdict | None:
    """It says that it runs what it ran."""
    expected, runs = expected_of(client), f"it still reports {page(client.runs)}"
    tired = client.checks >= ENOUGH_CHECKS
    if not expected.available:
        if not isinstance(client.fault, check.ManifestFault):
            return "as-expected", f"it asked again, and {runs}"
        nothing = "it dropped what it was told, or nobody took it"
        return ("cannot-tell", f"{_asked(client)}, fetched nothing, and {runs}: {nothing}") if tired else None
    if client.fetching:
        return None
    if not client.attempts:
        why = "nobody took the update, or it was refused without a request"
        if isinstance(client.fault, check.MissingBundle):
            why = "what it is told to fetch is no bundle, so its attempts are not seen here"
        return ("cannot-tell", f"{_asked(client)}, and {runs}: {why}") if tired else None
    if client.came_through and (_healthy(client) or (expected.applied and expected.restart == "keeps")):
        why = "not activated yet, or taken back at a start"
        return ("cannot-tell", f"{_attempts(client)}, and {runs}: {why}") if tired else None
    if client.came_through and expected.restart == "rolls-back":
        return "as-expected", f"{_attempts(client)}, and {runs}"
    if expected.applied:
        why = "none of them came whole: it was closed, or its max_retries is another"
        return ("cannot-tell", f"{_attempts(client)}, and {runs}; {why}") if tired else None
    wanted = expected.requests.download
    if client.attempts >= wanted:
        return "as-expected", f"{_attempts(client)}, then nothing; {runs}"
    if not tired and client.last_attempt is not None:
        # Its page may check while the plugin waits between two attempts.
        pause = timedelta(seconds=retry_delay(client.attempts)) + _SLACK
        if at - client.last_attempt <= pause:
            return None
    made = f"{_attempts(client)}, {wanted} were expected, and {runs}"
    return "cannot-tell", f"{made}: it was closed, or its max_retries is another"


# --- downloads ----------------------------------------------------------------------------------------------------


def _fetched(client: Followed, seen: DownloadEnded) -> Next:
    expected = expected_of(client)
    of_downloads = client.fault.stage == "download"
    through = seen.complete and (seen.fault is None or not of_downloads or expected.applied)
    client = replace(
        client,
        attempts=client.attempts + 1 if client.attempts or not of_downloads else seen.attempt,
        fetching=False,
        last_attempt=seen.at,
        came_through=client.came_through or through,
        checks=0,
    )
    if not expected.available:
        if client.offered_before:
            return _said(
                client, ("cannot-tell", f"it fetched {seen.sequence}, offered to it before"), seen.at
            )
        wrong = f"its check should fail with `{expected.check}`" if expected.check else "it should drop it"
        return _said(client, ("unexpected", f"it fetched {seen.sequence}, although {wrong}"), seen.at)
    if _unmet(client):
        return _said(client, ("cannot-tell", f"{_attempts(client)}: {_NO_HTTPS}"), seen.at)
    return client, None


_NO_HTTPS = "https is not required in this app, so the fault does not show"


def _unmet(client: Followed) -> bool:
    """Whether it showed that it lacks the config without which the fault is none."""
    return expected_of(client).needs is not None and client.attempts > 0


def _healthy(client: Followed) -> bool:
    """Whether a fault of downloads let it have the bundle whole in the end."""
    return client.fault.stage == "download" and client.came_through


# --- reports ------------------------------------------------------------------------------------------------------


def _reported(client: Followed, seen: LifecycleReported) -> Next:
    event, at = seen.lifecycle, seen.at
    if event in ("check-error", "check-complete"):
        if client.fault.stage != "check":
            return client, None  # nothing of that happened to its check
        return _said(client, _check_reported(client, seen), at)
    if client.sequence is None or seen.sequence not in (None, client.sequence):
        return client, None
    if event in ("download-error", "apply-error"):
        return _said(client, _failure_reported(client, seen), at)
    if seen.sequence is None or not expected_of(client).available:
        return client, None
    if event == "ready-confirmed" and expected_of(client).restart == "rolls-back":
        said = f"its page reports that it is ready, so that {client.sequence} stays"
        return _said(client, ("unexpected", said), at, over=True)
    if event in ("apply", "ready-confirmed"):
        return _ran(replace(client, checks=0), at)
    if event == "download-complete" and _may_not_complete(client):
        return _said(client, ("unexpected", "it reports that the bundle verified, which it should not"), at)
    return client, None


def _may_not_complete(client: Followed) -> bool:
    expected = expected_of(client)
    refused = expected.apply is not None and "download-complete" not in expected.events
    return refused and client.attempts > 0 and not _healthy(client) and not _unmet(client)


def _check_reported(client: Followed, seen: LifecycleReported) -> _Verdict | None:
    expected = expected_of(client)
    if seen.lifecycle == "check-error":
        text = without_addresses(seen.error)
        if text == expected.check:
            return "as-expected", f"it reports check-error: {text}"
        return _other_words(text, expected.check)
    if expected.check is not None:
        return "unexpected", f"it reports that its check went well; expected was `{expected.check}`"
    found = seen.sequence is not None
    if found == expected.available:
        return None if found else ("as-expected", "it reports check-complete, and no update")
    if found:
        return "unexpected", f"it takes {seen.sequence} for an update, and should drop it"
    return ("unexpected", "it reports that there is no update") if client.sequence is not None else None


def _failure_reported(client: Followed, seen: LifecycleReported) -> _Verdict | None:
    expected, always = expected_of(client), _reaction(client.fault, None)
    if not expected.available:
        return None
    text = without_addresses(seen.error)
    if text == expected.apply:
        few = 0 < client.attempts < always.requests.download
        after = f", after {client.attempts} of {always.requests.download} attempts" if few else ""
        return "as-expected", f"it reports {seen.lifecycle}: {text}{after}"
    if _unmet(client):
        return "cannot-tell", f"it reports `{text}`: {_NO_HTTPS}"
    if text == always.apply:
        return "cannot-tell", f"{_attempts(client)}, then it gave up: its max_retries is another"
    return _other_words(text, expected.apply)


def _other_words(text: str, expected: str | None) -> _Verdict:
    wanted = f"expected was `{expected}`" if expected else "no error was expected"
    if text.startswith("network error: "):
        return "cannot-tell", f"it reports `{text}`, {wanted}: its line may have failed by itself"
    return "unexpected", f"it reports `{text}`, {wanted}"


# --- in words -----------------------------------------------------------------------------------------------------

_STRENGTH = (None, "cannot-tell", "as-expected", "unexpected")


def _said(client: Followed, verdict: _Verdict | None, at: datetime, *, over: bool = False) -> Next:
    """What is said of a verdict, unless something as strong was said before; `over`: nothing more can come of it."""
    said = None
    if verdict is not None and _STRENGTH.index(verdict[0]) > _STRENGTH.index(client.said):
        outcome, detail = verdict
        client = replace(client, said=outcome)
        said = FaultOutcome(
            at=at,
            client=client.client,
            override=client.override,
            fault=client.fault.name,
            sequence=client.sequence,
            outcome=outcome,
            detail=detail,
        )
    return None if over else client, said


def _asked(client: Followed) -> str:
    return f"it asked {client.checks} more times"


def _attempts(client: Followed) -> str:
    if client.attempts == 1:
        return f"it fetched {client.sequence} once"
    return f"{client.attempts} attempts at {client.sequence}"
