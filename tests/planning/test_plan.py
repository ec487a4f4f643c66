"""Plans: sizes are counted as the model and the store count them, and every figure says what it is from."""

from __future__ import annotations

import json

import numpy as np
import pytest
import transformers

from repalign.checkpoints import home
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.models.anatomy import find_blocks
from repalign.models.templates import TEMPLATES
from repalign.planning.hardware import GPUS, Hardware
from repalign.planning.measuring import shortened
from repalign.planning.plan import duration, plan
from repalign.planning.recommending import recommended
from repalign.planning.sizes import given_size, read_size
from repalign.planning.text import LanguageSize, TextSize, counted, estimated, imagined
from repalign.states.extraction import extract

CPU = Hardware(2, "cpu")


def test_a_model_is_counted_without_its_weights(llama):
    size, _ = read_size(llama)
    model = transformers.AutoModel.from_pretrained(llama)
    blocks = find_blocks(model)
    assert size.blocks == len(blocks)
    assert size.dim == model.config.hidden_size
    assert size.held == sum(weights.numel() for weights in model.parameters())
    assert size.read == sum(w.numel() for block in blocks for w in block.parameters() if w.ndim > 1)
    alone = size.flops(10, 5) - 2 * 10 * size.read
    assert alone == 4 * 10 * 5 * size.blocks * size.attention > 0


def test_a_mixture_counts_the_experts_that_read_a_token(tmp_path):
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = transformers.MixtralConfig(
        **sizes, num_key_value_heads=4, vocab_size=50, num_local_experts=8, num_experts_per_tok=2
    )
    config.save_pretrained(tmp_path)
    size, _ = read_size(tmp_path)
    experts = 2 * 8 * 3 * 32 * 64
    rest = 2 * (4 * 32 * 32 + 8 * 32)  # attention, and the router
    assert size.read == rest + experts // 4
    assert size.held > rest + experts


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_bytes_are_those_of_the_store(dtype, llama, corpus):
    size, _ = read_size(llama)
    tokenizer = transformers.AutoTokenizer.from_pretrained(llama)
    found = plan(size, counted(corpus, tokenizer), CPU, layers=[0, 2], poolings=["mean"], store_dtype=dtype)
    extract(str(llama), corpus, layers=[0, 2], store_dtype=dtype, progress=False)
    written = sum(path.stat().st_size for path in (home() / "states").rglob("*.npy"))
    assert found.store.value == written > 0


def test_tokens_are_counted_once_for_duplicates_and_estimated_by_language():
    text = {"en": ["one two", "one two", "three"], "hi": ["एक", "दो", "तीन"]}
    size = estimated(ParallelCorpus("c", text))
    assert size.languages["en"].sentences == 2
    assert size.languages["en"].tokens == pytest.approx(12 * 26.6 / 124.0)
    assert "estimated" in size.source
    later = imagined(["en", "xx", "yy"], 100)
    assert later.languages["en"].tokens == pytest.approx(2660)
    assert "2 other languages" in later.source
    assert later.rows == 300


def test_a_template_is_read_with_every_sentence(save_tokenizer, tmp_path):
    corpus = ParallelCorpus("two", {"en": ["one two", "three"], "zh": ["一 二", "三"]})
    tokenizer = save_tokenizer(tmp_path)
    template = TEMPLATES["alpaca"]
    before = template.around("")[0]
    framed = [before + sentence for sentence in ("one two", "three", "一 二", "三")]
    size = counted(corpus, tokenizer, template)
    assert size.tokens == sum(len(tokenizer(text).input_ids) for text in framed)
    for size_with in (lambda one: estimated(corpus, one), lambda one: imagined(["en", "zh"], 2, one)):
        guess = (size_with(template).tokens - size_with(TEMPLATES["raw"]).tokens) / 4
        assert len(before) / 6 < guess < len(before) / 3
        assert f"{guess:.0f} tokens of the template alpaca" in size_with(template).source


def test_batches_are_those_that_are_read():
    lengths = np.array([3, 9, 4, 3, 10])
    batches = LanguageSize(5, 29.0, lengths).batches(20)
    assert sum(rows for rows, _ in batches) == 5
    assert all(rows * width <= 20 for rows, width in batches)
    unknown = LanguageSize(10, 100.0).batches(35)
    assert unknown == [(3, 10), (3, 10), (3, 10), (1, 10)]


def test_hours_grow_with_checkpoints_and_fall_with_gpus():
    model, text = given_size(7e9, 32, 4096), TextSize({"en": LanguageSize(1000, 30_000.0)}, "given", 1000)
    one = plan(model, text, Hardware.gpus("H100"))
    many = plan(model, text, Hardware.gpus("8xH100"), checkpoints=4)
    assert many.hours.value == pytest.approx(one.hours.value / 2)
    assert one.hours.value == pytest.approx(one.flops.value / (GPUS["H100"].half * 0.35) / 3600)
    assert all("assumption" in found.hours.source for found in (one, many))
    assert json.loads(json.dumps(many.record()))["way"]["command"].endswith("--devices 0,1,2,3,4,5,6,7")


@pytest.mark.parametrize(
    ("gpus", "weights", "flag", "busy"),
    [
        ("H100", 14e9, "--device cuda", 1),
        ("8xH100", 14e9, "--devices 0,1,2,3,4,5,6,7", 8),
        ("4xH100", 140e9, "--device all", 1),  # three of them hold a copy, one computes at a time
        ("64xH100", 140e9, "--engine ray", 21),
        ("64xH100", 14e9, "--shard $I/64", 64),
    ],
)
def test_the_way_to_run(gpus, weights, flag, busy):
    way = recommended(Hardware.gpus(gpus), weights, 1e9, 1, "CKPT")
    assert way.command.endswith(flag)
    assert way.busy == busy
    assert way.fits


def test_what_does_not_fit_says_so():
    way = recommended(Hardware.gpus("2xT4"), 140e9, 1e9, 1, "CKPT")
    assert not way.fits
    assert "need 11 T4" in way.reason


@pytest.mark.parametrize("wrong", ["", "0xH100", "8xH1000", "many"])
def test_unknown_hardware_is_refused(wrong):
    with pytest.raises(RepalignError):
        Hardware.gpus(wrong)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": [33]}, "layers are 0..32"),
        ({"utilisation": 1.5}, "between 0 and 1"),
        ({"measure": True}, "--measure needs a config.json"),
    ],
)
def test_what_cannot_be_planned_is_refused(options, message):
    with pytest.raises(RepalignError, match=message):
        plan(given_size(7e9, 32, 4096), imagined(["en"], 10), CPU, **options)


def test_a_measured_plan_says_so(llama):
    size, config = read_size(llama)
    found = plan(size, imagined(["en", "hi"], 30), CPU, config=config, measure=True)
    assert 0 < found.hours.value < 1
    for figure in (found.hours, found.scoring):
        assert "measured on this machine" in figure.source
    assert found.tokens.source != ""


def test_a_shortened_configuration_keeps_the_kinds_of_its_blocks():
    config = transformers.Gemma3TextConfig(num_hidden_layers=12)
    short, share = shortened(config)
    assert (short.num_hidden_layers, share) == (4, 4 / 12)
    assert short.layer_types == config.layer_types[:4]
    assert config.num_hidden_layers == 12


def test_durations():
    assert [duration(hours) for hours in (1 / 3600, 0.5, 3, 100)] == ["1.0 s", "30 min", "3.0 h", "4.2 days"]
