"""The outline of a model: what its configuration says is what the loaded model has."""

from __future__ import annotations

import pytest
import transformers
from families import build

from repalign.errors import RepalignError
from repalign.models.engine import Engine
from repalign.models.outline import Outline, outline

KINDS = ("llama", "gemma3_text", "qwen3_moe", "gpt2")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory, save_tokenizer):
    return save_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("site", "layers"), [("resid", None), ("mlp-act", (1, 2))])
def test_a_configuration_says_what_the_loaded_model_has(kind, site, layers, tokenizer):
    try:
        engine = Engine.around(build(kind).eval(), tokenizer, site=site, layers=layers)
        engine.check(kind)
    except RepalignError as error:
        pytest.skip(f"{kind} cannot be read at {site}: {error}")
    config = engine.model.config
    assert outline(config, tokenizer, site=site, layers=layers) == Outline.of(engine)


@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_of_an_encoder_decoder_either_side(side, tokenizer):
    model = build("t5", transformers.AutoModelForSeq2SeqLM).eval()
    engine = Engine.around(model, tokenizer, stack=side)
    engine.check("t5")
    assert outline(model.config, tokenizer, stack=side) == Outline.of(engine)


def test_what_cannot_be_run_without_numbers_has_none(tokenizer):
    assert outline(build("jamba").config, tokenizer) is None


def test_a_layer_that_the_model_does_not_have_is_refused(tokenizer):
    with pytest.raises(RepalignError, match="no layer 99"):
        outline(build("llama").config, tokenizer, layers=[99])
