"""What the reference client does to the world: its requests, its signatures, its archives, its folder."""
