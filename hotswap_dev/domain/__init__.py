"""What an update is, and who gets which: pure values and functions.

Nothing here reads a clock, a disk, a socket or chance: `now` and everything that was measured is passed in. So the
same functions answer a client, explain the answer, replay a journal and mirror a server in a dashboard.
"""
