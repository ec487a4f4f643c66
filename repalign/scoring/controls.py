"""Controls: scores of the same metric in conditions without meaning, or without a confound.

Shared names and digits align even a model with random weights. A control has the form of any other states, so it
is profiled, drawn and subtracted (`contrast(bag_of_tokens(states), states)`) by the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repalign.errors import RepalignError, TooFewSentences
from repalign.metrics import DEFAULT_METRICS, Metric, as_metrics
from repalign.progress import within
from repalign.results.schema import RESULTS
from repalign.scoring.profiling import profile
from repalign.states.layer_states import LayerStates
from repalign.states.spec import as_layers

if TYPE_CHECKING:
    import pandas as pd

LENGTH_VARIANTS = ("length-matched", "length-partialled")


@dataclass(frozen=True)
class _SameAtEveryLayer:
    """Lazy LayerArray: densified one layer at a time."""

    counts: Any  # scipy's csr_matrix [sentence, token]
    layers: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.layers, *self.counts.shape)

    def __getitem__(self, position: int) -> np.ndarray:
        return self.counts.toarray()


def bag_of_tokens(states: LayerStates) -> LayerStates:
    """Sentences as token counts weighted by inverse document frequency: no model, the same at every layer.

    Raises:
        RepalignError: the states hold no token ids.
    """
    from scipy.sparse import csr_matrix

    missing = [language for language in states.languages if not len(states.token_ids.get(language, ()))]
    if missing:
        raise RepalignError(
            f"the states of {states.checkpoint} hold no token ids of {', '.join(missing)}; "
            "extract them again to compare with a bag of tokens"
        )
    ids = {language: states.token_ids[language] for language in states.languages}
    vocabulary, flat = np.unique(
        np.concatenate([row for rows in ids.values() for row in rows]), return_inverse=True
    )
    ends = np.cumsum([len(row) for rows in ids.values() for row in rows])
    starts = np.concatenate([[0], ends])
    counts = csr_matrix(
        (np.ones(len(flat), dtype=np.float32), flat, starts), shape=(len(ends), len(vocabulary))
    )
    counts.sum_duplicates()
    seen_in = np.bincount(counts.indices, minlength=len(vocabulary))
    counts.data *= (1 + np.log(len(ends) / seen_in))[counts.indices].astype(np.float32)
    n = states.n_sentences
    return replace(
        states,
        signature=states.signature.with_(pooling="bag-of-tokens"),
        arrays={
            language: _SameAtEveryLayer(counts[k * n : (k + 1) * n], len(states.layers))
            for k, language in enumerate(states.languages)
        },
    )


def controls(
    states: LayerStates,
    *,
    twin: LayerStates | None = None,
    unshared: LayerStates | None = None,
    pivot: str = "en",
    targets: str | Sequence[str] | None = None,
    metrics: str | Metric | Sequence[str | Metric] = DEFAULT_METRICS,
    variants: Sequence[str] = ("centred",),
    pairs: Literal["pivot", "all"] = "pivot",
    layers: int | Sequence[int] | None = None,
    draws: int = 1000,
    permutations: int = 200,
    seed: int = 0,
    device: str = "cpu",
    progress: bool = True,
) -> pd.DataFrame:
    """The scores of a checkpoint's controls, to be drawn with its curves.

    Where documents are known, "same-document" pairs every sentence with another one of its document: what topic alone
    gives.

    Args:
        states: the checkpoint.
        twin: the same model with random weights, on the same sentences.
        unshared: the checkpoint's states pooled over tokens that no translation shares (`--unshared`).
        variants: as for `profile`; the length controls are added to each by "+".
        pivot, targets, metrics, pairs, layers, draws, permutations, seed, device, progress: as for `profile`.

    Returns:
        Columns of the table "controls" (see `repalign.results.schema.RESULTS`); `checkpoint` is that of `states`
        throughout.
    """
    import pandas as pd

    request: dict[str, Any] = {
        "pivot": pivot,
        "targets": targets,
        "metrics": as_metrics(metrics),
        "pairs": pairs,
        "layers": as_layers(layers),
        "draws": draws,
        "permutations": permutations,
        "seed": seed,
        "device": device,
        "progress": progress,
    }
    by_control = []
    if all(len(states.token_ids.get(language, ())) for language in states.languages):
        with within("control bag-of-tokens"):
            by_control.append(("bag-of-tokens", _at_every_layer(bag_of_tokens(states), variants, request)))
    for control, other in (("random-weights", twin), ("unshared-tokens", unshared)):
        if other is not None:
            with within(f"control {control}"):
                by_control.append((control, profile(other, variants=variants, **request).table))
    if has_another_of_its_document(states):
        with within("control same-document"):
            topic = _with_enough_sentences(states, variants=variants, same_document=True, **request)
        by_control.append(("same-document", topic))
    for control in LENGTH_VARIANTS:
        added = [f"{spec}+{control}" for spec in variants if control not in spec.split("+")]
        if not added:  # the curve itself is the control
            continue
        with within(f"control {control}"):
            table = _with_enough_sentences(states, variants=added, **request)
        by_control.append((control, table.assign(variant=table["variant"].str.removesuffix(f"+{control}"))))
    tables = [table.assign(control=control, checkpoint=states.checkpoint) for control, table in by_control]
    return RESULTS["controls"].frame(pd.concat(tables, ignore_index=True))


def has_another_of_its_document(states: LayerStates) -> bool:
    """Whether documents are known, and some hold two different sentences: the control "same-document" is then drawn."""
    clusters = states.clusters(states.distinct)
    return clusters is not None and int(np.bincount(clusters).max()) > 1


def _with_enough_sentences(
    states: LayerStates, *, metrics: Sequence[str | Metric] = DEFAULT_METRICS, **request: Any
) -> pd.DataFrame:
    """A profile without the metrics that need more sentences than the variants select."""
    resolved = as_metrics(metrics)
    try:
        return profile(states, metrics=resolved, **request).table
    except TooFewSentences as error:
        fewer = [metric for metric in resolved if metric.name != error.metric]
    if not fewer:
        return RESULTS["profile"].frame([])
    return _with_enough_sentences(states, metrics=fewer, **request)


def _at_every_layer(bag: LayerStates, variants: Sequence[str], request: dict[str, Any]) -> pd.DataFrame:
    """The scores of states that are the same at every layer: computed once, repeated for each."""
    import pandas as pd

    layers = request.get("layers") or bag.layers
    once: dict[str, Any] = {**request, "layers": layers[:1]}
    table = profile(bag, variants=variants, **once).table
    return pd.concat(
        [table.assign(layer=layer, depth=bag.depth(layer)) for layer in layers], ignore_index=True
    )
