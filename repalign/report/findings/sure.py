"""How sure is that, and what else could produce such scores?"""

from __future__ import annotations

from collections.abc import Sequence

from repalign.figures.view import ALPHA
from repalign.report.findings.finding import MAX_NAMED_LANGUAGES, Claim, Finding, Kind
from repalign.report.findings.verdicts import (
    BASELINES,
    CLAIM,
    CONFOUNDS,
    SHARED_TOKENS,
    Verdict,
    Verdicts,
)
from repalign.report.findings.words import (
    NO_BREAK,
    correction,
    count_of,
    everyone,
    joined,
    language_list,
    listing,
    measure,
)

CROSS_FITTED = "Scores of best layers are cross-fitted."
WHY_CROSS_FITTED = "The layer is chosen on some sentences and scored on the others, so its score is not too high for having been chosen."
WHY_EARLY = "Shared names, digits and loanwords can cause this."


def sure(verdicts: Verdicts, metric: str, variant: str) -> list[Finding]:
    """The amount of evidence, whether sentences are independent, the controls, and the known confounds."""
    lead = {"metric": metric, "variant": variant}
    view, named = verdicts.view, measure(verdicts.view, metric, variant)
    rows = view.rows("scores", **lead)
    if rows.empty:
        return []
    settings = view.results.profile.settings
    size = (
        f"{count_of(rows['sentences'])} sentences, {joined(rows['target'].nunique(), 'language')} × "
        f"{joined(rows['layer'].nunique(), 'layer')}."
    )
    tests = (
        f"p-values are adjusted over all of these ({correction(view)}), intervals are "
        f"{100 * settings.get('confidence', 0.95):g}%. Sentences claim what has an adjusted p{NO_BREAK}<{NO_BREAK}{CLAIM:g}; "
        f"figures mark p{NO_BREAK}<{NO_BREAK}{ALPHA:g}. By {named}."
    )
    findings = [Finding("sure", size, tests), _independence(verdicts, lead, named)]
    if len(view.rows("peaks", **lead)) and rows["layer"].nunique() > 1:
        findings.append(Finding("sure", CROSS_FITTED, f"{WHY_CROSS_FITTED} By {named}."))
    significant = [one for one in verdicts.of(metric, variant) if one.significant]
    if verdicts.too_few or not significant:
        return findings
    findings += _controls(significant, lead, named)
    early = [one for one in significant if one.early]
    if early:
        total = len({one.language for one in verdicts.of(metric, variant)})
        languages = list(dict.fromkeys(one.language for one in early))
        text = f"Above chance already at layer 0, before any block: {everyone(languages, total)}."
        evidence = f"{WHY_EARLY} By {named}."
        findings.append(Finding("sure", text, evidence, claims=_claims("early", early, lead)))
    return findings


def _independence(verdicts: Verdicts, lead: dict[str, str], named: str) -> Finding:
    """Whether sentences come from documents, and what that does to the intervals."""
    documents = verdicts.view.results.profile.settings.get("documents")
    if documents is None:
        text = "Documents are unknown: intervals and p-values assume that sentences are independent."
        why = "If several sentences come from one document, the intervals are too narrow."
        return Finding("sure", text, f"{why} By {named}.")
    rows = verdicts.view.rows("scores", **lead)
    text, evidence = f"{documents} documents: intervals resample documents, p-values shuffle within them.", ""
    if "design_effect" in rows and rows["design_effect"].notna().any():
        effect = rows["design_effect"].median()
        evidence = (
            f"Variances are {effect:.1f} times those of independent sentences (design effect, median). "
        )
    return Finding("sure", text, f"{evidence}By {named}.")


def _controls(significant: Sequence[Verdict], lead: dict[str, str], named: str) -> list[Finding]:
    """How many of the languages above chance exceed each baseline, and remain above chance without each confound."""
    one, parts, claims = len({verdict.checkpoint for verdict in significant}) == 1, [], []
    for control, meaning in (BASELINES | CONFOUNDS).items():
        passed = [verdict for verdict in significant if verdict.controls.get(control)]
        failed = [verdict for verdict in significant if verdict.controls.get(control) is False]
        total = len(passed) + len(failed)
        if not total:
            continue
        claims += _claims("passes", passed, lead, control)
        one_of = ("exceeds", "does not exceed") if control in BASELINES else ("is", "is not")
        several = "exceed" if control in BASELINES else "are"
        if total == 1:
            who = f"{_name((passed + failed)[0], one)} {one_of[len(failed)]}"
        elif len(passed) == total:
            who = f"{'both' if total == 2 else f'all {total}'} {several}"
        else:
            who = f"{len(passed) or 'none'} of {total} {several if len(passed) > 1 else one_of[0]}"
        some = 0 < len(failed) < total and len(failed) <= MAX_NAMED_LANGUAGES
        which = f" (not {listing([_name(verdict, one) for verdict in failed])})" if some else ""
        what = meaning if control in BASELINES else f"above chance {meaning}"
        parts.append(f"{who} {what}{which}")
    findings = []
    if parts:
        text = f"Controls of what is above chance: {'; '.join(parts)}."
        evidence = f"To exceed a control, the intervals must not overlap at the best layers. By {named}."
        findings.append(Finding("sure", text, evidence, claims=tuple(claims)))
    if any(SHARED_TOKENS not in verdict.controls for verdict in significant):
        text = "Shared tokens were not controlled for in this variant; they alone can put a language above chance."
        findings.append(Finding("sure", text, f"By {named}."))
    return findings


def _name(verdict: Verdict, one: bool) -> str:
    """The language, with its checkpoint unless there is only one."""
    return language_list([verdict.language]) + ("" if one else f" in {verdict.checkpoint}")


def _claims(kind: Kind, group: Sequence[Verdict], lead: dict[str, str], other: str = "") -> tuple[Claim, ...]:
    """One claim per checkpoint."""
    names = dict.fromkeys(verdict.checkpoint for verdict in group)
    languages = {name: tuple(one.language for one in group if one.checkpoint == name) for name in names}
    return tuple(
        Claim(kind, name, lead["metric"], lead["variant"], languages[name], other=other) for name in names
    )
