"""Tiny models of every family in transformers' causal-LM mapping, and what must hold when they are read.

A configuration is the family's default, shrunk by the names of its settings; where settings constrain one
another, the family has an entry in `SETTINGS`. What was found is recorded in docs/families.md, for one version of
transformers; with any other a family may be read or not, but never wrongly.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from repalign.errors import RepalignError
from repalign.models.engine import Engine
from repalign.models.hooks import SITES, tensor_of
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import Tokens, tokenize
from repalign.models.unembed import find_unembed

FAMILIES = tuple(kind for kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES if kind in transformers.CONFIG_MAPPING)

TOLERANCE = 1e-5
"""Largest difference in float32, relative to the largest state of the layer where that exceeds 1."""

SENTENCES = (
    "Yes!",
    "狗在睡觉。",
    "She reads a long book in the garden.",
    "Two birds sing.",
    "Τρώμε ψωμί και τυρί.",
)

VOCABULARY = 400
BOS, EOS, PAD, UNUSED = 0, 1, 2, 390

SIZES = {
    32: """hidden_size d_model n_embd dim_model emb_dim backbone_hidden_size embedding_size
        input_embedding_size output_embedding_size word_embed_proj_dim pronunciation_embed_dim
        shape_embed_dim""",
    48: """intermediate_size ffn_dim dim_ff dff d_inner decoder_ffn_dim encoder_ffn_dim moe_intermediate_size
        shared_expert_intermediate_size shared_experts_intermediate_size shared_intermediate_size
        feed_forward_size dense_intermediate_size prefix_dense_intermediate_size intermediate_size_mlp
        d_ff expert_ffn_hidden_size ffn_hidden_size moe_shared_expert_intermediate_size n_inner""",
    4: """num_hidden_layers num_layers n_layer n_layers decoder_layers encoder_layers num_encoder_layers
        num_decoder_layers num_attention_heads n_head n_heads num_heads attention_heads
        decoder_attention_heads encoder_attention_heads num_encoder_attention_heads
        num_decoder_attention_heads swa_num_attention_heads num_experts num_local_experts n_routed_experts
        moe_num_experts linear_num_value_heads linear_num_heads index_n_heads linear_num_key_heads""",
    2: """num_key_value_heads num_kv_heads swa_num_key_value_heads num_experts_per_tok moe_topk moe_k
        top_k_experts moe_num_shared_experts""",
    1: """n_shared_experts num_shared_experts n_group topk_group first_k_dense_replace num_dense_layers
        n_groups mamba_n_groups mamba_ngroups""",
    8: """d_kv head_dim dim_head attention_head_size kv_channels v_head_dim qk_rope_head_dim qk_nope_head_dim
        swa_head_dim linear_key_head_dim linear_value_head_dim linear_head_dim rotary_dim index_head_dim
        sliding_window sliding_window_size window_size attention_window_size local_attention
        attention_chunk_size state_size mamba_d_state ssm_state_size chunk_size mamba_chunk_size""",
    16: "kv_lora_rank q_lora_rank o_lora_rank laurel_rank adapter_rank",
    512: """max_position_embeddings n_positions max_seq_len n_ctx context_length max_target_positions
        original_max_position_embeddings index_topk""",
    VOCABULARY: """vocab_size decoder_vocab_size audio_vocab_size vocab_size_per_layer_input
        pronunciation_vocab_size shape_vocab_size""",
}
SMALL: dict[str, Any] = {name: size for size, names in SIZES.items() for name in names.split()}
SMALL |= {"bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD, "decoder_start_token_id": BOS}
SMALL |= {"is_decoder": True, "rescale_every": 2, "encoder_hash_byte_group_vocab": VOCABULARY}

SET_WITHOUT_DEFAULT = {"head_dim", "bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"}

ROPE = {"rope_type": "default", "rope_theta": 10000.0}
SETTINGS: dict[str, dict[str, Any]] = {
    "bamba": {"mamba_n_heads": 8, "attn_layer_indices": [2]},
    "cohere_compass_text": {"rope_parameters": {"full_attention": {**ROPE, "mrope_section": [2, 1, 1]}}},
    "dbrx": {"attn_config": {"kv_n_heads": 2, "rope_theta": 10000.0, "clip_qkv": 8.0}},
    "deepseek_v2": {"n_group": 1, "topk_group": 1, "num_experts_per_tok": 2},
    "dory": {"n_input_layers": 1, "n_output_layers": 1},
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2},
    "dots3_note_audio_encoder": {"per_layer_config": {}, "adapter_input_size": 32, "adapter_out_dim": 32},
    "dots3_note_text": {
        "head_dim": 16, "swa_num_attention_heads": 4, "swa_num_key_value_heads": 4, "swa_q_lora_rank": 16,
        "swa_kv_lora_rank": 16, "swa_head_dim": 16, "swa_qk_nope_head_dim": 8, "swa_v_head_dim": 8,
    },
    "dots3_note_vision_encoder": {"per_layer_config": {}, "adapter_in_dim": 32, "adapter_out_dim": 32},
    "gemma3n_text": {"num_kv_shared_layers": 2, "layer_types": ["sliding_attention", "full_attention"] * 2},
    "gpt_neo": {"attention_types": [[["global", "local"], 2]]},
    "granitemoehybrid": {"mamba_n_heads": 8, "layer_types": ["mamba", "attention"] * 2},
    "inkling2_loop_text": {
        "n_layers_per_attn_res_block": 1, "loop_layer_index_start": 1, "loop_layer_index_end": 3,
    },
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2},
    "mamba2": {"num_heads": 8},
    "nemotron": {"num_key_value_heads": 2},
    "qwen4_exp_text": {
        "indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 8, "indexer_budget": 512,
        "indexer_compress_ratio": 2, "ngram_vocab_size_base": 64, "hc_lowrank": 8, "split_ngram_parts": 1,
    },
    "reformer": {"axial_pos_embds_dim": (16, 16), "axial_pos_shape": (16, 32)},
    "xmod": {"default_language": "en_XX"},
    "zamba": {"layers_block_type": ["mamba", "hybrid"] * 2},
    "zamba2": {"layers_block_type": ["mamba", "hybrid"] * 2},
    "zaya": {"num_experts_per_tok": 1},
}  # fmt: skip

WHY = {
    "blt": "reads bytes grouped into patches by three stacks: no one list of blocks sees every token",
    "cpmant": "puts 32 prompt tokens of its own before every sentence",
    "dory": "runs its middle blocks in a loop: such a block has several outputs in one pass",
    "gemma3n": "its image encoder needs timm and pillow; the language model inside is gemma3n_text",
    "gemma4_assistant": "drafts for another model, whose keys and values it must be given",
    "gemma4_unified_assistant": "drafts for another model, whose keys and values it must be given",
    "hrm_text": "runs its blocks in loops: a block has several outputs in one pass",
    "inkling2_loop_text": "runs its middle blocks in a loop, and every block attends to the outputs of earlier ones",
    "inkling2_text": "every block attends to the outputs of earlier ones: the last one alone decides nothing",
    "musicgen": "writes audio codes, not text; AutoModelForCausalLM cannot build it from its configuration",
    "musicgen_melody": "writes audio codes, not text; AutoModelForCausalLM cannot build it either",
    "prophetnet": "carries the predictions of several future tokens beside every token",
    "reformer": "reversible: two streams pass by each other, and neither alone decides the states",
}
"""Why families are not read, in better words than those of the error."""

TABLE = Path(__file__).parents[1] / "docs" / "families.md"


def tiny(kind: str, **settings: Any) -> PreTrainedConfig:
    """The shrunk configuration of a model type, e.g. "llama"."""
    return shrink(transformers.CONFIG_MAPPING[kind], {**SETTINGS.get(kind, {}), **settings})


def defaults(cls: type[PreTrainedConfig]) -> dict[str, Any]:
    """The settings of a class and their defaults; configurations are dataclasses in later versions of transformers 5."""
    if dataclasses.is_dataclass(cls):
        return {field.name: field.default for field in dataclasses.fields(cls)}
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}


def shrink(cls: type[PreTrainedConfig], settings: dict[str, Any]) -> PreTrainedConfig:
    """A configuration with small numbers where the defaults of its class are large."""
    small: dict[str, Any] = {}
    for name, default in defaults(cls).items():
        if name in SMALL and (default is not None or name in SET_WITHOUT_DEFAULT):
            small[name] = SMALL[name]
        elif name.endswith(("_token_id", "_token_index")) and isinstance(default, int):
            small[name] = UNUSED
    if "kv_lora_rank" in small and "num_key_value_heads" in small:  # latent attention has one key a head
        small["num_key_value_heads"] = small["num_attention_heads"]
    if cls.sub_configs and "attn_config" not in settings:
        default = cls()
        parts = {name: part for name in cls.sub_configs if (part := getattr(default, name, None)) is not None}
        small |= {name: shrink(type(part), SETTINGS.get(part.model_type, {})) for name, part in parts.items()}
    return cls(**{**small, **settings})


def build(kind: str, auto: Any = transformers.AutoModelForCausalLM, **settings: Any) -> PreTrainedModel:
    """A tiny model with random weights, the same every time."""
    torch.manual_seed(0)
    model = auto.from_config(tiny(kind, **settings))
    model.config.architectures = [type(model).__name__]  # as in a saved checkpoint
    for parameter in model.requires_grad_(False).parameters():
        if parameter.dim() == 1:  # norms that all begin as ones and zeros could be confused with each other
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model.eval()


@dataclass(frozen=True)
class Reading:
    """How a family is read: one row of the table in the documentation."""

    architecture: str
    streams: int
    causal: bool
    last: str
    prefix: bool
    lens: bool
    sites: tuple[str, ...]


@dataclass(frozen=True)
class Unread:
    """A family that is not read: "refused" by repalign or "not built" by transformers, and why."""

    outcome: str
    why: str


def find_out(kind: str, tokenizer: PreTrainedTokenizerBase) -> Reading | Unread:
    """How a family is read, or why it is not.

    Raises:
        AssertionError: it is read wrongly.
        Exception: repalign ends in an error that is not meant for people.
    """
    try:
        model = build(kind)
    except Exception as error:  # a missing package, settings that need others: every family has its own
        return Unread("not built", _why(kind, error))
    try:
        engine = Engine.around(model, tokenizer)
        engine.check(kind)
    except RepalignError as error:
        return Unread("refused", _why(kind, error))
    return read(engine)


def _why(kind: str, error: Exception) -> str:
    return WHY.get(kind) or " ".join(f"{type(error).__name__}: {error}".split()).replace("|", "/")[:200]


def read(engine: Engine) -> Reading:
    """Assert all that must hold of a model that was not refused, and say how it is read."""
    language = engine.languages.first if engine.languages else None
    rows = tokenize(SENTENCES, engine.tokenizer, TEMPLATES["raw"], 512, engine.causal, language)
    with torch.inference_mode():
        states = engine.pool(rows, ["mean", "last"])
        _equal_to_hidden_states(engine, rows, states)
        _independent_of_batches(engine, rows, states)
        last, streams = _last_layer(engine, rows[2])
    sites = tuple(site for site in SITES if _readable(engine, site, rows))
    assert {"resid", "embed", "final"} <= set(sites)
    return Reading(
        architecture=type(engine.model).__name__,
        streams=streams,
        causal=engine.causal,
        last=last,
        prefix=engine.reuse_prefix,
        lens=_has_lens(engine),
        sites=sites,
    )


def cells(kind: str, found: Reading | Unread) -> tuple[str, ...]:
    """A family's row in one of the two tables of docs/families.md."""
    if isinstance(found, Unread):
        return (kind, found.outcome, found.why)
    flags = (found.prefix, found.lens, *(site in found.sites for site in ("attn", "mlp", "mlp-act")))
    reads = "left" if found.causal else "both"
    return (
        kind,
        found.architecture,
        str(found.streams),
        reads,
        found.last,
        *("yes" * flag for flag in flags),
    )


