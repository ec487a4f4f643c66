"""What remains of a run of `pretrained.py`: small files in figures/pretrained, without weights and without text of others.

    plan.json                  sizes, base, data and the documents of the sentences, the same for all runs
    RUN/run.json               the training's card, signatures, machine, sentences that training text overlaps with
    RUN/profile.*, peaks.*     alignment by layer, as `repalign layers` saves it; of the base, `controls` too
    RUN/hits.*, margins.*      which sentences find their translation: see `pretrained_hits`
    RUN/answers.parquet        the scores of each answer: see `answer_rows`

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

import numpy as np
import pandas as pd
from demo_family import FIGURES
from pretrained_hits import HITS, MARGINS
from pretrained_plan import BASE, LANGUAGES, RESULTS_OF, TWIN, Plan, questions, refuse_other_sizes
from repalign_training.data.dataset import read_parts
from repalign_training.data.leakage import leaked

from repalign import RepalignError, Results
from repalign.checkpoints import Card
from repalign.evaluation.answer_language import answer_languages, lingua_code
from repalign.evaluation.consistency import matched_references
from repalign.evaluation.items import Item, items_digest
from repalign.evaluation.scorers import SCORERS
from repalign.files import json_bytes
from repalign.models.generation import Answer
from repalign.models.locating import locate
from repalign.signature import digest
from repalign.writes import write_atomically

KEPT = FIGURES / "pretrained"
ANSWERS = "answers.parquet"
SCORERS_OF = {"xquad": ("f1", "exact", "contains"), "translation": ("chrf", "bleu")}
"""Task -> scorers whose statistics are kept, from which their scores and intervals follow."""

CARD_FACTS = ("recipe_digest", "template", "seed", "steps", "tokens", "losses", "seconds", "versions")

Asked = Mapping[str, Mapping[str, Sequence[Item]]]
"""Task -> language or direction -> its items."""


def keep(plan: Plan) -> None:
    """Add what is finished to the kept files.

    Raises:
        RepalignError: nothing is measured or answered, the kept files are of other sizes, another base or other data, or the
            answers are to other questions.
    """
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


def answer_rows(task: str, group: str, items: Sequence[Item], answers: Sequence[Answer]) -> pd.DataFrame:
    """The scores of the answers in one language or direction, one row per answer, in the order of the items' ids.

    Columns: task, group (language or direction), item, document (a digest), expected (language), answered_in and
    reference_in (detected languages of answer and reference, NA if none is), tokens, ended, prompt_cut; one per scorer with
    its statistics (see `repalign.evaluation.scorers.Measured`); and of reading comprehension `matched`: numbers of the rows
    whose reference the answer is most similar to (see `repalign.evaluation.consistency`).

    Args:
        task, group: of the answers.
        items: of the group.
        answers: in the order of the items.
    """
    pairs = sorted(zip(items, answers, strict=True), key=lambda pair: pair[0].id)
    items, answers = zip(*pairs, strict=True)
    texts, expected = [answer.text for answer in answers], items[0].language
    references = [item.references[0] for item in items]
    known = lingua_code(expected) is not None
    columns: dict[str, Any] = {
        "task": task,
        "group": group,
        "item": [item.id for item in items],
        "document": [digest([item.document])[:8] if item.document else "" for item in items],
        "expected": expected,
        "answered_in": answer_languages(texts, expected, LANGUAGES) if known else None,
        "reference_in": answer_languages(references, expected, LANGUAGES) if known else None,
        "tokens": np.array([answer.tokens for answer in answers], np.int32),
        "ended": [answer.ended for answer in answers],
        "prompt_cut": np.array([answer.prompt_cut for answer in answers], np.int32),
    }
    for scorer in SCORERS_OF[task]:
        columns[scorer] = list(SCORERS[scorer].measure(items, texts).statistics.astype(np.float32))
    if task == "xquad":
        columns["matched"] = [
            np.flatnonzero(row).astype(np.int16) for row in matched_references(texts, items)
        ]
    return pd.DataFrame(columns).astype({"answered_in": "string", "reference_in": "string"})


def saved_answers(path: Path, saved: Mapping[str, Any], group: str, items: Sequence[Item]) -> list[Answer]:
    """The answers to some items.

    Raises:
        RepalignError: there are more or fewer answers than questions.
    """
    answers = [Answer(**one) for one in saved["answers"].get(group, [])]
    if len(answers) != len(items):
        raise RepalignError(
            f"{path} answers {len(answers)} questions in {group}, not {len(items)}; give the same numbers as to the stage answer"
        )
    return answers


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
    done = [stage for stage, folder in RESULTS_OF.items() if any((plan.out / folder).glob("*"))]
    measured = plan.measured
    now: dict[str, dict[str, Any]] = {
        "sizes": plan.sizes(done),
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
