"""Extraction: equal to the model's own hidden states, whatever the batch; refusals that name the place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.models.batching import common_prefix
from repalign.models.engine import PROBE, Engine
from repalign.models.locating import locate
from repalign.models.prefix import MIN_PREFIX
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import tokenize
from repalign.progress import Phase
from repalign.states.extraction import extract, read_states
from repalign.states.spec import ReadingSpec


@pytest.fixture
def checkpoint(llama) -> Checkpoint:
    return Checkpoint.named(str(llama))


def reference(folder, sentence: str, kept=slice(1, None)) -> np.ndarray:
    """Mean over the tokens `kept` of output_hidden_states of one sentence alone: [layer, dim]."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        states = model(
            torch.tensor([tokenizer(sentence)["input_ids"]]), output_hidden_states=True
        ).hidden_states
    return np.stack([state[0, kept].mean(0).numpy() for state in states])


def test_states_are_the_models_own_before_the_final_norm(llama, checkpoint, corpus):
    states = extract(checkpoint, corpus)
    model = transformers.AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32)
    for language in corpus.languages:
        for row, sentence in enumerate(corpus.sentences[language]):
            expected = reference(llama, sentence)
            for layer in range(3):
                np.testing.assert_allclose(states.layer(language, layer)[row], expected[layer], atol=1e-5)
            assert np.abs(states.layer(language, 3)[row] - expected[3]).max() > 0.1, (
                "hidden_states[-1] is after the norm"
            )
    final = extract(checkpoint, corpus, site="final")
    np.testing.assert_allclose(
        final.layer("en", 3)[0], reference(llama, corpus.sentences["en"][0])[3], atol=1e-5
    )
    assert model.config.num_hidden_layers == states.n_blocks


def test_spread_over_the_devices_at_hand_reads_the_same(checkpoint, corpus):
    expected, spread = (extract(checkpoint, corpus, store=False, device=device) for device in ("cpu", "all"))
    np.testing.assert_allclose(spread.layer("el", 2), expected.layer("el", 2), atol=1e-5)


@pytest.mark.parametrize("bits", [8, 4])
def test_quantised_weights_are_read_as_they_are(save_model, save_tokenizer, corpus, tmp_path, bits):
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    whole, small = tmp_path / "whole", tmp_path / "small"
    save_model(whole, hidden_size=64)
    quantised = transformers.AutoModelForCausalLM.from_pretrained(
        whole,
        quantization_config=transformers.BitsAndBytesConfig(**{f"load_in_{bits}bit": True}),
        device_map="cpu",
    )
    quantised.save_pretrained(small)
    save_tokenizer(small)
    full, coarse = (
        extract(Checkpoint.named(str(folder)), corpus, store=False, device="cpu").layer("en", 2)
        for folder in (whole, small)
    )
    assert np.corrcoef(full.ravel(), coarse.ravel())[0, 1] > 0.95
    assert np.abs(full - coarse).max() > 1e-4, "the weights are the quantised ones"


def test_companions_order_and_batch_size_change_nothing(checkpoint, corpus):
    full = extract(checkpoint, corpus, store=False)
    flipped = ParallelCorpus("flipped", {lang: rows[::-1] for lang, rows in corpus.sentences.items()})
    for other, rows in (
        (extract(checkpoint, corpus, store=False, batch_tokens=1), slice(None)),
        (extract(checkpoint, flipped, store=False), slice(None, None, -1)),
    ):
        for layer in full.layers:
            np.testing.assert_allclose(full.layer("el", layer), other.layer("el", layer)[rows], atol=1e-5)


