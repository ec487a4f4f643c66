"""The page of `repalign inside`: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from repalign.corpora.languages import language_name
from repalign.errors import RepalignError
from repalign.figures import inside as figures
from repalign.figures.names import LONGEST_TEXT, presentable, shortened
from repalign.figures.style import Style, language_styles
from repalign.figures.view import corpus_of
from repalign.report.about import few, made, read
from repalign.report.inside_text import by_checkpoint, headline, inside_in_words
from repalign.report.layout import Panel, fill, numbered
from repalign.results.inside import Inside

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["inside_in_words", "render_inside"]

OUTCOMES = {
    "loss": "loss (nats per token)",
    "own": "probability of same-language tokens",
    "pivot": "probability of {pivot} tokens",
    "p_at_1": "P@1 with {pivot} at the last layer",
}
"""Outcomes of interventions, as labels of axes, in the order of the page."""


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
    rows, signatures = inside.tables["lens"], inside.signatures
    sentences = rows["sentences"].max()
    return fill(
        "inside.html",
        ["linked.js", "figures.js"],
        {"figures": pictures},
        names.full,
        title=inside.title,
        about={
            "checkpoint" if len(signatures) == 1 else "checkpoints": few(signatures),
            "corpus": corpus_of(signatures),
            "sentences": f"{sentences:,} a language",
            "languages": few(rows["language"].unique()),
            "pivot": language_name(inside.settings["pivot"]),
            "layers": str(rows["layer"].nunique()),
            **read(signatures),
            **made(signatures.values(), inside.about),
        },
        headline=headline(inside),
        findings=inside_in_words(inside),
        panels=panels,
        pivot_name=language_name(inside.settings["pivot"]),
        token_counts=_token_counts(inside),
        command=inside.about.get("command"),
        facts={**inside.signatures, **_notes(inside)},
    )


def _styles(inside: Inside) -> dict[str, Style]:
    shown = (table["language"] for table in inside.tables.values())
    return language_styles([*inside.settings["languages"], *chain.from_iterable(shown)])


def _overview(inside: Inside) -> Iterator[Iterator[Panel]]:
    """Per checkpoint: the pivot's tokens against those of the language read."""
    pivot, lens = inside.settings["pivot"], inside.tables["lens"]
    shown = lens[(lens["measure"] == "probability") & (lens["language"] != pivot)]
    shown = shown[(shown["toward"] == shown["language"]) | (shown["toward"] == pivot)]
    colour = _styles(inside)[pivot].colour
    yield (
        (name, figures.overview(rows, language_name(pivot), pivot, colour, shown))
        for name, rows in shown.groupby("checkpoint", sort=False)
    )


def _lens(inside: Inside) -> Iterator[Iterator[Panel]]:
    """A row for each measure, a column for each checkpoint."""
    pivot, lens = inside.settings["pivot"], inside.tables["lens"]
    probability = lens[lens["measure"] == "probability"]
    other = probability["language"] != pivot
    for title, label, measured, everywhere in (
        (
            "same-language tokens",
            "probability",
            probability["toward"] == probability["language"],
            probability,
        ),
        (f"{pivot} tokens", "probability", (probability["toward"] == pivot) & other, probability),
        ("entropy", "entropy / maximum", slice(None), lens[lens["measure"] == "entropy"]),
    ):
        yield (
            (f"{name} · {title}", figures.lens(rows, label, everywhere, _styles(inside)))
            for name, rows in everywhere[measured].groupby("checkpoint", sort=False)
        )


def _neurons(inside: Inside) -> Iterator[list[Panel]]:
    """Where the neurons are, and below, the effect of ablating them: the colours of all checkpoints share a scale."""
    if "neurons" not in inside.tables and "interventions" not in inside.tables:
        return
    found = dict(by_checkpoint(inside, "neurons"))
    layers = sorted(inside.tables["lens"]["layer"].unique().tolist())[1:]
    most = max((int(rows["layer"].value_counts().max()) for rows in found.values()), default=0)
    yield [
        (f"{name} · neurons by layer", figures.counts(found[name], layers, most, _styles(inside)))
        if name in found
        else (name, "No language-specific neurons were selected: see the notes at the end.")
        for name in inside.signatures
    ]
    ablated = {
        name: rows[rows["intervention"] == "neurons"]
        for name, rows in by_checkpoint(inside, "interventions")
        if (rows["intervention"] == "neurons").any()
    }
    largest = max((rows["value"].abs().max() for rows in ablated.values()), default=0.0)
    if ablated:
        yield [
            (f"{name} · effect of ablating them", figures.ablation(ablated[name], largest))
            if name in ablated
            else (name, "Nothing was ablated.")
            for name in inside.signatures
        ]


def _effects(intervention: str) -> Callable[[Inside], Iterator[Iterator[Panel]]]:
    """A row for each outcome, a column for each checkpoint."""

    def panels(inside: Inside) -> Iterator[Iterator[Panel]]:
        if "interventions" not in inside.tables:
            return
        rows = inside.tables["interventions"]
        selected = rows[(rows["intervention"] == intervention) & rows["layer"].notna()]
        for outcome, label in OUTCOMES.items():
            effects = selected[selected["outcome"] == outcome]
            if len(effects):
                yield _row(inside, effects, label.format(pivot=inside.settings["pivot"]))

    return panels


def _row(inside: Inside, effects: pd.DataFrame, label: str) -> Iterator[Panel]:
    for name, rows in effects.groupby("checkpoint", sort=False):
        yield f"{name} · {label}", figures.effects(rows, "change", effects, _styles(inside))


PANELS: dict[str, Callable[[Inside], Iterator]] = {
    "overview": _overview,
    "lens": _lens,
    "neurons": _neurons,
    "subspace": _effects("subspace"),
    "steering": _effects("steering"),
}
"""Section of the page -> its figures, in rows."""


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
