"""Whether what a metric declares is of the right type, before anything is computed with it."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

from repalign.errors import RepalignError


def check_declared(metric: Any) -> None:
    """
    Raises:
        RepalignError: names the metric, and the first thing that is wrong.
    """
    for name, (is_right, expected) in DECLARED.items():
        value = getattr(metric, name)
        if not is_right(value):
            raise RepalignError(f"metric {metric.name!r}: {name} must be {expected}, got {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_range(value: Any) -> bool:
    return (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(map(_is_number, value))
        and value[0] < value[1]
    )


DECLARED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (
        lambda value: isinstance(value, str) and value.isprintable() and value != "",
        "text on one line",
    ),
    "label": (lambda value: isinstance(value, str), "text"),
    "function": (callable, "a function"),
    "bounds": (_is_range, "two numbers (lowest, highest)"),
    "higher_is_better": (lambda value: isinstance(value, bool), "True or False"),
    "identical": (lambda value: value is None or _is_number(value), "a number or None"),
    "chance": (lambda value: value is None or callable(value), "a function of (sentences, dims) or None"),
    "minimum": (lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number"),
    "tolerance": (_is_number, "a number"),
}
"""What a metric must declare: the test of each value, and what it should be."""
