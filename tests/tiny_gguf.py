"""Tiny models in the format of llama.cpp."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tiny_models import train_tokenizer

NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


def write_gguf(path: Path, model: Any, tokenizer: Any, kind: str, skip: str = "") -> Path:
    """A model of Qwen 2 as llama.cpp converts it, without the tensor `skip`."""
    import gguf

    config, writer = model.config, gguf.GGUFWriter(path, "qwen2")
    quantised = gguf.GGMLQuantizationType[kind]
    writer.add_file_type(gguf.LlamaFileType[{"F32": "ALL_F32"}.get(kind, f"MOSTLY_{kind}")])
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    merges = [" ".join(pair) for pair in json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3 if token in tokenizer.all_special_tokens else 1 for token in vocabulary])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    for name, tensor in model.state_dict().items():
        part = name.removeprefix("model.")
        part = {
            "embed_tokens.weight": "token_embd.weight",
            "norm.weight": "output_norm.weight",
            "lm_head.weight": "output.weight",
        }.get(part, part)
        if part.startswith("layers."):
            _, block, rest = part.split(".", 2)
            inner, _, suffix = rest.rpartition(".")
            part = f"blk.{block}.{NAMES[inner]}.{suffix}"
        if part == skip:
            continue
        data = tensor.float().numpy()
        type_of = quantised if data.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(part, gguf.quantize(data, type_of), raw_dtype=type_of)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def tiny_qwen(folder: Path) -> tuple[Any, Any]:
    """A tiny random Qwen 2 and its tokenizer, which is saved in a folder."""
    import torch
    import transformers

    tokenizer = train_tokenizer(folder, bos=False)
    torch.manual_seed(0)
    config = transformers.Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=512, tie_word_embeddings=False,
    )  # fmt: skip
    return transformers.Qwen2ForCausalLM(config), tokenizer
