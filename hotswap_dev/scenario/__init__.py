"""Scenarios: steps of commands and of clients, waits and expectations, written as TOML and played against a server."""
