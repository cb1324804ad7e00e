"""The dashboard on this terminal: with a server of its own, or on one that runs; and every way in which it ends."""
