"""The page of an evaluation: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.errors import RepalignError
from repalign.figures import answers
from repalign.figures.names import LONGEST_TEXT, presentable, shortened
from repalign.figures.style import styles
from repalign.report.about import few, how, made
from repalign.report.evaluation_examples import examples
from repalign.report.evaluation_findings import evaluation_in_words, headline
from repalign.report.layout import Panel, fill, numbered
from repalign.results.evaluation import Evaluation

if TYPE_CHECKING:
    import pandas as pd

ANSWERING = ("template", "decoding", "dtype")
"""Parts of a signature, after the checkpoint and the task."""

MAX_BESIDE = 14
"""Languages of bars in figures side by side; with more, figures stand below each other."""

MAX_METRICS = 4
"""Metrics of alignment that are plotted against the scores."""

MAX_CORRELATIONS = 200
"""Correlations in the table of the page."""

REFERENCES = "references"
"""The name of the right answers among checkpoints."""

Tables = Mapping[str, "pd.DataFrame"]
"""Tables by name, those without rows left out."""

Rows = Iterable[Iterable[Panel]]
"""Rows of panels."""


def render_evaluation(evaluation: Evaluation) -> str:
    """The page as HTML; missing tables are skipped.

    Raises:
        RepalignError: there are no scores or answers.
    """
    if evaluation.tables["scores"].empty or evaluation.tables["answers"].empty:
        raise RepalignError("there are no scores or no answers to report; run `repalign evaluate` again")
    evaluation, names = presentable(evaluation)
    tables = {name: table for name, table in evaluation.tables.items() if len(table)}
    panels, figures = numbered(_figures(tables, evaluation))
    scores, signatures = tables["scores"], evaluation.signatures
    return fill(
        "evaluation.html",
        ["linked.js", "figures.js"],
        {"figures": figures},
        names.full,
        title=evaluation.title,
        about={
            "checkpoint" if len(signatures) == 1 else "checkpoints": few(signatures),
            "task": str(evaluation.settings.get("task", "")),
            "questions": f"{scores['items'].max():,} a language",
            "languages": few(scores["language"].dropna().unique()),
            "intervals": evaluation.resampled,
            **how(signatures, ANSWERING),
            **made(signatures.values(), evaluation.about),
        },
        headline=headline(evaluation),
        findings=evaluation_in_words(evaluation),
        panels=panels,
        score_tables=list(_numbers(scores, evaluation)),
        wins_note=_wins_note(tables["wins"]) if "wins" in tables else "",
        wins_numbers=_wins(tables["wins"]) if "wins" in tables else None,
        wins_missing=evaluation.settings.get("wins_missing"),
        correlations=_correlations(tables["correlations"]) if "correlations" in tables else None,
        examples=examples(tables["answers"], scores["scorer"].iloc[0]),
        command=evaluation.about.get("command"),
        facts=_facts(evaluation),
    )


def _figures(tables: Tables, evaluation: Evaluation) -> dict[str, Rows]:
    """Rows of panels by section: the main scorer comes first, the others in a row of their own."""
    scores, chance = tables["scores"], evaluation.settings.get("chance", {})
    single, changed = scores[scores["baseline"].isna()], scores[scores["baseline"].notna()]
    style_of = styles(dict.fromkeys(single["checkpoint"]))
    shown, moved = answers.span(single, *chance.values()), answers.span(changed)
    labels = {name: evaluation.label(name) for name in dict.fromkeys(scores["scorer"])}
    first, *others = (
        (labels[name], answers.scores(rows, labels[name], chance.get(name), shown))
        for name, rows in _each(single, "scorer")
    )
    differences = [
        (labels[name], answers.differences(rows, labels[name], style_of[rows["checkpoint"].iloc[0]], moved))
        for name, rows in _each(changed, "scorer")
    ]
    return {
        "main": [[first]],
        "scores": [others] if others else [],
        "differences": [differences] if differences else [],
        "wins": [
            [(f"judged by {name}", answers.wins(rows, style_of))]
            for name, rows in _each(tables.get("wins"), "judge")
        ],
        "answer_languages": _answer_languages(tables.get("answer_languages"), scores),
        "consistency": _consistency(tables.get("consistency")),
        "alignment": [list(_alignment(tables["alignment"], labels))] if "alignment" in tables else [],
    }


def _answer_languages(table: pd.DataFrame | None, scores: pd.DataFrame) -> Rows:
    """The references first: they show how reliable detection is."""
    if table is None:
        return []
    known, given = (
        [*scores["language"].dropna().unique(), *table["asked"].unique()],
        set(table["answered"].dropna()),
    )
    order = [name for name in dict.fromkeys([*known, *sorted(given)]) if name in given]
    detected = [*order, answers.UNDETECTED] if table["answered"].isna().any() else order
    groups = sorted(_each(table, "checkpoint"), key=lambda group: group[0] != REFERENCES)
    drawn = [(str(name), answers.answer_languages(rows, detected)) for name, rows in groups]
    return [drawn] if table["asked"].nunique() <= MAX_BESIDE else [[one] for one in drawn]


def _consistency(table: pd.DataFrame | None) -> Rows:
    if table is None:
        return []
    largest = table["value"].max()
    return [[(str(name), answers.consistency(rows, largest)) for name, rows in _each(table, "checkpoint")]]


def _alignment(table: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[Panel]:
    leading = table[table["scorer"] == table["scorer"].iloc[0]]
    scorer = labels.get(leading["scorer"].iloc[0], leading["scorer"].iloc[0])
    for metric, rows in list(_each(leading, "metric"))[:MAX_METRICS]:
        yield f"{metric} and {scorer}", answers.alignment(rows, str(metric), scorer)


def _each(table: pd.DataFrame | None, column: str) -> Iterable[tuple[Any, pd.DataFrame]]:
    """The rows by the values of a column, in their order; nothing if there is no table."""
    return () if table is None else table.groupby(column, sort=False)


def _numbers(scores: pd.DataFrame, evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """For each scorer a table: languages by checkpoints, and their difference."""
    for scorer, rows in _each(scores, "scorer"):
        groups = list(rows.groupby(["checkpoint", "baseline"], sort=False, dropna=False))
        columns = [
            f"{name} minus {other}" if isinstance(other, str) else str(name) for (name, other), _ in groups
        ]
        languages = dict.fromkeys(rows["language"].fillna(answers.MEAN))
        cells = [
            {row.language: _cell(row) for row in own.fillna({"language": answers.MEAN}).itertuples()}
            for _, own in groups
        ]
        yield {
            "label": evaluation.label(str(scorer)),
            "columns": ["language", *columns],
            "rows": [[language, *(own.get(language, "") for own in cells)] for language in languages],
        }


def _cell(row: Any) -> str:
    """A score with its interval; a difference with its sign and, if it is significant, a star."""
    sign = "+" if isinstance(row.baseline, str) else ""
    star = " *" if row.p_adjusted < 0.05 else ""
    return f"{row.value:{sign}.1f} [{row.low:{sign}.1f}, {row.high:{sign}.1f}]{star}"


def _wins_note(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    position_biased = (rows["position_biased"] * rows["items"]).sum() / rows["items"].sum()
    return (
        f"{first['checkpoint']} against {first['baseline']}, judged by {first['judge']}, each pair in both orders; "
        f"{position_biased:.1%} of pairs were decided by position alone and count as ties."
    )


def _wins(rows: pd.DataFrame) -> dict[str, Any]:
    first = rows.iloc[0]
    columns = [
        "language",
        f"{first['checkpoint']} better",
        "tied",
        f"{first['baseline']} better",
        "win rate, 95% interval",
        "adjusted p",
    ]
    return {
        "columns": columns,
        "rows": [
            [row.language, row.wins, row.ties, row.losses, f"{row.value:.1%} [{row.low:.1%}, {row.high:.1%}]", f"{row.p_adjusted:.2g}"]
            for row in rows.itertuples()
        ],
    }  # fmt: skip


def _correlations(rows: pd.DataFrame) -> dict[str, Any]:
    columns = ["checkpoint", "metric", "scorer", "over", "Spearman's rho", "adjusted p", "note"]
    return {
        "columns": columns,
        "rows": [
            [
                row.checkpoint, row.metric, row.scorer,
                f"{row.units} {row.over}{f' in {row.language}' if isinstance(row.language, str) else ''}",
                _interval(row.value, row.low, row.high), "" if np.isnan(row.p_adjusted) else f"{row.p_adjusted:.2g}",
                shortened(row.note, LONGEST_TEXT),
            ]
            for row in rows.head(MAX_CORRELATIONS).itertuples()
        ],
        "more": max(0, len(rows) - MAX_CORRELATIONS),
    }  # fmt: skip


def _interval(value: float, low: float, high: float) -> str:
    if np.isnan(value):
        return ""
    return f"{value:+.2f}" + ("" if np.isnan(low) else f" [{low:+.2f}, {high:+.2f}]")


def _facts(evaluation: Evaluation) -> dict[str, str]:
    truncated = {
        f"truncated {what}, {name}": ", ".join(f"{language} {count}" for language, count in counts.items())
        for name, by_kind in evaluation.settings["truncated"].items()
        for what, counts in by_kind.items()
        if counts
    }
    notes = {
        f"questions, note {n}": note for n, note in enumerate(evaluation.settings.get("notes", []), start=1)
    }
    facts = {**evaluation.signatures, **evaluation.settings["scorers"], **notes, **truncated}
    return {name: shortened(fact, LONGEST_TEXT) for name, fact in facts.items()}
