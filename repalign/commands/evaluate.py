"""`repalign evaluate`: what one checkpoint answers, or two, and how right it is."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.commands.options import (
    add_machine_options,
    add_output_options,
    comma_list,
    natural,
    output_folder,
    positive,
    resolve,
    say,
)
from repalign.errors import RepalignError
from repalign.report.evaluation_text import print_tables

if TYPE_CHECKING:
    from repalign.checkpoints import Checkpoint
    from repalign.evaluation.items import Item
    from repalign.evaluation.tasks import Task

BRIEF_REQUEST = "{target}:"
"""How the demo family is asked to translate."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ckpt", nargs="+", metavar="CKPT", help="one checkpoint, or two: the second against the first"
    )
    task = parser.add_argument_group("questions")
    task.add_argument(
        "--task", required=True, help="xquad, mlqa, flores, translation (of any corpus), phrasebook"
    )
    task.add_argument(
        "--data", metavar="D", help="folder of the task's files, a corpus, or a hub id; default: the task's"
    )
    task.add_argument(
        "--langs", type=comma_list, metavar="L,L", help="languages answered in, by default all there are"
    )
    task.add_argument(
        "--limit", type=positive, metavar="N", help="N questions a language, the same ones in each"
    )
    task.add_argument("--source", default="en", metavar="L", help="language translated from (default: en)")
    task.add_argument("--ask", metavar="TEXT", help="request to translate, with {target} and {source}")
    task.add_argument(
        "--prompts", type=Path, metavar="FILE", help="TOML file with wordings of questions on paragraphs"
    )
    answers = parser.add_argument_group("answers")
    answers.add_argument(
        "--template", help="frame of prompts; default: what the checkpoint was tuned with, else alpaca"
    )
    answers.add_argument(
        "--new-tokens", type=positive, metavar="N", help="that an answer may have; default: the task's"
    )
    add_machine_options(answers)
    answers.add_argument(
        "--no-store", action="store_true", help="neither keep answers on disk nor look for them there"
    )
    scores = parser.add_argument_group("scores")
    scores.add_argument("--scorers", type=comma_list, metavar="S,S", help="contains, exact, f1, squad-exact, squad-f1, "
                        "chrf, bleu, spbleu, comet; default: the task's")  # fmt: skip
    scores.add_argument("--judge", metavar="J", help="which of two answers is better: exact, f1, contains, chrf (default: "
                        "the task's first scorer that can), or chat:MODEL, which sends questions and answers to --judge-url")  # fmt: skip
    scores.add_argument("--judge-url", metavar="URL", help="chat completions; the key is $REPALIGN_JUDGE_KEY")
    scores.add_argument("--profile", type=Path, metavar="DIR", help="results of `repalign layers` or `compare`, for the "
                        "correlation of alignment and score")  # fmt: skip
    scores.add_argument(
        "--no-language", action="store_true", help="leave out the language of answers (needs lingua)"
    )
    scores.add_argument(
        "--draws", type=positive, default=1000, help="bootstrap draws and shuffles (default: 1000)"
    )
    scores.add_argument("--seed", type=natural, default=0)
    add_output_options(parser)


def run(args: argparse.Namespace) -> list[Path]:
    if len(args.ckpt) > 2:
        raise RepalignError(f"one checkpoint or two can be evaluated together, not {len(args.ckpt)}")
    from repalign.evaluation.tasks import TASKS
    from repalign.results.results import Results

    task = TASKS[args.task]
    scorers = _scorers(args, task)
    judge = _judge(args, scorers)
    profile = Results.load(args.profile) if args.profile else None
    if not args.no_language:
        from repalign.evaluation.answer_language import answer_languages

        answer_languages([], ["en", "zh"])  # told now if lingua is missing, not after an hour of answers
    checkpoints = resolve(args.ckpt, train=not args.no_train)
    items = _items(args, task, checkpoints)
    title = f"{' against '.join(one.name for one in reversed(checkpoints))} on {task.name}"
    out = output_folder(args, title)
    from repalign.evaluation.run import evaluate

    say(f"{title}: {len(items):,} questions in {len({item.language for item in items})} languages")
    found = evaluate(
        checkpoints,
        items,
        task.name,
        scorers,
        args.new_tokens or task.new_tokens,
        judge=judge[1] if len(checkpoints) == 2 else None,
        judge_name=judge[0],
        profile=profile,
        detect=not args.no_language,
        draws=args.draws,
        seed=args.seed,
        template=args.template,
        device=args.device,
        dtype=args.dtype,
        batch_tokens=args.batch_tokens,
        store=not args.no_store,
    )
    found.about["command"] = shlex.join(["repalign", *args.argv])
    print_tables(found)
    paths = found.save(out)
    if not args.no_report:
        from repalign.report.evaluation import write_evaluation

        paths.append(write_evaluation(found, out / "report.html"))
    return paths


def _items(args: argparse.Namespace, task: Task, checkpoints: Sequence[Checkpoint]) -> list[Item]:
    from repalign.evaluation.items import sampled
    from repalign.evaluation.tasks import TRANSLATION_REQUEST, Request

    suited = checkpoints[-1].corpus if task.name == "translation" else None
    request = Request(
        data=args.data or suited,
        languages=args.langs,
        source=args.source,
        ask=args.ask or (BRIEF_REQUEST if any(map(_asked_briefly, checkpoints)) else TRANSLATION_REQUEST),
        prompts=args.prompts,
        rows=args.limit,
    )
    return sampled(task.read(request), args.limit, args.seed)


def _asked_briefly(checkpoint: Checkpoint) -> bool:
    """Whether its card says that it was tuned with the shortest request to translate."""
    from repalign.checkpoints.card import Card

    card = Card.read(checkpoint.folder) if checkpoint.folder else None
    sources = card.recipe.get("sources", {}) if card else {}
    return any(source.get("brief") for source in sources.values())


def _scorers(args: argparse.Namespace, task: Task) -> list[str]:
    """Those asked for, or the task's that are at hand.

    Raises:
        RepalignError: an unknown one, or one asked for that is not at hand.
    """
    from repalign.evaluation.scorers import SCORERS
    from repalign.evaluation.translation import at_hand

    for name in args.scorers or ():
        SCORERS[name]
    return args.scorers or [name for name in task.scorers if at_hand(name)]


def _judge(args: argparse.Namespace, scorers: Sequence[str]) -> tuple[str, Any]:
    from repalign.evaluation.judges import DEFAULT_URL, TIE_MARGINS, find_judge

    name = args.judge or next((scorer for scorer in scorers if scorer in TIE_MARGINS), "exact")
    return name, find_judge(name, args.judge_url or DEFAULT_URL)
