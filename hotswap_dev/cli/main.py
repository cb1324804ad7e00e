"""The program: its commands, its error boundary, its exit codes.

0 · 1 error · 2 usage · 3 no server reachable · 129/130/143 signals. stdout is data; errors go to stderr. A command's
module is imported when the command is called: `--help` must not wait for an HTTP library.
"""

from __future__ import annotations

import difflib
import importlib
import io
import os
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from hotswap_dev.domain.commands import registered
from hotswap_dev.domain.text import shown
from hotswap_dev.errors import HotswapError, UsageError

_COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "start": {
        "run": ("full_screen.run", "serve, and show what happens; what a bare hotswap-dev does"),
        "serve": ("serving.serve", "serve the watched build folder"),
        "demo": ("demo.command", "everything alive, offline: a server, phones, and a story about them"),
        "attach": ("full_screen.attach", "show what the running server does"),
        "web": ("web.command", "the running server's dashboard in a browser on this machine"),
        "key": ("key", "the development key: show, export, import, new"),
        "help": ("help", "a page about a command, a reason, a fault, or first-app, phones, ci"),
        "completion": ("completion", "the completion script of bash, zsh or fish"),
    },
    "look": {
        "status": ("look", "what the running server does"),
        "releases": ("look", "what is offered"),
        "clients": ("look", "who was seen, and what their check-ins prove"),
        "why": ("why", "why a client is answered as it is, and what would change it"),
        "log": ("log", "what happened, and why"),
        "funnel": ("funnel", "how many clients came how far with a release"),
        "snippet": ("snippet", "what an app pastes in to report what became of an update"),
        "diff": ("diff", "what changed from one release to another"),
        "wall": ("wall", "a wall of phones in the browser: each client with the page that it runs"),
    },
    "test": {
        "check": ("check", "one check as an app does it, and what the plugin makes of it"),
        "scenario": ("scenario", "play scenario files, and say what was expected and what was seen"),
        "fleet": ("fleet.command", "as many simulated clients as it takes, and what comes of it"),
    },
    "ship": {
        "pack": ("ship", "a signed bundle on disk"),
        "verify": ("ship", "whether a client would take a bundle"),
        "api": ("ship", "the control site, with address and token added"),
    },
}
"""Group → command → (module of this package, one line). The commands of the registry join the group that they name."""

_EXAMPLES = """\
  hotswap-dev                        in a Tauri project: watch, sign and offer every build
  hotswap-dev serve dist --port 0    any build folder, any free port
  hotswap-dev publish --notes 'fix'  offer the watched folder now"""

_UNKNOWN = "hotswap-dev.unknown"

ATTACHED = "--attached"
"""Says to `serve` that its stdin and stdout are a dashboard's pipes (`cli/full_screen/attached.py`)."""


