"""`repalign inside`: logit lens by language, language-specific neurons, and interventions."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
from repalign.commands.outcome import Outcome, records
from repalign.commands.parser import Parser, add_list

if TYPE_CHECKING:
    from repalign.results.inside import Inside

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
    text = [
        line for question, lines in answers.items() for line in (question, *(f"  {line}" for line in lines))
    ]
    return Outcome(text, _described(inside, answers) if args.json else None, paths)


def _described(inside: Inside, answers: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What `--json` prints: the sentences of the page, and all tables."""
    return {
        "title": inside.title,
        "signatures": inside.signatures,
        "settings": inside.settings,
        "findings": [
            {"question": question, "text": line} for question, lines in answers.items() for line in lines
        ],
        **{name: records(table) for name, table in inside.tables.items()},
    }
