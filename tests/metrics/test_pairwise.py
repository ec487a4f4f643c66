"""Matrices in panels give what the whole matrix gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repalign.metrics import METRICS, LayerPair, pairwise
from repalign.metrics.contract import related
from repalign.metrics.descriptors.geometry import tied
from repalign.metrics.documents import Documents, Shuffles
from repalign.metrics.metric import Scores
from repalign.metrics.pairwise import Pairwise
from repalign.scoring.confusions import retrieval_errors

IN_PANELS = [
    "p_at_1",
    "mexa",
    "csls",
    "xsim_ratio",
    "xsim_distance",
    "xsim_absolute",
    "cosine_gap",
    "anc",
    "ilo",
]
DOCUMENTS = {
    "no documents": None,
    "documents": np.minimum(np.arange(150) // 7, 15),
}  # the last is a large one


def made(documents: np.ndarray | None, cone: float) -> LayerPair:
    """Two related languages, with a tie and with a state of 0, in a cone or not: float32."""
    x, y = (side.astype(np.float32) + cone for side in related(150, 20, 0.5))
    y[3] = y[4]
    x[5] = 0
    pair = LayerPair.of(x, y)
    return pair if documents is None else LayerPair(pair.source, pair.target, Documents(documents))


def scored(name: str, pair: LayerPair) -> tuple[Scores, np.ndarray | None]:
    scores = METRICS[name](pair)
    shuffles = Shuffles.of(pair.sentences, pair.strata, 30, seed=0)
    sample = scores.null.sample if scores.null else None
    return scores, None if sample is None else sample(shuffles)


@pytest.mark.parametrize("cone", [0.0, 30.0])
@pytest.mark.parametrize("documents", DOCUMENTS.values(), ids=list(DOCUMENTS))
@pytest.mark.parametrize("name", IN_PANELS)
def test_scores_in_panels_are_those_of_the_whole_matrix(name, documents, cone, monkeypatch):
    expected = [scored(name, side) for side in (made(documents, cone), made(documents, cone).reverse)]
    monkeypatch.setattr(pairwise, "ROOM", 4 * 150 * 40)  # 40 rows
    monkeypatch.setattr(pairwise, "check_square", lambda n, *_: n < 150 or pytest.fail("whole"))
    pair = made(documents, cone)
    near = {"rel": 1e-4, "abs": 1e-7}
    for (want, want_sample), (got, got_sample) in zip(
        expected, [scored(name, pair), scored(name, pair.reverse)], strict=True
    ):
        assert got.value == pytest.approx(want.value, **near)
        for field in ("per_sentence", "influence"):
            if getattr(want, field) is not None:
                np.testing.assert_allclose(getattr(got, field), getattr(want, field), 1e-4, 1e-6)
        if want.kind == "share":
            assert torch.equal(got.per_sentence, want.per_sentence)
            np.testing.assert_allclose(
                got.null.hits, want.null.hits, 1e-2, 1e-6
            )  # ties that are no hits either way
        for moment in ("mean", "sd", "skew"):
            assert getattr(got.null, moment) == pytest.approx(getattr(want.null, moment), rel=1e-3, abs=1e-6)
        if want_sample is not None:
            np.testing.assert_allclose(got_sample, want_sample, 1e-4, 1e-6)


def test_both_directions_take_one_pass(monkeypatch):
    monkeypatch.setattr(pairwise, "ROOM", 4 * 150 * 40)
    pair = made(None, 0.0)
    passes = []
    both_ways = pairwise._largest_both_ways
    monkeypatch.setattr(
        pairwise, "_largest_both_ways", lambda matrix, k: passes.append(k) or both_ways(matrix, k)
    )
    for name in ("p_at_1", "mexa", "xsim_ratio"):
        METRICS[name](pair)
        METRICS[name](pair.reverse)
    assert passes == [pairwise.MOST]
    METRICS["csls"](pair)
    METRICS["csls"](pair.reverse)
    assert len(passes) == 2  # and one over the scores of CSLS


def test_what_is_read_off_a_matrix_is_the_same_in_panels(monkeypatch):
    matrix = torch.randn(50, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    dense = Pairwise.of(matrix)
    monkeypatch.setattr(pairwise, "ROOM", 8 * 30 * 7)
    parts = Pairwise((50, 30), lambda rows, columns: matrix[rows][:, columns], matrix)
    assert not parts.is_small
    assert dense.is_small
    for one, other in ((parts, dense), (parts.T, dense.T)):
        for k in (1, 3, 20):
            assert torch.equal(one.largest(k).values, other.largest(k).values)
            assert torch.equal(one.largest(k).columns, other.largest(k).columns)
        for mean, expected in zip(one.means(), other.means(), strict=True):
            torch.testing.assert_close(mean, expected)
        assert torch.equal(one.diagonal(), other.diagonal())
    rows = torch.tensor([3, 1, 4])
    assert torch.equal(parts.take(rows).whole, matrix[rows][:, rows])
    assert (parts.without_diagonal().whole.diagonal() == -torch.inf).all()


def test_tables_beside_scores_are_the_same_in_panels(monkeypatch):
    pair = made(None, 0.0)
    expected = [retrieval_errors(pair, margin) for margin in ("absolute", "distance")], tied(pair.target)
    monkeypatch.setattr(pairwise, "ROOM", 4 * 150 * 40)
    pair = made(None, 0.0)
    found = [retrieval_errors(pair, margin) for margin in ("absolute", "distance")], tied(pair.target)
    assert found[1] == expected[1] > 0
    for errors, wanted in zip(found[0], expected[0], strict=True):
        assert len(errors) == len(wanted) > 0
        for error, want in zip(errors, wanted, strict=True):
            del error["taken_for"], want["taken_for"]  # of the state of 0 any: its cosines are all 0
            assert error == pytest.approx(want, rel=1e-5, abs=1e-6)
