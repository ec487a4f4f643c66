"""What changed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.view import ALPHA
from repalign.report.findings.finding import MAX_NAMED_LANGUAGES, Finding
from repalign.report.findings.words import adjusted, called, layers_in_words, listing, number, p_in_words

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View


def changed(view: View, rows: pd.DataFrame, checkpoint: str, baseline: str, lead: dict[str, str]) -> Finding:
    """Which languages a checkpoint brings nearer to the pivot than its baseline does, which further away."""
    tested = rows[rows["p_adjusted"] < ALPHA]
    head = f"{checkpoint} over {baseline}"
    if tested.empty:
        smallest = f"smallest adjusted {p_in_words(rows['p_adjusted'].min())}"
        return Finding(
            "changed", f"{head}: no significant change in any language at any layer.", smallest, dict(lead)
        )
    pivot, names = view.pivot, list(rows["target"].unique())
    parts = [
        f"{_named(own['target'])} {way} {pivot} ({layers_in_words(own['layer'].unique())})"
        for way, own in (
            ("nearer to", tested[tested["gain"] > 0]),
            ("further from", tested[tested["gain"] < 0]),
        )
        if len(own)
    ]
    still = [name for name in names if name not in set(tested["target"])]
    parts += [f"no significant change in {_named(still)}"] if still else []
    details = (
        _language(own, str(name), baseline, lead) for name, own in tested.groupby("target", sort=False)
    )
    return Finding(
        "changed",
        f"{head}: {'; '.join(parts)}.",
        f"{view.label(lead['metric'])}, {lead['variant']}; the same sentences, paired, {adjusted(view)}",
        {**lead, "layer": int(tested.loc[tested["value"].abs().idxmax(), "layer"])},
        tuple(details) if len(names) <= MAX_NAMED_LANGUAGES else (),
    )


def _named(names: pd.Series | list[str]) -> str:
    distinct = list(dict.fromkeys(names))
    return listing(distinct) if len(distinct) <= MAX_NAMED_LANGUAGES else f"{len(distinct)} languages"


def _language(own: pd.DataFrame, name: str, baseline: str, lead: dict[str, str]) -> Finding:
    largest = own.loc[own["value"].abs().idxmax()]
    return Finding(
        "changed",
        f"{called(name)}: {number(largest, '+')} over {baseline} at layer {largest['layer']}; "
        f"significant in {layers_in_words(own['layer'])}.",
        f"adjusted {p_in_words(largest['p_adjusted'])}",
        {**lead, "layer": int(largest["layer"])},
    )
