"""Every setting and where it came from: flag > HOTSWAP_DEV_NAME > hotswap-dev.toml > the Tauri config > default.

The table of them is here alone; the command line makes its options of it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

from hotswap_dev.domain.checks import CHANNEL_NAME
from hotswap_dev.domain.model import DEFAULT_CHANNEL, MAX_SEQUENCE, SAME_AS_CLIENT, Format
from hotswap_dev.domain.versions import is_version
from hotswap_dev.errors import HotswapError, UsageError
from hotswap_dev.storage.keys import KeyHome
from hotswap_dev.tauri.device import highest_sequence, plugin_folder
from hotswap_dev.tauri.overlay import effective_identifier
from hotswap_dev.tauri.project import TauriProject, find_config, read_project, this_platform

if TYPE_CHECKING:
    from hotswap_dev.server.run import ServerOptions

SETTINGS_FILE = "hotswap-dev.toml"
WORKSPACE = ".hotswap-dev"
DEFAULT_PORT = 3333
DEFAULT_APP_VERSION = "0.1.0"

Kind = Literal["path", "text", "whole", "switch", "texts"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `name` is its flag without dashes. `check` says what is wrong with a value, or None."""

    name: str
    kind: Kind
    help: str
    metavar: str = ""
    check: Callable[[Any], str | None] = lambda _: None

    @property
    def key(self) -> str:
        """Its name in hotswap-dev.toml, and as a parameter."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"HOTSWAP_DEV_{self.key.upper()}"


def _version_or_same(value: str) -> str | None:
    return (
        None
        if value == SAME_AS_CLIENT or is_version(value)
        else f"a version such as 0.4.0, or {SAME_AS_CLIENT}"
    )


def _one_of(*names: str) -> Callable[[str], str | None]:
    return lambda value: None if value in names else " or ".join(names)


def _within(low: int, high: int) -> Callable[[int], str | None]:
    return lambda value: None if low <= value <= high else f"a whole number from {low} to {high}"


def _public_url(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        fine = bool(
            parts.scheme in ("http", "https")
            and re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc)
            and (parts.hostname, parts.port)[0]
            and not (parts.query or parts.fragment)
        )
    except ValueError:
        fine = False
    return None if fine else "an address such as https://ota.example.test"


SETTINGS: tuple[Setting, ...] = (
    Setting("project", "path", "where the app is (default: here, ./src-tauri, below, above)", "DIR"),
    Setting("dist", "path", "the build folder to watch (default: the Tauri config's frontendDist)", "DIR"),
    Setting("workspace", "path", "state, bundles and overlays (default: .hotswap-dev in the project)", "DIR"),
    Setting(
        "host", "text", "address to listen on; 0.0.0.0 opens it to phones (default: 127.0.0.1)", "ADDRESS"
    ),
    Setting("port", "whole", "port of the client site; 0 = any (default: 3333)", "N", _within(0, 65535)),
    Setting("auto-port", "switch", "take the next free port where that one is in use"),
    Setting("public-url", "text", "address under which apps reach the server", "URL", _public_url),
    Setting("allow-host", "texts", "a further host name that apps may ask for", "NAME"),
    Setting(
        "app-version",
        "text",
        "the app's version (default: the Tauri config's, else 0.1.0)",
        "V",
        lambda value: None if is_version(value) else "a semantic version such as 0.4.0",
    ),
    Setting(
        "min-binary-version",
        "text",
        "oldest app that may run a build, or same-as-client (default: the app's version)",
        "V",
        _version_or_same,
    ),
    Setting(
        "channel",
        "text",
        "where builds go (default: plugins.hotswap.channel, else production)",
        "NAME",
        lambda value: None if CHANNEL_NAME.fullmatch(value) else "letters, digits, . _ -, at most 64",
    ),
    Setting("format", "text", "tar.gz or zip (default: tar.gz)", "FORMAT", _one_of("tar.gz", "zip")),
    Setting("key", "text", "sign with this key file, or with TAURI_SIGNING_PRIVATE_KEY by `env`", "FILE|env"),
    Setting(
        "settle",
        "whole",
        "ms without a change after which a build is finished (300)",
        "MS",
        _within(10, 60_000),
    ),
    Setting("sequence-floor", "whole", "the next sequence is above this", "N", _within(0, MAX_SEQUENCE - 1)),
    Setting("keep-overrides", "switch", "forced 204 and mandatory for all outlive a clean end"),
    Setting("production-key", "switch", "allow the key that the app's own config trusts"),
    Setting("same-identifier", "switch", "keep the app's identifier in the overlay (shares its data)"),
    Setting(
        "id-header",
        "text",
        "request header that names a client (default: X-Device-Id)",
        "NAME",
        # RFC 9110 §5.6.2: a token.
        lambda value: None if re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", value) else "a header's name",
    ),
    Setting("debug", "switch", "show the traceback of an unexpected error"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values that are in force. `sources` has for each key where its value came from, in a person's words."""

    project: TauriProject | None
    root: Path
    dist: Path | None
    workspace: Path
    workspace_given: bool
    host: str
    port: int
    auto_port: bool
    public_url: str | None
    allow_host: tuple[str, ...]
    app_version: str
    min_binary_version: str | None
    channel: str
    format: Format
    key: str | None
    settle: int
    sequence_floor: int | None
    keep_overrides: bool
    production_key: bool
    same_identifier: bool
    id_header: str
    debug: bool
    sources: Mapping[str, str]


