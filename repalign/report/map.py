"""The map table in the form that the page's script reads: one array per checkpoint, map and variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.errors import RepalignError
from repalign.results.schema import GRAIN, NEAREST

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.results import Results

MAX_POINTS = 150_000
"""Points on the page for each checkpoint and map; beyond that, sentences are left out at even intervals."""

INCOMPLETE = (
    "the tables 'map' and 'sentences' should hold each sentence of each language at each layer once, and do not; "
    "run the command that wrote them again"
)

MAX_CHARACTERS = 600
"""Characters of a sentence on the page."""


def mapped_sentences(results: Results) -> int:
    """Sentences of the map; 0 if there is none."""
    table, sentences = results.tables.get("map"), results.tables.get("sentences")
    return 0 if table is None or sentences is None else table["sentence"].nunique()


def map_data(results: Results, max_points: int = MAX_POINTS) -> dict[str, Any] | None:
    """Coordinates, cosines and text; None if there is no map, or no room for one.

    Coordinates (`places`) are [layer, language, sentence, 2 or 3], int16 in units of `GRAIN` or float32; cosine
    and margin are int16, in ten-thousandths; `nearest` holds positions in `rows` of the nearest sentences of the pivot,
    in all dims, the largest value for none.
    """
    table, sentences = results.tables.get("map"), results.tables.get("sentences")
    if table is None or sentences is None or table.empty or not max_points:
        return None
    table = table.assign(map=table["reducer"].astype(str) + np.where(table["z"].notna(), " 3-D", " 2-D"))
    languages = list(dict.fromkeys(sentences["language"].astype(str)))
    sampled = np.sort(table["sentence"].unique())
    kept = _kept(table, sampled, max_points)
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
        "left_out": len(sampled) - len(kept),
    }


def _kept(table: pd.DataFrame, sampled: np.ndarray, max_points: int) -> np.ndarray:
    """Sentences that the page can hold, evenly from the first to the last: int [sentence]."""
    largest = table.groupby(["checkpoint", "map"], observed=True).size().max()
    share = min(1.0, max_points / largest)
    count = max(4, int(len(sampled) * share))
    return sampled[np.linspace(0, len(sampled) - 1, min(count, len(sampled))).astype(int)]


def _sheet(rows: pd.DataFrame, languages: list[str], kept: np.ndarray) -> dict[str, Any]:
    positions = {language: position for position, language in enumerate(languages)}
    rows = rows.assign(position=rows["language"].astype(str).map(positions))
    rows = rows.sort_values(["layer", "position", "sentence"])
    layers = sorted(rows["layer"].unique())
    shape = (len(layers), len(languages), len(kept))
    once = rows.dropna(subset="position").drop_duplicates(["layer", "position", "sentence"])
    if not len(once) == len(rows) == np.prod(shape):
        raise RepalignError(INCOMPLETE)
    columns = ["x", "y", "z"] if rows["z"].notna().any() else ["x", "y"]
    by_layer = rows.groupby("layer")[["trustworthiness", "knn_overlap"]].first()
    return {
        "layers": [int(layer) for layer in layers],
        "places": _places(rows[columns].to_numpy(np.float32)).reshape(*shape, len(columns)),
        "cosine": _small(rows["cosine"]).reshape(shape),
        "margin": _small(rows["margin"]).reshape(shape),
        "nearest": _nearest(rows, kept).reshape(*shape, len(NEAREST)),
        "trustworthiness": by_layer["trustworthiness"].to_numpy(np.float32),
        "knn_overlap": by_layer["knn_overlap"].to_numpy(np.float32),
    }


def _places(coordinates: np.ndarray) -> np.ndarray:
    """Int16 in units of `GRAIN` if that is exact, else unchanged."""
    units = np.round(coordinates / GRAIN)
    exact = np.abs(units).max(initial=0) < 2**15 and np.array_equal(units * np.float32(GRAIN), coordinates)
    return units.astype(np.int16) if exact else coordinates


def _small(values: pd.Series) -> np.ndarray:
    return np.round(values.to_numpy(np.float64).clip(-3, 3) * 10_000).astype(np.int16)


def _nearest(rows: pd.DataFrame, kept: np.ndarray) -> np.ndarray:
    """Positions of each row's nearest sentences in `kept`: unsigned int [row, rank], the largest value for none."""
    dtype = np.uint8 if len(kept) < 255 else np.uint16
    found = rows[[column.name for column in NEAREST]].to_numpy("int64", na_value=-1)
    positions = np.searchsorted(kept, found).clip(max=len(kept) - 1)
    return np.where(kept[positions] == found, positions, np.iinfo(dtype).max).astype(dtype)


def _texts(sentences: pd.DataFrame, language: str, kept: np.ndarray) -> dict[str, Any]:
    rows = sentences[sentences["language"] == language].drop_duplicates("sentence").set_index("sentence")
    if not np.isin(kept, rows.index).all():
        raise RepalignError(INCOMPLETE)
    rows = rows.loc[kept]
    return {
        "text": [_shortened(text) for text in rows["text"]],
        "tokens": rows["tokens"].to_numpy(np.int32),
        "group": rows["group"].to_numpy(np.int32),
    }


def _shortened(text: str) -> str:
    """A sentence, cut after `MAX_CHARACTERS` with a note that gives its length."""
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}… ({len(text):,} characters)"
