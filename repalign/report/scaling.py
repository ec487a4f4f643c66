"""The page of a scaling study: curves, uncertainty, and how to split a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from repalign.figures.lines import named_axis
from repalign.figures.names import Names
from repalign.figures.scaling import curves
from repalign.figures.style import language_styles
from repalign.report.about import few
from repalign.report.layout import fill
from repalign.scaling.plan import Plan


def render_scaling(
    study: Mapping[str, Any], plan: Plan | None = None, available: Mapping[str, float] | None = None
) -> str:
    """One self-contained HTML file, whose budget slider recomputes the allocation in the browser.

    Args:
        study: see `repalign.scaling.study.study`.
        plan: the allocation of a budget, if there is one.
        available: pairs that exist, by language; languages not named have no limit.
    """
    names = Names([*study["languages"], *study["parameters"], study["score"]])
    study = names(study)
    plan_shown = None if plan is None else {**names(asdict(plan)), "note": names(plan.note)}
    limits = names(available or {})
    looks = language_styles(study["languages"])
    largest = sum(max(curve["pairs"]) for curve in study["curves"].values()) / 4
    data = {
        "curves": curves(study),
        "axis": named_axis(study["languages"]),
        "languages": study["languages"],
        "colours": [looks[language].colour for language in study["languages"]],
        "law": dict(zip(("c", "a", "b", "k"), study["law"]["values"], strict=True)),
        "available": [limits.get(language) for language in study["languages"]],
        "budget": plan.budget if plan else largest,
        "objective": plan.objective if plan and plan.objective in ("mean", "min") else "mean",
        "score": study["score"],
    }
    return fill(
        "scaling.html",
        ["waterfill.js", "scaling.js"],
        data,
        names.full,
        title="How much data?",
        about={
            "score": study["score"],
            "runs": f"{len(study['runs']['score']):,}",
            "languages": few(study["languages"]),
            "law": study["formula"],
        },
        study=study,
        plan=plan_shown,
    )
