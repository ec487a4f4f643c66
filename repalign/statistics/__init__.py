"""Intervals, significance and multiple comparisons: numpy only, independent of metrics and models."""

from repalign.statistics.bootstrap import INTERVALS, difference_p, intervals, resamples
from repalign.statistics.clusters import by_cluster, design_effect, effective_size
from repalign.statistics.correlation import shuffled_p, spearman
from repalign.statistics.multiplicity import CORRECTIONS, benjamini_hochberg, holm
from repalign.statistics.peaks import cross_fitted, may_be_best
from repalign.statistics.proportions import wilson

__all__ = [
    "CORRECTIONS",
    "INTERVALS",
    "benjamini_hochberg",
    "by_cluster",
    "cross_fitted",
    "design_effect",
    "difference_p",
    "effective_size",
    "holm",
    "intervals",
    "may_be_best",
    "resamples",
    "shuffled_p",
    "spearman",
    "wilson",
]
