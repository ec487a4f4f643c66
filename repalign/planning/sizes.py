"""The size of a model, by its configuration: the modules are made without weights and their parameters counted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.errors import RepalignError

if TYPE_CHECKING:
    from torch import nn
    from transformers import PretrainedConfig

EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
"""What configurations call the number of experts of a block."""

CHOSEN = ("num_experts_per_tok", "num_experts_per_token", "moe_topk")
"""What they call the number of those that read a token."""


@dataclass(frozen=True)
class ModelSize:
    """What decides time, memory and bytes.

    Attributes:
        blocks: their number.
        dim: of the hidden states.
        read: parameters of the blocks that a token is multiplied with: of a mixture of experts, the chosen ones only.
        held: parameters in memory, with embeddings and all experts, without an output layer, which is not used.
        attention: heads times their dim, 0 if unknown.
        source: where the numbers are from.
    """

    blocks: int
    dim: int
    read: int
    held: int
    attention: int
    source: str

    def flops(self, tokens: float, context: float) -> float:
        """Operations of a forward pass: two for each parameter read, four for each attention dim and token in context.

        Args:
            tokens: that are read, padding included.
            context: their mean number in a sentence.
        """
        return tokens * (2 * self.read + 4 * self.blocks * self.attention * context)


def read_size(folder: Path) -> tuple[ModelSize, PretrainedConfig]:
    """The size of a model, and its configuration.

    Args:
        folder: with a config.json; weights are not needed.

    Raises:
        RepalignError: no configuration, or one that transformers cannot make a model of.
    """
    import transformers

    path = folder / "config.json"
    if not path.is_file():
        raise RepalignError(
            f"no config.json in {folder}; give a folder that has one, or --parameters, --blocks and --dim"
        )
    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (ValueError, OSError, KeyError, json.JSONDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise RepalignError(f"{path}: {reason}; give --parameters, --blocks and --dim instead") from error
    body, blocks = body_and_blocks(config, "meta")
    text = config.get_text_config()
    heads = getattr(text, "num_attention_heads", None) or 0
    width = getattr(text, "head_dim", None) or (text.hidden_size // heads if heads else 0)
    share = _chosen_share(text)
    read = sum(
        int(weights.numel() * (share if ".experts." in f".{name}." else 1))
        for block in blocks
        for name, weights in block.named_parameters()
        if weights.ndim > 1
    )
    held = sum(weights.numel() for weights in body.parameters())
    size = ModelSize(len(blocks), text.hidden_size, read, held, heads * width, f"counted from {path}")
    return size, config


def body_and_blocks(config: PretrainedConfig, device: str) -> tuple[nn.Module, Any]:
    """The body of a model with random weights, and its blocks; on the device "meta" without any.

    Raises:
        RepalignError: a model that cannot be made, or whose blocks are not found.
    """
    import torch

    from repalign.models.anatomy import body_of, find_blocks
    from repalign.models.loading import untrained
    from repalign.models.stacks import pick_stack

    try:
        with torch.device(device):
            model = untrained(config, torch.float32)
    except (ValueError, RuntimeError, NotImplementedError, TypeError, AttributeError) as error:
        raise RepalignError(
            f"cannot make a model of type {config.model_type!r} from its configuration alone "
            f"({str(error).splitlines()[0]}); give --parameters, --blocks and --dim instead"
        ) from error
    body = body_of(model.eval(), pick_stack(config))
    return body, find_blocks(body)


def _chosen_share(config: Any) -> float:
    """Of the experts of a block, the share that reads a token; 1 without experts."""
    counts = [getattr(config, name, None) for name in EXPERTS]
    chosen = [getattr(config, name, None) for name in CHOSEN]
    total, some = (
        next((n for n in numbers if isinstance(n, int) and n > 0), None) for numbers in (counts, chosen)
    )
    return some / total if total and some else 1.0


def given_size(parameters: float, blocks: int, dim: int, active: float | None = None) -> ModelSize:
    """The size of a model that is described by numbers.

    Args:
        parameters: in all.
        blocks: their number.
        dim: of the hidden states.
        active: parameters that read a token, of a mixture of experts; by default all.
    """
    return ModelSize(
        blocks, dim, int(active or parameters), int(parameters), dim,
        "as given; embeddings counted as read, attention as wide as the states",
    )  # fmt: skip
