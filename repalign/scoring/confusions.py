"""Retrieval errors: sentences whose nearest neighbour is not their translation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from repalign.errors import unknown
from repalign.metrics import LayerPair
from repalign.metrics.retrieval import MARGINS, margin_search
from repalign.progress import Phase
from repalign.results.schema import RESULTS
from repalign.scoring.measurement import Layer
from repalign.states.layer_states import LayerStates

if TYPE_CHECKING:
    import pandas as pd
    import torch


def retrieval_errors(pair: LayerPair, margin: str) -> list[dict[str, Any]]:
    """Source sentences whose nearest target is not their translation, largest difference of cosines first.

    `sentence` and `taken_for` are rows of the pair.
    """
    nearest = margin_search(pair, margin)
    cosines = pair.cosines

    def cosine_with(targets: torch.Tensor) -> torch.Tensor:
        return (cosines.base + cosines.matrix.at(nearest.positions, targets).double()).clamp(-1, 1)

    right, cosine = cosine_with(nearest.positions), cosine_with(nearest.index)
    wrong = (nearest.index != nearest.positions).nonzero().flatten()
    wrong = wrong[(cosine - right)[wrong].argsort(descending=True, stable=True)]
    columns = (wrong, nearest.index[wrong], cosine[wrong], right[wrong])
    names = ("sentence", "taken_for", "cosine", "cosine_right")
    return [dict(zip(names, row, strict=True)) for row in zip(*(c.tolist() for c in columns), strict=True)]


def confusions(
    states: LayerStates,
    pairs: Iterable[tuple[str, str]],
    *,
    variants: Sequence[str] = ("centred",),
    layers: Sequence[int] | None = None,
    margin: str = "absolute",
    limit: int | None = 20,
    device: str = "cpu",
    progress: bool = True,
) -> pd.DataFrame:
    """The errors of retrieval: sentences that do not find their translation, and their nearest neighbours.

    Args:
        states: of one checkpoint.
        pairs: (source, target), each searched both ways.
        variants: names from `VARIANTS`.
        layers: layer numbers; default all.
        margin: "absolute" for the nearest by cosine, "distance" or "ratio" as in xsim.
        limit: maximum number of errors per direction, layer and variant, largest difference of cosines first; None
            for all.
        device: where to compute.
        progress: whether to show signs of life: see `repalign.progress`.

    Returns:
        Columns of the table "confusions" (see `repalign.results.schema.RESULTS`); `sentence` and `taken_for` are rows
        of the corpus.
    """
    if margin not in MARGINS:
        raise unknown("margin", margin, MARGINS)
    rows: list[dict[str, Any]] = []
    layers = layers or states.layers
    with Phase(f"{states.checkpoint}: retrieval errors", len(layers), "layers", shown=progress) as phase:
        for layer in layers:
            at = Layer(states, layer, device)
            for spec in variants:
                for source, target in pairs:
                    paired = at.pair(source, target, spec)
                    corpus_rows = at.rows if paired.rows is None else at.rows[paired.rows]
                    for pair, near, far in (
                        (paired.pair, source, target),
                        (paired.pair.reverse, target, source),
                    ):
                        common = {
                            "checkpoint": states.checkpoint,
                            "variant": spec,
                            "source": near,
                            "target": far,
                            "layer": layer,
                            "depth": states.depth(layer),
                        }
                        rows += [
                            {
                                **common,
                                **error,
                                "sentence": int(corpus_rows[error["sentence"]]),
                                "taken_for": int(corpus_rows[error["taken_for"]]),
                            }
                            for error in retrieval_errors(pair, margin)[:limit]
                        ]
            phase.update()
    return RESULTS["confusions"].frame(rows)
