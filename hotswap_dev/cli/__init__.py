"""The command line: one small module per group of commands, and `main`, which owns errors and exit codes."""
