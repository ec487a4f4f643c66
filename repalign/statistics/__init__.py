"""Intervals, significance and multiple comparisons: numpy only, independent of metrics and models."""

from repalign.statistics.bootstrap import INTERVALS, difference_p, intervals, resamples
from repalign.statistics.clusters import by_cluster, design_effect
from repalign.statistics.correlation import shuffled_p, spearman, spearman_interval
from repalign.statistics.multiplicity import CORRECTIONS, benjamini_hochberg, holm
from repalign.statistics.peaks import cross_fitted, may_be_best
from repalign.statistics.proportions import (
    effective_sentences,
    paired_share_interval,
    share_difference,
    wilson,
)
from repalign.statistics.random_controls import against_controls, step_down_p
from repalign.statistics.sign_flip import sign_flip_p

__all__ = [
    "CORRECTIONS",
    "INTERVALS",
    "against_controls",
    "benjamini_hochberg",
    "by_cluster",
    "cross_fitted",
    "design_effect",
    "difference_p",
    "effective_sentences",
    "holm",
    "intervals",
    "may_be_best",
    "paired_share_interval",
    "resamples",
    "share_difference",
    "shuffled_p",
    "sign_flip_p",
    "spearman",
    "spearman_interval",
    "step_down_p",
    "wilson",
]