def test_a_template_changes_states_and_not_what_is_pooled(llama, checkpoint, corpus):
    framed = extract(checkpoint, corpus, template="alpaca", store=False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(llama)
    sentence = corpus.sentences["zh"][1]
    before, _, after = TEMPLATES["alpaca"].around(sentence)
    offsets = tokenizer(before + sentence + after, return_offsets_mapping=True)["offset_mapping"]
    own = [i for i, (a, b) in enumerate(offsets) if a < len(before + sentence) and b > len(before)]
    expected = reference(llama, before + sentence + after, own)
    np.testing.assert_allclose(framed.layer("zh", 2)[1], expected[2], atol=1e-5)


def test_the_shared_head_of_a_template_is_computed_once_and_exactly(checkpoint, corpus):
    engine = Engine.open(locate(checkpoint))
    assert engine.reuse_prefix
    rows = tokenize(corpus.sentences["zh"], engine.tokenizer, TEMPLATES["alpaca"], 512, causal=True)
    assert common_prefix(rows) > MIN_PREFIX
    reused = engine.pool(rows, ["mean", "last"])
    engine.reuse_prefix = False
    np.testing.assert_allclose(reused, engine.pool(rows, ["mean", "last"]), atol=1e-5)
    of_the_head = engine.pool(rows, ["mean-all", "weighted"])
    engine.reuse_prefix = True
    np.testing.assert_allclose(engine.pool(rows, ["mean-all", "weighted"]), of_the_head, atol=1e-5)


def by_pooling(checkpoint, corpus, poolings, **options):
    """Several poolings in one pass."""
    specs = [ReadingSpec(pooling=pooling) for pooling in poolings]
    return dict(zip(poolings, read_states(checkpoint, corpus, specs, **options), strict=True))


def test_every_pooling_in_one_pass_is_its_own_definition(llama, checkpoint, corpus):
    sentence = corpus.sentences["en"][1]
    found = by_pooling(checkpoint, corpus, ["mean", "mean-all", "last", "weighted", "max"], store=False)
    model = transformers.AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32)
    ids = torch.tensor([transformers.AutoTokenizer.from_pretrained(llama)(sentence)["input_ids"]])
    with torch.inference_mode():
        state = model(ids, output_hidden_states=True).hidden_states[1][0].numpy()
    weights = np.arange(1, len(state) + 1)[:, None]
    expected = {
        "mean": state[1:].mean(0),
        "mean-all": state.mean(0),
        "last": state[-1],
        "weighted": (state * weights).sum(0) / weights.sum(),
        "max": state[1:].max(0),
    }
    for pooling, value in expected.items():
        np.testing.assert_allclose(found[pooling].layer("en", 1)[1], value, atol=1e-5, err_msg=pooling)


def test_layers_asked_for_are_the_ones_that_are_run(checkpoint, corpus):
    engine = Engine.open(locate(checkpoint), layers=[0, 1])
    ran = []
    for number, block in enumerate(engine.reader.blocks, 1):
        block.register_forward_hook(lambda *_, number=number: ran.append(number))
    engine.pool(tokenize(["Hello."], engine.tokenizer, TEMPLATES["raw"], 64, True), ["mean"])
    assert ran == [1], "blocks 2 and 3 never run"
    some = extract(checkpoint, corpus, layers=[1, 3])
    assert some.layers == (1, 3)
    everything = extract(checkpoint, corpus)
    assert everything.layers == (0, 1, 2, 3), "the store keeps some layers and all of them apart"
    np.testing.assert_allclose(some.layer("en", 3), everything.layer("en", 3), atol=1e-6)


def test_identical_texts_are_computed_once(checkpoint, monkeypatch):
    seen = []
    monkeypatch.setattr(
        Engine,
        "pool",
        lambda self, rows, *how, pool=Engine.pool: seen.append(len(rows)) or pool(self, rows, *how),
    )
    states = extract(
        checkpoint, ParallelCorpus("twice", {"en": ["a dog", "a cat", "a dog"], "tr": ["x y", "z", "q"]})
    )
    assert seen == [2, 3]
    assert np.array_equal(states.layer("en", 1)[0], states.layer("en", 1)[2])
    assert states.groups.tolist() == [0, 1, 0]


def test_asking_again_loads_no_model(checkpoint, corpus, monkeypatch):
    first = extract(checkpoint, corpus)
    monkeypatch.setattr(Engine, "open", lambda *a, **k: pytest.fail("the states were in the store"))
    again = extract(checkpoint, corpus)
    assert np.array_equal(first.layer("zh", 2), again.layer("zh", 2))
    assert str(first.signature) == str(again.signature)
    assert again.token_counts["zh"].tolist() == first.token_counts["zh"].tolist()


