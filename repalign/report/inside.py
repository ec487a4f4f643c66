"""The page of `repalign inside`: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from repalign.corpora.languages import language_name
from repalign.errors import RepalignError
from repalign.figures import inside as figures
from repalign.figures.names import LONGEST_TEXT, presentable, shortened
from repalign.figures.style import HEIGHT, Style, language_styles
from repalign.report.about import few
from repalign.report.findings.words import joined, layers_in_words
from repalign.report.layout import fill, numbered
from repalign.results.inside import Inside

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES = {
    "loss": "loss (nats per token)",
    "own": "probability of same-language tokens",
    "pivot": "probability of {pivot} tokens",
    "p_at_1": "P@1 with {pivot} at the last layer",
}
"""Outcomes of interventions, as labels of axes."""

Panel = tuple[str, dict[str, Any]]
"""A title and a figure."""


def render_inside(inside: Inside) -> str:
    """The page as HTML; missing tables are skipped.

    Raises:
        RepalignError: the lens has no rows.
    """
    if inside.tables["lens"].empty:
        raise RepalignError(
            "the table 'lens' has no rows: there is nothing to report; run `repalign inside` again"
        )
    inside, names = presentable(inside)
    panels, pictures = numbered({name: draw(inside) for name, draw in PANELS.items()})
    rows = inside.tables["lens"]
    sentences = rows["sentences"].max()
    return fill(
        "inside.html",
        ["figures.js"],
        {"figures": pictures, "height": HEIGHT},
        names.full,
        title=inside.title,
        about={
            "checkpoints": few(inside.signatures),
            "sentences": f"{sentences:,} a language",
            "languages": few(rows["language"].unique()),
            "pivot": language_name(inside.settings["pivot"]),
            "date": str(inside.about.get("date", "")),
        },
        findings=inside_in_words(inside),
        panels=panels,
        height=HEIGHT,
        pivot_name=language_name(inside.settings["pivot"]),
        token_counts=_token_counts(inside),
        command=inside.about.get("command"),
        facts={**inside.signatures, **_notes(inside)},
    )


def _each(inside: Inside, table: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of a table by checkpoint."""
    if table in inside.tables:
        for name, rows in inside.tables[table].groupby("checkpoint", sort=False):
            yield str(name), rows


def _styles(inside: Inside) -> dict[str, Style]:
    shown = (table["language"] for table in inside.tables.values())
    return language_styles([*inside.settings["languages"], *chain.from_iterable(shown)])


def _lens(inside: Inside) -> Iterator[Panel]:
    pivot = inside.settings["pivot"]
    for name, rows in _each(inside, "lens"):
        probability = rows[rows["measure"] == "probability"]
        same = probability[probability["toward"] == probability["language"]]
        to_pivot = probability[(probability["toward"] == pivot) & (probability["language"] != pivot)]
        entropy = rows[rows["measure"] == "entropy"]
        for title, label, drawn, everywhere in (
            ("same-language tokens", "probability of same-language tokens", same, probability),
            (f"{pivot} tokens", f"probability of {pivot} tokens", to_pivot, probability),
            ("entropy", "normalised entropy", entropy, entropy),
        ):
            yield f"{name} · {title}", figures.lens(drawn, label, everywhere, _styles(inside))


def _neurons(inside: Inside) -> Iterator[Panel]:
    interventions = dict(_each(inside, "interventions"))
    for name, rows in _each(inside, "neurons"):
        layers = sorted(inside.tables["lens"]["layer"].unique().tolist())[1:]
        yield f"{name} · neurons by layer", figures.counts(rows, layers, _styles(inside))
        if name in interventions and len(ablated := interventions[name].query("intervention == 'neurons'")):
            yield f"{name} · effect of ablating them", figures.ablation(ablated)


def _effects(intervention: str) -> Callable[[Inside], Iterator[Panel]]:
    def panels(inside: Inside) -> Iterator[Panel]:
        for name, rows in _each(inside, "interventions"):
            selected = rows[(rows["intervention"] == intervention) & rows["layer"].notna()]
            for outcome, effects in selected.groupby("outcome", sort=False):
                label = OUTCOMES[str(outcome)].format(pivot=inside.settings["pivot"])
                yield f"{name} · {label}", figures.effects(effects, f"change in {label}", _styles(inside))

    return panels


PANELS = {
    "lens": _lens,
    "neurons": _neurons,
    "subspace": _effects("subspace"),
    "steering": _effects("steering"),
}
"""Section of the page -> its figures."""


def inside_in_words(inside: Inside) -> dict[str, list[str]]:
    """Findings by question, for the page and the terminal: question -> one line per checkpoint."""
    pivot = inside.settings["pivot"]
    neurons, removal = "Which neurons carry a language?", "What does removing a language change?"
    findings = {
        f"Does it think in {language_name(pivot)}?": [
            _predicted_languages(name, rows, pivot) for name, rows in _each(inside, "lens")
        ],
        neurons: [],
        removal: [],
    }
    for name, rows in _each(inside, "interventions"):
        for intervention, question, describe in (
            ("neurons", neurons, _ablated),
            ("subspace", removal, _removed),
            ("steering", removal, _steered),
        ):
            selected = rows[rows["intervention"] == intervention]
            if len(selected):
                findings[question].append(f"{name}: {describe(selected, pivot)}")
    return {question: lines for question, lines in findings.items() if lines}


