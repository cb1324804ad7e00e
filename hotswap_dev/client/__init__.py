"""Talking to a server from outside its process."""
