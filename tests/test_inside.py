"""Logit lens, language neurons, interventions: against plain formulas, plain hooks and changed weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from repalign.checkpoints import Checkpoint
from repalign.commands.main import main
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.inside.causal import RANDOM, Effects, corrected
from repalign.inside.interventions import (
    Edit,
    Intervened,
    moved_by,
    without_directions,
    without_neurons,
)
from repalign.inside.lens import lens
from repalign.inside.neurons import activation_rates, language_neurons
from repalign.inside.run import look_inside
from repalign.inside.vocabulary import languages_of_tokens
from repalign.models.engine import LocalEngine
from repalign.models.loading import locate
from repalign.models.templates import RAW
from repalign.models.tokenization import TokenRows, tokenize
from repalign.models.unembed import find_decoder
from repalign.results.inside import Inside

LANGUAGES = ("en", "el", "zh")


@pytest.fixture(scope="module")
def some():
    return ParallelCorpus.named("everyday", LANGUAGES).select(limit=24)


@pytest.fixture(scope="module")
def engine(llama):
    return opened(llama)


def opened(folder):
    return LocalEngine.open(locate(Checkpoint.named(str(folder))), dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def tokens(engine, some):
    return {lang: tokenize(rows, engine.tokenizer, RAW, 512, True) for lang, rows in some.sentences.items()}


@pytest.fixture(scope="module")
def own(engine, some, tokens):
    return languages_of_tokens(engine.tokenizer, some.sentences, tokens, find_decoder(engine).vocabulary)


@pytest.fixture(scope="module")
def model(engine, own):
    return Intervened(engine, own)


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
    decoder = find_decoder(engine)
    ids = torch.arange(5, 15)[None]
    last = []
    handle = engine.reader.blocks[-1].register_forward_hook(
        lambda module, args, output: last.append(output[0] if isinstance(output, tuple) else output)
    )
    with torch.inference_mode():
        expected = AutoModelForCausalLM.from_pretrained(folder)(ids).logits
        engine.reader.body(input_ids=ids)
        found = decoder(last[0])
    handle.remove()
    assert torch.allclose(found, expected, atol=1e-4)


def test_what_predicts_no_word_is_refused(tmp_path, save_tokenizer):
    from transformers import BertConfig, BertModel

    size = len(save_tokenizer(tmp_path))
    config = BertConfig(
        vocab_size=size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2
    )
    BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(RepalignError, match="only causal language models can be looked into"):
        find_decoder(opened(tmp_path))


def test_the_lens_is_the_softmax_of_each_layer(engine, tokens, own, llama):
    decoder = find_decoder(engine)
    found = lens(engine, decoder, tokens["el"], own)
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


def test_tokens_are_of_the_only_language_that_has_them(engine, some, tokens, own):
    assert own.sum(axis=0).max() == 1
    for number, language in enumerate(LANGUAGES):
        for other in set(LANGUAGES) - {language}:
            seen = np.unique(tokens[other].own_ids.flat)
            scripted = [engine.tokenizer.decode([token]) for token in seen if own[number, token]]
            assert not [text for text in scripted if text.isascii() and language != "en"]
    greek = [token for token in range(384) if "α" in engine.tokenizer.decode([token])]
    assert greek
    assert own[1, greek].all(), "by its script, seen or not"


def test_the_same_word_in_two_languages_is_of_neither(save_tokenizer, tmp_path):
    tokenizer = save_tokenizer(tmp_path)
    texts = {"en": ["dog a", "dog b", "dog c"], "vi": ["dog x", "y z", "x z"]}
    rows = {lang: tokenize(lines, tokenizer, RAW, 64, True) for lang, lines in texts.items()}
    own = languages_of_tokens(tokenizer, texts, rows, len(tokenizer))
    dog, space_x = tokenizer("dog")["input_ids"][1:], tokenizer(" x")["input_ids"][1:]
    assert not own[:, dog].any()
    assert not own[:, tokenizer("a")["input_ids"][1]].any(), "once is not enough"
    assert own[1, space_x[-1]]


def test_neurons_are_counted_where_their_gate_is_open(engine, tokens, llama):
    rates = activation_rates(engine, tokens, 384)
    assert rates.shape == (3, 64, 3)
    model = AutoModelForCausalLM.from_pretrained(llama)
    open_at = []
    model.model.layers[1].mlp.gate_proj.register_forward_hook(
        lambda module, args, output: open_at.append(output[0] > 0)
    )
    with torch.inference_mode():
        for row in tokens["zh"]:
            model(torch.as_tensor(row.ids).long()[None])
    kept = torch.cat(
        [opened[torch.as_tensor(row.content)] for opened, row in zip(open_at, tokens["zh"], strict=True)]
    )
    assert rates[1, :, 2] == pytest.approx(kept.double().mean(0).numpy(), abs=1e-9)


def test_the_chosen_neurons_are_those_of_one_language():
    rates = np.full((4, 50, 3), 0.2)
    rates[1, 7] = [0.9, 0.0, 0.0]
    rates[2, 3] = [0.0, 0.8, 0.8]
    rates[3, 9] = [0.95, 0.95, 0.95]  # busy in every language
    rates[0, 4] = [0.05, 0.0, 0.0]  # of one language, but hardly ever active
    found = language_neurons(rates, share=2 / 200)
    assert list(zip(found.layer, found.neuron, found.language, strict=True)) == [
        (2, 7, 0), (3, 3, 1), (3, 3, 2)
    ]  # fmt: skip
    assert found.entropy == pytest.approx([0, np.log(2) / np.log(3), np.log(2) / np.log(3)])
    assert found.rate == pytest.approx([0.9, 0.8, 0.8])
    assert found.elsewhere == pytest.approx([0, 0.4, 0.4])
    turned = language_neurons(rates[..., ::-1], share=2 / 200)
    assert sorted(2 - turned.language) == sorted(found.language), "the order of languages is no matter"


def test_neurons_that_are_always_active_are_of_no_language():
    assert len(language_neurons(np.ones((2, 30, 3))).layer) == 0


def test_untouched_the_loss_is_the_models_own(model, tokens, llama):
    said = model.said(tokens["en"])
    plain = AutoModelForCausalLM.from_pretrained(llama)
    for number in (0, 11):
        ids = torch.as_tensor(tokens["en"][number].ids).long()[None]
        with torch.inference_mode():
            assert said.loss[number] == pytest.approx(float(plain(ids, labels=ids).loss), abs=1e-5)
    assert said.states == pytest.approx(model.engine.pool(tokens["en"], ["mean"])[0, -1], abs=1e-5)
    assert ((said.mass >= 0) & (said.mass <= 1)).all()


def test_a_neuron_set_to_nothing_is_a_column_of_zeros(model, tokens, llama, own, tmp_path):
    edits = [
        Edit(3, "mlp-act", without_neurons(np.array([5, 8]))),
        Edit(1, "mlp-act", without_neurons(np.array([0]))),
    ]
    changed = AutoModelForCausalLM.from_pretrained(llama)
    changed.model.layers[2].mlp.down_proj.weight.data[:, [5, 8]] = 0
    changed.model.layers[0].mlp.down_proj.weight.data[:, 0] = 0
    changed.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(llama).save_pretrained(tmp_path)
    expected = Intervened(opened(tmp_path), own).said(tokens["zh"])
    found, untouched = model.said(tokens["zh"], edits), model.said(tokens["zh"])
    assert found.loss == pytest.approx(expected.loss, abs=1e-6)
    assert found.states == pytest.approx(expected.states, abs=1e-5)
    assert not np.allclose(found.states, untouched.states, atol=1e-5)


def test_a_state_changed_in_the_trace_is_one_changed_by_a_hook(model, engine, tokens):
    generator = np.random.default_rng(0)
    directions = np.linalg.qr(generator.normal(size=(32, 2)))[0].T
    change = without_directions(directions, generator.normal(size=32))
    found = model.said(tokens["el"], [Edit(2, "resid", change)])
    handle = engine.reader.blocks[1].register_forward_hook(lambda module, args, output: change(output))
    expected = engine.pool(tokens["el"], ["mean"])[0, -1]
    handle.remove()
    assert found.states == pytest.approx(expected, abs=1e-5)


def test_directions_are_gone_and_all_others_stay():
    generator = np.random.default_rng(0)
    directions, centre = np.linalg.qr(generator.normal(size=(8, 3)))[0].T, generator.normal(size=8)
    change = without_directions(directions, centre)
    states = torch.from_numpy(generator.normal(size=(2, 5, 8))).float()
    moved = change(states)
    assert (moved.numpy() - centre) @ directions.T == pytest.approx(np.zeros((2, 5, 3)), abs=1e-5)
    rest = np.eye(8) - directions.T @ directions
    assert moved.numpy() @ rest == pytest.approx(states.numpy() @ rest, abs=1e-5)
    assert torch.allclose(change(moved), moved, atol=1e-5)
    assert change(states.bfloat16()).dtype == torch.bfloat16


def test_a_step_that_undoes_itself_changes_nothing(model, tokens):
    step = np.random.default_rng(0).normal(size=32)
    edits = [Edit(1, "resid", moved_by(step)), Edit(1, "resid", moved_by(-step))]
    assert model.said(tokens["en"], edits).loss == pytest.approx(model.said(tokens["en"]).loss, abs=1e-4)
    assert model.said(tokens["en"], edits[:1]).loss != pytest.approx(model.said(tokens["en"]).loss, abs=1e-4)


def test_effects_are_differences_from_the_untouched_model(model, tokens):
    effects = Effects(model, tokens, "en", draws=50, seed=0)
    means = np.stack([model.engine.pool(rows, ["mean"])[0, 2].mean(0) for rows in tokens.values()])
    rows = list(effects.of_subspace(2, means.astype(np.float64)))
    assert {row["size"] for row in rows} == {2}, "three means span two directions"
    assert {(row["language"], row["outcome"]) for row in rows} == {
        *((lang, outcome) for lang in LANGUAGES for outcome in ("loss", "own")), ("el", "p_at_1"), ("zh", "p_at_1")
    }  # fmt: skip
    centre = means.mean(0)
    _, _, directions = np.linalg.svd(means - centre, full_matrices=False)
    change = without_directions(directions[:2], centre)
    after = model.said(tokens["zh"], [Edit(2, "resid", change)]).loss
    row = next(row for row in rows if (row["language"], row["outcome"]) == ("zh", "loss"))
    assert row["baseline"] == pytest.approx(model.said(tokens["zh"]).loss.mean())
    assert row["value"] == pytest.approx((after - model.said(tokens["zh"]).loss).mean(), abs=1e-6)
    assert row["low"] <= row["value"] <= row["high"]
    steered = list(effects.of_steering(1, means.astype(np.float64)))
    assert [(row["of"], row["language"]) for row in steered] == [
        ("el", "el"),
        ("el", "el"),
        ("zh", "zh"),
        ("zh", "zh"),
    ]
    assert {row["outcome"] for row in steered} == {"own", "pivot"}


def test_controls_take_as_much_from_the_same_layers(model, tokens, monkeypatch):
    taken = []
    said = Intervened.said

    def noted(self, rows, edits=()):
        taken.append({edit.layer: int((edit.change(torch.ones(1, 1, 64)) == 0).sum()) for edit in edits})
        return said(self, rows, edits)

    monkeypatch.setattr(Intervened, "said", noted)
    rates = np.full((3, 64, 3), 0.1)
    rates[0, :3], rates[2, 5] = [0.9, 0, 0], [0.9, 0, 0]
    chosen = language_neurons(rates, share=4 / 192, active=0.5)
    rows = list(Effects(model, tokens, "en", draws=20, seed=0).of_neurons(chosen, 64))
    assert [edits for edits in taken if edits] == [{1: 3, 3: 1}] * (1 + RANDOM) * 3
    assert {row["of"] for row in rows} == {"en"}
    assert {row["size"] for row in rows} == {4}


def test_each_kind_of_intervention_and_outcome_is_corrected_by_itself():
    rows = [
        {"intervention": kind, "outcome": "loss", "p": p}
        for kind, p in (("neurons", 0.01), ("neurons", 0.02), ("subspace", 0.03))
    ]
    assert [row["p_adjusted"] for row in corrected(rows)] == pytest.approx([0.02, 0.02, 0.03])


@pytest.fixture(scope="module")
def text(some, tmp_path_factory):
    folder = tmp_path_factory.mktemp("text") / "some"
    folder.mkdir()
    for lang, rows in some.sentences.items():
        (folder / f"{lang}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(folder)


def test_from_the_command_line_to_a_page_and_back(llama, text, tmp_path, capsys):
    options = ["--corpus", text, "--neurons", ".05", "--draws", "50", "--dtype", "float32", "--device", "cpu"]
    assert main(["inside", str(llama), *options, "--out", str(tmp_path / "one")]) == 0
    said = capsys.readouterr()
    assert "Does it think in English?" in said.err
    assert str(tmp_path / "one" / "report.html") in said.out
    found = Inside.load(tmp_path / "one")
    assert set(found.tables) == {"lens", "neurons", "interventions"}
    taken = found.tables["interventions"]
    assert set(taken["intervention"]) == {"neurons", "subspace", "steering"}
    assert set(taken["layer"].dropna()) == {1, 2}
    assert (taken["sentences"] == 12).all(), "the other half chose"
    assert "p_adjusted" in taken
    page = (tmp_path / "one" / "report.html").read_text()
    assert main(["report", str(tmp_path / "one"), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text() == page
    again = look_inside(
        [Checkpoint.named(str(llama))], ParallelCorpus.named(text), share=0.05, draws=50, dtype="float32"
    )
    pd.testing.assert_frame_equal(again.tables["interventions"], taken, check_dtype=False, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (["--layers", "3"], "no layer 3 to change something at; they are 1 to 2"),
        (["--sentences", "10"], "looking inside needs 20 different sentences"),
        (["--langs", "en"], "in two languages or more"),
        (["--pivot", "fr"], "fr"),
    ],
)
def test_a_mistake_gets_one_line(llama, text, tmp_path, capsys, change, expected):
    assert main(["inside", str(llama), "--corpus", text, "--out", str(tmp_path / "o"), *change]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert expected in error
    assert not list((tmp_path / "o").glob("*"))


def test_a_mixture_of_experts_is_read_without_its_neurons(save_model, some, tmp_path):
    folder = save_model(tmp_path / "moe", "mixtral", num_local_experts=2, num_experts_per_tok=1)
    found = look_inside([Checkpoint.named(str(folder))], some, draws=20, layers=[1], dtype="float32")
    assert "neurons" not in found.tables
    assert set(found.tables["interventions"]["intervention"]) == {"subspace", "steering"}
    assert "no neurons" in found.settings["checkpoints"]["moe"]["notes"][0]


def test_halves_share_no_sentence(llama, some):
    from repalign.inside.run import Look

    look = Look(
        Checkpoint.named(str(llama)), some, "en", None, 0.05, 20, 0, "float32", "cpu", None
    )  # fmt: skip
    even, odd = look._half(0)["en"], look._half(1)["en"]
    assert len(even) + len(odd) == 24
    assert not {row.key for row in even} & {row.key for row in odd}
    assert isinstance(even, TokenRows)
