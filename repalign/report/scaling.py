"""The page of a scaling study: curves, uncertainty, and how to split a budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repalign.figures.scaling import curves
from repalign.figures.style import PAGE_THEMES, styles
from repalign.report.layout import fill
from repalign.report.packing import to_json
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
    looks = styles(study["languages"])
    largest = sum(max(curve["pairs"]) for curve in study["curves"].values()) / 4
    data = {
        "curves": curves(study),
        "themes": PAGE_THEMES,
        "languages": study["languages"],
        "colours": [looks[language].colour for language in study["languages"]],
        "law": dict(zip(("c", "a", "b", "k"), study["law"]["values"], strict=True)),
        "available": [(available or {}).get(language) for language in study["languages"]],
        "budget": plan.budget if plan else largest,
        "objective": plan.objective if plan and plan.objective in ("mean", "min") else "mean",
        "score": study["score"],
    }
    counts = f"{len(study['languages'])} languages, {len(study['runs']['score'])} runs"
    return fill(
        "scaling.html",
        ["waterfill.js", "scaling.js"],
        title="How much data?",
        lead=f"{study['score']} as a function of sentence pairs; {counts}; {study['formula']}",
        study=study,
        plan=plan,
        data=to_json(data),
    )
