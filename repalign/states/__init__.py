"""Hidden states of parallel sentences: computed, stored, read."""
