"""From results to one self-contained HTML file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from repalign.corpora.languages import language_name
from repalign.figures import FIGURES
from repalign.figures.lines import MAX_NAMED_LINES
from repalign.figures.names import Names, presentable
from repalign.figures.security import as_text
from repalign.figures.style import HEIGHT
from repalign.figures.view import View
from repalign.report.about import profile_about
from repalign.report.confusions import confusions
from repalign.report.findings import Finding, Verdicts, findings, headline, leading
from repalign.report.layout import fill
from repalign.report.manifest import facts, manifest
from repalign.report.map import MAX_POINTS, map_data, mapped_sentences
from repalign.report.methods import methods
from repalign.report.packing import compressed, to_json
from repalign.report.references import bibtex
from repalign.results.drawn import Drawn, chunk
from repalign.version import __version__

if TYPE_CHECKING:
    from repalign.results.results import Results

PAGE_CHOICES = ("metric", "variant", "layer")
"""Choices made once for all figures by the page's controls; every other choice gets a separate panel."""

FIGURE_CHOICES = {"geometry": "measure", "layer_cka": "language"}
"""Figures with a separate control, and the choice it makes."""

TITLES = {"series": "each language at its best layer"}
"""Of figures that have one panel only, whatever the results."""

INTERACTIVE = ("map",)
"""Figures that the page replaces by an interactive version."""

SCRIPTS = ("density.js", "map.js", "space.js", "focus.js", "multiples.js", "page.js")
TALLEST = 900
"""Pixels of a figure; one that is taller scrolls by itself."""

LEADS = ("difference", "series", "curves")
"""Figures that answer the first question of a page, what changed or where languages align: the first there is stands on top."""

DIGITS = 6
"""Significant digits of the CSV on the page."""

MAX_BYTES = 25_000_000
"""Size of a page; beyond that, more sentences are left out of its map, at last all of them."""

MAX_FIGURES = 4_000_000
"""Characters of the data of all figures on a page; beyond that, each figure is a chunk beside it."""

MAX_CSV_CHARACTERS = 40_000_000
"""Characters of the table that can be downloaded from the page, before compression; a larger one is left out."""


def render(results: Results) -> str:
    """The page in one file, however large its figures; see `drawn`."""
    return _drawn(results, math.inf).html


def drawn(results: Results) -> Drawn:
    """The page, of bounded size: what is left out is said there. Missing tables are skipped.

    Figures that are too many for one file are chunks beside it, apart from the one that stands on top.
    """
    return _drawn(results, MAX_FIGURES)


