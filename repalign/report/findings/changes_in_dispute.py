"""Do the metrics agree on what changed?"""

from __future__ import annotations

from repalign.figures.view import ALPHA
from repalign.report.findings.changed import Comparison, comparisons
from repalign.report.findings.finding import Finding
from repalign.report.findings.verdicts import Verdicts
from repalign.report.findings.words import adjusted, everyone, language_list, listing


def other_changes(verdicts: Verdicts, one: Comparison) -> dict[str, set[str]]:
    """The metrics that disagree with a comparison, each with the languages in which it does.

    Two metrics disagree on a language if one finds a change of which the other has no evidence (p at least `ALPHA` at every
    layer), or if both find changes, none of them the same way.
    """
    found = {}
    for metric, other in _others(verdicts, one).items():
        languages = {name for name in one.languages if _differ(one, other, name)}
        if languages:
            found[metric] = languages
    return found


def changes_in_dispute(verdicts: Verdicts, metric: str, variant: str) -> list[Finding]:
    """For each comparison by this metric: in which languages other metrics find other changes, and which."""
    if verdicts.too_few:
        return []
    made = (_finding(verdicts, one) for one in comparisons(verdicts, metric, variant))
    return [one for one in made if one is not None]


def _finding(verdicts: Verdicts, one: Comparison) -> Finding | None:
    differing = other_changes(verdicts, one)
    if not differing:
        return None
    view, others = verdicts.view, _others(verdicts, one)
    in_dispute = [name for name in one.languages if any(name in names for names in differing.values())]
    by_outcome: dict[str, list[str]] = {}
    for metric, comparison in {one.lead["metric"]: one, **others}.items():
        by_outcome.setdefault(_outcome(comparison), []).append(view.axis_label(metric))
    where = f"{one.lead['variant']}, on {view.corpus}" if view.corpus else one.lead["variant"]
    text = (
        f"{one.checkpoint} over {one.baseline}: the metrics disagree on what changed in "
        f"{everyone(in_dispute, len(one.languages))} ({where})."
    )
    each = "; ".join(f"{listing(metrics)}: {outcome}" for outcome, metrics in by_outcome.items())
    evidence = f"Significant by {each}. A change: {adjusted(view)}; none: p ≥ {ALPHA:g} at every layer."
    return Finding("sure", text, evidence, dict(one.lead))


def _others(verdicts: Verdicts, one: Comparison) -> dict[str, Comparison]:
    """The same checkpoints compared by the other metrics."""
    variant, own = one.lead["variant"], one.lead["metric"]
    choices = verdicts.view.choices("differences", "metric", "variant")
    metrics = [
        choice["metric"] for choice in choices if choice["variant"] == variant and choice["metric"] != own
    ]
    return {
        metric: other
        for metric in metrics
        for other in comparisons(verdicts, metric, variant)
        if (other.checkpoint, other.baseline) == (one.checkpoint, one.baseline)
    }


def _differ(one: Comparison, other: Comparison, language: str) -> bool:
    mine, theirs = one.ways.get(language, set()), other.ways.get(language, set())
    if mine and theirs:
        return not mine & theirs
    return bool(mine and language in other.without_evidence) or bool(
        theirs and language in one.without_evidence
    )


def _outcome(one: Comparison) -> str:
    return " and ".join(f"{language_list(move.languages)} {move.kind}" for move in one.moves) or "none"
