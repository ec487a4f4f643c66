"""Two made languages, of which golden values are known."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np


def golden_inputs(n: int = 60, d: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Two languages made from seeds; the values below were computed by plain numpy formulas on them."""
    meaning = np.random.default_rng(0).normal(size=(n, 16))

    def language(seed: int) -> np.ndarray:
        mixing = np.random.default_rng(seed).normal(size=(16, d))
        own = 1.5 * np.random.default_rng(seed + 9).normal(size=(n, d))
        return meaning @ mixing + own + 2 * np.random.default_rng(seed + 5).normal(size=d)

    x = language(1)
    return x, 0.5 * language(2) + 0.6 * x


def every_order(index: np.ndarray) -> np.ndarray:
    """All orders that exchange sentences within sets: int [order, sentence]."""
    sets = [np.flatnonzero(index == one) for one in np.unique(index)]
    orders = []
    for parts in product(*(permutations(rows) for rows in sets)):
        order = np.empty(len(index), dtype=np.int64)
        for rows, part in zip(sets, parts, strict=True):
            order[rows] = part
        orders.append(order)
    return np.array(orders)
