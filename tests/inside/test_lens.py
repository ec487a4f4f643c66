"""The logit lens against the model's last layer and plain softmax."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from inside.factories import opened
from transformers import AutoModelForCausalLM

from repalign.errors import RepalignError
from repalign.inside.lens import lens
from repalign.models.unembed import find_unembed


def sharpened(folder, factor=8.0):
    """A model whose norm and head do something that shows."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    for parameter in model.parameters():
        parameter.data.mul_(factor if parameter.dim() > 1 else 1.0).add_(0.01)
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("llama", {}),
        ("gpt2", {}),
        ("opt", {"ffn_dim": 64, "word_embed_proj_dim": 16}),
        ("gemma2", {"final_logit_softcapping": 0.5, "head_dim": 8}),
        ("cohere", {"logit_scale": 0.3}),
        ("granite", {"logits_scaling": 4.0}),
        ("mamba", {}),
    ],
)
def test_the_last_layer_says_what_the_model_says(kind, settings, save_model, tmp_path):
    folder = sharpened(save_model(tmp_path / kind, kind, **settings))
    engine = opened(folder)
    unembed = find_unembed(engine)
    ids = torch.arange(5, 15)[None]
    last = []
    handle = engine.reader.blocks[-1].register_forward_hook(
        lambda module, args, output: last.append(output[0] if isinstance(output, tuple) else output)
    )
    with torch.inference_mode():
        expected = AutoModelForCausalLM.from_pretrained(folder)(ids).logits
        engine.reader.body(input_ids=ids)
        found = unembed(last[0])
    handle.remove()
    assert torch.allclose(found, expected, atol=1e-4)


def test_what_predicts_no_word_is_refused(tmp_path, save_tokenizer):
    from transformers import BertConfig, BertModel

    size = len(save_tokenizer(tmp_path))
    config = BertConfig(
        vocab_size=size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2
    )
    BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(RepalignError, match="only causal language models have a logit lens"):
        find_unembed(opened(tmp_path))


def test_the_lens_is_the_softmax_of_each_layer(engine, tokens, own, llama):
    unembed = find_unembed(engine)
    found = lens(engine, unembed, tokens["el"], own)
    assert found.shape == (4, 24, 4)
    model = AutoModelForCausalLM.from_pretrained(llama)
    row = tokens["el"][5]
    with torch.inference_mode():
        states = model(torch.as_tensor(row.ids).long()[None], output_hidden_states=True).hidden_states
        for layer in range(3):  # the last of transformers' states is normed already
            shares = model.lm_head(model.model.norm(states[layer]))[0].double().softmax(-1).numpy()
            shares = shares[row.content]
            expected = [*(shares @ own.T).mean(0), -(shares * np.log(shares)).sum(1).mean() / np.log(384)]
            assert found[layer, 5] == pytest.approx(expected, abs=1e-5)
