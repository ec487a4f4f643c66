"""Metrics: one file a family; a metric takes a pair of layers and gives scores.

Knowing the metrics costs no torch: the families are functions over tensors and import torch when called.

>>> METRICS["cka"](x, y).value          # x, y: numpy arrays or tensors [sentence, dim]
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from repalign.errors import RepalignError, unknown
from repalign.metrics.metric import INVARIANCES, METRICS, Metric, Scores, metric
from repalign.metrics.null import Null
from repalign.metrics.pair import LayerPair, Representation

__all__ = [
    "INVARIANCES",
    "METRICS",
    "LayerPair",
    "Metric",
    "Null",
    "Representation",
    "Scores",
    "find",
    "metric",
    "metrics_of_file",
]

ENTRY_POINTS = "repalign.metrics"
"""Group of entry points through which a package adds metrics: `name = "package.module:metric"`."""


def find(name: str) -> Metric:
    """A metric by name, or from a file of one's own: `FILE.py:NAME`, or `FILE.py` where it defines one.

    Raises:
        RepalignError: an unknown name, with the near miss; or no such file or metric in it.
    """
    path, _, wanted = name.partition(":")
    if not path.endswith(".py"):
        return METRICS[name]
    own = {found.name: found for found in metrics_of_file(path)}
    if wanted and wanted not in own:
        raise unknown("metric", wanted, own, f"{path} defines no other")
    if not wanted and len(own) > 1:
        raise RepalignError(f"{path} defines {', '.join(own)}; name one as {path}:{next(iter(own))}")
    return own[wanted] if wanted else next(iter(own.values()))


def metrics_of_file(path: str | Path) -> list[Metric]:
    """The metrics that a Python file defines; the file is run.

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
    found = [metric for metric in metrics_in(module) if metric.name not in METRICS]
    if not found:
        raise RepalignError(
            f"{path} defines no metric of its own; decorate a function of a LayerPair with @repalign.metric"
        )
    return found


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
