"""Effects of interventions beside their controls."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from inside.factories import LANGUAGES, opened
from scipy import stats

from repalign.inside.causal import Effects, Measured, adjusted
from repalign.inside.interventions import (
    Edit,
    EditableModel,
    without_directions,
)
from repalign.inside.neurons import Neurons, language_neurons
from repalign.inside.vocabulary import languages_of_tokens
from repalign.models.templates import RAW
from repalign.models.tokenization import TokenRows, tokenize
from repalign.statistics import step_down_p


def test_effects_are_differences_from_the_baseline_model(model, tokens):
    effects = Effects(model, tokens, "en", draws=50, seed=0, controls=3)
    means = np.stack([model.engine.pool(rows, ["mean"])[0, 2].mean(0) for rows in tokens.values()])
    rows = effects.of_subspace(2, means.astype(np.float64)).rows
    assert {row["size"] for row in rows} == {2}, "three means span two directions"
    assert {(row["language"], row["outcome"]) for row in rows} == {
        *((lang, outcome) for lang in LANGUAGES for outcome in ("loss", "own")), ("el", "p_at_1"), ("zh", "p_at_1")
    }  # fmt: skip
    centre = means.mean(0)
    _, _, directions = np.linalg.svd(means - centre, full_matrices=False)
    change = without_directions(directions[:2], centre)
    after = model.run(tokens["zh"], [Edit(2, "resid", change)]).loss
    row = next(row for row in rows if (row["language"], row["outcome"]) == ("zh", "loss"))
    assert row["baseline"] == pytest.approx(model.run(tokens["zh"]).loss.mean())
    assert row["value"] == pytest.approx((after - model.run(tokens["zh"]).loss).mean(), abs=1e-6)
    assert row["low"] <= row["value"] <= row["high"]
    assert row["control_low"] < row["control"] < row["control_high"]
    steered = [row for one in effects.of_steering(1, means.astype(np.float64)) for row in one.rows]
    assert [(row["of"], row["language"]) for row in steered] == [
        ("el", "el"),
        ("el", "el"),
        ("zh", "zh"),
        ("zh", "zh"),
    ]
    assert {row["outcome"] for row in steered} == {"own", "pivot"}


def test_controls_take_as_much_from_the_same_layers(model, tokens, monkeypatch):
    taken = []
    said = EditableModel.run

    def noted(self, rows, edits=()):
        taken.append({edit.layer: int((edit.change(torch.ones(1, 1, 64)) == 0).sum()) for edit in edits})
        return said(self, rows, edits)

    monkeypatch.setattr(EditableModel, "run", noted)
    rates = np.full((3, 64, 3), 0.1)
    rates[0, :3], rates[2, 5] = [0.9, 0, 0], [0.9, 0, 0]
    chosen = language_neurons(rates, share=4 / 192, active=0.5)
    (one,) = Effects(model, tokens, "en", draws=20, seed=0, controls=4).of_neurons(chosen, 64)
    assert [edits for edits in taken if edits] == [{1: 3, 3: 1}] * (1 + 4) * 3
    assert {row["of"] for row in one.rows} == {"en"}
    assert {row["size"] for row in one.rows} == {4}
    assert {row["controls"] for row in one.rows} == {4}
    assert one.changes.shape == (1 + 4, 3)
    assert one.changes[0] == pytest.approx([row["value"] for row in one.rows])
    assert one.changes[1:].mean(0) == pytest.approx([row["control"] for row in one.rows])


def test_effects_of_sentences_in_documents_are_less_sure(model, tokens):
    """Every sentence three times over, as one document: as sure as the sentences alone."""
    once = {lang: TokenRows.of(list(rows)[:8]) for lang, rows in tokens.items()}
    thrice = {lang: TokenRows.of([row for row in rows for _ in range(3)]) for lang, rows in once.items()}
    documents = np.repeat(np.arange(8), 3)
    means = np.stack([model.engine.pool(rows, ["mean"])[0, 2].mean(0) for rows in tokens.values()])

    def loss_in_zh(some, documents):
        effects = Effects(model, some, "en", draws=200, seed=0, controls=4, documents=documents)
        rows = effects.of_subspace(2, means.astype(np.float64)).rows
        return next(row for row in rows if (row["language"], row["outcome"]) == ("zh", "loss"))

    alone, together, apart = loss_in_zh(once, None), loss_in_zh(thrice, documents), loss_in_zh(thrice, None)
    for column in ("value", "low", "high", "control", "control_low", "control_high", "p"):
        assert together[column] == pytest.approx(alone[column], rel=1e-3, abs=1e-5)
    assert apart["high"] - apart["low"] < 0.75 * (together["high"] - together["low"])


def test_p_is_adjusted_within_each_intervention_and_outcome():
    rng = np.random.default_rng(0)
    measured = []
    for kind, size in (("neurons", 2), ("subspace", 1), ("neurons", 1)):
        rows = [
            {"intervention": kind, "of": None, "language": "en", "outcome": "loss", "p": 1e-4}
            for _ in range(size)
        ]
        measured.append(Measured(rows, rng.normal(size=(21, size))))
    measured[0].changes[0] = measured[1].changes[0] = 50
    measured[2].rows[0]["p"] = 0.9
    found = [row["p_adjusted"] for row in adjusted(measured)]
    assert found[:3] == pytest.approx([1 / 21] * 3), "all random studies are left behind"
    assert found[3] >= 0.9, "an adjusted p is not below p itself"


def test_ablations_in_the_language_itself_are_a_family_of_their_own():
    rng = np.random.default_rng(0)
    label = {"intervention": "neurons", "of": "zh", "outcome": "loss", "p": 1e-4}
    changes = rng.normal(size=(21, 40))
    changes[0, 0] = 2.5 * np.abs(changes[1:, 0]).max()
    changes[1:, 7] = 0
    changes[5, 7] = 50  # one random study in which another language suffers
    rows = [{**label, "language": "zh" if row == 0 else f"l{row}"} for row in range(40)]
    found = [row["p_adjusted"] for row in adjusted([Measured(rows, changes)])]
    assert found[0] == pytest.approx(1 / 21)
    assert step_down_p(changes)[0] > 0.05


@pytest.mark.heavy
def test_random_neurons_directions_and_vectors_are_rarely_special(save_model, some, tmp_path):
    """The null hypothesis on real passes: all that is ablated or added is itself a random draw."""
    rows = []
    for seed in range(3):
        torch.manual_seed(seed)
        engine = opened(save_model(tmp_path / str(seed), "llama"))
        texts = {lang: some.sentences[lang][:12] for lang in ("en", "el")}
        tokens = {lang: tokenize(text, engine.tokenizer, RAW, 512, True) for lang, text in texts.items()}
        model = EditableModel(engine, languages_of_tokens(engine.tokenizer, texts, tokens, 384))
        rng = np.random.default_rng(seed)
        for repeat in range(4):
            effects = Effects(model, tokens, "en", draws=20, seed=100 * seed + repeat, controls=20)
            neurons = [rng.choice(64, 8, replace=False) for _ in range(2)]
            layer, language = np.repeat([1, 3], 8), np.repeat([0, 1], 8)
            chosen = Neurons(layer, np.concatenate(neurons), language, *np.zeros((3, 16)))
            means = rng.normal(size=(2, engine.dim))
            measured = [
                *effects.of_neurons(chosen, 64),
                effects.of_subspace(1, means),
                *effects.of_steering(2, means),
            ]
            rows += adjusted(measured)
    assert {row["intervention"] for row in rows} == {"neurons", "subspace", "steering"}
    p, p_adjusted = (np.array([row[column] for row in rows]) for column in ("p", "p_adjusted"))
    assert (p < 0.05).mean() <= 0.1  # of 132 rows, where the earlier test had 72%
    assert (p_adjusted < 0.05).mean() <= 0.05
    assert stats.kstest(p, "uniform", alternative="greater").pvalue > 1e-3
