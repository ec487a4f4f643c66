"""Suspects: rows of parallel text that are probably no translations of each other, ranked, with the evidence."""
