"""What `repalign evaluate` prints: scores by language with their intervals, and one line per further result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.evaluation import Evaluation


def print_tables(evaluation: Evaluation) -> None:
    """Print an evaluation to stdout."""
    scores = evaluation.tables["scores"]
    for (checkpoint, baseline), rows in scores.groupby(["checkpoint", "baseline"], sort=False, dropna=False):
        if isinstance(baseline, str):
            print(f"{checkpoint} minus {baseline} (* p < .05, adjusted over languages by Holm)")
            print(_grid(rows, "+.1f"))
        else:
            print(evaluation.signatures[str(checkpoint)])
            print(_grid(rows, ".1f"))
    for name, signature in evaluation.settings["scorers"].items():
        print(f"{name}: {signature}")
    if evaluation.resampled:
        print(f"questions: {evaluation.resampled}")
    for note in evaluation.settings.get("notes", []):
        print(f"questions: {note}")
    for name, truncated in evaluation.settings["truncated"].items():
        for what, counts in truncated.items():
            if counts:
                print(f"{name}: truncated {what}: {', '.join(f'{lang} {n}' for lang, n in counts.items())}")
    for line in _further_results(evaluation):
        print(line)


def _grid(rows: pd.DataFrame, digits: str) -> str:
    """Languages by scorers, in percent."""
    scorers = list(dict.fromkeys(rows["scorer"]))
    width = max(8, *rows["language"].fillna("").str.len())
    lines = [" " * width + "".join(f"{name:>26}" for name in scorers) + f"{'questions':>11}"]
    for language, scored in rows.groupby(rows["language"].fillna("mean"), sort=False):
        by_scorer = scored.drop_duplicates("scorer").set_index("scorer").reindex(scorers)
        cells = [f"{_interval(row, digits):>26}" for _, row in by_scorer.iterrows()]
        lines.append(f"{language:{width}}" + "".join(cells) + f"{scored['items'].iloc[0]:11}")
    return "\n".join(lines)


def _interval(row: pd.Series, digits: str) -> str:
    star = "*" if row["p_adjusted"] < 0.05 else " "
    return f"{row['value']:{digits}} [{row['low']:{digits}}, {row['high']:{digits}}]{star}"


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
    for row in tables["wins"].itertuples() if "wins" in tables else ():
        yield (
            f"{row.checkpoint} over {row.baseline} in {row.language} by {row.judge}: {row.wins} won, {row.ties} tied, "
            f"{row.losses} lost, {row.value:.1%} [{row.low:.1%}, {row.high:.1%}], adjusted p {row.p_adjusted:.2g}, "
            f"position-biased {row.position_biased:.0%}"
        )
    if reason := evaluation.settings.get("wins_missing"):
        yield f"no win rates: {reason}"
    yield from _correlations(evaluation) if "correlations" in tables else ()


def _correlations(evaluation: Evaluation) -> Iterator[str]:
    """Correlations of alignment with the main scorer; the table has those with the others."""
    table = evaluation.tables["correlations"]
    for row in table[table["scorer"] == next(iter(evaluation.tables["scores"]["scorer"]), "")].itertuples():
        scope = f" in {row.language}" if isinstance(row.language, str) else ""
        yield f"{row.checkpoint}: {row.metric} and {row.scorer} over {row.units} {row.over}{scope}: " + (
            row.note
            or f"rho {row.value:+.2f} [{row.low:+.2f}, {row.high:+.2f}], adjusted p {row.p_adjusted:.2g}"
        )
