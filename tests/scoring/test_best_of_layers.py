"""The p of the best layer against shuffles of all layers together, as calibrated-similarity has it (arXiv:2602.14486)."""

from __future__ import annotations

import numpy as np
import pytest

from repalign import LayerStates, profile
from repalign.metrics import METRICS

LAYERS, N, DIM = 5, 60, 16


def layers_that_agree(seed: int, strength: float) -> LayerStates:
    """Two languages with weak shared meaning, whose layers are noisy copies of one another."""
    rng = np.random.default_rng(seed)
    meaning = rng.normal(size=(N, DIM))

    def language() -> np.ndarray:
        base = strength * meaning + rng.normal(size=(N, DIM))
        return np.stack([base + 0.3 * rng.normal(size=(N, DIM)) for _ in range(LAYERS)]).astype(np.float32)

    return LayerStates.from_arrays({"en": language(), "zh": language()})


def shuffled_maxima(states: LayerStates, name: str, shuffles: int) -> tuple[float, np.ndarray]:
    """The best of all layers, and under shuffles that are the same at every layer: plain loops."""
    pairs = [(states.layer("en", layer), states.layer("zh", layer)) for layer in states.layers]
    orders = [np.random.default_rng(1000 + k).permutation(N) for k in range(shuffles)]
    observed = max(METRICS[name](x, y).value for x, y in pairs)
    return observed, np.array([max(METRICS[name](x, y[o]).value for x, y in pairs) for o in orders])


@pytest.mark.parametrize("name", ["cka", "cosine_gap", "mutual_knn", "mexa"])
def test_p_of_the_best_layer_is_that_of_shared_shuffles(name):
    for seed in range(2):
        states = layers_that_agree(seed, strength=0.25)
        peak = profile(states, metrics=[name], variants=["raw"], draws=50, progress=False).peaks.iloc[0]
        observed, maxima = shuffled_maxima(states, name, shuffles=150)
        expected = (1 + (maxima >= observed).sum()) / (1 + len(maxima))  # p of calibrate_layers(agg="max")
        assert peak["chosen_on_all"] == pytest.approx(observed, abs=1e-5)
        assert peak["p"] == pytest.approx(expected, abs=0.2)


def test_shared_shuffles_cost_less_than_bonferroni_where_layers_agree():
    gained = []
    for seed in range(6):
        found = profile(
            layers_that_agree(seed, 0.3), metrics=["cka"], variants=["raw"], draws=50, progress=False
        )
        smallest = found.table["p"].min()
        assert smallest <= found.peaks["p"].iloc[0] <= min(1.0, LAYERS * smallest)
        gained.append(LAYERS * smallest / found.peaks["p"].iloc[0])
    assert np.median(gained) > 1.5


def test_calibrated_similarity_gives_the_same_p():
    package = pytest.importorskip(
        "calibrated_similarity", reason="not a dependency; compared where installed"
    )
    torch = pytest.importorskip("torch")
    states = layers_that_agree(1, strength=0.25)
    x, y = ([torch.tensor(states.layer(code, layer)) for layer in states.layers] for code in ("en", "zh"))
    similarity = lambda a, b: torch.tensor(METRICS["cka"](a.numpy(), b.numpy()).value)  # noqa: E731
    _, p, _ = package.calibrate_layers(x, y, similarity, agg=lambda scores: scores.diagonal().max(), K=150)
    found = profile(states, metrics=["cka"], variants=["raw"], draws=50, progress=False)
    assert found.peaks["p"].iloc[0] == pytest.approx(float(p), abs=0.2)
