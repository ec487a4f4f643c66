"""The study of one checkpoint from inside: the logit lens, its neurons, and interventions with random controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.inside.causal import Effects, Row, adjusted
from repalign.inside.interventions import EditableModel
from repalign.inside.lens import lens
from repalign.inside.neurons import Neurons, activation_rates, language_neurons
from repalign.inside.vocabulary import languages_of_tokens
from repalign.models.anatomy import positions_of
from repalign.models.engine import Engine
from repalign.models.locating import locate
from repalign.models.templates import RAW
from repalign.models.tokenization import TokenRows, tokenize
from repalign.models.unembed import find_unembed
from repalign.progress import Phase
from repalign.scoring.variants import folds_of
from repalign.signature import Signature
from repalign.states.layer_states import numbered
from repalign.states.spec import Machine
from repalign.statistics import by_cluster, intervals, resamples

if TYPE_CHECKING:
    import pandas as pd

MAX_DEFAULT_LAYERS = 8
"""Layers with interventions by default, evenly spaced from the first to the last but one."""

MAX_TOKENS = 512
"""Tokens a sentence may have."""

SELECTING, MEASURING = 0, 1
"""The halves."""


@dataclass
class InsideStudy:
    """The study of one checkpoint.

    Args:
        checkpoint: a causal language model.
        corpus: distinct parallel sentences.
        pivot, layers, share, random_controls, draws, seed: see `look_inside`.
        machine: where and how the model runs.

    Raises:
        RepalignError: the checkpoint cannot be loaded, or is not a causal language model; too few documents.
    """

    checkpoint: Checkpoint
    corpus: ParallelCorpus
    pivot: str
    layers: Sequence[int] | None
    share: float
    random_controls: int
    draws: int
    seed: int
    machine: Machine

    def __post_init__(self) -> None:
        self.notes: list[str] = []
        self.documents = None if self.corpus.documents is None else numbered(self.corpus.documents)
        self.halves = folds_of(len(self.corpus), self.documents, folds=2)
        if self.documents is not None and len(set(self.documents[self.halves == MEASURING])) < 2:
            raise RepalignError(
                f"looking inside corpus {self.corpus.name!r} needs four documents or more, two to select neurons and "
                "directions and two to measure the effects; give more sentences, or --clusters none"
            )
        self.weights = locate(self.checkpoint)
        with self._phase("loading the model"):
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

        with self._phase("logit lens", len(self.tokens) * len(self.corpus)) as phase:
            tables = {"lens": pd.DataFrame(list(self._lens(phase)))}
        neurons = self._neurons()
        if neurons is not None:
            names = np.array(list(self.tokens))
            tables["neurons"] = pd.DataFrame({**vars(neurons), "language": names[neurons.language]})
        if rows := self._interventions(neurons):
            tables["interventions"] = pd.DataFrame(rows)
        return {
            name: table.assign(depth=table["layer"] / self.engine.n_blocks) for name, table in tables.items()
        }

    def _phase(self, name: str, sentences: int | None = None) -> Phase:
        """Signs of life, which count sentences read."""
        about = f"{len(self.corpus):,} sentences in {len(self.corpus.languages)} languages"
        name = f"{self.checkpoint.name}: {name}"
        return Phase(name, sentences, "sentences read", about, self.machine.progress)

    def _lens(self, phase: Phase | None = None) -> Iterator[dict[str, Any]]:
        """Rows of the table `lens`."""
        n_units = len(self.corpus) if self.documents is None else int(self.documents.max()) + 1
        weights = resamples(n_units, self.draws, self.seed)
        measures = [("probability", name) for name in self.tokens] + [("entropy", None)]
        for language, rows in self.tokens.items():
            predictions = lens(self.engine, self.unembed, rows, self.token_languages, phase)
            for layer, values in zip(self.engine.layers, np.moveaxis(predictions, 2, 1), strict=True):
                mean = values.mean(1)
                low, high = intervals(mean, by_cluster(values - mean[:, None], self.documents), weights)
                for (measure, name), value, lower, upper in zip(measures, mean, low, high, strict=True):
                    yield {
                        "language": language, "layer": layer, "measure": measure, "toward": name, "value": value,
                        "low": lower, "high": upper, "sentences": len(rows),
                    }  # fmt: skip

    def _half(self, half: int) -> dict[str, TokenRows]:
        """The sentences that select neurons and directions, or those that measure the effects; documents are whole."""
        return {
            lang: TokenRows.of([row for row, of in zip(rows, self.halves, strict=True) if of == half])
            for lang, rows in self.tokens.items()
        }

    def _neurons(self) -> Neurons | None:
        """The language-specific neurons; None, with a note, if there are none."""
        half = self._half(SELECTING)
        try:
            with self._phase("neurons", sum(map(len, half.values()))) as phase:
                rates = activation_rates(self.engine, half, self.unembed.vocabulary, phase)
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

    def _interventions(self, neurons: Neurons | None) -> list[Row]:
        """Rows of the table `interventions`."""
        model = EditableModel(self.engine, self.token_languages)
        documents = None if self.documents is None else numbered(self.documents[self.halves == MEASURING])
        effects = Effects(
            model, self._half(MEASURING), self.pivot, self.draws, self.seed, self.random_controls, documents
        )
        pooled = {lang: self.engine.pool(rows, ["mean"])[0] for lang, rows in self._half(SELECTING).items()}
        means = np.stack([states.mean(1, dtype=np.float64) for states in pooled.values()], axis=1)
        ablated = 0 if neurons is None else len(np.unique(neurons.language))
        passes = effects.passes(ablated, len(self.edited_layers))
        with self._phase("interventions", passes * int((self.halves == MEASURING).sum())) as model.phase:
            measured = list(effects.of_neurons(neurons, self.width)) if neurons is not None else []
            for layer in self.edited_layers:
                measured.append(effects.of_subspace(layer, means[layer]))
                measured += effects.of_steering(layer, means[layer])
        return adjusted(measured)
