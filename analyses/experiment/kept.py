"""The kept files of `pretrained.py`, read back: no model, no data and no text is needed from here on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from repalign import RepalignError, Results

from .answers import ANSWERS
from .estimates import Estimate
from .hits import HITS, MARGINS
from .plan import BASE, NAMES, TWIN, refuse_other_sizes

METRIC = "p_at_1"
"""Of alignment: the claims are judged by it."""


class Missing(Exception):
    """What a comparison needs and was not trained, measured or answered."""


@dataclass(frozen=True)
class Kept:
    """All runs that were kept.

    Attributes:
        plan: sizes, base, data and documents.
        about: by run, what its run.json says.
        answers: by run, one row per answer, in the order of the items; of the runs that answered.
        hits, margins: by run, see `experiment.hits`; of the runs that were measured.
        results: by run, alignment by layer.
    """

    plan: dict[str, Any]
    about: dict[str, dict[str, Any]]
    answers: dict[str, pd.DataFrame]
    hits: dict[str, pd.DataFrame]
    margins: dict[str, pd.DataFrame]
    results: dict[str, Results]

    @classmethod
    def load(cls, folder: Path) -> Kept:
        """Read a folder that the stage keep wrote.

        Raises:
            RepalignError: no runs there, or runs of different sizes or items.
        """
        order = {name: place for place, name in enumerate((BASE, *NAMES, TWIN))}
        runs = sorted(
            (path.parent.name for path in folder.glob("*/run.json")),
            key=lambda run: (order.get(run, order.get(run.rpartition("-")[0], len(order))), run),
        )
        if not runs or not (folder / "plan.json").is_file():
            raise RepalignError(f"no kept runs in {folder}; run the stage keep first")

        def tables(name: str) -> dict[str, pd.DataFrame]:
            return {
                run: pd.read_parquet(folder / run / name) for run in runs if (folder / run / name).is_file()
            }

        plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        about = {run: json.loads((folder / run / "run.json").read_text(encoding="utf-8")) for run in runs}
        measured = [run for run in runs if (folder / run / "profile.parquet").is_file()]
        results = {run: Results.load(folder / run) for run in measured}
        kept = cls(plan, about, tables(ANSWERS), tables(HITS), tables(MARGINS), results)
        kept.check(folder)
        return kept

    def check(self, folder: Path) -> None:
        """Refuse runs that cannot be compared.

        Raises:
            RepalignError: they were trained on different numbers of tokens, or answered or measured different items.
        """
        remedy = "keep runs of other sizes in another folder"
        for run, about in self.about.items():
            trained = {"tokens": about["recipe"]["train"]["tokens"]} if "card" in about else {}
            refuse_other_sizes(self.plan["sizes"], trained, folder / run, remedy)
        for tables, columns in (
            (self.answers, ["task", "group", "item"]),
            (self.hits, ["language", "layer", "sentence"]),
        ):
            first = next(iter(tables), "")
            for run, table in tables.items():
                if (
                    not table[columns]
                    .reset_index(drop=True)
                    .equals(tables[first][columns].reset_index(drop=True))
                ):
                    raise RepalignError(f"{folder / run} is about other items than {first}; {remedy}")

    def seeds(self, name: str) -> dict[int, str]:
        """The runs of a recipe by their seed; the base stands for every seed."""
        if name in (BASE, TWIN):
            return {0: name} if name in self.about else {}
        runs = {run.rpartition("-")[2]: run for run in self.about if run.rpartition("-")[0] == name}
        return {int(seed): run for seed, run in runs.items()}

    @cached_property
    def layers(self) -> list[int]:
        return sorted(next(iter(self.hits.values()))["layer"].unique().tolist())

    @cached_property
    def middle(self) -> list[int]:
        """The layers from a third to two thirds of the depth."""
        return [layer for layer in self.layers if 1 / 3 <= layer / self.layers[-1] <= 2 / 3]

    @cached_property
    def _curves(self) -> dict[str, dict[str, np.ndarray]]:
        """Run -> language -> share of directions in which a sentence is a hit: float64 [layer, sentence]."""
        return {
            run: {
                str(language): some.pivot(index="layer", columns="sentence", values=METRIC).to_numpy(float)
                / 2
                for language, some in table.groupby("language", sort=False, observed=True)
            }
            for run, table in self.hits.items()
        }

    @cached_property
    def _sentence_clusters(self) -> np.ndarray | None:
        sentences = np.sort(next(iter(self.hits.values()))["sentence"].unique())
        documents = [self.plan["documents"].get(str(one), str(one)) for one in sentences]
        numbers = np.unique(documents, return_inverse=True)[1]
        return numbers if numbers.max() + 1 < len(sentences) else None

    @property
    def languages(self) -> list[str]:
        """Languages whose alignment was measured, without English."""
        return list(next(iter(self._curves.values()), {}))

    def alignment(self, run: str, languages: Sequence[str], layers: Sequence[int]) -> Estimate:
        """P@1 of both directions, mean over languages and layers.

        Raises:
            Missing: the run was not measured in these languages.
        """
        curves = self._curves.get(run, {})
        if unknown := [language for language in languages if language not in curves]:
            raise Missing(f"{run} is not measured in {unknown[0]}")
        rows = [self.layers.index(layer) for layer in layers]
        values = np.mean([curves[language][rows].mean(0) for language in languages], axis=0)
        return Estimate.of_mean(values, self._sentence_clusters)

    def group(self, run: str, task: str, group: str) -> pd.DataFrame:
        """The answers of a run in one language or direction.

        Raises:
            Missing: there are none.
        """
        table = self.answers.get(run, pd.DataFrame(columns=["task", "group"]))
        rows = table[(table["task"] == task) & (table["group"] == group)]
        if rows.empty:
            raise Missing(f"{run} did not answer {task} in {group}")
        return rows

    def groups(self, task: str) -> list[str]:
        """The languages or directions of a task."""
        table = next(iter(self.answers.values()), pd.DataFrame(columns=["task", "group"]))
        return table.loc[table["task"] == task, "group"].unique().tolist()
