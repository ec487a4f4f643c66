"""look_inside(): checkpoints and a corpus in, tables of the logit lens, neurons and interventions out."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from repalign.checkpoints import Checkpoint, as_checkpoints
from repalign.corpora import CorpusLike, ParallelCorpus, as_corpus
from repalign.corpora.checks import check, duplicate_groups
from repalign.corpora.documents import Clusters, check_several
from repalign.corpora.language_choice import find_language
from repalign.corpora.problems import warning
from repalign.errors import RepalignError, explained_keywords
from repalign.inside.causal import Effects, adjusted
from repalign.inside.interventions import EditableModel
from repalign.inside.lens import lens
from repalign.inside.neurons import DEFAULT_SHARE, Neurons, activation_rates, language_neurons
from repalign.inside.vocabulary import languages_of_tokens
from repalign.models.anatomy import positions_of
from repalign.models.engine import Engine
from repalign.models.loading import one_base
from repalign.models.locating import locate
from repalign.models.templates import RAW
from repalign.models.tokenization import TokenRows, tokenize
from repalign.models.unembed import find_unembed
from repalign.results.inside import Inside
from repalign.signature import Signature
from repalign.states.spec import Dtype, Machine, as_layers, check_count
from repalign.statistics import intervals, resamples

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

MAX_DEFAULT_LAYERS = 8
"""Layers with interventions by default, evenly spaced from the first to the last but one."""

MAX_TOKENS = 512
"""Tokens a sentence may have."""

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
    draws: int = 1000,
    seed: int = 0,
    dtype: Dtype = "auto",
    device: str = "auto",
    batch_tokens: int | None = None,
    progress: bool = True,
) -> Inside:
    """Logit lens, language neurons and interventions of causal language models: what `repalign inside` runs.

    Args:
        checkpoints: one or several: names, folders or hub ids (one of the demo family is trained on first use), or
            `Checkpoint`s.
        corpus: parallel sentences in two or more languages, given as for `repalign.extract`; of duplicates only the
            first is used.
        clusters: sentences that are not independent: see `ParallelCorpus.with_clusters`; by default the documents of the
            corpus, if it names them.
        pivot: language that the others are compared with and steered to.
        layers: whose output is edited, from 1 to the last but one; by default up to eight.
        share: of all neurons, between 0 and 1, that is selected as language-specific.
        draws: of the bootstrap.
        seed: of the bootstrap and the random controls.
        dtype, device: in which, and where the models run; auto picks.
        batch_tokens: padded tokens per batch; by default by free memory.
        progress: whether to show a bar on a terminal.

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
            study = InsideStudy(checkpoint, distinct, pivot, layers, share, draws, seed, machine)
            for name, table in study.tables().items():
                tables.setdefault(name, []).append(table.assign(checkpoint=checkpoint.name))
            signatures[checkpoint.name] = study.signature
            described[checkpoint.name] = {"tokens": study.token_counts, "notes": faulty + study.notes}
    return Inside(
        title=f"{', '.join(checkpoint.name for checkpoint in resolved)} inside",
        signatures=signatures,
        tables={name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()},
        settings={
            "pivot": pivot, "languages": list(corpus.languages), "seed": seed, "share": share, "checkpoints": described,
        },
    )  # fmt: skip


