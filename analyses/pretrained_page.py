"""The report of `pretrained.py` in words and tables: figures/pretrained.md, and the marked part of docs/pretrained.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pretrained_correlations import GROUPS

Figures = Mapping[str, Any]
"""figures/pretrained.json."""

PAGE = Path(__file__).parents[1] / "docs" / "pretrained.md"
BEGIN, END = "<!-- written by analyses/pretrained.py report -->", "<!-- end of what it wrote -->"

INTERVALS = (
    "Intervals are 95%, by a bootstrap over documents (paragraphs of XQuAD), of the same items before and after; with three seeds "
    "also over seeds (Student's t). p is after Holm's correction over the comparisons of a claim."
)


def rewritten(page: str, figures: Figures, pictures: Sequence[str]) -> str:
    """The page with its marked part written anew.

    Args:
        page: the whole page.
        figures: of the report.
        pictures: Markdown that shows the pictures.
    """
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    body = "\n\n".join([*pictures, markdown(figures)])
    return f"{head}{BEGIN}\n\n{body}\n\n{END}{tail}"


def markdown(figures: Figures) -> str:
    """Verdicts, departures, each claim with its comparisons, and the runs."""
    parts = ["## Verdicts", verdicts(figures["claims"]), INTERVALS]
    parts += ["## Departures from the paper", "\n".join(f"- {one}" for one in figures["departures"])]
    for claim in figures["claims"]:
        parts += [f"## ({claim['key']}) {claim['title']}", *_claim(claim)]
    parts += [
        "## Scores of the runs",
        summary(figures),
        "## Languages of the answers",
        languages(figures),
        "## Training",
        trainings(figures["runs"]),
    ]
    return "\n\n".join(parts)


def verdicts(claims: Sequence[Mapping[str, Any]]) -> str:
    """A row for every claim."""
    rows = [
        [f"({claim['key']})", claim["text"], f"**{claim['verdict']}**", f"{claim['supported']} of {claim['tested']}", str(claim["not_testable"])]
        for claim in claims
    ]  # fmt: skip
    return table(["", "claim", "verdict", "comparisons that support it", "not testable"], rows)


def _claim(claim: Mapping[str, Any]) -> list[str]:
    tested = [row for row in claim["rows"] if "value" in row]
    parts = [f"{claim['text']}. {claim['note']}".strip()]
    if tested:
        cells = [
            [row["label"], row["measure"], shown(row), *_seeds(row), _n(row), _p(row), _verdict(row)]
            for row in tested
        ]
        parts.append(table(["comparison", "measure", "value [95%]", "seeds", "n", "p", "verdict"], cells))
    reasons = Counter(row["reason"] for row in claim["rows"] if "value" not in row and not row["beside"])
    if reasons:
        counts = (f"{reason} ({count} comparison{'s' * (count > 1)})" for reason, count in reasons.items())
        parts.append(f"Not testable here: {'; '.join(counts)}.")
    return parts


def shown(row: Mapping[str, Any]) -> str:
    """A value with its interval: to three decimals for shares, depths and correlations, else to one."""
    digits = 3 if row["measure"] in ("P@1", "Spearman's rho") or "depth" in row["measure"] else 1
    sign = "+" if "seeds" in row else ""
    value, low, high = (f"{row[name]:{sign}.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _seeds(row: Mapping[str, Any]) -> list[str]:
    seeds = row.get("seeds", [])
    if len(seeds) < 2:
        return ["one" if seeds else ""]
    digits = 3 if row["measure"] == "P@1" else 1
    ends = f" [{row['seeds_low']:+.{digits}f}, {row['seeds_high']:+.{digits}f}]" if "seeds_low" in row else ""
    return [", ".join(f"{seed:+.{digits}f}" for seed in seeds) + ends]


def _n(row: Mapping[str, Any]) -> str:
    units = row.get("units", row["items"])
    return f"{row['items']}" if units == row["items"] else f"{row['items']} in {units}"


def _p(row: Mapping[str, Any]) -> str:
    return f"{row['p_adjusted']:.2g}" if "p_adjusted" in row else ""


def _verdict(row: Mapping[str, Any]) -> str:
    words = f"{row['verdict']}: {row['reason']}" if row["reason"] else row["verdict"]
    return f"({words}; beside)" if row["beside"] else words


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
