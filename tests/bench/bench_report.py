"""Size and speed of the page: `python tests/bench/bench_report.py --json FILE`.

Random tables of one checkpoint, drawn and opened in Chromium: "usual" is 7 languages x 240 sentences x
33 layers x 2 variants, "many" is 200 languages x 40 layers.

write_seconds    tables to file
page_mb          the file; plotly.js alone is 4.8
first_paint_ms   from navigation to the findings on the screen
ready_ms         until the controls work
slider_ms        from moving the slider to everything drawn, median and largest over all layers
language_ms      from choosing a language to all figures showing it, likewise over ten languages
load_before      other processes at the start; above 0.5, times say little
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from bench_timing import arguments, write
from playwright.sync_api import sync_playwright

from repalign import Report, Results
from repalign.results.profile import COLUMNS, LayerProfile
from repalign.results.schema import GRAIN

METRICS = {
    "cka": "CKA",
    "mexa": "MEXA",
    "p_at_1": "P@1",
    "anc": "ANC",
    "mutual_knn": "kNN",
    "cosine_gap": "gap",
}
VARIANTS = ("raw", "centred")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STEP = """async (position) => {
  const slider = document.getElementById('layer'), begin = performance.now();
  slider.value = position;
  slider.dispatchEvent(new Event('input'));
  await new Promise(requestAnimationFrame);
  await new Promise(done => setTimeout(done));
  return performance.now() - begin;
}"""


CHOICE = """async (place) => {
  const choices = [...document.getElementById('lang').options].map(one => one.value), begin = performance.now();
  repalign.set({ lang: choices[place % choices.length] });
  await new Promise(requestAnimationFrame);
  await new Promise(done => setTimeout(done));
  return performance.now() - begin;
}"""


def made_up(languages: int, layers: int, sentences: int) -> Results:
    """Random tables of that size: scores of one checkpoint, geometry, neighbours, a map."""
    rng = np.random.default_rng(0)
    names = ["en", *(f"l{number:03}" for number in range(1, languages))]
    rows = pd.DataFrame(
        product(METRICS, VARIANTS, names[1:], range(layers)), columns=["metric", "variant", "target", "layer"]
    )
    value = rng.uniform(0, 0.6, len(rows))
    scores = rows.assign(
        checkpoint="made-up", baseline=None, source="en", depth=rows["layer"] / (layers - 1), value=value,
        low=value - 0.05, high=value + 0.05, chance=0.01, calibrated=value, design_effect=np.nan, sentences=sentences,
        p=rng.uniform(size=len(rows)) ** 9, p_adjusted=rng.uniform(size=len(rows)) ** 9,
    )[list(COLUMNS)]  # fmt: skip
    places = pd.DataFrame(
        product(["made-up"], ["pca"], VARIANTS, range(layers), names, range(sentences)),
        columns=["checkpoint", "reducer", "variant", "layer", "language", "sentence"],
    )
    drawn = {name: rng.normal(size=len(places)).round(2) for name in ("x", "y", "cosine", "margin")}
    drawn |= {name: np.round(drawn[name] / GRAIN) * GRAIN for name in ("x", "y")}
    drawn |= {f"nearest_{rank}": rng.integers(0, sentences, len(places)) for rank in (1, 2, 3)}
    places = places.assign(**drawn, z=np.nan, trustworthiness=0.9, knn_overlap=0.3)
    text = pd.DataFrame(product(names, range(sentences)), columns=["language", "sentence"])
    text = text.assign(
        group=text["sentence"], tokens=12, text=[f"sentence {i} " + "word " * 12 for i in text.index]
    )
    geometry = pd.DataFrame(
        product(["made-up"], names, range(layers), ["isoscore", "hubness_skew"], [0.0]),
        columns=["checkpoint", "language", "layer", "measure", "value"],
    ).assign(depth=0.0, detail="")
    tables = {"map": places, "sentences": text, "geometry": geometry}
    return Results(
        "made up", LayerProfile(scores, {"made-up": "-"}, {"source": "en", "labels": METRICS}), tables
    )


def measured(browser, results: Results, folder: Path) -> dict[str, object]:
    start = time.perf_counter()
    path = Report(results).write(folder / "report.html")
    seconds = time.perf_counter() - start
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page.goto(path.as_uri())
    page.evaluate("document.getElementById('maps').scrollIntoView()")
    page.wait_for_timeout(1500)
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    layers = page.evaluate("repalign.data.layers.length")
    steps = [page.evaluate(STEP, position) for position in range(layers)]
    choices = [page.evaluate(CHOICE, place) for place in range(1, 11)]
    page.close()
    return {
        "write_seconds": round(seconds, 2),
        "page_mb": round(path.stat().st_size / 1e6, 2),
        "first_paint_ms": round(paint),
        "ready_ms": round(ready),
        "slider_ms": [round(float(np.median(steps)), 1), round(max(steps), 1)],
        "language_ms": [round(float(np.median(choices)), 1), round(max(choices), 1)],
    }


def main() -> None:
    args = arguments(__doc__, languages=7, layers=33, sentences=240, many=200, deep=40)
    found: dict[str, object] = {"load_before": round(os.getloadavg()[0], 2)}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        found["usual"] = measured(browser, made_up(args.languages, args.layers, args.sentences), Path(folder))
        found["many"] = measured(browser, made_up(args.many, args.deep, args.sentences // 4), Path(folder))
        browser.close()
    write(found, args.json)


if __name__ == "__main__":
    main()
