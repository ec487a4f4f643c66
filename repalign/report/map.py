"""The map table as the page's script reads it: one array a (checkpoint, map, variant)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.errors import RepalignError
from repalign.results.schema import GRAIN

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.results import Results

POINTS = 150_000
"""At most so many places for each checkpoint and map in one page; beyond, sentences are left out evenly."""

INCOMPLETE = (
    "the tables 'map' and 'sentences' should hold each sentence of each language at each layer once, and do not; "
    "run the command that wrote them again"
)
TEXT = 600
"""Characters of a sentence that the page holds."""


def space(results: Results) -> dict[str, Any] | None:
    """Places, cosines and text; None where there is no map.

    Places are [layer, language, sentence, 2 or 3], int16 in units of `GRAIN` or float32; cosine and margin
    are int16, in ten-thousandths.
    """
    table, sentences = results.tables.get("map"), results.tables.get("sentences")
    if table is None or sentences is None or table.empty:
        return None
    table = table.assign(map=table["reducer"].astype(str) + np.where(table["z"].notna(), " 3-D", " 2-D"))
    languages = list(dict.fromkeys(sentences["language"].astype(str)))
    there = np.sort(table["sentence"].unique())
    kept = _kept(table, there)
    shown = table[table["sentence"].isin(kept)]
    sheets = []
    for (checkpoint, name, variant), rows in shown.groupby(
        ["checkpoint", "map", "variant"], observed=True, sort=False
    ):
        sheets.append(
            {"checkpoint": checkpoint, "map": name, "variant": variant, **_sheet(rows, languages, kept)}
        )
    return {
        "languages": languages,
        "rows": kept.astype(np.int32),
        "sentences": [_texts(sentences, language, kept) for language in languages],
        "sheets": sheets,
        "grain": GRAIN,
        "turns": bool(shown["z"].notna().any()),
        "left_out": len(there) - len(kept),
    }


def _kept(table: pd.DataFrame, there: np.ndarray) -> np.ndarray:
    largest = table.groupby(["checkpoint", "map"], observed=True).size().max()
    share = min(1.0, POINTS / largest)
    count = max(4, int(len(there) * share))
    return there[np.linspace(0, len(there) - 1, min(count, len(there))).astype(int)]


def _sheet(rows: pd.DataFrame, languages: list[str], kept: np.ndarray) -> dict[str, Any]:
    places = {language: place for place, language in enumerate(languages)}
    rows = rows.assign(place=rows["language"].astype(str).map(places))
    rows = rows.sort_values(["layer", "place", "sentence"])
    layers = sorted(rows["layer"].unique())
    shape = (len(layers), len(languages), len(kept))
    once = rows.dropna(subset="place").drop_duplicates(["layer", "place", "sentence"])
    if not len(once) == len(rows) == np.prod(shape):
        raise RepalignError(INCOMPLETE)
    columns = ["x", "y", "z"] if rows["z"].notna().any() else ["x", "y"]
    by_layer = rows.groupby("layer")[["trustworthiness", "knn_overlap"]].first()
    return {
        "layers": [int(layer) for layer in layers],
        "places": _places(rows[columns].to_numpy(np.float32)).reshape(*shape, len(columns)),
        "cosine": _small(rows["cosine"]).reshape(shape),
        "margin": _small(rows["margin"]).reshape(shape),
        "trustworthiness": by_layer["trustworthiness"].to_numpy(np.float32),
        "knn_overlap": by_layer["knn_overlap"].to_numpy(np.float32),
    }


def _places(places: np.ndarray) -> np.ndarray:
    """In units of `GRAIN` as int16 where that is exact, else as they are."""
    units = np.round(places / GRAIN)
    exact = np.abs(units).max(initial=0) < 2**15 and np.array_equal(units * np.float32(GRAIN), places)
    return units.astype(np.int16) if exact else places


def _small(values: pd.Series) -> np.ndarray:
    return np.round(values.to_numpy(np.float64).clip(-3, 3) * 10_000).astype(np.int16)


def _texts(sentences: pd.DataFrame, language: str, kept: np.ndarray) -> dict[str, Any]:
    rows = sentences[sentences["language"] == language].drop_duplicates("sentence").set_index("sentence")
    if not np.isin(kept, rows.index).all():
        raise RepalignError(INCOMPLETE)
    rows = rows.loc[kept]
    return {
        "text": [shortened(text) for text in rows["text"]],
        "tokens": rows["tokens"].to_numpy(np.int32),
        "group": rows["group"].to_numpy(np.int32),
    }


def shortened(text: str) -> str:
    """A sentence, cut where it would weigh the page down, with a note that says so."""
    return text if len(text) <= TEXT else f"{text[:TEXT]}… ({len(text):,} characters)"
