"""A scaling study: a fit with its uncertainty, diagnosis and curves, as plain values for a file and a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from repalign.errors import RepalignError
from repalign.files import json_bytes, read_json, write_atomically
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

SCHEMA = 1
"""Version of what `study` gives."""

REMEDY = "give the fit.json that `repalign scaling fit` wrote"

NUMBER = (None, float)
"""What is not defined is null."""

SHAPE = {
    "schema": int, "signature": str, "score": str, "top": NUMBER, "form": str, "formula": str, "about": str,
    "languages": [str],
    "parameters": {str: {"value": NUMBER, "profile": [NUMBER, NUMBER], "bootstrap": [NUMBER, NUMBER]}},
    "law": (None, {"values": [[float]], "draws": [[[float]]]}),
    "curves": {str: {"pairs": [float], "score": [NUMBER], "low": [NUMBER], "high": [NUMBER]}},
    "runs": {"language": [str], "pairs": [float], "score": [NUMBER]},
    "forms": [{"form": str, "parameters": int, "left_out": NUMBER, "largest": NUMBER, "aicc": NUMBER}],
    "condition": NUMBER, "notes": [str],
}  # fmt: skip
"""What `study` gives (see `repalign.files.Shape`)."""


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
        "schema": SCHEMA,
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
        RepalignError: the folder cannot be written, or the disk is full.
    """
    write_atomically(path, json_bytes(finite(summary)))


def load(path: Path) -> dict[str, Any]:
    """Read what `save` wrote.

    Raises:
        RepalignError: no such file, or one that does not hold all that a study does; names what is wrong.
    """
    summary = read_json(path, SHAPE, REMEDY)
    languages, runs, law = summary["languages"], summary["runs"], summary["law"]
    lengths = {name: len(column) for name, column in runs.items()}
    curves = [len(column) for curve in summary["curves"].values() for column in curve.values()]
    for wrong, expected in (
        (summary["schema"] != SCHEMA, f"schema {SCHEMA}, got {summary['schema']}"),
        (not languages or set(summary["curves"]) != set(languages), f"curves of the languages {languages}"),
        (
            not runs["language"] or len(set(lengths.values())) > 1,
            f"as many runs in every column, got {lengths}",
        ),
        (not min(curves) or len(set(curves)) > 1, "curves of one length"),
        (
            not _is_positive(runs["pairs"], *(curve["pairs"] for curve in summary["curves"].values())),
            "pairs above 0",
        ),
        (
            law is not None and not _is_law(law, len(languages)),
            f"a law of c, a and b of {len(languages)} languages",
        ),
    ):
        if wrong:
            raise RepalignError(f"{path}: expected {expected}; {REMEDY}")
    return summary


def _is_positive(*columns: list[float]) -> bool:
    return all(0 < value < 1e18 for column in columns for value in column)


def _is_law(law: Mapping[str, Any], languages: int) -> bool:
    """Whether there are c, a and b of each language, and draws of them, of a size that a fit can give."""
    drawn = [law["values"], *law["draws"]]
    if not law["draws"] or any(
        len(each) != 3 or any(len(row) != languages for row in each) for each in drawn
    ):
        return False
    c, a, b = np.moveaxis(np.array(drawn, dtype=float), 1, 0)
    return bool(
        (np.abs(c) < 1e6).all() and (a >= 0).all() and (a < 1e30).all() and ((b > 1e-3) & (b < 10)).all()
    )


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
