"""`repalign evaluate`: generate and score the answers of one checkpoint, or of two in comparison."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from repalign.commands.checkpoints import add_checkpoints, check_languages
from repalign.commands.command_line import recorded
from repalign.commands.options import (
    add_draws,
    add_langs,
    add_machine_options,
    add_output_options,
    checked_output,
    given_path,
    positive,
    resolve,
    say,
)
from repalign.commands.outcome import Outcome, described
from repalign.commands.parser import Parser, add_list
from repalign.errors import RepalignError
from repalign.report.evaluation_text import evaluation_lines

if TYPE_CHECKING:
    from repalign.results.evaluation import Evaluation


def add_arguments(parser: Parser) -> None:
    add_checkpoints(parser, "one or two checkpoints", most=2, help="the second is compared with the first")
    parser.usage = f"{parser.prog} CKPT [CKPT] --task TASK [OPTION ...]"
    task = parser.add_argument_group("questions")
    task.add_argument(
        "--task",
        required=True,
        metavar="TASK",
        help="xquad, mlqa, squad (any questions), belebele, global-mmlu, flores, "
        "translation (of any corpus) or phrasebook",
    )
    task.add_argument(
        "--data",
        metavar="D",
        help="folder with the task's files, a corpus, or a hub id; default: the task's",
    )
    add_langs(
        task,
        "languages of the answers, in any spelling; mlqa: zh.en is a passage in zh with a question in en; "
        "default: all that exist",
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
        "--template",
        metavar="T",
        help="of the prompts; default: the one the checkpoint was tuned with, else alpaca",
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
    add_list(scores, "--scorers", metavar="S", help="acc, contains, exact, f1, squad-exact, squad-f1, "
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
    add_draws(scores, "bootstrap draws and permutations")
    add_output_options(parser)
    parser.checks.append(check_languages)
    parser.add_examples(
        "repalign evaluate alpaca m-llama --task phrasebook",
        "repalign evaluate Qwen/Qwen3-0.6B --task xquad --langs en zh --limit 200",
        "repalign evaluate alpaca m-llama --task translation --data ./my-text --source en --scorers chrf bleu",
    )


def run(args: argparse.Namespace) -> Outcome:
    from repalign.evaluation.tasks import TASKS

    args.task = TASKS[args.task].name  # before what imports torch
    from repalign.evaluation.defaults import check_choices, read_items
    from repalign.evaluation.judges import DEFAULT_URL
    from repalign.evaluation.run import evaluate
    from repalign.results.evaluation import Evaluation
    from repalign.results.results import Results
    from repalign.results.titles import title_of

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
    title = title_of((checkpoint.name for checkpoint in checkpoints), args.task, compare=True)
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
        progress=not args.quiet,
    )
    evaluation.about["command"] = recorded(args.argv)
    draw = None if args.no_report else lambda: _page(evaluation)
    paths = evaluation.save(output.folder, args.overwrite, draw)
    missing = evaluation.settings.get("wins_missing")
    error = RepalignError(f"everything but the win rates was written: {missing}") if missing else None
    shown = [name for name in evaluation.tables if name != "answers"]  # which are in a file
    record = described(evaluation, shown) if args.json else None
    return Outcome(list(evaluation_lines(evaluation)), record, paths, error)


def _page(evaluation: Evaluation) -> str:
    from repalign.report.evaluation import render_evaluation

    return render_evaluation(evaluation)
