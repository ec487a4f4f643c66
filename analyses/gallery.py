"""The pictures of docs/gallery.md: `python analyses/gallery.py FOLDER` writes them to docs/pictures.

FOLDER holds the results of the commands in `PAGES`, in folders of these names; what is missing is computed there first, which takes
minutes and needs the checkpoints of the demo family. Needs Playwright and a Chromium.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from report_picture import picture

ROOT = Path(__file__).parents[1]
LARGEST = 200_000
"""Bytes of a picture."""


@dataclass(frozen=True)
class Page:
    """A command that writes a page, without its `--out`."""

    command: str
    file: str = "report.html"


PAGES = {
    "m-llama": Page("layers m-llama"),
    "compare": Page("compare alpaca x-llama-zh"),
    "series": Page("layers base alpaca m-llama"),
    "evaluate": Page("evaluate alpaca m-llama --task phrasebook --limit 100", "evaluation.html"),
    "inside": Page("inside alpaca m-llama", "inside.html"),
    "scaling": Page(f"scaling fit {ROOT / 'figures' / 'scaling_runs.parquet'}", "scaling.html"),
}

PICTURES = {
    "report": ("m-llama", None),
    "compare": ("compare", None),
    "series": ("series", None),
    "map": ("m-llama", "section:has(#maps)"),
    "evaluate": ("evaluate", None),
    "inside": ("inside", None),
    "scaling": ("scaling", None),
}
"""Name -> the page, and the part of it that is shown (None: the first screen)."""


def main(folder: Path) -> None:
    for name, page in PAGES.items():
        if not (folder / name / page.file).exists():
            subprocess.run(["repalign", *page.command.split(), "--out", folder / name], check=True)
    for name, (source, part) in PICTURES.items():
        target = ROOT / "docs" / "pictures" / f"{name}.webp"
        picture(folder / source / PAGES[source].file, target, part)
        size = target.stat().st_size
        print(target, size)
        if size > LARGEST:
            sys.exit(f"{target.name} has {size} bytes, more than {LARGEST}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
