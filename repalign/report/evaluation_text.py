"""What `evaluate` prints: scores by language with their intervals, and a line for what else was found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.evaluation import Evaluation


def print_tables(found: Evaluation) -> None:
    """Scores by language with their intervals, and what else was found, on stdout."""
    scores = found.tables["scores"]
    for (checkpoint, baseline), rows in scores.groupby(["checkpoint", "baseline"], sort=False, dropna=False):
        change = isinstance(baseline, str)
        star = " (* p < .05, over languages by Holm)" if change else ""
        print(f"{checkpoint} minus {baseline}{star}" if change else found.signatures[str(checkpoint)])
        print(_grid(rows, "+.1f" if change else ".1f"))
    for name, signature in found.settings["scorers"].items():
        print(f"{name}: {signature}")
    for name, cut in found.settings["truncated"].items():
        for what, counts in cut.items():
            if counts:
                print(f"{name}: {what} cut: {', '.join(f'{lang} {n}' for lang, n in counts.items())}")
    for line in _further(found):
        print(line)


def _grid(rows: pd.DataFrame, digits: str) -> str:
    """Languages by scorers."""
    scorers = list(dict.fromkeys(rows["scorer"]))
    lines = ["        " + "".join(f"{name:>26}" for name in scorers) + f"{'questions':>11}"]
    for language, own in rows.groupby(rows["language"].fillna("mean"), sort=False):
        by_scorer = own.drop_duplicates("scorer").set_index("scorer").reindex(scorers)
        cells = [f"{_interval(row, digits):>26}" for _, row in by_scorer.iterrows()]
        lines.append(f"{language:8}" + "".join(cells) + f"{own['items'].iloc[0]:11}")
    return "\n".join(lines)


def _interval(row: pd.Series, digits: str) -> str:
    star = "*" if row["p_adjusted"] < 0.05 else " "
    return f"{row['value']:{digits}} [{row['low']:{digits}}, {row['high']:{digits}}]{star}"


def _further(found: Evaluation) -> Iterator[str]:
    """One line a checkpoint or language for what the other tables say."""
    from repalign.statistics import holm

    tables = found.tables
    if "languages" in tables:
        table = tables["languages"]
        right = table[table["asked"] == table["answered"].fillna("")]
        asked = right.groupby(["checkpoint", "asked"])["share"].sum()
        for name in dict.fromkeys(table["checkpoint"]):
            shares = [f"{lang} {asked.get((name, lang), 0):.0%}" for lang in dict.fromkeys(table["asked"])]
            yield f"{name}: in the language asked: {', '.join(shares)}"
    if "consistency" in tables:
        for name, own in tables["consistency"].groupby("checkpoint", sort=False):
            value, chance = own["value"].mean(), own["chance"].mean()
            told = (holm(own["p"]) < 0.05).sum()
            yield (
                f"{name}: same answer in two languages: {value:.1%} (chance {chance:.1%}), "
                f"above chance in {told} of {len(own)} pairs"
            )
    for row in tables["wins"].itertuples() if "wins" in tables else ():
        yield (
            f"{row.checkpoint} over {row.baseline} in {row.language} by {row.judge}: {row.wins} won, {row.ties} tied, "
            f"{row.losses} lost, {row.value:.1%} [{row.low:.1%}, {row.high:.1%}], p {row.p:.2g}, position-biased {row.position_biased:.0%}"
        )
    yield from _correlations(found) if "correlations" in tables else ()


def _correlations(found: Evaluation) -> Iterator[str]:
    """Of alignment and the leading scorer; the table has the others."""
    table = found.tables["correlations"]
    for row in table[table["scorer"] == next(iter(found.tables["scores"]["scorer"]), "")].itertuples():
        where = f" in {row.language}" if isinstance(row.language, str) else ""
        said = f"{row.checkpoint}: {row.metric} and {row.scorer} over {row.units} {row.over}{where}: "
        yield said + (
            row.note
            or f"rho {row.value:+.2f} [{row.low:+.2f}, {row.high:+.2f}], adjusted p {row.p_adjusted:.2g}"
        )
