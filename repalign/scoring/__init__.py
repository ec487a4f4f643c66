"""Scores by layer, and the tables that belong beside them; every function gives a tidy table."""

from repalign.scoring.confusions import neighbours
from repalign.scoring.control import bag_of_tokens, controls
from repalign.scoring.families import language_tree
from repalign.scoring.movement import drift, layer_cka
from repalign.scoring.scores import DEFAULT, contrast, profile
from repalign.scoring.spaces import geometry, identity
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
