"""What `pretrained.py` trains and measures: its runs, what each is compared with, and the questions they answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repalign_training import Recipe, load_recipe

from repalign import Checkpoint, ParallelCorpus
from repalign.errors import RepalignError
from repalign.files import json_bytes
from repalign.signature import digest
from repalign.writes import write_atomically

RECIPES = Path(__file__).parents[1] / "pretrained"
LANGUAGES = ("en", "ar", "el", "hi", "tr", "vi", "zh")
BASE, TWIN = "base", "base~random"
COUNTERPART = "alpaca"
"""The recipe without other languages, which the others are compared with."""

NAMES = (COUNTERPART, "m", "x-zh", "x-hi", "x-tr", "x-zh-forward", "x-el", "x-vi", "x-ar")
FIRST = NAMES[:5]
"""Recipes that come before further seeds: time may end before the last run."""

SEEDED = (COUNTERPART, "x-zh")
"""Recipes that are trained with every seed; the others with the first."""


SIZES: Mapping[str, tuple[str, ...]] = {
    "train": ("tokens",),
    "measure": ("sentences",),
    "answer": ("translations", "questions", "answer_languages"),
}
"""Stage -> the sizes that decide its results."""

RESULTS_OF = {"train": "checkpoints", "measure": "alignment", "answer": "answers"}
"""Stage -> the folder of its results."""


@dataclass(frozen=True)
class Plan:
    """What is trained and measured, and where.

    Attributes:
        base: the model that is tuned, a folder.
        out: everything goes there.
        data: see the head of this file.
        names, seeds: of the runs.
        tokens: that each run is trained on.
        sentences: of NTREX-128 for alignment, from as many documents as possible.
        translations: sentences in each direction, the first of these; 0: none are asked.
        questions: of XQuAD in each language, from as many paragraphs as possible; 0: none are asked.
        answer_languages: in which questions are asked, and from and into which English is translated.
        batch_tokens: padded tokens in a batch of answers; None: by free memory.
    """

    base: Path
    out: Path
    data: Path
    names: tuple[str, ...] = NAMES
    seeds: int = 3
    tokens: int = 900_000
    sentences: int = 1997
    translations: int = 200
    questions: int = 120
    answer_languages: tuple[str, ...] = LANGUAGES
    batch_tokens: int | None = None

    @property
    def runs(self) -> dict[str, Recipe]:
        """Name -> recipe, the most important first."""
        seeds = [(name, seed) for seed in range(1, self.seeds) for name in SEEDED]
        order = [*((name, 0) for name in FIRST), *seeds, *((name, 0) for name in NAMES[len(FIRST) :])]
        return {f"{name}-{seed}": self.recipe(name, seed) for name, seed in order if name in self.names}

    def recipe(self, name: str, seed: int) -> Recipe:
        """A recipe of analyses/pretrained on this base, with this number of tokens."""
        recipe = load_recipe(str(RECIPES / f"{name}.toml"), seed=seed)
        settings = replace(recipe.train, tokens=self.tokens)
        return replace(recipe, name=f"{name}-{seed}", parent=str(self.base), train=settings)

    def folder(self, run: str) -> Path:
        """The adapter of a run, or the base."""
        return self.base if run == BASE else self.out / "checkpoints" / run

    def checkpoint(self, run: str) -> Checkpoint:
        return replace(Checkpoint.named(str(self.folder(run))), name=run)

    @property
    def corpus(self) -> ParallelCorpus:
        """NTREX-128 with its documents."""
        return ParallelCorpus.named(str(self.data / "ntrex"), LANGUAGES)

    @property
    def measured(self) -> ParallelCorpus:
        """The sentences of NTREX-128 for alignment."""
        return self.corpus.take(self.rows(self.sentences))

    def rows(self, count: int) -> list[int]:
        """Rows of NTREX-128, from as many documents as possible."""
        corpus = self.corpus
        return spread(corpus.documents or range(len(corpus)), count)

    def finished(self, run: str) -> bool:
        return run == BASE or (self.folder(run) / "repalign.json").is_file()

    def sizes(self, stages: Iterable[str] = SIZES) -> dict[str, Any]:
        """The sizes that decide the results of some stages, as JSON has them."""
        values = {name: getattr(self, name) for stage in stages for name in SIZES[stage]}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def claim(self, stage: str) -> None:
        """Write down the sizes of a stage in `out`, so that no later call mixes others with what is finished.

        Sizes of a stage that has no results yet are replaced.

        Raises:
            RepalignError: `out` holds results of other sizes.
        """
        self.check()
        before, sizes = self._claimed(), self.sizes([stage])
        if before != before | sizes:
            self.out.mkdir(parents=True, exist_ok=True)
            write_atomically(self.out / "plan.json", json_bytes(before | sizes))

    def check(self) -> None:
        """Compare the sizes of this plan with those of all results in `out`.

        Raises:
            RepalignError: `out` holds results of other sizes.
        """
        remedy = "give another folder with --out, or the same number"
        refuse_other_sizes(self._claimed(), self.sizes(self.done()), self.out, remedy)

    def done(self) -> list[str]:
        """The stages that have results in `out`."""
        return [stage for stage, folder in RESULTS_OF.items() if any((self.out / folder).glob("*"))]

    def _claimed(self) -> dict[str, Any]:
        path = self.out / "plan.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def refuse_other_sizes(before: Mapping[str, Any], sizes: Mapping[str, Any], where: Path, remedy: str) -> None:
    """Compare sizes with those of saved results; sizes that are not recorded are not compared.

    Raises:
        RepalignError: they differ.
    """
    for name, value in sizes.items():
        if before.get(name, value) != value:
            raise RepalignError(f"{where} holds runs of {name} {before[name]}, not {value}; {remedy}")


def spread(units: Sequence[object], count: int) -> list[int]:
    """Numbers of `count` rows from as many units as possible, ascending; fewer are a subset of more.

    The order is by digests: the same on every machine, and independent of the order of the rows within a unit.

    Args:
        units: the document or paragraph of each row.
        count: rows to choose; all, if there are fewer.
    """
    by_unit: dict[object, list[int]] = {}
    for row, unit in enumerate(units):
        by_unit.setdefault(unit, []).append(row)
    turns = {
        row: turn
        for rows in by_unit.values()
        for turn, row in enumerate(sorted(rows, key=lambda row: digest([str(row)])))
    }
    return sorted(sorted(turns, key=lambda row: (turns[row], digest([str(row)])))[:count])


def baselines(run: str) -> list[str]:
    """What a run is compared with: the base, and the counterpart of its seed."""
    if run in (BASE, TWIN):
        return []
    counterpart = f"{COUNTERPART}-{run.rpartition('-')[2]}"
    return [BASE] if run == counterpart else [BASE, counterpart]
