"""What was found inside checkpoints, at rest: a folder of parquet tables and one JSON file, read without torch."""

from __future__ import annotations

from repalign.results.results import Found

TABLES = {
    "lens": "what each layer would say next: checkpoint, language (of the text), layer, depth, measure (probability, of "
    "the tokens of the language `toward`; or entropy, by its greatest), toward, value, low, high, sentences",
    "neurons": "the most language-specific ones: checkpoint, layer, depth, neuron, language, entropy (over languages, by "
    "its greatest), rate (share of the language's tokens it is active at), elsewhere (mean over the others)",
    "interventions": "what taking something out costs: checkpoint, intervention (neurons, subspace or steering), of "
    "(language or NA), layer (NA: several), depth, size (neurons or directions), language (of the text), outcome "
    "(loss, own, pivot or p_at_1), untouched, value (change), low, high, control (change by as much at random), "
    "control_low, control_high, p (of no difference from the control), p_adjusted, sentences",
}
"""The tables there may be, with their columns."""


class Inside(Found):
    """All that one look into checkpoints found; `settings` holds pivot, languages, tokens known of each, notes, ..."""

    kind, schema, columns = "inside", 1, TABLES
