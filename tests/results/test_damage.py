"""Whatever a folder of results holds, it is drawn or refused in one line; nothing ends in a traceback.

Each case damages one sample in one seeded way, then reads it and draws all that can be drawn from it.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from factories import sample_results
from sample_others import sample_evaluation, sample_inside

from repalign.errors import RepalignError
from repalign.figures import FIGURES, draw
from repalign.figures.view import View
from repalign.report import Report
from repalign.report.evaluation import render_evaluation
from repalign.report.evaluation_text import print_tables
from repalign.report.inside import render_inside
from repalign.report.page import render
from repalign.report.profile_text import print_table
from repalign.report.scaling import render_scaling
from repalign.results.evaluation import Evaluation
from repalign.results.inside import Inside
from repalign.results.results import Results
from repalign.scaling import Runs, plan
from repalign.scaling.study import law_of, load, save, study

SMALL = {"languages": ("en", "el", "zh"), "layers": 3, "sentences": 12}
CASES = {"profile": 10, "compare": 6, "evaluation": 25, "inside": 25, "study": 25}
"""Seeds tried of each kind; twenty times as many with `pytest -m heavy`."""

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 0.5, 10**30, 1e308, float("nan"), float("inf"), "", "x", "en", [], ["x"], {}, {"x": 1}, [[[]]],
)  # fmt: skip
"""Values that take the place of others."""


def draw_results(folder: Path) -> None:
    results = Results.load(folder)
    render(Report(results).results)
    print_table(results.profile, compare=bool(results.profile.table["baseline"].notna().any()))
    for name in FIGURES:
        if FIGURES[name].choices(View(results)):
            draw(name, results).to_json()


def draw_evaluation(folder: Path) -> None:
    found = Evaluation.load(folder)
    print_tables(found)
    render_evaluation(found)


def draw_inside(folder: Path) -> None:
    render_inside(Inside.load(folder))


def draw_study(folder: Path) -> None:
    found = load(folder / "fit.json")
    render_scaling(found)
    render_scaling(found, plan(law_of(found), 1000))


DRAW: dict[str, Callable[[Path], None]] = {
    "profile": draw_results, "compare": draw_results, "evaluation": draw_evaluation, "inside": draw_inside, "study": draw_study,
}  # fmt: skip


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("samples")
    sample_results("m-llama", **SMALL).save(root / "profile")
    sample_results("base", "m-llama", **SMALL).save(root / "compare")
    sample_evaluation().save(root / "evaluation")
    sample_inside().save(root / "inside")
    generator = np.random.default_rng(0)
    pairs = np.tile([50.0, 100, 200, 400], 4)
    score = 60 - 300 * pairs**-0.5 + generator.normal(0, 0.3, 16)
    runs = Runs(("el",) * 8 + ("zh",) * 8, pairs, score, np.full(16, np.nan), 100.0, "chrf")
    save(study(runs, "power", draws=3), root / "study")
    return root


def damaged_json(path: Path, generator: np.random.Generator) -> None:
    """Replace, drop or rename something at any place, or cut the file."""
    text = path.read_text(encoding="utf-8")
    way = generator.integers(8)
    if way == 0:
        path.write_text(text[: generator.integers(len(text))], encoding="utf-8")
    elif way == 1:
        place, deep = generator.integers(len(text)), "[" * int(generator.choice([50, 100_000]))
        path.write_text(text[:place] + deep + text[place:], encoding="utf-8")
    else:
        value = json.loads(text)
        holder, key = list(places(value))[generator.integers(len(list(places(value))))]
        if way == 2:
            del holder[key]
        elif way == 3 and isinstance(holder, dict):
            holder["renamed"] = holder.pop(key)
        else:
            holder[key] = ODD[generator.integers(len(ODD))]
        path.write_text(json.dumps(value), encoding="utf-8")


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every key or index in nested JSON, with what holds it."""
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(entry, (dict, list)):
            yield from places(entry)


def damaged_table(path: Path, generator: np.random.Generator) -> None:
    """Change columns, cells or rows, or cut the file."""
    way = generator.integers(12)
    if way == 0:
        data = bytearray(path.read_bytes())
        path.write_bytes(data[: generator.integers(len(data))])
        return
    if way == 1:
        data = bytearray(path.read_bytes())
        for place in generator.integers(len(data), size=4):
            data[place] ^= 1 << generator.integers(8)
        path.write_bytes(data)
        return
    table = pd.read_parquet(path)
    column = table.columns[generator.integers(table.shape[1])]
    if way == 2:
        table = table.drop(columns=column)
    elif way == 3:
        table = table.rename(columns={column: "renamed"})
    elif way == 4:
        table[column] = table[column].astype(str)
    elif way == 5:
        table[column] = [ODD[generator.integers(9)]] * len(table)
    elif way == 6:
        table = table.iloc[: generator.integers(3)]
    elif way == 7:
        table = table.sample(frac=0.5, random_state=int(generator.integers(100)))
    elif way == 8:
        table = pd.concat([table, table.tail(7)])
    else:  # a cell, or a tenth of all
        odd = ODD[generator.integers(13)]
        cells = (
            generator.random(len(table)) < 0.1
            if way == 9
            else np.arange(len(table)) == generator.integers(len(table))
        )
        table[column] = table[column].astype(object).where(~cells, odd)
    try:
        table.to_parquet(path, index=False)
    except Exception:  # arrow has no form for it: damage something else instead
        damaged_table(path, generator)


def damage(folder: Path, generator: np.random.Generator) -> None:
    files = sorted(folder.iterdir())
    tables = [path for path in files if path.suffix == ".parquet"]
    if tables and generator.random() < 0.7:
        damaged_table(tables[generator.integers(len(tables))], generator)
    else:
        damaged_json(next(path for path in files if path.suffix == ".json"), generator)


@pytest.mark.parametrize("kind", DRAW)
@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.heavy)])
def test_damaged_results_are_drawn_or_refused_in_one_line(kind, times, samples, tmp_path):
    refused = 0
    for seed in range(times * CASES[kind]):
        folder = tmp_path / str(seed)
        shutil.copytree(samples / kind, folder)
        damage(folder, np.random.default_rng(seed))
        said = complaint(kind, folder)
        assert said is None or "\n" not in said, f"seed {seed}"
        refused += said is not None
        shutil.rmtree(folder)
    assert refused, "some damage cannot be drawn"


def complaint(kind: str, folder: Path) -> str | None:
    """What is said where a folder is refused; whatever else it ends in is not caught."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            DRAW[kind](folder)
        except RepalignError as error:
            return str(error)
    return None


@pytest.mark.parametrize("kind", ["profile", "evaluation", "inside", "study"])
@pytest.mark.parametrize("other", ["profile", "evaluation", "inside", "study"])
def test_the_folder_of_another_kind_is_refused(kind, other, samples, tmp_path):
    """Also where the other's JSON stands under the name of this kind."""
    names = {name: f"{'fit' if name == 'study' else name}.json" for name in (kind, other)}
    shutil.copytree(samples / other, tmp_path / "out")
    if kind == other:
        DRAW[kind](tmp_path / "out")
        return
    with pytest.raises(RepalignError):
        DRAW[kind](tmp_path / "out")
    (tmp_path / "out" / names[other]).rename(tmp_path / "out" / names[kind])
    with pytest.raises(RepalignError):
        DRAW[kind](tmp_path / "out")