def recorded() -> tuple[str, dict[str, tuple[str, ...]]]:
    """The version of transformers that docs/families.md was made with, and its rows by family."""
    text = TABLE.read_text(encoding="utf-8")
    (version,) = re.findall(r"transformers (\d[\w.]*)", text)
    lines = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    rows = {line[0]: tuple(cell.strip() for cell in line) for line in lines}
    del rows["type"]  # the heads of the tables
    return version, rows


def hidden_states(engine: Engine, row: Tokens) -> list[np.ndarray]:
    """What a model itself gives for one sentence alone: [token, dim] each."""
    output = engine.reader.body(**alone(engine, row), output_hidden_states=True)
    # The one sentence is the first axis, but the second where streams are the first (Gemma 3n).
    plain = [h[0] if len(h) == 1 else h[:, 0].movedim(0, 1) for h in output.hidden_states]
    return [h.flatten(1).numpy() for h in plain]


def alone(engine: Engine, row: Tokens) -> dict[str, Any]:
    """One sentence as a batch."""
    ids = torch.as_tensor(row.ids)[None]
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)} | (
        {"use_cache": False} if engine.causal else {}
    )


def pooled(states: np.ndarray, row: Tokens) -> np.ndarray:
    return states[row.content].mean(axis=0, dtype=np.float64)


