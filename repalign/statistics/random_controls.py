"""An intervention against random ones of its kind: is this one special, or does any do as much?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from repalign.statistics.clusters import by_cluster


class AgainstControls(NamedTuple):
    """Outcomes of an intervention beside those of random ones, all float64 [outcome].

    Attributes:
        control: mean over random interventions and sentences.
        low, high: between which the intervention would lie, were it one of the random ones.
        p: two-sided, that it is one of the random ones.
    """

    control: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def against_controls(
    chosen: np.ndarray, controls: np.ndarray, clusters: np.ndarray | None = None, confidence: float = 0.95
) -> AgainstControls:
    """Test whether an intervention differs from random ones, each measured on the same sentences.

    The null hypothesis is that the chosen intervention was drawn like the controls, and that only the sentences and the
    draw made its mean outcome what it is. Its variance around the mean of K controls is that of a further draw,
    (1 + 1/K) times the variance between draws, and that of the sentences. As controls are measured on sentences too, their
    means vary more than draws do: the share of the sentences is subtracted first, so that it is counted once (random effects,
    as in the analysis of variance). Degrees of freedom are Satterthwaite's (1946, doi 10.2307/3002019): hardly more than
    K - 1 where draws vary most, so that p is honest with few controls.

    Args:
        chosen: outcome of the intervention, float64 [outcome, sentence].
        controls: outcomes of K >= 2 random interventions, float64 [control, outcome, sentence].
        clusters: int [sentence], numbered from 0 without gaps, e.g. documents; None: all sentences are independent.
        confidence: of `low` and `high`.
    """
    draws = len(controls)
    centre = controls.mean(0)
    control, between = centre.mean(-1), controls.mean(-1).var(0, ddof=1)
    of_chosen, freedom = _variance_of_mean(chosen - centre, clusters)
    of_controls, _ = _variance_of_mean(controls - centre, clusters)
    of_controls = (
        of_controls.mean(0) * draws / (draws - 1)
    )  # the controls' own mean is nearer to each of them

    one_more = 1 + 1 / draws
    variance = of_chosen + one_more * np.maximum(between - of_controls, 0)
    spread = (one_more * between) ** 2 / (draws - 1) + (
        of_chosen**2 + (one_more * of_controls) ** 2 / draws
    ) / freedom
    freedom = np.divide(variance**2, spread, out=np.ones_like(variance), where=spread > 0)
    error = np.sqrt(variance)
    half = special.stdtrit(freedom, (1 + confidence) / 2) * error
    difference = np.abs(chosen.mean(-1) - control)
    t = np.divide(difference, error, out=np.zeros_like(error), where=error > 0)
    p = np.where(error > 0, 2 * special.stdtr(freedom, -t), np.where(difference > 0, 1 / (draws + 1), 1.0))
    return AgainstControls(control, control - half, control + half, np.maximum(p, np.finfo(float).tiny))


def step_down_p(outcomes: np.ndarray) -> np.ndarray:
    """p of every outcome, adjusted over all of them, from as many wholly random studies as there are controls.

    Were no intervention special, the study would be exchangeable with those in which each is replaced by its k-th
    control. The largest deviation of the study is therefore ranked among the largest ones of the others, then the largest
    but one among the largest of the same outcomes that remain, and so on: Westfall and Young's step-down maximum (1993,
    Resampling-Based Multiple Testing), which controls the family-wise error rate whatever the distribution.

    Args:
        outcomes: of the study, then of each random one: float64 [1 + control, outcome].

    Returns:
        float64 [outcome], at least 1 / (1 + controls).
    """
    # Every study is compared with all others, so that none is treated differently from the rest.
    others, deviation = len(outcomes) - 1, outcomes - outcomes.mean(0)
    squares = (deviation**2).sum(0)
    # Leaving a study out of the mean and variance is a monotone function of its share of the sum of squares.
    share = np.divide(deviation**2, squares, out=np.zeros_like(deviation), where=squares > 0)
    order = np.argsort(-share[0], kind="stable")
    largest = np.maximum.accumulate(share[:, order[::-1]], axis=1)[:, ::-1]
    exceeding = (largest[1:] >= share[0, order] * (1 - 1e-12)).sum(0)
    p = np.empty(len(order))
    p[order] = np.maximum.accumulate((1 + exceeding) / (1 + others))
    return p


def _variance_of_mean(values: np.ndarray, clusters: np.ndarray | None) -> tuple[np.ndarray, int]:
    """Variance of the mean over sentences [...] and its degrees of freedom, given values [..., sentence]."""
    units = by_cluster(values - values.mean(-1, keepdims=True), clusters)
    count = units.shape[-1]
    return (units**2).sum(-1) / (count * max(count - 1, 1)), max(count - 1, 1)
