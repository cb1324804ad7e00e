"""The command lines that a person pastes, in the words of the project's own package manager. Pure.

Each is to be run in the project's root. Seen to pass the arguments on: npm 10, pnpm 9, yarn 1, bun 1, deno 2.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from hotswap_dev.tauri.project import TauriProject


def build_line(project: TauriProject, overlay: Path) -> str:
    """The line that builds the debug app once with `overlay` merged into its config."""
    # `--debug` embeds the frontend and keeps the devtools; with `tauri dev` and a devUrl no update would be loaded.
    arguments = ["build", "--debug", "--no-bundle", "-c", _as_argument(project.shown(overlay))]
    command = _tauri_command(project)
    if command[:2] == ["npm", "run"]:
        arguments.insert(1, "--")  # npm alone keeps what looks like a flag for itself
    return _joined([*command, *arguments], project)


def watch_line(project: TauriProject) -> str | None:
    """The line that builds the frontend anew at every save, or once where only a build command is known."""
    if project.frontend.vite:
        runner = {
            "pnpm": "pnpm exec vite",
            "yarn": "yarn vite",
            "bun": "bunx vite",
            "deno": "deno run -A npm:vite",
        }.get(project.frontend.manager, "npx vite")
        return _in_folder(f"{runner} build --watch", project.frontend_folder, project)
    if project.before_build_command is None:
        return None
    return _in_folder(project.before_build_command, project.before_build_folder, project)


def _tauri_command(project: TauriProject) -> list[str]:
    packages = project.packages
    if not packages.tauri_script and not packages.tauri_cli:
        return ["cargo", "tauri"]  # `npx tauri` would fetch a package of that name which is not Tauri's CLI
    match project.package_manager:
        case "pnpm":
            return ["pnpm", "tauri"] if packages.tauri_script else ["pnpm", "exec", "tauri"]
        case "yarn":
            return ["yarn", "tauri"] if packages.tauri_script else ["npx", "tauri"]
        case "bun":
            return ["bun", "run", "tauri"] if packages.tauri_script else ["bunx", "tauri"]
        case "deno":
            return (
                ["deno", "task", "tauri"]
                if packages.tauri_script
                else ["deno", "run", "-A", "npm:@tauri-apps/cli"]
            )
        case _:
            return ["npm", "run", "tauri"] if packages.tauri_script else ["npx", "tauri"]


def _as_argument(path: str) -> str:
    # The CLI takes what begins with `{` for the JSON itself, and what begins with `-` for a flag.
    return f"./{path}" if path.startswith(("{", "-")) else path


def _in_folder(command: str, folder: Path, project: TauriProject) -> str:
    if folder == project.root:
        return command
    return f"cd {_joined([project.shown(folder)], project)} && {command}"


def _joined(words: list[str], project: TauriProject) -> str:
    if project.platform == "windows":
        # cmd.exe and PowerShell both take double quotes, and neither takes shlex's.
        return " ".join(word if re.fullmatch(r"[\w./\\:@+=-]+", word) else f'"{word}"' for word in words)
    return shlex.join(words)
