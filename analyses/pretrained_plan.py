"""What `pretrained.py` trains and measures: its runs, what each is compared with, and the questions they answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from repalign_training import Recipe, load_recipe

from repalign import Checkpoint, ParallelCorpus
from repalign.errors import RepalignError
from repalign.evaluation.defaults import read_items
from repalign.evaluation.items import Item, sampled
from repalign.files import json_bytes
from repalign.writes import write_atomically

RECIPES = Path(__file__).with_name("pretrained")
LANGUAGES = ("en", "ar", "el", "hi", "tr", "vi", "zh")
BASE, TWIN = "base", "base~random"
COUNTERPART = "alpaca"
"""The recipe without other languages, which the others are compared with."""

NAMES = (COUNTERPART, "m", "x-zh", "x-hi", "x-tr", "x-zh-forward", "x-el", "x-vi", "x-ar")
FIRST = NAMES[:5]
"""Recipes that come before further seeds: time may end before the last run."""

SEEDED = (COUNTERPART, "x-zh")
"""Recipes that are trained with every seed; the others with the first."""


@dataclass(frozen=True)
class Plan:
    """What is trained and measured, and where.

    Attributes:
        base: the model that is tuned, a folder.
        out: everything goes there.
        data: see the head of this file.
        names, seeds: of the runs.
        tokens: that each run is trained on.
        micro_batch: rows of 512 tokens in memory at a time.
        sentences: of NTREX-128 for alignment.
        translations: sentences in each of the twelve directions.
        questions: of XQuAD in each language.
        batch_tokens: padded tokens in a batch of answers; None: by free memory.
    """

    base: Path
    out: Path
    data: Path
    names: tuple[str, ...] = NAMES
    seeds: int = 3
    tokens: int = 900_000
    micro_batch: int = 4
    sentences: int = 1997
    translations: int = 200
    questions: int = 120
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
        settings = replace(recipe.train, tokens=self.tokens, micro_batch=self.micro_batch)
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

    def finished(self, run: str) -> bool:
        return run == BASE or (self.folder(run) / "repalign.json").is_file()

    def claim(self) -> None:
        """Write down the sizes of this plan in its folder, so that no later call mixes others with what is finished.

        Raises:
            RepalignError: the folder holds runs of other sizes.
        """
        names = ("tokens", "micro_batch", "sentences", "translations", "questions")
        sizes = {name: value for name, value in asdict(self).items() if name in names}
        path = self.out / "plan.json"
        if not path.is_file():
            self.out.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json_bytes(sizes))
            return
        before = json.loads(path.read_text(encoding="utf-8"))
        for name, value in sizes.items():
            if before.get(name) != value:
                raise RepalignError(
                    f"{self.out} holds runs of {name} {before.get(name)}, not {value}; give another folder with --out, or the same number"
                )


def baselines(run: str) -> list[str]:
    """What a run is compared with: the base, and the counterpart of its seed."""
    if run in (BASE, TWIN):
        return []
    counterpart = f"{COUNTERPART}-{run.rpartition('-')[2]}"
    return [BASE] if run == counterpart else [BASE, counterpart]


def questions(plan: Plan, task: str) -> dict[str, list[Item]]:
    """The items of a task: those of XQuAD by language, those of translation by direction, as "en-zh".

    Sentences are drawn from the whole of NTREX-128, so that they are from many documents.
    """
    base = [plan.checkpoint(BASE)]
    if task == "xquad":
        items = read_items(task, base, data=plan.data / "xquad", languages=LANGUAGES, limit=plan.questions)
        return _grouped(items, lambda item: item.language)
    directions = [("en", list(LANGUAGES[1:])), *((language, ["en"]) for language in LANGUAGES[1:])]
    read = partial(read_items, "translation", base, data=plan.data / "ntrex")
    chosen = [sampled(read(source=source, languages=to), plan.translations) for source, to in directions]
    return _grouped(
        [item for items in chosen for item in items], lambda item: f"{item.source}-{item.language}"
    )


def _grouped(items: Iterable[Item], key: Callable[[Item], str]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
