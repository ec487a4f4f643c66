"""Many languages and layers, from states to the open page: `python tests/bench/bench_profile.py --json FILE`.

Synthetic states of one checkpoint, which share meanings in the middle layers: `profile` with its default metrics, variants and draws,
on all cores; the page of that profile; and Chromium, from navigation until the page is loaded and until its first figure is drawn.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_report import ARGUMENTS
from bench_timing import arguments, write
from playwright.sync_api import sync_playwright

from repalign import LayerStates, Report, Results, profile


def made_up(languages: int, layers: int, sentences: int, dim: int) -> LayerStates:
    """Languages at several distances from what all share, which is most in the middle layers."""
    rng = np.random.default_rng(0)
    share = np.sin(np.linspace(0, np.pi, layers)).reshape(-1, 1, 1)
    meaning = rng.standard_normal((layers, sentences, dim), np.float32)
    names = ["en", *(f"l{number:03}" for number in range(1, languages))]
    noise = np.linspace(0.5, 3, languages)
    arrays = {
        name: (
            share * meaning + noise[place] * rng.standard_normal((layers, sentences, dim), np.float32)
        ).astype(np.float32)
        for place, name in enumerate(names)
    }
    return LayerStates.from_arrays(arrays)


def opened(path: Path) -> dict[str, int]:
    """Milliseconds from navigation, in a browser that runs already."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        start = time.perf_counter()
        page.goto(path.as_uri())
        loaded = time.perf_counter() - start
        page.wait_for_selector(".js-plotly-plot .main-svg", state="attached")
        drawn = time.perf_counter() - start
        browser.close()
    return {"loaded_ms": round(1e3 * loaded), "first_figure_ms": round(1e3 * drawn)}


def main() -> None:
    args = arguments(__doc__, languages=200, layers=81, sentences=200, dim=64)
    states, found = made_up(args.languages, args.layers, args.sentences, args.dim), {}
    found["load_before"] = round(os.getloadavg()[0], 2)
    wall, processor = time.perf_counter(), time.process_time()
    scores = profile(states)
    found["profile_seconds"] = round(time.perf_counter() - wall, 1)
    found["profile_cpu_seconds"] = round(time.process_time() - processor, 1)
    found["rows"] = len(scores.table)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        path = Report(Results("made up", scores, {})).write(Path(folder) / "report.html")
        found["write_seconds"] = round(time.perf_counter() - start, 1)
        found["page_mb"] = round(path.stat().st_size / 1e6, 2)
        found["opened"] = [opened(path) for _ in range(3)]
    write(found, args.json)


if __name__ == "__main__":
    main()
