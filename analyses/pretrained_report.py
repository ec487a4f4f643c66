"""The report of `pretrained.py` from the kept files: figures/pretrained.json, .md and .svg, and a part of docs/pretrained.md.

Neither a model nor data are needed, nor any text: see `pretrained_keep` for what is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from demo_family import FIGURES
from pretrained_keep import KEPT, SCORERS_OF
from pretrained_kept import Kept, items_of
from pretrained_plan import baselines

from repalign import RepalignError, Results
from repalign.evaluation.answer_language import REFERENCES, language_table
from repalign.evaluation.scores import score_table

GROUPS = {"xquad": "xquad", "en-x": "translation", "x-en": "translation"}
"""What is averaged over languages -> the task of its answers."""


def report() -> None:
    """Write the figures, from as many runs as are kept.

    Raises:
        RepalignError: no run is kept, or none is measured.
    """
    kept = Kept.load(KEPT)
    if not kept.results:
        raise RepalignError(f"no alignment in {KEPT}; run the stages measure and keep first")
    profiles = list(kept.results.values())
    figures = {
        "plan": {part: kept.plan[part] for part in ("sizes", "base", "data")},
        "runs": {run: about for run, about in kept.about.items() if "card" in about},
        "alignment": {
            metric: by_layer(profiles, metric) for metric in profiles[0].profile.settings["labels"]
        },
        "peaks": rows(pd.concat([one.profile.peaks for one in profiles])),
        **{name: rows(table) for name, table in evaluations(kept).items()},
        "signatures": {run: about["signatures"] for run, about in kept.about.items()},
        "settings": profiles[0].profile.settings,
    }
    FIGURES.mkdir(exist_ok=True)
    (FIGURES / "pretrained.json").write_text(
        json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    table = summary(figures)
    (FIGURES / "pretrained.md").write_text(table + "\n", encoding="utf-8")
    print(table)


def by_layer(profiles: Sequence[Results], metric: str) -> dict[str, dict[str, list[float]]]:
    """Mean of both directions: language -> run -> one value a layer."""
    scores = pd.concat([one.profile.where(metric=metric, baseline=None).table for one in profiles])
    language = scores["target"].where(scores["source"] == "en", scores["source"])
    values = scores.groupby([language.rename("language"), "checkpoint", "layer"], sort=False)["value"].mean()
    curves: dict[str, dict[str, list[float]]] = {}
    for (name, run), curve in values.groupby(level=[0, 1], sort=False):
        curves.setdefault(name, {})[run] = curve.round(4).tolist()
    return curves


def evaluations(kept: Kept) -> dict[str, pd.DataFrame]:
    """Tables of the answers: scores with differences from the baselines, and the languages of answers."""
    tables: dict[str, list[pd.DataFrame]] = {"scores": [], "answer_languages": []}
    for name, task in GROUPS.items():
        groups = of_group(name, kept.groups(task))
        if not groups:
            continue
        answers = {
            run: {language: kept.group(run, task, group) for language, group in groups.items()}
            for run, table in kept.answers.items()
            if (table["task"] == task).any()
        }
        items = {language: items_of(table) for language, table in next(iter(answers.values())).items()}
        measured = {
            run: {
                scorer: {
                    language: kept.measured(run, task, group, scorer) for language, group in groups.items()
                }
                for scorer in SCORERS_OF[task]
            }
            for run in answers
        }
        for run in answers:
            for others in [[], *([one] for one in baselines(run) if one in answers)]:
                scores = score_table({one: measured[one] for one in (*others, run)}, items)
                scores = scores.dropna(subset=["baseline"]) if others else scores
                tables["scores"].append(scores.assign(task=name))
        detected = {
            run: {language: _codes(table["answered_in"]) for language, table in by_language.items()}
            for run, by_language in answers.items()
        }
        references = next(iter(answers.values())).items()
        detected[REFERENCES] = {language: _codes(table["reference_in"]) for language, table in references}
        tables["answer_languages"].append(language_table(items, detected).assign(task=name))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items() if parts}


def _codes(languages: pd.Series) -> list[str | None]:
    return [None if pd.isna(one) else str(one) for one in languages]


def of_group(name: str, groups: Sequence[str]) -> dict[str, str]:
    """Language -> its group of answers: itself, or of translation the direction by its other language than English."""
    if name == "xquad":
        return {group: group for group in groups}
    side = 1 if name == "en-x" else 0
    return {language: group for group in groups if (language := group.split("-")[side]) != "en"}


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON: rounded, and without what is missing."""
    return [
        {
            key: round(value, 4) if isinstance(value, float) else value
            for key, value in row.items()
            if pd.notna(value)
        }
        for row in table.to_dict("records")
    ]


def summary(figures: Mapping[str, Any]) -> str:
    """A row for every run: scores, mean over languages with their interval, and alignment at its best layer."""
    columns = {"xquad": "f1", "en-x": "chrf", "x-en": "chrf"}
    means = {
        (one["checkpoint"], one["task"], one["scorer"]): _with_interval(one)
        for one in figures.get("scores", [])
        if "language" not in one and "baseline" not in one
    }
    peaks = pd.DataFrame(figures["peaks"])
    if "baseline" in peaks:
        peaks = peaks[peaks["baseline"].isna()]
    best = peaks[peaks["metric"] == "mexa"].groupby("checkpoint", sort=False)["value"].mean()
    head = ["run", "XQuAD F1", "en to L, chrF++", "L to en, chrF++", "MEXA at the best layer"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for run, value in best.items():
        cells = [means.get((run, task, scorer), "–") for task, scorer in columns.items()]
        lines.append("| " + " | ".join([str(run), *cells, f"{value:.3f}"]) + " |")
    return "\n".join(lines)


def _with_interval(score: Mapping[str, Any]) -> str:
    """A score has no interval if no question has any influence on it, as where all are 0."""
    ends = f" ({score['low']:.1f} to {score['high']:.1f})" if {"low", "high"} <= score.keys() else ""
    return f"{score['value']:.1f}{ends}"
