"""Which key signs: the dev key of the app, a file that was named, or Tauri's variables when they were asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from hotswap_dev.errors import HotswapError, UsageError
from hotswap_dev.packing.signing import (
    PasswordNeeded,
    SigningKey,
    inspect_key,
    key_forms,
    new_key,
    parse_public_key,
    read_key,
)
from hotswap_dev.settings import Settings, user_home
from hotswap_dev.storage.keys import KeyHome, key_home, read_key_file
from hotswap_dev.storage.workspace import make_workspace

_TEXT, _PATH, _PASSWORD = (
    "TAURI_SIGNING_PRIVATE_KEY",
    "TAURI_SIGNING_PRIVATE_KEY_PATH",
    "TAURI_SIGNING_PRIVATE_KEY_PASSWORD",
)
_TRIES = 3

Ask = Callable[[str], str]
"""Given a key's name, its password."""

_OUR_PASSWORD = "HOTSWAP_DEV_KEY_PASSWORD"  # noqa: S105 - the variable's name


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key that can sign. `origin` says in a few words where it comes from."""

    key: SigningKey
    home: KeyHome
    origin: str
    production: bool
    warnings: tuple[str, ...]


def open_key(
    settings: Settings, environ: Mapping[str, str], *, make: bool = True, ask: Ask | None = None
) -> OpenKey:
    """Open the key that the settings name, else the app's dev key, which is made if there is none and `make`.

    `ask` is called for a password that is needed and was not given; without it the terminal is asked.
    HotswapError for a wrong password, an unreadable file, a key inside the watched folder, or the app's own
    production key without `--production-key`.
    """
    ask = ask or ask_here
    home = home_of(settings, environ)
    warnings: list[str] = []
    if settings.key is None:
        if not make and not home.key_path.exists():
            raise UsageError("there is no key to judge by", "give one with --pubkey or --key")
        if make and home.folder == settings.workspace:
            # With its .gitignore: a key must not be committed by accident.
            make_workspace(settings.workspace)
        stored = home.read_or_make_key(lambda: key_forms(new_key()).secret_file)
        key = _opened(stored.text, environ.get(_OUR_PASSWORD), str(stored.path), ask)
        origin = "made now" if stored.made else "dev key"
        warnings += [stored.warning] if stored.warning else []
        if ignored := [name for name in (_TEXT, _PATH) if environ.get(name)]:
            warnings.append(f"{ignored[0]} is set and was ignored: it is for releases. --key env uses it")
    elif settings.key == "env":
        text, password, name = _from_environment(environ)
        key, origin = _opened(text, password, name, ask), name
    else:
        path = Path(settings.key)
        _demand_outside(settings, path)
        stored = read_key_file(path)
        key = _opened(stored.text, environ.get(_OUR_PASSWORD), str(path), ask)
        origin = path.name
        warnings += [stored.warning] if stored.warning else []
    # Who only judges needs the public half, and may have any key's.
    production = _demand_dev_key(settings, key) if make else False
    return OpenKey(key, home, origin, production, tuple(warnings))


def home_of(settings: Settings, environ: Mapping[str, str]) -> KeyHome:
    """Where the app's dev key lies: with the user's data, or in a workspace that was given or has no identifier."""
    identifier = settings.project.identifier if settings.project else None
    if settings.workspace_given or identifier is None:
        return KeyHome(settings.workspace)
    return key_home(identifier, environ=environ, home=user_home(environ))


def _opened(text: str, password: str | None, name: str, ask: Ask) -> SigningKey:
    if inspect_key(text, name=name).slow:
        click.echo(f"opening {name}: its password is made to take some seconds", err=True)
    try:
        return read_key(text, password, name=name)
    except PasswordNeeded:
        for tries_left in reversed(range(_TRIES)):
            try:
                return read_key(text, ask(name), name=name)
            except HotswapError as error:
                if error.code != "key-wrong-password" or not tries_left:
                    raise
                click.echo(error.message, err=True)
        raise


def ask_here(name: str) -> str:
    """The password of the key `name`, typed without being shown; HotswapError where nobody is there to type it."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise HotswapError(
            f"{name} needs a password, and nobody is there to be asked",
            f"give it in {_OUR_PASSWORD}",
            code="key-password-needed",
        )
    answer: str = click.prompt(f"password of {name}", hide_input=True, err=True)
    return answer


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process that signs nothing: without any key's text, place or password."""
    return {
        name: value
        for name, value in environ.items()
        if name != _OUR_PASSWORD and not name.startswith("TAURI_SIGNING_")
    }


def _from_environment(environ: Mapping[str, str]) -> tuple[str, str | None, str]:
    """Text, password and name of Tauri's key: the text variable may hold a path too, as for `tauri build`."""
    password = environ.get(_PASSWORD)
    given = environ.get(_TEXT)
    if given:
        # A key's text has no line that could be a path of this machine.
        if len(given) < 4096 and os.path.isfile(given):  # noqa: PTH113 - False, too, for what can be no path
            return read_key_file(Path(given)).text, password, _TEXT
        return given, password, _TEXT
    if path := environ.get(_PATH):
        return read_key_file(Path(path)).text, password, _PATH
    raise UsageError(f"--key env, and neither {_TEXT} nor {_PATH} is set", "set one, or leave --key out")


def _demand_outside(settings: Settings, key: Path) -> None:
    if settings.dist is not None and key.resolve().is_relative_to(settings.dist.resolve()):
        raise HotswapError(
            f"the key {key} lies in the watched folder {settings.dist}, whose files everyone can download",
            "move it away, and make a new one if that folder was ever published",
            code="key-in-dist",
        )


def _demand_dev_key(settings: Settings, key: SigningKey) -> bool:
    """Whether it is the key that the app's own config trusts; an error unless that was asked for."""
    trusted = settings.project.hotswap.pubkey if settings.project else None
    try:
        same = trusted is not None and parse_public_key(trusted) == key.public_key
    except HotswapError:
        same = False
    if same and not settings.production_key:
        raise HotswapError(
            f"this key ({key.short}) is the one that the app's own config trusts: what it signs, every installed app "
            "would run",
            "leave --key out to use a dev key; --production-key if that is what you want",
            code="production-key",
        )
    return same
