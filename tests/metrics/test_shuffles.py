"""Shuffles that are the same at every layer, and the values of a score under them."""

from __future__ import annotations

import numpy as np
import pytest

from repalign.metrics import DEFAULT_METRICS, METRICS, LayerPair
from repalign.metrics.documents import FEW, Documents, Partition, Shuffles

SAMPLED = (*DEFAULT_METRICS, "rsa", "cka_biased")
SIZES = [3, 4, 5, 6, 8, 8, 10, 12, 12]


def pair(seed: int = 0, in_documents: bool = True, dims: int = 10) -> LayerPair:
    rng = np.random.default_rng(seed)
    documents = np.repeat(np.arange(len(SIZES)), SIZES)
    meaning = rng.normal(size=(len(documents), dims))
    made = LayerPair.of(
        *(meaning + rng.normal(size=(2, len(documents), dims)) + rng.normal(size=(2, 1, dims)))
    )
    return LayerPair(made.source, made.target, Documents(documents)) if in_documents else made


def sample_of(name: str, of: LayerPair, shuffles: Shuffles) -> np.ndarray:
    null = METRICS[name](of).null
    assert null is not None
    assert null.sample is not None
    return null.sample(shuffles)


@pytest.mark.parametrize("in_documents", [True, False])
@pytest.mark.parametrize("name", SAMPLED)
def test_values_under_shuffles_have_the_moments_of_the_null(name, in_documents):
    made = pair(in_documents=in_documents)
    values = sample_of(name, made, Shuffles.of(made.sentences, made.strata, 2000, seed=0))
    null = METRICS[name](made).null
    assert null is not None
    assert values.mean() == pytest.approx(null.mean, abs=4 * null.sd / 2000**0.5)
    assert values.std() == pytest.approx(null.sd, rel=0.15)


@pytest.mark.parametrize("name", ["anc", "p_at_1", "mexa", "cosine_gap", "mutual_knn"])
def test_a_value_is_the_score_of_the_shuffled_pair(name):
    made = pair()
    shuffles = Shuffles.of(made.sentences, made.strata, 5, seed=1)
    values = sample_of(name, made, shuffles)
    # METRICS: row i of the source meets row order[i] of the target.
    scores = [METRICS[name](made.shuffled(order)).value for order in shuffles.orders]
    assert values == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize("name", ["p_at_1", "mexa", "anc", "cosine_gap"])
def test_both_directions_see_the_same_pairs(name):
    made = pair()
    shuffles = Shuffles.of(made.sentences, made.strata, 20, seed=0)
    there = sample_of(name, made, shuffles)
    back = sample_of(name, made.reverse, shuffles.inverse)
    assert np.array_equal(
        np.take_along_axis(shuffles.orders, shuffles.inverse.orders, 1)[0], np.arange(made.sentences)
    )
    forward = [METRICS[name](made.shuffled(order)) for order in shuffles.orders]
    assert there == pytest.approx([one.value for one in forward], abs=1e-6)
    backward = [METRICS[name](made.shuffled(order).reverse).value for order in shuffles.orders]
    assert back == pytest.approx(backward, abs=1e-6)


@pytest.mark.parametrize("name", SAMPLED)
def test_layers_that_are_equal_have_equal_values_and_others_have_not(name):
    first, same, other = pair(0), pair(0), pair(1)
    shuffles = Shuffles.of(first.sentences, first.strata, 200, seed=0)
    values, again, elsewhere = (sample_of(name, one, shuffles) for one in (first, same, other))
    assert np.array_equal(values, again)
    assert abs(np.corrcoef(values, elsewhere)[0, 1]) < 0.5


def test_layers_that_are_alike_have_values_that_go_together():
    first = pair(0)
    rng = np.random.default_rng(5)
    near = LayerPair.of(
        *(side + 0.1 * rng.normal(size=side.shape) for side in (first.x.numpy(), first.y.numpy()))
    )
    near = LayerPair(near.source, near.target, first.documents)
    shuffles = Shuffles.of(first.sentences, first.strata, 200, seed=0)
    for name in ("cka", "rsa", "mutual_knn", "anc", "cosine_gap"):
        values, others = (sample_of(name, one, shuffles) for one in (first, near))
        assert np.corrcoef(values, others)[0, 1] > 0.7, name


def test_a_few_sentences_stand_for_all_in_whole_documents_if_possible():
    strata = Partition(np.repeat(np.arange(8), 20))
    rows, orders = Shuffles.of(160, strata, 30, seed=0).few
    assert len(rows) == FEW
    index = strata.index.numpy()[rows]
    assert (index[orders] == index).all()
    assert np.bincount(index).tolist() == [20, 20, 20, 4]
