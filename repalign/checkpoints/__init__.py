"""Checkpoints: names, locations, cards."""

from repalign.checkpoints.card import Card
from repalign.checkpoints.checkpoint import Checkpoint, catalogue, random_twin, trained_names
from repalign.checkpoints.home import checkpoint_folder, home

__all__ = ["Card", "Checkpoint", "catalogue", "checkpoint_folder", "home", "random_twin", "trained_names"]
