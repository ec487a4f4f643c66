"""The plan: which shards of states there are, which of them are written, and whose turn each is.

It is made from configurations, tokenizers and text; weights are loaded only where a configuration cannot say how many states
there will be. Everybody who makes it for the same checkpoints and text makes the same, so that jobs need not talk to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from repalign.checkpoints import Checkpoint, CheckpointLike, as_checkpoint
from repalign.corpora import CorpusLike, ParallelCorpus, as_corpus
from repalign.errors import RepalignError
from repalign.execution.work import share_of
from repalign.execution.worker import Reading, ShardUnit, Worker
from repalign.states.extraction import Pass, passes
from repalign.states.space import cache_limit, make_room
from repalign.states.spec import Machine, ReadingSpec
from repalign.states.storage import Storage, storage_at
from repalign.states.store import Store
from repalign.states.subject import open_subject


@dataclass(frozen=True)
class Plan:
    """All shards of some checkpoints on a corpus.

    Attributes:
        corpus: the text, as it was given.
        readings: passes over it.
        units: checkpoint by checkpoint, language by language.
        stores: by the name of their folder.
        described: what each kind of states is, in JSON types.
        storage: where the stores lie.
    """

    corpus: ParallelCorpus
    readings: tuple[Reading, ...]
    units: tuple[ShardUnit, ...]
    stores: Mapping[str, Store]
    described: tuple[dict[str, str | int], ...]
    storage: Storage

    noun = "shards"
    counted = "tokens"
    doing = "reading"

    @property
    def is_shown(self) -> bool:
        """Whether progress is shown."""
        return any(reading.machine.progress for reading in self.readings)

    @property
    def runner(self) -> Callable[[str | None], Worker]:
        """Makes a worker on a device; None for that of the readings."""
        return partial(Worker, self.corpus, self.readings, self.storage)

    def share(self, number: int, count: int) -> Plan:
        """One of `count` shares of equal cost, each of consecutive units: a job then loads one checkpoint, or few.

        Who computes what depends on the plan alone, not on what is written already. Together the shares hold each unit once.

        Args:
            number: from 1.
            count: of all shares.

        Raises:
            RepalignError: there is no share of that number.
        """
        return replace(self, units=share_of(self.units, number, count))

    def unwritten(self) -> list[ShardUnit]:
        """The units that have a shard to write, by the names of the files in the stores."""
        missing = {name: set(store.unwritten()) for name, store in self._stores()}
        return [unit for unit in self.units if any(unit.shard in missing[name] for name in unit.folders)]

    def prepare(self, units: Iterable[ShardUnit]) -> None:
        """Make sure that the shards of some units can be written, before they are computed.

        Raises:
            RepalignError: the store cannot be written, or there is too little room.
        """
        self.storage.check()
        cache_limit()
        needed = sum(self.stores[name].bytes_of([unit.shard]) for unit in units for name in unit.folders)
        names = dict.fromkeys(reading.checkpoint.name for reading in self.readings)
        folders = {store.folder for store in self.stores.values()}
        make_room(needed, folders, ", ".join(names), self.storage)

    def _stores(self) -> Iterable[tuple[str, Store]]:
        used = {name for unit in self.units for name in unit.folders}
        return ((name, store) for name, store in self.stores.items() if name in used)


def plan(
    checkpoints: Sequence[CheckpointLike],
    corpus: CorpusLike,
    specs: Sequence[ReadingSpec],
    machine: Machine | None = None,
    dtype_of: Callable[[Checkpoint], str] | None = None,
    store: bool | str = True,
) -> Plan:
    """The shards of some checkpoints on a corpus.

    Args:
        checkpoints: names, folders, hub ids or `Checkpoint`s; a model in memory has no identity to store states under.
        corpus: see `repalign.extract`.
        specs: what is read; they differ in their pooling only.
        machine: where it will run.
        dtype_of: the dtype in which a checkpoint runs, where this machine is not like those that compute.
        store: see `repalign.extract`; states that are computed elsewhere are stored in any case.

    Raises:
        RepalignError: a checkpoint that cannot be read, a custom pooling without source, or text with too many long sentences.
    """
    machine, corpus, storage = machine or Machine(), as_corpus(corpus), storage_at(store)
    if storage is None:
        raise RepalignError("what several workers compute is stored, or it would be lost; give a store")
    for spec in specs:
        if spec.pooling.source is None:
            raise RepalignError(
                f"pooling {spec.pooling.name!r} has no source that identifies its states, so that they cannot be stored; "
                "define it in a file"
            )
    readings: list[Reading] = []
    units: list[ShardUnit] = []
    stores: dict[str, Store] = {}
    described: list[dict[str, str | int]] = []
    for checkpoint in checkpoints:
        if isinstance(checkpoint, tuple):
            raise RepalignError(
                "a model in memory is read where it is; give the name or folder of a checkpoint"
            )
        found = as_checkpoint(checkpoint)
        on = replace(machine, dtype=dtype_of(found)) if dtype_of else machine  # type: ignore[arg-type]
        subject = open_subject(found, specs[0], on)
        for one in passes(subject, corpus, specs, machine.progress, storage):
            rows = None if one.corpus is corpus else tuple(one.rows)
            resolved = replace(on, dtype=subject.dtype)  # type: ignore[arg-type]
            readings.append(Reading(found, tuple(one.specs), resolved, one.cut, rows))
            units += _units(one, len(readings) - 1, stores)
            described += [
                {
                    "signature": str(one.signature(spec)),
                    "layers": len(subject.outline.layers),
                    "sentences": len(one.corpus),
                    "languages": len(one.corpus.languages),
                }
                for spec in one.specs
            ]
    return Plan(corpus, tuple(readings), tuple(units), stores, tuple(described), storage)


def _units(one: Pass, reading: int, stores: dict[str, Store]) -> Iterable[ShardUnit]:
    """The units of a pass; adds its stores."""
    subject = one.subject
    for language, states in one.languages().items():
        of_language = states.stores(one.specs, subject.outline)
        folders = tuple(store.folder.name for store in of_language)
        stores.update(zip(folders, of_language, strict=True))
        for shard in range(of_language[0].shards):
            span = of_language[0].span(shard)
            tokens = states.tokens_in(span)
            cost = float(tokens) * max(subject.size, 1)
            yield ShardUnit(
                subject.name, reading, language, shard, span.start, span.stop, tokens, cost, folders
            )
