"""What the numbers say, in words, and never more than their tests allow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repalign.corpora.languages import language_name
from repalign.figures import selection

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results import Results

LISTED = 12
"""With more languages than this, findings count languages instead of naming each."""


@dataclass(frozen=True)
class Finding:
    """One sentence of the first screen.

    Attributes:
        question: "where", "sure" or "changed".
        text: the sentence.
        evidence: the test behind it.
        choice: what the page shows when it is chosen, e.g. metric, variant, layer.
    """

    question: str
    text: str
    evidence: str = ""
    choice: dict[str, str | int] = field(default_factory=dict)


def findings(results: Results) -> list[Finding]:
    """All findings: where languages meet, how sure that is, and what changed."""
    if results.profile.table.empty:
        return [Finding("where", "The table holds no scores, so there is nothing to report.")]
    metric, variant = lead(results)
    found = []
    own = selection.where(selection.own_rows(results), metric=metric, variant=variant)
    own = own[own["source"] == selection.pivot(results)]
    for checkpoint in selection.checkpoints(results):
        rows = own[own["checkpoint"] == checkpoint]
        if len(rows):
            found += _where(results, rows, checkpoint, metric, variant)
    paired = selection.where(selection.paired_rows(results), metric=metric, variant=variant)
    for (checkpoint, baseline), rows in paired.groupby(["checkpoint", "baseline"], sort=False):
        found += _changed(results, rows, str(checkpoint), str(baseline), metric, variant)
    return found + _sure(results, own, metric, variant)


def lead(results: Results) -> tuple[str, str]:
    """The metric and variant that the words are about."""
    first = selection.pictures(results.profile.table, "metric", "variant")[0]
    return first["metric"], first["variant"]


def layers_in_words(layers: Iterable[int]) -> str:
    """[3, 4, 5, 8] as "layers 3 to 5 and 8"."""
    ranges: list[list[int]] = []
    for layer in sorted(layers):
        if ranges and layer == ranges[-1][1] + 1:
            ranges[-1][1] = layer
        else:
            ranges.append([layer, layer])
    words = [str(a) if a == b else f"{a} to {b}" if b > a + 1 else f"{a} and {b}" for a, b in ranges]
    return ("layer " if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else "layers ") + listing(words)


def listing(words: list[str]) -> str:
    """["a", "b", "c"] as "a, b and c"."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def number(row: pd.Series, sign: str = "") -> str:
    """A value with its interval: "0.31 [0.27, 0.35]"."""
    value = f"{row['value']:{sign}.2f}"
    return value if row["low"] != row["low"] else f"{value} [{row['low']:{sign}.2f}, {row['high']:{sign}.2f}]"


def _where(results: Results, rows: pd.DataFrame, checkpoint: str, metric: str, variant: str) -> list[Finding]:
    pivot = selection.pivot(results)
    label = selection.metric_label(results, metric)
    tested = selection.above_chance(rows)
    names = list(rows["target"].unique())
    meeting = [name for name in names if tested[rows["target"] == name].any()]
    if not meeting:
        return [
            Finding(
                "where",
                f"{checkpoint}: no language meets {pivot} at any layer; nothing is above chance.",
                f"{label}, {variant}: smallest adjusted p {rows['p_adjusted'].min():.2g}",
                {"metric": metric, "variant": variant},
            )
        ]
    counts = rows[tested].groupby("layer")["target"].nunique()
    most = counts[counts == counts.max()]
    head = Finding(
        "where",
        f"{checkpoint}: {len(meeting)} of {len(names)} languages meet {pivot}, most of them together "
        f"({counts.max()}) in {layers_in_words(most.index)}.",
        f"{label}, {variant}, above chance with Holm-adjusted p below {selection.ALPHA:g}",
        {"metric": metric, "variant": variant, "layer": int(most.index[len(most) // 2])},
    )
    if len(names) > LISTED:
        return [head]
    return [head, *(_language(rows[rows["target"] == name], name, pivot, metric, variant) for name in names)]


def _language(rows: pd.DataFrame, name: str, pivot: str, metric: str, variant: str) -> Finding:
    tested = rows[selection.above_chance(rows)]
    called = f"{name} ({language_name(name)})" if language_name(name) != name else name
    if tested.empty:
        return Finding(
            "where",
            f"{called} does not meet {pivot}: not above chance at any layer.",
            f"smallest adjusted p {rows['p_adjusted'].min():.2g}",
            {"metric": metric, "variant": variant},
        )
    best = tested.loc[tested["calibrated"].idxmax()]
    return Finding(
        "where",
        f"{called} meets {pivot} in {layers_in_words(tested['layer'])}, most at {best['layer']}: {number(best)}.",
        f"chance {best['chance']:.3f}, adjusted p {best['p_adjusted']:.2g}, {best['sentences']} sentences",
        {"metric": metric, "variant": variant, "layer": int(best["layer"])},
    )


def _changed(
    results: Results, rows: pd.DataFrame, checkpoint: str, baseline: str, metric: str, variant: str
) -> list[Finding]:
    rows = rows[rows["source"] == selection.pivot(results)]
    tested = rows[rows["p_adjusted"] < selection.ALPHA]
    choice: dict[str, str | int] = {"metric": metric, "variant": variant}
    if tested.empty:
        text = f"{checkpoint} changes nothing significant over {baseline}."
        return [Finding("changed", text, f"smallest adjusted p {rows['p_adjusted'].min():.2g}", choice)]
    found = []
    for name in rows["target"].unique():
        own = tested[tested["target"] == name]
        if own.empty:
            continue
        best = own.loc[own["value"].abs().idxmax()]
        found.append(
            Finding(
                "changed",
                f"{name}: {number(best, '+')} over {baseline} at layer {best['layer']}; "
                f"significant in {layers_in_words(own['layer'])}.",
                f"{checkpoint} minus {baseline}, the same sentences; adjusted p {best['p_adjusted']:.2g}",
                {**choice, "layer": int(best["layer"])},
            )
        )
    still = [name for name in rows["target"].unique() if name not in set(tested["target"])]
    if still:
        found.append(
            Finding("changed", f"No significant change over {baseline}: {listing(still)}.", "", choice)
        )
    return found


def _sure(results: Results, own: pd.DataFrame, metric: str, variant: str) -> list[Finding]:
    label = selection.metric_label(results, metric)
    sentences = sorted(set(own["sentences"]))
    said = f"{sentences[0]}" if len(sentences) == 1 else f"{sentences[0]} to {sentences[-1]}"
    found = [
        Finding(
            "sure",
            f"{said} sentences; {len(own)} tests ({own['target'].nunique()} languages × {own['layer'].nunique()} layers"
            f" × {own['checkpoint'].nunique()} checkpoints) of {label}, {variant}; adjusted together, 95% intervals.",
        )
    ]
    first = own[(own["layer"] == 0) & selection.above_chance(own)]
    if len(first):
        found.append(
            Finding(
                "sure",
                f"Above chance already at layer 0, before any block: {listing(sorted(set(first['target'])))}. "
                "Names, digits and loans that both texts share can do this.",
            )
        )
    return found
