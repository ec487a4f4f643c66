"""The base that `pretrained.py` tunes."""

from __future__ import annotations

from pathlib import Path

from repalign import Checkpoint
from repalign.models.loading import load_base, read_config, read_tokenizer
from repalign.models.locating import locate
from repalign.models.quiet import quiet_transformers
from repalign.writes import partial_folder


def convert(base: Path, out: Path) -> Path:
    """The folder of a base that is one already, or that of a GGUF file, converted to bfloat16.

    A model in blocks of 4 bits cannot be trained; converted, it is the same but for rounding.
    """
    if not base.is_file():
        return base
    folder = out / "gguf"
    if not folder.is_dir():
        import torch

        out.mkdir(parents=True, exist_ok=True)
        weights = locate(Checkpoint.named(str(base)))
        with quiet_transformers(), partial_folder(folder) as partial:
            model = load_base(weights, read_config(weights), torch.bfloat16, "cpu").model
            if hasattr(model.config, "quantization_config"):
                del model.config.quantization_config
            model.save_pretrained(partial)
            read_tokenizer(weights).save_pretrained(partial)
            partial.rename(folder)
    return folder
