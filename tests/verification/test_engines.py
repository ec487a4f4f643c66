"""Real engines: right where they are, wrong where they are made so."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
import torch
from families import build
from verification.factories import save_tiny, tiny_model

from repalign import verify
from repalign.errors import RepalignError
from repalign.models.engine import Engine
from repalign.verification.engines import ENGINES

QUICK = {"llama": ENGINES, "bert": ("hooks", "transformers", "nnsight"), "t5": ("hooks", "transformers")}


@pytest.fixture(scope="module")
def saved(tmp_path_factory, save_tokenizer):
    """saved(kind): a folder with a tiny model."""
    made = {}

    def save(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp("models") / kind
            made[kind] = save_tiny(kind, folder, save_tokenizer(folder))
        return made[kind]

    return save


@pytest.mark.parametrize(("kind", "engine"), [(kind, engine) for kind in QUICK for engine in QUICK[kind]])
def test_engines_are_right(kind, engine, saved):
    if engine == "transformer-lens" and not find_spec("transformer_lens"):
        pytest.skip("transformer-lens is not installed")
    verdict = verify(saved(kind), engine)
    assert verdict.right, verdict.conclusion
    assert verdict.engine.startswith(engine)
    assert verdict.probe == ("log-probabilities" if kind == "llama" else "last hidden states")
    assert verdict.probe_gap < 1e-4
    assert max(row.gap for row in verdict.judgement.rows) < 1e-5
    normed = engine == "transformers" and kind != "bert"
    assert [one.name for one in verdict.judgement.conventions] == ["last layer after the final norm"] * normed
    assert verdict.effects == {}


@pytest.mark.parametrize("engine", ["hooks", "transformers"])
def test_engines_in_bfloat16_are_right(engine, saved):
    verdict = verify(saved("mixtral"), engine, dtype="bfloat16")
    assert verdict.right, verdict.conclusion
    assert "|bfloat16|" in verdict.signature
    assert verdict.judgement.rows[0].tolerance == 3e-2


def test_a_model_in_memory_is_verified(tmp_path, save_tokenizer):
    verdict = verify((tiny_model("qwen3"), save_tokenizer(tmp_path)), "transformers")
    assert verdict.right


def test_recurrent_models_keep_other_conventions(tmp_path, save_tokenizer):
    tokenizer = save_tokenizer(tmp_path)
    verdict = verify((build("mamba"), tokenizer), "transformers")
    assert verdict.right, verdict.conclusion
    assert [one.name for one in verdict.judgement.conventions] == [
        "final state appended",
        "embedding missing",
    ]


@pytest.mark.parametrize("kind", ["gemma3n_text", "deepseek_v4", "xlnet"])
def test_models_with_several_streams_or_other_axes_are_right(kind, tmp_path, save_tokenizer):
    assert verify((build(kind), save_tokenizer(tmp_path))).right


def test_a_tokenizer_that_pads_left_shows_what_that_does_to_gpt2(tmp_path, save_tokenizer):
    tokenizer = save_tokenizer(tmp_path)
    tokenizer.padding_side = "left"
    verdict = verify((tiny_model("gpt2"), tokenizer), "transformers", effect=False)
    assert [one.fault.name for one in verdict.judgement.findings] == ["left padding shifts positions"]


def test_a_broken_reader_is_found_and_its_effect_shown(saved, monkeypatch):
    plain = Engine.inputs

    def unmasked(self, rows, prefix=None):
        inputs, content, real = plain(self, rows, prefix)
        return {**inputs, "attention_mask": torch.ones_like(inputs["attention_mask"])}, content, real

    folder = saved("bert")
    verify(folder)  # loads and checks with the true inputs
    monkeypatch.setattr(Engine, "check", lambda self, name: None)
    monkeypatch.setattr(Engine, "inputs", unmasked)
    verdict = verify(folder, sentences=10)
    assert not verdict.right
    (finding,) = verdict.judgement.findings
    assert finding.fault.name == "padding leak"
    assert finding.layers == (1, 2, 3, 4)
    effect = verdict.effects["padding leak"]
    assert len(effect.right) == len(effect.faulty) == 5
    assert effect.right[0] == effect.faulty[0]
    assert f"at layer {effect.layer}" in str(effect)
    assert "padding leak" in str(verdict)
    json.dumps(verdict.as_dict(), allow_nan=False)


def test_wrong_arguments_are_reported_in_one_line(saved):
    for arguments, message in (
        ({"against": "transformer"}, "no engine or folder named 'transformer'; did you mean 'transformers'"),
        ({"tolerance": 2.0}, "between 0 and 1"),
        ({"agains": "hooks"}, "did you mean 'against'"),
        ({"dtype": "bf16"}, "no dtype named 'bf16'"),
    ):
        with pytest.raises(RepalignError, match=message):
            verify(saved("llama"), **arguments)
    if find_spec("transformer_lens"):
        with pytest.raises(RepalignError, match="decoders only"):
            verify(saved("bert"), "transformer-lens")
