"""Scores by layer, and the tables that accompany them; every function returns a tidy table."""

from repalign.scoring.confusions import confusions
from repalign.scoring.controls import bag_of_tokens, controls
from repalign.scoring.drift import drift, layer_cka
from repalign.scoring.geometry import geometry
from repalign.scoring.language_tree import language_tree
from repalign.scoring.profiling import contrast, profile
from repalign.scoring.separation import separation
from repalign.scoring.variants import VARIANTS, Variant

__all__ = [
    "VARIANTS",
    "Variant",
    "bag_of_tokens",
    "confusions",
    "contrast",
    "controls",
    "drift",
    "geometry",
    "language_tree",
    "layer_cka",
    "profile",
    "separation",
]
