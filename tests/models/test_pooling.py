"""Poolings: registered, custom and unregistered ones, with and without a template."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from repalign import RepalignError, extract
from repalign.checkpoints import Checkpoint
from repalign.models.pooling import POOLINGS, Pooling, mean, mean_all
from repalign.models.templates import TEMPLATES


@pytest.fixture
def checkpoint(llama) -> Checkpoint:
    return Checkpoint.named(str(llama))


@pytest.fixture
def register():
    """Registers a pooling for one test."""
    names = []

    def add(name, function, **options):
        names.append(name)
        return POOLINGS.add(name, function, **options)

    yield add
    for name in names:
        POOLINGS._items.pop(name, None)


def whole_prompt(folder, sentence: str, template: str) -> np.ndarray:
    """Every token's state at layer 2, template included: a plain computation."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = tokenizer("".join(TEMPLATES[template].around(sentence)), return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        return model(ids, output_hidden_states=True).hidden_states[2][0].numpy()


@pytest.mark.parametrize("template", ["raw", "alpaca"])
def test_a_custom_pooling_sees_the_whole_prompt(llama, checkpoint, corpus, register, template):
    register("custom-mean", lambda hidden, content, real: mean_all(hidden, content, real))
    states = extract(checkpoint, corpus, pooling="custom-mean", template=template)
    named = extract(checkpoint, corpus, pooling="mean-all", template=template)
    for language, sentences in corpus.sentences.items():
        for row, sentence in enumerate(sentences):
            expected = whole_prompt(llama, sentence, template).mean(axis=0)
            np.testing.assert_allclose(states.layer(language, 2)[row], expected, atol=1e-5)
        np.testing.assert_allclose(states[language], named[language], atol=1e-5)


def test_a_custom_pooling_can_read_what_follows_the_sentence(llama, checkpoint, corpus):
    def last_real(hidden, content, real):
        return hidden[torch.arange(len(hidden)), real.sum(dim=1) - 1]

    states = extract(checkpoint, corpus, pooling=last_real, template="alpaca")
    for row, sentence in enumerate(corpus.sentences["en"]):
        expected = whole_prompt(llama, sentence, "alpaca")[-1]  # the end of "### Response:"
        np.testing.assert_allclose(states.layer("en", 2)[row], expected, atol=1e-5)


def test_a_pooling_that_reads_content_only_may_say_so(checkpoint, corpus, register):
    register("content-mean", lambda hidden, content, real: mean(hidden, content, real), sees_prompt=False)
    states = extract(checkpoint, corpus, pooling="content-mean", template="alpaca")
    expected = extract(checkpoint, corpus, pooling="mean", template="alpaca")
    np.testing.assert_array_equal(states["zh"], expected["zh"])


def test_a_changed_pooling_is_not_answered_from_the_store(checkpoint, corpus, register):
    first = extract(checkpoint, corpus, pooling=register("mine", lambda h, c, r: mean(h, c, r)))
    POOLINGS._items.pop("mine")
    second = extract(checkpoint, corpus, pooling=register("mine", lambda h, c, r: 2 * mean(h, c, r)))
    np.testing.assert_allclose(second["en"], 2 * first["en"], atol=1e-5)
    POOLINGS._items.pop("mine")
    scale = torch.tensor(3.0)
    third = extract(checkpoint, corpus, pooling=register("mine", lambda h, c, r: scale * mean(h, c, r)))
    np.testing.assert_allclose(third["en"], 3 * first["en"], atol=1e-5)


def test_a_pooling_that_cannot_be_identified_is_not_stored(checkpoint, corpus, home):
    class Opaque:
        scale = 2.0

    holder = Opaque()
    for scale in (2.0, 5.0):
        holder.scale = scale
        states = extract(checkpoint, corpus, pooling=lambda h, c, r: holder.scale * mean(h, c, r))
        expected = scale * extract(checkpoint, corpus, store=False)["en"]
        np.testing.assert_allclose(states["en"], expected, atol=1e-4)
    assert not list((home / "states").glob("*/key.json"))


def test_several_poolings_in_one_pass_equal_each_alone(checkpoint, corpus):
    from repalign.states.extraction import read_states
    from repalign.states.spec import ReadingSpec

    specs = [
        ReadingSpec(pooling=name, template="alpaca") for name in ("mean", "weighted", "last", "mean-all")
    ]
    for spec, states in zip(specs, read_states(checkpoint, corpus, specs, store=False), strict=True):
        alone = extract(checkpoint, corpus, pooling=spec.pooling, template="alpaca", store=False)
        np.testing.assert_allclose(states["el"], alone["el"], atol=1e-5)
        assert states.signature == alone.signature


@pytest.mark.parametrize(
    ("pooling", "message"),
    [
        (
            lambda h, c, r: h[:, 0, :3],
            r"must give a tensor of shape \(\d, 32\) \(sentence, dim\), got \(\d, 3\)",
        ),
        (lambda h, c, r: None, "got NoneType"),
        ("meann", "did you mean 'mean'"),
        (3, "a pooling is a name .* or a function"),
    ],
)
def test_a_pooling_that_gives_something_else_is_named(checkpoint, corpus, pooling, message):
    with pytest.raises(RepalignError, match=message):
        extract(checkpoint, corpus, pooling=pooling)


def test_shared_tokens_cannot_be_left_out_of_a_pooling_that_reads_all(checkpoint, corpus):
    for pooling in ("weighted", Pooling("mine", mean_all)):
        with pytest.raises(
            RepalignError, match="reads every token, so that shared tokens cannot be excluded"
        ):
            extract(checkpoint, corpus, pooling=pooling, exclude_shared_tokens=True)
