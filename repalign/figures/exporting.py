"""Figures as files for papers."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from repalign.errors import RepalignError, unknown
from repalign.figures.security import CONFIG, content_policy, inert
from repalign.results.paths import GENERATOR
from repalign.writes import write_atomically

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

IMAGE_FORMATS = ("svg", "pdf", "png")
FORMATS = (*IMAGE_FORMATS, "html", "json")
OFFLINE = {"mathjax": False, "proxy_server": "http://127.0.0.1:9"}
"""How the exporter's browser is started: every connection goes to a port of this machine where nobody listens."""

RESOLUTION = 3
"""Pixels of a PNG for each CSS pixel: 700 wide gives 300 dpi at 7 inches."""


def export(figure: Figure, path: str | Path, *, width: int = 700, height: int | None = None) -> Path:
    """Write a figure atomically, in the format given by the path's suffix; a file of that name is replaced.

    SVG, PDF and PNG use Plotly's exporter, which needs kaleido and Chromium or Chrome. `.html` and `.json` need
    neither: the HTML's camera button saves SVG in any browser, and any Plotly can draw the JSON.

    Args:
        width: in CSS pixels (96 per inch).
        height: in CSS pixels; by default the height set in the figure, or 420.

    Raises:
        RepalignError: unknown format, exporter or browser not found, or the file cannot be written.
    """
    path = Path(path)
    write_atomically(path, exported(figure, path.name, width, height))
    return path


def exported(
    figure: Figure, name: str, width: int = 700, height: int | None = None, resolution: int = RESOLUTION
) -> bytes:
    """What `export` writes.

    Args:
        name: of the file; its suffix gives the format.
        width, height: see `export`.
        resolution: of a PNG, in pixels for each CSS pixel.

    Raises:
        RepalignError: see `export`.
    """
    kind = Path(name).suffix[1:].lower()
    if kind not in FORMATS:
        raise unknown("figure format", kind, FORMATS)
    if kind == "json":
        return str(figure.to_json()).encode("utf-8", "replace")
    if kind == "html":
        return _page(figure, Path(name).stem).encode("utf-8", "replace")
    return _drawn(figure, kind, width, height or figure.layout.height or 420, resolution)


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{generator}
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>html, body, #figure {{ height: 100%; margin: 0; }}</style>
</head>
<body>
<div id="figure"></div>
<script>{plotly}</script>
<script>{draw}</script>
</body>
</html>
"""


def _page(figure: Figure, name: str) -> str:
    """A figure as one HTML file, closed as the pages of reports are."""
    from plotly.offline import get_plotlyjs

    config = CONFIG | {"toImageButtonOptions": {**CONFIG["toImageButtonOptions"], "filename": name}}
    draw = f"Plotly.newPlot('figure', Object.assign({inert(str(figure.to_json()))}, {{ config: {inert(json.dumps(config))} }}))"
    scripts = {"plotly": get_plotlyjs(), "draw": draw}
    return PAGE.format(
        policy=content_policy(scripts.values()), title=escape(name), generator=GENERATOR, **scripts
    )


def _drawn(figure: Figure, kind: str, width: int, height: int, resolution: int) -> bytes:
    remedy = "or use --format html, whose camera button saves SVG"
    options = {"format": kind, "width": width, "height": height, "scale": resolution if kind == "png" else 1}
    try:
        import kaleido
    except ImportError as error:
        raise RepalignError(
            f"{kind} needs Plotly's exporter: pip install kaleido, and install Chromium or Chrome; {remedy}"
        ) from error
    try:
        # not figure.to_image(), which has MathJax fetched from the network and the browser talk to its maker
        return kaleido.calc_fig_sync(figure.to_dict(), opts=options, kopts=dict(OFFLINE))
    except (
        Exception
    ) as error:  # kaleido and choreographer have no common base class for "no browser" and "browser died"
        raise RepalignError(
            f"{kind} needs a working Chromium or Chrome ({type(error).__name__}); install one, {remedy}"
        ) from error
