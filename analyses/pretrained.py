"""The paper's experiment on a pretrained model: CoIT and MuIT by LoRA, measured before and after.

    python analyses/pretrained.py all --base gemma-3-270m.gguf --data FOLDER --out RUNS

Four stages, each of which keeps what is finished, so that any may be killed and run again: `train` (a recipe of
analyses/pretrained and a seed make one adapter, all with the same number of tokens), `measure` (alignment by layer on
NTREX-128), `answer` (translation of NTREX-128 in both directions, and XQuAD), and `report`, which reads what the others
saved and writes figures/pretrained.*. The first three are made for a GPU (`--jobs 8`); `report` needs none, nor the model.

The data are not ours to give. FOLDER (or $REPALIGN_DATA) holds, for en ar el hi tr vi zh:
  ntrex/{language}.txt            NTREX-128, one sentence per line, and DOCUMENT_IDS.tsv; never trained on
  xquad/xquad.{language}.json     XQuAD
  pairs/en-{language}.tsv         sentence pairs, with a column for each of the two languages
  alpaca/{en,vi,zh}.jsonl, instruct_tldr/{ar,el,hi,tr}.jsonl     instruction, input, output
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from pretrained_plan import BASE, NAMES, SEEDED, TWIN, Plan, baselines, questions
from repalign_training import train

from repalign import Checkpoint, LayerStates, Results, extract, profile
from repalign.checkpoints import random_twin
from repalign.errors import RepalignError
from repalign.evaluation.answering import answer
from repalign.models.loading import load_base, read_config, read_tokenizer
from repalign.models.locating import locate
from repalign.models.quiet import quiet_transformers
from repalign.writes import partial_folder, write_atomically

METRICS = ("p_at_1", "mexa")
TOKENS_A_SECOND = 200
"""Trained on by two CPU cores, for Gemma 3 270M."""

TASKS = {"translation": 128, "xquad": 48}
"""Maximum tokens of an answer."""

logger = logging.getLogger("repalign.pretrained")


def convert(base: Path, out: Path) -> Path:
    """The folder of a base that is one already, or that of a GGUF file, converted to bfloat16.

    A model in blocks of 4 bits cannot be trained; converted, it is the same but for rounding.
    """
    if not base.is_file():
        return base
    folder = out / "gguf"
    if not folder.is_dir():
        import torch

        out.mkdir(parents=True, exist_ok=True)
        weights = locate(Checkpoint.named(str(base)))
        with quiet_transformers(), partial_folder(folder) as partial:
            model = load_base(weights, read_config(weights), torch.bfloat16, "cpu").model
            if hasattr(model.config, "quantization_config"):
                del model.config.quantization_config
            model.save_pretrained(partial)
            read_tokenizer(weights).save_pretrained(partial)
            partial.rename(folder)
    return folder


def train_run(plan: Plan, run: str) -> None:
    """Train one run, or resume it."""
    train(plan.runs[run], plan.folder(run))


def measure_run(plan: Plan, run: str) -> None:
    """Alignment of one run by layer, and its difference from the base and from its counterpart."""
    folder = plan.out / "alignment" / run
    if (folder / "profile.parquet").is_file():
        return
    states = _states(plan, run)
    score = partial(profile, pivot="en", metrics=METRICS, variants=["centred"], progress=False)
    scores = score(states)
    for other in baselines(run):
        if plan.finished(other):
            scores = scores.joined(score(states, baseline=_states(plan, other)))
        else:
            logger.warning("%s is not compared with %s, which is not finished; delete %s to measure it again",
                           run, other, folder)  # fmt: skip
    Results(run, scores).save(folder)


def _states(plan: Plan, run: str) -> LayerStates:
    checkpoint = random_twin(plan.checkpoint(BASE)) if run == TWIN else plan.checkpoint(run)
    return extract(checkpoint, plan.corpus.select(limit=plan.sentences), progress=False)


def answer_run(plan: Plan, run: str) -> None:
    """The answers of one run to all tasks, as JSON: signature, and by language or direction one entry per question."""
    for task, new_tokens in TASKS.items():
        path = plan.out / "answers" / f"{task}.{run}.json"
        if path.is_file():
            continue
        groups = questions(plan, task)
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
    import torch

    missing = [run for run in plan.runs if not plan.finished(run)]
    if not torch.accelerator.is_available():
        hours = len(missing) * plan.tokens / TOKENS_A_SECOND / 3600
        logger.info(
            "%d runs of %s tokens: some %.1f hours on two cores", len(missing), f"{plan.tokens:,}", hours
        )
    side_by_side(train_run, plan, missing, jobs)


def measure_all(plan: Plan, jobs: int) -> None:
    _states(plan, BASE)  # stored once, before several processes compare theirs with it
    side_by_side(measure_run, plan, [BASE, *(run for run in plan.runs if plan.finished(run)), TWIN], jobs)


def answer_all(plan: Plan, jobs: int) -> None:
    side_by_side(answer_run, plan, [BASE, *(run for run in plan.runs if plan.finished(run))], jobs)


def report_all(plan: Plan, jobs: int) -> None:
    from pretrained_report import report

    report(plan)


STAGES = {"train": train_all, "measure": measure_all, "answer": answer_all, "report": report_all}


def show_progress() -> None:
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("repalign").setLevel(logging.INFO)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="the paper's experiment on a pretrained model")
    parser.add_argument("stage", choices=["convert", *STAGES, "all"])
    parser.add_argument("--base", type=Path, required=True, help="a model's folder, or a GGUF file")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="adapters, scores and answers"
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("REPALIGN_DATA", "../shared/data"))
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, dest="names", metavar="RECIPE")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (default: 1)")
    for name, help in {
        "seeds": f"of {' and '.join(SEEDED)}", "tokens": "trained on by each run", "micro-batch": "rows in memory",
        "sentences": "for alignment", "translations": "in each direction", "questions": "in each language",
        "batch-tokens": "of answers at a time",
    }.items():  # fmt: skip
        default = getattr(Plan, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{help} (default: {default})")
    return parser.parse_args()


def main() -> None:
    options = vars(arguments())
    stage, jobs = options.pop("stage"), options.pop("jobs")
    if not (options["data"] / "ntrex").is_dir():
        raise RepalignError(
            f"no ntrex in {options['data']}; give --data the folder that this script's head describes"
        )
    show_progress()
    os.environ["REPALIGN_DATA"] = str(options["data"].resolve())
    base = convert(options["base"], options["out"]).resolve()
    plan = Plan(**options | {"base": base, "out": options["out"].resolve(), "names": tuple(options["names"])})
    plan.claim()
    for name in STAGES if stage == "all" else [stage]:
        if name != "convert":
            STAGES[name](plan, jobs)


if __name__ == "__main__":
    try:
        main()
    except RepalignError as error:
        sys.exit(f"pretrained: {error}")
