"""look_inside(): checkpoints and a corpus in, tables out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus
from repalign.corpora.checks import duplicate_groups
from repalign.errors import RepalignError
from repalign.inside.causal import Effects, corrected
from repalign.inside.interventions import Intervened
from repalign.inside.lens import lens
from repalign.inside.neurons import CHOSEN, activation_rates, language_neurons
from repalign.inside.vocabulary import languages_of_tokens
from repalign.models.engine import LocalEngine
from repalign.models.loading import locate, one_base
from repalign.models.templates import RAW
from repalign.models.tokenization import TokenRows, tokenize
from repalign.models.unembed import find_decoder
from repalign.results.inside import Inside
from repalign.signature import Signature
from repalign.statistics import intervals, resamples

if TYPE_CHECKING:
    import pandas as pd

LAYERS = 8
"""Layers at which something is taken out by default, evenly from the first to the last but one."""

LONGEST = 512
"""Tokens read of a sentence."""

FEWEST = 20
"""Different sentences that are needed: half of them choose, the other half tell what it does."""


def look_inside(
    checkpoints: Sequence[Checkpoint],
    corpus: ParallelCorpus,
    *,
    pivot: str = "en",
    layers: Sequence[int] | None = None,
    share: float = CHOSEN,
    draws: int = 1000,
    seed: int = 0,
    dtype: str = "auto",
    device: str = "auto",
    batch_tokens: int | None = None,
) -> Inside:
    """Logit lens, language neurons and interventions of causal language models.

    Args:
        corpus: sentences; of duplicates only the first counts.
        pivot: language that the others are compared with, and steered to.
        layers: whose output is intervened on, from 1 to the last but one; by default up to eight.
        share: of all neurons, how many are chosen as language-specific.

    Raises:
        RepalignError: no causal language model; layers it does not have; too few sentences or languages.
    """
    import pandas as pd

    corpus.select([pivot])
    first: list[int] = sorted(np.unique(duplicate_groups(corpus.sentences), return_index=True)[1].tolist())
    if len(first) < FEWEST or len(corpus.languages) < 2:
        raise RepalignError(
            f"looking inside needs {FEWEST} different sentences in two languages or more, not {len(first)} in "
            f"{', '.join(corpus.languages)}"
        )
    once = ParallelCorpus(
        corpus.name, {lang: [rows[i] for i in first] for lang, rows in corpus.sentences.items()}
    )
    tables: dict[str, list[pd.DataFrame]] = {}
    signatures: dict[str, str] = {}
    described: dict[str, dict[str, Any]] = {}
    with one_base():
        for checkpoint in checkpoints:
            look = Look(checkpoint, once, pivot, layers, share, draws, seed, dtype, device, batch_tokens)
            for name, table in look.tables().items():
                tables.setdefault(name, []).append(table.assign(checkpoint=checkpoint.name))
            signatures[checkpoint.name] = look.signature
            described[checkpoint.name] = {"tokens": look.known, "notes": look.notes}
    return Inside(
        title=f"{', '.join(checkpoint.name for checkpoint in checkpoints)} inside",
        signatures=signatures,
        tables={name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()},
        settings={
            "pivot": pivot, "languages": list(corpus.languages), "seed": seed, "share": share, "checkpoints": described,
        },
    )  # fmt: skip


@dataclass
class Look:
    """One checkpoint; see `look_inside`."""

    checkpoint: Checkpoint
    corpus: ParallelCorpus
    pivot: str
    layers: Sequence[int] | None
    share: float
    draws: int
    seed: int
    dtype: str
    device: str
    batch_tokens: int | None

    def __post_init__(self) -> None:
        self.notes: list[str] = []
        self.weights = locate(self.checkpoint)
        self.engine = LocalEngine.open(
            self.weights, dtype=self.dtype, device=self.device, budget=self.batch_tokens
        )
        self.decoder = find_decoder(self.engine)
        self.tokens = {
            lang: tokenize(rows, self.engine.tokenizer, RAW, LONGEST, causal=True)
            for lang, rows in self.corpus.sentences.items()
        }
        self.own = languages_of_tokens(
            self.engine.tokenizer, self.corpus.sentences, self.tokens, self.decoder.vocabulary
        )

    @property
    def known(self) -> dict[str, int]:
        """Tokens of the vocabulary that are known to be of each language."""
        return dict(zip(self.tokens, self.own.sum(1).tolist(), strict=True))

    @property
    def signature(self) -> str:
        one = Signature(
            self.checkpoint.name,
            self.weights.digest,
            self.corpus.name,
            self.corpus.digest,
            dtype=self.engine.dtype,
        )
        return f"{one}|seed:{self.seed}"

    def tables(self) -> dict[str, pd.DataFrame]:
        """By the names in `repalign.results.schema.INSIDE`, without the checkpoint."""
        import pandas as pd

        found = {"lens": pd.DataFrame(list(self._lens()))}
        chosen = self._neurons()
        if chosen is not None:
            names = np.array(list(self.tokens))
            found["neurons"] = pd.DataFrame({**vars(chosen), "language": names[chosen.language]})
        if rows := self._interventions(chosen):
            found["interventions"] = pd.DataFrame(corrected(rows))
        return {
            name: table.assign(depth=table["layer"] / self.engine.blocks) for name, table in found.items()
        }

    def _lens(self) -> Any:
        weights = resamples(len(self.corpus), self.draws, self.seed)
        toward = [("probability", name) for name in self.tokens] + [("entropy", None)]
        for language, rows in self.tokens.items():
            said = lens(self.engine, self.decoder, rows, self.own)
            for layer, values in zip(self.engine.layers, np.moveaxis(said, 2, 1), strict=True):
                mean = values.mean(1)
                low, high = intervals(mean, values - mean[:, None], weights)
                for (measure, name), value, lower, upper in zip(toward, mean, low, high, strict=True):
                    yield {
                        "language": language, "layer": layer, "measure": measure, "toward": name, "value": value,
                        "low": lower, "high": upper, "sentences": len(rows),
                    }  # fmt: skip

    def _half(self, odd: int) -> dict[str, TokenRows]:
        """Every other sentence: the even ones choose, the odd ones tell what it does."""
        return {lang: TokenRows.of(rows[odd::2]) for lang, rows in self.tokens.items()}

    def _neurons(self) -> Any:
        try:
            rates = activation_rates(self.engine, self._half(0), self.decoder.vocabulary)
        except RepalignError as error:
            self.notes.append(f"no neurons: {error}")
            return None
        self.width = rates.shape[1]
        chosen = language_neurons(rates, self.share)
        if not len(chosen.layer):
            self.notes.append("no neurons: none is active more often than 95% of them all")
            return None
        return chosen

    @cached_property
    def _places(self) -> list[int]:
        last = self.engine.blocks - 1
        if last < 1:
            self.notes.append("nothing is taken out of a model of one block")
            return []
        for layer in self.layers or ():
            if not 1 <= layer <= last:
                raise RepalignError(f"no layer {layer} to change something at; they are 1 to {last}")
        return sorted(
            set(self.layers or np.linspace(1, last, min(LAYERS, last)).round().astype(int).tolist())
        )

    def _interventions(self, chosen: Any) -> list[dict[str, Any]]:
        effects = Effects(Intervened(self.engine, self.own), self._half(1), self.pivot, self.draws, self.seed)
        pooled = {lang: self.engine.pool(rows, ["mean"])[0] for lang, rows in self._half(0).items()}
        means = np.stack([states.mean(1, dtype=np.float64) for states in pooled.values()], axis=1)
        rows = list(effects.of_neurons(chosen, self.width)) if chosen is not None else []
        for layer in tqdm(
            self._places, desc=f"{self.checkpoint.name} interventions", leave=False, disable=None
        ):
            rows += effects.of_subspace(layer, means[layer])
            rows += effects.of_steering(layer, means[layer])
        return rows
