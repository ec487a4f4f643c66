"""What `repalign evaluate` prints: scores by language with their intervals, and one line per further result."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from repalign.figures.view import ALPHA
from repalign.report.profile_text import side_by_side

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.evaluation import Evaluation


def evaluation_lines(evaluation: Evaluation) -> Iterator[str]:
    """The tables and findings of an evaluation."""
    scores = evaluation.tables["scores"]
    for (checkpoint, baseline), rows in scores.groupby(["checkpoint", "baseline"], sort=False, dropna=False):
        if isinstance(baseline, str):
            about = "percentage points [95%], * p < .05 adjusted over languages (Holm)"
            yield from _grid(f"{checkpoint} minus {baseline}, {about}", rows, "+")
        else:
            yield evaluation.signatures[str(checkpoint)]
            yield from _grid(f"{checkpoint}, % [95%]", rows, "")
    for name, signature in evaluation.settings["scorers"].items():
        yield f"{name}: {signature}"
    if evaluation.resampled:
        yield f"questions: {evaluation.resampled}"
    for note in evaluation.settings.get("notes", []):
        yield f"questions: {note}"
    for name, truncated in evaluation.settings["truncated"].items():
        for what, counts in truncated.items():
            if counts:
                yield f"{name}: truncated {what}: {', '.join(f'{lang} {n}' for lang, n in counts.items())}"
    yield from _further_results(evaluation)


def _grid(heading: str, rows: pd.DataFrame, sign: str) -> Iterator[str]:
    """Languages by scorers, in percent, and the number of questions: in the heading, unless languages differ in it."""
    columns: dict[str, dict[str, str]] = {}
    for row in rows.itertuples(index=False):
        language = row.language if isinstance(row.language, str) else "mean"
        star = "*" if row.p_adjusted < ALPHA else ""
        columns.setdefault(row.scorer, {}).setdefault(
            language, _with_interval(row.value, row.low, row.high, sign) + star
        )
        columns.setdefault("questions", {}).setdefault(language, str(row.items))
    questions = columns.pop("questions")
    if len(counts := set(questions.values())) > 1:
        columns["questions"] = questions
        yield heading
    else:
        yield f"{heading}, {counts.pop()} questions per language"
    yield from side_by_side(columns, shutil.get_terminal_size().columns)


def _with_interval(value: float, low: float, high: float, sign: str = "") -> str:
    """
    >>> _with_interval(-0.01, -0.2, 0.1, "+")
    '0.0 [-0.2, +0.1]'
    """
    return f"{_percent(value, sign)} [{_percent(low, sign)}, {_percent(high, sign)}]"


def _percent(value: float, sign: str) -> str:
    """One decimal; zero has no sign."""
    return f"{value:{sign}.1f}" if round(value, 1) else "0.0"


def _further_results(evaluation: Evaluation) -> Iterator[str]:
    """One line per checkpoint or language for each of the other tables."""
    from repalign.statistics import holm

    tables = evaluation.tables
    if "answer_languages" in tables:
        table = tables["answer_languages"]
        same = table[table["asked"] == table["answered"].fillna("")]
        share_of = same.groupby(["checkpoint", "asked"])["share"].sum()
        for name in dict.fromkeys(table["checkpoint"]):
            shares = [f"{lang} {share_of.get((name, lang), 0):.0%}" for lang in dict.fromkeys(table["asked"])]
            yield f"{name}: answered in the language of the question: {', '.join(shares)}"
    if "consistency" in tables:
        for name, pairs in tables["consistency"].groupby("checkpoint", sort=False):
            value, chance = pairs["value"].mean(), pairs["chance"].mean()
            significant = (holm(pairs["p"]) < 0.05).sum()
            yield (
                f"{name}: same answer in two languages: {value:.1%} (chance {chance:.1%}), "
                f"significant in {significant} of {len(pairs)} pairs"
            )
    if "wins" in tables:
        yield from _wins(tables["wins"])
    if reason := evaluation.settings.get("wins_missing"):
        yield f"no win rates: {reason}"
    yield from _correlations(evaluation) if "correlations" in tables else ()


def _wins(table: pd.DataFrame) -> Iterator[str]:
    """Win rates by language, one table for each pair of checkpoints and judge."""
    for (checkpoint, baseline, judge), rows in table.groupby(["checkpoint", "baseline", "judge"], sort=False):
        yield (
            f"{checkpoint} over {baseline} by {judge}, % [95%], ties count half; "
            "* p < .05, adjusted over languages by Holm"
        )
        columns: dict[str, dict[str, str]] = {}
        for row in rows.itertuples(index=False):
            star = "*" if row.p_adjusted < ALPHA else ""
            rate = _with_interval(100 * row.value, 100 * row.low, 100 * row.high)
            for heading, cell in (
                ("win rate", f"{rate}{star}"),
                ("won", row.wins),
                ("tied", row.ties),
                ("lost", row.losses),
                ("adjusted p", f"{row.p_adjusted:.2g}"),
                ("position-biased", f"{row.position_biased:.0%}"),
            ):
                columns.setdefault(heading, {})[row.language] = str(cell)
        yield from side_by_side(columns, shutil.get_terminal_size().columns)


def _correlations(evaluation: Evaluation) -> Iterator[str]:
    """Correlations of alignment with the main scorer; the table has those with the others."""
    table = evaluation.tables["correlations"]
    for row in table[table["scorer"] == next(iter(evaluation.tables["scores"]["scorer"]), "")].itertuples():
        scope = f" in {row.language}" if isinstance(row.language, str) else ""
        yield f"{row.checkpoint}: {row.metric} and {row.scorer} over {row.units} {row.over}{scope}: " + (
            row.note
            or f"rho {row.value:+.2f} [{row.low:+.2f}, {row.high:+.2f}], adjusted p {row.p_adjusted:.2g}"
        )
