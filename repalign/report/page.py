"""From results to one HTML file that needs nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repalign.corpora.languages import language_name
from repalign.figures import FIGURES
from repalign.figures.lines import NAMED
from repalign.figures.style import SCREENS
from repalign.figures.view import View
from repalign.report.confusions import confusions
from repalign.report.findings import Finding, findings, leading
from repalign.report.findings.words import joined
from repalign.report.layout import fill
from repalign.report.manifest import facts, manifest
from repalign.report.map import space
from repalign.report.packing import compressed, to_json

if TYPE_CHECKING:
    from repalign.results.results import Results

FOLLOWED = ("metric", "variant", "layer")
"""Choices that the page's controls make for all figures; every other choice gets a panel of its own."""

CHOSEN = {"geometry": "measure", "layer_cka": "language"}
"""Figures with a control of their own, and what it chooses."""

OWN = ("map",)
"""Figures of which the page has one of its own that moves."""

SCRIPTS = ("map.js", "space.js", "page.js")
DIGITS = 6
HEIGHT = 380


def render(results: Results) -> str:
    """The page. A table that is not there is not drawn."""
    view = View(results)
    panels = {name: _panels(view, name) for name in FIGURES if name not in OWN}
    places, wrong, found = space(results), confusions(results), findings(view)
    count = len(view.checkpoints)
    return fill(
        "page.html",
        SCRIPTS,
        title=results.title,
        lead=_lead(view),
        kind="single" if count == 1 else "compare" if count == 2 else "series",
        findings={word: [f for f in found if f.question == word] for word in ("where", "changed", "sure")},
        panels=panels,
        curves_note=_curves_note(view),
        metrics={name: view.label(name) for name in _values(view, "metric")},
        variants={name: name for name in _values(view, "variant")},
        layers=_layers(view),
        chosen={name: _chosen(panels[name], key) for name, key in CHOSEN.items()},
        space=places,
        confusions=wrong,
        manifest=manifest(results.about.get("manifest")),
        profile=results.profile,
        command=results.about.get("command"),
        facts=facts(results),
        digits=DIGITS,
        data=to_json(_data(view, found, panels, places, wrong)),
    )


def _panels(view: View, name: str) -> list[dict[str, Any]]:
    """The pictures of one figure, gathered by the choices that the controls do not make."""
    figure = FIGURES[name]
    follows = (*FOLLOWED, CHOSEN.get(name))
    panels: dict[tuple, dict[str, Any]] = {}
    for choice in figure.choices(view):
        own = {key: value for key, value in choice.items() if key not in follows}
        title = _title(own)
        panel = panels.setdefault(
            tuple(own.items()),
            {
                "id": f"{name}-{len(panels) + 1}",
                "figure": name,
                "checkpoint": own.get("checkpoint"),
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


def _title(own: dict[str, Any]) -> str:
    named = [
        str(value).replace("_", " ") for key, value in own.items() if key not in ("checkpoint", "baseline")
    ]
    if "baseline" in own:
        return " · ".join([f"{own['checkpoint']} against {own['baseline']}", *named])
    return " · ".join([str(own["checkpoint"]), *named]) if "checkpoint" in own else " · ".join(named)


def _data(
    view: View, found: list[Finding], panels: dict[str, list[dict]], places: dict | None, wrong: dict | None
) -> dict[str, Any]:
    """What the page's scripts read."""
    depths, layers = _depths(view), _layers(view)
    first = [finding.choice["layer"] for finding in found if "layer" in finding.choice]
    table = view.results.profile.table.to_csv(index=False, float_format=f"%.{DIGITS}g")
    return {
        "panels": [panel for named in panels.values() for panel in named],
        "sheets": SCREENS,
        "languages": [
            {"code": code, "name": language_name(code), "colour": look.colour, "symbol": look.symbol}
            for code, look in view.looks.items()
        ],
        "pivot": view.pivot,
        "layers": layers,
        "depths": depths,
        "deepest": max(depths, key=lambda name: len(depths[name])),
        "start": {**leading(view), "layer": first[0] if first else layers[len(layers) // 2]},
        "space": places,
        "confusions": wrong,
        "csv": compressed(table),
    }


def _depths(view: View) -> dict[str, dict[int, float]]:
    """Each checkpoint's layers with their relative depth."""
    rows = view.rows("own") if len(view.rows("own")) else view.rows("paired")
    rows = rows.drop_duplicates(["checkpoint", "layer"]).sort_values("layer")
    return {
        str(name): dict(zip(own["layer"].tolist(), own["depth"].tolist(), strict=True))
        for name, own in rows.groupby("checkpoint", sort=False)
    }


def _layers(view: View) -> list[int]:
    return list(max(_depths(view).values(), key=len))


def _lead(view: View) -> str:
    checkpoints, layers = len(view.checkpoints), len(_layers(view))
    return f"{len(view.looks)} languages, {joined(checkpoints, 'checkpoint')}, {layers} layers"


def _curves_note(view: View) -> str:
    if len(view.targets) > NAMED:
        drawn = f"{len(view.targets)} languages, drawn as quantiles; the grid below names each."
        return f"{drawn} The dotted line is chance. Click a mark to move the layer slider."
    return (
        "Filled marks are significantly better than chance. Bands are intervals, the dotted line is chance. "
        "Click a mark to move the layer slider."
    )


def _values(view: View, column: str) -> list[str]:
    choices = view.choices("own", "metric", "variant") + view.choices("paired", "metric", "variant")
    return list(dict.fromkeys(choice[column] for choice in choices))


def _chosen(panels: list[dict], key: str) -> dict[str, str]:
    """What a figure's own control offers."""
    values = [str(picture["choice"][key]) for panel in panels for picture in panel["pictures"]]
    return {value: value.replace("_", " ") for value in dict.fromkeys(values)}
