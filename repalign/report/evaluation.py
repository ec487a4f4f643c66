"""The page of an evaluation: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.errors import RepalignError
from repalign.figures import answers
from repalign.figures.names import LONGEST_TEXT, presentable, shortened, visible
from repalign.figures.style import HEIGHT
from repalign.report.about import few
from repalign.report.findings.words import joined
from repalign.report.layout import fill, numbered
from repalign.results.evaluation import Evaluation

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES_PER_LANGUAGE = 6
"""Questions shown per language, evenly spaced from the first to the last."""

MAX_METRICS = 4
"""Metrics of alignment that are plotted against the scores."""

MAX_LANGUAGES = 40
"""Languages of which examples are shown."""

MAX_CORRELATIONS = 200
"""Correlations in the table of the page."""

LONGEST_EXAMPLE = 300
"""Columns shown of a question or an answer; a Chinese character takes two."""


def render_evaluation(evaluation: Evaluation) -> str:
    """The page as HTML; missing tables are skipped.

    Raises:
        RepalignError: there are no scores or answers.
    """
    if evaluation.tables["scores"].empty or evaluation.tables["answers"].empty:
        raise RepalignError("there are no scores or no answers to report; run `repalign evaluate` again")
    evaluation, names = presentable(evaluation)
    tables = {name: table for name, table in evaluation.tables.items() if len(table)}
    panels, figures = numbered(_figures(tables, evaluation.label, evaluation.settings.get("chance", {})))
    scores = tables["scores"]
    languages = scores["language"].dropna().unique()
    return fill(
        "evaluation.html",
        ["figures.js"],
        {"figures": figures, "height": HEIGHT},
        names.full,
        title=evaluation.title,
        about={
            "checkpoints": few(evaluation.signatures),
            "task": str(evaluation.settings.get("task", "")),
            "questions": f"{scores['items'].max():,} a language",
            "languages": few(languages),
            "intervals": evaluation.resampled,
            "date": str(evaluation.about.get("date", "")),
        },
        findings=_findings(evaluation),
        panels=panels,
        height=HEIGHT,
        wins_note=_wins_note(tables["wins"]) if "wins" in tables else "",
        wins_missing=evaluation.settings.get("wins_missing"),
        correlations=_correlations(tables["correlations"]) if "correlations" in tables else None,
        examples=_examples(tables["answers"]),
        examples_note=_examples_note(tables["answers"]),
        command=evaluation.about.get("command"),
        facts=_facts(evaluation),
    )


TitledFigures = Iterable[tuple[str, dict[str, Any]]]
"""Titles and figures."""


def _figures(
    tables: Mapping[str, pd.DataFrame], label: Callable[[str], str], chance: Mapping[str, float]
) -> dict[str, TitledFigures]:
    scores = tables["scores"]
    single, changed = scores[scores["baseline"].isna()], scores[scores["baseline"].notna()]
    figures: dict[str, TitledFigures] = {
        "scores": [
            (label(name), answers.scores(rows, label(name), chance.get(name)))
            for name, rows in _each(single, "scorer")
        ],
        "differences": [
            (label(name), answers.differences(rows, label(name))) for name, rows in _each(changed, "scorer")
        ],
    }
    for name, column, draw in (
        ("wins", "judge", answers.wins),
        ("answer_languages", "checkpoint", answers.answer_languages),
        ("consistency", "checkpoint", answers.consistency),
    ):
        table = tables.get(name)
        figures[name] = (
            [] if table is None else [(str(key), draw(rows)) for key, rows in _each(table, column)]
        )
    figures["alignment"] = list(_alignment(tables["alignment"], label)) if "alignment" in tables else []
    return figures


def _alignment(table: pd.DataFrame, label: Callable[[str], str]) -> TitledFigures:
    leading = table[table["scorer"] == table["scorer"].iloc[0]]
    scorer = label(leading["scorer"].iloc[0])
    for metric, rows in list(_each(leading, "metric"))[:MAX_METRICS]:
        yield f"{metric} and {scorer}", answers.alignment(rows, str(metric), scorer)


def _each(table: pd.DataFrame, column: str) -> Iterable[tuple[Any, pd.DataFrame]]:
    return table.groupby(column, sort=False)


def _findings(evaluation: Evaluation) -> dict[str, list[str]]:
    """Results of the main scorer, and properties of the answers: title -> lines."""
    tables = {name: table for name, table in evaluation.tables.items() if len(table)}
    scores = tables["scores"]
    leading = scores[scores["scorer"] == scores["scorer"].iloc[0]]
    chance = evaluation.settings.get("chance", {}).get(leading["scorer"].iloc[0])
    accuracy = [
        _score(str(name), rows, chance)
        for name, rows in _each(leading[leading["baseline"].isna()], "checkpoint")
    ]
    changes = [
        _change(str(name), rows) for name, rows in _each(leading[leading["baseline"].notna()], "checkpoint")
    ]
    properties = []
    if "answer_languages" in tables:
        for checkpoint, rows in _each(tables["answer_languages"], "checkpoint"):
            same = rows[rows["asked"] == rows["answered"].fillna("")]
            share = same["count"].sum() / rows["count"].sum()
            properties.append(f"{checkpoint}: {share:.0%} in the language of the question")
    if "consistency" in tables:
        for checkpoint, rows in _each(tables["consistency"], "checkpoint"):
            properties.append(
                f"{checkpoint}: same answer in two languages for {rows['value'].mean():.1%} of questions "
                f"(chance {rows['chance'].mean():.1%})"
            )
    sections = {"Accuracy": accuracy, "What changed?": changes, "Language and consistency": properties}
    return {title: lines for title, lines in sections.items() if lines}


def _score(checkpoint: str, rows: pd.DataFrame, chance: float | None) -> str:
    total, languages = rows.iloc[-1], rows[rows["language"].notna()]
    scorer = total["scorer"] if chance is None else f"{total['scorer']}, chance {chance:.1f}"
    text = f"{checkpoint}: {total['value']:.1f} [{total['low']:.1f}, {total['high']:.1f}] ({scorer})"
    if len(languages) < 2:
        return text
    best, worst = (languages.loc[languages["value"].agg(pick)] for pick in ("idxmax", "idxmin"))
    if best["value"] == worst["value"]:
        return f"{text}; the same in all languages"
    return (
        f"{text}; highest in {best['language']} ({best['value']:.1f}), "
        f"lowest in {worst['language']} ({worst['value']:.1f})"
    )


def _change(checkpoint: str, rows: pd.DataFrame) -> str:
    total, languages = rows.iloc[-1], rows[rows["language"].notna()]
    significant = languages[languages["p_adjusted"] < 0.05]
    better, worse = int((significant["value"] > 0).sum()), int((significant["value"] < 0).sum())
    return (
        f"{checkpoint} minus {total['baseline']}: {total['value']:+.1f} [{total['low']:+.1f}, {total['high']:+.1f}] "
        f"({total['scorer']}); {significance_in_words(better, worse, len(languages))}"
    )


def significance_in_words(better: int, worse: int, languages: int) -> str:
    """
    >>> significance_in_words(7, 0, 7), significance_in_words(0, 0, 7)
    ('significantly better in all 7 languages', 'no significant difference in any language')
    >>> significance_in_words(3, 1, 7)
    'significantly better in 3 of 7 languages, worse in 1'
    """
    if not better and not worse:
        return "no significant difference in any language"
    counts = [(count, word) for count, word in ((better, "better"), (worse, "worse")) if count]
    (count, word), *rest = counts
    scope = (
        f"all {joined(languages, 'language')}"
        if count == languages > 1
        else f"{count} of {joined(languages, 'language')}"
    )
    return f"significantly {word} in {scope}" + "".join(f", {word} in {count}" for count, word in rest)


def _wins_note(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    position_biased = (rows["position_biased"] * rows["items"]).sum() / rows["items"].sum()
    return (
        f"{first['checkpoint']} against {first['baseline']}, judged by {first['judge']}, each pair in both orders; "
        f"{position_biased:.1%} of pairs were decided by position alone and count as ties."
    )


def _correlations(rows: pd.DataFrame) -> dict[str, Any]:
    columns = ["checkpoint", "metric", "scorer", "over", "Spearman's rho", "adjusted p", "note"]
    return {
        "columns": columns,
        "rows": [
            [
                row.checkpoint, row.metric, row.scorer,
                f"{row.units} {row.over}{f' in {row.language}' if isinstance(row.language, str) else ''}",
                _interval(row.value, row.low, row.high), "" if np.isnan(row.p_adjusted) else f"{row.p_adjusted:.2g}", _short(row.note),
            ]
            for row in rows.head(MAX_CORRELATIONS).itertuples()
        ],
        "more": max(0, len(rows) - MAX_CORRELATIONS),
    }  # fmt: skip


def _interval(value: float, low: float, high: float) -> str:
    if np.isnan(value):
        return ""
    return f"{value:+.2f}" + ("" if np.isnan(low) else f" [{low:+.2f}, {high:+.2f}]")


def _examples(table: pd.DataFrame) -> dict[str, Any]:
    names = list(dict.fromkeys(table["checkpoint"]))
    rows = []
    for language, answered in list(_each(table, "language"))[:MAX_LANGUAGES]:
        questions = answered[answered["checkpoint"] == names[0]]
        spaced = np.linspace(0, max(len(questions) - 1, 0), EXAMPLES_PER_LANGUAGE).astype(int)
        keys = zip(answered["checkpoint"], answered["item"], strict=True)
        answer_of = dict(zip(keys, answered["answer"], strict=True))
        for row in questions.iloc[np.unique(spaced)[: len(questions)]].itertuples():
            question = f"{row.instruction}\n{row.input}".strip()
            rows.append(
                [
                    language,
                    _short(question),
                    _short(row.reference),
                    *(_short(answer_of.get((name, row.item), "")) for name in names),
                ]
            )
    return {"columns": ["language", "question", "reference", *names], "rows": rows}


def _short(text: str) -> str:
    return shortened(visible(text), LONGEST_EXAMPLE)


def _examples_note(table: pd.DataFrame) -> str:
    languages = table["language"].nunique()
    some = f", of {MAX_LANGUAGES} of {languages} languages" if languages > MAX_LANGUAGES else ""
    return (
        f"{EXAMPLES_PER_LANGUAGE} questions per language{some}, evenly spaced from the first to the last; long texts are "
        "cut in the middle; the results folder has all of them."
    )


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