def close(ours: np.ndarray, theirs: np.ndarray) -> bool:
    return ours.shape == theirs.shape and bool(
        np.abs(ours - theirs).max() <= TOLERANCE * max(1.0, np.abs(theirs).max())
    )


def _equal_to_hidden_states(engine: Engine, rows: list[Tokens], states: np.ndarray) -> None:
    """Layers below the last against `output_hidden_states`, one sentence at a time and without padding."""
    for index, row in enumerate(rows):
        theirs = hidden_states(engine, row)
        if not close(states[0, 0, index], pooled(theirs[0], row)):
            # Mamba and RWKV leave out the input of block 1; it is what their embeddings give.
            embeddings = engine.reader.body.get_input_embeddings()
            theirs = [embeddings(torch.as_tensor(row.ids)).numpy(), *theirs]
        for layer in range(engine.n_blocks):
            assert close(states[0, layer, index], pooled(theirs[layer], row)), (
                f"layer {layer}, sentence {index}"
            )
            last = theirs[layer][np.flatnonzero(row.content)[-1]]
            assert close(states[1, layer, index], last), f"last token of layer {layer}, sentence {index}"


def _independent_of_batches(engine: Engine, rows: list[Tokens], states: np.ndarray) -> None:
    """Alone, and in reverse order beside other companions."""
    single = dataclasses.replace(engine, batch_tokens=1).pool(rows, ["mean", "last"])
    assert close(states, single), "right-padded against alone"
    reverse = dataclasses.replace(engine, batch_tokens=80).pool(rows[::-1], ["mean", "last"])
    assert close(states, reverse[:, :, ::-1]), "in another order and other batches"


