"""Metrics: one file per kind; a metric takes a pair of layers and returns scores.

Importing the metrics does not import torch: the functions do so when called.

>>> METRICS["cka"](x, y).value          # x, y: numpy arrays or tensors [sentence, dim]
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from repalign.errors import RepalignError, unknown
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
    "as_metrics",
    "find",
    "metric",
    "metrics_of_file",
]

DEFAULT_METRICS = ("cka", "mexa", "p_at_1", "anc", "mutual_knn", "cosine_gap")
"""What is scored unless other metrics are named."""

ENTRY_POINTS = "repalign.metrics"
"""Entry point group through which a package adds metrics: `name = "package.module:metric"`."""


def find(name: str) -> Metric:
    """A metric by name, or a custom metric from a file: `FILE.py:NAME`, or `FILE.py` if it defines only one.

    Raises:
        RepalignError: an unknown name (with the closest known one), or no such file or metric in it.
    """
    path, _, metric_name = name.partition(":")
    if not path.endswith(".py"):
        return METRICS[name]
    defined = {metric.name: metric for metric in metrics_of_file(path)}
    if metric_name and metric_name not in defined:
        raise unknown("metric", metric_name, defined, f"{path} defines no other")
    if not metric_name and len(defined) > 1:
        raise RepalignError(f"{path} defines {', '.join(defined)}; name one as {path}:{next(iter(defined))}")
    return defined[metric_name] if metric_name else next(iter(defined.values()))


def as_metrics(metrics: str | Metric | Iterable[str | Metric]) -> tuple[Metric, ...]:
    """Metrics by name (see `find`) or as they are; a single one will do.

    Raises:
        RepalignError: an unknown name, with the near miss; something that is no metric; or none at all.
    """
    given = [metrics] if isinstance(metrics, (str, Metric)) else list(metrics)
    if not given:
        raise RepalignError(f"no metric to compute; known are {', '.join(METRICS)}")
    for item in given:
        if not isinstance(item, (str, Metric)):
            raise RepalignError(
                f"a metric is a name or a function decorated with @repalign.metric, not {type(item).__name__}"
            )
    return tuple(item if isinstance(item, Metric) else find(item) for item in given)


def metrics_of_file(path: str | Path) -> list[Metric]:
    """The metrics defined in a Python file, which is executed.

    Raises:
        RepalignError: no such file, not Python, or no metric in it.
    """
    path = Path(path)
    if not path.is_file():
        raise RepalignError(
            f"no file {path}; expected a Python file that defines metrics with @repalign.metric"
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise RepalignError(f"{path} is not a Python file; metrics are defined in one, with @repalign.metric")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (ImportError, SyntaxError) as error:
        raise RepalignError(f"{path} cannot be run: {error}") from error
    defined = [metric for metric in metrics_in(module) if metric.name not in METRICS]
    if not defined:
        raise RepalignError(
            f"{path} defines no new metric; decorate a function of a LayerPair with @repalign.metric"
        )
    return defined


def metrics_in(module: ModuleType) -> list[Metric]:
    """The metrics among a module's attributes."""
    return [item for item in vars(module).values() if isinstance(item, Metric)]


def _discover() -> None:
    for info in pkgutil.iter_modules(__path__):
        for builtin in metrics_in(importlib.import_module(f"{__name__}.{info.name}")):
            METRICS.add(builtin.name, builtin)
    for point in entry_points(group=ENTRY_POINTS):
        loaded = point.load()
        if not isinstance(loaded, Metric):
            raise RepalignError(
                f"entry point {point.name!r} ({point.value}) is {type(loaded).__name__}, not a metric; "
                "decorate it with @repalign.metric(...)"
            )
        METRICS.add(loaded.name, loaded)


_discover()
