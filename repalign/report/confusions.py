"""The nearest wrong neighbours as the page's script reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repalign.report.map import shortened

if TYPE_CHECKING:
    from repalign.results.results import Results

EACH = 12
"""Confusions the page holds for each checkpoint, pair and layer."""

ALL = 4_000
"""And altogether."""


def confusions(results: Results) -> dict[str, Any] | None:
    """Which sentence was taken for which, and the text of those; None where there are none."""
    table, sentences = results.tables.get("confusions"), results.tables.get("sentences")
    if table is None or sentences is None or table.empty:
        return None
    keys = ["checkpoint", "layer", "source", "target"]
    table = table[table["variant"] == table["variant"].iloc[-1]]
    each = max(1, min(EACH, ALL // len(table[keys].drop_duplicates())))
    rank = table.groupby(keys, sort=False, observed=True).cumcount()
    rows = table.assign(rank=rank)[rank < each].head(ALL)
    named = set()
    for side, column in (("source", "sentence"), ("target", "sentence"), ("target", "taken_for")):
        named |= set(zip(rows[side].astype(str), rows[column], strict=True))
    texts: dict[str, dict[int, str]] = {}
    for language, sentence, text in sentences[["language", "sentence", "text"]].itertuples(index=False):
        if (str(language), sentence) in named:
            texts.setdefault(str(language), {})[int(sentence)] = shortened(text)
    columns = [*keys, "sentence", "taken_for", "rank"]
    return {
        "rows": rows[columns].astype({"layer": int}).to_dict("records"),
        "texts": texts,
        "targets": list(dict.fromkeys(rows["target"].astype(str))),
    }
