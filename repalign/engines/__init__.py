"""Engines: where the forward pass runs."""
