"""Models of text and images: their text part is read, by every published layout, and said to be all that is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from repalign.checkpoints import Checkpoint
from repalign.models.generation import Generator
from repalign.models.locating import locate
from repalign.states.extraction import extract

TEXT = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 8, "max_position_embeddings": 512, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2,
}  # fmt: skip
CLIP = {
    "model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "image_size": 28, "patch_size": 14, "projection_dim": 32,
}  # fmt: skip
SIGLIP = {**CLIP, "model_type": "siglip_vision_model"}
QWEN = {
    "depth": 2,
    "embed_dim": 32,
    "hidden_size": 32,
    "num_heads": 4,
    "intermediate_size": 64,
    "out_hidden_size": 32,
    "fullatt_block_indexes": [1],
    "deepstack_visual_indexes": [0],
}
ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}

LAYOUTS: dict[str, Any] = {
    "llava": {"text_config": {"model_type": "llama", **TEXT}, "vision_config": CLIP},
    "llava_next": {"text_config": {"model_type": "mistral", **TEXT}, "vision_config": CLIP, "image_grid_pinpoints": [[28, 28]]},
    "mistral3": {"text_config": {"model_type": "mistral", **TEXT}, "vision_config": {"model_type": "pixtral", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 28, "patch_size": 14}},
    "paligemma": {"text_config": {"model_type": "gemma", **TEXT}, "vision_config": SIGLIP, "projection_dim": 32},
    "gemma3": {"text_config": {"model_type": "gemma3_text", **TEXT}, "vision_config": SIGLIP, "mm_tokens_per_image": 4},
    "qwen2_vl": {"text_config": {**TEXT, "rope_parameters": ROPE}, "vision_config": QWEN},
    "qwen2_5_vl": {"text_config": {**TEXT, "rope_parameters": ROPE}, "vision_config": QWEN},
    "qwen3_vl": {"text_config": {**TEXT, "rope_parameters": ROPE}, "vision_config": QWEN},
    "idefics3": {"text_config": {"model_type": "llama", **TEXT}, "vision_config": {**SIGLIP, "model_type": "idefics3_vision"}},
    "internvl": {"text_config": {"model_type": "qwen2", **TEXT}, "vision_config": {**SIGLIP, "model_type": "internvl_vision", "image_size": [28, 28], "patch_size": [14, 14]}},
    "aya_vision": {"text_config": {"model_type": "cohere2", **TEXT}, "vision_config": SIGLIP},
}  # fmt: skip


def save(kind: str, folder: Path, save_tokenizer) -> Path:
    tokenizer = save_tokenizer(folder)
    layout = {**LAYOUTS[kind], "text_config": {**LAYOUTS[kind]["text_config"], "vocab_size": len(tokenizer)}}
    image = {
        "image_token_id": 3,
        "image_token_index": 3,
        "video_token_id": 4,
        "vision_start_token_id": 5,
        "vision_end_token_id": 6,
    }
    config = transformers.AutoConfig.for_model(kind, **layout, **image)
    torch.manual_seed(0)
    model = transformers.AutoModelForImageTextToText.from_config(config)
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", LAYOUTS)
def test_the_text_part_is_read(kind, tmp_path, save_tokenizer, corpus, caplog):
    folder = save(kind, tmp_path / kind, save_tokenizer)
    read = extract(str(folder), corpus, store=False, progress=False)
    assert "only its text part is read" in caplog.text
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for row, sentence in enumerate(corpus.sentences["zh"]):
        ids = tokenizer(sentence, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            states = model(input_ids=ids, output_hidden_states=True).hidden_states
        for layer in range(3):
            right = states[layer][0, 1:].mean(0).numpy()
            assert np.abs(read.layer("zh", layer)[row] - right).max() <= 1e-5 * max(1, np.abs(right).max())


@pytest.mark.parametrize("twin", ["", "~random"])
def test_a_text_part_saved_by_itself_is_read(twin, tmp_path, save_tokenizer, corpus):
    tokenizer = save_tokenizer(tmp_path)
    config = transformers.MllamaConfig().text_config
    small = {**TEXT, "vocab_size": len(tokenizer), "cross_attention_layers": [1]}
    model = transformers.MllamaForCausalLM(
        type(config)(**{k: v for k, v in small.items() if k != "head_dim"})
    )
    model.save_pretrained(tmp_path)
    read = extract(f"{tmp_path}{twin}", corpus, store=False, progress=False)
    assert np.isfinite(read.layer("zh", 1)).all()


@pytest.mark.parametrize("kind", ["llava", "gemma3", "qwen2_5_vl"])
def test_the_text_part_answers(kind, tmp_path, save_tokenizer):
    folder = save(kind, tmp_path / kind, save_tokenizer)
    generator = Generator(locate(Checkpoint.named(str(folder))), device="cpu", dtype="float32")
    assert len(generator.answer(["The dog", "Two birds sing."], 4, progress=False)) == 2
