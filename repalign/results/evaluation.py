"""An evaluation at rest: a folder of parquet tables and one JSON file, read without torch or a model."""

from __future__ import annotations

from repalign.results.results import Found

TABLES = {
    "scores": "checkpoint, baseline (NA, or the checkpoint whose score was subtracted), scorer, language (NA: mean over "
    "languages), value (0 to 100), low, high, p, p_adjusted (of differences), items",
    "answers": "checkpoint, language, item, kind, instruction, input, reference, answer, answered_in, tokens, ended "
    "(by the model itself), prompt_cut (tokens), and each scorer's score of the item alone",
    "languages": "checkpoint (or references), asked, answered (NA: cannot be told), count, share",
    "consistency": "same answer in two languages: checkpoint, language, other, value, low, high, chance, calibrated, p, "
    "items",
    "wins": "checkpoint against baseline: judge, language, wins, ties, losses, value (ties count half), low, high, p, "
    "swayed, first_place, unclear, items",
    "alignment": "alignment beside scores: checkpoint, metric, layer, scorer, language, alignment, score",
    "correlations": "Spearman's of both: checkpoint, metric, scorer, over (languages or sentences), language, value, "
    "low, high, p, p_adjusted (over metrics or languages), units, note",
}
"""The tables there may be, with their columns."""


class Evaluation(Found):
    """All that one evaluation found; `settings` holds signatures of scorers, seed, counts of what was cut, ..."""

    kind, schema, columns = "evaluation", 1, TABLES
