"""What `repalign inside` found, in words: for the page and the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from repalign.corpora.languages import language_name
from repalign.figures.inside import mean_probabilities
from repalign.report.about import MAX_NAMED
from repalign.report.findings.words import joined, layers_in_words, listing, rounded

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.inside import Inside

MAX_CLAUSES = 3
"""Kinds of behaviour that the headline names; others are counted."""


def by_checkpoint(inside: Inside, table: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of a table by checkpoint; nothing if there is no such table."""
    if table in inside.tables:
        for name, rows in inside.tables[table].groupby("checkpoint", sort=False):
            yield str(name), rows


def headline(inside: Inside) -> str:
    """Which language each checkpoint predicts while it reads others, in one sentence."""
    pivot = inside.settings["pivot"]
    behaviours: dict[str, list[str]] = {}
    for name, rows in by_checkpoint(inside, "lens"):
        means = mean_probabilities(rows, pivot)
        if len(means):
            behaviours.setdefault(_predicted(means, language_name(pivot)), []).append(name)
    if not behaviours:
        return f"No text in a language other than {language_name(pivot)} was read."
    clauses = [f"{_who(names)} {predicted}" for predicted, names in list(behaviours.items())[:MAX_CLAUSES]]
    if others := sum(map(len, list(behaviours.values())[MAX_CLAUSES:])):
        clauses.append(f"{joined(others, 'other')}: see below")
    return f"Reading other languages, {'; '.join(clauses)}."


def _who(names: list[str]) -> str:
    """
    >>> _who(["alpaca"]), _who(["alpaca", "m-llama"]), _who(list("abcdef"))
    ('alpaca predicts', 'alpaca and m-llama predict', '6 checkpoints predict')
    """
    if len(names) == 1:
        return f"{names[0]} predicts"
    return f"{listing(names) if len(names) <= MAX_NAMED else joined(len(names), 'checkpoint')} predict"


def _predicted(means: pd.DataFrame, language: str) -> str:
    """Where the pivot's tokens are more probable than those of the language read."""
    leading, layers = means.index[means["pivot"] > means["same"]].tolist(), means.index.tolist()
    if not leading:
        return "the language read at every layer"
    if leading == layers:
        return f"{language} at every layer"
    if leading == layers[-len(leading) :]:
        return f"{language} from layer {leading[0]} on"
    return f"{language} at {layers_in_words(leading)} only"


def inside_in_words(inside: Inside) -> dict[str, list[str]]:
    """Findings by question, for the page and the terminal: question -> one line per checkpoint."""
    pivot = inside.settings["pivot"]
    language = language_name(pivot)
    thinks, neurons = f"Does it think in {language}?", "Which neurons carry a language?"
    removal, steering = "What does removing a language change?", f"Can it be steered to {language}?"
    findings = {
        thinks: [_predicted_languages(name, rows, pivot) for name, rows in by_checkpoint(inside, "lens")],
        neurons: [],
        removal: [],
        steering: [],
    }
    for name, rows in by_checkpoint(inside, "interventions"):
        for intervention, question, describe in (
            ("neurons", neurons, _ablated),
            ("subspace", removal, _removed),
            ("steering", steering, _steered),
        ):
            selected = rows[rows["intervention"] == intervention]
            if len(selected):
                findings[question].append(f"{name}: {describe(selected, language)}")
    return {question: lines for question, lines in findings.items() if lines}


def _predicted_languages(name: str, rows: pd.DataFrame, pivot: str) -> str:
    means = mean_probabilities(rows, pivot)
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


def _ablated(rows: pd.DataFrame, language: str) -> str:
    same = rows["of"] == rows["language"]
    larger = rows[same & (rows["p_adjusted"] < 0.05) & (rows["value"] > rows["control"])]
    return (
        f"in {len(larger)} of {joined(int(same.sum()), 'language')}, ablating the language's neurons "
        f"({rows[same]['size'].mean():.0f} on average) raises its loss more than ablating random neurons of the same layers; "
        f"mean {rounded(rows[same]['value'].mean(), '+')} nats per token, random {rounded(rows[same]['control'].mean(), '+')}, "
        f"other languages {rounded(rows[~same]['value'].mean(), '+')} ({_tested(rows)})"
    )


def _removed(rows: pd.DataFrame, language: str) -> str:
    loss, retrieval = (rows[rows["outcome"] == outcome] for outcome in ("loss", "p_at_1"))
    return (
        f"removing the {joined(int(rows['size'].iloc[0]), 'direction')} between the languages' means changes the loss by "
        f"{_against_random(loss, ' nats per token')}, and raw P@1 at the last layer by {_against_random(retrieval)}; "
        f"mean over {layers_in_words(set(rows['layer'].dropna()))} ({_tested(rows)})"
    )


def _steered(rows: pd.DataFrame, language: str) -> str:
    to_pivot, same = (rows[rows["outcome"] == outcome] for outcome in ("pivot", "own"))
    return (
        f"replacing each language's mean by that of {language} changes the probability of {language} tokens by "
        f"{_against_random(to_pivot)}, and of same-language tokens by {_against_random(same)} ({_tested(rows)})"
    )


def _against_random(rows: pd.DataFrame, unit: str = "") -> str:
    """The mean effect, that of random interventions, and in how many rows the two differ."""
    apart = f"{(rows['p_adjusted'] < 0.05).sum()} of {joined(len(rows), 'case')}"
    return f"{rounded(rows['value'].mean(), '+')}{unit} (random {rounded(rows['control'].mean(), '+')}; different in {apart})"


def _tested(rows: pd.DataFrame) -> str:
    """What "different" means, or that there are too few random interventions to say so."""
    if rows["controls"].isna().any():  # a folder of an earlier version
        return "adjusted p < .05, given these three random ones"
    controls = int(rows["controls"].min())
    if 1 / (1 + controls) >= 0.05:
        return f"{joined(controls, 'random one')} cannot give an adjusted p < .05; 20 can"
    return f"adjusted p < .05, against {controls} random ones each"
