"""Targets: folders of results, as they are read and drawn, and tables of runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from factories import sample_results
from planted_pairs import sample_suspects
from sample_others import sample_evaluation, sample_inside, sample_quantisation

from fuzz.damage import damage_folder, mutate_file
from fuzz.target import Case, sample, target
from repalign.figures import FIGURES, draw
from repalign.figures.view import View
from repalign.report import Report
from repalign.report.evaluation import render_evaluation
from repalign.report.evaluation_text import evaluation_lines
from repalign.report.inside import inside_in_words, render_inside
from repalign.report.page import render
from repalign.report.profile_text import table_lines
from repalign.report.quantisation import quantisation_in_words, render_quantisation
from repalign.report.scaling import render_scaling
from repalign.report.suspects import render_suspects
from repalign.results.evaluation import Evaluation
from repalign.results.inside import Inside
from repalign.results.quantisation import Quantisation
from repalign.results.results import Results
from repalign.results.suspects import Suspects
from repalign.scaling import Runs, plan
from repalign.scaling.runs import read_runs
from repalign.scaling.study import law_of, load, save, study

SMALL = {"languages": ("en", "el", "zh"), "layers": 3, "sentences": 12}


def draw_results(folder: Path) -> None:
    results = Results.load(folder)
    render(Report(results).results)
    table_lines(results.profile, compare=bool(results.profile.table["baseline"].notna().any()))
    results._repr_html_()
    for name in FIGURES:
        if FIGURES[name].choices(View(results)):
            draw(name, results).to_json()


def draw_evaluation(folder: Path) -> None:
    found = Evaluation.load(folder)
    list(evaluation_lines(found))
    render_evaluation(found)
    found._repr_html_()


def draw_inside(folder: Path) -> None:
    found = Inside.load(folder)
    render_inside(found)
    inside_in_words(found)
    found._repr_html_()


def draw_suspects(folder: Path) -> None:
    found = Suspects.load(folder)
    render_suspects(found)


def draw_quantisation(folder: Path) -> None:
    found = Quantisation.load(folder)
    render_quantisation(found)
    quantisation_in_words(found)
    found._repr_html_()


def draw_study(folder: Path) -> None:
    found = load(folder / "fit.json")
    render_scaling(found)
    render_scaling(found, plan(law_of(found), 1000))


def _save_study(folder: Path) -> None:
    generator = np.random.default_rng(0)
    pairs = np.tile([50.0, 100, 200, 400], 4)
    score = 60 - 300 * pairs**-0.5 + generator.normal(0, 0.3, 16)
    runs = Runs(("el",) * 8 + ("zh",) * 8, pairs, score, np.full(16, np.nan), 100.0, "chrf")
    save(study(runs, "power", draws=3), folder)


SAMPLES = {
    "profile": sample(lambda folder: sample_results("m-llama", **SMALL).save(folder)),
    "compare": sample(lambda folder: sample_results("base", "m-llama", **SMALL).save(folder)),
    "evaluation": sample(lambda folder: sample_evaluation().save(folder)),
    "inside": sample(lambda folder: sample_inside().save(folder)),
    "suspects": sample(lambda folder: sample_suspects().save(folder)),
    "quantisation": sample(lambda folder: sample_quantisation().save(folder)),
    "study": sample(_save_study),
}
"""A valid folder of each kind."""

DRAW: dict[str, Callable[[Path], None]] = {
    "profile": draw_results, "compare": draw_results, "evaluation": draw_evaluation, "inside": draw_inside,
    "suspects": draw_suspects, "quantisation": draw_quantisation, "study": draw_study,
}  # fmt: skip
"""How each is read, and all drawn that can be."""


def _results(kind: str) -> Case:
    def case(folder: Path, rng: random.Random) -> None:
        SAMPLES[kind](folder)
        damage_folder(folder, rng)
        DRAW[kind](folder)

    return case


for _kind in DRAW:
    target(f"results: {_kind}")(_results(_kind))


@target("runs of a scaling study")
def _runs(folder: Path, rng: random.Random) -> None:
    path = folder / "runs.csv"
    rows = "".join(f"{code},{pairs},{pairs / 100},1,2\n" for code in ("el", "zh") for pairs in (50, 100, 200))
    path.write_text(f"language,pairs,score,score_low,score_high\n{rows}")
    mutate_file(path, rng)
    study(read_runs(path), "power", draws=2)
