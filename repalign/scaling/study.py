"""A scaling study: a fit with its uncertainty, diagnosis and curves, as plain values for a file and a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import NotRequired, TypedDict

from repalign.errors import RepalignError
from repalign.files import finite, json_bytes, read_json
from repalign.progress import Phase
from repalign.results.folder import Output, kind_of_json
from repalign.scaling.diagnosis import diagnose
from repalign.scaling.fitting import Fit, fit
from repalign.scaling.law import Law
from repalign.scaling.runs import Runs
from repalign.scaling.selection import Comparison, compare_forms, preferred, reason
from repalign.scaling.uncertainty import bootstrap, bootstrap_interval, profile_interval
from repalign.signature import digest, today
from repalign.version import __version__

CURVE_POINTS = 60
"""Points per drawn curve."""

CURVE_END = 4.0
"""Curves are drawn up to this multiple of the largest size."""

SCHEMA = 2
"""Version of what `study` gives."""

REMEDY = "give the fit.json that `repalign scaling fit` wrote"


class Parameter(TypedDict):
    """A parameter of the law; None for what is not defined."""

    value: float | None
    profile: tuple[float | None, float | None]
    bootstrap: tuple[float | None, float | None]


class LawValues(TypedDict):
    """c, a, b and k by language, and draws of them."""

    values: list[list[float]]
    draws: list[list[list[float]]]


class Curve(TypedDict):
    """Columns of a drawn curve."""

    pairs: list[float]
    score: list[float | None]
    low: list[float | None]
    high: list[float | None]


class RunColumns(TypedDict):
    """Columns of the table of runs."""

    language: list[str]
    pairs: list[float]
    score: list[float | None]


class Form(TypedDict):
    """A form of the law, and how well it predicts."""

    form: str
    parameters: int
    left_out: float | None
    largest: float | None
    aicc: float | None
    fits: bool


class Study(TypedDict):
    """What `study` gives and fit.json holds; `repalign scaling fit` adds its command."""

    schema: int
    signature: str
    score: str
    top: float | None
    form: str
    formula: str
    about: str
    languages: list[str]
    parameters: dict[str, Parameter]
    choice: str
    fits: bool
    law: LawValues
    curves: dict[str, Curve]
    runs: RunColumns
    forms: list[Form]
    condition: float | None
    notes: list[str]
    date: NotRequired[str]
    command: NotRequired[str]


FIT = kind_of_json("scaling", "fit.json", Study, "scaling.html")
"""What `repalign scaling fit` leaves in a folder."""


def study(runs: Runs, form: str | None = None, draws: int = 200, seed: int = 0) -> dict[str, Any]:
    """Fit a form, with intervals, diagnosis and a comparison of forms: what `repalign scaling fit` writes.

    Args:
        runs: scores of finished training runs.
        form: a name in `FORMS`; by default the one preferred by held-out sizes (see `preferred`).
        draws: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        JSON types only; None for a number that is not finite.

    Raises:
        RepalignError: the runs cannot be fitted, or an unknown form.
    """
    comparison = compare_forms(runs)
    best = preferred(comparison)
    fitted = fit(runs, form or best or "power")
    resampled = bootstrap(fitted, draws, seed)
    profiles = {}
    with Phase("intervals of the parameters", len(fitted.names), "parameters") as phase:
        for name in fitted.names:
            profiles[name] = profile_interval(fitted, name)
            phase.update()
    diagnosis = diagnose(fitted, profiles)
    law = Law.of(fitted, resampled)
    curves = {language: _curve(fitted, resampled, language) for language in runs.languages}
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
        "choice": reason(comparison)
        if fitted.form.name == best
        else f"{form} was given; {reason(comparison)}",
        "fits": not diagnosis.misfit.found,
        "law": {"values": law.values.tolist(), "draws": law.draws.tolist()},
        "curves": curves,
        "runs": {
            "language": list(runs.language),
            "pairs": runs.pairs.tolist(),
            "score": runs.score.tolist(),
        },
        "forms": [_row(entry) for entry in comparison],
        "condition": diagnosis.condition,
        "date": today(),
        "notes": [*diagnosis.notes, *_impossible(curves, float(runs.sizes[0]))],
    }
    return finite(summary)


def signature(fitted: Fit, draws: int, seed: int) -> str:
    """One line that states everything the numbers depend on."""
    runs = fitted.runs
    rows = zip(runs.language, runs.test, runs.pairs, runs.score, runs.error, strict=True)
    table = digest(
        " ".join(map(repr, row))
        for row in sorted((code, test, *map(float, numbers)) for code, test, *numbers in rows)
    )
    return (
        f"scaling|{len(runs)} runs#{table[:8]}|{runs.name}|{fitted.form.name}|draws:{draws}|seed:{seed}"
        f"|repalign:{__version__}"
    )


def save(
    summary: Mapping[str, Any],
    folder: Path,
    title: str = "",
    overwrite: bool = False,
    draw: Callable[[], str] | None = None,
) -> list[Path]:
    """Write a study as fit.json; numbers that are not finite become null. Returns the paths written, the manifest apart.

    Args:
        folder: need not exist.
        title: of the study; one of another title is replaced only with `overwrite`.
        overwrite: likewise one of a version that wrote no manifest.
        draw: gives the page that is written beside it.

    Raises:
        RepalignError: see `repalign.results.folder.Output.write`.
    """
    page = ("scaling.html", draw) if draw else None
    return Output(Path(folder), FIT, title, overwrite).write({"fit.json": json_bytes(summary)}, page)


def load(path: Path) -> dict[str, Any]:
    """Read the fit.json that `save` wrote.

    Raises:
        RepalignError: no such file, or one that does not hold all that a study does; names what is wrong.
    """
    summary: dict[str, Any] = {**read_json(path, Study, REMEDY)}
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
            not _is_law(law, len(languages)),
            f"a law of c, a, b and k of {len(languages)} languages",
        ),
    ):
        if wrong:
            raise RepalignError(f"{path}: expected {expected}; {REMEDY}")
    return summary


def _is_positive(*columns: list[float]) -> bool:
    return all(0 < value < 1e18 for column in columns for value in column)


def _is_law(law: Mapping[str, Any], languages: int) -> bool:
    """Whether there are c, a, b and k of each language, and draws of them, of a size that a fit can give."""
    drawn = [law["values"], *law["draws"]]
    if not law["draws"] or any(
        len(each) != 4 or any(len(row) != languages for row in each) for each in drawn
    ):
        return False
    c, a, b, k = np.moveaxis(np.array(drawn, dtype=float), 1, 0)
    return bool(
        ((c >= 0) & (c < 1e6)).all()
        and ((a >= 0) & (a < 1e36)).all()
        and ((b > 1e-3) & (b < 10)).all()
        and ((k == 0) | (k > 0) & (k < 1e30) & (b <= 1)).all()
    )


def law_of(summary: Mapping[str, Any]) -> Law:
    """The law in a saved study."""
    law = summary["law"]
    return Law(tuple(summary["languages"]), np.array(law["values"]), np.array(law["draws"]), summary["fits"])


def _impossible(curves: Mapping[str, Mapping[str, list[float]]], smallest: float) -> list[str]:
    """A note for each language whose curve is below 0 at a size from that of the smallest run on."""
    notes = []
    for language, curve in curves.items():
        below = [pairs for pairs, score in zip(curve["pairs"], curve["score"], strict=True) if score < 0]
        if max(below, default=0) >= smallest:
            notes.append(
                f"the law predicts scores below 0 of {language} up to {max(below):,.0f} pairs: it does not hold there"
            )
    return notes


def _curve(fitted: Fit, draws: np.ndarray, language: str) -> dict[str, list[float]]:
    sizes = fitted.runs.sizes
    pairs = np.geomspace(sizes[0] / 2, sizes[-1] * CURVE_END, CURVE_POINTS)
    low, high = np.quantile(fitted.predict(language, pairs, draws), [0.025, 0.975], axis=0)
    score = fitted.predict(language, pairs)
    return {"pairs": pairs.tolist(), "score": score.tolist(), "low": low.tolist(), "high": high.tolist()}


def _row(entry: Comparison) -> dict[str, Any]:
    largest = max(entry.by_size, default=None)
    return {**asdict(entry), "largest": None if largest is None else entry.by_size[largest]}
