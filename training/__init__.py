"""CoIT and MuIT: from a recipe to a folder with weights and a card.

Installed as `repalign_training`; in a checkout the same folder is also `training`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .recipe import Recipe, load_recipe
    from .run import train

__all__ = ["Recipe", "load_recipe", "train"]

_MODULES = {"Recipe": ".recipe", "load_recipe": ".recipe", "train": ".run"}


def __getattr__(name: str) -> Any:
    """Public names are imported on first use: `--help` needs neither torch nor transformers."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
