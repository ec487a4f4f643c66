"""What a caller may give for a checkpoint and a corpus; and that reading leaves the process as it was."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import transformers

from repalign import Checkpoint, ParallelCorpus, RepalignError, extract
from repalign.checkpoints import as_checkpoint


@pytest.fixture
def pair(llama):
    model = transformers.AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32)
    return model, transformers.AutoTokenizer.from_pretrained(llama)


def test_names_objects_and_models_in_memory_give_the_same_states(llama, pair, corpus, home):
    expected = extract(Checkpoint.named(str(llama)), corpus)
    np.testing.assert_array_equal(extract(str(llama), dict(corpus.sentences))["zh"], expected["zh"])
    np.testing.assert_array_equal(extract(llama, corpus)["zh"], expected["zh"])
    stores = len(list((home / "states").iterdir()))
    in_memory = extract(pair, corpus)
    np.testing.assert_allclose(in_memory["zh"], expected["zh"], atol=1e-5)
    assert len(list((home / "states").iterdir())) == stores, "a model in memory is never stored"
    assert in_memory.checkpoint == llama.name
    assert len(in_memory.signature.weights) == 64


def test_a_changed_model_in_memory_is_read_anew_and_signed_anew(pair, corpus):
    before = extract(pair, corpus)
    with torch.no_grad():
        pair[0].model.layers[0].mlp.up_proj.weight.mul_(3)
    after = extract(pair, corpus)
    assert not np.allclose(after["en"], before["en"])
    assert after.signature.weights != before.signature.weights


def test_a_model_in_training_is_read_without_dropout_and_stays_in_training(save_model, tmp_path, corpus):
    folder = save_model(tmp_path / "dropout", kind="gpt2", resid_pdrop=0.5, embd_pdrop=0.5, n_positions=256)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).train()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    states = extract((model, tokenizer), corpus)
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())
    np.testing.assert_allclose(states["en"], extract(str(folder), corpus, dtype="float32")["en"], atol=1e-5)


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        (None, "a checkpoint is a name, .* got NoneType"),
        (("a", "b"), r"given as \(model, tokenizer\) of transformers; got \(str, str\)"),
        ("m-lama", "did you mean 'm-llama'"),
    ],
)
def test_what_is_no_checkpoint_is_named(corpus, checkpoint, message):
    with pytest.raises(RepalignError, match=message):
        extract(checkpoint, corpus)


def test_a_bare_model_is_not_enough(pair, corpus):
    with pytest.raises(RepalignError, match=r"a tuple \(model, tokenizer\); got LlamaForCausalLM"):
        extract(pair[0], corpus)
    with pytest.raises(RepalignError, match=r"got \(LlamaForCausalLM, NoneType\)"):
        extract((pair[0], None), corpus)


def test_a_model_in_memory_runs_as_it_is(pair, corpus):
    with pytest.raises(RepalignError, match="is float32; convert it first"):
        extract(pair, corpus, dtype="bfloat16")
    with pytest.raises(RepalignError, match="is on cpu; move it first"):
        extract(pair, corpus, device="cuda")
    assert extract(pair, corpus, dtype="float32", device="cpu").signature.dtype == "float32"


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        (3, "a corpus is a name, a path, a mapping"),
        ({"en": "one text", "zh": ["x"]}, "sentences of 'en' are not a list of text"),
        ({"en": ["a", None]}, "sentences of 'en' are not a list of text"),
        ({"en": ["a"], "zh": []}, "is not parallel"),
        ("everday", "did you mean 'everyday'"),
    ],
)
def test_what_is_no_corpus_is_named(llama, corpus, message):
    with pytest.raises(RepalignError, match=message):
        extract(str(llama), corpus)


def test_a_corpus_needs_no_name_and_takes_either_order():
    rows = {"en": ["a"], "zh": ["b"]}
    assert (
        ParallelCorpus(rows).sentences
        == ParallelCorpus("mine", rows).sentences
        == {"en": ("a",), "zh": ("b",)}
    )
    assert ParallelCorpus("mine", rows) == ParallelCorpus(rows, "mine") == ParallelCorpus(rows, name="mine")
    assert repr(ParallelCorpus(rows, "mine")) == "ParallelCorpus(mine: 1 sentence x 2 languages: en, zh)"


def test_representations_are_short_and_escaped(llama, corpus):
    hostile = ParallelCorpus({"<i>": ["<script>alert(1)</script>"] * 300, "zh": ["狗"] * 300}, "<b>")
    states = extract(str(llama), corpus)
    for thing in (states, corpus, hostile, ParallelCorpus.named("everyday")):
        assert len(repr(thing)) < 300
        assert "\n" not in repr(thing)
    assert "<script>" not in hostile._repr_html_()
    assert "The dog sleeps." in states._repr_html_()


def test_a_name_trains_a_missing_demo_checkpoint_and_an_object_does_not(monkeypatch, corpus):
    trained = []
    monkeypatch.setattr("repalign.checkpoints.resolving.make", lambda missing, train: trained.extend(missing))
    as_checkpoint("x-llama-hi")
    assert [checkpoint.name for checkpoint in trained] == ["x-llama-hi"]
    as_checkpoint(Checkpoint.named("x-llama-hi"))
    assert len(trained) == 1


UNTOUCHED = """
import json, logging, sys
import torch, transformers
from transformers.utils import logging as verbosity

def state():
    return [verbosity.get_verbosity(), verbosity.is_progress_bar_enabled(), torch.get_num_threads(),
            torch.is_grad_enabled(), torch.get_default_dtype().__str__(), torch.initial_seed(),
            logging.getLogger().level, len(logging.getLogger().handlers)]

verbosity.set_verbosity_info()
torch.manual_seed(3)
before = state()
from repalign import extract, profile
states = extract(sys.argv[1], {"en": ["A dog.", "A cat.", "Two birds sing."], "el": ["Ενας σκύλος.", "Μια γάτα.", "Δύο πουλιά."]})
profile(states, metrics="cosine_gap", draws=5)
print(json.dumps([before, state()]))
"""


def test_reading_leaves_the_process_as_it_was(llama):
    done = subprocess.run(
        [sys.executable, "-c", UNTOUCHED, str(llama)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    before, after = json.loads(done.stdout.splitlines()[-1])
    assert after == before


def test_the_library_says_what_it_does_by_a_logger(llama, corpus, caplog, capsys):
    with caplog.at_level(logging.INFO, logger="repalign"):
        extract(str(llama), corpus)
    assert capsys.readouterr().out == ""
