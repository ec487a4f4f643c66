"""The paper's experiment on a pretrained model: CoIT and MuIT by LoRA, measured before and after.

    python analyses/pretrained.py all --base gemma-3-270m.gguf --data FOLDER --out RUNS

Five stages, each of which keeps what is finished, so that any may be killed and run again: `train` (a recipe of
analyses/pretrained and a seed make one adapter, all with the same number of tokens), `measure` (alignment by layer on
NTREX-128), `answer` (translation of NTREX-128 in both directions, and XQuAD), `keep`, which scores the answers and copies what
has no text of others to figures/pretrained (small, one folder per run), and `report`, which reads these files only:

    python analyses/pretrained.py report     # judges the claims; writes figures/pretrained.* and a part of docs/pretrained.md

The first three are made for a GPU (`--jobs 8`). On a CPU they say beforehand how long they take; make them smaller for a laptop:

    python analyses/pretrained.py all --base BASE --out RUNS --tokens 160000 --sentences 400 --translations 50 --questions 50 \\
        --answer-languages en hi tr zh --only alpaca x-zh m

The data are not ours to give. FOLDER (or $REPALIGN_DATA) holds, for en ar el hi tr vi zh:
  ntrex/{language}.txt            NTREX-128, one sentence per line, and DOCUMENT_IDS.tsv; never trained on
  xquad/xquad.{language}.json     XQuAD
  pairs/en-{language}.tsv         sentence pairs, with a column for each of the two languages
  alpaca/{en,vi,zh}.jsonl, instruct_tldr/{ar,el,hi,tr}.jsonl     instruction, input, output
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context

from experiment.hits import HITS, hit_tables
from experiment.options import arguments, planned
from experiment.plan import BASE, SIZES, TWIN, Plan
from experiment.questions import questions
from experiment.times import announced
from repalign_training import train

from repalign import LayerStates, Results, extract, profile
from repalign.checkpoints import random_twin
from repalign.errors import RepalignError
from repalign.evaluation.answering import answer
from repalign.scoring.controls import controls
from repalign.writes import partial_file, write_atomically

METRICS = ("p_at_1", "mexa")
TASKS = {"translation": 128, "xquad": 48}
"""Maximum tokens of an answer."""

logger = logging.getLogger("repalign.pretrained")


def train_run(plan: Plan, run: str) -> None:
    """Train one run, or resume it."""
    train(plan.runs[run], plan.folder(run))


def measure_run(plan: Plan, run: str) -> None:
    """Alignment of one run by layer, and the hits of each sentence, from which differences between any two runs follow."""
    folder = plan.out / "alignment" / run
    if (folder / "profile.parquet").is_file() and (folder / HITS).is_file():
        return
    states = _states(plan, run)
    settings = {"pivot": "en", "metrics": METRICS, "progress": False}
    scores = profile(states, variants=["centred"], **settings)
    tables = {}
    if run == BASE:  # what shared tokens, documents and lengths give does not depend on training
        tables["controls"] = controls(states, **settings, layers=[states.layers[len(states.layers) // 2]])
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in hit_tables(states, plan.rows(plan.sentences), METRICS).items():
        with partial_file(folder / name) as partial_path:
            table.to_parquet(partial_path, index=False, compression="zstd")
            partial_path.replace(folder / name)
    Results(run, scores, tables).save(folder)


def _states(plan: Plan, run: str) -> LayerStates:
    checkpoint = random_twin(plan.checkpoint(BASE)) if run == TWIN else plan.checkpoint(run)
    return extract(checkpoint, plan.measured, progress=False)


def answer_run(plan: Plan, run: str) -> None:
    """The answers of one run to all tasks, as JSON: signature, and by language or direction one entry per question."""
    for task, new_tokens in TASKS.items():
        path = plan.out / "answers" / f"{task}.{run}.json"
        if path.is_file():
            continue
        groups = questions(plan, task)
        if not groups:
            continue
        items = [item for group in groups.values() for item in group]
        given = answer(
            plan.checkpoint(run), items, task, new_tokens, "alpaca",
            batch_tokens=plan.batch_tokens, progress=False,
        )  # fmt: skip
        by_label = {label: iter(answers) for label, answers in given.answers.items()}
        answers = {
            name: [asdict(next(by_label[one.label])) for one in group] for name, group in groups.items()
        }
        text = json.dumps({"signature": given.signature, "answers": answers}, ensure_ascii=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())


def side_by_side(work: Callable[[Plan, str], None], plan: Plan, runs: Iterable[str], jobs: int) -> None:
    """Do the work for every run, in `jobs` processes; what fails is reported after the others are finished.

    Raises:
        RepalignError: one of them failed.
    """
    if jobs == 1:
        for run in runs:
            work(plan, run)
        return
    failures = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=show_progress) as pool:
        waiting = {pool.submit(work, plan, run): run for run in runs}
        for future in as_completed(waiting):
            if error := future.exception():
                failures.append(f"{waiting[future]}: {error}")
                logger.error("%s", failures[-1])
    if failures:
        raise RepalignError(f"{len(failures)} of {len(waiting)} runs failed, the first: {failures[0]}")


def train_all(plan: Plan, jobs: int) -> None:
    side_by_side(train_run, plan, [run for run in plan.runs if not plan.finished(run)], jobs)


def measure_all(plan: Plan, jobs: int) -> None:
    side_by_side(measure_run, plan, [BASE, *(run for run in plan.runs if plan.finished(run)), TWIN], jobs)


def answer_all(plan: Plan, jobs: int) -> None:
    side_by_side(answer_run, plan, [BASE, *(run for run in plan.runs if plan.finished(run))], jobs)


def keep_all(plan: Plan, jobs: int) -> None:
    from experiment.keep import keep

    keep(plan)


STAGES = {"train": train_all, "measure": measure_all, "answer": answer_all, "keep": keep_all}


def show_progress() -> None:
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("repalign").setLevel(logging.INFO)


def say_how_long(plan: Plan) -> None:
    """Only on a CPU: an accelerator takes minutes."""
    import torch

    if not torch.accelerator.is_available():
        logger.info("%s", announced(plan))


def main() -> None:
    options = vars(arguments(["convert", *STAGES, "report", "all"]))
    stage, jobs = options.pop("stage"), options.pop("jobs")
    show_progress()
    if stage != "report":
        plan = planned(options)
        if stage in ("all", *SIZES):
            say_how_long(plan)
        for name in STAGES if stage == "all" else [stage]:
            if name in SIZES:
                plan.claim(name)
            if name != "convert":
                STAGES[name](plan, jobs)
    if stage in ("report", "all"):
        from experiment.report import report

        report()


if __name__ == "__main__":
    try:
        main()
    except RepalignError as error:
        sys.exit(f"pretrained: {error}")
