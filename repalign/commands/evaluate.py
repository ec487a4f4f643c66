"""`repalign evaluate`: generate and score the answers of one checkpoint, or of two in comparison."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from repalign.commands.command_line import recorded
from repalign.commands.options import (
    add_machine_options,
    add_output_options,
    checked_output,
    comma_list,
    given_path,
    natural,
    positive,
    resolve,
    say,
)
from repalign.errors import RepalignError
from repalign.report.evaluation_text import print_tables

if TYPE_CHECKING:
    from repalign.results.evaluation import Evaluation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ckpt",
        nargs="+",
        metavar="CKPT",
        help="one checkpoint, or two: the second is compared with the first",
    )
    task = parser.add_argument_group("questions")
    task.add_argument(
        "--task",
        required=True,
        help="xquad, mlqa, squad (any questions), belebele, global-mmlu, flores, "
        "translation (of any corpus) or phrasebook",
    )
    task.add_argument(
        "--data",
        metavar="D",
        help="folder with the task's files, a corpus, or a hub id; default: the task's",
    )
    task.add_argument(
        "--langs",
        type=comma_list,
        metavar="L,L",
        help="languages of the answers, in any spelling; mlqa: zh.en is "
        "a passage in zh with a question in en; default: all that exist",
    )
    task.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help="N questions per language, the same ones in each; default: all",
    )
    task.add_argument("--source", default="en", metavar="L", help="language to translate from (default: en)")
    task.add_argument("--ask", metavar="TEXT", help="request to translate, with {target} and {source}")
    task.add_argument(
        "--prompts",
        type=given_path,
        metavar="FILE",
        help="TOML file with custom prompts for reading comprehension",
    )
    answers = parser.add_argument_group("answers")
    answers.add_argument(
        "--template", help="of the prompts; default: the one the checkpoint was tuned with, else alpaca"
    )
    answers.add_argument(
        "--new-tokens", type=positive, metavar="N", help="maximum length of an answer; default: the task's"
    )
    add_machine_options(answers)
    answers.add_argument(
        "--no-store",
        action="store_true",
        help="neither write answers and verdicts to disk nor reuse stored ones",
    )
    scores = parser.add_argument_group("scores")
    scores.add_argument("--scorers", type=comma_list, metavar="S,S", help="acc, contains, exact, f1, squad-exact, squad-f1, "
                        "chrf, bleu, spbleu, comet; default: the task's")  # fmt: skip
    scores.add_argument("--judge", default="auto", metavar="J", help="decides which of two answers is better: acc, exact, f1, "
                        "contains, chrf (default: the first scorer that can), or chat:MODEL, which sends questions "
                        "and answers to --judge-url")  # fmt: skip
    scores.add_argument(
        "--judge-url",
        metavar="URL",
        help="chat completions API (default: OpenAI's); the key is $REPALIGN_JUDGE_KEY; verdicts are stored, and a rerun "
        "asks for the missing ones",
    )
    scores.add_argument("--profile", type=given_path, metavar="DIR", help="results of `repalign layers` or `compare`: also "
                        "correlate alignment with scores")  # fmt: skip
    scores.add_argument(
        "--no-language", action="store_true", help="do not detect the language of answers (needs lingua)"
    )
    scores.add_argument(
        "--draws", type=positive, default=1000, help="bootstrap draws and permutations (default: 1000)"
    )
    scores.add_argument("--seed", type=natural, default=0)
    add_output_options(parser)


def run(args: argparse.Namespace) -> Iterable[Path]:
    if len(args.ckpt) > 2:
        raise RepalignError(f"evaluate takes one or two checkpoints, not {len(args.ckpt)}")
    from repalign.evaluation.defaults import check_choices, read_items
    from repalign.evaluation.judges import DEFAULT_URL
    from repalign.evaluation.run import evaluate, title_of
    from repalign.results.evaluation import Evaluation
    from repalign.results.results import Results

    checked_output(args, Evaluation)
    detect, judge_url = not args.no_language, args.judge_url or DEFAULT_URL
    check_choices(args.task, args.scorers, args.judge, judge_url, args.template, detect)
    profile = Results.load(args.profile) if args.profile else None
    checkpoints = resolve(args.ckpt, train=not args.no_train)
    items = read_items(
        args.task,
        checkpoints,
        data=args.data,
        languages=args.langs,
        source=args.source,
        instruction=args.ask,
        prompts=args.prompts,
        limit=args.limit,
        seed=args.seed,
    )
    title = title_of((checkpoint.name for checkpoint in checkpoints), args.task)
    output = checked_output(args, Evaluation, title)
    say(f"{title}: {len(items):,} questions in {len({item.label for item in items})} languages")
    evaluation = evaluate(
        checkpoints,
        args.task,
        items=items,
        scorers=args.scorers,
        new_tokens=args.new_tokens,
        template=args.template,
        judge=args.judge,
        judge_url=judge_url,
        profile=profile,
        detect=detect,
        draws=args.draws,
        seed=args.seed,
        dtype=args.dtype,
        device=args.device,
        batch_tokens=args.batch_tokens,
        store=not args.no_store,
    )
    evaluation.about["command"] = recorded(args.argv)
    print_tables(evaluation)
    draw = None if args.no_report else lambda: _page(evaluation)
    paths = evaluation.save(output.folder, args.overwrite, draw)
    return _written(paths, evaluation.settings.get("wins_missing"))


def _written(paths: list[Path], wins_missing: str | None) -> Iterator[Path]:
    """The files, then an error if something is missing in them: what was computed is kept, and scripts stop."""
    yield from paths
    if wins_missing:
        raise RepalignError(f"everything but the win rates was written: {wins_missing}")


def _page(evaluation: Evaluation) -> str:
    from repalign.report.evaluation import render_evaluation

    return render_evaluation(evaluation)
