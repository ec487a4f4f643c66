"""Maps of the semantic space: every sentence of every language at every layer, in shared coordinates.

All languages and checkpoints of a layer are projected together. Each layer is then rotated (or mirrored, never
stretched along one axis) to match the previous one, so that visible motion is real change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from repalign.corpora.language_choice import default_pivot, find_language
from repalign.errors import RepalignError, explained_keywords, unknown
from repalign.maps.faithfulness import sampled_faithfulness
from repalign.maps.reducers import REDUCERS, Reducer
from repalign.metrics import LayerPair
from repalign.progress import Phase
from repalign.results.schema import GRAIN, NEAREST, RESULTS

if TYPE_CHECKING:
    import pandas as pd

    from repalign.states.layer_states import LayerStates

VARIANTS = ("raw", "centred")


@explained_keywords(source="pivot")
def project(
    states: LayerStates | Sequence[LayerStates],
    *,
    reducer: str | Reducer = "pca",
    variants: Sequence[str] = VARIANTS,
    dims: int = 2,
    sentences: int = 240,
    pivot: str | None = None,
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Place sentences of all languages, layers and checkpoints on one map.

    Rows are scaled to unit length first, because scores are cosines. Each layer is centred, scaled to unit
    root-mean-square distance from the centre, and rotated to match the previous layer (orthogonal Procrustes).
    Checkpoints with the same dims and layers share one fit; others are rotated to match the first at the nearest
    depth.

    Args:
        states: of one or more checkpoints on the same sentences and languages.
        reducer: a name in `REDUCERS`, or a function with the signature of `Reducer`.
        variants: "raw", or "centred": each language's mean subtracted at each layer.
        dims: 2 or 3.
        sentences: at most this many, drawn at random, one of each group of duplicates.
        pivot: the language that `cosine` and `margin` refer to; by default English, else the first.
        seed: of the sample and the reducer.
        progress: whether to show signs of life: see `repalign.progress`.

    Returns:
        The "map" table of `repalign.results.schema.RESULTS`. `cosine` is the cosine with the sentence's translation in
        `pivot` (for `pivot` itself, the mean over the other languages); `margin` is that cosine minus the
        largest with any other sentence there, so it is positive if the translation is nearest. `nearest_1` to
        `nearest_3` are the sentences there with the largest cosines, in all dims.
        `trustworthiness` and `knn_overlap` describe the whole layer: see `repalign.maps.faithfulness`.

    Raises:
        RepalignError: unknown reducer, variant or language; checkpoints on different sentences; too few
            sentences.
    """
    checkpoints = list(states) if isinstance(states, Sequence) else [states]
    reduce = REDUCERS[reducer] if isinstance(reducer, str) else reducer
    name = reducer if isinstance(reducer, str) else getattr(reducer, "__name__", "custom")
    pivot = _check(checkpoints, variants, dims, pivot)
    rows = sample(checkpoints[0], sentences, seed)
    if len(rows) < 4:
        raise RepalignError(f"a map needs at least 4 distinct sentences; there are {len(rows)}")

    groups = _same_space(checkpoints)
    steps = len(variants) * sum(len(group[0].layers) for group in groups)
    tables = []
    with Phase(f"map ({name})", steps, "layers", shown=progress) as phase:
        for variant in variants:
            anchors: dict[float, np.ndarray] = {}
            for group in groups:
                for layer, points, placed in _walk(group, rows, variant, reduce, dims, seed, anchors):
                    for member, its_points, its_map in zip(group, points, placed, strict=True):
                        table = _rows(member, layer, rows, pivot, its_points, its_map)
                        trust, overlap = sampled_faithfulness(its_points, its_map, seed)
                        tables.append(
                            table.assign(
                                reducer=name, variant=variant, trustworthiness=trust, knn_overlap=overlap
                            )
                        )
                    phase.update()
    return _join(tables)


def sentence_table(states: LayerStates) -> pd.DataFrame:
    """The "sentences" table: the text of all sentences, for maps and retrieval errors."""
    import pandas as pd

    tables = [
        pd.DataFrame(
            {
                "language": language,
                "sentence": np.arange(states.n_sentences),
                "group": np.asarray(states.groups),
                "text": [str(text) for text in states.texts[language]],
                "tokens": np.asarray(states.token_counts[language]),
            }
        )
        for language in states.languages
    ]
    return RESULTS["sentences"].frame(pd.concat(tables, ignore_index=True))


def sample(states: LayerStates, sentences: int, seed: int) -> np.ndarray:
    """Row numbers, ascending: the first of each group of duplicates, at most `sentences` of them at random."""
    firsts = states.distinct
    if len(firsts) <= sentences:
        return firsts
    return np.sort(np.random.default_rng(seed).choice(firsts, sentences, replace=False))


def _check(checkpoints: list[LayerStates], variants: Sequence[str], dims: int, pivot: str | None) -> str:
    first = checkpoints[0]
    for variant in variants:
        if variant not in VARIANTS:
            raise unknown("variant of the map", variant, VARIANTS)
    if dims not in (2, 3):
        raise RepalignError(f"a map has 2 or 3 dims, got {dims}")
    for other in checkpoints[1:]:
        if other.languages != first.languages or other.n_sentences != first.n_sentences:
            raise RepalignError(
                f"checkpoints on one map need the same languages and sentences: {_holds(first)}, but {_holds(other)}"
            )
    if pivot is None:
        return default_pivot(first.languages)
    return find_language(pivot, first.languages, "in these states")


