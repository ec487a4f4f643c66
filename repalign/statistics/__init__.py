"""Intervals, significance and multiple comparisons: numpy only, independent of metrics and models."""

from repalign.statistics.bootstrap import INTERVALS, difference_p, intervals, resamples
from repalign.statistics.clusters import by_cluster, design_effect
from repalign.statistics.correlation import shuffled_p, spearman
from repalign.statistics.multiplicity import CORRECTIONS, benjamini_hochberg, holm
from repalign.statistics.proportions import wilson

__all__ = [
    "CORRECTIONS",
    "INTERVALS",
    "benjamini_hochberg",
    "by_cluster",
    "design_effect",
    "difference_p",
    "holm",
    "intervals",
    "resamples",
    "shuffled_p",
    "spearman",
    "wilson",
]
