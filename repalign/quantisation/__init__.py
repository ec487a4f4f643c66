"""Quantisation by language: how much loss, drift and alignment each language pays for a compressed version of a model."""
