"""compare_quantised(): a model and compressed versions of it in, loss, drift and alignment by language out."""

from __future__ import annotations

from collections.abc import Sequence

from repalign.checkpoints import Checkpoint, as_checkpoints
from repalign.corpora import CorpusLike, as_corpus
from repalign.corpora.documents import Clusters, check_several
from repalign.corpora.language_choice import find_language
from repalign.errors import RepalignError, explained_keywords
from repalign.quantisation.study import Study
from repalign.results.quantisation import Quantisation
from repalign.states.spec import Dtype, Machine, StoreDtype, check_count


@explained_keywords(source="pivot")
def compare_quantised(
    base: str | Checkpoint,
    others: str | Checkpoint | Sequence[str | Checkpoint],
    corpus: CorpusLike,
    *,
    clusters: Clusters | None = None,
    pivot: str = "en",
    draws: int = 1000,
    seed: int = 0,
    dtype: Dtype = "auto",
    device: str = "auto",
    batch_tokens: int | None = None,
    store: bool | str = True,
    store_dtype: StoreDtype = "auto",
    progress: bool = True,
) -> Quantisation:
    """Loss, drift and alignment by language of compressed versions of a model: what `repalign quantisation` runs.

    Args:
        base: the version that the others are compared with: a name, folder, GGUF file or hub id, or a `Checkpoint`.
        others: one or several quantised or otherwise compressed versions of it.
        corpus: parallel sentences in two or more languages, given as for `repalign.extract`.
        clusters: sentences that are not independent: see `ParallelCorpus.with_clusters`; by default the documents of the
            corpus, if it names them.
        pivot: language that the others are aligned with.
        draws, seed: of the bootstrap.
        dtype: in which all versions run; "auto" is float32, as bfloat16 rounds weights about as coarsely as 8 bits do.
        device, batch_tokens, progress: see `repalign.states.spec.Machine`.
        store, store_dtype: as for `repalign.extract`.

    Returns:
        Tables by the names in `repalign.results.schema.QUANTISATION`.

    Raises:
        RepalignError: models that are not versions of one; a model that is not a causal language model; too few
            sentences or languages; an unknown pivot or checkpoint.
    """
    corpus = as_corpus(corpus).with_clusters(clusters)
    check_several(corpus.documents, f"corpus {corpus.name!r}")
    check_count("draws", draws)
    check_count("seed", seed, least=0)
    if len(corpus.languages) < 2:
        raise RepalignError(
            f"quantisation is compared by language: give two or more languages, not {', '.join(corpus.languages)} alone"
        )
    pivot = find_language(pivot, corpus.languages, f"in corpus {corpus.name!r}; --pivot names another")
    given = [others] if isinstance(others, (str, Checkpoint)) else list(others)
    checkpoints = as_checkpoints([base, *given])
    if len(checkpoints) < 2:
        raise RepalignError("nothing to compare with the base; give one or more compressed versions of it")
    machine = Machine("float32" if dtype == "auto" else dtype, device, batch_tokens, progress, store_dtype)
    study = Study(tuple(checkpoints), corpus, pivot, machine, draws, seed, store)
    return study.results()
