"""The page of a scaling study: curves, uncertainty, and how to split a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from repalign.figures.lines import height_above, named_axis
from repalign.figures.names import Names
from repalign.figures.scaling import curves
from repalign.figures.security import group
from repalign.figures.style import language_styles
from repalign.report.about import few, made
from repalign.report.layout import fill
from repalign.report.scaling_findings import (
    certainty,
    drawn,
    fit_headline,
    formula,
    meaning,
    plan_headline,
    symbol,
)
from repalign.scaling.plan import Plan

OBJECTIVES = {"mean": "mean", "min": "worst", "weighted": "weighted mean"}
"""What can be maximised on the page."""


def render_scaling(
    study: Mapping[str, Any],
    plan: Plan | None = None,
    available: Mapping[str, float] | None = None,
) -> str:
    """One self-contained HTML file, whose budget slider recomputes the allocation in the browser.

    Args:
        study: see `repalign.scaling.study.study`; its command and date are those of the page.
        plan: the allocation of a budget, if there is one: then the page begins with it.
        available: pairs that exist, by language; languages not named have no limit.
    """
    names = Names([*study["languages"], *study["parameters"], study["score"]])
    study = names(study)
    limits, shown = names(available or {}), None if plan is None else _shown(plan, names)
    pairs = study["runs"]["pairs"]
    return fill(
        "scaling.html",
        ["linked.js", "waterfill.js", "scaling.js"],
        _data(study, shown, limits),
        names.full,
        title="How much data?",
        about={
            "score": study["score"],
            "runs": f"{len(pairs):,}",
            "sizes": f"{min(pairs):,.0f} to {max(pairs):,.0f} pairs",
            "languages": few(study["languages"]),
            "form": study["form"],
            **made([study["signature"]], study),
        },
        headline=fit_headline(study) if shown is None else plan_headline(shown, study["score"]),
        findings=certainty(study, shown) | ({} if shown else {"What is drawn?": drawn(study)}),
        drawn=drawn(study),
        formula=formula,
        symbol=symbol,
        meaning=meaning,
        objectives={name: label for name, label in OBJECTIVES.items() if name != "weighted" or (shown and shown.weights)},
        study=study,
        plan=shown,
        command=study.get("command"),
    )  # fmt: skip


def _shown(plan: Plan, names: Names) -> Plan:
    """The plan with languages as the page names them."""
    return replace(
        plan,
        splits=tuple(
            replace(split, pairs=names(split.pairs), scores=names(split.scores)) for split in plan.splits
        ),
        ranges=names(plan.ranges),
        marginal=names(plan.marginal),
        weights=names(plan.weights),
    )


def _data(study: Mapping[str, Any], plan: Plan | None, limits: Mapping[str, float]) -> dict[str, Any]:
    """The data of the page's scripts."""
    languages, looks = study["languages"], language_styles(study["languages"])
    largest = sum(max(curve["pairs"]) for curve in study["curves"].values()) / 4
    weights = plan.weights if plan else {}
    return {
        "curves": curves(study),
        "axis": named_axis(languages),
        "height": height_above(languages) - 60,
        "languages": languages,
        "groups": [group(language) for language in languages],
        "colours": [looks[language].colour for language in languages],
        "law": dict(zip(("c", "a", "b", "k"), study["law"]["values"], strict=True)),
        "available": [limits.get(language) for language in languages],
        "weights": [weights[language] for language in languages] if weights else None,
        "budget": plan.budget if plan else largest,
        "objective": plan.objective if plan else "mean",
        "score": study["score"],
        "decimals": 3 if (study["top"] or 0) <= 1 else 1,
    }
