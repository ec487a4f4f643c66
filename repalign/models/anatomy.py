"""The parts of a model: the body that computes hidden states, its blocks, and the modules of a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from repalign.errors import RepalignError

BLOCK_COUNTS = (
    "num_hidden_layers", "num_layers", "n_layer", "n_layers", "num_decoder_layers", "decoder_layers",
    "encoder_layers",
)  # fmt: skip
"""Settings that say how many blocks a model has."""

PARTS = {
    "attn": (
        # Projections first: the modules around them add the residual stream themselves (BERT, BLOOM).
        "attention.output.dense", "self_attention.dense", "self_attn", "self_attention", "attn", "attention",
        "multi_head_attention", "mamba", "conv", "linear_attn", "temporal_block", "mlstm_layer", "mixer",
        "layer.0.SelfAttention", "norm_attn_norm.attn",
    ),
    "mlp": (
        "output.dense", "mlp.dense_4h_to_h", "ffn.down_proj", "mlp", "feed_forward", "ffn", "mlp_block",
        "block_sparse_moe", "shared_mlp", "moe", "mlps", "mixer", "fc2",
        "layer.1.DenseReluDense", "layer.2.DenseReluDense",
    ),
    "mlp-act": (
        "output.dense", "mlp.down_proj", "mlp.dense_4h_to_h", "mlp.c_proj", "mlp.fc2", "mlp.fc_out", "mlp.Wo",
        "feed_forward.down_proj", "feed_forward.w2", "feed_forward.value", "ffn.down_proj", "ffn.proj_down",
        "ffn.2", "mlp_block.down_proj", "shared_mlp.output_linear", "mixer.down_proj", "fc2",
        "layer.1.DenseReluDense.wo", "layer.2.DenseReluDense.wo",
    ),
}  # fmt: skip
"""Names of the modules that make a block's contributions: what mixes tokens, the MLP, its down projection."""

SPLIT_BLOCKS = ("attentions", "layer_norm1", "ffns", "layer_norm2")
"""XLM's blocks are not modules: their parts lie in four lists, in this order."""

POSITIONS_AFTER_PADDING = ("roberta", "camembert", "data2vec", "xmod", "mpnet", "longformer")
"""Model families whose positions start after the padding index, which their configuration counts as positions."""


def positions_of(config: Any) -> int | None:
    """Tokens that a model has positions for, or None if its configuration names no limit."""
    text = config.get_text_config()
    positions = getattr(text, "max_position_embeddings", None) or 0
    if positions <= 0:  # XLNet: -1, any number
        return None
    shifted = any(name in text.model_type for name in POSITIONS_AFTER_PADDING)
    return positions - ((text.pad_token_id or 0) + 1 if shifted else 0)


def body_of(model: Any, stack: str = "decoder") -> nn.Module:
    """The part of a model that computes hidden states: without its head and PEFT wrapper, one stack of an encoder-decoder."""
    if hasattr(model, "peft_config") and hasattr(model, "get_base_model"):
        model = model.get_base_model()
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        return model.get_encoder() if stack == "encoder" else model.get_decoder()
    body = getattr(model, "base_model", model)
    if body is model:
        body = getattr(model, "model", model)  # Llama 4 does not set base_model_prefix
    if stack == "decoder" and hasattr(body, "get_decoder"):
        # Models of text and images contain a language model. ModernBERT's `decoder` is its head, without config.
        inner = body.get_decoder()
        body = inner if hasattr(inner, "config") else body
    if getattr(body.config, "rescale_every", 0):
        body.config.rescale_every = 0  # RWKV halves its states every few blocks for the sake of float16
    return body


def find_blocks(body: nn.Module) -> Sequence[nn.Module]:
    """The list of a model's blocks: the outermost ModuleList as long as its configuration says.

    Where the parts of blocks lie in lists of their own (XLM), a block's last part stands for it: see `entry_of`.

    Raises:
        RepalignError: none, or several equally deep inside the model.
    """
    config: Any = getattr(body, "config", None)
    if hasattr(config, "get_text_config"):
        config = config.get_text_config()
    counts = {count for name in BLOCK_COUNTS if (count := getattr(config, name, None)) is not None}
    lists = {
        name: module
        for name, module in body.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) in counts
    }
    depth = min((name.count(".") for name in lists), default=0)
    outermost = [name for name in lists if name.count(".") == depth]
    if tuple(outermost) == SPLIT_BLOCKS:
        outermost = outermost[-1:]
    if len(outermost) != 1:
        candidates = ", ".join(outermost) or "none"
        raise RepalignError(
            f"cannot find the transformer blocks of {type(body).__name__}: ModuleLists of length {sorted(counts)}: {candidates}; "
            "use another --side, or name the list in repalign/models/anatomy.py"
        )
    # Blocks that attend to an image are skipped if there is none (Llama 3.2 Vision).
    idle = set(getattr(config, "cross_attention_layers", None) or ())
    return [block for index, block in enumerate(lists[outermost[0]]) if index not in idle]


def entry_of(body: nn.Module, blocks: Sequence[nn.Module]) -> nn.Module:
    """The module whose input is that of the first block."""
    ends: Any = getattr(body, SPLIT_BLOCKS[-1], None)
    if isinstance(ends, nn.ModuleList) and ends[0] is blocks[0]:
        return getattr(body, SPLIT_BLOCKS[0])[0]
    return blocks[0]


def part_of(block: nn.Module, site: str, layer: int) -> nn.Module:
    """The module of a block whose output (attn, mlp) or input (mlp-act) is a site.

    Raises:
        RepalignError: no module of that kind, or several.
    """
    if site == "mlp-act":
        part_of(block, "mlp", layer)
    candidates: dict[str, nn.Module] = {}
    for name in PARTS[site]:
        part = _submodule(block, name)
        if part is not None and not (name == "mixer" and _is_mlp(part) == (site == "attn")):
            candidates.setdefault(name.partition(".")[0], part)
    parts = list(candidates.values())
    if len(parts) != 1 or isinstance(parts[0], nn.ModuleList):
        inside = ", ".join(candidates) or ", ".join(name for name, _ in block.named_children())
        raise RepalignError(
            f"block {layer} ({type(block).__name__}) does not have exactly one module for site {site!r}; candidates: {inside}; "
            "choose --layers that have one, or another --site"
        )
    return parts[0]


def _submodule(block: nn.Module, name: str) -> nn.Module | None:
    try:
        return block.get_submodule(name)
    except AttributeError:
        return None


def _is_mlp(mixer: nn.Module) -> bool:
    # Nemotron-H calls the one part of every block a mixer, whether attention, a state space or an MLP.
    return hasattr(mixer, "down_proj") or hasattr(mixer, "experts")
