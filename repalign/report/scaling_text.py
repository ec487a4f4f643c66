"""What `scaling fit` and `scaling allocate` print in the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from repalign.report.profile_text import side_by_side
from repalign.scaling.plan import Plan


def law_lines(study: Mapping[str, Any]) -> Iterator[str]:
    """The law, its parameters with both intervals, and the error on runs that were held out."""
    yield f"{study['score']}: {study['formula']} (form {study['form']})"
    columns: dict[str, dict[str, str]] = {"value": {}, "95% by profile": {}, "95% by bootstrap": {}}
    for name, parameter in study["parameters"].items():
        columns["value"][name] = _number(parameter["value"])
        columns["95% by profile"][name] = _interval(parameter["profile"])
        columns["95% by bootstrap"][name] = _interval(parameter["bootstrap"])
    yield from side_by_side(columns, shutil.get_terminal_size().columns)
    (form,) = (form for form in study["forms"] if form["form"] == study["form"])
    yield (
        f"held-out error in units of {study['score']}: {_number(form['left_out'])} for sizes left out in turn, "
        f"{_number(form['largest'])} for the largest size from the smaller ones"
    )
    if not study["fits"]:
        yield "the form does not fit these runs: read the notes before using it"


def split_lines(plan: Plan, score: str) -> Iterator[str]:
    """The optimal split of the budget by language, and what it gains over the uniform split."""
    optimal = plan.splits[0]
    named = {split.name: split for split in plan.splits}
    columns = {
        "pairs": {language: f"{pairs:,.0f}" for language, pairs in optimal.pairs.items()},
        "95% of the optimum": {
            language: f"[{low:,.0f}, {high:,.0f}]" for language, (low, high) in plan.ranges.items()
        },
        f"expected {score}": {language: _number(value) for language, value in optimal.scores.items()},
        "with uniform": {language: _number(value) for language, value in named["uniform"].scores.items()},
    }
    yield f"{plan.budget:,.0f} sentence pairs, maximising {AIMS[plan.objective]} {score}"
    yield from side_by_side(columns, shutil.get_terminal_size().columns)
    gain, low, high = optimal.gain
    yield f"gain over the uniform split: {gain:+.3g} [{low:+.3g}, {high:+.3g}], from {optimal.value - gain:.4g} to {optimal.value:.4g}"


AIMS = {"mean": "the mean", "min": "the lowest", "weighted": "the weighted mean"}
"""How objectives are called."""


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def _interval(ends: tuple[float | None, float | None]) -> str:
    low, high = ends
    return f"[{'-inf' if low is None else _number(low)}, {'inf' if high is None else _number(high)}]"