def _last_layer(engine: Engine, row: Tokens) -> tuple[str, int]:
    """What lies between the last block and the last state, and how many streams become one there."""
    body, seen = engine.reader.body, []
    handle = engine.reader.blocks[-1].register_forward_hook(
        lambda module, args, output: seen.append(tensor_of(output))
    )
    last = tensor_of(body(**alone(engine, row)))[0]
    handle.remove()
    streams = seen[0].numel() // last.numel()
    if streams > 1:
        return "mixer of streams", streams
    state = seen[0].flatten(0, 1)
    outside = [module for name, module in body.named_modules() if not re.search(r"\.\d+\.", f"{name}.")]
    norms = [m for m in outside if "norm" in type(m).__name__.lower() and not list(m.children())]
    if close(state.numpy(), last.numpy()):
        return "nothing", 1
    assert any(close(norm(state).numpy(), last.numpy()) for norm in norms), "no norm makes the last state"
    return "norm", 1


def _has_lens(engine: Engine) -> bool:
    """Whether layers can be read as words; what cannot must be refused by a message."""
    try:
        find_unembed(engine)
    except RepalignError:
        return False
    return True


def _readable(engine: Engine, site: str, rows: list[Tokens]) -> bool:
    try:
        states = Engine.around(engine.model, engine.tokenizer, site=site).pool(rows[:2], ["mean"])
    except RepalignError:
        return False
    return bool(np.isfinite(states).all())
