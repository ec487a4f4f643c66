"""`repalign quantisation BASE OTHER ...`: what compressed versions of a model cost each language."""

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
    add_store_options,
    check_pivot,
    checked_output,
    chosen_store,
    corpus_for,
    resolve,
    say,
)
from repalign.commands.outcome import Outcome, described, in_words
from repalign.commands.parser import Parser

SENTENCES = 200
"""Sentences by default."""

SHOWN = ("losses", "ranking")
"""Tables that `--json` prints."""


def add_arguments(parser: Parser) -> None:
    expected = "two or more checkpoints, BASE and compressed versions of it"
    add_checkpoints(parser, expected, least=2, help=f"{expected}: differences are from BASE")
    add_data_options(parser, sentences=SENTENCES)
    study = parser.add_argument_group("analysis")
    add_pivot(study, "language that the others are aligned with (default: en)")
    add_draws(study)
    reading = parser.add_argument_group(
        "reading the model", "all versions run in one dtype; auto is float32 here"
    )
    add_machine_options(reading)
    add_store_options(reading)
    add_output_options(parser)
    parser.checks.append(check_languages)
    parser.add_examples(
        "repalign quantisation model-BF16.gguf model-Q8_0.gguf model-Q4_K_M.gguf --corpus everyday",
        "repalign quantisation ./my-model ./my-model-Q4_0.gguf --corpus ./my-text --langs en zh hi --clusters 10",
    )


def run(args: argparse.Namespace) -> Outcome:
    from repalign.results.quantisation import Quantisation
    from repalign.results.titles import title_of

    checked_output(args, Quantisation)
    checkpoints = resolve(args.ckpt, train=not args.no_train)
    corpus = corpus_for(args, checkpoints)
    check_pivot(args, corpus)
    corpus.select([args.pivot])
    names = [checkpoint.name for checkpoint in checkpoints]
    title = title_of(names, corpus.name, compare=len(names) == 2)
    output = checked_output(args, Quantisation, title)
    from repalign.quantisation.run import compare_quantised
    from repalign.report.quantisation import render_quantisation
    from repalign.report.quantisation_text import quantisation_in_words

    say(f"{title}: {len(corpus):,} sentences in {len(corpus.languages)} languages")
    quantised = compare_quantised(
        checkpoints[0],
        checkpoints[1:],
        corpus,
        pivot=args.pivot,
        draws=args.draws,
        seed=args.seed,
        dtype=args.dtype,
        device=args.device,
        batch_tokens=args.batch_tokens,
        store=chosen_store(args),
        store_dtype=args.store_dtype,
        progress=not args.quiet,
    )
    quantised.about["command"] = recorded(args.argv)
    answers = quantisation_in_words(quantised)
    draw = None if args.no_report else lambda: render_quantisation(quantised)
    paths = quantised.save(output.folder, args.overwrite, draw)
    record = described(quantised, SHOWN, answers) if args.json else None
    return Outcome(in_words(answers), record, paths)
