"""How sure is that, and what else could make such a picture?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.view import ALPHA, above_chance
from repalign.report.findings.finding import MAX_NAMED_LANGUAGES, Finding
from repalign.report.findings.where import best
from repalign.report.findings.words import correction, count_of, joined, listing

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View

BASELINES = {
    "bag-of-tokens": "what a bag of tokens reaches without a model",
    "random-weights": "what the same model reaches with random weights",
}
"""Controls that a score should clearly exceed."""

CONFOUNDS = {
    "unshared-tokens": "without the tokens that both sides share",
    "length-matched": "on sentences of matched length",
    "length-partialled": "with sentence length taken out",
}
"""Controls under which a score should still be above chance."""

KEY = ["checkpoint", "target", "layer"]


def sure(view: View, own: pd.DataFrame, lead: dict[str, str]) -> list[Finding]:
    """The size of the evidence, the other metrics, the controls, and the known ways to be misled."""
    found = [Finding("sure", _size(view, own), f"{view.label(lead['metric'])}, {lead['variant']}")]
    met = own[above_chance(own)]
    if met.empty:
        return found
    found += _other_metrics(view, met, lead)
    found += _controls(view, met, lead)
    early = list(dict.fromkeys(met.loc[met["layer"] == 0, "target"]))
    if early:
        who = listing(early) if len(early) <= MAX_NAMED_LANGUAGES else f"{len(early)} languages"
        reason = "Shared names, digits and loans can do this."
        found.append(Finding("sure", f"Above chance already at layer 0, before any block: {who}. {reason}"))
    text = "Each best layer is picked on the same sentences, so its value is a little too high."
    return [*found, Finding("sure", text)]


def _size(view: View, own: pd.DataFrame) -> str:
    settings = view.results.profile.settings
    return (
        f"{count_of(own['sentences'])} sentences, {joined(own['target'].nunique(), 'language')} × "
        f"{joined(own['layer'].nunique(), 'layer')}; p-values are adjusted for all of them "
        f"({correction(view)}), "
        f"intervals are {100 * settings.get('confidence', 0.95):g}%."
    )


def _other_metrics(view: View, met: pd.DataFrame, lead: dict[str, str]) -> list[Finding]:
    """Whether the other metrics see the same languages meet."""
    table = view.rows("scores", variant=lead["variant"])
    pairs = set(zip(met["checkpoint"], met["target"], strict=True))
    agree, dissent = [], []
    for metric, rows in table[table["metric"] != lead["metric"]].groupby("metric", sort=False):
        above = rows[above_chance(rows)]
        missed = pairs - set(zip(above["checkpoint"], above["target"], strict=True))
        if missed:
            dissent.append(f"{view.label(str(metric))} ({len(missed)} of {len(pairs)} not)")
        else:
            agree.append(view.label(str(metric)))
    said = [f"{listing(agree)} agree{'s' if len(agree) == 1 else ''} on who meets"] if agree else []
    said += [f"not confirmed at any layer by {listing(dissent)}"] if dissent else []
    text = "; ".join(said)
    evidence = f"{lead['variant']}, adjusted p < {ALPHA:g}"
    return [Finding("sure", f"{text[0].upper()}{text[1:]}.", evidence)] if text else []


def _controls(view: View, met: pd.DataFrame, lead: dict[str, str]) -> list[Finding]:
    """Is each language, at its best layer, above what needs no meaning, and not there by what misleads?"""
    peaks = [best(own) for _, own in met.groupby(["checkpoint", "target"], sort=False)]
    said = []
    for control, meaning in (BASELINES | CONFOUNDS).items():
        rows = view.rows("controls", control=control, **lead)
        if rows.empty:
            continue
        there = {tuple(row[KEY]): row for _, row in rows.assign(above=above_chance(rows)).iterrows()}
        pairs = [(peak, there[key]) for peak in peaks if (key := tuple(peak[KEY])) in there]
        if control in BASELINES:
            failed = [peak for peak, row in pairs if not _clearly_above(peak, row)]
            passed = f"clearly above {meaning}"
        else:
            failed = [peak for peak, row in pairs if not row["above"]]
            passed = f"still above chance {meaning}"
        if pairs:
            said.append(f"{len(pairs) - len(failed)} of {len(pairs)} {passed}{_without(failed, met)}")
    if not said:
        return []
    return [Finding("sure", f"At the best layer: {'; '.join(said)}.", "clearly: the intervals do not touch")]


def _clearly_above(peak: pd.Series, control: pd.Series) -> bool:
    apart = peak["low"] > control["high"] or peak["high"] < control["low"]
    return bool(apart and peak["gain"] > control["gain"])


def _without(failed: list[pd.Series], met: pd.DataFrame) -> str:
    one = met["checkpoint"].nunique() == 1
    names = [peak["target"] if one else f"{peak['target']} in {peak['checkpoint']}" for peak in failed]
    return f" (not {listing(names)})" if 0 < len(names) <= MAX_NAMED_LANGUAGES else ""