@dataclass
class InsideStudy:
    """The study of one checkpoint.

    Args:
        checkpoint: a causal language model.
        corpus: distinct parallel sentences.
        pivot, layers, share, draws, seed: see `look_inside`.
        machine: where and how the model runs.

    Raises:
        RepalignError: the checkpoint cannot be loaded, or is not a causal language model.
    """

    checkpoint: Checkpoint
    corpus: ParallelCorpus
    pivot: str
    layers: Sequence[int] | None
    share: float
    draws: int
    seed: int
    machine: Machine

    def __post_init__(self) -> None:
        self.notes: list[str] = []
        self.weights = locate(self.checkpoint)
        self.engine = Engine.open(
            self.weights,
            dtype=self.machine.dtype,
            device=self.machine.device,
            batch_tokens=self.machine.batch_tokens,
            head=True,
        )
        self.edited_layers = self._layers_to_edit()
        self.unembed = find_unembed(self.engine)
        positions = positions_of(self.engine.model.config)
        length = MAX_TOKENS if positions is None else min(MAX_TOKENS, positions)
        languages = self.engine.languages
        self.tokens = {
            lang: tokenize(
                rows, self.engine.tokenizer, RAW, length, True, languages.match(lang) if languages else None
            )
            for lang, rows in self.corpus.sentences.items()
        }
        self.token_languages = languages_of_tokens(
            self.engine.tokenizer, self.corpus.sentences, self.tokens, self.unembed.vocabulary
        )

    @property
    def token_counts(self) -> dict[str, int]:
        """Number of tokens of the vocabulary that are assigned to each language."""
        return dict(zip(self.tokens, self.token_languages.sum(1).tolist(), strict=True))

    @property
    def signature(self) -> str:
        """One line that states everything the numbers depend on."""
        signature = Signature(
            self.checkpoint.name,
            self.weights.digest,
            self.corpus.name,
            self.corpus.digest,
            dtype=self.engine.dtype,
        )
        return f"{signature}|seed:{self.seed}"

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables by the names in `repalign.results.schema.INSIDE`, without the column `checkpoint`.

        Raises:
            RepalignError: a layer that the model does not have.
        """
        import pandas as pd

        tables = {"lens": pd.DataFrame(list(self._lens()))}
        neurons = self._neurons()
        if neurons is not None:
            names = np.array(list(self.tokens))
            tables["neurons"] = pd.DataFrame({**vars(neurons), "language": names[neurons.language]})
        if rows := self._interventions(neurons):
            tables["interventions"] = pd.DataFrame(adjusted(rows))
        return {
            name: table.assign(depth=table["layer"] / self.engine.n_blocks) for name, table in tables.items()
        }

    def _lens(self) -> Iterator[dict[str, Any]]:
        """Rows of the table `lens`."""
        weights = resamples(len(self.corpus), self.draws, self.seed)
        measures = [("probability", name) for name in self.tokens] + [("entropy", None)]
        for language, rows in self.tokens.items():
            predictions = lens(self.engine, self.unembed, rows, self.token_languages)
            for layer, values in zip(self.engine.layers, np.moveaxis(predictions, 2, 1), strict=True):
                mean = values.mean(1)
                low, high = intervals(mean, values - mean[:, None], weights)
                for (measure, name), value, lower, upper in zip(measures, mean, low, high, strict=True):
                    yield {
                        "language": language, "layer": layer, "measure": measure, "toward": name, "value": value,
                        "low": lower, "high": upper, "sentences": len(rows),
                    }  # fmt: skip

    def _half(self, odd: int) -> dict[str, TokenRows]:
        """Every other sentence: even ones select neurons and directions, odd ones measure the effects."""
        return {lang: TokenRows.of(rows[odd::2]) for lang, rows in self.tokens.items()}

    def _neurons(self) -> Neurons | None:
        """The language-specific neurons; None, with a note, if there are none."""
        try:
            rates = activation_rates(self.engine, self._half(0), self.unembed.vocabulary)
        except RepalignError as error:
            self.notes.append(f"no neurons: {error}")
            return None
        self.width = rates.shape[1]
        chosen = language_neurons(rates, self.share)
        if not len(chosen.layer):
            self.notes.append("no neurons: no activation rate is above the 95% quantile of all")
            return None
        return chosen

    def _layers_to_edit(self) -> list[int]:
        last = self.engine.n_blocks - 1
        if last < 1:
            self.notes.append("no interventions at single layers: the model has one block only")
            return []
        for layer in self.layers or ():
            if not 1 <= layer <= last:
                raise RepalignError(f"no interventions at layer {layer}; choose layers from 1 to {last}")
        default = np.linspace(1, last, min(MAX_DEFAULT_LAYERS, last)).round().astype(int).tolist()
        return sorted(set(self.layers or default))

    def _interventions(self, neurons: Neurons | None) -> list[dict[str, Any]]:
        """Rows of the table `interventions`, without adjusted p-values."""
        model = EditableModel(self.engine, self.token_languages)
        effects = Effects(model, self._half(1), self.pivot, self.draws, self.seed)
        pooled = {lang: self.engine.pool(rows, ["mean"])[0] for lang, rows in self._half(0).items()}
        means = np.stack([states.mean(1, dtype=np.float64) for states in pooled.values()], axis=1)
        rows = list(effects.of_neurons(neurons, self.width)) if neurons is not None else []
        disable = None if self.machine.progress else True
        for layer in tqdm(
            self.edited_layers, desc=f"{self.checkpoint.name} interventions", leave=False, disable=disable
        ):
            rows += effects.of_subspace(layer, means[layer])
            rows += effects.of_steering(layer, means[layer])
        return rows
