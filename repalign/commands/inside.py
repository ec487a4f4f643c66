"""`repalign inside`: logit lens by language, language-specific neurons, and interventions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from repalign.commands.command_line import recorded
from repalign.commands.options import (
    add_data_options,
    add_machine_options,
    add_output_options,
    checked_output,
    corpus_for,
    layer_list,
    natural,
    positive,
    resolve,
    say,
)

SENTENCES = 200
"""Sentences by default: half select neurons and directions, half measure the effects."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ckpt", nargs="+", metavar="CKPT", help="a name, a folder or a hub id")
    add_data_options(parser, sentences=SENTENCES)
    study = parser.add_argument_group("analysis")
    study.add_argument(
        "--pivot",
        default="en",
        metavar="L",
        help="language that the others are compared with and steered to (default: en)",
    )
    study.add_argument(
        "--layers", type=layer_list, metavar="L", help="layers with interventions; default: up to eight"
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
    study.add_argument("--draws", type=positive, default=1000, help="bootstrap draws (default: 1000)")
    study.add_argument("--seed", type=natural, default=0)
    add_machine_options(parser.add_argument_group("reading the model"))
    add_output_options(parser)


def run(args: argparse.Namespace) -> list[Path]:
    from repalign.results.inside import Inside

    checked_output(args, Inside)
    checkpoints = resolve(args.ckpt, train=not args.no_train)
    corpus = corpus_for(args, checkpoints)
    corpus.select([args.pivot])
    title = f"{' '.join(checkpoint.name for checkpoint in checkpoints)} inside"
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
    )
    inside.about["command"] = recorded(args.argv)
    for question, lines in inside_in_words(inside).items():
        print(question, *(f"  {line}" for line in lines), sep="\n", file=sys.stderr)
    return inside.save(
        output.folder, args.overwrite, None if args.no_report else lambda: render_inside(inside)
    )
