"""How far each release came in a run: as its fleet tells it, or as a server infers it where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from msgspec.structs import replace

from hotswap_dev.domain.adoption import Adoption, adoptions
from hotswap_dev.domain.facts import Fact
from hotswap_dev.domain.model import Release
from hotswap_dev.domain.observations import DownloadEnded, Observation
from hotswap_dev.export.told import Way
from hotswap_dev.fleet.adoption import Tally
from hotswap_dev.scenario.seen import Seen


def release_ways(
    seen: Seen, told: Tally | None, hit: Mapping[int, int], confirmed: Mapping[str, int]
) -> tuple[Way, ...]:
    """Each release as the server has it. Where a fleet has `told`, what became of its clients is its own word, at the
    end of the run: a server knows of each only its last offers, and of what runs only what was reported at a check.

    `seen` is of the fleet's clients alone; `hit` is how many each release hit, each client once; `confirmed` is what
    each of them runs in the end and has confirmed.
    """
    releases = seen.controls.releases
    inferred = adoptions(releases.values(), seen.clients)
    downloaded = _downloaded(seen.events)
    fleet = len(told.runs) if told is not None else 0
    known = {one.sequence for one in told.adopted()} if told is not None else set()
    return tuple(
        _way(
            sequence,
            releases.get(sequence),
            inferred.get(sequence) or Adoption(sequence=sequence),
            told,
            confirmed={client for client, runs in confirmed.items() if runs == sequence},
            hit=hit.get(sequence, 0),
            downloaded=downloaded.get(sequence, 0),
            fleet=0 if seen.clients else fleet,
        )
        for sequence in sorted(releases or known)
    )


def _way(
    sequence: int,
    release: Release | None,
    inferred: Adoption,
    told: Tally | None,
    *,
    confirmed: Set[str],
    hit: int,
    downloaded: int,
    fleet: int,
) -> Way:
    found = Way(
        sequence=sequence,
        clients=max(inferred.clients, inferred.offered, downloaded, fleet),
        offered=max(inferred.offered, downloaded),
        fetched=max(inferred.fetched, downloaded),
        running=inferred.running,
        confirmed=inferred.confirmed,
        fell_back=inferred.fallen,
        failed=inferred.failed,
        hit=hit,
        again=inferred.again,
    )
    if told is not None:
        who = told.who(sequence)
        fallen = who["crashed"] | who["fell_back"]
        found = replace(
            found,
            clients=max(found.clients, len(who["offered"]), len(who["running"])),
            offered=max(found.offered, len(who["offered"])),
            fetched=max(found.fetched, len(who["fetched"])),
            running=len(who["running"]),
            confirmed=len(confirmed),
            fell_back=len(fallen),
            failed=len(who["failed"]),
            again=len((fallen & who["running"]) - confirmed),
        )
    if release is None:  # of a server that only its clients tell of
        return found
    return replace(
        found,
        version=release.version,
        channel=release.channel,
        percent=release.percent,
        targeted=release.targets.restrict,
        withheld=release.withheld,
        mandatory=release.mandatory,
        origin=release.origin,
        from_sequence=release.from_sequence,
        notes=release.notes or "",
    )


def _downloaded(events: Sequence[Fact | Observation]) -> Mapping[int, int]:
    """How many clients had all of each release's bundle sent."""
    whole = {
        (one.sequence, one.client or one.peer)
        for one in events
        if isinstance(one, DownloadEnded) and one.complete
    }
    return Counter(sequence for sequence, _ in whole)
