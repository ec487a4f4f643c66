"""The page of a scaling study: curves, what they leave open, and a budget to spend."""

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
    """One HTML file that needs nothing else. Its budget slider solves the allocation again in the browser."""
    looks = styles(study["languages"])
    law = study["law"] and study["law"]["values"]
    spent = sum(max(curve["pairs"]) for curve in study["curves"].values()) / 4
    data = {
        "curves": curves(study),
        "themes": PAGE_THEMES,
        "languages": study["languages"],
        "colours": [looks[language].colour for language in study["languages"]],
        "law": law and dict(zip(("c", "a", "b"), law, strict=True)),
        "available": [(available or {}).get(language) for language in study["languages"]],
        "budget": plan.budget if plan else spent,
        "objective": plan.objective if plan and plan.objective in ("mean", "min") else "mean",
        "score": study["score"],
    }
    counted = f"{len(study['languages'])} languages, {len(study['runs']['score'])} runs"
    return fill(
        "scaling.html",
        ["waterfill.js", "scaling.js"],
        title="How much data",
        lead=f"{study['score']} by sentence pairs, {counted}: {study['formula']}",
        study=study,
        plan=plan,
        data=to_json(data),
    )
