"""What changed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.view import ALPHA
from repalign.report.findings.finding import MAX_NAMED_LANGUAGES, Finding
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


def changed(view: View, rows: pd.DataFrame, checkpoint: str, baseline: str, lead: dict[str, str]) -> Finding:
    """Which languages are closer to the pivot in a checkpoint than in its baseline, and which further away."""
    tested = rows[rows["p_adjusted"] < ALPHA]
    head = f"{checkpoint} over {baseline}"
    if tested.empty:
        smallest = f"smallest adjusted {p_in_words(rows['p_adjusted'].min())}"
        return Finding(
            "changed", f"{head}: no significant change in any language at any layer.", smallest, dict(lead)
        )
    pivot, names = language_list([view.pivot]), list(rows["target"].unique())
    parts = [
        f"{language_list(moved['target'])} moved {way} {pivot}{_layers(moved, rows)} ({_largest(moved)})"
        for way, moved in (
            ("closer to", tested[tested["gain"] > 0]),
            ("away from", tested[tested["gain"] < 0]),
        )
        if len(moved)
    ]
    unchanged = [name for name in names if name not in set(tested["target"])]
    parts += [f"no significant change in {language_list(unchanged)}"] if unchanged else []
    details = (
        _language(layers, str(name), baseline, lead) for name, layers in tested.groupby("target", sort=False)
    )
    return Finding(
        "changed",
        f"{head}: {'; '.join(parts)}.",
        f"{view.label(lead['metric'])}, {lead['variant']}; the same sentences, paired, {adjusted(view)}",
        {**lead, "layer": int(tested.loc[tested["value"].abs().idxmax(), "layer"])},
        tuple(details) if len(names) <= MAX_NAMED_LANGUAGES else (),
    )


def _layers(moved: pd.DataFrame, rows: pd.DataFrame) -> str:
    """At which layers the languages that moved did so; says when they differ in that."""
    layers = moved["layer"].unique()
    if len(moved.drop_duplicates(["target", "layer"])) < len(layers) * moved["target"].nunique():
        return f", each at one or more of {layers_in_words(layers)}"
    every = len(layers) == rows["layer"].nunique() > 1
    return " at every layer" if every else f" at {layers_in_words(layers)}"


def _largest(moved: pd.DataFrame) -> str:
    largest = moved.loc[moved["value"].abs().idxmax()]
    whose = f", {language_list([largest['target']])}" if moved["target"].nunique() > 1 else ""
    return f"largest: {largest['value']:+.2f} at layer {largest['layer']}{whose}"


def _language(layers: pd.DataFrame, name: str, baseline: str, lead: dict[str, str]) -> Finding:
    largest = layers.loc[layers["value"].abs().idxmax()]
    return Finding(
        "changed",
        f"{called(name)}: {number(largest, '+')} over {baseline} at layer {largest['layer']}; "
        f"significant at {layers_in_words(layers['layer'])}.",
        f"adjusted {p_in_words(largest['p_adjusted'])}",
        {**lead, "layer": int(largest["layer"])},
    )
