"""Batches of sentences of similar length within a budget of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from repalign.models.tokenization import Tokens

BUSY = 2048
"""Tokens in a batch that keep any device busy; a CPU, whose budget is smaller, needs an eighth of it."""


def plan(lengths: Sequence[int], budget: int) -> Iterator[np.ndarray]:
    """Batches of row numbers, of similar length, each at most `budget` padded tokens (at least one row).

    A batch large enough to keep the device busy also ends where the next row is a tenth longer than its first: there
    padding costs more than another batch. The plan depends only on lengths and budget, so that a resumed run forms the
    same batches.
    """
    order = np.argsort(np.asarray(lengths), kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        rows = end - start
        if end < len(order):
            # Lengths ascend: the row at `end` would be the longest, so it decides the padded length.
            longest, last, first = (lengths[order[i]] for i in (end, end - 1, start))
            full = (rows + 1) * longest > budget
            busy = rows * last >= min(budget / 8, BUSY)
            if not full and not (busy and longest > 1.1 * first):
                continue
        yield order[start:end]
        start = end


def common_prefix(rows: Sequence[Tokens]) -> int:
    """Number of leading tokens that all rows share and that are not content: the template's part before the sentence (and BOS)."""
    first = rows[0].ids
    shared = min(int(np.argmax(row.content)) for row in rows)
    for row in rows:
        same = row.ids[:shared] == first[:shared]
        shared = shared if same.all() else int(np.argmin(same))
    return shared


def pad(rows: Sequence[Tokens], skip: int, pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Right-padded ids, content mask and real mask [sentence, token], without the first `skip` tokens.

    On the right, because padding on the left shifts the positions of some model families.
    """
    width = max(len(row.ids) for row in rows) - skip
    ids = torch.full((len(rows), width), pad_id, dtype=torch.long)
    content = torch.zeros(len(rows), width, dtype=torch.bool)
    real = torch.zeros(len(rows), width, dtype=torch.bool)
    for index, row in enumerate(rows):
        length = len(row.ids) - skip
        ids[index, :length] = torch.from_numpy(row.ids[skip:])
        content[index, :length] = torch.from_numpy(row.content[skip:])
        real[index, :length] = True
    return ids, content, real
