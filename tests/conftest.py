"""What every test has."""

from __future__ import annotations

import signal

from hypothesis import settings

# A deadline would measure what else the machine does. It is set here since a test keeps what was set when it was read.
settings.register_profile("without-deadlines", deadline=None)
settings.load_profile("without-deadlines")

# Started under `nohup` or by some CI systems, the hang-up signal is ignored, and so it would be in all that a test
# starts: the program keeps what it was told.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
