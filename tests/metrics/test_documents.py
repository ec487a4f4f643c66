"""Which sentences belong together, and which may be exchanged."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from repalign.metrics.documents import Documents, Partition

NAMES = ["b", "a", "b", "lone", "c", "c", "c", "solo"]


def sets_of(partition: Partition) -> set[frozenset[int]]:
    return {frozenset(rows.tolist()) for group in partition.by_size for rows in group}


def test_sentences_alone_in_their_document_may_be_exchanged_with_each_other():
    documents = Documents(NAMES)
    assert sets_of(documents.clusters) == {frozenset(s) for s in ({0, 2}, {1}, {3}, {4, 5, 6}, {7})}
    assert sets_of(documents.strata) == {frozenset(s) for s in ({0, 2}, {4, 5, 6}, {1, 3, 7})}
    assert documents.number.tolist() == [1, 0, 1, 3, 2, 2, 2, 4], "from 0 without gaps"


def test_if_all_are_alone_all_may_be_exchanged():
    assert sets_of(Documents(range(5)).strata) == {frozenset(range(5))}


def test_some_sentences_keep_their_documents():
    taken = Documents(NAMES).take([6, 0, 3, 4])
    assert sets_of(taken.clusters) == {frozenset(s) for s in ({1}, {2}, {0, 3})}
    assert sets_of(taken.strata) == {frozenset(s) for s in ({1, 2}, {0, 3})}, "b has only one sentence left"


def test_orders_stay_within_sets_and_are_all_equally_likely():
    partition = Documents(NAMES).strata
    orders = partition.orders(6000, seed=0)
    index = partition.index.numpy()
    assert (np.sort(orders, axis=1) == np.arange(8)).all()
    assert (index[orders] == index).all()
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 2 * 6 * 6
    assert ((counts - 6000 / 72) ** 2 / (6000 / 72)).sum() < 120, "chi-square, 71 degrees of freedom"
    assert np.array_equal(orders[:5], partition.orders(6000, seed=0)[:5])


def test_the_order_holds_each_set_together():
    partition = Documents(NAMES).strata
    assert sorted(partition.order.tolist()) == list(range(8))
    index = partition.index[partition.order].tolist()
    assert sum(a != b for a, b in pairwise(index)) == 2, "three sets, two borders"


@pytest.mark.parametrize("seed", range(3))
def test_sums_over_sets_equal_loops(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(8, 8))
    partition = Documents(NAMES).clusters
    index = partition.index.numpy()
    blocks = np.array([[matrix[index == a][:, index == b].sum() for b in range(5)] for a in range(5)])
    given = torch.tensor(matrix)
    assert partition.block_sums(given).numpy() == pytest.approx(blocks)
    assert partition.row_sums(given).sum(1).numpy() == pytest.approx(blocks.sum(1))
    assert partition.column_sums(given).sum(0).numpy() == pytest.approx(blocks.sum(0))
    inner = [block for group in partition.diagonal_blocks(given) for block in group]
    assert sum(float(block.sum()) for block in inner) == pytest.approx(np.trace(blocks))
