"""Controls beside the curves: a band of baselines that a score should exceed, and scores with a confound removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repalign.figures.lines import area, level
from repalign.figures.security import as_text
from repalign.figures.style import DASHES, GREY, Style

if TYPE_CHECKING:
    import pandas as pd

SHARED_TOKENS = "bag-of-tokens"

BASELINES = {
    SHARED_TOKENS: "shared tokens",
    "random-weights": "random weights",
    "same-document": "sentences of the same document",
}
"""Controls that a score should exceed, as pages call them: without a model or its training, or by topic alone."""

REMOVED = {
    "unshared-tokens": "shared tokens left out",
    "length-partialled": "length regressed out",
    "length-matched": "lengths matched",
}
"""Controls that are the same score with a confound removed: no level to exceed, but one that should stay above chance."""

HOVER = "<b>baselines</b>, layer %{x}%{text}<extra></extra>"
STYLE = Style(GREY, "solid", "circle")


def called(control: str) -> str:
    """A control as pages call it."""
    return BASELINES.get(control) or REMOVED.get(control) or control.replace("-", " ")


def range_of_baselines(rows: pd.DataFrame) -> pd.DataFrame:
    """The lowest and highest score of any baseline and language at each layer, and the ranges of each baseline in words.

    Args:
        rows: of the table "controls", of one checkpoint, metric and variant.

    Returns:
        Columns layer, low, high, words; no rows if there are no baselines.
    """
    import pandas as pd

    by_layer = rows[rows["control"].isin(list(BASELINES))].dropna(subset=["value"]).groupby("layer")
    found = []
    for layer, at_layer in by_layer:
        ends = at_layer.groupby("control", sort=False, observed=True)["value"].agg(["min", "max"])
        words = (f"<br>{called(str(one.Index))}: {one.min:.3f} to {one.max:.3f}" for one in ends.itertuples())
        found.append((layer, ends["min"].min(), ends["max"].max(), "".join(words)))
    return pd.DataFrame(found, columns=["layer", "low", "high", "words"])


def band_of_baselines(baselines: pd.DataFrame) -> list[dict[str, Any]]:
    """One grey band, and its upper edge, which names each baseline's range on hover."""
    if baselines.empty:
        return []
    layers = baselines["layer"]
    edge = level(baselines.assign(value=baselines["high"]), "baselines", "solid")
    edge |= {"hovertemplate": HOVER, "text": list(baselines["words"]), "showlegend": False}
    edge["line"] = {"color": GREY, "width": 1}
    band = area(layers, baselines["low"], baselines["high"], STYLE, 0.25)
    named = {"name": "baselines", "legendgroup": edge["legendgroup"], "showlegend": True}
    return [band | named, edge]


def label_of_baselines(rows: pd.DataFrame, baselines: pd.DataFrame, scores: pd.DataFrame) -> list[dict]:
    """The names of the baselines above their band, at the layer where most room is below the lowest curve."""
    if baselines.empty:
        return []
    names = [called(name) for name in BASELINES if name in set(rows["control"])]
    lowest = scores.groupby("layer")["value"].min()
    above = baselines.set_index("layer")["high"]
    room = (lowest - above).dropna()
    layer = room.idxmax() if len(room) else above.index[0]
    # a label at an end would leave the plot
    first, last = above.index.min(), above.index.max()
    side = "left" if layer == first else "right" if layer == last else "center"
    return [
        {
            "x": float(layer), "y": float(above[layer]), "text": ", ".join(names), "showarrow": False,
            "xanchor": side, "yanchor": "bottom", "font": {"size": 11},
        }
    ]  # fmt: skip


def means_of_controls(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Each control's mean over languages as a line, hidden until switched on in the legend."""
    groups = rows.groupby("control", sort=False, observed=True)
    return [
        level(scores, f"{called(str(name))} (mean)", DASHES[1 + index % (len(DASHES) - 1)])
        | {"visible": "legendonly"}
        for index, (name, scores) in enumerate(groups)
    ]


def heights_of_controls(rows: pd.DataFrame) -> pd.DataFrame:
    """The values that a figure must have room for: of every baseline, and the means of all controls.

    Args:
        rows: of the table "controls", of all checkpoints that share a scale.
    """
    import pandas as pd

    baselines = rows.loc[rows["control"].isin(list(BASELINES)), ["value"]]
    return pd.concat(
        [baselines, rows.groupby(["checkpoint", "control", "layer"], observed=True)[["value"]].mean()]
    )


def beside(rows: pd.DataFrame) -> dict[tuple[str, int], str]:
    """The controls of each language and layer, as the hover text of its curve lists them."""
    found: dict[tuple[str, int], str] = {}
    for control, target, layer, value in rows[["control", "target", "layer", "value"]].itertuples(
        index=False, name=None
    ):
        found[target, layer] = found.get((target, layer), "") + f"<br>{as_text(called(control))}: {value:.3f}"
    return found
