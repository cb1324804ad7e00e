"""A server from the command line: its key, its first lines, what it prints, and how it ends."""
