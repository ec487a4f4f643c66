"""Scores by layer, and the tables that belong beside them; every function gives a tidy table."""

from repalign.scoring.confusions import neighbours
from repalign.scoring.controls import bag_of_tokens, controls
from repalign.scoring.drift import drift, layer_cka
from repalign.scoring.geometry import geometry, identity
from repalign.scoring.language_tree import language_tree
from repalign.scoring.profiling import DEFAULT, contrast, profile
from repalign.scoring.variants import VARIANTS, Variant

__all__ = [
    "DEFAULT",
    "VARIANTS",
    "Variant",
    "bag_of_tokens",
    "contrast",
    "controls",
    "drift",
    "geometry",
    "identity",
    "language_tree",
    "layer_cka",
    "neighbours",
    "profile",
]
