"""From a settled tree, or a folder that somebody named, to a release: one at a time, the newest wins (design §5)."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from hotswap_dev.domain.builds import Builds, builds_after
from hotswap_dev.domain.commands import ArmFault, Built, Publish
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.facts import BundlesPruned, Fact, ReleaseAdded
from hotswap_dev.domain.faults.bundle import BundleFault
from hotswap_dev.domain.model import Bundle, Origin, Release
from hotswap_dev.domain.observations import (
    BuildRefused,
    BuildSkipped,
    BuildStarted,
    Noticed,
    Observation,
    Published,
)
from hotswap_dev.domain.text import shown
from hotswap_dev.engine.builds import BundleMaker, Made
from hotswap_dev.engine.ledger import Committed, Ledger
from hotswap_dev.engine.options import EngineOptions
from hotswap_dev.engine.poisoning import Poisoner
from hotswap_dev.errors import BuildRefused as TreeRefused
from hotswap_dev.errors import HotswapError
from hotswap_dev.packing.archive import TreeMoved
from hotswap_dev.packing.signing import SigningKey
from hotswap_dev.packing.tree import Scan
from hotswap_dev.storage.bundles import BundleStore

RETRY_SECONDS = 5.0
"""After a refusal that may pass by itself: nobody should have to save again because the disk was full."""

_PASSING = ("disk-full", "bundle-not-written", "key-home-not-writable", "key-home-busy", "database-busy")


class Publisher:
    """Makes bundles and commits them as releases. `prunable` names the bundles that may go afterwards."""

    def __init__(
        self,
        options: EngineOptions,
        *,
        ledger: Ledger,
        store: BundleStore,
        key: SigningKey,
        now: Callable[[], datetime],
        observe: Callable[[Observation], None],
        prunable: Callable[[Controls], Sequence[str]],
        poisoner: Poisoner,
    ) -> None:
        self.app_version = options.app_version
        self.building: str | None = None
        self.builds = Builds()
        self._options = options
        self._ledger = ledger
        self._store = store
        self._key = key
        self._now = now
        self._tell = observe
        self._prunable = prunable
        self._poisoner = poisoner
        self._maker = BundleMaker(store, key, options.format, now)
        self._publishing = asyncio.Lock()
        self._said: tuple[str, float | None] | None = None

    def _observe(self, seen: Observation) -> None:
        # First what it means: who reads the state at this observation's revision must find it there.
        self.builds = builds_after(self.builds, seen)
        self._tell(seen)

    def noticed(self, notice: Noticed) -> None:
        """Tell what was noticed; where it is about the watched folder, `builds` has it too."""
        self._observe(notice)

    async def publish(self, command: Publish) -> Committed:
        """Publish a folder by hand, whether or not anything changed; HotswapError where it can't be."""
        root = self._root(command)
        command.demand(self._ledger.controls)
        async with self._publishing:
            try:
                made = await self._make(root)
                if made is None:
                    raise AssertionError("a bundle is left out only where `unless` was given")
                return await self._publish(command, made, "publish", watched=root == self._options.dist)
            except HotswapError as error:
                self._refused(error)
                raise

    async def poison(self, command: ArmFault) -> Committed:
        """Make the bad copy that a bundle fault asks for and arm it with that; HotswapError where it can't be."""
        command.demand(self._ledger.controls)
        fault = command.wanted()
        if not isinstance(fault, BundleFault):
            raise AssertionError(f"{fault.name} lies in no bundle")
        async with self._publishing:
            healthy = command.healthy(self._ledger.controls)
            bundle = await self._poisoner.bundle(fault, healthy.bundle)
            built = replace(self._built(bundle, "poisoned", watched=False), copy_of=healthy.sequence)
            try:
                committed = await self._ledger.commit(
                    lambda controls: command.events(controls, self._now(), built)
                )
            except HotswapError:
                self._drop_unknown(bundle)
                raise
            await self._tidied()
            return committed

    def imagined_poison(self, command: ArmFault) -> Built:
        """What `command` would have made, but for the bundle."""
        command.demand(self._ledger.controls)
        return self._built(self._no_bundle(), "poisoned", watched=False)

    async def publish_settled(self, found: Scan, *, changed_at: float | None) -> float | None:
        """Publish a tree that the watcher found settled, unless its channel's last build had the same content.

        `changed_at` is the monotonic time of the newest change in it. A tree that must not be published is observed
        and leaves what is served as it is. Returned are the seconds after which the tree should be tried again, None if
        it need not be: at once where it moved while it was packed and has to settle, later where the disk was full.
        """
        try:
            async with self._publishing:
                channel = self._ledger.controls.build_channel
                last = self._last_built(channel)
                again = self._said is not None and self._said[1] == changed_at
                made = await self._make(found, unless=last.bundle.tree if last else None, again=again)
                if made is not None:
                    await self._publish(
                        Publish(channel=channel), made, "build", watched=True, changed_at=changed_at
                    )
                elif last is not None:
                    self._observe(BuildSkipped(at=self._now(), channel=channel, sequence=last.sequence))
        except TreeMoved:
            return 0.0
        except HotswapError as error:
            passing = error.code in _PASSING
            # Tried again and again until it passes, it is said once for each save (hardening E5).
            if not passing or self._said != (error.code, changed_at):
                self._refused(error)
            self._said = (error.code, changed_at) if passing else None
            return RETRY_SECONDS if passing else None
        self._said = None
        return None

    def imagined(self, command: Publish) -> Built:
        """What `command` would have built, but for the bundle: nothing is packed for a question."""
        watched = self._root(command) == self._options.dist
        return self._built(self._no_bundle(), "publish", watched=watched)

    def _no_bundle(self) -> Bundle:
        return Bundle(
            hash="",
            tree="",
            format=self._options.format,
            size=0,
            files=0,
            signature="",
            key_id=self._key.key_id,
        )

    def _root(self, command: Publish) -> Path:
        """The folder that is meant; HotswapError where there is none."""
        # An empty text is not "not given", as for the channel.
        root = self._options.dist if command.path is None else Path(command.path)
        if root is None:
            raise HotswapError(
                "publish: there is no watched folder", "give the folder to publish", code="nothing-watched"
            )
        if not root.is_absolute() or "\0" in str(root):
            raise HotswapError(
                f"publish: the path {command.path!r} is no absolute path",
                "give it absolute: the server does not know where you are",
                code="bad-arguments",
            )
        return root

    async def _make(
        self, tree: Path | Scan, *, unless: str | None = None, again: bool = False
    ) -> Made | None:
        root = tree.root if isinstance(tree, Scan) else tree
        self.building = str(root)
        if not again:
            self._observe(BuildStarted(at=self._now(), path=shown(str(root), 1000)))
        try:
            return await self._maker.make(tree, unless=unless)
        except OSError as error:
            raise _not_written(error) from None
        finally:
            self.building = None

    # From the first byte packed to the last one pruned one at a time: what has the same content as a bundle that is
    # on its way out, or that could not be committed, would lose its bytes with it.
    async def _publish(
        self,
        command: Publish,
        made: Made,
        origin: Origin,
        *,
        watched: bool,
        changed_at: float | None = None,
    ) -> Committed:
        built = self._built(made.bundle, origin, watched=watched)
        try:
            committed = await self._ledger.commit(
                lambda controls: command.events(controls, self._now(), built)
            )
        except HotswapError:
            self._drop_unknown(made.bundle)
            raise
        offered = time.monotonic()
        release = release_in(committed.facts)
        if release is None:
            raise AssertionError("publish leads to a release")
        self._observe(
            Published(
                at=self._now(),
                sequence=release.sequence,
                version=release.version,
                channel=release.channel,
                origin=release.origin,
                bundle_size=release.bundle.size,
                files=release.bundle.files,
                changed=made.changed,
                scan_ms=round(made.scan_ms, 1),
                pack_ms=round(made.pack_ms, 1),
                offered_ms=None if changed_at is None else round((offered - changed_at) * 1000, 1),
            )
        )
        await self._tidied()
        return committed

    def _built(self, bundle: Bundle, origin: Origin, *, watched: bool) -> Built:
        return Built(
            bundle=bundle,
            binary_version=self.app_version,
            min_binary_version=self._minimum,
            origin=origin,
            watched=watched,
        )

    async def _tidied(self) -> None:
        try:
            await self._prune()
        except HotswapError as error:
            # The release is out; that old ones stay on the disk is another matter.
            self._observe(
                Noticed(
                    at=self._now(), level="warning", code=error.code, message=error.message, hint=error.hint
                )
            )

    async def _prune(self) -> None:
        # The fact first: a bundle without its bytes must never be offered, one without its fact is only untidy.
        committed = await self._ledger.commit(self._pruned)
        for fact in committed.facts:
            if isinstance(fact, BundlesPruned):
                for name in fact.hashes:
                    await asyncio.to_thread(self._store.remove, name)

    def _pruned(self, controls: Controls) -> list[Fact]:
        # Of the controls that it is committed to: what was re-offered a moment ago is needed again.
        gone = tuple(self._prunable(controls))
        return [BundlesPruned(at=self._now(), hashes=gone)] if gone else []

    def _refused(self, error: HotswapError) -> None:
        self._observe(
            BuildRefused(
                at=self._now(),
                code=error.code,
                detail=shown(error.message, 1000),
                hint=error.hint,
                path=shown(error.path, 1000) if isinstance(error, TreeRefused) and error.path else None,
            )
        )

    @property
    def _minimum(self) -> str:
        """The oldest app that may run what is built now."""
        return self._options.min_binary_version or self.app_version

    def _last_built(self, channel: str) -> Release | None:
        """The release that a build of an unchanged folder would repeat; None where there is none, or no bytes of it.

        With another key, format, app or minimum it would be another release: what another key signed, for one, an app
        that was built for this key refuses.
        """
        known = self._ledger.controls.channels.get(channel)
        if known is None or known.last_tree is None:
            return None
        having = (self._ledger.controls.releases[sequence] for sequence in known.releases)
        last = next((release for release in having if release.bundle.tree == known.last_tree), None)
        if last is None or not self._ledger.controls.has_bytes(last):
            return None
        was = (last.bundle.key_id, last.bundle.format, last.binary_version, known.last_minimum)
        now = (self._key.key_id, self._options.format, self.app_version, self._minimum)
        return last if was == now else None

    def _drop_unknown(self, bundle: Bundle) -> None:
        if all(release.bundle.hash != bundle.hash for release in self._ledger.controls.releases.values()):
            self._store.remove(bundle.hash)


def _not_written(error: OSError) -> TreeRefused:
    return TreeRefused(
        "disk-full" if error.errno == errno.ENOSPC else "bundle-not-written",
        f"the bundle could not be written: {error.strerror or error}",
        "free some space on the workspace's disk; what was served is served on",
    )


def release_in(facts: Sequence[Fact]) -> Release | None:
    """The release that came to be with these facts, if one did."""
    return next((fact.release for fact in facts if isinstance(fact, ReleaseAdded)), None)
