"""Metrics: one file a family; a metric takes a pair of layers and gives scores.

Knowing the metrics costs no torch: the families are functions over tensors and import torch when called.

>>> METRICS["cka"](x, y).value          # x, y: numpy arrays or tensors [sentence, dim]
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from types import ModuleType

from repalign.errors import RepalignError
from repalign.metrics.metric import INVARIANCES, METRICS, Metric, Scores, metric
from repalign.metrics.null import Null
from repalign.metrics.pair import LayerPair, Side

__all__ = ["INVARIANCES", "METRICS", "LayerPair", "Metric", "Null", "Scores", "Side", "metric", "metrics_in"]

ENTRY_POINTS = "repalign.metrics"
"""Group of entry points through which a package adds metrics: `name = "package.module:metric"`."""


def metrics_in(module: ModuleType) -> list[Metric]:
    """The metrics that a module defines."""
    return [item for item in vars(module).values() if isinstance(item, Metric)]


def _discover() -> None:
    for info in pkgutil.iter_modules(__path__):
        for found in metrics_in(importlib.import_module(f"{__name__}.{info.name}")):
            METRICS.add(found.name, found)
    for point in entry_points(group=ENTRY_POINTS):
        found = point.load()
        if not isinstance(found, Metric):
            raise RepalignError(
                f"entry point {point.name!r} ({point.value}) is {type(found).__name__}, not a metric; "
                "decorate it with @repalign.metric(...)"
            )
        METRICS.add(found.name, found)


_discover()
