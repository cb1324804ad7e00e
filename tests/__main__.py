"""`python -m tests`: everything that a change must pass, in the order in which it fails fastest.

python -m tests               lints, types, layers and the default suite (under two minutes)
python -m tests processes     whole servers and programs: started, steered, killed, restarted
python -m tests screens       the whole dashboard: in a terminal, as pictures, every size, click and hostile text
python -m tests slow          real build tools, hundreds of kills, tens of thousands of files (about ten minutes)
python -m tests soak          a million checks and two thousand builds through one server, with its figures
python -m tests real-client   the actual plugin; builds its driver once (about two minutes)
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_PYTEST = [sys.executable, "-m", "pytest"]
# What they show is of a machine that does nothing else, or keeps both cores busy by itself.
_ALONE = [
    "tests/e2e/test_dashboard_load.py",
    "tests/e2e/test_large_builds.py",
    "tests/e2e/test_locust.py",
    "tests/e2e/test_real_builds.py",
    "tests/e2e/test_soak.py",
    "tests/server/test_misbehave_downloads.py",
]
_SLOW = ["-m", "slow and not real_client", "--timeout", "1200"]
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
    "slow": [
        # Three at a time on two cores: a third of what they take is waiting.
        [*_PYTEST, *_SLOW, "-n", "3", "--dist", "worksteal", *(f"--ignore={path}" for path in _ALONE)],
        [*_PYTEST, *_SLOW, *_ALONE],
    ],
    "soak": [[*_PYTEST, *_SLOW, "-s", "tests/e2e/test_soak.py"]],
    "real-client": [[*_PYTEST, "-m", "real_client", "--timeout", "900", "-n", "2", "--dist", "worksteal"]],
}

_ENVIRON = {"soak": {"HOTSWAP_DEV_SOAK": "whole"}}


def main() -> int:
    suite = sys.argv[1] if len(sys.argv) > 1 else "default"
    if suite not in _SUITES:
        print(f"there is no suite {suite!r}; there are: {', '.join(_SUITES)}", file=sys.stderr)
        return 2
    for command in _SUITES[suite]:
        print("$", " ".join(command[1:] if command[0] == sys.executable else command), flush=True)
        environ = {**os.environ, "PYTHONUNBUFFERED": "1", **_ENVIRON.get(suite, {})}
        ended = subprocess.run(command, cwd=_ROOT, env=environ, check=False)
        if ended.returncode:
            return ended.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
