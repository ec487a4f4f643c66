"""Short measurements of this machine: the blocks of a model on batches of a plan, and scoring on states of its size."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from transformers import PretrainedConfig

BLOCKS = 4
"""Blocks of the model that are made, with random weights; the others take as long."""

SAMPLES = 6
"""Batches that are read, from the shortest sentences to the longest."""

TURNS = 3
"""How often each: the median counts."""

SCORED = 1000
"""Sentences that scoring is measured on at most; beyond, time grows with their square."""


def cpu_seconds(work: Callable[[], object]) -> float:
    """Seconds that this process computes for some work on one core, whatever else runs on the machine: the median of `TURNS`."""
    seconds = []
    for _ in range(TURNS):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds))


def seconds_of_batches(
    config: PretrainedConfig, batches: Sequence[tuple[int, int]], dtype: str, poolings: Sequence[Any]
) -> float:
    """Seconds that one core needs to read batches.

    Args:
        config: of the model.
        batches: rows and padded length of each.
        dtype: that the model runs in.
        poolings: see `repalign.models.pooling.POOLINGS`.

    Raises:
        RepalignError: the model cannot be made.
    """
    import torch

    from repalign.planning.sizes import body_and_blocks

    short, share = shortened(config)
    body, _ = body_and_blocks(short, "cpu")
    body = body.to(getattr(torch, dtype))
    vocabulary = config.get_text_config().vocab_size
    order = sorted(set(batches), key=lambda batch: batch[0] * batch[1] ** 1.1)
    chosen = [order[i] for i in sorted({*np.linspace(0, len(order) - 1, SAMPLES).round().astype(int)})]
    generator = torch.Generator().manual_seed(0)

    @torch.inference_mode()
    def read(rows: int, width: int) -> None:
        ids = torch.randint(vocabulary, (rows, width), generator=generator)
        mask = torch.ones_like(ids)
        found = body(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        for hidden in found.hidden_states[
            1:
        ]:  # that of the embeddings is read once, whatever the number of blocks
            for pooling in poolings:
                pooling(hidden.float(), mask.bool(), mask.bool())

    read(*chosen[0])
    tokens = np.array([rows * width for rows, width in chosen], dtype=float)
    seconds = np.array([cpu_seconds(lambda batch=batch: read(*batch)) for batch in chosen])
    every = np.array([rows * width for rows, width in batches], dtype=float)
    rates = np.interp(every, tokens, seconds / tokens)
    return float((every * rates).sum() / share)


def shortened(config: PretrainedConfig) -> tuple[PretrainedConfig, float]:
    """The configuration of the first blocks of a model, and their share of all blocks."""
    from copy import deepcopy

    short = deepcopy(config)
    text = short.get_text_config()
    total = text.num_hidden_layers
    kept = min(BLOCKS, total)
    for name, value in list(vars(text).items()):
        if isinstance(value, list) and len(value) == total:  # one kind of attention for each block
            setattr(text, name, value[:kept])
    text.num_hidden_layers = kept
    return short, kept / total


def seconds_of_scoring(sentences: int, dim: int) -> float:
    """Seconds that one core needs for one pair of languages at one layer: default metrics and variants, random states."""
    from repalign.scoring.profiling import profile
    from repalign.states.layer_states import LayerStates

    some = min(sentences, SCORED)
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(2, some, dim))
    arrays = {name: (meaning + rng.normal(size=meaning.shape)).astype(np.float32) for name in ("en", "xx")}
    states = LayerStates.from_arrays(arrays)
    seconds = cpu_seconds(lambda: profile(states, progress=False)) / len(states.layers)
    return seconds * (sentences / some) ** 2
