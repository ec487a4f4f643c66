"""A packed row is its items, nothing more: same loss, same gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from repalign_training.data.encoding import Encoded
from repalign_training.data.packing import IGNORED, Collator, pack
from repalign_training.loss import LabelledPositions
from transformers import AutoModelForCausalLM, GemmaConfig, LlamaConfig, MistralConfig, Qwen2Config

SIZES = {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3,
         "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "pad_token_id": 0}  # fmt: skip
CONFIGS = [LlamaConfig, MistralConfig, Qwen2Config, GemmaConfig]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(0, 5))
def test_every_item_is_in_one_row_that_it_fits(lengths, seed):
    rows = pack(lengths, 50, seed)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in row) <= 50 for row in rows)
    assert rows == pack(lengths, 50, seed)
    # Best fit decreasing: no two rows could be one, so all but one of them are more than half full.
    assert sum(sum(lengths[index] for index in row) <= 25 for row in rows) <= 1


def test_another_seed_is_another_order():
    assert pack([5] * 40, 50, 0) != pack([5] * 40, 50, 1)


@pytest.fixture
def items():
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 30, 40)
    return [Encoded(rng.integers(5, 97, n).astype(np.int32), int(rng.integers(0, n))) for n in lengths]


def loss_and_gradients(config, items, rows):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config(**SIZES)).double()
    labelled, batch = LabelledPositions(model), Collator(0)([[items[index] for index in row] for row in rows])
    loss = labelled.loss(model, batch)
    loss.backward()
    return loss.item(), torch.cat([p.grad.flatten() for p in model.parameters()])


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__name__)
def test_packed_equals_unpacked(config, items):
    packed = pack([len(item) for item in items], 64, 0)
    assert len(packed) < len(items) / 2
    loss, gradients = loss_and_gradients(config, items, packed)
    alone, gradients_alone = loss_and_gradients(config, items, [[index] for index in range(len(items))])
    assert loss == pytest.approx(alone, abs=1e-9)
    assert torch.allclose(gradients, gradients_alone, atol=1e-9)


def test_the_loss_is_that_of_transformers(items):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**SIZES))
    batch = Collator(0)([[item] for item in items])
    reference = model(**batch, use_cache=False)
    labelled = LabelledPositions(model)
    ours = labelled.loss(model, batch)
    assert ours.item() == pytest.approx(reference.loss.item(), abs=1e-6)
    labelled.remove()
    assert torch.equal(model(**batch, use_cache=False).logits, reference.logits)


def test_labels_are_the_answers_and_never_a_first_token(items):
    batch = Collator(0)([items[:3], items[3:5]])
    first = batch["position_ids"] == 0
    assert (batch["labels"][first] == IGNORED).all()
    wanted = [token for item in items[:3] for token in item.ids[max(item.answer, 1) :]]
    assert batch["labels"][0][batch["labels"][0] != IGNORED].tolist() == wanted