def _holds(states: LayerStates) -> str:
    return f"{states.checkpoint} has {', '.join(states.languages)} ({states.n_sentences} sentences)"


def _same_space(checkpoints: list[LayerStates]) -> list[list[LayerStates]]:
    """Checkpoints grouped by dims and layers, in the order given."""
    groups: dict[object, list[LayerStates]] = {}
    for states in checkpoints:
        key = (states.layers, states.n_blocks, states.arrays[states.languages[0]].shape[2])
        groups.setdefault(key, []).append(states)
    return list(groups.values())


def _walk(
    group: list[LayerStates],
    rows: np.ndarray,
    variant: str,
    reduce: Reducer,
    dims: int,
    seed: int,
    anchors: dict[float, np.ndarray],
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Layer by layer: number, points [checkpoint, language, sentence, dim] and their map coordinates.

    `anchors` (depth -> coordinates of one checkpoint) is set by the first group, and used as the alignment target
    for the others.
    """
    leads = not anchors
    previous = None
    for layer in group[0].layers:
        points = np.stack([_points(states, layer, rows, variant) for states in group])
        flat = points.reshape(-1, points.shape[-1])
        placed = np.asarray(reduce(flat, dims, seed=seed, start=previous), dtype=np.float64)
        placed -= placed.mean(0)
        placed /= np.sqrt((placed**2).sum(1).mean()) or 1.0
        depth = group[0].depth(layer)
        if leads and previous is not None:
            placed = placed @ turn(placed, previous)
        elif not leads:
            target = anchors[min(anchors, key=lambda known: abs(known - depth))]
            placed = placed @ turn(placed[: len(target)], target)
        previous = placed
        shaped = placed.reshape(*points.shape[:-1], dims)
        if leads:
            anchors[depth] = shaped[0].reshape(-1, dims)
        yield layer, points, shaped


def turn(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """The orthogonal matrix Q that minimises the distance of `points` @ Q to `onto` (Schönemann 1966)."""
    u, _, vt = np.linalg.svd(points.T @ onto)
    return u @ vt


def _points(states: LayerStates, layer: int, rows: np.ndarray, variant: str) -> np.ndarray:
    """Float32 [language, sentence, dim], rows of unit length (a zero vector stays zero)."""
    points = []
    for language in states.languages:
        everything = states.layer(language, layer)
        shown = everything[rows].astype(np.float32)
        if variant == "centred":
            shown -= everything.mean(0, dtype=np.float64).astype(np.float32)
        points.append(shown)
    stacked = np.stack(points)
    lengths = np.linalg.norm(stacked, axis=-1, keepdims=True)
    return stacked / np.where(lengths > 0, lengths, 1)


def _scores(points: np.ndarray, pivot: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each language's sentences with the pivot's.

    Returns:
        The cosine with the translation and its margin over the best other sentence: [language, sentence]; the
        sentences with the largest cosines: int [language, sentence, rank], -1 for the pivot.
    """
    cosine = np.full(points.shape[:2], np.nan, dtype=np.float32)
    margin = cosine.copy()
    nearest = np.full((*points.shape[:2], len(NEAREST)), -1)
    others = [language for language in range(len(points)) if language != pivot]
    for language in others:
        similar = LayerPair.of(points[language], points[pivot]).cosine.numpy()
        nearest[language] = np.argsort(-similar, axis=1, kind="stable")[:, : len(NEAREST)]
        right = similar.diagonal().copy()
        np.fill_diagonal(similar, -np.inf)
        cosine[language], margin[language] = right, right - similar.max(1)
    if others:
        cosine[pivot], margin[pivot] = cosine[others].mean(0), margin[others].mean(0)
    return cosine, margin, nearest


def _rows(
    states: LayerStates,
    layer: int,
    rows: np.ndarray,
    pivot: str,
    points: np.ndarray,
    placed: np.ndarray,
) -> pd.DataFrame:
    import pandas as pd

    languages, sentences = points.shape[:2]
    cosine, margin, nearest = _scores(points, states.languages.index(pivot))
    neighbours = pd.array(np.append(rows, 0)[nearest].ravel(), dtype="Int32")
    neighbours[nearest.ravel() < 0] = pd.NA
    flat = (np.round(placed / GRAIN) * GRAIN).reshape(languages * sentences, -1).astype(np.float32)
    return pd.DataFrame(
        {
            "checkpoint": states.checkpoint,
            "layer": layer,
            "language": np.repeat(np.array(states.languages, dtype=object), sentences),
            "sentence": np.tile(rows, languages),
            "x": flat[:, 0],
            "y": flat[:, 1],
            "z": flat[:, 2] if flat.shape[1] > 2 else np.float32("nan"),
            "cosine": cosine.ravel(),
            "margin": margin.ravel(),
            **{column.name: neighbours[rank :: len(NEAREST)] for rank, column in enumerate(NEAREST)},
        }
    )


def _join(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """One table; names are stored once each."""
    import pandas as pd

    return RESULTS["map"].frame(pd.concat(tables, ignore_index=True))