def test_what_is_missing_is_computed_beside_what_is_there(checkpoint, corpus):
    extract(checkpoint, corpus, pooling="last")
    both = by_pooling(checkpoint, corpus, ["last", "mean"])
    for pooling, states in by_pooling(checkpoint, corpus, ["last", "mean"], store=False).items():
        np.testing.assert_allclose(both[pooling].layer("el", 2), states.layer("el", 2), atol=1e-5)


def test_streaming_holds_two_languages_and_scores_the_same(checkpoint, monkeypatch):
    from repalign.scoring import profile

    corpus = ParallelCorpus.named("everyday", ["en", "el", "tr", "vi", "zh"]).select(limit=40)
    request = {"metrics": ["mexa", "cka"], "draws": 20, "progress": False}
    kept = profile(extract(checkpoint, corpus, store=False), **request)
    computed = []
    pool = Engine.pool
    monkeypatch.setattr(Engine, "pool", lambda self, *rows: computed.append(1) or pool(self, *rows))
    streamed = profile(extract(checkpoint, corpus, stream=True), **request)
    assert len(computed) == len(corpus.languages), "every language was computed once: the pivot stays"
    by = ["metric", "variant", "source", "target", "layer"]
    tables = [profile.table.sort_values(by).reset_index(drop=True) for profile in (kept, streamed)]
    np.testing.assert_allclose(tables[0]["value"], tables[1]["value"], atol=1e-6)
    np.testing.assert_allclose(tables[0]["p_adjusted"], tables[1]["p_adjusted"], atol=1e-6)


def test_when_memory_runs_out_the_budget_is_halved_and_nothing_is_lost(checkpoint, corpus, monkeypatch):
    expected = extract(checkpoint, corpus, store=False)
    batch = Engine._batch

    def starved(self, rows, poolings, head=None):
        if sum(len(row.ids) for row in rows) > 40:
            raise torch.OutOfMemoryError("planted")
        return batch(self, rows, poolings, head)

    monkeypatch.setattr(Engine, "check", lambda self, name: setattr(self, "dim", 32))
    monkeypatch.setattr(Engine, "_batch", starved)
    states = extract(checkpoint, corpus, store=False)
    np.testing.assert_allclose(states.layer("el", 3), expected.layer("el", 3), atol=1e-5)
    with pytest.raises(RepalignError, match="out of memory on a single sentence"):
        extract(checkpoint, ParallelCorpus("long", {"en": ["word " * 20]}), store=False)


