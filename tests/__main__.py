"""`python -m tests`: everything that a change must pass, in the order in which it fails fastest.

python -m tests               lints, types, layers and the default suite (under two minutes)
python -m tests processes     whole servers and programs: started, steered, killed, restarted
python -m tests screens       the whole dashboard: in a terminal, as pictures, every size, click and hostile text
python -m tests slow          real build tools, hundreds of kills, tens of thousands of files
python -m tests real-client   the actual plugin; builds its driver once (about two minutes)
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_PYTEST = [sys.executable, "-m", "pytest"]
_SUITES: dict[str, list[list[str]]] = {
    "default": [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        [*_PYTEST, "-n", "2", "--dist", "worksteal"],
    ],
    "screens": [
        [*_PYTEST, "-m", "screens and not slow and not real_client", "-n", "2", "--dist", "worksteal"]
    ],
    "processes": [
        [*_PYTEST, "-m", "processes and not slow and not real_client", "-n", "2", "--dist", "worksteal"]
    ],
    "slow": [[*_PYTEST, "-m", "slow and not real_client", "--timeout", "1200"]],
    "real-client": [[*_PYTEST, "-m", "real_client", "--timeout", "900", "-n", "2", "--dist", "worksteal"]],
}


def main() -> int:
    suite = sys.argv[1] if len(sys.argv) > 1 else "default"
    if suite not in _SUITES:
        print(f"there is no suite {suite!r}; there are: {', '.join(_SUITES)}", file=sys.stderr)
        return 2
    for command in _SUITES[suite]:
        print("$", " ".join(command[1:] if command[0] == sys.executable else command), flush=True)
        ended = subprocess.run(command, cwd=_ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}, check=False)
        if ended.returncode:
            return ended.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
