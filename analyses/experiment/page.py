"""The report of `pretrained.py` in words and tables: figures/pretrained.md, and the marked part of docs/pretrained.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import marked

from .tables import Figures, languages, summary, table, trainings

PAGE = Path(__file__).parents[2] / "docs" / "pretrained.md"
BEGIN, END = "<!-- written by analyses/pretrained.py report -->", "<!-- end of what it wrote -->"

INTERVALS = (
    "Intervals are 95%, by a bootstrap over documents (paragraphs of XQuAD), of the same items before and after; with three seeds "
    "also over seeds (Student's t). p is after Holm's correction over the comparisons of a claim."
)


CAPTIONS = {
    "pretrained": "![P@1 by layer in each language, before and after training]({})",
    "pretrained_claims": "![Every comparison with its interval]({})\n\nFilled: supported. Ticks: single seeds. Grey ranges: the margin of "
    "“comparable”. P@1 in points of 100.",
}


def rewritten(page: str, figures: Figures) -> str:
    """The page with its marked part written anew.

    Args:
        page: the whole page.
        figures: of the report.
    """
    pictures = [
        caption.format(f"pictures/{name}.svg")
        for name, caption in CAPTIONS.items()
        if (PAGE.parent / "pictures" / f"{name}.svg").is_file()
    ]
    body = "\n\n".join([*pictures, markdown(figures)])
    return marked.rewritten(page, BEGIN, f"\n\n{body}\n\n", END)


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
    numbers = [row[name] for name in ("value", "low", "high")]
    value, low, high = ("–" if number is None else f"{number:{sign}.{digits}f}" for number in numbers)
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