def resolve(flags: Mapping[str, Any], *, environ: Mapping[str, str], here: Path) -> Settings:
    """Find the project and settle every value.

    `flags` has, by key, what was typed (None and () for what was not). Relative paths of flags and variables start
    `here`, those of the settings file at its folder. UsageError names the source, the value and what is expected.
    """
    typed = {
        name: value for name, value in flags.items() if not (value is None or value is False or value == ())
    }
    given = _from_environment(environ)
    project, root = _find_project(typed, given, environ, here)
    filed = _from_file(root / SETTINGS_FILE)
    derived = _from_project(project)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        for source, table, base in (
            (f"--{setting.name}", typed, here),
            (setting.variable, given, here),
            (SETTINGS_FILE, filed, root),
        ):
            if setting.key in table:
                name = f"{setting.key} in {source}" if source == SETTINGS_FILE else source
                values[setting.key] = _value(setting, table[setting.key], name, base)
                sources[setting.key] = source
                break
        else:
            if setting.key in derived:
                values[setting.key], sources[setting.key] = derived[setting.key]
    defaulted = {key: "default" for key in (setting.key for setting in SETTINGS) if key not in values}
    return Settings(
        project=project,
        root=root,
        dist=values.get("dist"),
        workspace=values.get("workspace", root / WORKSPACE),
        workspace_given="workspace" in values,
        host=values.get("host", "127.0.0.1"),
        port=values.get("port", DEFAULT_PORT),
        auto_port=values.get("auto_port", False),
        public_url=values["public_url"].rstrip("/") if "public_url" in values else None,
        allow_host=tuple(values.get("allow_host", ())),
        app_version=values.get("app_version", DEFAULT_APP_VERSION),
        min_binary_version=values.get("min_binary_version"),
        channel=values.get("channel", DEFAULT_CHANNEL),
        format=cast("Format", values.get("format", "tar.gz")),
        key=values.get("key"),
        settle=values.get("settle", 300),
        sequence_floor=values.get("sequence_floor"),
        keep_overrides=values.get("keep_overrides", False),
        production_key=values.get("production_key", False),
        same_identifier=values.get("same_identifier", False),
        id_header=values.get("id_header", "X-Device-Id"),
        debug=values.get("debug", False),
        sources={**sources, **defaulted},
    )


def server_options(settings: Settings, *, environ: Mapping[str, str], home: KeyHome) -> ServerOptions:
    """What a server is to be told, by these settings; `home` is where the key's high-water mark lies."""
    # Imported here: `status` and `--help` read settings too, and must not wait for an HTTP server.
    from hotswap_dev.engine.options import EngineOptions
    from hotswap_dev.server.run import ServerOptions

    project = settings.project
    return ServerOptions(
        engine=EngineOptions(
            # Not resolved: a link that is swapped for another build has to be followed anew.
            dist=settings.dist.absolute() if settings.dist else None,
            app_version=settings.app_version,
            channel=settings.channel,
            min_binary_version=settings.min_binary_version,
            format=settings.format,
            floors=tuple(_floors(settings, environ, home)),
            keep_overrides=settings.keep_overrides,
        ),
        workspace=settings.workspace,
        app=project.name if project else settings.root.name,
        project=project,
        read_project=_reader(project, environ) if project else None,
        version_from_project=project is not None and not _was_given(settings.sources["app_version"]),
        same_identifier=settings.same_identifier,
        host=settings.host,
        port=settings.port,
        auto_port=settings.auto_port,
        public_url=settings.public_url,
        allowed_hosts=settings.allow_host,
        id_header=settings.id_header,
        settle=settings.settle / 1000,
        settle_widens=settings.sources["settle"] == "default",
    )


def _was_given(source: str) -> bool:
    """Whether a value comes from a flag, a variable or the settings file, which the Tauri config can't outdo."""
    return source.startswith(("--", "HOTSWAP_DEV_")) or source == SETTINGS_FILE


