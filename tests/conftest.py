"""What every test has."""

from __future__ import annotations

import signal

# Started under `nohup` or by some CI systems, the hang-up signal is ignored, and so it would be in all that a test
# starts: the program keeps what it was told.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
