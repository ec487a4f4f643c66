"""look_inside(): checkpoints and a corpus in, tables of the logit lens, neurons and interventions out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.checkpoints import Checkpoint, as_checkpoints
from repalign.corpora import CorpusLike, as_corpus
from repalign.corpora.checks import check, duplicate_groups
from repalign.corpora.documents import Clusters, check_several
from repalign.corpora.language_choice import find_language
from repalign.corpora.problems import warning
from repalign.errors import RepalignError, explained_keywords
from repalign.inside.causal import N_CONTROLS
from repalign.inside.neurons import DEFAULT_SHARE
from repalign.inside.study import InsideStudy
from repalign.models.loading import one_base
from repalign.results.inside import Inside
from repalign.results.titles import title_of
from repalign.signature import today
from repalign.states.spec import Dtype, Machine, as_layers, check_count

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

MIN_SENTENCES = 20
"""Distinct sentences that are needed: half select neurons and directions, half measure the effects."""


@explained_keywords(source="pivot")
def look_inside(
    checkpoints: str | Checkpoint | Sequence[str | Checkpoint],
    corpus: CorpusLike,
    *,
    clusters: Clusters | None = None,
    pivot: str = "en",
    layers: int | Sequence[int] | None = None,
    share: float = DEFAULT_SHARE,
    random_controls: int = N_CONTROLS,
    draws: int = 1000,
    seed: int = 0,
    dtype: Dtype = "auto",
    device: str = "auto",
    batch_tokens: int | None = None,
    progress: bool = True,
) -> Inside:
    """Logit lens, language neurons and interventions of causal language models: what `repalign inside` runs.

    Args:
        checkpoints: one or several: names, folders or hub ids (one with a recipe is trained on first use, unless it is shipped), or
            `Checkpoint`s.
        corpus: parallel sentences in two or more languages, given as for `repalign.extract`; of duplicates only the
            first is used.
        clusters: sentences that are not independent: see `ParallelCorpus.with_clusters`; by default the documents of the
            corpus, if it names them.
        pivot: language that the others are compared with and steered to.
        layers: whose output is edited, from 1 to the last but one; by default up to eight.
        share: of all neurons, between 0 and 1, that is selected as language-specific.
        random_controls: random interventions that each is compared with, at least 2. Time is nearly proportional to their
            number; with fewer than 20 no adjusted p can be below .05.
        draws: of the bootstrap.
        seed: of the bootstrap and the random controls.
        dtype, device: in which, and where the models run; auto picks.
        batch_tokens: padded tokens per batch; by default by free memory.
        progress: whether to show signs of life: see `repalign.progress`.

    Returns:
        Tables by the names in `repalign.results.inside.TABLES`; losses are in nats per token.

    Raises:
        RepalignError: a model that is not a causal language model; a layer it does not have; a share outside 0 to 1;
            too few sentences or languages; an unknown pivot or checkpoint.
    """
    import pandas as pd

    corpus = as_corpus(corpus).with_clusters(clusters)
    check_several(corpus.documents, f"corpus {corpus.name!r}")
    pivot = find_language(pivot, corpus.languages, f"in corpus {corpus.name!r}; --pivot names another")
    layers = as_layers(layers)
    machine = Machine(dtype, device, batch_tokens, progress)
    check_count("draws", draws)
    check_count("random_controls", random_controls, least=2)
    check_count("seed", seed, least=0)
    if not 0 < share <= 1:
        raise RepalignError(f"the share of neurons should be above 0 and at most 1, not {share:g}")
    first: list[int] = sorted(np.unique(duplicate_groups(corpus.sentences), return_index=True)[1].tolist())
    if len(first) < MIN_SENTENCES or len(corpus.languages) < 2:
        raise RepalignError(
            f"looking inside needs {MIN_SENTENCES} different sentences in two or more languages, not {len(first)} in "
            f"{', '.join(corpus.languages)}"
        )
    resolved = as_checkpoints(checkpoints)
    faulty = [line] if (line := warning(corpus.name, check(corpus, pivot)["problems"])) else []
    for line in faulty:
        logger.warning("%s", line)
    distinct = corpus.take(first)
    tables: dict[str, list[pd.DataFrame]] = {}
    signatures: dict[str, str] = {}
    described: dict[str, dict[str, Any]] = {}
    with one_base():
        for checkpoint in resolved:
            study = InsideStudy(
                checkpoint, distinct, pivot, layers, share, random_controls, draws, seed, machine
            )
            for name, table in study.tables().items():
                tables.setdefault(name, []).append(table.assign(checkpoint=checkpoint.name))
            signatures[checkpoint.name] = study.signature
            described[checkpoint.name] = {"tokens": study.token_counts, "notes": faulty + study.notes}
    return Inside(
        title=title_of((checkpoint.name for checkpoint in resolved), corpus.name),
        signatures=signatures,
        tables={name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()},
        settings={
            "pivot": pivot, "languages": list(corpus.languages), "seed": seed, "share": share, "checkpoints": described,
        },
        about={"date": today()},
    )  # fmt: skip