def _reader(project: TauriProject, environ: Mapping[str, str]) -> Callable[[], TauriProject]:
    return lambda: read_project(project.config, platform=project.platform, environ=environ)


def _floors(settings: Settings, environ: Mapping[str, str], home: KeyHome) -> Iterator[tuple[int, str]]:
    """Sequences that somebody already knows: the next one must be above all of them (design §5)."""
    if settings.sequence_floor is not None:
        yield settings.sequence_floor, "--sequence-floor"
    yield home.high_water(), "the highest sequence that this key signed"
    project = settings.project
    identifier = effective_identifier(project, settings.same_identifier) if project else None
    folder = user_home(environ)
    if project is not None and identifier is not None and folder is not None:
        device = plugin_folder(identifier, platform=project.platform, environ=environ, home=folder)
        highest = highest_sequence(device)
        if highest is not None and highest < MAX_SEQUENCE:
            yield highest, f"the app's own folder {device}"


def user_home(environ: Mapping[str, str]) -> Path | None:
    """The user's home folder, as POSIX or Windows names it."""
    named = environ.get("HOME") or environ.get("USERPROFILE")
    return Path(named) if named else None


def demand_workspace_outside(dist: Path, workspace: Path) -> None:
    """HotswapError where the workspace would be published: asked before anything is written there."""
    if workspace.resolve().is_relative_to(dist.resolve()):
        raise HotswapError(
            f"the workspace {workspace} lies in the watched folder {dist}: state and keys would be published",
            "give another with --workspace, or name the build folder itself, such as dist",
            code="workspace-in-dist",
        )


def _find_project(
    typed: Mapping[str, Any], given: Mapping[str, str], environ: Mapping[str, str], here: Path
) -> tuple[TauriProject | None, Path]:
    named = typed.get("project") or given.get("project")
    start = here / named if named else here
    if named and not start.is_dir():
        raise UsageError(f"--project {str(named)!r} is no folder", "give the folder of the app")
    config = find_config(start, explicit=bool(named))
    if config is None:
        return None, start.resolve()
    project = read_project(config, platform=this_platform(), environ=environ)
    return project, project.root


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {setting.key: environ[setting.variable] for setting in SETTINGS if environ.get(setting.variable)}


def _from_file(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HotswapError(
            f"{path} can't be read: {error}", "mend or remove it", code="settings-broken"
        ) from None
    # Where the project is was settled before this file could be found.
    known = {setting.key for setting in SETTINGS} - {"project"}
    for key in found:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise UsageError(
                f"{path} has {key!r}, which is no setting",
                f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(known))}",
            )
    return found


def _from_project(project: TauriProject | None) -> dict[str, tuple[Any, str]]:
    if project is None:
        return {}
    derived: dict[str, tuple[Any, str]] = {}
    if project.frontend_dist is not None:
        derived["dist"] = (project.frontend_dist, "build.frontendDist")
    if project.version is not None:
        derived["app_version"] = (project.version, project.version_source or "the Tauri config")
    channel = project.hotswap.channel
    if channel is not None and CHANNEL_NAME.fullmatch(channel):
        derived["channel"] = (channel, "plugins.hotswap.channel")
    return derived


def _value(setting: Setting, raw: object, source: str, base: Path) -> Any:  # noqa: ANN401 - as the kind says
    value = _of_kind(setting.kind, raw)
    expected = setting.check(value) if value is not None else None
    if value is None:
        # A range says more than "a whole number".
        expected = (setting.check(-1) if setting.kind == "whole" else None) or _EXPECTED[setting.kind]
    if expected is not None:
        raise UsageError(f"{source} is {raw!r}", f"expected is {expected}")
    return base / value if setting.kind == "path" else value


def _of_kind(kind: Kind, raw: object) -> Any:  # noqa: ANN401 - None where it is not of the kind
    if kind == "switch":
        if isinstance(raw, bool):
            return raw
        return {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}.get(
            str(raw).lower()
        )
    if kind == "whole":
        if isinstance(raw, int) and not isinstance(raw, bool):
            return raw
        text = str(raw)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None
    if kind == "texts":
        if isinstance(raw, str):
            return tuple(part.strip() for part in raw.split(",") if part.strip())
        if isinstance(raw, list | tuple) and all(isinstance(part, str) for part in raw):
            return tuple(raw)
        return None
    if kind == "path" and isinstance(raw, Path):
        return raw
    return raw if isinstance(raw, str) and raw else None


_EXPECTED: Mapping[Kind, str] = {
    "path": "a path",
    "text": "a text",
    "whole": "a whole number",
    "switch": "on or off",
    "texts": "one or more names",
}
