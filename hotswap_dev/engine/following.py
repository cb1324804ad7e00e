"""What keeps running beside the answers: builds that settle, and a config that is edited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from hotswap_dev.engine.engine import Engine
from hotswap_dev.errors import HotswapError
from hotswap_dev.tauri.findings import changes
from hotswap_dev.tauri.project import TauriProject
from hotswap_dev.watching import Polling, Seen, Settled, SettleNarrowed, SettleWidened, Waiting

_CONFIG_PAUSE = 1.0
"""Seconds between looks at the config's files: a handful of stats, where a watch would need one per folder."""

Stamp = tuple[int, int]
"""What tells a config file's versions apart: mtime_ns and size."""

_NEXT_STEP = {
    "folder-missing": "build the frontend; it is published as soon as it is there",
    "no-index": "a frontend has an index.html at its top",
    "empty-index": "it is published when index.html has something in it",
    "missing-reference": "it is published when they are there, or when they have been missing for 10 s",
}


class Watched(Protocol):
    """What `watching.Watch` is to its follower."""

    def __aiter__(self) -> AsyncIterator[Seen]: ...

    def rescan(self) -> None:
        """Hand the tree over once more when it has settled."""


async def follow_builds(engine: Engine, watched: Watched, *, csp: bool) -> None:
    """Publish every settled tree, and say what else the watcher saw. For ever.

    While one is packed nothing is looked at, and then the newest tree comes next: latest wins. `csp`: whether the app
    has a content security policy, under which no inline script of a bundle runs.
    """
    warned: set[str] = set()
    as_found = True
    retry: asyncio.TimerHandle | None = None
    async for event in watched:
        match event:
            case Settled():
                found = {warning.code: warning for warning in _warnings(event, csp=csp)}
                for code, warning in found.items():
                    if code not in warned:
                        engine.notice("warning", code, warning.message, warning.hint)
                # What stays from build to build is said once, whatever its files are called now; what comes back is
                # said again.
                warned = set(found)
                changed_at = None if as_found else event.changed_at
                if retry is not None:
                    retry.cancel()  # saves on a full disk must not each leave attempts of their own behind
                again = await engine.publish_settled(event.scan, changed_at=changed_at)
                if again is None:
                    as_found = False
                else:
                    retry = asyncio.get_running_loop().call_later(again, watched.rescan)
            case Waiting(code, detail):
                # What comes now was built before our eyes.
                as_found = False
                engine.notice("info", code, detail, _NEXT_STEP.get(code, ""))
            case SettleWidened(seconds, why):
                engine.notice(
                    "info",
                    "settle-widened",
                    f"settle time {seconds:.1f} s from now on: {why}",
                    "if that was not one slow build, restart with --settle 300, which is then kept",
                )
            case SettleNarrowed(seconds, why):
                engine.notice(
                    "info",
                    "settle-narrowed",
                    f"settle time {seconds:.1f} s again: {why}",
                    "if half a build is ever offered, restart with --settle 2000",
                )
            case Polling(seconds, why):
                engine.notice("warning", "polling", f"looking every {seconds:.1f} s instead: {why}")


async def follow_project(
    engine: Engine,
    project: TauriProject,
    read: Callable[[], TauriProject],
    *,
    version_counts: bool,
) -> None:
    """Say what an edit of the app's config means, and let a new version count from the next build. For ever.

    `version_counts` is False where the app's version was given by a flag or a variable, which the config can't outdo.
    """
    # Unknown, so that the config is read once more: it may have been edited since the settings were read.
    stamps: Mapping[Path, Stamp | None] = {}
    broken: Mapping[Path, Stamp | None] | None = None
    while True:
        await asyncio.sleep(_CONFIG_PAUSE)
        now = await asyncio.to_thread(_stamps, project)
        if now == stamps:
            continue
        try:
            after = await asyncio.to_thread(read)
        except HotswapError as error:
            # An editor may have written half of it: what is still broken at the next look is said.
            if now == broken:
                engine.notice("error", error.code, error.message, error.hint)
                stamps = now
            broken = now
            continue
        stamps = now
        for change in changes(project, after):
            said = change.sentence
            if change.field == "version" and not version_counts:
                said = f"version {change.new} is in the config; {engine.app_version}, which was given, goes on counting"
            engine.notice("warning", f"config-{change.field.replace('_', '-')}", said)
        if after.version is not None and after.version != project.version and version_counts:
            engine.set_app_version(after.version)
        # The stamps stay those from before it was read: what was edited meanwhile is read again.
        project = after


class TreeWarning(NamedTuple):
    """Something in a tree that is published all the same."""

    code: str
    message: str
    hint: str = ""


def _warnings(settled: Settled, *, csp: bool) -> Iterator[TreeWarning]:
    if settled.missing_references:
        yield TreeWarning(
            "missing-reference",
            f"index.html asks for what is not there: {', '.join(settled.missing_references[:5])}",
            "published all the same; the app takes such files from its embedded page",
        )
    if csp and settled.inline_scripts:
        yield TreeWarning(
            "inline-script",
            f"index.html has {settled.inline_scripts} inline script(s), and none runs under the app's "
            "app.security.csp: notifyReady would never be called",
            "move it to a file of its own",
        )
    for warning in settled.scan.warnings:
        yield TreeWarning(warning.code, f"{warning.path}: {warning.detail}")


def _stamps(project: TauriProject) -> Mapping[Path, Stamp | None]:
    return {path: _stamp(path) for path in project.files}


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
