"""analyse(): checkpoints x corpus -> Results: what `repalign layers` and `repalign compare` run."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.checkpoints import (
    Checkpoint,
    CheckpointLike,
    as_checkpoints,
    check_names,
    default_corpus,
    random_twin,
)
from repalign.corpora import EMBEDDED, CorpusLike, ParallelCorpus, as_corpus
from repalign.corpora.checks import check
from repalign.corpora.documents import Clusters, check_several
from repalign.corpora.language_choice import find_language
from repalign.corpora.problems import warn
from repalign.errors import RepalignError, explained_keywords
from repalign.maps.reducers import REDUCERS
from repalign.metrics import DEFAULT_METRICS, Metric
from repalign.models.depth import check_layers
from repalign.models.provenance import VERSIONED, package_digest
from repalign.results.profile import leading_variant
from repalign.results.titles import title_of
from repalign.scoring.parts import metric_source
from repalign.scoring.requests import is_compared
from repalign.scoring.spec import Pairs, ScoringSpec
from repalign.signature import digest, today
from repalign.states.spec import Dtype, Machine, ReadingSpec, StoreDtype
from repalign.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from repalign.models.pooling import Pooling, PoolingFunction
    from repalign.models.sites import Site, Stack
    from repalign.results.profile import LayerProfile
    from repalign.results.results import Results
    from repalign.states.layer_states import LayerStates

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Analysis:
    """A request, checked before any model is loaded.

    Attributes:
        checkpoints: `Checkpoint`s, or (model, tokenizer) in memory.
        corpus: the sentences.
        spec, machine, scoring: what is read, where, and what is scored.
        compare: whether the second of two checkpoints is also compared with the first, paired by sentence.
        title: of the results; by default the checkpoints and the corpus.
        store, stream: as for `repalign.extract`.

    Raises:
        RepalignError: incompatible options, languages that the corpus does not have, or sentences of one document only.
    """

    checkpoints: tuple[Any, ...]
    corpus: ParallelCorpus
    spec: ReadingSpec = field(default_factory=ReadingSpec)
    machine: Machine = field(default_factory=Machine)
    scoring: ScoringSpec = field(default_factory=lambda: ScoringSpec())
    compare: bool = False
    title: str = ""
    store: bool | str = True
    stream: bool = False

    def __post_init__(self) -> None:
        languages, scoring = self.corpus.languages, self.scoring
        REDUCERS[scoring.reducer]
        if len(languages) < 2:
            raise RepalignError(
                f"one language ({', '.join(languages)}) cannot be aligned with itself; give two or more in --langs"
            )
        pivot = find_language(
            scoring.pivot,
            languages,
            f"in corpus {self.corpus.name!r}; --pivot names the language to compare with",
        )
        object.__setattr__(self, "scoring", replace(scoring, pivot=pivot))
        check_several(self.corpus.documents, f"corpus {self.corpus.name!r}")
        for metric in scoring.metrics:
            metric.check_size(len(self.corpus))
        for checkpoint in self.checkpoints:
            check_layers(checkpoint, self.spec.layers)
        if not self.checkpoints or (self.compare and len(self.checkpoints) != 2):
            expected = "two checkpoints are" if self.compare else "at least one checkpoint is"
            raise RepalignError(f"{expected} needed, got {len(self.checkpoints)}")
        if self.stream and (scoring.controls or scoring.probe):
            raise RepalignError(
                "streamed results hold the scores only; leave out --control and --probe, or --stream"
            )
        if "random" in scoring.controls and not all(isinstance(c, Checkpoint) for c in self.checkpoints):
            raise RepalignError(
                "the control 'random' needs a checkpoint's configuration on disk, not a model in memory"
            )
        if "unshared" in scoring.controls:
            replace(self.spec, exclude_shared_tokens=True)  # refused for some poolings

    @cached_property
    def key(self) -> str | None:
        """SHA-256 over everything that decides the results: weights, text, request, and the code that reads and scores.

        None if that cannot be determined, as for a model in memory. Imports neither torch nor a tokenizer.
        """
        from repalign.models.locating import locate

        sources = [self.spec.pooling.source, *(metric_source(metric) for metric in self.scoring.metrics)]
        if None in sources or not all(isinstance(checkpoint, Checkpoint) for checkpoint in self.checkpoints):
            return None
        weights = [locate(checkpoint) for checkpoint in self.checkpoints]
        read = [part for w in weights for part in (w.checkpoint.name, w.digest, w.tokenizer_digest)]
        metrics = [metric.name for metric in self.scoring.metrics]
        request = [
            self.compare, self.stream, self.spec.pooling.name, metrics,
            *_values(self.spec, "pooling"), *_values(self.machine, "progress", "batch_tokens", "store_dtype"),
            self.machine.store_dtype if self.store and not self.stream else "float32",
            *_values(self.scoring, "metrics"),
        ]  # fmt: skip
        documents = self.corpus.documents or ()
        return digest(
            [*read, self.corpus.digest, *documents, json.dumps(request), *map(str, sources), package_digest()]
        )

    def run(self) -> Results:
        """Read the states, score them, and collect all tables.

        Raises:
            RepalignError: as for `repalign.extract` and `repalign.profile`.
        """
        from repalign.states.space import protecting

        with protecting(self._read if self.store and not self.stream else ()):
            return self._run()

    def _run(self) -> Results:
        from repalign.models.loading import one_base
        from repalign.results.results import Results

        checked = check(self.corpus, self.scoring.pivot)
        warn(self.corpus.name, checked["problems"])
        # Streamed states are computed during scoring, when another checkpoint's adapter may be on a shared base.
        with nullcontext() if self.stream else one_base():
            states = [self._states(checkpoint, self.spec) for checkpoint in self.checkpoints]
        logger.info(
            "scoring %d layers x %d languages x %d sentences",
            len(states[0].layers), len(states[0].languages), states[0].n_sentences,
        )  # fmt: skip
        scores = self._scores(states)
        about = {
            "date": today(),
            "versions": {"repalign": __version__, **{name: version(name) for name in VERSIONED}},
            "manifest": {**states[0].metadata, **checked},
            **({"key": self.key} if self.key else {}),
        }
        tables = {} if self.stream else self._tables(states, scores)
        return Results(
            self.title or title_of([one.checkpoint for one in states], self.corpus.name, self.compare),
            scores,
            tables,
            about,
        )

    @property
    def _read(self) -> list[Any]:
        """The checkpoints whose states are read, with the twins."""
        twins = map(random_twin, self.checkpoints) if "random" in self.scoring.controls else ()
        return [*self.checkpoints, *twins]

    def _states(
        self, checkpoint: CheckpointLike, spec: ReadingSpec, of: LayerStates | None = None
    ) -> LayerStates:
        """The states of a checkpoint, on the corpus or on the sentences of other states."""
        from repalign.states.extraction import read_states

        corpus = self.corpus if of is None else ParallelCorpus(of.texts, of.signature.corpus, of.documents)
        options = {"store": self.store, "stream": self.stream}
        return read_states(checkpoint, corpus, [spec], self.machine, **options)[0]

    def _scores(self, states: Sequence[LayerStates]) -> LayerProfile:
        from repalign.scoring import contrast, profile
        from repalign.scoring.stored_scores import StoredScores
        from repalign.states.storage import storage_at

        storage = storage_at(False if self.stream else self.store)
        request = {**self._request, "variants": self.scoring.variants, "pairs": self.scoring.pairs}
        request["stored"] = storage and StoredScores(storage)
        scores = profile(states, **request)
        first, last = states[0], states[-1]
        if not is_compared(first, last, len(states), self.compare):
            return scores
        return scores.joined(contrast(first, last, **request))

    def _tables(self, states: Sequence[LayerStates], scores: LayerProfile) -> dict[str, pd.DataFrame]:
        """All tables except the profile: see `repalign.results.schema`."""
        import pandas as pd

        from repalign import scoring
        from repalign.maps.projection import project, sentence_table

        pivot = self.scoring.pivot
        quick: dict[str, Any] = {"progress": self.machine.progress}
        drawn = {"draws": self.scoring.draws, "seed": self.scoring.seed, **quick}
        pairs = [(pivot, language) for language in states[0].languages if language != pivot]
        by_checkpoint = {
            "geometry": [scoring.geometry(one, **quick) for one in states],
            "separation": [
                scoring.separation(one, pivot=pivot, probe=self.scoring.probe, **drawn) for one in states
            ],
            "confusions": [scoring.confusions(one, pairs, **quick) for one in states],
            "controls": [self._controls(*pair) for pair in zip(self.checkpoints, states, strict=True)],
        }
        tables = {name: pd.concat(parts, ignore_index=True) for name, parts in by_checkpoint.items()}
        tables["map"] = project(
            states, reducer=self.scoring.reducer, pivot=pivot, seed=self.scoring.seed, **quick
        )
        tables["sentences"] = sentence_table(states[0])
        if self.scoring.pairs == "all":
            tables["languages"], tables["tree"] = scoring.language_tree(scores.where(baseline=None))
        if self.compare:
            tables["drift"] = scoring.drift(*states, **drawn)
            tables["layer_cka"] = scoring.layer_cka(*states, **quick)
        return tables

    def _controls(self, checkpoint: CheckpointLike, states: LayerStates) -> pd.DataFrame:
        """The scores of control conditions: see `repalign.scoring.controls`."""
        from repalign.scoring import controls

        twin = unshared = None
        if "random" in self.scoring.controls and isinstance(checkpoint, Checkpoint):
            twin = self._states(random_twin(checkpoint), self.spec, of=states)
        if "unshared" in self.scoring.controls:
            unshared = self._states(checkpoint, replace(self.spec, exclude_shared_tokens=True), of=states)
        variants = (leading_variant(self.scoring.variants),)
        return controls(states, twin=twin, unshared=unshared, variants=variants, **self._request)

    @property
    def _request(self) -> dict[str, Any]:
        """Arguments that all scores share."""
        return {
            "pivot": self.scoring.pivot,
            "metrics": self.scoring.metrics,
            "draws": self.scoring.draws,
            "seed": self.scoring.seed,
            "progress": self.machine.progress,
        }


@explained_keywords(source="pivot", side="stack")
def analyse(
    checkpoints: CheckpointLike | Sequence[CheckpointLike],
    corpus: CorpusLike | None = None,
    *,
    languages: str | Sequence[str] | None = None,
    limit: int | None = None,
    clusters: Clusters | None = None,
    compare: bool = False,
    pivot: str = "en",
    pairs: Pairs = "pivot",
    metrics: str | Metric | Sequence[str | Metric] = DEFAULT_METRICS,
    variants: str | Sequence[str] = ("raw", "centred"),
    controls: str | Sequence[str] = (),
    probe: bool = False,
    draws: int = 1000,
    seed: int = 0,
    reducer: str = "pca",
    pooling: str | Pooling | PoolingFunction = "mean",
    template: str = "raw",
    site: Site = "resid",
    layers: int | Sequence[int] | None = None,
    stack: Stack = "auto",
    max_length: int | None = None,
    dtype: Dtype = "auto",
    device: str = "auto",
    batch_tokens: int | None = None,
    store: bool | str = True,
    store_dtype: StoreDtype = "auto",
    stream: bool = False,
    progress: bool = True,
    title: str = "",
) -> Results:
    """Where languages align inside one checkpoint or several: scores, controls, maps and all other tables.

    >>> analyse(["alpaca", "m-llama"], "everyday", metrics="mexa", controls="random").save("out")

    Args:
        checkpoints: one, or several (a series, or two to compare): a name, folder or hub id (one with a
            recipe is trained on first use, unless it is shipped), a `Checkpoint`, or (model, tokenizer) in memory.
        corpus: an embedded name, a folder, file or hub data set, a mapping of language to sentences, or a
            `ParallelCorpus`; by default what the checkpoints are tested on, else "everyday".
        languages: by default all of the corpus.
        limit: only the first sentences.
        clusters: sentences that are not independent and are resampled together: see `ParallelCorpus.with_clusters`; by
            default the documents of the corpus, if it names them.
        compare: also the second of two checkpoints minus the first, paired by sentence. A series of three or more has
            its last minus its first without being asked, unless they differ in layers or are streamed.
        pivot, pairs, metrics, variants, controls, probe, draws, seed, reducer: see `ScoringSpec`.
        pooling, template, site, layers, stack, max_length: see `repalign.ReadingSpec`.
        dtype, device, batch_tokens, progress: see `repalign.states.spec.Machine`.
        store, store_dtype, stream: as for `repalign.extract`; streamed results hold the scores only.
        title: heading of the report; by default the checkpoints and the corpus.

    Raises:
        RepalignError: an invalid argument, before any model is loaded; else as for `repalign.extract` and
            `repalign.profile`.
    """
    spec = ReadingSpec(pooling, template, site, layers, stack, max_length)  # type: ignore[arg-type]
    machine = Machine(dtype, device, batch_tokens, progress, store_dtype)
    scoring = ScoringSpec(pivot, pairs, metrics, variants, controls, probe, draws, seed, reducer)  # type: ignore[arg-type]
    single = isinstance(checkpoints, (str, Path, Checkpoint)) or is_model(checkpoints)
    given: list[Any] = [checkpoints] if single else list(checkpoints)  # type: ignore[arg-type]
    resolved = resolve_all(given)
    everything = as_corpus(corpus or default_corpus(resolved, EMBEDDED)).with_clusters(clusters)
    sentences = everything.select(languages, limit)
    return Analysis(tuple(resolved), sentences, spec, machine, scoring, compare, title, store, stream).run()


def is_model(value: object) -> bool:
    """Whether it is a (model, tokenizer), and not a sequence of checkpoints."""
    return isinstance(value, tuple) and not all(
        isinstance(part, (str, Path, Checkpoint, tuple)) for part in value
    )


def resolve_all(given: Sequence[Any]) -> list[Any]:
    """Names as `Checkpoint`s, models in memory as they are.

    Raises:
        RepalignError: no checkpoint of that name, something that is not a checkpoint, or two of the same name.
    """
    names = [one for one in given if not isinstance(one, tuple)]
    named = iter(as_checkpoints(names) if names else ())
    resolved = [one if isinstance(one, tuple) else next(named) for one in given]
    check_names(resolved)
    return resolved


def _values(spec: Any, *but: str) -> list[Any]:
    return [getattr(spec, one.name) for one in fields(spec) if one.name not in but]
