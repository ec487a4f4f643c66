"""The page of what was found inside checkpoints: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.corpora.languages import language_name
from repalign.errors import RepalignError
from repalign.figures import inside as figures
from repalign.figures.style import SCREENS, Style, styles
from repalign.report.findings.words import joined, layers_in_words
from repalign.report.layout import fill, numbered, write_page
from repalign.report.packing import to_json
from repalign.results.inside import Inside

if TYPE_CHECKING:
    import pandas as pd

HEIGHT = 360
OUTCOMES = {
    "loss": "loss, nats a token",
    "own": "probability of own words",
    "pivot": "probability of {pivot} words",
    "p_at_1": "P@1 with {pivot} at the last layer",
}
"""What interventions are measured by, as axes name it."""

Panel = tuple[str, dict[str, Any]]
"""A title and a picture."""


def write_inside(found: Inside, path: str | Path) -> Path:
    """Write the page; see `repalign.report.layout.write_page`."""
    return write_page(render_inside(found), path)


def render_inside(found: Inside) -> str:
    """The page. A table that is not there is not drawn.

    Raises:
        RepalignError: nothing was found.
    """
    if found.tables["lens"].empty:
        raise RepalignError(
            "the table 'lens' has no rows: there is nothing to report; run `repalign inside` again"
        )
    panels, pictures = numbered({name: draw(found) for name, draw in PANELS.items()})
    rows = found.tables["lens"]
    sentences, languages = rows["sentences"].max(), rows["language"].nunique()
    return fill(
        "inside.html",
        ["figures.js"],
        title=found.title,
        lead=f"{joined(languages, 'language')}, {sentences:,} sentences each, {joined(len(found.signatures), 'checkpoint')}",
        findings=inside_in_words(found),
        panels=panels,
        height=HEIGHT,
        pivot_name=language_name(found.settings["pivot"]),
        known=_known(found),
        command=found.about.get("command"),
        facts={**found.signatures, **_notes(found)},
        data=to_json({"figures": pictures, "sheets": SCREENS, "height": HEIGHT}),
    )


def _each(found: Inside, table: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """A table by checkpoint."""
    if table in found.tables:
        for name, rows in found.tables[table].groupby("checkpoint", sort=False):
            yield str(name), rows


def _looks(found: Inside) -> dict[str, Style]:
    read = (table["language"] for table in found.tables.values())
    return styles(dict.fromkeys([*found.settings["languages"], *chain.from_iterable(read)]))


def _lens(found: Inside) -> Iterator[Panel]:
    pivot = found.settings["pivot"]
    for name, rows in _each(found, "lens"):
        likely = rows[rows["measure"] == "probability"]
        own = likely[likely["toward"] == likely["language"]]
        other = likely[(likely["toward"] == pivot) & (likely["language"] != pivot)]
        unsure = rows[rows["measure"] == "entropy"]
        for title, label, drawn, everywhere in (
            ("own words", "probability of own words", own, likely),
            (f"{pivot} words", f"probability of {pivot} words", other, likely),
            ("entropy", "entropy, of its greatest", unsure, unsure),
        ):
            yield f"{name} · {title}", figures.said(drawn, label, everywhere, _looks(found))


def _neurons(found: Inside) -> Iterator[Panel]:
    changes = dict(_each(found, "interventions"))
    for name, rows in _each(found, "neurons"):
        layers = sorted(found.tables["lens"]["layer"].unique().tolist())[1:]
        yield f"{name} · how many", figures.counts(rows, layers, _looks(found))
        if name in changes and len(taken := changes[name].query("intervention == 'neurons'")):
            yield f"{name} · what they cost", figures.cost(taken)


def _changes(kind: str) -> Any:
    def panels(found: Inside) -> Iterator[Panel]:
        for name, rows in _each(found, "interventions"):
            here = rows[(rows["intervention"] == kind) & rows["layer"].notna()]
            for outcome, own in here.groupby("outcome", sort=False):
                label = OUTCOMES[str(outcome)].format(pivot=found.settings["pivot"])
                yield f"{name} · {label}", figures.changed(own, f"change of {label}", _looks(found))

    return panels


PANELS = {
    "lens": _lens,
    "neurons": _neurons,
    "subspace": _changes("subspace"),
    "steering": _changes("steering"),
}
"""Sections of the page: what each draws."""


def inside_in_words(found: Inside) -> dict[str, list[str]]:
    """Findings by question, for the page and the terminal."""
    pivot = found.settings["pivot"]
    words = {
        f"Does it think in {language_name(pivot)}?": [
            _thought(name, rows, pivot) for name, rows in _each(found, "lens")
        ],
        "Which neurons carry a language?": [],
        "What does a language cost?": [],
    }
    for name, rows in _each(found, "interventions"):
        for kind, title, tell in (
            ("neurons", "Which neurons carry a language?", _carried),
            ("subspace", "What does a language cost?", _removed),
            ("steering", "What does a language cost?", _steered),
        ):
            own = rows[rows["intervention"] == kind]
            if len(own):
                words[title].append(f"{name}: {tell(own, pivot)}")
    return {title: lines for title, lines in words.items() if lines}


def _thought(name: str, rows: pd.DataFrame, pivot: str) -> str:
    likely = rows[(rows["measure"] == "probability") & (rows["language"] != pivot)]
    of_pivot = likely[likely["toward"] == pivot].groupby("layer")["value"].mean().rename("pivot")
    of_text = likely[likely["toward"] == likely["language"]].groupby("layer")["value"].mean().rename("text")
    means = of_pivot.to_frame().join(of_text).dropna()
    if means.empty:
        return f"{name}: no text in a language other than {language_name(pivot)} was read"
    layers = dict.fromkeys([int(means["pivot"].idxmax()), int(means.index.max())])
    leading = means.index[means["pivot"] > means["text"]].tolist()
    shares = "; ".join(
        f"layer {layer} {means['pivot'][layer]:.2f} against {means['text'][layer]:.2f}" for layer in layers
    )
    return (
        f"{name}, reading other languages: {language_name(pivot)} words are likelier than their own at "
        f"{layers_in_words(leading)} ({shares})"
    )


def _carried(rows: pd.DataFrame, pivot: str) -> str:
    same = rows["of"] == rows["language"]
    surely = rows[same & (rows["p_adjusted"] < 0.05) & (rows["value"] > rows["control"])]
    return (
        f"without a language's neurons ({rows[same]['size'].mean():.0f} on average) its loss changes by "
        f"{rows[same]['value'].mean():+.2f} nats a token, that of others by {rows[~same]['value'].mean():+.2f}; without as "
        f"many at random, by {rows[same]['control'].mean():+.2f}. Surely more than at random in {len(surely)} of "
        f"{joined(same.sum(), 'language')}"
    )


def _removed(rows: pd.DataFrame, pivot: str) -> str:
    loss, found = (rows[rows["outcome"] == outcome] for outcome in ("loss", "p_at_1"))
    return (
        f"without the {joined(int(rows['size'].iloc[0]), 'direction')} between languages' means, loss changes by "
        f"{loss['value'].mean():+.2f} nats a token (at random {loss['control'].mean():+.2f}), raw P@1 at the last layer by "
        f"{found['value'].mean():+.2f} ({found['control'].mean():+.2f}); mean over {layers_in_words(set(rows['layer'].dropna()))}"
    )


def _steered(rows: pd.DataFrame, pivot: str) -> str:
    other, own = (rows[rows["outcome"] == outcome] for outcome in ("pivot", "own"))
    return (
        f"with the mean of {language_name(pivot)} in place of their own, in texts of other languages the probability of "
        f"{language_name(pivot)} words changes by {other['value'].mean():+.2f}, of their own by {own['value'].mean():+.2f} "
        f"(at random {other['control'].mean():+.2f} and {own['control'].mean():+.2f})"
    )


def _known(found: Inside) -> str:
    counts = next(iter(found.settings["checkpoints"].values()))["tokens"]
    listed = ", ".join(f"{language} {count:,}" for language, count in counts.items())
    return f"Tokens known to be of one language only: {listed}; all others count for none."


def _notes(found: Inside) -> dict[str, str]:
    return {
        f"notes, {name}": "; ".join(notes)
        for name in found.signatures
        if (notes := found.settings["checkpoints"][name]["notes"])
    }
