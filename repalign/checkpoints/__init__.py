"""Checkpoints: names, locations, cards."""

from repalign.checkpoints.card import Card
from repalign.checkpoints.checkpoint import Checkpoint, catalogue, random_twin, trained_names
from repalign.checkpoints.home import checkpoint_folder, home
from repalign.checkpoints.resolving import (
    CheckpointLike,
    as_checkpoint,
    as_checkpoints,
    check_names,
    default_corpus,
)
from repalign.checkpoints.shipped import shipped_names

__all__ = [
    "Card",
    "Checkpoint",
    "CheckpointLike",
    "as_checkpoint",
    "as_checkpoints",
    "catalogue",
    "check_names",
    "checkpoint_folder",
    "default_corpus",
    "home",
    "random_twin",
    "shipped_names",
    "trained_names",
]
