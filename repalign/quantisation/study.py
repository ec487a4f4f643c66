"""The comparison of versions of a model: each is read once, then compared with the first."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus
from repalign.corpora.checks import check
from repalign.corpora.problems import warning
from repalign.errors import RepalignError
from repalign.metrics import METRICS
from repalign.models.loading import one_base
from repalign.models.next_token import Predictions, predict
from repalign.models.templates import RAW
from repalign.models.tokenization import TokenRows, tokenize
from repalign.progress import Phase
from repalign.quantisation.losses import Amounts, Estimator, Ratio, difference_rows, differences, loss_rows
from repalign.quantisation.ranking import RANKED, ranking
from repalign.quantisation.versions import check_tokens, check_versions, in_order
from repalign.results.quantisation import Quantisation
from repalign.results.schema import QUANTISATION
from repalign.results.titles import title_of
from repalign.scoring import contrast, drift, profile
from repalign.signature import today
from repalign.states.extraction import read_subject
from repalign.states.layer_states import LayerStates
from repalign.states.spec import Machine, ReadingSpec
from repalign.states.subject import Subject, open_subject
from repalign.statistics import holm, resamples

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

ALIGNMENT = ("mexa", "p_at_1")
"""Metrics of alignment, centred by language."""

NO_LIMIT = 1 << 30
"""Tokens a sentence may have: those that are too long for the model are dropped when its states are read."""

MIN_SENTENCES = 20
"""Distinct sentences that are needed: fewer cannot show how skewed losses are."""


@dataclass(frozen=True)
class Reading:
    """One version, read.

    Attributes:
        states: by layer and language.
        tokens, predictions: by language, of the distinct sentences.
    """

    states: LayerStates
    tokens: dict[str, TokenRows]
    predictions: dict[str, Predictions]


@dataclass(frozen=True)
class Study:
    """The comparison of some versions, the first of which is the base; see `compare_quantised`."""

    checkpoints: tuple[Checkpoint, ...]
    corpus: ParallelCorpus
    pivot: str
    machine: Machine
    draws: int
    seed: int
    store: bool | str

    def results(self) -> Quantisation:
        """Read one version after the other, and compare each with the base."""
        subjects = [open_subject(one, ReadingSpec(), self.machine, head=True) for one in self.checkpoints]
        saved_as = {one.name: one.quantization for one in subjects}
        check_versions(subjects)
        notes = (
            [line] if (line := warning(self.corpus.name, check(self.corpus, self.pivot)["problems"])) else []
        )
        for line in notes:
            logger.warning("%s", line)
        with one_base():
            readings = self._readings(subjects)
        base, *others = readings
        tables = {
            **self._losses(base, others),
            "state_drift": self._drift(base.states, others),
            "alignment_by_layer": self._alignment(base.states, others),
        }
        name, *names = [one.name for one in self.checkpoints]
        losses = tables["losses"]
        kl = losses[losses["measure"] == "kl"].groupby("checkpoint")["value"].mean()
        documents = base.states.documents
        return Quantisation(
            title=title_of([name, *names], self.corpus.name, compare=len(names) == 1),
            signatures={one.states.checkpoint: str(one.states.signature) for one in readings},
            tables=tables,
            settings={
                "base": name, "order": in_order({one: float(kl[one]) for one in names}), "pivot": self.pivot,
                "languages": list(self.corpus.languages), "draws": self.draws, "seed": self.seed, "notes": notes,
                "documents": None if documents is None else len(set(documents[base.states.distinct].tolist())),
                "saved_as": saved_as,
            },
            about={"date": today()},
        )  # fmt: skip

    def _readings(self, subjects: list[Subject]) -> list[Reading]:
        """States and predictions of each version; one model is in memory at a time."""
        readings: list[Reading] = []
        while subjects:
            subject = subjects.pop(0)
            progress = self.machine.progress
            states = read_subject(subject, self.corpus, [subject.spec], progress, store=self.store)[0]
            distinct = len(states.distinct)
            if distinct < MIN_SENTENCES:
                raise RepalignError(
                    f"quantisation needs {MIN_SENTENCES} different sentences, not {distinct}; give more"
                )
            tokens = {
                lang: tokenize(distinct_texts(states, lang), subject.tokenizer, RAW, NO_LIMIT, True)
                for lang in states.languages
            }
            if readings:
                names = (readings[0].states.checkpoint, states.checkpoint)
                check_tokens(names, readings[0].tokens, tokens)
            base = readings[0].predictions if readings else None
            readings.append(Reading(states, tokens, self._predictions(subject, tokens, base)))
        return readings

    def _predictions(
        self, subject: Subject, tokens: Mapping[str, TokenRows], base: Mapping[str, Predictions] | None
    ) -> dict[str, Predictions]:
        """By language, compared with those of the base."""
        sentences = len(next(iter(tokens.values())))
        about = f"{sentences:,} sentences in {len(tokens)} languages"
        name, total = f"{subject.name}: predicting", sentences * len(tokens)
        found = {}
        with Phase(name, total, "sentences read", about, self.machine.progress) as phase:
            for language, rows in tokens.items():
                top = None if base is None else base[language].top
                found[language] = predict(subject.engine, rows, keep=base is None, other=top, phase=phase)
        return found

    def _losses(self, base: Reading, others: Sequence[Reading]) -> dict[str, pd.DataFrame]:
        """The tables `losses` and `ranking`."""
        states = base.states
        documents = states.clusters(states.distinct)
        units = len(states.distinct) if documents is None else int(documents.max()) + 1
        estimator = Estimator(documents, resamples(units, self.draws, self.seed))
        amounts = {
            language: Amounts.of(distinct_texts(states, language), predictions)
            for language, predictions in base.predictions.items()
        }
        rows: list[dict[str, Any]] = []
        ranks: list[dict[str, Any]] = []
        for reading in (base, *others):
            name = reading.states.checkpoint
            changes: dict[str, dict[str, Ratio]] = {}
            for language, of in amounts.items():
                row = {
                    "checkpoint": name, "language": language, "tokens": int(of.tokens.sum()),
                    "sentences": len(of.tokens),
                }  # fmt: skip
                found = reading.predictions[language]
                rows += [row | one for one in loss_rows(of, found, estimator)]
                if reading is not base:
                    changes[language] = differences(of, base.predictions[language], found)
                    of_changes = difference_rows(of, changes[language], found, estimator)
                    rows += [row | {"baseline": states.checkpoint} | one for one in of_changes]
            for measure in RANKED if changes else ():
                by_language = {language: one[measure] for language, one in changes.items()}
                common = {"checkpoint": name, "baseline": states.checkpoint, "measure": measure}
                ranks += [common | one for one in ranking(by_language, estimator)]
        losses = QUANTISATION["losses"].frame([{"p_adjusted": np.nan} | row for row in rows])
        # One family for each measure: its differences of all versions and languages.
        losses["p_adjusted"] = losses.groupby("measure", sort=False)["p"].transform(holm)
        return {"losses": losses, "ranking": QUANTISATION["ranking"].frame(ranks)}

    def _drift(self, base: LayerStates, others: Sequence[Reading]) -> pd.DataFrame:
        """How far the states of each language are from the base's, by layer."""
        import pandas as pd

        parts = [
            drift(base, one.states, draws=self.draws, seed=self.seed, progress=self.machine.progress)
            for one in others
        ]
        return pd.concat(parts, ignore_index=True)

    def _alignment(self, base: LayerStates, others: Sequence[Reading]) -> pd.DataFrame:
        """Alignment with the pivot of all versions, and their differences from the base, by layer."""
        import pandas as pd

        how: dict[str, Any] = {
            "pivot": self.pivot, "metrics": [METRICS[name] for name in ALIGNMENT], "variants": ["centred"],
            "draws": self.draws, "seed": self.seed, "progress": self.machine.progress,
        }  # fmt: skip
        scores = profile([base, *(one.states for one in others)], **how)
        changes = [contrast(base, one.states, **how).table for one in others]
        return pd.concat([scores.table, *changes], ignore_index=True)


def distinct_texts(states: LayerStates, language: str) -> list[str]:
    """The sentences of one language, of duplicates only the first."""
    rows: list[int] = states.distinct.tolist()
    return [states.texts[language][row] for row in rows]
