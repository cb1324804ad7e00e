"""From a workspace on disk to an engine that answers: replay, sweep, and what a start has to settle."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from hotswap_dev.domain.clients import MAX_CLIENTS, Client, ClientTable
from hotswap_dev.domain.controls import Controls, replay
from hotswap_dev.domain.fact_words import armed_words, forced_words
from hotswap_dev.domain.facts import BuildChannelSet, BundlesPruned, ChannelCreated, Fact, SequenceFloorRaised
from hotswap_dev.domain.retention import OFFERED_WITHIN
from hotswap_dev.engine.bus import Bus
from hotswap_dev.engine.engine import Engine, utc_now
from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.signing import SigningKey
from hotswap_dev.storage.bundles import BundleStore
from hotswap_dev.storage.history import History
from hotswap_dev.storage.journal import Journal
from hotswap_dev.storage.keys import KeyHome
from hotswap_dev.storage.workspace import Workspace

_log = logging.getLogger(__name__)


async def open_engine(
    workspace: Workspace,
    options: EngineOptions,
    *,
    key: SigningKey,
    key_home: KeyHome,
    instance: str,
    now: Callable[[], datetime] = utc_now,
) -> Engine:
    """Replay what the workspace holds, sweep what a kill left, and settle floor and build channel."""
    journal = Journal(workspace.state_db)
    try:
        key_home.sweep()
        facts = journal.replay()
        controls = replay(facts)
        store = BundleStore(workspace.bundles)
        known = {release.bundle.hash: release.bundle.format for release in controls.releases.values()}
        store.sweep(known.keys() - controls.pruned)
        # Somebody emptied the folder: what has no bytes must not be offered.
        lost = tuple(
            name
            for name, format_ in known.items()
            if name not in controls.pruned and not store.path(name, format_).exists()
        )
        history = _history(workspace)
    except OSError as error:
        journal.close()
        raise HotswapError(
            f"{error.filename or workspace.path} can't be read: {error.strerror or error}",
            "make the workspace readable for this user, or give another with --workspace",
            code="workspace-not-readable",
        ) from None
    except BaseException:
        journal.close()
        raise
    engine = Engine(
        options,
        controls=controls,
        journal=journal,
        history=history,
        store=store,
        key=key,
        key_home=key_home,
        bus=Bus(instance),
        now=now,
    )
    try:
        engine.clients = ClientTable(reversed(history.clients(MAX_CLIENTS)))
        engine.remember_offers(_offers(controls, engine.clients.values(), now()))
        history.on_trouble = _trouble_teller(engine)
        opening = _opening_facts(controls, options, lost, now())
        if opening:
            await engine.commit(lambda _: opening)
        if controls.overridden:
            engine.notice(
                "warning" if not options.keep_overrides else "info",
                "overrides-kept",
                f"still in force from the last run: {'; '.join(_in_force(controls))}",
                "hotswap-dev clear-overrides ends them",
            )
    except BaseException:
        await engine.close()
        raise
    return engine


def _in_force(controls: Controls) -> Iterator[str]:
    if controls.mandatory_for_all:
        yield "every offer is mandatory"
    for forced in controls.forced:
        yield forced_words(forced.client, forced.channel, forced.left, controls.names)
    for armed in controls.faults:
        yield armed_words(armed, controls.names)


def _offers(controls: Controls, clients: Iterable[Client], now: datetime) -> dict[str, timedelta]:
    """The bundles that clients were offered last, within the hour, each with how long ago that was at the least.

    A client keeps the manifest in memory between check and apply, also while the server restarts. Its newest check
    stands for its newest offer, and one that a clock, set back since, puts into the future is taken for now: both keep
    a bundle rather too long.
    """
    ages: dict[str, timedelta] = {}
    for client in clients:
        release = controls.releases.get(client.offered or 0)
        age = max(now - client.last_seen, timedelta(0))
        if release is not None and age < OFFERED_WITHIN:
            ages[release.bundle.hash] = min(age, ages.get(release.bundle.hash, age))
    return ages


def _history(workspace: Workspace) -> History:
    """The history; one that can't be read is moved aside, since it only explains and nothing is decided by it."""
    try:
        return History(workspace.history_db)
    except HotswapError as error:
        if error.code != "database-broken":
            raise
    aside = workspace.history_db.with_name(f"history.broken-{int(time.time())}.db")
    workspace.history_db.replace(aside)
    for suffix in ("-wal", "-shm"):
        workspace.history_db.with_name(f"history.db{suffix}").unlink(missing_ok=True)
    _log.warning("history.db could not be read and was moved to %s", aside)
    return History(workspace.history_db)


def _opening_facts(
    controls: Controls, options: EngineOptions, lost: tuple[str, ...], now: datetime
) -> list[Fact]:
    facts: list[Fact] = []
    floor, source = max(options.floors, default=(0, ""))
    if floor > controls.last_sequence:
        facts.append(SequenceFloorRaised(at=now, floor=floor, source=source))
    if options.channel != controls.configured_channel:
        facts.append(BuildChannelSet(at=now, channel=options.channel, configured=True))
    if lost:
        facts.append(BundlesPruned(at=now, hashes=lost))
    if options.channel not in controls.channels:
        facts.append(ChannelCreated(at=now, channel=options.channel))
    return facts


def _trouble_teller(engine: Engine) -> Callable[[str | None], None]:
    """Bring the recorder's trouble from its thread to the loop, where it is told."""
    loop = asyncio.get_running_loop()

    def tell(trouble: str | None) -> None:
        # While the server ends, the loop may be gone before the writer is: then there is nobody left to tell.
        with contextlib.suppress(RuntimeError):
            if trouble is None:
                loop.call_soon_threadsafe(
                    engine.notice, "info", "recording-again", "history is recorded again"
                )
            else:
                hint = "free some space; answers go on meanwhile"
                loop.call_soon_threadsafe(engine.notice, "error", "not-recording", trouble, hint)

    return tell