def _signed(value: float) -> str:
    """Two decimals with a sign; zero has none."""
    return f"{value:+.2f}" if round(value, 2) else "0"


def _predicted_languages(name: str, rows: pd.DataFrame, pivot: str) -> str:
    probability = rows[(rows["measure"] == "probability") & (rows["language"] != pivot)]
    to_pivot = probability[probability["toward"] == pivot].groupby("layer")["value"].mean().rename("pivot")
    own = probability[probability["toward"] == probability["language"]]
    same = own.groupby("layer")["value"].mean().rename("same")
    means = to_pivot.to_frame().join(same).dropna()
    if means.empty:
        return f"{name}: no text in a language other than {language_name(pivot)} was read"
    leading = means.index[means["pivot"] > means["same"]].tolist()
    layers = dict.fromkeys([int(means["pivot"].idxmax()), int(means.index.max())])
    values = "; ".join(
        f"layer {layer}: {means['pivot'][layer]:.2f} and {means['same'][layer]:.2f}" for layer in layers
    )
    return (
        f"{name}, reading other languages: {language_name(pivot)} tokens are more probable than same-language tokens at "
        f"{layers_in_words(leading) if leading else 'no layer'} ({values})"
    )


def _ablated(rows: pd.DataFrame, pivot: str) -> str:
    same = rows["of"] == rows["language"]
    larger = rows[same & (rows["p_adjusted"] < 0.05) & (rows["value"] > rows["control"])]
    return (
        f"ablating a language's neurons ({rows[same]['size'].mean():.0f} on average) changes its loss by "
        f"{_signed(rows[same]['value'].mean())} nats per token, and the loss of other languages by "
        f"{_signed(rows[~same]['value'].mean())}; as many random neurons of the same layers "
        f"{_signed(rows[same]['control'].mean())}. More than random neurons in {len(larger)} of "
        f"{joined(same.sum(), 'language')} ({_tested(rows)})"
    )


def _removed(rows: pd.DataFrame, pivot: str) -> str:
    loss, retrieval = (rows[rows["outcome"] == outcome] for outcome in ("loss", "p_at_1"))
    return (
        f"removing the {joined(int(rows['size'].iloc[0]), 'direction')} between the languages' means changes the loss by "
        f"{_signed(loss['value'].mean())} nats per token (random control {_signed(loss['control'].mean())}) and raw P@1 at the "
        f"last layer by {_signed(retrieval['value'].mean())} (random control {_signed(retrieval['control'].mean())}); mean over "
        f"{layers_in_words(set(rows['layer'].dropna()))}. Other than random directions in {_apart(loss)} for the loss and "
        f"in {_apart(retrieval)} for P@1 ({_tested(rows)})"
    )


def _steered(rows: pd.DataFrame, pivot: str) -> str:
    to_pivot, same = (rows[rows["outcome"] == outcome] for outcome in ("pivot", "own"))
    return (
        f"replacing each language's mean by that of {language_name(pivot)} changes the probability of "
        f"{language_name(pivot)} tokens by {_signed(to_pivot['value'].mean())} and of same-language tokens by "
        f"{_signed(same['value'].mean())} (random control {_signed(to_pivot['control'].mean())} and {_signed(same['control'].mean())}). "
        f"Other than random vectors in {_apart(to_pivot)} for {language_name(pivot)} tokens and in {_apart(same)} for "
        f"same-language tokens ({_tested(rows)})"
    )


def _apart(rows: pd.DataFrame) -> str:
    """In how many rows the intervention differs from random ones."""
    return f"{(rows['p_adjusted'] < 0.05).sum()} of {joined(len(rows), 'case')}"


def _tested(rows: pd.DataFrame) -> str:
    """What "other than random" means, or that there are too few random ones to say so."""
    if rows["controls"].isna().any():  # a folder of an earlier version
        return "adjusted p < .05, given these three random ones"
    controls = int(rows["controls"].min())
    if 1 / (1 + controls) >= 0.05:
        return f"{joined(controls, 'random one')} cannot give an adjusted p < .05; 20 can"
    return f"adjusted p < .05, against {controls} random ones each"


def _token_counts(inside: Inside) -> str:
    counts = next(iter(inside.settings["checkpoints"].values()))["tokens"]
    listed = ", ".join(f"{language} {count:,}" for language, count in counts.items())
    return f"Tokens of the vocabulary assigned to one language: {shortened(listed, LONGEST_TEXT)}; all others are assigned to none."


def _notes(inside: Inside) -> dict[str, str]:
    return {
        f"notes, {name}": shortened("; ".join(notes), LONGEST_TEXT)
        for name in inside.signatures
        if (notes := inside.settings["checkpoints"][name]["notes"])
    }
