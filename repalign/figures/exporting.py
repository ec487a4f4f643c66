"""Figures as files for papers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from repalign.errors import RepalignError, unknown
from repalign.files import write_atomically
from repalign.results.paths import GENERATOR

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

IMAGE_FORMATS = ("svg", "pdf", "png")
FORMATS = (*IMAGE_FORMATS, "html", "json")
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


def exported(figure: Figure, name: str, width: int = 700, height: int | None = None) -> bytes:
    """What `export` writes.

    Args:
        name: of the file; its suffix gives the format.

    Raises:
        RepalignError: see `export`.
    """
    kind = Path(name).suffix[1:].lower()
    if kind not in FORMATS:
        raise unknown("figure format", kind, FORMATS)
    if kind == "json":
        return str(figure.to_json()).encode()
    if kind == "html":
        camera = {"toImageButtonOptions": {"format": "svg", "filename": Path(name).stem}}
        page = figure.to_html(include_plotlyjs=True, config={"displaylogo": False, **camera})
        return page.replace("<head>", f"<head>{GENERATOR}", 1).encode()
    return _drawn(figure, kind, width, height or figure.layout.height or 420)


def _drawn(figure: Figure, kind: str, width: int, height: int) -> bytes:
    remedy = "or use --format html, whose camera button saves SVG"
    try:
        import kaleido  # noqa: F401
    except ImportError as error:
        raise RepalignError(
            f"{kind} needs Plotly's exporter: pip install kaleido, and install Chromium or Chrome; {remedy}"
        ) from error
    try:
        return figure.to_image(kind, width=width, height=height, scale=RESOLUTION if kind == "png" else 1)
    except (
        Exception
    ) as error:  # kaleido and choreographer have no common base class for "no browser" and "browser died"
        raise RepalignError(
            f"{kind} needs a working Chromium or Chrome ({type(error).__name__}); install one, {remedy}"
        ) from error
