"""`repalign inside`: logit lens by language, language-specific neurons, and interventions."""

from __future__ import annotations

import argparse

from repalign.commands.checkpoints import add_checkpoints, check_languages
from repalign.commands.command_line import recorded
from repalign.commands.options import (
    add_data_options,
    add_draws,
    add_machine_options,
    add_output_options,
    add_pivot,
    check_pivot,
    checked_output,
    corpus_for,
    layer_list,
    positive,
    resolve,
    say,
)
from repalign.commands.outcome import Outcome, described, in_words
from repalign.commands.parser import Parser, add_list

SENTENCES = 200
"""Sentences by default: half select neurons and directions, half measure the effects."""


def add_arguments(parser: Parser) -> None:
    add_checkpoints(parser, "one or more checkpoints", help="causal language models")
    add_data_options(parser, sentences=SENTENCES)
    study = parser.add_argument_group("analysis")
    add_pivot(study, "language that the others are compared with and steered to (default: en)")
    add_list(
        study,
        "--layers",
        metavar="L",
        parts=layer_list,
        help="layers with interventions; default: up to eight",
    )
    study.add_argument(
        "--neurons",
        type=float,
        default=0.01,
        metavar="S",
        help="share of all neurons that is selected as language-specific (default: .01)",
    )
    study.add_argument(
        "--random-controls",
        type=positive,
        default=20,
        metavar="N",
        help="random interventions that each is compared with; fewer than 20 cannot be significant (default: 20)",
    )
    add_draws(study)
    add_machine_options(parser.add_argument_group("reading the model"))
    add_output_options(parser)
    parser.checks.append(check_languages)
    parser.add_examples(
        "repalign inside m-llama",
        "repalign inside alpaca m-llama --langs en zh tr --neurons .05",
        "repalign inside Qwen/Qwen3-0.6B --corpus everyday --layers 4-20 --device cuda",
    )


def run(args: argparse.Namespace) -> Outcome:
    from repalign.models.depth import check_layers
    from repalign.results.inside import Inside
    from repalign.results.titles import title_of

    checked_output(args, Inside)
    checkpoints = resolve(args.ckpt, train=not args.no_train)
    corpus = corpus_for(args, checkpoints)
    check_pivot(args, corpus)
    corpus.select([args.pivot])
    for checkpoint in checkpoints:
        check_layers(checkpoint, args.layers)
    title = title_of((checkpoint.name for checkpoint in checkpoints), corpus.name)
    output = checked_output(args, Inside, title)
    from repalign.inside.run import look_inside
    from repalign.report.inside import inside_in_words, render_inside

    say(f"{title}: {len(corpus):,} sentences in {len(corpus.languages)} languages")
    inside = look_inside(
        checkpoints,
        corpus,
        pivot=args.pivot,
        layers=args.layers,
        share=args.neurons,
        random_controls=args.random_controls,
        draws=args.draws,
        seed=args.seed,
        dtype=args.dtype,
        device=args.device,
        batch_tokens=args.batch_tokens,
        progress=not args.quiet,
    )
    inside.about["command"] = recorded(args.argv)
    answers = inside_in_words(inside)
    draw = None if args.no_report else lambda: render_inside(inside)
    paths = inside.save(output.folder, args.overwrite, draw)
    record = described(inside, inside.tables, answers) if args.json else None
    return Outcome(in_words(answers), record, paths)