def _drawn(results: Results, most: float) -> Drawn:
    csv = _csv(results)
    shown, names = presentable(results)
    view = View(shown)
    panels = {name: _panels(view, name) for name in FIGURES if name not in INTERACTIVE}
    lead = next(panels[name][0] for name in LEADS if panels[name])
    texts = {panel["id"]: to_json(panel["pictures"]) for named in panels.values() for panel in named}
    chunks: dict[str, str] = {}
    if sum(map(len, texts.values())) > most:
        for panel in (one for named in panels.values() for one in named if one is not lead):
            panel["chunk"], text = chunk(panel["id"], compressed(texts[panel["id"]]))
            chunks[panel["chunk"]] = text
    page = ""
    for max_points in (MAX_POINTS, MAX_POINTS // 8, 0):
        page = _page(view, names, panels, lead, map_data(shown, max_points), csv)
        if len(page.encode("utf-8", "replace")) <= MAX_BYTES:
            break
    return Drawn(page, chunks)


def _csv(results: Results) -> str | None:
    """The scores with their names in full, compressed; None if they are too many for a page."""
    table = results.profile.table
    text = table.select_dtypes(exclude="number")
    size = sum(int(text[name].str.len().sum()) for name in text) + 12 * table.size
    if size > MAX_CSV_CHARACTERS:
        return None
    return compressed(table.to_csv(index=False, float_format=f"%.{DIGITS}g"))


def _page(
    view: View,
    names: Names,
    panels: dict[str, list[dict]],
    lead: dict[str, Any],
    points: dict | None,
    csv: str | None,
) -> str:
    results = view.results
    said, confused = _said(view), confusions(results)
    count = len(view.checkpoints)
    return fill(
        "page.html",
        SCRIPTS,
        {**_data(view, said[0]["answers"], panels), "map": points, "confusions": confused, "csv": csv},
        names.full,
        about=profile_about(view),
        explained=[*_values(view, "metric"), *_values(view, "variant"), *_panel_terms(view)],
        title=results.title,
        kind="single" if count == 1 else "compare" if count == 2 else "series",
        findings=said,
        panels=panels,
        lead=lead,
        tall=TALLEST,
        below={name: [one for one in panels[name] if one is not lead] for name in LEADS},
        notes=_notes(view),
        languages={"": "all", **{code: language_name(code) for code in view.targets}},
        metrics={name: view.label(name) for name in _values(view, "metric")},
        variants={name: name for name in _values(view, "variant")},
        layers=_layers(view),
        chosen={name: _chosen(panels[name], key) for name, key in FIGURE_CHOICES.items()},
        map=points,
        mapped=mapped_sentences(results),
        confusions=confused,
        has_csv=csv is not None,
        manifest=manifest(results.about.get("manifest")),
        profile=results.profile,
        command=results.about.get("command"),
        methods=methods(view),
        bibtex=bibtex(_values(view, "metric"), _version(results)),
        facts=facts(results),
        digits=DIGITS,
        beside=any("chunk" in panel for named in panels.values() for panel in named),
    )


def _said(view: View) -> list[dict[str, Any]]:
    """The findings of every metric and variant that can be chosen, the leading ones first: `answers` by question."""
    verdicts, said = Verdicts(view), []
    for choice in view.choices("scores", "metric", "variant") or [leading(view)]:
        found = findings(verdicts, **choice)
        answers = {
            word: [one for one in found if one.question == word] for word in ("where", "changed", "sure")
        }
        head = headline(verdicts, **choice)
        said.append(
            {**choice, "headline": head.text, "answers": answers, "summarised": _summarised(head, answers)}
        )
    return said


def _summarised(head: Finding, answers: dict[str, list[Finding]]) -> Finding | None:
    """The finding that the headline says in short, which the page need not repeat."""
    about = {(claim.checkpoint, claim.other) for claim in head.claims}
    of_changes = [
        one
        for one in answers["changed"]
        if {(claim.checkpoint, claim.other) for claim in one.claims} == about
    ]
    checkpoints = {claim.checkpoint for claim in head.claims}
    of_levels = [one for one in answers["where"] if {claim.checkpoint for claim in one.claims} == checkpoints]
    return next(iter(of_changes or (of_levels if not answers["changed"] else [])), None)


def _panels(view: View, name: str) -> list[dict[str, Any]]:
    """The pictures of one figure, one panel for each combination of choices that no control makes."""
    figure = FIGURES[name]
    follows = (*PAGE_CHOICES, FIGURE_CHOICES.get(name))
    panels: dict[tuple, dict[str, Any]] = {}
    for choice in figure.choices(view):
        fixed = {key: value for key, value in choice.items() if key not in follows}
        title = _title(fixed) or TITLES.get(name, "")
        panel = panels.setdefault(
            tuple(fixed.items()),
            {
                "id": f"{name}-{len(panels) + 1}",
                "figure": name,
                "checkpoint": fixed.get("checkpoint"),
                "title": title,
                "label": f"{str(figure.__doc__).splitlines()[0].rstrip('.')}; {title}",
                "pictures": [],
            },
        )
        followed = {key: choice[key] for key in follows if key in choice}
        panel["pictures"].append({"choice": followed, **figure.draw(view, **choice)})
    for panel in panels.values():
        panel["height"] = max(picture["layout"].setdefault("height", HEIGHT) for picture in panel["pictures"])
        panel["cursor"] = panel["pictures"][0]["layout"]["xaxis"].get("title") == {"text": "layer"}
    return list(panels.values())


def _title(fixed: dict[str, Any]) -> str:
    named = [
        str(value).replace("_", " ") for key, value in fixed.items() if key not in ("checkpoint", "baseline")
    ]
    if "baseline" in fixed:
        return " · ".join([f"{fixed['checkpoint']} against {fixed['baseline']}", *named])
    return " · ".join([str(fixed["checkpoint"]), *named]) if "checkpoint" in fixed else " · ".join(named)


def _data(
    view: View,
    answers: dict[str, list[Finding]],
    panels: dict[str, list[dict]],
) -> dict[str, Any]:
    """The data of the page's scripts."""
    depths, layers = _depths(view), _layers(view)
    first = [one.choice["layer"] for found in answers.values() for one in found if "layer" in one.choice]
    return {
        "panels": [_light(panel) for named in panels.values() for panel in named],
        "languages": [
            {
                "code": code,
                "label": as_text(code),
                "name": language_name(code),
                "colour": style.colour,
                "symbol": style.symbol,
            }
            for code, style in view.styles.items()
        ],
        "pivot": view.pivot,
        "height": HEIGHT,
        "layers": layers,
        "depths": depths,
        "deepest": max(depths, key=lambda name: len(depths[name])),
        "start": {**leading(view), "layer": first[0] if first else layers[len(layers) // 2]},
    }


def _light(panel: dict[str, Any]) -> dict[str, Any]:
    """What the page itself holds of a panel."""
    return {**panel, "pictures": []} if "chunk" in panel else panel


def _depths(view: View) -> dict[str, dict[int, float]]:
    """Each checkpoint's layers with their relative depth."""
    rows = view.scored
    rows = rows.drop_duplicates(["checkpoint", "layer"]).sort_values("layer")
    return {
        str(name): dict(zip(layers["layer"].tolist(), layers["depth"].tolist(), strict=True))
        for name, layers in rows.groupby("checkpoint", sort=False)
    }


def _layers(view: View) -> list[int]:
    return list(max(_depths(view).values(), key=len))


def _version(results: Results) -> str:
    """The version of repalign that computed the results, else the one that draws the page."""
    return str((results.about.get("versions") or {}).get("repalign", __version__))


def _panel_terms(view: View) -> list[str]:
    """Ids of what controls and figures name without a text: controls and measures."""
    named = (("controls", "control"), ("geometry", "measure"), ("separation", "measure"))
    tables = ((view.rows(table), column) for table, column in named)
    return [str(name) for rows, column in tables if len(rows) for name in rows[column].unique()]


def _notes(view: View) -> dict[str, str]:
    """How to read the figures in `LEADS`."""
    choose = "Choose a language to see its interval; click a mark to select its layer."
    chance = "Filled marks are significantly better than chance, the dotted line."
    baselines = "The grey band is the range of the baselines, which a score should beat."
    every = len(view.targets) > MAX_NAMED_LINES
    if every:
        chance = f"{len(view.targets)} languages, shown as quantiles, and each below, the best first. The dotted line is chance."
    return {
        "curves": " ".join(
            [chance, *([baselines] if len(view.rows("controls")) else []), *([] if every else [choose])]
        ),
        "difference": f"Paired differences on the same sentences. Filled marks are significant changes. {choose}",
        "series": "Each language at its best layer, chosen on some sentences and scored on the others. Filled marks are "
        "significantly better than chance.",
    }


def _values(view: View, column: str) -> list[str]:
    choices = view.choices("scores", "metric", "variant") + view.choices("differences", "metric", "variant")
    return list(dict.fromkeys(choice[column] for choice in choices))


def _chosen(panels: list[dict], key: str) -> dict[str, str]:
    """The options of a figure's separate control."""
    values = [str(picture["choice"][key]) for panel in panels for picture in panel["pictures"]]
    return {value: value.replace("_", " ") for value in dict.fromkeys(values)}
