"""Locust, for as long as who started it is there: `python -m` of this, with a pipe as stdin that one holds the end of.

A process that is killed can end nobody any more, and a master with its page would run for ever.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
from time import sleep

_GRACE_SECONDS = 5.0


def main() -> None:
    """Run locust with this process's arguments."""
    # Below what gevent patches when locust is imported: this thread blocks, and nobody waits for it.
    _thread.start_new_thread(_end_with_it, ())
    from locust.main import main as locust

    sys.exit(locust())  # type: ignore[no-untyped-call] # locust says nothing of it


def _end_with_it() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 64):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    sleep(_GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