class _Program(click.Group):
    """A group whose commands are imported when they are called, and whose bare folder is `run FOLDER`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for group in _grouped().values() for name in group]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        for commands in _COMMANDS.values():
            if name in commands:
                module = importlib.import_module(f"hotswap_dev.cli.{commands[name][0]}")
                command: click.Command = getattr(module, name)
                return command
        if name in registered():
            change = importlib.import_module("hotswap_dev.cli.change")
            made: click.Command = change.command_of(registered()[name])
            return made
        return None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands without importing them; a bare option is one of `run`, as everywhere."""
        if incomplete.startswith("-"):
            run = self.get_command(ctx, "run")
            with click.Context(run or program, parent=ctx, resilient_parsing=True) as its_own:
                return [
                    *super().shell_complete(ctx, incomplete),
                    *its_own.command.shell_complete(its_own, incomplete),
                ]
        if ctx.meta.get(_UNKNOWN):
            return []
        return [
            CompletionItem(name, help=text)
            for commands in _grouped().values()
            for name, text in commands.items()
            if name.startswith(incomplete)
        ]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing and not args:  # the shell asks what could come first
            return super().parse_args(ctx, args)
        own = ("-h", "--help", "--version")
        first = args[0] if args else ""
        option = first.startswith("-") and first not in own
        folder = first not in (*own, *self.list_commands(ctx)) and _is_folder(first)
        return super().parse_args(ctx, ["run", *args] if not args or option or folder else args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.list_commands(ctx):
            if ctx.resilient_parsing:  # the shell asks what could follow such a word
                ctx.meta[_UNKNOWN] = True
                return name, None, []
            near = difflib.get_close_matches(name, self.list_commands(ctx), 1)
            raise UsageError(
                f"there is no command {name!r}, and no folder of that name",
                f"did you mean {near[0]}?" if near else "hotswap-dev --help lists the commands",
            )
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(f"Usage: hotswap-dev [COMMAND] [DIST] [OPTIONS]\n\n{_EXAMPLES}\n")
        for group, commands in _grouped().items():
            with formatter.section(group):
                formatter.write_dl(list(commands.items()))
        formatter.write_paragraph()
        formatter.write_text("hotswap-dev COMMAND --help says more. --version, -h, --help.")


def _grouped() -> dict[str, dict[str, str]]:
    grouped = {
        group: {name: line for name, (_, line) in commands.items()} for group, commands in _COMMANDS.items()
    }
    for kind in registered().values():
        summary = kind.summary[0].lower() + kind.summary[1:]
        grouped.setdefault(kind.group, {})[kind.verb] = summary
    order = ("start", "look", "change", "test", "ship")
    return {group: grouped[group] for group in order if group in grouped}


def _is_folder(word: str) -> bool:
    return os.sep in word or "/" in word or Path(word).is_dir()


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hotswap-dev", message="hotswap-dev %(version)s")
def program() -> None:
    """A local update server for Tauri apps that use tauri-plugin-hotswap."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the program and leave the process with its exit code."""
    arguments = list(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that can't show a character gets its code, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    colour = _colour(arguments)
    try:
        code = program.main(arguments, prog_name="hotswap-dev", standalone_mode=False, color=colour)
    except HotswapError as error:
        _say(error.message, error.hint, colour)
        sys.exit(error.exit_code)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        _say(error.format_message(), f"{_command_of(error)} --help{_dashes(error, arguments)}", colour)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.filename is None or _debugging(arguments):
            raise
        _say(f"{error.filename}: {error.strerror}", "name another place, or make that one usable", colour)
        sys.exit(1)
    except UnicodeEncodeError as error:
        # Bytes of a command line that are no UTF-8 arrive as lone surrogates, which nothing that we write can hold.
        if _debugging(arguments):
            raise
        _say(f"an argument holds what is no text: {shown(error.object)!r}", "give it in UTF-8", colour)
        sys.exit(2)
    except Exception as error:
        if _debugging(arguments):
            raise
        _say(f"unexpected: {error!r}", f"the details are in {_report()}; --debug shows them here", colour)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _colour(arguments: Sequence[str]) -> bool | None:
    """Whether to colour what is said; None for: if it goes to a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    # What a child of the dashboard's process says goes to a pipe, and from there to that one's terminal.
    return True if ATTACHED in arguments and sys.platform != "win32" else None


def _debugging(arguments: Sequence[str]) -> bool:
    return "--debug" in arguments or os.environ.get("HOTSWAP_DEV_DEBUG", "0").lower() not in (
        "0",
        "off",
        "false",
        "",
    )


def _command_of(error: click.ClickException) -> str:
    context: click.Context | None = getattr(error, "ctx", None)
    return context.command_path if context else "hotswap-dev"


def _dashes(error: click.ClickException, arguments: Sequence[str]) -> str:
    """How a word that begins as an option does is given as an argument: an id may."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return ""
    if not any(isinstance(one, click.Argument) for one in error.ctx.command.params):
        return ""
    place = next((at for at, one in enumerate(arguments) if one.startswith(error.option_name)), None)
    if place is None:
        return ""
    word, line = arguments[place], shlex.join([*arguments[:place], "--", *arguments[place:]])
    return f"; where {shown(word)} is no option: hotswap-dev {shown(line)}"


def _say(message: str, hint: str, colour: bool | None) -> None:
    click.echo(f"{click.style('error', fg='red', bold=True)}: {message}", err=True, color=colour)
    if hint:
        click.echo(f"       {hint}", err=True, color=colour)


def _report() -> str:
    with tempfile.NamedTemporaryFile("w", prefix="hotswap-dev-", suffix=".log", delete=False) as file:
        file.write(traceback.format_exc())
    return file.name
