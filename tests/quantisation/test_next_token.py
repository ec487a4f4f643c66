"""The loss of sentences, and the divergence of predictions, against other computations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from quantisation.factories import LANGUAGES, rounding
from transformers import AutoModelForCausalLM, AutoTokenizer

from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.models import next_token
from repalign.models.engine import Engine
from repalign.models.locating import locate
from repalign.models.next_token import predict
from repalign.models.templates import RAW
from repalign.models.tokenization import tokenize


def opened(folder, **options):
    weights = locate(Checkpoint.named(str(folder)))
    return Engine.open(weights, dtype="float32", device="cpu", head=True, **options)


def rows_of(engine, texts):
    return tokenize(texts, engine.tokenizer, RAW, 512, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_loss_is_that_of_transformers_with_labels(base, some, language):
    engine, texts = opened(base, batch_tokens=200), some.sentences[language]
    found = predict(engine, rows_of(engine, texts))
    model, tokenizer = AutoModelForCausalLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    for text, nats, tokens in zip(texts, found.nats, found.tokens, strict=True):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        assert tokens == ids.shape[1] - 1, "all but BOS"
        with torch.no_grad():
            expected = float(model(input_ids=ids, labels=ids).loss)
        assert nats / tokens == pytest.approx(expected, rel=1e-4)
    assert found.top == []
    assert np.isnan(found.divergence).all()


def test_a_model_does_not_differ_from_itself(base, some):
    engine = opened(base, batch_tokens=200)
    rows = rows_of(engine, some.sentences["el"])
    top = predict(engine, rows, keep=True).top
    again = predict(engine, rows, other=top)
    assert again.divergence == pytest.approx(0, abs=1e-4)
    assert (again.same_top == again.tokens).all()


def test_the_divergence_is_a_lower_bound_that_all_tokens_make_exact(base, version, some, monkeypatch):
    coarse = version("coarse", rounding(3))
    engine, other = opened(base, batch_tokens=300), opened(coarse, batch_tokens=100)
    rows = rows_of(engine, some.sentences["zh"])
    bound = predict(other, rows, other=predict(engine, rows, keep=True).top).divergence
    monkeypatch.setattr(next_token, "TOP", engine.model.config.vocab_size)
    exact = predict(other, rows, other=predict(engine, rows, keep=True).top).divergence
    for row, (least, value) in enumerate(zip(bound, exact, strict=True)):
        ids = torch.tensor(rows[row].ids[None]).long()
        with torch.no_grad():
            p, q = (one.model(input_ids=ids).logits[0, :-1].log_softmax(-1) for one in (engine, other))
        expected = float((p.exp() * (p - q)).sum())
        assert value == pytest.approx(expected, rel=1e-3, abs=1e-3)
        assert 0 < least <= value + 1e-3


def test_a_model_without_next_tokens_is_refused(save_model, tmp_path):
    engine = opened(save_model(tmp_path / "bert", "bert"))
    with pytest.raises(RepalignError, match="does not predict a next token, so it has no loss"):
        predict(engine, rows_of(engine, ["One.", "Two."]))
