"""`fleet`: simulated clients against a server, in this process or under locust."""
