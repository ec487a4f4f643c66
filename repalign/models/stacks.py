"""Which stacks a model has, and in which direction they read: by its configuration, without loading it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.errors import RepalignError

if TYPE_CHECKING:
    from transformers import PretrainedConfig

CAUSAL_ENDINGS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")


def stacks_of(config: PretrainedConfig) -> list[str]:
    """The stacks of a model, the default first: "encoder", "decoder" or both."""
    if config.is_encoder_decoder and not is_encoder_of_two(config):
        return ["encoder", "decoder"]
    return ["decoder" if is_decoder_only(config) else "encoder"]


def pick_stack(config: PretrainedConfig, stack: str = "auto") -> str:
    """Which stack is read: "decoder", or "encoder" for encoders and, by default, for encoder-decoders.

    Raises:
        RepalignError: a stack the model does not have.
    """
    stacks = stacks_of(config)
    if stack == "auto":
        return stacks[0]
    if stack not in stacks:
        name = next(iter(config.architectures or ()), config.model_type)
        raise RepalignError(f"{name} has no {stack} side; it has {' and '.join(stacks)}")
    return stack


def is_causal(config: PretrainedConfig, stack: str) -> bool:
    """Whether a token's state is independent of the tokens after it, so that these need not be read.

    This does not hold for the decoder of an encoder-decoder, whose encoder has read all tokens, nor for one that was made to
    read both ways (EmbeddingGemma, PaliGemma's text part).
    """
    both_ways = getattr(config.get_text_config(), "use_bidirectional_attention", None) in (True, "all")
    return stack == "decoder" and not config.is_encoder_decoder and not both_ways


def is_encoder_of_two(config: PretrainedConfig) -> bool:
    """Whether a checkpoint holds only the encoder of an encoder-decoder (sentence-t5)."""
    return any(str(name).endswith("EncoderModel") for name in config.architectures or ())


def is_decoder_only(config: PretrainedConfig) -> bool:
    """By the architecture's name and settings: BERT, too, is in transformers' causal mapping."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    masked = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    two_ways = masked or getattr(config, "attn_type", "") == "bi"  # XLNet's
    if two_ways and not (getattr(config, "is_decoder", False) or getattr(config, "causal", False)):
        return False
    names = config.architectures or ()
    if names:
        return any(str(name).endswith(CAUSAL_ENDINGS) for name in names)
    return config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
