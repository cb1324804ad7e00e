"""What the server refuses, in the words of the command line: `--parameters` where HTTP says `parameters`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hotswap_dev.cli.arguments import typed
from hotswap_dev.errors import HotswapError

_LISTED = re.compile(r"its arguments: (?P<names>.+)")
_ASKED = re.compile(r"(?P<before>(?:leave|give) )(?P<name>\w+)(?P<after> (?:out|too))")


def as_typed(error: HotswapError, verb: str, arguments: Mapping[str, bool]) -> HotswapError:
    """The same error with each argument as it is typed; `arguments` says of each whether it is positional.

    Only where the server names an argument as such: at a message's beginning, and in the hints that ask for one. A word
    of a sentence stays what it is.
    """
    said = {name: typed(name, positional=positional) for name, positional in arguments.items()}
    names = "|".join(sorted(map(re.escape, said), key=len, reverse=True))
    if names:
        begins = re.compile(rf"(?:{re.escape(verb)}: )?(?P<name>{names})(?P<place>(?:\[\w*\]|\.\w+)*): ")
        found = begins.match(error.message)
        if found:
            error.message = f"{said[found['name']]}{found['place']}: {error.message[found.end() :]}"
            error.args = (error.message,)
    error.hint = _LISTED.sub(lambda one: f"its arguments: {_each(one['names'], said)}", error.hint)
    error.hint = _ASKED.sub(
        lambda one: f"{one['before']}{said.get(one['name'], one['name'])}{one['after']}", error.hint
    )
    return error


def _each(names: str, said: Mapping[str, str]) -> str:
    return ", ".join(said.get(name, name) for name in names.split(", "))
