"""Where do languages align?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.view import above_chance
from repalign.report.findings.finding import MAX_NAMED_LANGUAGES, Finding
from repalign.report.findings.peaks import SHARED_TOKENS, best, exceeds, peaks, with_control
from repalign.report.findings.words import (
    adjusted,
    called,
    language_list,
    layers_in_words,
    number,
    p_in_words,
)

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View


def where(view: View, rows: pd.DataFrame, checkpoint: str, lead: dict[str, str]) -> Finding:
    """At which layers one checkpoint aligns languages with the pivot most, how strongly, and how many of them."""
    pivot, significant = language_list([view.pivot]), rows[above_chance(rows)]
    if significant.empty:
        text = (
            f"{checkpoint}: no evidence of alignment with {pivot}; no language is above chance at any layer."
        )
        return Finding("where", text, f"smallest adjusted {p_in_words(rows['p_adjusted'].min())}", dict(lead))
    names, tops = list(rows["target"].unique()), peaks(significant)
    compared = with_control(view, tops, SHARED_TOKENS, lead)
    exceeding = [str(peak["target"]) for peak, control in compared if exceeds(peak, control)]
    weak = bool(compared) and not exceeding
    claim = f"weak evidence of alignment with {pivot}, which" if weak else f"alignment with {pivot}"
    sentence = (
        f"{checkpoint}: {claim} peaks at {_peak(tops, view.label(lead['metric']))}; "
        f"{_who(significant, rows)}{_beyond_shared_tokens(exceeding, len(compared))}."
    )
    top_layers = [int(peak["layer"]) for peak in tops]
    return Finding(
        "where",
        " ".join(filter(None, [sentence, _dropped(significant, rows)])),
        f"{view.label(lead['metric'])}, {lead['variant']}; above chance, {adjusted(view)}",
        {**lead, "layer": max(sorted(set(top_layers)), key=top_layers.count)},
        tuple(_language(rows[rows["target"] == name], name, lead) for name in names)
        if len(names) <= MAX_NAMED_LANGUAGES
        else (),
    )


def _peak(tops: list[pd.Series], label: str) -> str:
    """The best layers, and the values there."""
    values = sorted(peak["value"] for peak in tops)
    low, high = f"{values[0]:.2f}", f"{values[-1]:.2f}"
    value = low if low == high else f"{low} to {high}"
    chance = sum(peak["chance"] for peak in tops) / len(tops)
    layers = layers_in_words({peak["layer"] for peak in tops})
    return f"{layers} ({label} {value}; chance {chance:.3f})"


def _who(significant: pd.DataFrame, rows: pd.DataFrame) -> str:
    """How many languages are above chance, and at which layers most of them are."""
    names, total = list(significant["target"].unique()), rows["target"].nunique()
    if total == 1:
        who = f"{language_list(names)} is"
    elif len(names) == total:
        who = f"{'both' if total == 2 else f'all {total}'} languages are"
    else:
        listed = f" ({language_list(names)})" if len(names) <= 3 else ""
        who = f"{len(names)} of {total} languages{listed} {'is' if len(names) == 1 else 'are'}"
    counts = significant.groupby("layer")["target"].nunique()
    most = counts.index[counts == counts.max()]
    if counts.max() < len(names):
        return (
            f"{who} above chance, at most {counts.max()} of them at the same layer ({layers_in_words(most)})"
        )
    everywhere = len(most) == rows["layer"].nunique() > 1
    return f"{who} above chance at {'every layer' if everywhere else layers_in_words(most)}"


def _beyond_shared_tokens(exceeding: list[str], compared: int) -> str:
    """How many exceed the shared-token control; empty where all do or there is no control."""
    if len(exceeding) == compared:
        return ""
    if not exceeding:
        return ", none exceeds the shared-token control"
    verb = "exceeds" if len(exceeding) == 1 else "exceed"
    return f", {len(exceeding)} of {compared} {verb} the shared-token control"


def _dropped(significant: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Languages whose score at the last layer is below their peak, with intervals that do not overlap."""
    last, dropped = rows["layer"].max(), []
    for name, layers in significant.groupby("target", sort=False):
        ends = rows[(rows["target"] == name) & (rows["layer"] == last)]
        if any(exceeds(best(layers), end) for _, end in ends.iterrows()):
            dropped.append(str(name))
    if not dropped:
        return ""
    everyone = len(dropped) == significant["target"].nunique() > 1
    who = "all of them" if everyone else language_list(dropped)
    return f"It has clearly dropped again by the last layer, {last}, for {who}."


def _language(rows: pd.DataFrame, name: str, lead: dict[str, str]) -> Finding:
    significant = rows[above_chance(rows)]
    if significant.empty:
        smallest = f"smallest adjusted {p_in_words(rows['p_adjusted'].min())}"
        return Finding("where", f"{called(name)}: not above chance at any layer.", smallest, dict(lead))
    peak = best(significant)
    return Finding(
        "where",
        f"{called(name)}: above chance at {layers_in_words(significant['layer'])}; "
        f"peak {number(peak)} at layer {peak['layer']}.",
        f"chance {peak['chance']:.3f}, adjusted {p_in_words(peak['p_adjusted'])}",
        {**lead, "layer": int(peak["layer"])},
    )
