"""find_suspects(): checkpoint x corpus -> Suspects, what `repalign data suspects` runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from repalign.checkpoints import CheckpointLike
from repalign.corpora import CorpusLike, ParallelCorpus, as_corpus
from repalign.corpora.language_choice import default_pivot, find_language
from repalign.corpora.problems import warning
from repalign.errors import RepalignError
from repalign.results.schema import SUSPECTS
from repalign.results.suspects import Suspects
from repalign.results.titles import title_of
from repalign.signature import today
from repalign.states.extraction import read_states
from repalign.states.layer_states import LayerStates
from repalign.states.spec import Machine, ReadingSpec, check_count
from repalign.suspects.scoring import THRESHOLD, Scored, suspects_of

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

TOP = 50
"""Suspects that are listed with their texts."""


def find_suspects(
    checkpoint: CheckpointLike,
    corpus: CorpusLike,
    *,
    pivot: str | None = None,
    top: int = TOP,
    threshold: float = THRESHOLD,
    machine: Machine | None = None,
    store: bool | str = True,
) -> Suspects:
    """Rank the rows of a corpus by how much they seem to be no translations of the pivot's.

    Args:
        checkpoint: whose hidden states are read; see `repalign.extract`.
        corpus: likewise.
        pivot: language that the others are compared with; by default English, else the first.
        top: suspects that are listed with their texts, of all languages together.
        threshold: score from which a row is suspected.
        machine: where and how the model runs.
        store: as for `repalign.extract`.

    Returns:
        The tables of `repalign.results.schema.SUSPECTS`; rows are numbered from 0.

    Raises:
        RepalignError: as for `repalign.extract` and `suspects_of`; a threshold that is not above 0.
    """
    corpus, machine = as_corpus(corpus), machine or Machine()
    check_count("top", top)
    if not threshold > 0:
        raise RepalignError(f"the threshold of suspects should be above 0, not {threshold:g}")
    where = f"in corpus {corpus.name!r}; --pivot names another"
    pivot = find_language(pivot, corpus.languages, where) if pivot else default_pivot(corpus.languages)
    (states,) = read_states(checkpoint, corpus, [ReadingSpec()], machine, store=store)
    scored = suspects_of(states, pivot, threshold, machine.progress)
    notes = list(_notes(states, scored, corpus))
    for note in notes:
        logger.warning("%s", note)
    return Suspects(
        title=title_of([states.checkpoint], corpus.name),
        signatures={states.checkpoint: str(states.signature)},
        tables=tables(states, scored, pivot, top, _kept(states, corpus)),
        settings={
            "pivot": pivot, "languages": list(scored.readings), "threshold": float(threshold), "notes": notes,
        },
        about={"date": today()},
    )  # fmt: skip


def _kept(states: LayerStates, corpus: ParallelCorpus) -> np.ndarray:
    """The row of the corpus of each row of the states, from which too long ones were dropped: int64 [row]."""
    rows = zip(*states.texts.values(), strict=True)
    original = enumerate(zip(*(corpus.sentences[language] for language in states.texts), strict=True))
    return np.array([next(number for number, texts in original if texts == row) for row in rows])


def _notes(states: LayerStates, scored: Scored, corpus: ParallelCorpus) -> Iterator[str]:
    if dropped := len(corpus) - states.n_sentences:
        yield f"{dropped} of {len(corpus):,} rows are longer than the model reads and were not compared"
    if line := warning(corpus.name, states.metadata.get("problems", [])):
        yield line
    for language, share in scored.unread.items():
        yield (
            f"{language} was left out: even its best layer brings only {share:.1%} of the pairs together, so that {states.checkpoint} "
            "knows nothing of single ones"
        )


def tables(
    states: LayerStates, scored: Scored, pivot: str, top: int, kept: Sequence[int] | np.ndarray
) -> dict[str, pd.DataFrame]:
    """The tables of a result.

    Args:
        states: that were scored.
        scored: see `suspects_of`.
        pivot: its language.
        top: suspects that are listed.
        kept: row of the corpus of each row of the states.
    """
    kept = np.asarray(kept)
    found, first = scored.table, scored.table.head(top)
    return {
        "suspects": SUSPECTS["suspects"].frame(_renumbered(found, kept)),
        "listed": _listed(states, first, pivot, kept),
        "evidence": _evidence(states, scored, first, kept),
        "working": _working(states, scored),
    }


def _renumbered(found: pd.DataFrame, kept: np.ndarray) -> pd.DataFrame:
    fits = found["fits"].map(lambda row: int(kept[row]), na_action="ignore").astype("Int64")
    return found.assign(sentence=kept[found["sentence"]], fits=fits)


def _listed(states: LayerStates, first: pd.DataFrame, pivot: str, kept: np.ndarray) -> pd.DataFrame:
    pivots = states.texts[pivot]
    rows = [
        {
            "rank": rank, "language": language, "sentence": int(kept[row]), "pivot_text": pivots[row],
            "text": states.texts[language][row], "fits_text": None if fits is None else pivots[fits],
        }
        for rank, language, row, fits in _places(first)
    ]  # fmt: skip
    return SUSPECTS["listed"].frame(rows)


def _places(first: pd.DataFrame) -> Iterator[tuple[int, str, int, int | None]]:
    columns = (first[name].tolist() for name in ("rank", "language", "sentence"))
    fits = [None if row < 0 else row for row in first["fits"].fillna(-1).tolist()]
    yield from zip(*columns, fits, strict=True)


def _evidence(states: LayerStates, scored: Scored, first: pd.DataFrame, kept: np.ndarray) -> pd.DataFrame:
    rows = [
        {
            "language": language,
            "sentence": int(kept[row]),
            "layer": layer,
            "depth": states.depth(layer),
            "value": value,
        }
        for _, language, row, _ in _places(first)
        for layer, value in zip(
            states.layers, scored.readings[language].by_layer[:, row].tolist(), strict=True
        )
    ]
    return SUSPECTS["evidence"].frame(rows)


def _working(states: LayerStates, scored: Scored) -> pd.DataFrame:
    chance = 1 / (2 * states.n_sentences - 1)
    rows = [
        {"language": language, "layer": layer, "depth": states.depth(layer), "together": together, "chance": chance, "works": works}
        for language, read in scored.readings.items()
        for layer, together, works in zip(states.layers, read.together.tolist(), read.working.tolist(), strict=True)
    ]  # fmt: skip
    return SUSPECTS["working"].frame(rows)
