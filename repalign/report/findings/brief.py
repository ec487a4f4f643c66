"""Words of headlines: what they name, count and leave out to be short."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from repalign.report.findings.verdicts import Verdicts
from repalign.report.findings.words import everyone, layers_in_words, listing
from repalign.results.layer_ranges import spans

if TYPE_CHECKING:
    from repalign.figures.view import View

MAX_NAMED = 3
"""A headline names that many languages or metrics, and counts more."""

MAX_RUNS = 2
"""Layers in more runs than this are not listed."""


def few(languages: Sequence[str], total: int) -> str:
    """
    >>> few(["zh", "ar"], 6), few(list("abcde"), 6), few(["zh", "ar"], 2)
    ('Chinese and Arabic', '5 of 6 languages', 'both languages')
    """
    if MAX_NAMED < len(languages) < total:
        return f"{len(languages)} of {total} languages"
    return everyone(languages, total)


def dissent(view: View, metrics: Sequence[str]) -> str:
    """That metrics find something else: " CKA does not agree."; nothing if there are none."""
    if not metrics:
        return ""
    named = listing([view.axis_label(name) for name in metrics])
    who = named if len(metrics) <= MAX_NAMED else f"{len(metrics)} other metrics"
    return f" {who} {'do' if len(metrics) > 1 else 'does'} not agree."


def short(layers: Collection[int]) -> str:
    """Layers that hold all of these, in words: the first to the last if they come in many runs."""
    runs = spans(layers)
    return f"layers {runs[0][0]} to {runs[-1][1]}" if len(runs) > MAX_RUNS else layers_in_words(layers)


def exactly(layers: Collection[int], scored: int) -> str:
    """At which of the layers scored, and at no other; their number if they come in many runs.

    >>> exactly([1, 2, 4], 6), exactly([0, 2, 4], 6), exactly([0, 1], 2)
    ('at layers 1, 2 and 4', 'at 3 of 6 layers', 'at every layer')
    """
    if len(layers) == scored > 1:
        return "at every layer"
    return (
        f"at {len(layers)} of {scored} layers"
        if len(spans(layers)) > MAX_RUNS
        else f"at {layers_in_words(layers)}"
    )


def hull(layers: Collection[int], scored: Sequence[int]) -> tuple[int, ...]:
    """The layers, with those between if they come in many runs."""
    if len(spans(layers)) <= MAX_RUNS:
        return tuple(sorted(layers))
    return tuple(layer for layer in scored if min(layers) <= layer <= max(layers))


def measure(verdicts: Verdicts, lead: dict[str, str]) -> str:
    """The metric, after the variant unless that is the one shown first: "MEXA", "raw MEXA"."""
    variants = [one["variant"] for one in verdicts.view.choices("scores", "variant")]
    usual = not variants or lead["variant"] == variants[0]
    return ("" if usual else f"{lead['variant']} ") + verdicts.view.axis_label(lead["metric"])


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
