"""Simulated clients: how many, of what kind and how they behave is planned; then each lives as the reference client.

They reach a server over the wire alone, as apps do.
"""
