"""Evidence of the states: pairs that no working layer brings together although their neighbours meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from repalign.metrics.pair import LayerPair, Representation
from repalign.progress import Phase
from repalign.states.layer_states import LayerStates
from repalign.suspects.expectation import expected, standardised
from repalign.suspects.margins import Margins, margins, nearest

TOP = 3
"""Principal directions that are removed, as by the variant no-top-pcs: what all sentences vary along hides what tells them apart."""

WORKING = 0.8
"""A layer works if it brings together at least this share of what the best layer does."""

LEAST = 0.1
"""Share of pairs that the best layer must bring together; below it nothing can be said of a single pair."""


class Meaning(NamedTuple):
    """What the states of a pair of languages say.

    Attributes:
        together: share of rows whose two sides are each other's nearest, float64 [layer].
        working: bool [layer]; none if even the best layer brings too few together.
        by_layer: how much worse each row's lead is than expected, in robust standard deviations, float64 [layer, row].
        score: mean of that over the working layers, standardised anew: float64 [row].
        layers_together: working layers that bring the row together, int64 [row].
        fits: the pivot's row whose translation the text rather is, at most of the working layers; -1 for none: int64 [row].
    """

    together: np.ndarray
    working: np.ndarray
    by_layer: np.ndarray
    score: np.ndarray
    layers_together: np.ndarray
    fits: np.ndarray


def meanings(
    states: LayerStates,
    pivot: str,
    languages: Sequence[str],
    same: np.ndarray,
    lengths: Mapping[str, np.ndarray],
    progress: bool = True,
) -> dict[str, Meaning]:
    """The evidence of all layers, by language.

    The lead of a row is its margin (see `repalign.suspects.margins`) minus the margin of the text's best rival. What is expected
    of it comes from a robust regression on the length of the pair, its square, and the mean margin of its neighbours, so that
    neither a short sentence nor one among sentences that the model cannot tell apart is a suspect for that.

    Args:
        states: of all languages.
        pivot: language that the others are compared with.
        languages: the others.
        same: int [row], equal for rows with the same text in the pivot.
        lengths: logarithms of the tokens of each text, by language, float64 [row].
        progress: whether to show signs of life.

    Raises:
        RepalignError: states that are not finite, or too many rows for this machine's memory.
    """
    import torch

    numbers = torch.as_tensor(same)
    twins = numbers[:, None] == numbers
    found: dict[str, list[Margins]] = {language: [] for language in languages}
    with Phase(
        f"{states.checkpoint}: comparing pairs", len(states.layers), "layers", shown=progress
    ) as phase:
        for layer in states.layers:
            source = without_top(states.layer(pivot, layer))
            neighbours = nearest(source, twins)
            for language, of_language in found.items():
                pair = LayerPair(source, without_top(states.layer(language, layer)))
                of_language.append(margins(pair, twins, neighbours))
            phase.update()
    sizes = {
        language: standardised(lengths[pivot]) + standardised(lengths[language]) for language in languages
    }
    return {language: _meaning(of_language, sizes[language]) for language, of_language in found.items()}


def without_top(states: np.ndarray) -> Representation:
    """States [row, dim], centred by language, without their `TOP` principal directions.

    Means and directions are those of all rows: a single one hardly changes them, and rows are ranked, not scored.

    Raises:
        RepalignError: states that are not finite.
    """
    import torch

    centred = Representation.of(states).centred
    rank = min(TOP, *centred.shape)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        top = torch.svd_lowrank(centred, q=min(rank + 8, *centred.shape), niter=6)[2][:, :rank]
    return Representation(centred - (centred @ top) @ top.T)


def _meaning(found: Sequence[Margins], size: np.ndarray) -> Meaning:
    """
    Args:
        found: one for each layer.
        size: of each row's pair, float64 [row].
    """
    together = np.array([at.together.mean() for at in found])
    working = together >= max(LEAST, WORKING * together.max())
    by_layer = np.array(
        [-standardised(at.lead - expected(at.lead, size, size**2, at.around)) for at in found]
    )
    if not working.any():
        none = np.zeros(len(size))
        return Meaning(together, working, by_layer, none, none.astype(int), none.astype(int) - 1)
    chosen = [at for at, works in zip(found, working, strict=True) if works]
    return Meaning(
        together,
        working,
        by_layer,
        standardised(by_layer[working].mean(axis=0)),
        np.sum([at.together for at in chosen], axis=0),
        _fits(np.array([at.rival for at in chosen]), np.array([at.lead < 0 for at in chosen])),
    )


def _fits(rivals: np.ndarray, better: np.ndarray) -> np.ndarray:
    """The rival that wins at more than half of the layers, -1 for none: int64 [row].

    Args:
        rivals: int64 [layer, row].
        better: whether the rival fits better than the row itself, bool [layer, row].
    """
    fits = np.full(rivals.shape[1], -1)
    for row in np.flatnonzero(better.sum(axis=0) * 2 > len(better)).tolist():
        names, counts = np.unique(rivals[better[:, row], row], return_counts=True)
        if counts.max() * 2 > len(better):
            fits[row] = names[counts.argmax()]
    return fits
