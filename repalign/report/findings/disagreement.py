"""Do the metrics agree on which languages align?"""

from __future__ import annotations

from repalign.figures.view import ALPHA
from repalign.report.findings.finding import Claim, Finding
from repalign.report.findings.verdicts import Verdict, Verdicts
from repalign.report.findings.words import adjusted, everyone, listing

Outcome = tuple[tuple[str, tuple[str, ...]], ...]
"""Metrics, each with the languages that it finds."""

EXPLAINED = (
    "{invariant} {do} not change when the states of one language are rotated: {they} {see} that two languages are "
    "arranged alike, and not that a sentence lies near its translation."
)


def disagreement(verdicts: Verdicts, metric: str, variant: str) -> list[Finding]:
    """Which languages some metrics find and others do not, one sentence per set of checkpoints; or that all agree.

    A metric finds a language by the rule of `Verdict.found`, and fails to by that of `Verdict.refuted`; between the two
    it takes no side.
    """
    view, lead = verdicts.view, {"metric": metric, "variant": variant}
    metrics = _metrics(verdicts, variant)
    if verdicts.too_few or len(metrics) < 2:
        return []
    by_metric = {name: verdicts.of(name, variant) for name in metrics}
    by_outcome: dict[tuple[Outcome, tuple[str, ...]], list[str]] = {}
    for checkpoint in dict.fromkeys(one.checkpoint for every in by_metric.values() for one in every):
        own = {
            name: [one for one in every if one.checkpoint == checkpoint] for name, every in by_metric.items()
        }
        by_outcome.setdefault(_outcome(own), []).append(checkpoint)
    where = f"{variant}, on {view.corpus}" if view.corpus else variant
    rule = f"Found: {adjusted(view)}, and beyond every control; not found: p ≥ {ALPHA:g}, or not beyond some control."
    total = len({one.language for every in by_metric.values() for one in every})
    findings = []
    for (outcome, in_dispute), checkpoints in by_outcome.items():
        if not in_dispute:
            continue
        groups: dict[tuple[str, ...], list[str]] = {}
        for name, languages in outcome:
            groups.setdefault(languages, []).append(name)
        parts = [
            f"{listing([view.axis_label(name) for name in names])} {'find' if len(names) > 1 else 'finds'} "
            f"{everyone(languages, len(in_dispute)) if languages else 'none'}"
            for languages, names in sorted(groups.items(), key=lambda group: -len(group[0]))
        ]
        claims = tuple(
            Claim("disagree", checkpoint, name, variant, languages)
            for checkpoint in checkpoints
            for name, languages in outcome
            if languages
        )
        text = (
            f"{listing(checkpoints)}: the metrics disagree on {everyone(in_dispute, total)} ({where}): "
            f"{'; '.join(parts)}."
        )
        findings.append(
            Finding(
                "sure",
                text,
                " ".join(filter(None, [_explained(verdicts, outcome), rule])),
                {**lead},
                claims=claims,
            )
        )
    if not findings:
        labels = listing([view.axis_label(name) for name in metrics])
        text = f"The metrics do not contradict one another ({where}): {labels}."
        evidence = f"None that one finds has p ≥ {ALPHA:g} in another, or fails a control there."
        findings.append(Finding("sure", text, evidence))
    return findings


def opposed(verdicts: Verdicts, metric: str, variant: str, checkpoint: str) -> list[str]:
    """The metrics that find a language in which `metric` finds nothing, or nothing in one that it finds."""
    if verdicts.too_few:
        return []
    own = {one.language: one for one in verdicts.of(metric, variant) if one.checkpoint == checkpoint}

    def opposes(other: Verdict) -> bool:
        mine = own.get(other.language) if other.checkpoint == checkpoint else None
        return mine is not None and ((mine.found and other.refuted) or (mine.refuted and other.found))

    return [
        name
        for name in _metrics(verdicts, variant)
        if name != metric and any(map(opposes, verdicts.of(name, variant)))
    ]


def _metrics(verdicts: Verdicts, variant: str) -> list[str]:
    choices = verdicts.view.choices("scores", "metric", "variant")
    return [one["metric"] for one in choices if one["variant"] == variant]


def _outcome(own: dict[str, list[Verdict]]) -> tuple[Outcome, tuple[str, ...]]:
    """Which of the languages in dispute each metric finds, and these languages: some metric finds them, another does not."""
    found = {name: {one.language for one in every if one.found} for name, every in own.items()}
    some = set().union(*found.values())
    refuted = {one.language for every in own.values() for one in every if one.refuted}
    languages = dict.fromkeys(one.language for every in own.values() for one in every)
    in_dispute = tuple(language for language in languages if language in some & refuted)
    outcome = tuple((name, tuple(one for one in in_dispute if one in found[name])) for name in own)
    return outcome, in_dispute


def _explained(verdicts: Verdicts, outcome: Outcome) -> str:
    """Why metrics that ignore rotation may find what others do not, where just these do."""
    invariant = verdicts.view.results.profile.settings.get("rotation_invariant", [])
    finding = [name for name, languages in outcome if languages]
    if not finding or not set(finding) <= set(invariant):
        return ""
    several = len(finding) > 1
    return EXPLAINED.format(
        invariant=listing([verdicts.view.axis_label(name) for name in finding]),
        do="do" if several else "does", they="they" if several else "it", see="see" if several else "sees",
    )  # fmt: skip
