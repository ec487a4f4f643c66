"""How far each sentence moves a score, and the score of shuffled translations: from a metric to statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import special

from repalign.metrics import LayerPair, Metric, Null, Scores
from repalign.metrics.documents import Shuffles
from repalign.statistics.bootstrap import student_quantile


def influence_of(metric: Metric, pair: LayerPair, scores: Scores, seed: int = 0) -> np.ndarray:
    """How far each sentence moves a score, from the metric or by a jackknife: float64 [sentence]."""
    if scores.influence is not None:
        return scores.influence.double().cpu().numpy()
    if scores.per_sentence is not None:
        return scores.per_sentence.double().cpu().numpy() - scores.value
    if np.isnan(scores.value):
        return np.full(pair.sentences, np.nan)
    return jackknife(metric, pair, scores.value, seed=seed)


def jackknife(metric: Metric, pair: LayerPair, value: float, groups: int = 20, seed: int = 0) -> np.ndarray:
    """Influence of a metric that does not return any, by leaving out one group of sentences after another.

    Documents are left out whole. All sentences, or documents, of a group share one influence, scaled by the square root
    of their number so that a sum over them has the right variance, and by Student's t over the normal quantile for
    so few groups.
    """
    clusters = np.arange(pair.sentences) if pair.documents is None else pair.documents.number
    units = int(clusters.max()) + 1
    groups = min(groups, units)
    group = np.random.default_rng(seed).permutation(units) % groups
    moved = np.empty(groups)
    for left_out in range(groups):
        kept = np.flatnonzero(group[clusters] != left_out)
        size = int((group == left_out).sum())
        moved[left_out] = (value - metric(pair.take(kept)).value) * (units - size) / size * size**0.5
    few = special.stdtrit(groups - 1, 0.975) / special.ndtri(0.975)
    influence = (moved - moved.mean())[group] * few * np.sqrt(groups / (groups - 1))
    share = (
        pair.sentences / units / np.bincount(clusters)
    )  # so that the sentences of a document sum to its influence
    influence = (influence * share)[clusters]
    return influence - influence.mean()


def shuffled(metric: Metric, pair: LayerPair, shuffles: int, seed: int = 0) -> Null:
    """The distribution of a metric under shuffling, estimated by `shuffles` shuffles: for metrics without a closed form."""
    orders = Shuffles.of(pair.sentences, pair.strata, shuffles, seed).orders
    values = np.array([metric(pair.shuffled(order)).value for order in orders])
    return replace(Null.of_shuffles(values.tolist()), sample=lambda _: values)


def score_interval(
    value: float, influence: np.ndarray, null: Null, confidence: float = 0.95
) -> tuple[float, float]:
    """Score interval of a mean over pairs of sentences, such as CKA: all true values compatible with the observed one.

    As for a share, the variance depends on the true value. It is interpolated linearly from the variance under
    shuffling, where only pairs of sentences matter, to the one measured at the observed value; its slope is at
    least that of the noncentral distribution implied by the null's skewness, and it vanishes for identical
    languages.

    Args:
        value: observed; at most 1, for identical languages.
        influence: [sentence], without the contribution of pairs, which would count twice.
        null: distribution under shuffling.
        confidence: share of intervals that should contain the true value.
    """
    if np.isnan(value):
        return np.nan, np.nan
    z = float(student_quantile(influence, confidence))
    measured = float((influence**2).sum()) / len(influence) ** 2
    above = value - null.mean
    room = (1 - min(max(above / (1 - null.mean), 0.0), 1.0)) ** 2
    least = room * null.sd**2
    if above <= 0:
        least = max(least, measured)
    slope = max(room * null.skew * null.sd, (measured - least) / above if above > 0 else 0.0, 0.0)
    middle = above + z**2 * slope / 2
    half = max(middle**2 - above**2 + z**2 * least, 0.0) ** 0.5
    return value + min(middle - half - above, 0.0), value + max(middle + half - above, 0.0)


def floor_influence_at_null(influence: np.ndarray, null: Null, p: float) -> np.ndarray:
    """Influence scaled to the standard error under shuffling if a score does not differ significantly from chance (p > .05).

    Near chance no single sentence moves a score such as Procrustes, only pairs do, and a jackknife counts those
    twice.
    """
    error = float(np.linalg.norm(influence)) / len(influence)
    if p > 0.05 and error > null.sd:
        return influence * (null.sd / error)
    return influence
