"""What the numbers say, in words, and never more than their tests allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repalign.figures import selection
from repalign.figures.selection import ALPHA
from repalign.report.words import called, count_of, layers_in_words, listing, number, p_in_words, share_of

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results import Results

NAMED = 12
"""With more languages than this, findings count languages instead of naming each."""


@dataclass(frozen=True)
class Finding:
    """One sentence of the first screen.

    Attributes:
        question: "where", "changed" or "sure".
        text: the sentence.
        evidence: the test behind it.
        choice: what the page shows when it is chosen, e.g. metric, variant, layer.
        details: the same for each language.
    """

    question: str
    text: str
    evidence: str = ""
    choice: dict[str, str | int] = field(default_factory=dict)
    details: tuple[Finding, ...] = ()


def findings(results: Results) -> list[Finding]:
    """Where languages meet, what changed, and how sure that is, by the leading metric and variant.

    A language "meets" the pivot at a layer whose score is significantly better than chance, adjusted for the number
    of tests; a "change" is a paired difference that is significant likewise. Everything else is not said.
    """
    table = results.profile.table
    if table.empty:
        return [Finding("where", "There are no scores here, so there is nothing to say.")]
    lead = leading(results)
    table = selection.where(table, source=selection.pivot(results), **lead)
    own, paired = table[table["baseline"].isna()], table[table["baseline"].notna()]
    found = [
        _meeting(results, own[own["checkpoint"] == checkpoint], checkpoint, lead)
        for checkpoint in selection.checkpoints(results)
        if (own["checkpoint"] == checkpoint).any()
    ]
    for (checkpoint, baseline), rows in paired.groupby(["checkpoint", "baseline"], sort=False):
        found.append(_changed(results, rows, str(checkpoint), str(baseline), lead))
    return found + _doubts(results, own, lead)


def leading(results: Results) -> dict[str, str]:
    """The metric and variant that the words are about."""
    return selection.pictures(results.profile.table, "metric", "variant")[0]


def _meeting(results: Results, rows: pd.DataFrame, checkpoint: str, lead: dict[str, str]) -> Finding:
    """Which languages meet the pivot in one checkpoint, and where most of them do."""
    pivot, above = selection.pivot(results), selection.above_chance(rows)
    names = list(rows["target"].unique())
    smallest = f"smallest adjusted {p_in_words(rows['p_adjusted'].min())}"
    if not above.any():
        return Finding(
            "where",
            f"{checkpoint}: no language is above chance at any layer, so none is shown to meet {pivot}.",
            smallest,
            dict(lead),
        )
    counts = rows[above].groupby("layer")["target"].nunique()
    most = counts.index[counts == counts.max()]
    meeting = rows.loc[above, "target"].nunique()
    together = f"; {counts.max()} of them together in " if 1 < counts.max() < meeting else " in "
    if counts.max() == 1 and meeting > 1:
        together = ", each at layers of its own, in "
        most = counts.index
    text = f"{checkpoint}: {share_of(meeting, names)} {pivot}{together}{layers_in_words(most)}."
    fall = _fall(rows[above], rows)
    details = [_language(rows[rows["target"] == name], name, pivot, lead) for name in names]
    return Finding(
        "where",
        f"{text} {fall}".strip(),
        f"{selection.metric_label(results, lead['metric'])}, {lead['variant']}; above chance with "
        f"Holm-adjusted p < {ALPHA:g}",
        {**lead, "layer": int(most[len(most) // 2])},
        tuple(details) if len(names) <= NAMED else (),
    )


def _fall(tested: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Whether languages that meet inside the stack part again: only where the two intervals do not touch."""
    last = rows["layer"].max()
    parted = 0
    for name, own in tested.groupby("target", sort=False):
        best = own.loc[own["calibrated"].idxmax()]
        end = rows[(rows["target"] == name) & (rows["layer"] == last)]
        if best["layer"] < last and len(end):
            end = end.iloc[0]
            apart = end["high"] < best["low"] or end["low"] > best["high"]
            parted += bool(apart and end["calibrated"] < best["calibrated"])
    if not parted:
        return ""
    meeting = tested["target"].nunique()
    who = "It is" if meeting == parted == 1 else f"{'All' if parted == meeting else parted} of them are"
    return f"{who} clearly further apart again at the last layer, {last}."


def _language(rows: pd.DataFrame, name: str, pivot: str, lead: dict[str, str]) -> Finding:
    above = rows[selection.above_chance(rows)]
    if above.empty:
        least = p_in_words(rows["p_adjusted"].min())
        return Finding(
            "where",
            f"{called(name)}: not above chance at any layer.",
            f"smallest adjusted {least}",
            dict(lead),
        )
    best = above.loc[above["calibrated"].idxmax()]
    return Finding(
        "where",
        f"{called(name)} meets {pivot} in {layers_in_words(above['layer'])}, most at {best['layer']}: "
        f"{number(best)}.",
        f"chance {best['chance']:.3f}, adjusted {p_in_words(best['p_adjusted'])}",
        {**lead, "layer": int(best["layer"])},
    )


