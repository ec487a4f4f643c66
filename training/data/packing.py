"""Several items per row, none of which attends to another."""

from __future__ import annotations

import bisect
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from .encoding import Encoded

IGNORED = -100
"""The label of a position that is not learnt, as in transformers and torch."""


def pack(lengths: Sequence[int], max_length: int, seed: int) -> list[list[int]]:
    """Best-fit decreasing: each item, longest first, goes into the fullest row with room for it.

    Args:
        lengths: tokens of each item.
        max_length: tokens per row.
        seed: of the order of rows, and of items within rows, which are both random.

    Returns:
        The indices of the items of each row.
    """
    rng = random.Random(seed)
    order = sorted(rng.sample(range(len(lengths)), len(lengths)), key=lengths.__getitem__, reverse=True)
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (tokens left, row), ascending
    for index in order:
        length = lengths[index]
        fullest = bisect.bisect_left(room, (length, -1))
        if fullest < len(room):
            left, row = room.pop(fullest)
        else:
            left, row = max_length, len(rows)
            rows.append([])
        rows[row].append(index)
        if left > length:
            bisect.insort(room, (left - length, row))
    for row in rows:
        rng.shuffle(row)
    rng.shuffle(rows)
    return rows


class Rows:
    """Packed rows as a map-style data set: index -> the encoded items of that row."""

    def __init__(self, items: Sequence[Encoded], rows: Sequence[Sequence[int]]) -> None:
        self.items, self.rows = items, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> list[Encoded]:
        return [self.items[item] for item in self.rows[index]]

    @property
    def tokens(self) -> int:
        return sum(len(item) for item in self.items)


class Collator:
    """Rows to one batch, padded on the right to its longest row.

    Positions restart at every item, by which transformers separates packed items when there is no attention
    mask; padding counts as a separate item. Labels are aligned with their tokens (the loss shifts them), and the
    first token of an item has none. All three tensors are int64 [row, token].
    """

    def __init__(self, pad_token_id: int) -> None:
        self.pad_token_id = pad_token_id

    def __call__(self, rows: Sequence[Sequence[Encoded]]) -> dict[str, Any]:
        import torch

        shape = len(rows), max(sum(map(len, row)) for row in rows)
        ids = np.full(shape, self.pad_token_id, np.int64)
        positions = np.zeros(shape, np.int64)
        labels = np.full(shape, IGNORED, np.int64)
        for r, row in enumerate(rows):
            start = 0
            for item in row:
                end, answer = start + len(item), max(item.answer, 1)
                ids[r, start:end] = item.ids
                positions[r, start:end] = np.arange(len(item))
                labels[r, start + answer : end] = item.ids[answer:]
                start = end
            positions[r, start:] = np.arange(shape[1] - start)
        batch = {"input_ids": ids, "position_ids": positions, "labels": labels}
        return {key: torch.from_numpy(value) for key, value in batch.items()}
