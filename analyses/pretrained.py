"""The paper's experiment on a pretrained model: CoIT and MuIT by LoRA, measured before and after.

    python analyses/pretrained.py all --base gemma-3-270m.gguf --data FOLDER --out RUNS

Five stages, each of which keeps what is finished, so that any may be killed and run again: `train` (a recipe of
analyses/pretrained and a seed make one adapter, all with the same number of tokens), `measure` (alignment by layer on
NTREX-128), `answer` (translation of NTREX-128 in both directions, and XQuAD), `keep`, which scores the answers and copies what
has no text of others to figures/pretrained (small, one folder per run), and `report`, which reads these files only:

    python analyses/pretrained.py report     # judges the claims; writes figures/pretrained.* and a part of docs/pretrained.md

The first three are made for a GPU (`--jobs 8`). On a laptop make them smaller, and say how long before they start:

    python analyses/pretrained.py all --base BASE --out RUNS --tokens 200000 --sentences 250 --translations 40 --questions 40 \\
        --answer-languages en hi tr zh --only alpaca x-zh m

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
from typing import Any

from pretrained_hits import HITS, hit_tables
from pretrained_plan import BASE, LANGUAGES, NAMES, SEEDED, SIZES, TWIN, Plan, baselines, questions
from pretrained_times import announced
from repalign_training import train

from repalign import Checkpoint, LayerStates, Results, extract, profile
from repalign.checkpoints import random_twin
from repalign.errors import RepalignError
from repalign.evaluation.answering import answer
from repalign.models.loading import load_base, read_config, read_tokenizer
from repalign.models.locating import locate
from repalign.models.quiet import quiet_transformers
from repalign.scoring.controls import controls
from repalign.writes import partial_file, partial_folder, write_atomically

METRICS = ("p_at_1", "mexa")
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
    """Alignment of one run by layer, its difference from the base and from its counterpart, and the hits of each sentence."""
    folder = plan.out / "alignment" / run
    if (folder / "profile.parquet").is_file() and (folder / HITS).is_file():
        return
    states = _states(plan, run)
    settings = {"pivot": "en", "metrics": METRICS, "progress": False}
    score = partial(profile, **settings, variants=["centred"])
    scores = score(states)
    for other in baselines(run):
        if plan.finished(other):
            scores = scores.joined(score(states, baseline=_states(plan, other)))
        else:
            logger.warning("%s is not compared with %s, which is not finished; delete %s to measure it again",
                           run, other, folder)  # fmt: skip
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
    _states(plan, BASE)  # stored once, before several processes compare theirs with it
    side_by_side(measure_run, plan, [BASE, *(run for run in plan.runs if plan.finished(run)), TWIN], jobs)


def answer_all(plan: Plan, jobs: int) -> None:
    side_by_side(answer_run, plan, [BASE, *(run for run in plan.runs if plan.finished(run))], jobs)


def keep_all(plan: Plan, jobs: int) -> None:
    from pretrained_keep import keep

    keep(plan)


STAGES = {"train": train_all, "measure": measure_all, "answer": answer_all, "keep": keep_all}


def show_progress() -> None:
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("repalign").setLevel(logging.INFO)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="the paper's experiment on a pretrained model")
    parser.add_argument("stage", choices=["convert", *STAGES, "report", "all"])
    parser.add_argument("--base", type=Path, help="a model's folder, or a GGUF file")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="adapters, scores and answers")
    parser.add_argument("--data", type=Path, default=os.environ.get("REPALIGN_DATA", "../shared/data"))
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, dest="names", metavar="RECIPE")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (default: 1)")
    for name, help in {
        "seeds": f"of {' and '.join(SEEDED)}", "tokens": "trained on by each run", "micro-batch": "rows in memory",
        "sentences": "for alignment", "translations": "in each direction; 0: none",
        "questions": "in each language; 0: none",
        "batch-tokens": "of answers at a time",
    }.items():  # fmt: skip
        default = getattr(Plan, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{help} (default: {default})")
    parser.add_argument(
        "--answer-languages", nargs="+", choices=LANGUAGES, default=LANGUAGES, metavar="LANGUAGE",
        help="of questions and translations: en and others (default: all seven)",
    )  # fmt: skip
    return parser.parse_args()


def main() -> None:
    options = vars(arguments())
    stage, jobs = options.pop("stage"), options.pop("jobs")
    show_progress()
    if stage != "report":
        plan = planned(options)
        say_how_long(plan)
        for name in STAGES if stage == "all" else [stage]:
            if name in SIZES:
                plan.claim(name)
            if name != "convert":
                STAGES[name](plan, jobs)
    if stage in ("report", "all"):
        from pretrained_report import report

        report()


def say_how_long(plan: Plan) -> None:
    """Only on a CPU: an accelerator takes minutes."""
    import torch

    if not torch.accelerator.is_available():
        logger.info("%s", announced(plan))


def planned(options: dict[str, Any]) -> Plan:
    """The plan of the options of the command line; the base is converted first.

    Raises:
        RepalignError: options that every stage but `report` needs are missing, or data.
    """
    if missing := [name for name in ("base", "out") if options[name] is None]:
        raise RepalignError(f"--{missing[0]} is missing; every stage but report needs it")
    if not (options["data"] / "ntrex").is_dir():
        raise RepalignError(
            f"no ntrex in {options['data']}; give --data the folder that this script's head describes"
        )
    os.environ["REPALIGN_DATA"] = str(options["data"].resolve())
    paths = {"base": convert(options["base"], options["out"]).resolve(), "out": options["out"].resolve()}
    lists = {name: tuple(options[name]) for name in ("names", "answer_languages")}
    return Plan(**options | paths | lists)


if __name__ == "__main__":
    try:
        main()
    except RepalignError as error:
        sys.exit(f"pretrained: {error}")
