"""What an evaluation found, in words, for its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from repalign.report.findings.words import joined
from repalign.results.evaluation import Evaluation

if TYPE_CHECKING:
    import pandas as pd


def headline(evaluation: Evaluation) -> str:
    """The main scorer's result in one sentence: of the comparison if there is one."""
    rows, label = leading(evaluation)
    alone, changed = rows[rows["baseline"].isna()], rows[rows["baseline"].notna()]
    if changed.empty:
        return f"{_score(alone, label, chance_of(evaluation))}."
    total, languages = _total(changed), changed[changed["language"].notna()]
    means = {str(name): _total(scored)["value"] for name, scored in alone.groupby("checkpoint", sort=False)}
    checkpoint, baseline = total["checkpoint"], total["baseline"]
    numbers = (
        f"{label} {means[checkpoint]:.1f} against {means[baseline]:.1f}{_mean_over(languages)}, "
        f"{total['value']:+.1f} [{total['low']:+.1f}, {total['high']:+.1f}]"
    )
    if not total["p_adjusted"] < 0.05:
        return f"No significant difference overall between {checkpoint} and {baseline}: {numbers}; {_by_language(languages)}."
    way = "better" if total["value"] > 0 else "worse"
    return f"{checkpoint} is significantly {way} than {baseline}: {numbers}; {_by_language(languages)}."


def evaluation_in_words(evaluation: Evaluation) -> dict[str, list[str]]:
    """Results of the main scorer, and properties of the answers: title -> lines."""
    tables = {name: table for name, table in evaluation.tables.items() if len(table)}
    rows, label = leading(evaluation)
    chance = chance_of(evaluation)
    alone, changed = rows[rows["baseline"].isna()], rows[rows["baseline"].notna()]
    sections = {
        "Accuracy": [_score(scored, label, chance) for _, scored in alone.groupby("checkpoint", sort=False)],
        "What changed?": [_change(scored, label) for _, scored in changed.groupby("checkpoint", sort=False)],
        "Language and consistency": [*_answered(tables), *_consistent(tables)],
    }
    return {title: lines for title, lines in sections.items() if lines}


def leading(evaluation: Evaluation) -> tuple[pd.DataFrame, str]:
    """The rows of the main scorer, and its label."""
    scores = evaluation.tables["scores"]
    scorer = scores["scorer"].iloc[0]
    return scores[scores["scorer"] == scorer], evaluation.label(scorer)


def chance_of(evaluation: Evaluation) -> float | None:
    """The main scorer's value for answers at random, if it is known."""
    return evaluation.settings.get("chance", {}).get(evaluation.tables["scores"]["scorer"].iloc[0])


def _total(rows: pd.DataFrame) -> pd.Series:
    """The mean over languages."""
    return rows.iloc[-1]


def _mean_over(languages: pd.DataFrame) -> str:
    return f" (mean of {len(languages)} languages)" if len(languages) > 1 else ""


def _score(rows: pd.DataFrame, label: str, chance: float | None) -> str:
    total, languages = _total(rows), rows[rows["language"].notna()]
    scorer = label if chance is None else f"{label}, chance {chance:.1f}"
    text = f"{total['checkpoint']}: {total['value']:.1f} [{total['low']:.1f}, {total['high']:.1f}] ({scorer})"
    if len(languages) < 2:
        return text
    highest, lowest = languages["value"].max(), languages["value"].min()
    if highest == lowest:
        return f"{text}; the same in all languages"
    return f"{text}; highest in {_where(languages, highest)}, lowest in {_where(languages, lowest)}"


def _where(languages: pd.DataFrame, value: float) -> str:
    """The languages of a score, and the score."""
    codes = languages.loc[languages["value"] == value, "language"].tolist()
    return f"{codes[0] if len(codes) == 1 else joined(len(codes), 'language')} ({value:.1f})"


def _change(rows: pd.DataFrame, label: str) -> str:
    total, languages = _total(rows), rows[rows["language"].notna()]
    return (
        f"{total['checkpoint']} minus {total['baseline']}: {total['value']:+.1f} [{total['low']:+.1f}, {total['high']:+.1f}] "
        f"({label}); {_by_language(languages)}"
    )


def _by_language(languages: pd.DataFrame) -> str:
    significant = languages[languages["p_adjusted"] < 0.05]
    better, worse = int((significant["value"] > 0).sum()), int((significant["value"] < 0).sum())
    return significance_in_words(better, worse, len(languages))


def significance_in_words(better: int, worse: int, languages: int) -> str:
    """
    >>> significance_in_words(7, 0, 7), significance_in_words(0, 0, 7)
    ('significantly better in all 7 languages', 'significant in no single language')
    >>> significance_in_words(3, 1, 7)
    'significantly better in 3 of 7 languages, worse in 1'
    """
    if not better and not worse:
        return "significant in no single language"
    counts = [(count, word) for count, word in ((better, "better"), (worse, "worse")) if count]
    (count, word), *rest = counts
    scope = (
        f"all {joined(languages, 'language')}"
        if count == languages > 1
        else f"{count} of {joined(languages, 'language')}"
    )
    return f"significantly {word} in {scope}" + "".join(f", {word} in {count}" for count, word in rest)


def _answered(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    if "answer_languages" not in tables:
        return []
    lines = []
    for name, rows in tables["answer_languages"].groupby("checkpoint", sort=False):
        same = rows[rows["asked"] == rows["answered"].fillna("")]
        share = same["count"].sum() / rows["count"].sum()
        lines.append(f"{name}: {share:.0%} in the language of the question")
    return lines


def _consistent(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    if "consistency" not in tables:
        return []
    return [
        f"{name}: same answer in two languages for {rows['value'].mean():.1%} of questions (chance {rows['chance'].mean():.1%})"
        for name, rows in tables["consistency"].groupby("checkpoint", sort=False)
    ]
