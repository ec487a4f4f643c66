"""Metrics: one file per kind; a metric takes a pair of layers and returns scores.

Importing the metrics does not import torch: the functions do so when called.

>>> METRICS["cka"](x, y).value          # x, y: numpy arrays or tensors [sentence, dim]
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable

from repalign.errors import RepalignError, unknown
from repalign.metrics.custom import metric_offered, metrics_in, metrics_named, metrics_of_file, offered, split
from repalign.metrics.metric import INVARIANCES, METRICS, Metric, Scores, metric
from repalign.metrics.null import Null
from repalign.metrics.pair import LayerPair, Representation

__all__ = [
    "DEFAULT_METRICS",
    "INVARIANCES",
    "METRICS",
    "LayerPair",
    "Metric",
    "Null",
    "Representation",
    "Scores",
    "address",
    "as_metrics",
    "find",
    "metric",
    "metrics_named",
    "metrics_of_file",
    "offered",
]

DEFAULT_METRICS = ("cka", "mexa", "p_at_1", "anc", "mutual_knn", "cosine_gap")
"""What is scored unless other metrics are named."""


def find(name: str) -> Metric:
    """A metric by name or label, one that an installed package offers, or a custom metric from a file: `FILE.py:NAME`, or `FILE.py` if it
    defines only one.

    Raises:
        RepalignError: an unknown name (with the closest known one), no such file or metric in it, or code that fails.
    """
    path, _ = split(name)
    if path:
        defined = metrics_named(name)
        if len(defined) > 1:
            names = [metric.name for metric in defined]
            raise RepalignError(f"{path} defines {', '.join(names)}; name one as {path}:{names[0]}")
        return defined[0]
    if METRICS.name_of(name) is None:
        packages = offered()
        if name not in packages:
            raise unknown("metric", name, {*METRICS, *packages})
        METRICS.add(name, metric_offered(packages[name]))
    return METRICS[name]


def as_metrics(metrics: str | Metric | Iterable[str | Metric]) -> tuple[Metric, ...]:
    """Metrics by name (see `find`) or as they are; a single one will do.

    Raises:
        RepalignError: an unknown name, with the near miss; something that is no metric; two of one name; or none at all.
    """
    given = [metrics] if isinstance(metrics, (str, Metric)) else list(metrics)
    if not given:
        raise RepalignError(f"no metric to compute; known are {', '.join(METRICS)}")
    for item in given:
        if not isinstance(item, (str, Metric)):
            raise RepalignError(
                f"a metric is a name or a function decorated with @repalign.metric, not {type(item).__name__}"
            )
    found = tuple(dict.fromkeys(item if isinstance(item, Metric) else find(item) for item in given))
    names = [metric.name for metric in found]
    for name in names:
        if names.count(name) > 1:
            raise RepalignError(
                f"two metrics are named {name!r}, and tables could not tell them apart; rename one of them"
            )
    return found


def address(metric: Metric) -> str:
    """The name by which another process finds a metric: see `find`.

    Raises:
        RepalignError: it is defined where no other process can read it, such as in a notebook.
    """
    if metric.name in METRICS and METRICS[metric.name] is metric:
        return metric.name
    home = str(getattr(metric.function, "__module__", ""))
    path = getattr(sys.modules.get(home), "__file__", None)
    if not path or home == "__main__":
        raise RepalignError(
            f"other processes cannot read the metric {metric.name!r}; define it in a file and name it as FILE.py:{metric.name}"
        )
    return f"{path}:{metric.name}"


def _register_built_in() -> None:
    for info in pkgutil.iter_modules(__path__):
        for built_in in metrics_in(importlib.import_module(f"{__name__}.{info.name}")):
            METRICS.add(built_in.name, built_in)


_register_built_in()
