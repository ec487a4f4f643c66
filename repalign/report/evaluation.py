"""The page of an evaluation: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.errors import RepalignError
from repalign.figures import answers
from repalign.figures.style import SCREENS
from repalign.report.findings.words import joined
from repalign.report.layout import fill, numbered, write_page
from repalign.report.packing import to_json
from repalign.results.evaluation import Evaluation

if TYPE_CHECKING:
    import pandas as pd

HEIGHT = 340
EXAMPLES = 6
"""Questions shown of each language, evenly from the first to the last."""

METRICS = 4
"""Metrics of alignment drawn beside the scores."""

LONGEST = 300
"""Characters shown of a question or an answer."""


def write_evaluation(found: Evaluation, path: str | Path) -> Path:
    """Write the page; see `repalign.report.layout.write_page`."""
    return write_page(render_evaluation(found), path)


def render_evaluation(found: Evaluation) -> str:
    """The page. A table that is not there is not drawn.

    Raises:
        RepalignError: nothing was found.
    """
    if found.tables["scores"].empty or found.tables["answers"].empty:
        raise RepalignError("there are no scores or no answers to report; run `repalign evaluate` again")
    tables = {name: table for name, table in found.tables.items() if len(table)}
    panels, figures = numbered(_figures(tables, found.label))
    scores = tables["scores"]
    languages = scores["language"].dropna().nunique()
    return fill(
        "evaluation.html",
        ["figures.js"],
        title=found.title,
        lead=f"{joined(languages, 'language')}, {scores['items'].max():,} questions each, {joined(len(found.signatures), 'checkpoint')}",
        findings=_findings(found),
        panels=panels,
        height=HEIGHT,
        wins_note=_wins_note(tables["wins"]) if "wins" in tables else "",
        correlations=_correlations(tables["correlations"]) if "correlations" in tables else None,
        examples=_examples(tables["answers"]),
        examples_note=f"{EXAMPLES} questions of each language, evenly from the first to the last; "
        "the results folder holds them all.",
        command=found.about.get("command"),
        facts=_facts(found),
        data=to_json({"figures": figures, "sheets": SCREENS, "height": HEIGHT}),
    )


Drawn = Iterable[tuple[str, dict[str, Any]]]
"""Titles and pictures."""


def _figures(tables: Mapping[str, pd.DataFrame], label: Callable[[str], str]) -> dict[str, Drawn]:
    scores = tables["scores"]
    own, changed = scores[scores["baseline"].isna()], scores[scores["baseline"].notna()]
    drawn: dict[str, Drawn] = {
        "scores": [(label(name), answers.scores(rows, label(name))) for name, rows in _each(own, "scorer")],
        "differences": [
            (label(name), answers.differences(rows, label(name))) for name, rows in _each(changed, "scorer")
        ],
    }
    for name, column, draw in (
        ("wins", "judge", answers.wins),
        ("languages", "checkpoint", answers.spoken),
        ("consistency", "checkpoint", answers.same_answers),
    ):
        table = tables.get(name)
        drawn[name] = [] if table is None else [(str(key), draw(rows)) for key, rows in _each(table, column)]
    drawn["alignment"] = list(_beside(tables["alignment"], label)) if "alignment" in tables else []
    return drawn


def _beside(table: pd.DataFrame, label: Callable[[str], str]) -> Drawn:
    leading = table[table["scorer"] == table["scorer"].iloc[0]]
    scorer = label(leading["scorer"].iloc[0])
    for metric, rows in list(_each(leading, "metric"))[:METRICS]:
        yield f"{metric} and {scorer}", answers.beside(rows, str(metric), scorer)


def _each(table: pd.DataFrame, column: str) -> Iterable[tuple[Any, pd.DataFrame]]:
    return table.groupby(column, sort=False)


def _findings(found: Evaluation) -> dict[str, list[str]]:
    """What the leading scorer says, and what the answers look like."""
    tables = {name: table for name, table in found.tables.items() if len(table)}
    scores = tables["scores"]
    leading = scores[scores["scorer"] == scores["scorer"].iloc[0]]
    right, changed, said = [], [], []
    for checkpoint, rows in _each(leading[leading["baseline"].isna()], "checkpoint"):
        right.append(_score(str(checkpoint), rows))
    for checkpoint, rows in _each(leading[leading["baseline"].notna()], "checkpoint"):
        whole, single = rows.iloc[-1], rows[rows["language"].notna()]
        surely = single[single["p_adjusted"] < 0.05]
        changed.append(
            f"{checkpoint} minus {whole['baseline']}: {whole['value']:+.1f} [{whole['low']:+.1f}, {whole['high']:+.1f}] "
            f"({whole['scorer']}); better in {joined((surely['value'] > 0).sum(), 'language')}, worse in "
            f"{(surely['value'] < 0).sum()}, the others cannot be told apart"
        )
    if "languages" in tables:
        for checkpoint, rows in _each(tables["languages"], "checkpoint"):
            asked = rows[rows["asked"] == rows["answered"].fillna("")]
            share = asked["count"].sum() / rows["count"].sum()
            said.append(f"{checkpoint}: {share:.0%} in the language asked")
    if "consistency" in tables:
        for checkpoint, rows in _each(tables["consistency"], "checkpoint"):
            said.append(
                f"{checkpoint}: {rows['value'].mean():.1%} answered the same in two languages, by chance {rows['chance'].mean():.1%}"
            )
    found_in = {"How right is it?": right, "What changed?": changed, "What do the answers look like?": said}
    return {title: lines for title, lines in found_in.items() if lines}


def _score(checkpoint: str, rows: pd.DataFrame) -> str:
    whole, single = rows.iloc[-1], rows[rows["language"].notna()]
    text = f"{checkpoint}: {whole['value']:.1f} [{whole['low']:.1f}, {whole['high']:.1f}] ({whole['scorer']})"
    if len(single) < 2:
        return text
    best, worst = (single.loc[single["value"].agg(pick)] for pick in ("idxmax", "idxmin"))
    return f"{text}; most in {best['language']} ({best['value']:.1f}), least in {worst['language']} ({worst['value']:.1f})"


def _wins_note(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    biased = (rows["position_biased"] * rows["items"]).sum() / rows["items"].sum()
    return (
        f"{first['checkpoint']} against {first['baseline']}, judged by {first['judge']}, each pair in both orders; "
        f"{biased:.1%} were decided by order alone and count as ties."
    )


def _correlations(rows: pd.DataFrame) -> dict[str, Any]:
    columns = ["checkpoint", "metric", "scorer", "over", "rho", "adjusted p", ""]
    return {
        "columns": columns,
        "rows": [
            [
                row.checkpoint, row.metric, row.scorer,
                f"{row.units} {row.over}{f' in {row.language}' if isinstance(row.language, str) else ''}",
                _interval(row.value, row.low, row.high), "" if np.isnan(row.p_adjusted) else f"{row.p_adjusted:.2g}", row.note,
            ]
            for row in rows.itertuples()
        ],
    }  # fmt: skip


def _interval(value: float, low: float, high: float) -> str:
    if np.isnan(value):
        return ""
    return f"{value:+.2f}" + ("" if np.isnan(low) else f" [{low:+.2f}, {high:+.2f}]")


def _examples(table: pd.DataFrame) -> dict[str, Any]:
    names = list(dict.fromkeys(table["checkpoint"]))
    rows = []
    for language, own in _each(table, "language"):
        asked = own[own["checkpoint"] == names[0]]
        places = np.linspace(0, max(len(asked) - 1, 0), EXAMPLES).astype(int)
        chosen = asked.iloc[np.unique(places)[: len(asked)]]
        said = dict(zip(zip(own["checkpoint"], own["item"], strict=True), own["answer"], strict=True))
        for row in chosen.itertuples():
            question = f"{row.instruction}\n{row.input}"
            rows.append(
                [
                    language,
                    _short(question),
                    row.reference,
                    *(_short(said.get((name, row.item), "")) for name in names),
                ]
            )
    return {"columns": ["", "question", "reference", *names], "rows": rows}


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def _facts(found: Evaluation) -> dict[str, str]:
    cut = {
        f"{what} cut, {name}": ", ".join(f"{language} {count}" for language, count in counts.items())
        for name, own in found.settings["truncated"].items()
        for what, counts in own.items()
        if counts
    }
    return {**found.signatures, **found.settings["scorers"], **cut}
