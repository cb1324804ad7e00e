"""The first lines: what was taken from where, what is missing, and the one thing to paste."""

from __future__ import annotations

from collections.abc import Iterator

import click

from hotswap_dev.cli.serving.signing_key import OpenKey
from hotswap_dev.domain.text import shown
from hotswap_dev.server.run import RunningServer
from hotswap_dev.settings import DEFAULT_APP_VERSION, SETTINGS, SETTINGS_FILE, Settings
from hotswap_dev.tauri.findings import missing
from hotswap_dev.tauri.lines import watch_line
from hotswap_dev.tauri.project import TauriProject
from hotswap_dev.tauri.snippet import devtools_line

_WIDTH = 12
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def greeting(settings: Settings, opened: OpenKey, running: RunningServer) -> Iterator[str]:
    """The lines in their order; release 1 is told by its own line as soon as it is there."""
    yield _what(settings, opened, running.engine.controls.build_channel)
    yield _labelled(
        "serving", f"{click.style(running.file.endpoint, bold=True)}{_open_to(settings, running)}"
    )
    newest = running.engine.controls.newest(running.engine.controls.build_channel)
    if newest is not None:
        yield _labelled("", f"release {newest.sequence} ({newest.version}) is the newest of {newest.channel}")
    if settings.project is not None and running.build_line is not None:
        yield from _how(settings.project, running.build_line)
        if running.overlays and settings.host not in _LOOPBACK:
            yield _labelled("phones", f"build with -c {settings.project.shown(running.overlays[1])}")
    else:
        yield _labelled(
            "watching", f"{settings.dist}  (in no Tauri project: point your app's endpoint here, with"
        )
        yield _labelled("", f"pubkey {running.file.pubkey} and require_https false)")
    chosen = [
        f"{setting.key} {getattr(settings, setting.key)!s} ({settings.sources[setting.key]})"
        for setting in SETTINGS
        if settings.sources[setting.key] in (setting.variable, SETTINGS_FILE)
    ]
    if chosen:
        yield _labelled("settings", ", ".join(chosen))
    for warning in opened.warnings:
        yield _labelled("warning", click.style(warning, fg="yellow"))
    if settings.project is not None:
        # What only a release build would lack is not said here: the overlay has it.
        for finding in missing(settings.project):
            if finding.blocks:
                what = click.style(finding.what, fg="red")
                yield _labelled("missing", f"{what} ({finding.where}): {finding.hint}")


def _what(settings: Settings, opened: OpenKey, builds_go_to: str) -> str:
    project = settings.project
    name = shown(project.name if project else settings.root.name)
    version = f"{settings.app_version} ({settings.sources['app_version']})"
    if settings.sources["app_version"] == "default":
        version = f"{DEFAULT_APP_VERSION} (assumed: no version was found; --app-version)"
    channel = f"channel {builds_go_to}"
    if builds_go_to != settings.channel:
        channel += f" (set-build-channel; configured is {settings.channel})"
    elif settings.sources["channel"] != "default":
        channel += f" ({settings.sources['channel']})"
    key = f"key {opened.key.short} ({opened.origin})"
    if opened.production:
        key = click.style(f"PRODUCTION {key}", fg="white", bg="red", bold=True)
    return f" {click.style(f'{name} {version}', bold=True)}   {channel}   {key}"


def _open_to(settings: Settings, running: RunningServer) -> str:
    if settings.host in _LOOPBACK:
        return ""
    others = [address for address in running.file.addresses if "127.0.0.1" not in address]
    return click.style(f"   open to the network: {', '.join(others) or settings.host}", fg="yellow")


def _how(project: TauriProject, build_line: str) -> Iterator[str]:
    binary = f"   then start {project.shown(project.binary)}" if project.binary else ""
    yield _labelled("build once", f"{click.style(build_line, bold=True)}{binary}")
    watch = watch_line(project)
    if watch is not None:
        yield _labelled(
            "then", f"{click.style(watch, bold=True)}   every save is offered as the next release"
        )
    yield _labelled("no OTA code?", "paste into the debug app's devtools:")
    yield f"  {click.style(devtools_line(), dim=True)}"


def _labelled(label: str, text: str) -> str:
    return f" {label:<{_WIDTH}} {text}"
