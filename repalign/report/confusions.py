"""Retrieval errors in the form that the page's script reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repalign.figures.names import shortened
from repalign.results.profile import leading_variant

if TYPE_CHECKING:
    from repalign.results.results import Results

MAX_PER_LAYER = 12
"""Retrieval errors on the page for each checkpoint, pair and layer."""

MAX_CONFUSIONS = 4_000
"""Retrieval errors on the page in total."""

DIGITS = 3
"""Of a cosine on the page."""

LONGEST_SENTENCE = 300
"""Columns of a sentence beside them; a Chinese character takes two."""


def confusions(results: Results) -> dict[str, Any] | None:
    """The retrieval errors and the text of their sentences; None if there are none.

    `rows` has one entry per error, the largest difference in cosine first; `texts` maps language and row of the corpus
    to text; `several` says whether there is more than one checkpoint.
    """
    table, sentences = results.tables.get("confusions"), results.tables.get("sentences")
    if table is None or sentences is None or table.empty:
        return None
    keys = ["checkpoint", "layer", "source", "target"]
    table = table[table["variant"] == leading_variant(table["variant"])]
    per_layer = max(1, min(MAX_PER_LAYER, MAX_CONFUSIONS // len(table[keys].drop_duplicates())))
    rank = table.groupby(keys, sort=False, observed=True).cumcount()
    rows = table.assign(rank=rank)[rank < per_layer].head(MAX_CONFUSIONS)
    named = set()
    for side, column in (("source", "sentence"), ("target", "sentence"), ("target", "taken_for")):
        named |= set(zip(rows[side].astype(str), rows[column], strict=True))
    texts: dict[str, dict[int, str]] = {}
    for language, sentence, text in sentences[["language", "sentence", "text"]].itertuples(index=False):
        if (str(language), sentence) in named:
            texts.setdefault(str(language), {})[int(sentence)] = shortened(text, LONGEST_SENTENCE)
    rows = rows.assign(by=rows["cosine"] - rows["cosine_right"]).sort_values(
        "by", ascending=False, kind="stable"
    )
    columns = [*keys, "sentence", "taken_for", "cosine", "cosine_right"]
    return {
        "rows": rows[columns].astype({"layer": int}).round(DIGITS).to_dict("records"),
        "several": rows["checkpoint"].nunique() > 1,
        "texts": texts,
        "targets": list(dict.fromkeys(rows["target"].astype(str))),
    }
