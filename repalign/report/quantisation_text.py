"""What `repalign quantisation` found, in words: for the page and the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from repalign.corpora.languages import language_name
from repalign.figures.view import ALPHA
from repalign.report.findings.words import (
    joined,
    language_list,
    layers_in_words,
    p_in_words,
    rounded,
    with_interval,
)

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.quantisation import Quantisation

DRIFTED = 0.99
"""Cosine of a sentence's states with those of the base, below which a layer has drifted."""

UNITS = {
    "nats_per_token": " nats per token",
    "nats_per_sentence": " nats per sentence",
    "share_of_loss": " of its own loss",
}
"""What ranked differences are in."""


class First(NamedTuple):
    """The mildest version that raises the loss of some language, and the language whose loss it raises most.

    Attributes:
        version: its name.
        row: of the table `losses`, in nats per token.
        alike: languages that cannot be distinguished from it (adjusted p of their difference at least .05).
    """

    version: str
    row: pd.Series
    alike: list[str]


def first_to_break(quantised: Quantisation) -> First | None:
    """None if no version raises the loss of any language (adjusted p below .05)."""
    changes = quantised.changes("nats_per_token")
    raised = changes[(changes["p_adjusted"] < ALPHA) & (changes["value"] > 0)]
    for version in quantised.order:
        rows = raised[raised["checkpoint"] == version]
        if len(rows):
            row = rows.loc[rows["value"].idxmax()]
            ranks = ranks_of(quantised, version, "nats_per_token")
            # The first of all may be another language, whose rise is larger and not significant.
            alike = [*ranks["language"].head(1), *undistinguished(ranks)]
            return First(version, row, [one for one in alike if one != row["language"]])
    return None


def ranks_of(quantised: Quantisation, version: str, measure: str) -> pd.DataFrame:
    """Rows of the table `ranking`, the language that loses most first; none if the folder has no such table."""
    if "ranking" not in quantised.tables:
        return quantised.tables["losses"].head(0).assign(rank=[])
    table = quantised.tables["ranking"]
    return table[(table["checkpoint"] == version) & (table["measure"] == measure)].sort_values("rank")


def undistinguished(ranks: pd.DataFrame) -> list[str]:
    """The languages that cannot be distinguished from the first."""
    return ranks[ranks["p_adjusted"] >= ALPHA]["language"].tolist()


def headline(quantised: Quantisation) -> str:
    """Which language breaks first, in one or two sentences."""
    first, tested = first_to_break(quantised), _tested(quantised)
    versions = f"{joined(len(quantised.order), 'version')} of {quantised.base}"
    if first is None:
        return f"No language breaks: in {versions}, no loss rises above that of {quantised.base} ({tested})."
    row = first.row
    found = (
        f"In {first.version}, the mildest of {versions} that raises a loss, {language_name(row['language'])} loses most: "
        f"{_change(row)}{UNITS['nats_per_token']} ({p_in_words(row['p_adjusted'])}, Holm)"
    )
    if first.alike:
        return f"{found}; it cannot be distinguished from {language_list(first.alike)}."
    return f"{found}, more than every other language."


def quantisation_in_words(quantised: Quantisation) -> dict[str, list[str]]:
    """Findings by question, for the page and the terminal: question -> lines."""
    findings = {
        "Which language breaks first?": [headline(quantised), _in_which_order(quantised)],
        "Which language loses most?": list(_most(quantised)),
        "Where does drift begin?": list(_drift(quantised)),
        "Does alignment change?": list(_alignment(quantised)),
    }
    return {question: lines for question, lines in findings.items() if lines}


def _tested(quantised: Quantisation) -> str:
    """How differences were tested, and on what."""
    losses, documents = quantised.tables["losses"], quantised.settings["documents"]
    sentences = joined(int(losses["sentences"].max()), "sentence")
    units = f" in {joined(documents, 'document')}" if documents else ""
    tests = joined(len(quantised.changes("nats_per_token")), "test")
    return f"no rise with adjusted p < {ALPHA:g} in {tests}; {sentences}{units}"


def _in_which_order(quantised: Quantisation) -> str:
    kl = quantised.changes("kl").groupby("checkpoint")["value"].mean()
    order = ", ".join(f"{name} {rounded(kl[name])}" for name in quantised.order)
    return (
        f"From the mildest version to the harshest, by how far predictions are from those of {quantised.base} (KL divergence "
        f"in nats per token, mean over languages): {order}"
    )


def _most(quantised: Quantisation) -> Iterator[str]:
    """A line per version: absolutely, by meaning, and relative to the language's own loss."""
    for version in quantised.order:
        parts = []
        for measure, unit in UNITS.items():
            ranks = ranks_of(quantised, version, measure)
            if ranks.empty:
                continue
            lost = quantised.changes(measure)
            first = lost[
                (lost["checkpoint"] == version) & (lost["language"] == ranks.iloc[0]["language"])
            ].iloc[0]
            alike = undistinguished(ranks)
            words = f"{language_name(first['language'])} {_change(first)}{unit}"
            if not (first["p_adjusted"] < ALPHA and first["value"] > 0):
                words = f"no significant rise (largest: {words})"
            elif alike:
                words += f" (not distinguished: {language_list(alike)})"
            parts.append(words)
        if parts:
            yield f"{version}: {'; '.join(parts)}"


def _change(row: pd.Series) -> str:
    return with_interval(row["value"], row["low"], row["high"], "+")


def _drift(quantised: Quantisation) -> Iterator[str]:
    """A line per version: from which layer on the states of some language are elsewhere, and where they are farthest."""
    if "state_drift" not in quantised.tables:
        return
    table = quantised.tables["state_drift"]
    for version in quantised.order:
        rows = table[(table["checkpoint"] == version) & (table["measure"] == "cosine")]
        if rows.empty:
            continue
        farthest = rows.loc[rows["value"].idxmin()]
        moved = rows[rows["high"].fillna(rows["value"]) < DRIFTED]
        where = (
            f"no layer: cosines with the states of {quantised.base} are {DRIFTED:g} or more, within their intervals"
            if moved.empty
            else f"from layer {moved['layer'].min()} on ({language_list(moved[moved['layer'] == moved['layer'].min()]['language'])}): "
            f"the cosine with the states of {quantised.base} is below {DRIFTED:g} at {layers_in_words(set(moved['layer']))}"
        )
        yield (
            f"{version}: {where}; lowest at layer {farthest['layer']}, {language_name(farthest['language'])} "
            f"{with_interval(farthest['value'], farthest['low'], farthest['high'])}"
        )


def _alignment(quantised: Quantisation) -> Iterator[str]:
    """A line per version and metric: in how many cases it changes, and the largest change."""
    if "alignment_by_layer" not in quantised.tables:
        return
    table = quantised.tables["alignment_by_layer"]
    changes = table[table["baseline"].notna() & table["value"].notna()]
    labels = {"mexa": "MEXA", "p_at_1": "P@1"}
    for version in quantised.order:
        parts = []
        for metric, rows in changes[changes["checkpoint"] == version].groupby("metric", sort=False):
            largest = rows.loc[rows["value"].abs().idxmax()]
            pair = " to ".join(language_name(largest[end]) for end in ("source", "target"))
            different = int((rows["p_adjusted"] < ALPHA).sum())
            parts.append(
                f"{labels.get(str(metric), str(metric))}, centred, differs in {different} of "
                f"{joined(len(rows), 'case')} (largest: {_change(largest)}, {pair}, layer {largest['layer']})"
            )
        if parts:
            yield f"{version}: {'; '.join(parts)} (cases: languages, directions and layers; adjusted p < {ALPHA:g})"
