"""What `misbehave.py` consists of: what a fault does to a download, and what a connection is made to do."""
