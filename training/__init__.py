"""CoIT and MuIT: from a recipe to a folder with weights and a card."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {"Recipe": "training.recipe", "load_recipe": "training.recipe", "train": "training.run"}
__all__ = ["Recipe", "load_recipe", "train"]


def __getattr__(name: str) -> Any:
    """Public names are imported on first use: `--help` needs neither torch nor transformers."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'training' has no attribute {name!r}")
