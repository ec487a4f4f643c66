"""`repalign verify`: whether an engine's hidden states are those of the model, layer by layer."""

from __future__ import annotations

import argparse

from repalign.commands.checkpoints import add_checkpoints
from repalign.commands.options import (
    add_no_train,
    add_out,
    add_overwrite_option,
    given_path,
    positive,
    resolve,
    say,
)
from repalign.commands.outcome import Outcome, add_printing_options
from repalign.commands.parser import Parser
from repalign.errors import RepalignError


def add_arguments(parser: Parser) -> None:
    parser.epilog = "Exits with 0 if all layers are right, with 1 if a fault is found. docs/verification.md lists the faults."
    parser.add_examples(
        "repalign verify m-llama",
        "repalign verify m-llama --against transformers",
        "repalign verify m-llama --write-prompts ./prompts",
        "repalign verify ./my-model --against ./states-of-vllm --dtype bfloat16 --json",
    )
    add_checkpoints(parser, "one checkpoint", most=1)
    parser.add_argument(
        "--against",
        default="hooks",
        metavar="ENGINE",
        help="hooks (default: repalign's reader), transformers, nnsight, transformer-lens, or a folder of states "
        "that another engine wrote",
    )
    parser.add_argument(
        "--write-prompts",
        type=given_path,
        metavar="FOLDER",
        help="write prompts.json for another engine, and stop",
    )
    parser.add_argument(
        "--dtype",
        default="float32",
        choices=["float32", "bfloat16", "float16"],
        help="of the engine (default: float32)",
    )
    parser.add_argument(
        "--device", default="auto", metavar="D", help="auto (default), cpu, cuda, cuda:1, mps"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        metavar="T",
        help="largest distance of a state relative to its length; default: by dtype",
    )
    parser.add_argument(
        "--sentences",
        type=positive,
        default=60,
        metavar="N",
        help="of the curve that shows what a fault does (default: 60 of everyday, en-zh)",
    )
    parser.add_argument(
        "--no-effect", action="store_true", help="do not compute what a fault does to a curve"
    )
    add_no_train(parser)
    add_out(parser, "folder for verification.json, too (default: it is only printed)")
    add_overwrite_option(parser)
    add_printing_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    _check_output(args)
    (checkpoint,) = resolve(args.ckpt, train=not args.no_train)
    _check_output(args, checkpoint.name)
    from repalign.verification.run import verify, write_exchange

    if args.write_prompts:
        prompts = write_exchange(checkpoint, args.write_prompts, overwrite=args.overwrite)
        return Outcome(record={}, paths=[prompts])
    say(f"{checkpoint.name}: {args.against} against the model, one prompt at a time")
    verdict = verify(
        checkpoint,
        args.against,
        dtype=args.dtype,
        device=args.device,
        tolerance=args.tolerance,
        effect=not args.no_effect,
        sentences=args.sentences,
    )
    paths = [verdict.save(args.out, args.overwrite)] if args.out else []
    error = None if verdict.right else RepalignError(verdict.conclusion)
    return Outcome(str(verdict).splitlines(), verdict.as_dict(), paths, error)


def _check_output(args: argparse.Namespace, checkpoint: str | None = None) -> None:
    """Check --out and --write-prompts; `checkpoint` is not known before it is resolved, which may train it."""
    from repalign.results.folder import Output
    from repalign.verification.exchange import prompts_output
    from repalign.verification.verdict import KIND

    if args.out:
        Output(args.out, KIND, checkpoint, args.overwrite).check()
    if args.write_prompts:
        prompts_output(args.write_prompts, checkpoint, args.overwrite).check()
