"""`repalign-train RECIPE ...`: train checkpoints. In a checkout also `python -m training RECIPE ...`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from repalign import RepalignError
from repalign.commands.console import log_to_stderr
from repalign.commands.options import given_path
from repalign.commands.parser import Parser
from repalign.errors import exit_code

from .recipe import load_recipe, recipe_names


def main(argv: Sequence[str] | None = None) -> int:
    """Train. Returns its exit code: see `repalign.errors.exit_code`."""
    with log_to_stderr(prefix=""):  # messages begin with the recipe's name
        return exit_code(
            "training", lambda: _run(_parser().parse_args(argv)), resume_from="the last checkpoint"
        )


def _parser() -> Parser:
    parser = Parser(
        prog="repalign-train",
        description="Train checkpoints by CoIT and MuIT. They go to $REPALIGN_HOME/checkpoints/NAME. "
        "`python -m repalign_training` is the same command, and so is `python -m training` in a checkout of repalign.",
        epilog="Ctrl-C is safe: rerun the same command to resume from the last checkpoint. "
        "Several GPUs: accelerate launch -m repalign_training RECIPE.",
    )
    parser.add_argument(
        "recipes",
        nargs="+",
        metavar="RECIPE",
        help="names (`list` shows them) or TOML files; several are trained side by side, one core each. "
        "`data RECIPE` shows what a recipe trains on, without training; `alignment FOLDER` draws a page of alignment "
        "over the training in it (train.align_steps)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="e.g. train.epochs=2",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="replaces the recipe's")
    parser.add_argument(
        "-o",
        "--out",
        type=given_path,
        metavar="PATH",
        help="folder to train into, for one recipe (default: $REPALIGN_HOME/checkpoints/NAME)",
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="recipes trained at a time (default: one per core)"
    )
    parser.add_examples(
        "repalign-train list",
        "repalign-train m-llama",
        "repalign-train base alpaca x-llama-zh m-llama --jobs 2",
        "repalign-train m-llama --set train.epochs=2 --out runs/m-llama",
    )
    return parser


def _run(args: argparse.Namespace) -> Iterable[object]:
    """The folders of what was trained, or lines to print."""
    if args.recipes[0] == "list":
        names = recipe_names()
        width = max(map(len, names))
        return [f"{name:<{width}}  {load_recipe(name).about}" for name in names]
    if args.recipes[0] == "data":
        from .preview import preview

        names = args.recipes[1:] or ["m-llama"]
        return (line for name in names for line in preview(load_recipe(name, args.overrides, args.seed)))
    if args.recipes[0] == "alignment":
        from .alignment_page import alignment_page

        return [alignment_page(Path(folder)) for folder in args.recipes[1:]]
    recipes = [load_recipe(name, args.overrides, args.seed) for name in args.recipes]
    if len(recipes) == 1:
        from .run import train

        return [train(recipes[0], args.out)]
    if args.out:
        raise RepalignError("--out is for one recipe; several go to $REPALIGN_HOME/checkpoints")
    from .family import train_family

    options = [option for override in args.overrides for option in ("--set", override)]
    options += [] if args.seed is None else ["--seed", str(args.seed)]
    return train_family(recipes, options, args.jobs)


if __name__ == "__main__":
    sys.exit(main())
