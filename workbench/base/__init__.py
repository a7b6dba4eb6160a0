"""Floor 0: errors, hashing, atomic files, strict configuration. Imports nothing of the house."""
