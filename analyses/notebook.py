"""Runs the example notebook and stores it with its outputs: `python analyses/notebook.py`, or `make notebook`.

GitHub draws no Plotly figure, so each gets a PNG beside it. Needs nbclient, ipykernel, kaleido and Chromium or Chrome.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import nbformat
import plotly.graph_objects as go
from nbclient import NotebookClient

from repalign.figures.exporting import exported

NOTEBOOK = Path(__file__).with_name("first_walk.ipynb")
PLOTLY = "application/vnd.plotly.v1+json"
ENVIRONMENT = {"PLOTLY_RENDERER": "plotly_mimetype", "REPALIGN_PROGRESS": "0"}
"""Figures without a copy of Plotly, and no bars."""


def executed(path: Path) -> Any:
    """The notebook, run from top to bottom; outputs of an earlier run are replaced."""
    notebook = nbformat.read(path, as_version=4)
    os.environ.update(ENVIRONMENT)
    NotebookClient(notebook, kernel_name="python3", record_timing=False).execute()
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", ()):
            if PLOTLY in output.get("data", {}):
                figure = go.Figure(output.data[PLOTLY])
                picture = exported(figure, "figure.png", 760, resolution=2)
                output.data["image/png"] = base64.b64encode(picture).decode()
    language = {"name": "python"}  # not its version, which differs between machines
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": language}
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(NOTEBOOK), NOTEBOOK)
    print(f"{NOTEBOOK}: {NOTEBOOK.stat().st_size / 1e6:.1f} MB")