def _changed(
    results: Results, rows: pd.DataFrame, checkpoint: str, baseline: str, lead: dict[str, str]
) -> Finding:
    """What a checkpoint changes over its baseline, language by language."""
    tested = rows[rows["p_adjusted"] < ALPHA]
    names = list(rows["target"].unique())
    sign = selection.nearer(results, lead["metric"])
    if tested.empty:
        return Finding(
            "changed",
            f"{checkpoint} over {baseline}: no significant change in any language at any layer.",
            f"smallest adjusted {p_in_words(rows['p_adjusted'].min())}",
            dict(lead),
        )
    by_language = tested.groupby("target", sort=False)["value"]
    gains = list((by_language.max() if sign > 0 else -by_language.min()).loc[lambda v: v > 0].index)
    losses = list((by_language.min() if sign > 0 else -by_language.max()).loc[lambda v: v < 0].index)
    pivot = selection.pivot(results)
    parts = []
    for moved, where in ((gains, "nearer to"), (losses, "further from")):
        if moved:
            layers = tested.loc[(tested["value"] * sign > 0) == (where == "nearer to"), "layer"]
            parts.append(f"{_named(moved)} {where} {pivot} in {layers_in_words(layers.unique())}")
    rest = [name for name in names if name not in {*gains, *losses}]
    still = f"; no significant change in {_named(rest)}" if rest else ""
    details = [_change(tested[tested["target"] == name], name, baseline, lead) for name in by_language.groups]
    return Finding(
        "changed",
        f"{checkpoint} over {baseline}: {', '.join(parts)}{still}.",
        f"{selection.metric_label(results, lead['metric'])}, {lead['variant']}; paired on the same sentences, "
        f"Holm-adjusted p < {ALPHA:g}",
        {**lead, "layer": int(tested.loc[tested["value"].abs().idxmax(), "layer"])},
        tuple(details) if len(names) <= NAMED else (),
    )


def _change(own: pd.DataFrame, name: str, baseline: str, lead: dict[str, str]) -> Finding:
    best = own.loc[own["value"].abs().idxmax()]
    return Finding(
        "changed",
        f"{called(name)}: {number(best, '+')} over {baseline} at layer {best['layer']}; "
        f"significant in {layers_in_words(own['layer'])}.",
        f"adjusted {p_in_words(best['p_adjusted'])}",
        {**lead, "layer": int(best["layer"])},
    )


def _named(names: list[str]) -> str:
    return listing(names) if len(names) <= NAMED else f"{len(names)} languages"


def _doubts(results: Results, own: pd.DataFrame, lead: dict[str, str]) -> list[Finding]:
    """How sure it is, and what else could make such a picture."""
    label = selection.metric_label(results, lead["metric"])
    languages, layers = own["target"].nunique(), own["layer"].nunique()
    found = [
        Finding(
            "sure",
            f"{count_of(own['sentences'])} sentences, {languages} languages × {layers} layers: p-values are "
            "Holm-adjusted over languages and layers, intervals are 95%.",
            f"{label}, {lead['variant']}",
        )
    ]
    found += _other_metrics(results, own, lead)
    early = own[(own["layer"] == 0) & selection.above_chance(own)]
    if len(early):
        found.append(
            Finding(
                "sure",
                f"{_named(list(dict.fromkeys(early['target'])))}: above chance already at layer 0, before any block. "
                "Names, digits and loans that both texts share can do this.",
            )
        )
    if selection.above_chance(own).any():
        found.append(
            Finding(
                "sure",
                "The best layer is picked on the same sentences, so its value is a little too high.",
            )
        )
    return found


def _other_metrics(results: Results, own: pd.DataFrame, lead: dict[str, str]) -> list[Finding]:
    """Whether the other metrics see the languages meet as well."""
    table = selection.where(
        selection.own_rows(results), source=selection.pivot(results), variant=lead["variant"]
    )
    others = [metric for metric in table["metric"].unique() if metric != lead["metric"]]
    met = set(map(tuple, own.loc[selection.above_chance(own), ["checkpoint", "target"]].to_numpy()))
    if not others or not met:
        return []
    unseen = {}
    for metric in others:
        rows = selection.where(table, metric=metric)
        seen = set(map(tuple, rows.loc[selection.above_chance(rows), ["checkpoint", "target"]].to_numpy()))
        unseen[metric] = len(met - seen)
    agree = [selection.metric_label(results, metric) for metric in others if not unseen[metric]]
    dissent = [
        f"{selection.metric_label(results, metric)} ({missed} of {len(met)} not)"
        for metric, missed in unseen.items()
        if missed
    ]
    said = []
    if agree:
        said.append(f"{listing(agree)} {'agrees' if len(agree) == 1 else 'agree'} on who meets at some layer")
    if dissent:
        said.append(f"not confirmed by {listing(dissent)}")
    text = "; ".join(said)
    return [Finding("sure", f"{text[0].upper()}{text[1:]}.", f"{lead['variant']}, adjusted p < {ALPHA:g}")]
