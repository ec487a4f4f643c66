"""The answer in one sentence: what changed, or else where languages align."""

from __future__ import annotations

from collections.abc import Sequence

from repalign.report.findings.alignment_headline import AlignmentHeadline
from repalign.report.findings.brief import capital, dissent, exactly, few, measure, short
from repalign.report.findings.changed import Comparison, Move, comparisons
from repalign.report.findings.changes_in_dispute import other_changes
from repalign.report.findings.finding import Claim, Finding
from repalign.report.findings.verdicts import Verdicts
from repalign.report.findings.words import language_list, p_in_words, rounded, with_interval
from repalign.results.layer_ranges import layer_set


def headline(verdicts: Verdicts, metric: str, variant: str) -> Finding:
    """What changed between the first and the last checkpoint, or else where the last one aligns; with its claims.

    It follows the rules of `where` and `changed`, and says which other metrics find something else.
    """
    lead = {"metric": metric, "variant": variant}
    if verdicts.too_few:
        checkpoint = verdicts.view.checkpoints[-1]
        claim = Claim("too few", checkpoint, metric, variant, tuple(verdicts.view.targets))
        return Finding("headline", f"{capital(verdicts.too_few)}.", "", dict(lead), claims=(claim,))
    compared = comparisons(verdicts, metric, variant)
    if compared:
        return _change(verdicts, _widest(compared, verdicts.view.checkpoints))
    return AlignmentHeadline(verdicts, lead).finding()


def _widest(compared: Sequence[Comparison], order: Sequence[str]) -> Comparison:
    """The comparison of the last checkpoint with the earliest baseline."""
    return max(compared, key=lambda one: (order.index(one.checkpoint), -order.index(one.baseline)))


def _change(verdicts: Verdicts, one: Comparison) -> Finding:
    view, named = verdicts.view, measure(verdicts, one.lead)
    head = f"From {one.baseline} to {one.checkpoint}"
    others = dissent(view, list(other_changes(verdicts, one)))
    if one.tested.empty:
        smallest = p_in_words(one.rows["p_adjusted"].min())
        count = len(one.languages)
        who = f"any of {count} languages" if count > 1 else language_list(one.languages)
        text = f"{head}, no significant change in {who} at any layer by {named} (smallest adjusted {smallest}).{others}"
        return Finding("headline", text, "", dict(one.lead), claims=one.claims())
    parts = []
    for number, move in enumerate(one.moves):
        words = f"{move.words} {language_list([view.pivot])}" if number == 0 else "away"
        size = _size(move, len(one.moves) == 1, named if number == 0 else "")
        parts.append(f"{few(move.languages, len(one.languages))} moved {words}{_layers(move, one)}{size}")
    if one.unchanged:
        parts.append(
            "no other language changed significantly" if len(parts) == 1 else "others not significant"
        )
    text = f"{head}, {'; '.join(parts)}.{others}"
    return Finding("headline", text, "", dict(one.lead), claims=one.claims())


def _layers(move: Move, one: Comparison) -> str:
    """Where they moved, if all did so at the same layers."""
    layers = move.rows["layer"].unique()
    return f" {exactly(layers, one.rows['layer'].nunique())}" if move.same_layers else ""


def _size(move: Move, alone: bool, named: str) -> str:
    """The metric and the largest change; with its interval and layers if it is `alone`."""
    row, parts = move.largest, [named] if named else []
    if row is not None:
        size = with_interval(row.value, row.low, row.high, "+") if alone else rounded(row.value, "+")
        at = f" at {short(layer_set(row.layers))}" if alone else ""
        whose = f", {language_list([row.target])}" if len(move.languages) > 1 else ""
        parts.append(f"largest {size}{at}{whose}")
    return f" ({', '.join(parts)})" if parts else ""
