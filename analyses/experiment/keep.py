"""What remains of a run of `pretrained.py`: small files in figures/pretrained, without weights and without text of others.

    plan.json                  sizes, base, data and the documents of the sentences, the same for all runs
    RUN/run.json               the training's card, signatures, machine, sentences that training text overlaps with
    RUN/profile.*, peaks.*     alignment by layer, as `repalign layers` saves it; of the base, `controls` too
    RUN/hits.*, margins.*      which sentences find their translation: see `experiment.hits`
    RUN/answers.parquet        the scores of each answer: see `experiment.answers.answer_rows`

Later runs, of another day or machine, are added beside them, if they are of the same sizes, base and data.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pandas as pd
from demo_family import FIGURES
from repalign_training.data.dataset import read_parts
from repalign_training.data.leakage import leaked

from repalign import RepalignError, Results
from repalign.checkpoints import Card
from repalign.evaluation.items import Item, items_digest
from repalign.files import json_bytes
from repalign.models.locating import locate
from repalign.writes import write_atomically

from .answers import ANSWERS, SCORERS_OF, answer_rows, saved_answers
from .hits import HITS, MARGINS
from .plan import BASE, TWIN, Plan, refuse_other_sizes
from .questions import questions

KEPT = FIGURES / "pretrained"
CARD_FACTS = ("recipe_digest", "template", "seed", "steps", "tokens", "losses", "seconds", "versions")

Asked = Mapping[str, Mapping[str, Sequence[Item]]]
"""Task -> language or direction -> its items."""


def keep(plan: Plan) -> None:
    """Add what is finished to the kept files.

    Raises:
        RepalignError: nothing is measured or answered, the results or the kept files are of other sizes, another base or
            other data, or the answers are to other questions.
    """
    plan.check()
    runs = [run for run in (BASE, *plan.runs, TWIN) if _alignment(plan, run) or _answer_files(plan, run)]
    if not runs:
        raise RepalignError(f"nothing to keep in {plan.out}; run the stage measure or answer first")
    asked = {task: questions(plan, task) for task in SCORERS_OF}
    _claim(plan, asked)
    for run in runs:
        keep_run(plan, run, asked)


def keep_run(plan: Plan, run: str, asked: Asked) -> None:
    """Write the folder of one run anew."""
    folder = KEPT / run
    folder.mkdir(parents=True, exist_ok=True)
    about: dict[str, Any] = {"run": run, "signatures": {}} | trained(plan, run)
    if measured := _alignment(plan, run):
        results = Results.load(measured)
        results.save(folder, overwrite=True)
        for name in (HITS, MARGINS):
            shutil.copyfile(measured / name, folder / name)
        about["signatures"]["alignment"] = results.profile.signatures[run]
    parts = []
    for task, path in _answer_files(plan, run).items():
        saved = json.loads(path.read_text(encoding="utf-8"))
        about["signatures"][task] = saved["signature"]
        parts += [
            answer_rows(task, name, items, saved_answers(path, saved, name, items))
            for name, items in asked[task].items()
        ]
    if parts:
        pd.concat(parts, ignore_index=True).to_parquet(folder / ANSWERS, index=False, compression="zstd")
    write_atomically(folder / "run.json", json_bytes(about))


def trained(plan: Plan, run: str) -> dict[str, Any]:
    """What a run took, and how many sentences of NTREX-128 share a run of words with its text; {} if nothing is trained."""
    path = plan.folder(run)
    card = None if run in (BASE, TWIN) else Card.read(path)
    if card is None:
        return {}
    items = [item for part in read_parts(plan.runs[run])[0] for item in part]
    finished = datetime.fromtimestamp((path / "repalign.json").stat().st_mtime, timezone.utc)
    return {
        "card": {name: getattr(card, name) for name in CARD_FACTS},
        "mixture": [
            {key: part[key] for key in ("name", "items", "tokens") if key in part} for part in card.mixture
        ],
        "recipe": {key: card.recipe.get(key) for key in ("about", "mixture", "adapter", "train")},
        "finished": finished.date().isoformat(),
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        "leaked": {language: len(seen) for language, seen in leaked(plan.measured, items).items()},
    }


def _alignment(plan: Plan, run: str) -> Path | None:
    """The folder of a run that `measure` has finished."""
    folder = plan.out / "alignment" / run
    return folder if (folder / "profile.parquet").is_file() and (folder / HITS).is_file() else None


def _answer_files(plan: Plan, run: str) -> dict[str, Path]:
    paths = {task: plan.out / "answers" / f"{task}.{run}.json" for task in SCORERS_OF}
    return {task: path for task, path in paths.items() if path.is_file()}


def _claim(plan: Plan, asked: Asked) -> None:
    """Refuse kept files of other sizes, another base or other data; else write down these.

    Raises:
        RepalignError: they differ.
    """
    path = KEPT / "plan.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    measured = plan.measured
    now: dict[str, dict[str, Any]] = {
        "sizes": plan.sizes(plan.done()),
        "base": {"weights": locate(plan.checkpoint(BASE)).digest[:16]},
        "data": {
            task: items_digest(item for some in groups.values() for item in some)[:16]
            for task, groups in asked.items()
            if groups
        },
        "documents": dict(zip(map(str, plan.rows(plan.sentences)), measured.documents or [], strict=False)),
    }
    for part, values in now.items():
        refuse_other_sizes(
            before.get(part, {}), values, KEPT, "keep it elsewhere, or give the same data, base and numbers"
        )
    merged = {part: before.get(part, {}) | values for part, values in now.items()}
    KEPT.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json_bytes(merged))