def test_unshared_pooling_leaves_out_what_translations_share(llama, checkpoint):
    corpus = ParallelCorpus("names", {"en": ["see 12345", "a dog"], "el": ["βλέπε 12345", "a dog"]})
    found = extract(checkpoint, corpus, exclude_shared_tokens=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(llama)
    ids = {lang: tokenizer(corpus.sentences[lang][0])["input_ids"] for lang in ("en", "el")}
    own = [i for i, token in enumerate(ids["en"]) if token not in ids["el"]]
    assert 0 < len(own) < len(ids["en"]) - 1
    np.testing.assert_allclose(found.layer("en", 2)[0], reference(llama, "see 12345", own)[2], atol=1e-5)
    everything = extract(checkpoint, corpus)
    np.testing.assert_allclose(found.layer("en", 2)[1], everything.layer("en", 2)[1], atol=1e-5)
    assert found.signature.pooling == "mean-unshared"
    assert not np.allclose(found.layer("en", 2)[0], everything.layer("en", 2)[0])
    other = ParallelCorpus("names", {"en": corpus.sentences["en"], "zh": ["狗", "猫"]})
    beside = extract(checkpoint, other, exclude_shared_tokens=True)
    assert not np.allclose(beside.layer("en", 2)[0], found.layer("en", 2)[0]), "nothing is shared with these"


def test_long_sentences_are_dropped_from_every_language_and_counted(checkpoint):
    rows = [f"dog {i}" for i in range(200)]
    corpus = ParallelCorpus("long", {"en": rows, "tr": [*rows[:-1], "kuş " * 100]})
    states = extract(checkpoint, corpus, max_length=50)
    assert states.n_sentences == 199
    assert states.metadata["truncated"] == 1
    assert len(states.texts["en"]) == 199
    most = [*rows[:-3], *(["kuş " * 100] * 2), rows[-1]]
    assert extract(checkpoint, ParallelCorpus("most", {"en": most}), max_length=50).n_sentences == 198
    with pytest.raises(RepalignError, match="3 of 200 sentences"):
        extract(checkpoint, ParallelCorpus("more", {"en": [*most[:-1], "kuş " * 100]}), max_length=50)
    with pytest.raises(RepalignError, match=r"100 of 200 sentences are longer than 50 tokens \(tr: 100\)"):
        extract(
            checkpoint,
            ParallelCorpus("longer", {"en": rows, "tr": rows[:100] + ["kuş " * 100] * 100}),
            max_length=50,
        )


def test_a_state_that_is_not_finite_is_named(save_model, tmp_path, corpus):
    folder = save_model(tmp_path / "broken")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = [set(tokenizer(row)["input_ids"]) for row in (*corpus.sentences["zh"], *PROBE)]
    only = (ids[2] - set().union(*ids[:2], *ids[3:])).pop()
    weights = load_file(folder / "model.safetensors")
    weights["model.embed_tokens.weight"][only] = torch.inf
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        RepalignError, match=r"broken: layer 0 of zh is not finite in float32 for '两只鸟在唱歌。'"
    ):
        extract(Checkpoint.named(str(folder)), ParallelCorpus("zh", {"zh": corpus.sentences["zh"]}))
    weights["model.embed_tokens.weight"][:] = torch.inf
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(RepalignError, match="not finite in float32"):
        extract(Checkpoint.named(str(folder)), corpus)


def test_bfloat16_is_close_and_recorded(checkpoint, corpus):
    half, full = (extract(checkpoint, corpus, dtype=dtype) for dtype in ("bfloat16", "float32"))
    assert half.signature.dtype == "bfloat16"
    difference = np.abs(half.layer("en", 2) - full.layer("en", 2)).max()
    assert 0 < difference < 0.05 * np.abs(full.layer("en", 2)).max()


def test_auto_keeps_tiny_models_in_float32(checkpoint, corpus):
    assert extract(checkpoint, corpus).signature.dtype == "float32"


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"pooling": "meen"}, "did you mean 'mean'"),
        ({"template": "alpacca"}, "did you mean 'alpaca'"),
        ({"layers": [9]}, "no layer 9"),
        ({"layers": -1}, "layers are whole numbers from 0"),
        ({"site": "nose"}, "no site named 'nose'"),
        ({"device": "cuda:7"}, "no device 'cuda:7'"),
        ({"device": "cudda"}, "did you mean 'cuda'"),
        ({"dtype": "fp16"}, "did you mean 'float16'"),
        ({"max_length": 0}, "max_length is a whole number from 1"),
        ({"poling": "last"}, "did you mean 'pooling'"),
        ({"stack": "encoder"}, "no encoder side"),
        ({"stack": "left"}, "no stack named 'left'"),
    ],
)
def test_wrong_options_get_one_line(checkpoint, corpus, options, parts):
    with pytest.raises(RepalignError, match=parts):
        extract(checkpoint, corpus, **options)


def test_the_tokens_that_are_counted_are_those_that_are_read(checkpoint, corpus, monkeypatch):
    phases = []
    ending = Phase.__exit__
    monkeypatch.setattr(Phase, "__exit__", lambda one, *error: phases.append(one) or ending(one, *error))
    extract(checkpoint, corpus.select(corpus.languages[:1]))
    first = next(phase for phase in phases if phase.name.endswith(": reading"))
    assert first.done == first.total > 0
    assert "in the cache" in first.about
    phases.clear()
    extract(checkpoint, corpus)
    second = next(phase for phase in phases if phase.name.endswith(": reading"))
    assert second.done == second.total > 0, "what is stored already is not counted"
    phases.clear()
    extract(checkpoint, corpus)
    assert next(phase.total for phase in phases if phase.name.endswith(": reading")) == 0
