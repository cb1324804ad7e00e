"""`completion`: what a shell needs to complete commands, options and, from a running server, its values."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from hotswap_dev.errors import HotswapError

_VARIABLE = "_HOTSWAP_DEV_COMPLETE"
"""What click looks for at every start; its name follows from the program's."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell, to be read where it starts.

    \b
    bash, ~/.bashrc:                     eval "$(hotswap-dev completion bash)"
    zsh, ~/.zshrc:                       eval "$(hotswap-dev completion zsh)"
    fish, ~/.config/fish/config.fish:    hotswap-dev completion fish | source
    """  # noqa: D301 - click's mark for lines that stay as they are
    kind = get_completion_class(shell)
    if kind is None:
        raise HotswapError(
            f"this click completes nothing in {shell}",
            "update it: pip install -U click",
            code="no-completion",
        )
    click.echo(kind(ctx.find_root().command, {}, "hotswap-dev", _VARIABLE).source())
