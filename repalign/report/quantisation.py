"""The page of `repalign quantisation`: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from repalign.corpora.languages import language_name
from repalign.errors import RepalignError
from repalign.figures import quantisation as figures
from repalign.figures.names import LONGEST_TEXT, presentable, shortened
from repalign.figures.style import Style, language_styles
from repalign.figures.view import corpus_of
from repalign.report.about import few, made, read
from repalign.report.layout import Panel, fill, numbered
from repalign.report.quantisation_text import headline, quantisation_in_words
from repalign.results.quantisation import Quantisation

if TYPE_CHECKING:
    import pandas as pd

GRIDS = {
    "nats_per_token": ("nats per token", "+.2f"),
    "share_of_loss": ("share of the loss of the base", "+.1%"),
    "nats_per_sentence": ("nats per sentence", "+.1f"),
    "kl": ("KL divergence (nats per token)", ".3f"),
}
"""Measures of differences with a grid of their own: label and format."""

ALIGNMENT = {"mexa": "MEXA, centred", "p_at_1": "P@1, centred"}
"""Metrics of alignment, as labels."""


def render_quantisation(quantised: Quantisation) -> str:
    """The page as HTML; missing tables are skipped.

    Raises:
        RepalignError: the losses have no differences.
    """
    if quantised.changes("nats_per_token").empty:
        raise RepalignError(
            "the table 'losses' has no differences: there is nothing to report; run `repalign quantisation` again"
        )
    quantised, names = presentable(quantised)
    panels, pictures = numbered({name: draw(quantised) for name, draw in PANELS.items()})
    losses, settings = quantised.tables["losses"], quantised.settings
    sentences = f"{losses['sentences'].max():,} a language"
    documents = settings["documents"]
    return fill(
        "quantisation.html",
        ["linked.js", "figures.js"],
        {"figures": pictures},
        names.full,
        title=quantised.title,
        about={
            "base": quantised.base,
            "versions": few(quantised.order),
            "corpus": corpus_of(quantised.signatures),
            "sentences": f"{sentences}, in {documents:,} documents" if documents else sentences,
            "languages": few(losses["language"].unique()),
            "pivot": language_name(settings["pivot"]),
            **read(quantised.signatures),
            **made(quantised.signatures.values(), quantised.about),
        },
        headline=headline(quantised),
        findings=quantisation_in_words(quantised),
        panels=panels,
        base=quantised.base,
        pivot_name=language_name(settings["pivot"]),
        versions=quantised.order,
        losses=list(_numbers(quantised)),
        command=quantised.about.get("command"),
        facts={**quantised.signatures, **_notes(quantised)},
    )


def _styles(quantised: Quantisation) -> dict[str, Style]:
    shown = quantised.tables["losses"]["language"]
    return language_styles([*quantised.settings["languages"], *shown])


def _grid(*measures: str) -> Callable[[Quantisation], Iterator[list[Panel]]]:
    """A grid for each measure, languages by versions."""

    def panels(quantised: Quantisation) -> Iterator[list[Panel]]:
        yield [
            (label, figures.increases(rows, quantised.order, label, digits))
            for label, digits, rows in ((*GRIDS[name], quantised.changes(name)) for name in measures)
            if len(rows)
        ]

    return panels


def _drift(quantised: Quantisation) -> Iterator[list[Panel]]:
    """A row for each measure, a column for each version."""
    if "state_drift" not in quantised.tables:
        return
    table = quantised.tables["state_drift"]
    for measure, label in (("cosine", "cosine with the base"), ("cka", "CKA with the base")):
        yield list(_by_version(quantised, table[table["measure"] == measure], label))


def _alignment(quantised: Quantisation) -> Iterator[list[Panel]]:
    """A row for each metric, a column for each version: the difference from the base, both directions averaged."""
    if "alignment_by_layer" not in quantised.tables:
        return
    table, pivot = quantised.tables["alignment_by_layer"], quantised.settings["pivot"]
    changes = table[table["baseline"].notna()]
    changes = changes.assign(language=changes["target"].where(changes["target"] != pivot, changes["source"]))
    for metric, label in ALIGNMENT.items():
        rows = changes[changes["metric"] == metric]
        by = ["checkpoint", "language", "layer"]
        means = rows.groupby(by, sort=False, as_index=False)["value"].mean()
        yield list(_by_version(quantised, means, f"difference in {label}"))


def _by_version(quantised: Quantisation, rows: pd.DataFrame, label: str) -> Iterator[Panel]:
    for name in quantised.order:
        of_version = rows[(rows["checkpoint"] == name) & rows["value"].notna()]
        if len(of_version):
            yield f"{name} · {label}", figures.lines(of_version, label, rows, _styles(quantised))


PANELS: dict[str, Callable[[Quantisation], Iterator]] = {
    "overview": _grid("nats_per_token"),
    "losses": _grid("share_of_loss", "nats_per_sentence", "kl"),
    "drift": _drift,
    "alignment": _alignment,
}
"""Section of the page -> its figures, in rows."""


def _numbers(quantised: Quantisation) -> Iterator[tuple[str, ...]]:
    """Language, loss of the base, then the increase in each version, with intervals."""
    changes = quantised.changes("nats_per_token").set_index(["language", "checkpoint"])
    for _, base in quantised.of_base("nats_per_token").iterrows():
        cells = (changes.loc[(base["language"], name)] for name in quantised.order)
        yield (
            language_name(base["language"]), f"{base['value']:.3f} [{base['low']:.3f}, {base['high']:.3f}]",
            *(f"{row['value']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]" for row in cells),
        )  # fmt: skip


def _notes(quantised: Quantisation) -> dict[str, str]:
    notes = quantised.settings["notes"]
    saved = {name: kind for name, kind in quantised.settings["saved_as"].items() if kind}
    facts = {
        "saved as": ", ".join(f"{name}: {kind}" for name, kind in saved.items()),
        "notes": "; ".join(notes),
    }
    return {label: shortened(text, LONGEST_TEXT) for label, text in facts.items() if text}
