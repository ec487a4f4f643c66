"""Code that is not repalign's: metric files, and metrics of installed packages. Run when they are named, and only then."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from repalign.errors import RepalignError, unknown
from repalign.metrics.foreign import explained
from repalign.metrics.metric import METRICS, Metric
from repalign.signature import digest

ENTRY_POINTS = "repalign.metrics"
"""Entry point group through which a package offers metrics: `name = "package.module:metric"`."""


def metrics_named(spec: str) -> list[Metric]:
    """The metrics that `FILE.py` defines, or the one that `FILE.py:NAME` names.

    Raises:
        RepalignError: as for `metrics_of_file`; or no metric of that name in it.
    """
    path, name = split(spec)
    if not path:
        raise RepalignError(
            f"{spec!r} is no metric file; expected FILE.py, or FILE.py:NAME for one of its metrics"
        )
    defined = {metric.name: metric for metric in metrics_of_file(path)}
    if name and name not in defined:
        raise unknown("metric", name, defined, f"{path} defines no other")
    return [defined[name]] if name else list(defined.values())


def split(spec: str) -> tuple[str, str]:
    """The file and the name in `FILE.py:NAME`; the name is empty in `FILE.py`, and the file where none is named."""
    if spec.endswith(".py"):
        return spec, ""
    path, found, name = spec.rpartition(".py:")
    return (f"{path}.py", name) if found else ("", spec)


def metrics_of_file(path: str | Path) -> list[Metric]:
    """The metrics that a Python file defines. It is executed once per process, and again if it changes.

    Raises:
        RepalignError: no such file; one that is not Python, fails or ends the program, with the line at fault; no metric in it,
            two of one name, or one with the name of a built-in metric.
    """
    path = Path(path)
    if not path.is_file():
        raise RepalignError(
            f"no file {path}; expected a Python file that defines metrics with @repalign.metric"
        )
    try:
        source = path.read_bytes()
    except OSError as error:
        raise RepalignError(f"cannot read {path}: {error.strerror}") from error
    module = _run(str(path), source)
    built_in = [METRICS[name] for name in METRICS]
    defined = [metric for metric in dict.fromkeys(metrics_in(module)) if metric not in built_in]
    if not defined:
        raise RepalignError(
            f"{path} defines no new metric; decorate a function of a LayerPair with @repalign.metric"
        )
    names = [metric.name for metric in defined]
    for name in names:
        if name in METRICS or names.count(name) > 1:
            other = "a built-in metric" if name in METRICS else "another metric in it"
            raise RepalignError(f"{path}: the metric {name!r} has the name of {other}; choose another name")
    return defined


def metrics_in(module: ModuleType) -> list[Metric]:
    """The metrics among a module's attributes."""
    return [item for item in vars(module).values() if isinstance(item, Metric)]


def offered() -> dict[str, EntryPoint]:
    """The metrics that installed packages offer, by name; none of their code is run."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def metric_offered(point: EntryPoint) -> Metric:
    """A metric of an installed package, whose code is run.

    Raises:
        RepalignError: it cannot be imported, is no metric, or has another name than its entry point.
    """
    where = f"entry point {point.name!r} ({point.value})"
    with explained(where):
        loaded = point.load()
    if not isinstance(loaded, Metric):
        raise RepalignError(
            f"{where} is {type(loaded).__name__}, not a metric; decorate it with @repalign.metric(...)"
        )
    if loaded.name != point.name:
        raise RepalignError(f"{where} is the metric {loaded.name!r}; give both one name")
    return loaded


@cache
def _run(path: str, source: bytes) -> ModuleType:
    """The module that a file's contents make. Neither the working directory nor the arguments of the program change."""
    module = ModuleType(f"repalign_metrics_{digest([path, source])[:16]}")
    module.__file__ = path
    sys.modules[module.__name__] = (
        module  # where dataclasses, and the digest of what a function computes, look for it
    )
    folder, arguments = os.getcwd(), list(sys.argv)
    try:
        with explained(path):
            exec(compile(source, path, "exec"), vars(module))
    finally:
        os.chdir(folder)
        sys.argv[:] = arguments
    return module
