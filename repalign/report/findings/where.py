"""Where do they meet?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.view import above_chance
from repalign.report.findings.finding import MAX_NAMED_LANGUAGES, Finding
from repalign.report.findings.words import adjusted, called, layers_in_words, listing, number, p_in_words

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View


def where(view: View, rows: pd.DataFrame, checkpoint: str, lead: dict[str, str]) -> Finding:
    """Which languages meet the pivot in one checkpoint, and where most of them do."""
    import pandas as pd

    pivot, above = view.pivot, above_chance(rows)
    if not above.any():
        text = f"{checkpoint}: no language is above chance at any layer, so none is shown to meet {pivot}."
        return Finding("where", text, f"smallest adjusted {p_in_words(rows['p_adjusted'].min())}", dict(lead))
    names, met = list(rows["target"].unique()), rows[above]
    counts = met.groupby("layer")["target"].nunique()
    most = counts.index[counts == counts.max()]
    peaks = pd.DataFrame([best(own) for _, own in met.groupby("target", sort=False)])
    text = f"{checkpoint}: {_who(list(peaks['target']), names)} {pivot} {_together(counts, most, len(peaks))}"
    return Finding(
        "where",
        " ".join(filter(None, [f"{text}, {_nearest(peaks)}.", _parted(met, rows)])),
        f"{view.label(lead['metric'])}, {lead['variant']}; above chance, {adjusted(view)}",
        {**lead, "layer": int(peaks["layer"].mode().iloc[0])},
        tuple(_language(rows[rows["target"] == name], name, pivot, lead) for name in names)
        if len(names) <= MAX_NAMED_LANGUAGES
        else (),
    )


def _who(meeting: list[str], names: list[str]) -> str:
    if len(names) == 1:
        return f"{called(names[0])} meets"
    if len(meeting) == len(names):
        return f"{'both' if len(names) == 2 else f'all {len(names)}'} languages meet"
    if len(meeting) <= 3:
        verb = "meets" if len(meeting) == 1 else "meet"
        return f"{len(meeting)} of {len(names)} languages ({listing(meeting)}) {verb}"
    return f"{len(meeting)} of {len(names)} languages meet"


def _together(counts: pd.Series, most: pd.Index, meeting: int) -> str:
    """In which layers: all of them, most of them, or each for itself."""
    if counts.max() == meeting:
        return f"in {layers_in_words(most)}"
    if counts.max() > 1:
        return f"somewhere, {counts.max()} of them together in {layers_in_words(most)}"
    return f"each at layers of its own ({layers_in_words(counts.index)})"


def _nearest(peaks: pd.DataFrame) -> str:
    """The best layers, and the values there."""
    low, high = peaks["value"].min(), peaks["value"].max()
    value = f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"
    layers = layers_in_words(peaks["layer"].unique())
    return f"nearest in {layers} ({value}; chance {peaks['chance'].mean():.3f})"


def best(rows: pd.DataFrame) -> pd.Series:
    """The row of the layer where a language is nearest to the pivot."""
    return rows.loc[rows["gain"].idxmax()]


def _parted(met: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Which of them are apart again at the last layer: said only where the two intervals do not touch."""
    last, parted = rows["layer"].max(), []
    for name, own in met.groupby("target", sort=False):
        peak = best(own)
        for _, end in rows[(rows["target"] == name) & (rows["layer"] == last)].iterrows():
            apart = end["high"] < peak["low"] or end["low"] > peak["high"]
            if apart and end["gain"] < peak["gain"]:
                parted.append(str(name))
    if not parted:
        return ""
    count = met["target"].nunique()
    who = (
        "All"
        if len(parted) == count > 1
        else listing(parted)
        if len(parted) <= MAX_NAMED_LANGUAGES
        else len(parted)
    )
    return (
        f"{who} {'is' if len(parted) == 1 else 'are'} clearly further apart again at the last layer, {last}."
    )


def _language(rows: pd.DataFrame, name: str, pivot: str, lead: dict[str, str]) -> Finding:
    above = rows[above_chance(rows)]
    if above.empty:
        smallest = f"smallest adjusted {p_in_words(rows['p_adjusted'].min())}"
        return Finding("where", f"{called(name)}: not above chance at any layer.", smallest, dict(lead))
    peak = best(above)
    return Finding(
        "where",
        f"{called(name)} meets {pivot} in {layers_in_words(above['layer'])}, most at {peak['layer']}: "
        f"{number(peak)}.",
        f"chance {peak['chance']:.3f}, adjusted {p_in_words(peak['p_adjusted'])}",
        {**lead, "layer": int(peak["layer"])},
    )
