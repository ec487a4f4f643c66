"""A scaling study: a fit with its uncertainty, diagnosis and curves, as plain values for a file and a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from repalign.errors import RepalignError
from repalign.scaling.diagnosis import diagnose
from repalign.scaling.fitting import Fit, fit
from repalign.scaling.forms import FORMS
from repalign.scaling.law import Law
from repalign.scaling.runs import Runs
from repalign.scaling.selection import Comparison, compare_forms, preferred
from repalign.scaling.uncertainty import bootstrap, bootstrap_interval, profile_interval
from repalign.signature import digest
from repalign.version import __version__

CURVE_POINTS = 60
"""Points per drawn curve."""

CURVE_END = 4.0
"""Curves are drawn up to this multiple of the largest size."""


def study(runs: Runs, form: str | None = None, draws: int = 200, seed: int = 0) -> dict[str, Any]:
    """Fit a form, with intervals, diagnosis and a comparison of forms: what `repalign scaling fit` writes.

    Args:
        runs: scores of finished training runs.
        form: a name in `FORMS`; by default the power law preferred by held-out sizes (see `preferred`).
        draws: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        JSON types only; None for a number that is not finite.

    Raises:
        RepalignError: the runs cannot be fitted, or an unknown form.
    """
    comparison = compare_forms(runs)
    fitted = fit(runs, form or preferred(comparison) or "power")
    resampled = bootstrap(fitted, draws, seed)
    profiles = {name: profile_interval(fitted, name) for name in fitted.names}
    diagnosis = diagnose(fitted, profiles)
    law = Law.of(fitted, resampled) if fitted.form.is_power else None
    summary = {
        "schema": 1,
        "signature": signature(fitted, draws, seed),
        "score": runs.name,
        "top": runs.top,
        "form": fitted.form.name,
        "formula": fitted.form.formula,
        "about": fitted.form.note,
        "languages": list(runs.languages),
        "parameters": {
            name: {
                "value": value,
                "profile": profiles[name],
                "bootstrap": bootstrap_interval(fitted, resampled, name),
            }
            for name, value in fitted.parameters.items()
        },
        "law": law and {"values": law.values.tolist(), "draws": law.draws.tolist()},
        "curves": {language: _curve(fitted, resampled, language) for language in runs.languages},
        "runs": {
            "language": list(runs.language),
            "pairs": runs.pairs.tolist(),
            "score": runs.score.tolist(),
        },
        "forms": [_row(entry) for entry in comparison],
        "condition": diagnosis.condition,
        "notes": list(diagnosis.notes),
    }
    return finite(summary)


def signature(fitted: Fit, draws: int, seed: int) -> str:
    """One line that states everything the numbers depend on."""
    runs = fitted.runs
    rows = zip(runs.language, runs.pairs, runs.score, runs.error, strict=True)
    table = digest(" ".join(map(repr, row)) for row in sorted((a, *map(float, b)) for a, *b in rows))
    return (
        f"scaling|{len(runs)} runs#{table[:8]}|{runs.name}|{fitted.form.name}|draws:{draws}|seed:{seed}"
        f"|repalign:{__version__}"
    )


def save(summary: Mapping[str, Any], path: Path) -> None:
    """Write a study as JSON, atomically; numbers that are not finite become null.

    Raises:
        RepalignError: the file cannot be written.
    """
    from repalign.results.results import write_whole

    write_whole(path, (json.dumps(finite(summary), indent=1) + "\n").encode())


def load(path: Path) -> dict[str, Any]:
    """Read what `save` wrote.

    Raises:
        RepalignError: no such file, or a file of another kind.
    """
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RepalignError(
            f"cannot read {path}: {error.strerror}; `repalign scaling fit` writes it"
        ) from error
    except ValueError as error:
        raise RepalignError(
            f"{path} is not JSON; give the fit.json that `repalign scaling fit` wrote"
        ) from error
    if not isinstance(summary, dict) or summary.get("schema") != 1 or "curves" not in summary:
        raise RepalignError(f"{path} was not written by `repalign scaling fit`; give its fit.json")
    return summary


def law_of(summary: Mapping[str, Any]) -> Law:
    """The power law in a saved study.

    Raises:
        RepalignError: the fitted form is not a power law.
    """
    if summary["law"] is None:
        raise RepalignError(
            f"{summary['form']}, {summary['formula']}, is not a power law, so no budget can be allocated by it; "
            f"fit again with --form power (forms: {', '.join(FORMS)})"
        )
    law = summary["law"]
    return Law(tuple(summary["languages"]), np.array(law["values"]), np.array(law["draws"]))


def finite(value: Any) -> Any:
    """The same value with None for every number that is not finite: JSON has none of them."""
    if isinstance(value, Mapping):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(entry) for entry in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value


def _curve(fitted: Fit, draws: np.ndarray, language: str) -> dict[str, list[float]]:
    sizes = fitted.runs.sizes
    pairs = np.geomspace(sizes[0] / 2, sizes[-1] * CURVE_END, CURVE_POINTS)
    low, high = np.quantile(fitted.predict(language, pairs, draws), [0.025, 0.975], axis=0)
    score = fitted.predict(language, pairs)
    return {"pairs": pairs.tolist(), "score": score.tolist(), "low": low.tolist(), "high": high.tolist()}


def _row(entry: Comparison) -> dict[str, Any]:
    largest = max(entry.by_size, default=None)
    return {**asdict(entry), "largest": None if largest is None else entry.by_size[largest]}
