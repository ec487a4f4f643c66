"""How many blocks a checkpoint has, by its configuration: a wrong layer number is refused before the model is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError

DEPTHS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
"""What configurations call the number of blocks."""


def check_layers(checkpoint: object, layers: Sequence[int] | None) -> None:
    """Refuse a layer beyond the last block, if the configuration on disk says how many blocks there are.

    What it cannot say (an encoder-decoder, a GGUF file, a hub id that is not downloaded yet) is checked when the model is
    loaded.

    Raises:
        RepalignError: a layer that the model does not have.
    """
    depth = _depth(checkpoint.folder) if layers and isinstance(checkpoint, Checkpoint) else None
    if layers and depth is not None and max(layers) > depth:
        name = getattr(checkpoint, "name", "the model")
        raise RepalignError(
            f"no layer {max(layers)} in {name}, which has {depth} blocks; layers are 0..{depth}"
        )


def _depth(folder: Path | None) -> int | None:
    """The number of blocks that config.json states; None if it states none, or several that differ."""
    try:
        config = json.loads((folder / "config.json").read_bytes()) if folder else None
    except (OSError, ValueError):
        return None  # loading says what is wrong with it
    if not isinstance(config, dict) or config.get("is_encoder_decoder"):
        return None
    parts: list[dict[str, Any]] = [config, *(part for part in config.values() if isinstance(part, dict))]
    stated = {part[name] for part in parts for name in DEPTHS if isinstance(part.get(name), int)}
    return stated.pop() if len(stated) == 1 else None
