"""What outlives a run: facts, history, bundles, keys, and the folder that they lie in (design §9)."""
