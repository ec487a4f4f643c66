"""The plan of scores: which parts of a profile there are, which are stored, and who scores one.

Scoring is a second stage, after the states: a part is one checkpoint, or the difference of two, some pairs of languages and all
layers. Workers open the states in the store language by language; what comes back is that a part is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from repalign.checkpoints import Checkpoint, CheckpointLike, as_checkpoints
from repalign.corpora import CorpusLike, ParallelCorpus, as_corpus
from repalign.errors import RepalignError
from repalign.execution.work import share_of
from repalign.metrics import address, as_metrics
from repalign.progress import Phase
from repalign.scoring.estimates import Resampling
from repalign.scoring.parts import Part, Request, metric_source
from repalign.scoring.requests import is_compared, language_pairs, same_sentences
from repalign.scoring.spec import Pairs, ScoringSpec
from repalign.scoring.stored_scores import StoredScores
from repalign.states.layer_states import LayerStates
from repalign.states.spec import Machine, ReadingSpec
from repalign.states.storage import Storage, storage_at
from repalign.states.store import Store
from repalign.states.unopened import stores_of, unopened_states


@dataclass(frozen=True)
class Asked:
    """What is scored, as it is sent to workers.

    Attributes:
        checkpoints: the models.
        corpus: the text, as it was given.
        spec, machine: with which the states were read.
        storage: where states and scores are stored.
        pivot, pairs, variants, draws, seed: see `ScoringSpec`.
        metrics: see `repalign.metrics.address`.
    """

    checkpoints: tuple[Checkpoint, ...]
    corpus: ParallelCorpus
    spec: ReadingSpec
    machine: Machine
    storage: Storage
    pivot: str
    pairs: Pairs
    metrics: tuple[str, ...]
    variants: tuple[str, ...]
    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class PartUnit:
    """One part: done twice, it leaves the same file.

    Attributes:
        checkpoint: its name.
        number: of the checkpoint in `Asked.checkpoints`.
        baseline: likewise of the one that is subtracted, or None.
        pairs: of languages.
        size: layers to score.
        cost: pairs times layers times dims times the square of the sentences, to which the time is roughly proportional.
        key: of the part.
    """

    checkpoint: str
    number: int
    baseline: int | None
    pairs: tuple[tuple[str, str], ...]
    size: int
    cost: float
    key: str

    def __str__(self) -> str:
        source, target = self.pairs[0]
        more = f" and {len(self.pairs) - 1} more pairs" if len(self.pairs) > 1 else ""
        return f"{self.checkpoint}{' (difference)' * (self.baseline is not None)}, {source}-{target}{more}"


class Scorer:
    """Scores parts and stores them. The states of two checkpoints stay open.

    Args:
        asked: what is scored.
        device: on which it computes, by default the CPU.
    """

    def __init__(self, asked: Asked, device: str | None = None) -> None:
        self.asked, self.stored = asked, StoredScores(asked.storage)
        self.states: Callable[[int], LayerStates] = lru_cache(maxsize=2)(self._opened)
        how = Resampling(asked.draws, asked.seed)
        self.request = Request(as_metrics(asked.metrics), asked.variants, how, device=device or "cpu")

    def parts(self, number: int, baseline: int | None = None) -> Iterator[Part]:
        """All parts of a checkpoint, or of its difference from another."""
        states, subtracted = self.states(number), None if baseline is None else self.states(baseline)
        pairs = language_pairs(states, self.asked.pivot, None, self.asked.pairs)
        return self.request.parts(states, subtracted, pairs)

    def run(self, unit: PartUnit, phase: Phase | None = None) -> bool:
        """Score a part, unless it is stored.

        Args:
            unit: of the plan.
            phase: that counts layers.

        Returns:
            Whether there was anything to score.

        Raises:
            RepalignError: what is scored here would not be what the plan says; states that are missing, or cannot be scored; a
                store that cannot be written.
        """
        states = self.states(unit.number)
        baseline = None if unit.baseline is None else self.states(unit.baseline)
        part = Part(states, baseline, unit.pairs, states.layers, self.request)
        if part.key != unit.key:
            raise RepalignError(
                f"scores of {unit} would be stored under another key here than by the plan: the versions of repalign or of other "
                "libraries differ between the machines, or the files of the checkpoint or of a metric were changed"
            )
        if self.stored.is_stored(unit.key):
            return False
        self.stored.write(unit.key, part.scored(phase))
        return True

    def _opened(self, number: int) -> LayerStates:
        asked = self.asked
        machine = replace(asked.machine, progress=False)
        return unopened_states(asked.checkpoints[number], asked.corpus, asked.spec, machine, asked.storage)


@dataclass(frozen=True)
class ScorePlan:
    """All parts of the scores of some checkpoints.

    Attributes:
        asked: what is scored.
        units: checkpoint by checkpoint.
        stores: of the states, by number of the checkpoint and by language; None where nothing is written yet.
    """

    asked: Asked
    units: tuple[PartUnit, ...]
    stores: Sequence[Mapping[str, Store | None]]

    noun = "parts of the scores"
    counted = "layers"
    doing = "scoring"

    @property
    def storage(self) -> Storage:
        """Where states and scores are stored."""
        return self.asked.storage

    @property
    def is_shown(self) -> bool:
        """Whether progress is shown."""
        return self.asked.machine.progress

    @property
    def runner(self) -> Callable[[str | None], Scorer]:
        """Makes a scorer on a device, by default the CPU."""
        return partial(Scorer, self.asked)

    def share(self, number: int, count: int) -> ScorePlan:
        """One of `count` shares: see `repalign.execution.work.share_of`.

        Raises:
            RepalignError: there is no share of that number.
        """
        return replace(self, units=share_of(self.units, number, count))

    def unwritten(self) -> list[PartUnit]:
        """The units that are not stored; damaged scores are among them."""
        missing = StoredScores(self.storage).missing(unit.key for unit in self.units)
        return [unit for unit in self.units if unit.key in missing]

    def prepare(self, units: Sequence[PartUnit]) -> None:
        """Make sure that some parts can be scored and stored.

        Raises:
            RepalignError: states that they need are not in the store, which says what to run first; or it cannot be written.
        """
        self.storage.check()
        needed = {
            (number, language): None
            for unit in units
            for number in (unit.number, unit.baseline)
            if number is not None
            for pair in unit.pairs
            for language in pair
        }
        stores = {one: self.stores[one[0]][one[1]] for one in needed}
        if lacking := [one for one, store in stores.items() if store is None or store.unwritten()]:
            number, language = lacking[0]
            raise RepalignError(
                f"{self.storage} lacks states of {len(lacking)} of {len(needed)} languages to score, such as those of "
                f"{self.asked.checkpoints[number].name} in {language}; run `repalign extract` with the same options first"
            )


def plan_scores(
    checkpoints: Sequence[CheckpointLike],
    corpus: CorpusLike,
    spec: ReadingSpec | None = None,
    scoring: ScoringSpec | None = None,
    machine: Machine | None = None,
    *,
    compare: bool = False,
    store: bool | str = True,
) -> ScorePlan:
    """The parts of the scores of some checkpoints, as `repalign.analyse` scores them with the same arguments.

    Args:
        checkpoints, corpus, store: see `repalign.extract`.
        spec, machine: with which the states were read.
        scoring: what is scored; controls, probes and maps are not part of it.
        compare: also the second of two checkpoints minus the first; three or more have the last minus the first in any case.

    Raises:
        RepalignError: no states in the store, languages that they do not hold, or a metric that cannot be identified.
    """
    scoring, storage = scoring or ScoringSpec(), storage_at(store)
    if storage is None:
        raise RepalignError("scores of several workers are stored, or they would be lost; give a store")
    for metric in scoring.metrics:
        if metric_source(metric) is None:
            raise RepalignError(
                f"metric {metric.name!r} has no source that identifies its scores, so that they cannot be stored; "
                "define it in a file"
            )
    if any(isinstance(one, tuple) for one in checkpoints):
        raise RepalignError(
            "a model in memory has no states in a store; give the name or folder of a checkpoint"
        )
    asked = Asked(
        tuple(as_checkpoints(checkpoints)),  # type: ignore[arg-type]
        as_corpus(corpus),
        spec or ReadingSpec(),
        machine or Machine(),
        storage,
        scoring.pivot,
        scoring.pairs,
        tuple(map(address, scoring.metrics)),
        scoring.variants,
        scoring.draws,
        scoring.seed,
    )
    scorer, count = Scorer(asked), len(asked.checkpoints)
    units: list[PartUnit] = []
    stores = []
    for number in range(count):
        stores.append(stores_of(scorer.states(number)))
        units += (_unit(part, number, None) for part in scorer.parts(number))
    first, last = scorer.states(0), scorer.states(count - 1)
    if is_compared(first, last, count, compare):
        same_sentences(first, last)
        units += (_unit(part, count - 1, 0) for part in scorer.parts(count - 1, 0))
    return ScorePlan(asked, tuple(units), stores)


def _unit(part: Part, number: int, baseline: int | None) -> PartUnit:
    states, layers = part.states, len(part.layers)
    cost = (
        float(len(part.pairs) * layers * states.dim) * states.n_sentences**2 * (1 if baseline is None else 2)
    )
    return PartUnit(states.checkpoint, number, baseline, part.pairs, layers, cost, str(part.key))
