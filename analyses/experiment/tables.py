"""Tables of the runs of `pretrained.py` in Markdown: scores, languages of answers, trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .correlations import GROUPS

Figures = Mapping[str, Any]
"""figures/pretrained.json."""


def languages(figures: Figures) -> str:
    """A row for every run, and for the references: the share of answers in the language in which they are expected."""
    shares: dict[str, dict[str, list[float]]] = {}
    for one in figures.get("answer_languages", []):
        of_task = shares.setdefault(one["checkpoint"], {}).setdefault(one["task"], [])
        expected = "en" if one["task"] == "x-en" else one["asked"]
        if one.get("answered") == expected:
            of_task.append(one["share"])
    asked = {
        task: {one["asked"] for one in figures.get("answer_languages", []) if one["task"] == task}
        for task in GROUPS
    }
    rows = [
        [
            run,
            *(
                f"{100 * sum(by_task.get(task, [])) / len(asked[task]):.0f}%" if asked[task] else "–"
                for task in GROUPS
            ),
        ]
        for run, by_task in shares.items()
    ]
    return table(["run", "XQuAD", "en to L", "L to en"], rows) if rows else "Nothing was asked yet."


def trainings(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for every trained run."""
    rows = [
        [
            run, str(about["card"]["seed"]), f"{about['card']['tokens']:,}", str(about["card"]["steps"]),
            *(_loss(about["card"]["losses"].get(name)) for name in ("first", "last", "held_out")),
            f"{about['card']['seconds'] / 60:.0f}", about["finished"], about["card"]["recipe_digest"][:8],
            str(sum(about["leaked"].values())),
        ]
        for run, about in runs.items()
    ]  # fmt: skip
    head = [
        "run",
        "seed",
        "tokens",
        "steps",
        "first loss",
        "last",
        "held out",
        "minutes",
        "finished",
        "recipe",
        "sentences leaked",
    ]
    return table(head, rows) if rows else "No run is trained yet."


def _loss(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def summary(figures: Figures) -> str:
    """A row for every run: scores, mean over languages with their interval, and alignment at its best layer."""
    columns = {"xquad": "f1", "en-x": "chrf", "x-en": "chrf"}
    means = {
        (one["checkpoint"], one["task"], one["scorer"]): _with_interval(one)
        for one in figures.get("scores", [])
        if "language" not in one and "baseline" not in one
    }
    peaks: dict[str, list[float]] = {}
    for one in figures["peaks"]:
        if one["metric"] == "p_at_1" and "baseline" not in one:
            peaks.setdefault(one["checkpoint"], []).append(one["value"])
    rows = [
        [
            run,
            *(means.get((run, task, scorer), "–") for task, scorer in columns.items()),
            f"{sum(best) / len(best):.3f}",
        ]
        for run, best in peaks.items()
    ]
    return table(["run", "XQuAD F1", "en to L, chrF++", "L to en, chrF++", "P@1 at the best layer"], rows)


def _with_interval(score: Mapping[str, Any]) -> str:
    """A score has no interval if no question has any influence on it, as where all are 0."""
    ends = f" [{score['low']:.1f}, {score['high']:.1f}]" if {"low", "high"} <= score.keys() else ""
    return f"{score['value']:.1f}{ends}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])
