"""What every worker does, wherever it runs: it holds one loaded model and computes one shard after another."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.progress import Phase
from repalign.states.extraction import language_states
from repalign.states.language import LanguageStates, run_shard
from repalign.states.spec import Machine, ReadingSpec
from repalign.states.storage import Storage
from repalign.states.store import Store
from repalign.states.subject import Subject, open_subject


@dataclass(frozen=True)
class Reading:
    """One pass of a checkpoint over the text: what a worker needs to know beside the text.

    Attributes:
        checkpoint: the model.
        specs: that are read together.
        machine: where it runs; its dtype is the one that stands in the keys of the store, never "auto".
        cut: whether the tokens after a sentence are left out.
        rows: numbers of the sentences that are short enough in every language; None for all.
    """

    checkpoint: Checkpoint
    specs: tuple[ReadingSpec, ...]
    machine: Machine
    cut: bool
    rows: tuple[int, ...] | None

    def text(self, corpus: ParallelCorpus) -> ParallelCorpus:
        """The sentences that it reads."""
        return corpus if self.rows is None else corpus.take(self.rows)


@dataclass(frozen=True, slots=True)
class ShardUnit:
    """One shard of one language, by all poolings of a reading: done twice, it leaves the same files.

    Attributes:
        checkpoint: its name.
        reading: number in `Plan.readings`.
        language: its code.
        shard: number of the shard.
        start, stop: its rows among the distinct sentences.
        tokens: to read.
        cost: tokens times bytes of the weights, to which the time is roughly proportional.
        folders: names of the stores, one for each pooling.
    """

    checkpoint: str
    reading: int
    language: str
    shard: int
    start: int
    stop: int
    tokens: int
    cost: float
    folders: tuple[str, ...]

    @property
    def size(self) -> int:
        """What its progress counts."""
        return self.tokens

    def __str__(self) -> str:
        return f"{self.checkpoint}, {self.language}, shard {self.shard}"


class Worker:
    """Computes units of a plan and writes them to the store.

    A model is released before the next one is loaded.

    Args:
        corpus: the text, as it was given.
        readings: of the plan.
        storage: where states are stored.
        device: on which it runs, in place of that of the readings.
    """

    def __init__(
        self,
        corpus: ParallelCorpus,
        readings: Sequence[Reading],
        storage: Storage,
        device: str | None = None,
    ) -> None:
        self.corpus, self.readings, self.storage, self.device = corpus, readings, storage, device
        self._text = lru_cache(maxsize=1)(lambda number: self.readings[number].text(self.corpus))
        self._language = lru_cache(maxsize=1)(self._read_language)
        self._subject: tuple[Checkpoint, Subject] | None = None

    def run(self, unit: ShardUnit, phase: Phase | None = None) -> bool:
        """Compute a unit, unless it is written.

        Args:
            unit: of the plan.
            phase: that counts tokens.

        Returns:
            Whether there was anything to compute.

        Raises:
            RepalignError: what is computed here would not be what the plan says; states that are not finite; a store that
                cannot be written.
        """
        specs = self.readings[unit.reading].specs
        states, stores = self._language(unit.reading, unit.language)
        folders = tuple(store.folder.name for store in stores)
        if folders != unit.folders or stores[0].span(unit.shard) != range(unit.start, unit.stop):
            raise RepalignError(
                f"{unit} would be stored as {', '.join(folders)} here, and as {', '.join(unit.folders)} by the plan: the versions of "
                "repalign, transformers or tokenizers differ between the machines, or the files of the checkpoint were changed"
            )
        return run_shard(states, specs, stores, unit.shard, phase)

    def _read_language(self, number: int, language: str) -> tuple[LanguageStates, list[Store]]:
        """A language and its stores, whose keys are digests of all its text: made once for all its units."""
        reading = self.readings[number]
        subject = self._opened(reading)
        states = language_states(subject, self._text(number), language, reading.cut, self.storage)
        return states, states.stores(reading.specs)

    def _opened(self, reading: Reading) -> Subject:
        """The checkpoint of a reading; that of another one is released."""
        if self._subject is None or self._subject[0] != reading.checkpoint:
            self._release()
            machine = replace(reading.machine, device=self.device or reading.machine.device, progress=False)
            self._subject = reading.checkpoint, open_subject(reading.checkpoint, reading.specs[0], machine)
        return self._subject[1]

    def _release(self) -> None:
        """Forget the model, also that of the last language."""
        self._subject = None
        self._language.cache_clear()
        gc.collect()
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
