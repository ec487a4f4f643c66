"""Kept runs of analyses/pretrained.py with a known truth: made-up states and answers, scored by the code of the stage keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from repalign import LayerStates, Results, profile
from repalign.evaluation.items import Item
from repalign.models.generation import Answer

LANGUAGES = ("en", "hi", "tr", "zh")
SENTENCES, LAYERS, DIMS = 60, 7, 24
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def keep_runs(
    folder: Path,
    aligned: dict[str, dict[str, float]],
    answered: dict[str, float | dict[str, float]],
    languages: tuple[str, ...] = LANGUAGES,
) -> None:
    """Write a folder of kept runs.

    Args:
        folder: need not exist.
        aligned: by run, by language, the weight of the meaning in the states of the middle layers, from 0 to 1.
        answered: by run, the share of answers that are right, in all languages or by the language other than English.
        languages: of all that is measured and answered.
    """
    from experiment.hits import HITS, MARGINS, hit_tables

    sizes: dict[str, Any] = dict.fromkeys(("sentences", "translations", "questions"), SENTENCES)
    sizes |= {"tokens": 1000, "answer_languages": list(languages)}
    documents = {str(row): f"d{row // 2}" for row in range(SENTENCES)}
    plan = {"sizes": sizes, "base": {"weights": "0"}, "data": {}, "documents": documents}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan))
    for number, run in enumerate(aligned):
        (folder / run).mkdir()
        (folder / run / "run.json").write_text(json.dumps(about(run, sizes["tokens"])))
        states = made_up(run, aligned[run], languages, np.random.default_rng(number))
        scores = profile(
            states, metrics=["p_at_1"], variants=["centred"], draws=50, permutations=0, progress=False
        )
        Results(run, scores).save(folder / run)
        tables = hit_tables(states, range(SENTENCES), ["p_at_1"])
        for name in (HITS, MARGINS):
            tables[name].to_parquet(folder / run / name)
        if run in answered:
            table = answers(answered[run], languages, np.random.default_rng(100 + number))
            table.to_parquet(folder / run / "answers.parquet")


def about(run: str, tokens: int) -> dict[str, Any]:
    """run.json: a card for all but the base and its twin."""
    described: dict[str, Any] = {"run": run, "signatures": {"alignment": f"{run}@0|ntrex#0"}}
    if not run.startswith("base"):
        card = {"recipe_digest": "0" * 64, "template": "alpaca", "seed": 0, "steps": 1, "tokens": tokens}
        card |= {"losses": {"first": 2.0, "last": None}, "seconds": 60.0, "versions": {}}
        train = {"tokens": tokens, "batch": 16, "learning_rate": 5e-4, "precision": "bfloat16"}
        recipe = {"about": "", "mixture": "", "adapter": {"r": 16}, "train": train}
        described |= {"card": card, "recipe": recipe, "finished": "2026-01-01", "leaked": {"en": 0}}
    return described


def made_up(
    run: str, weights: dict[str, float], languages: tuple[str, ...], generator: np.random.Generator
) -> LayerStates:
    """States whose middle layers hold the meaning of a sentence, by the weight of its language."""
    meaning = np.random.default_rng(7).normal(size=(SENTENCES, DIMS))
    peak = np.array([0.0, 0.1, 0.5, 1.0, 0.5, 0.1, 0.0])[:, None, None]
    arrays = {
        language: (peak * weights.get(language, 1.0) * meaning + generator.normal(size=(LAYERS, SENTENCES, DIMS))).astype(np.float32)
        for language in languages
    }  # fmt: skip
    documents = [f"d{row // 2}" for row in range(SENTENCES)]
    return LayerStates.from_arrays(arrays, checkpoint=run, corpus="ntrex", documents=documents)


def answers(
    right: float | dict[str, float], languages: tuple[str, ...], generator: np.random.Generator
) -> Any:
    """Right answers to a share of the questions, another word for the rest."""
    import pandas as pd
    from experiment.answers import answer_rows

    groups = {("xquad", language): language for language in languages}
    groups |= {("translation", f"en-{one}"): one for one in languages[1:]}
    groups |= {("translation", f"{one}-en"): "en" for one in languages[1:]}
    parts = []
    for (task, group), language in groups.items():
        other = next((one for one in group.split("-") if one != "en"), "en")
        share = right.get(other, 0.5) if isinstance(right, dict) else right
        items, given = [], []
        for row in range(SENTENCES):
            reference = f"{WORDS[row % 12]} {WORDS[row // 12]} {row}"
            source = group.rpartition("-")[0]
            items.append(
                Item(str(row + 1), language, "", "", (reference,), source=source, document=f"d{row // 2}")
            )
            text = reference if generator.random() < share else "nothing of the kind"
            given.append(Answer(text, 3, True, 0))
        parts.append(answer_rows(task, group, items, given))
    return pd.concat(parts, ignore_index=True)
