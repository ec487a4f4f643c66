"""What changed?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repalign.report.findings.finding import MAX_NAMED_LANGUAGES, Claim, Finding, Kind
from repalign.report.findings.verdicts import CLAIM, Verdicts, beyond
from repalign.report.findings.words import (
    adjusted,
    called,
    everyone,
    language_list,
    layers_in_words,
    measure,
    p_in_words,
    with_interval,
)
from repalign.results.layer_ranges import layer_set

if TYPE_CHECKING:
    import pandas as pd

WAYS: tuple[tuple[Kind, int, str], ...] = (("closer", 1, "closer to"), ("further", -1, "away from"))


def changed(verdicts: Verdicts, metric: str, variant: str) -> list[Finding]:
    """For each comparison: which languages are closer to the pivot than in the baseline, and which further away."""
    rows = verdicts.view.rows("differences", metric=metric, variant=variant)
    lead = {"metric": metric, "variant": variant}
    return [
        _sentence(verdicts, layers, str(checkpoint), str(baseline), lead)
        for (checkpoint, baseline), layers in rows.groupby(["checkpoint", "baseline"], sort=False)
    ]


def _sentence(
    verdicts: Verdicts, rows: pd.DataFrame, checkpoint: str, baseline: str, lead: dict[str, str]
) -> Finding:
    view, names = verdicts.view, list(rows["target"].unique())
    named, pivot = measure(view, **lead), language_list([view.pivot])
    head = f"{checkpoint} over {baseline}"

    def claim(kind: Kind, languages: list[str], layers: tuple[int, ...] = ()) -> Claim:
        return Claim(kind, checkpoint, **lead, languages=tuple(languages), layers=layers, other=baseline)

    if verdicts.too_few:
        text = f"{head}: {verdicts.too_few} ({named})."
        return Finding("changed", text, "", dict(lead), claims=(claim("too few", names),))
    peaks = view.rows("changes", checkpoint=checkpoint, baseline=baseline, **lead)
    largest = {row.target: row for row in peaks.itertuples(index=False)}
    tested = rows[rows["p_adjusted"] < CLAIM]
    contradicted = [_contradicted(row, largest, view.results.profile.sign) for row in tested.itertuples()]
    tested = tested[[not one for one in contradicted]]
    if tested.empty:
        smallest = f"the smallest adjusted {p_in_words(rows['p_adjusted'].min())}"
        text = f"{head}: no significant change in any language at any layer ({named})."
        claims = (claim("no evidence", names),)
        return Finding("changed", text, f"{adjusted(view)}; {smallest}", dict(lead), claims=claims)
    parts, claims, shown = [], [], []
    for kind, way, words in WAYS:
        moved = tested[way * tested["gain"] > 0]
        if moved.empty:
            continue
        languages = list(moved["target"].unique())
        tops = [largest[name] for name in languages if name in largest and way * largest[name].gain > 0]
        size = max(tops, key=lambda row: abs(row.value), default=None)
        shown += [size] if size is not None else []
        parts.append(
            f"{everyone(languages, len(names))} moved {words} {pivot}{_layers(moved, rows)}{_largest(size, languages)}"
        )
        for name, layers in moved.groupby("target", sort=False):
            claims.append(claim(kind, [str(name)], tuple(layers["layer"])))
    unchanged = [name for name in names if name not in set(tested["target"])]
    if unchanged:
        parts.append(f"no significant change in {language_list(unchanged)}")
        claims.append(claim("no evidence", unchanged))
    at = max(shown, key=lambda row: abs(row.value), default=None)
    return Finding(
        "changed",
        f"{head}: {'; '.join(parts)} ({named}).",
        f"the same sentences, paired, {adjusted(view)}",
        {**lead, **({} if at is None else {"layer": int(at.layer)})},
        tuple(
            _language(layers, str(name), largest.get(name), baseline, lead, named)
            for name, layers in tested.groupby("target", sort=False)
        )
        if len(names) <= MAX_NAMED_LANGUAGES
        else (),
        tuple(claims),
    )


def _contradicted(row: Any, largest: dict[str, Any], sign: Any) -> bool:
    """Whether a change at one layer lacks support by the largest: its p, or that it is beyond 0 on other sentences."""
    peak = largest.get(row.target)
    if peak is None:
        return False
    if peak.p_adjusted >= CLAIM:
        return True
    if peak.gain * row.gain < 0:  # moves both ways, and only the larger has a row
        return False
    way = sign(peak.metric) if row.gain > 0 else -sign(peak.metric)
    return not beyond(way, peak.low, peak.high, 0.0)


def _layers(moved: pd.DataFrame, rows: pd.DataFrame) -> str:
    """At which layers the languages that moved did so; says when they differ in that."""
    layers = moved["layer"].unique()
    if len(moved.drop_duplicates(["target", "layer"])) < len(layers) * moved["target"].nunique():
        return f", each at one or more of {layers_in_words(layers)}"
    every = len(layers) == rows["layer"].nunique() > 1
    return " at every layer" if every else f" at {layers_in_words(layers)}"


def _largest(row: Any, languages: list[str]) -> str:
    """The largest change, cross-fitted, and the layers where it may be."""
    if row is None:
        return ""
    whose = f", {language_list([row.target])}" if len(languages) > 1 else ""
    return f", most by {with_interval(row.value, row.low, row.high, '+')} in {layers_in_words(layer_set(row.layers))}{whose}"


def _language(
    layers: pd.DataFrame, name: str, peak: Any, baseline: str, lead: dict[str, str], named: str
) -> Finding:
    where = f"significant at {layers_in_words(layers['layer'])}"
    evidence = f"{named}; adjusted {p_in_words(layers['p_adjusted'].min())}"
    if peak is None:
        return Finding("changed", f"{called(name)}: {where}.", evidence, dict(lead))
    return Finding(
        "changed",
        f"{called(name)}: {with_interval(peak.value, peak.low, peak.high, '+')} over {baseline} "
        f"at its largest, in {layers_in_words(layer_set(peak.layers))}; {where}.",
        evidence,
        {**lead, "layer": int(peak.layer)},
    )
