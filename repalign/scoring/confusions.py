"""Wrong nearest neighbours: what a sentence is taken for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from repalign.errors import unknown
from repalign.metrics import LayerPair
from repalign.metrics.retrieval import MARGINS, margin_search
from repalign.results.schema import RESULTS
from repalign.scoring.measurement import Layer
from repalign.states.layer_states import LayerStates

if TYPE_CHECKING:
    import pandas as pd


def retrieval_errors(pair: LayerPair, margin: str) -> list[dict[str, Any]]:
    """Source sentences whose best target is not their translation, the surest mistakes first.

    `sentence` and `taken_for` are rows of the pair.
    """
    found = margin_search(pair.cosine, margin)
    right = pair.cosine.diagonal()
    cosine = pair.cosine.gather(1, found.index[:, None]).flatten()
    wrong = (found.index != found.positions).nonzero().flatten()
    wrong = wrong[(cosine - right)[wrong].argsort(descending=True, stable=True)]
    columns = (wrong, found.index[wrong], cosine[wrong], right[wrong])
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
) -> pd.DataFrame:
    """Which sentences are not found, and what they are taken for: the error list of retrieval.

    Args:
        states: of one checkpoint.
        pairs: (source, target), each searched both ways.
        variants: names from `VARIANTS`.
        layers: layer numbers; default all.
        margin: "absolute" for the nearest by cosine, "distance" or "ratio" as in xsim.
        limit: at most so many mistakes a direction, layer and variant, the surest first; None for all.
        device: where to compute.

    Returns:
        Columns of the table "confusions" (see `repalign.results.schema.RESULTS`); `sentence` and `taken_for` are rows
        of the corpus.
    """
    if margin not in MARGINS:
        raise unknown("margin", margin, MARGINS)
    rows: list[dict[str, Any]] = []
    for layer in layers or states.layers:
        at = Layer(states, layer, device)
        for spec in variants:
            for source, target in pairs:
                paired = at.pair(source, target, spec)
                corpus_rows = at.rows if paired.rows is None else at.rows[paired.rows]
                for pair, near, far in ((paired.pair, source, target), (paired.pair.reverse, target, source)):
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
                            **found,
                            "sentence": int(corpus_rows[found["sentence"]]),
                            "taken_for": int(corpus_rows[found["taken_for"]]),
                        }
                        for found in retrieval_errors(pair, margin)[:limit]
                    ]
    return RESULTS["confusions"].frame(rows)
