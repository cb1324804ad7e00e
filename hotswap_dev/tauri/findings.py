"""What a project lacks before an update can reach it, and what a change of its config means to a running server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hotswap_dev.tauri.crate import PLUGIN
from hotswap_dev.tauri.plugin_config import OVERLAID
from hotswap_dev.tauri.project import TauriProject


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One thing to mend, in an order in which a person would."""

    code: str  # kebab-case, stable
    what: str  # a noun phrase: `capability hotswap:default`
    where: str  # the file, relative to the project's root
    hint: str  # the way out, one sentence
    blocks: bool  # no update works in a build with our overlay until it is mended


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """One value of the config that is another one now; None is "not said"."""

    field: str
    old: str | None
    new: str | None
    sentence: str


def missing(project: TauriProject) -> list[Missing]:
    """What is missing or wrong for updates to work, for the platform that `project` was read for. Pure."""
    return [
        *_in_config(project),
        *_in_crate(project),
        *_in_capabilities(project),
        *_in_plugin_config(project),
    ]


def changes(before: TauriProject, after: TauriProject) -> list[ConfigChange]:
    """What differs between two readings of one project, as far as a running server or a built app cares. Pure."""
    return [change for change in _changes(before, after) if change.old != change.new]


def _in_config(project: TauriProject) -> Iterator[Missing]:
    config = project.shown(project.config)
    identifier = project.identifier
    if identifier is None:
        yield Missing(
            code="identifier-absent",
            what="identifier",
            where=config,
            hint='Tauri needs one: "identifier": "com.example.app"',
            blocks=True,
        )
    elif not all(letter.isalnum() or letter in "-." for letter in identifier):
        yield Missing(
            code="identifier-invalid",
            what=f'an identifier without other characters than letters, digits, "-" and ".": {identifier}',
            where=config,
            hint="`tauri build` refuses it",
            blocks=True,
        )
    elif project.platform == "android" and "-" in identifier:
        # resolve_base_dir in the plugin's lib.rs joins the identifier as it is; the CLI makes the package of it
        # with `_` (mobile/mod.rs), so the folder is another app's, and no bundle can be written.
        yield Missing(
            code="identifier-android",
            what=f'an identifier without "-": {identifier}',
            where=config,
            hint=f"the plugin writes to /data/data/{identifier}, the package is {identifier.replace('-', '_')}: "
            "give Android an identifier of its own in tauri.android.conf.json",
            blocks=True,
        )
    if project.version_problem is not None:
        yield Missing(
            code="version-absent" if "is not semver" not in project.version_problem else "version-invalid",
            what=f"version ({project.version_problem})",
            where=config,
            hint='the plugin fails on every offer without one: "version": "0.1.0"',
            blocks=True,
        )
    if project.frontend_dist_problem is not None:
        yield Missing(
            code="frontend-dist",
            what=f"a folder with the frontend ({project.frontend_dist_problem})",
            where=config,
            hint='set build.frontendDist to the folder that the frontend is built into, such as "../dist", '
            "or name the folder on the command line",
            blocks=False,
        )


def _in_crate(project: TauriProject) -> Iterator[Missing]:
    crate = project.crate
    if not crate.plugin:
        yield Missing(
            code="plugin-dependency",
            what=f"dependency {PLUGIN}",
            where=project.shown(crate.manifest),
            hint=f"run `cargo add {PLUGIN}` in {project.shown(crate.manifest.parent)}",
            blocks=True,
        )
    if crate.start == "none":
        yield Missing(
            code="plugin-start",
            what="tauri_plugin_hotswap::init",
            where=project.shown(crate.entry),
            hint="let (plugin, context) = tauri_plugin_hotswap::init(tauri::generate_context!())?; then "
            ".plugin(plugin) and .run(context)",
            blocks=True,
        )
    elif crate.start == "in-rust":
        yield Missing(
            code="configured-in-rust",
            what="tauri_plugin_hotswap::init in place of init_with_config or HotswapBuilder",
            where=project.shown(crate.entry),
            hint="the app takes endpoint and key from its Rust code: no overlay reaches them, so let debug builds "
            "call init, or give the code this server's endpoint and key",
            blocks=True,
        )


def _in_capabilities(project: TauriProject) -> Iterator[Missing]:
    capabilities = project.capabilities
    for path, problem in capabilities.broken:
        yield Missing(
            code="capability-broken",
            what=f"a capability file that can be read ({problem})",
            where=project.shown(path),
            hint="mend the file: the app does not build with it either",
            blocks=True,
        )
    for permission in capabilities.lacking:
        yield Missing(
            code="capability",
            what=f"capability {permission}",
            where=project.shown(capabilities.home),
            hint=f'add "{permission}" to its "permissions": without it the pages may not call the plugin',
            blocks=True,
        )


def _in_plugin_config(project: TauriProject) -> Iterator[Missing]:
    config = project.shown(project.config)
    if not project.hotswap.present:
        if project.crate.start == "init":
            yield Missing(
                code="plugin-config-absent",
                what="plugins.hotswap",
                where=config,
                hint="builds with our overlay don't need it; without -c the app ends at its start",
                blocks=False,
            )
        return
    for mistake in project.hotswap.mistakes:
        yield Missing(
            code="plugin-config-invalid",
            what=f"a config that the plugin can read: {mistake.detail}",
            where=config,
            hint="the plugin says only \"missing or invalid 'plugins.hotswap'\", and the app ends at its start",
            blocks=bool(mistake.key) and mistake.key not in OVERLAID,
        )


def _changes(before: TauriProject, after: TauriProject) -> Iterator[ConfigChange]:
    source = after.version_source or after.shown(after.config)
    yield ConfigChange(
        field="version",
        old=before.version,
        new=after.version,
        sentence=f"version {after.version} ({source}) counts from the next build"
        if after.version is not None
        else f"{after.version_problem}: {before.version} goes on counting",
    )
    yield ConfigChange(
        field="identifier",
        old=before.identifier,
        new=after.identifier,
        sentence=f"identifier {after.identifier or 'gone'}: another app to the system, with a key and a folder of "
        "its own; start hotswap-dev again",
    )
    yield ConfigChange(
        field="endpoint",
        old=before.hotswap.endpoint,
        new=after.hotswap.endpoint,
        sentence=_rebuild("plugins.hotswap.endpoint", after.hotswap.endpoint),
    )
    yield ConfigChange(
        field="pubkey",
        old=before.hotswap.pubkey,
        new=after.hotswap.pubkey,
        sentence=_rebuild("plugins.hotswap.pubkey", after.hotswap.pubkey),
    )
    yield ConfigChange(
        field="channel",
        old=before.hotswap.channel,
        new=after.hotswap.channel,
        sentence=_rebuild("plugins.hotswap.channel", after.hotswap.channel),
    )
    yield ConfigChange(
        field="frontend-dist",
        old=str(before.frontend_dist) if before.frontend_dist else None,
        new=str(after.frontend_dist) if after.frontend_dist else None,
        sentence=f"build.frontendDist is {after.shown(after.frontend_dist)}: start hotswap-dev again to watch it"
        if after.frontend_dist is not None
        else f"{after.frontend_dist_problem}",
    )


def _rebuild(key: str, value: str | None) -> str:
    return f"{key} is {value if value is not None else 'gone'}: rebuild the app, it is compiled in"
