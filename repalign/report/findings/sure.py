"""How sure is that, and what else could produce such scores?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.view import ALPHA, above_chance
from repalign.report.findings.finding import MAX_NAMED_LANGUAGES, Finding
from repalign.report.findings.peaks import SHARED_TOKENS, exceeds, is_above_chance, peaks, with_control
from repalign.report.findings.words import correction, count_of, joined, language_list, listing

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View

BASELINES = {
    SHARED_TOKENS: "the shared-token control (no model)",
    "random-weights": "the same model with random weights",
}
"""Controls that a score should exceed."""

CONFOUNDS = {
    "unshared-tokens": "without the tokens that both languages share",
    "length-matched": "on sentences of matched length",
    "length-partialled": "after regressing out sentence length",
}
"""Controls under which a score should still be above chance."""

Pairs = frozenset[tuple[str, str]]
"""Checkpoints, each with a language."""


def sure(view: View, scores: pd.DataFrame, lead: dict[str, str]) -> list[Finding]:
    """The amount of evidence, the other metrics, the controls, and the known confounds."""
    size = Finding("sure", _size(view, scores), f"{view.label(lead['metric'])}, {lead['variant']}")
    significant = scores[above_chance(scores)]
    sentences = [size, *_other_metrics(view, significant, lead)]
    if significant.empty:
        return sentences
    sentences += _controls(view, significant, lead)
    early = list(dict.fromkeys(significant.loc[significant["layer"] == 0, "target"]))
    if early:
        reason = "Shared names, digits and loanwords can cause this."
        text = f"Above chance already at layer 0, before any block: {language_list(early)}. {reason}"
        sentences.append(Finding("sure", text))
    text = "Best-layer scores are slightly optimistic: the layer was chosen on these sentences."
    return [*sentences, Finding("sure", text)]


def _size(view: View, scores: pd.DataFrame) -> str:
    settings = view.results.profile.settings
    return (
        f"{count_of(scores['sentences'])} sentences, {joined(scores['target'].nunique(), 'language')} × "
        f"{joined(scores['layer'].nunique(), 'layer')}; p-values are adjusted over all of these "
        f"({correction(view)}), "
        f"intervals are {100 * settings.get('confidence', 0.95):g}%."
    )


def _other_metrics(view: View, significant: pd.DataFrame, lead: dict[str, str]) -> list[Finding]:
    """Which languages the other metrics find above chance that the leading one does not, and the other way round."""
    table = view.rows("scores", variant=lead["variant"])
    scored, reference = _pairs(table), _pairs(significant)
    labels: dict[tuple[Pairs, Pairs], list[str]] = {}
    for metric, rows in table[table["metric"] != lead["metric"]].groupby("metric", sort=False):
        pairs = _pairs(rows[above_chance(rows)])
        labels.setdefault((pairs - reference, reference - pairs), []).append(view.label(str(metric)))
    if not labels:
        return []
    parts = [
        f"{listing(names)} {_agreement(more, fewer, reference, scored, plural=len(names) > 1)}"
        for (more, fewer), names in labels.items()
    ]
    text = "; ".join(parts)
    evidence = f"above chance at one layer or more, {lead['variant']}, adjusted p < {ALPHA:g}"
    return [Finding("sure", f"{text[0].upper()}{text[1:]}.", evidence)]


def _pairs(rows: pd.DataFrame) -> Pairs:
    return frozenset(zip(rows["checkpoint"], rows["target"], strict=True))


def _agreement(more: Pairs, fewer: Pairs, reference: Pairs, scored: Pairs, plural: bool) -> str:
    """What metrics find in comparison with the leading one, which finds `reference`."""
    find, do = ("find", "do") if plural else ("finds", "does")
    if not more and not fewer:
        return f"{find} the same languages" if reference else f"{find} none either"
    also = "also " if reference - fewer else ""
    parts = [f"{also}{find} {_named(more, scored)}"] if more else []
    parts += [f"{do} not find {_named(fewer, scored)}"] if fewer else []
    return " but ".join(parts)


def _named(pairs: Pairs, scored: Pairs) -> str:
    """Languages by checkpoint; the checkpoint goes without saying where there is one."""
    checkpoints = sorted({checkpoint for checkpoint, _ in scored})
    parts = []
    for checkpoint in checkpoints:
        languages = sorted(language for name, language in pairs if name == checkpoint)
        total = len({language for name, language in scored if name == checkpoint})
        if languages:
            whole = len(languages) == total > 1
            everyone = "both languages" if total == 2 else f"all {total} languages"
            what = everyone if whole else language_list(languages)
            parts.append(what if len(checkpoints) == 1 else f"{what} in {checkpoint}")
    return listing(parts)


def _controls(view: View, significant: pd.DataFrame, lead: dict[str, str]) -> list[Finding]:
    """Whether each language, at its best layer, exceeds the baselines and is above chance without confounds."""
    tops, parts = peaks(significant), []
    one = significant["checkpoint"].nunique() == 1
    for control, meaning in (BASELINES | CONFOUNDS).items():
        pairs = with_control(view, tops, control, lead)
        passed = exceeds if control in BASELINES else lambda _, row: is_above_chance(row)
        failed = [_name(peak, one) for peak, row in pairs if not passed(peak, row)]
        if len(pairs) == 1:
            verbs = ("exceeds", "does not exceed") if control in BASELINES else ("is still", "is not")
            who = f"{_name(pairs[0][0], one)} {verbs[len(failed)]}"
        else:
            verbs = ("exceed", "exceeds") if control in BASELINES else ("are still", "is still")
            who = _count(len(pairs) - len(failed), len(pairs), verbs)
        if pairs:
            what = meaning if control in BASELINES else f"above chance {meaning}"
            some = 0 < len(failed) < len(pairs) and len(failed) <= MAX_NAMED_LANGUAGES
            parts.append(f"{who} {what}{f' (not {listing(failed)})' if some else ''}")
    if not parts:
        return []
    text = f"At the best layer: {'; '.join(parts)}."
    return [Finding("sure", text, "exceed: the intervals do not overlap")]


def _name(peak: pd.Series, one: bool) -> str:
    """The language, with its checkpoint unless there is only one."""
    return language_list([peak["target"]]) + ("" if one else f" in {peak['checkpoint']}")


def _count(passed: int, total: int, verbs: tuple[str, str]) -> str:
    """
    >>> _count(6, 6, ("are", "is")), _count(0, 6, ("are", "is")), _count(1, 6, ("are", "is"))
    ('all 6 are', 'none of 6 is', '1 of 6 is')
    """
    who = f"all {total}" if passed == total else f"{passed or 'none'} of {total}"
    return f"{who} {verbs[passed <= 1]}"
