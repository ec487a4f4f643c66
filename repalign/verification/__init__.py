"""Verification: whether an engine's hidden states are those of the model, and if not, what is wrong with them."""
