"""`python -m training RECIPE ...`: train checkpoints."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from repalign.commands.options import natural, positive
from repalign.errors import RepalignError, exit_code
from training.recipe import load_recipe, recipe_names


def main(argv: Sequence[str] | None = None) -> int:
    """Train. Returns its exit code: see `repalign.errors.exit_code`."""
    args = _parser().parse_args(argv)
    return exit_code("training", lambda: _run(args), resume_from="the last checkpoint")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train checkpoints by CoIT and MuIT. They go to $REPALIGN_HOME/checkpoints/NAME.",
        epilog="Ctrl-C is safe: the same command goes on from the last checkpoint. "
        "Many GPUs: accelerate launch -m training RECIPE.",
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
    parser.add_argument("--seed", type=natural, help="replaces the recipe's")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to, for one recipe")
    parser.add_argument("--jobs", type=positive, help="how many are trained at a time (default: one a core)")
    return parser


def _run(args: argparse.Namespace) -> Sequence[object]:
    """Folders of what was trained, or the lines of the list."""
    if args.recipes[0] == "list":
        return [f"{name:20} {load_recipe(name).about}" for name in recipe_names()]
    if args.recipes[0] == "data":
        from training.preview import preview

        for name in args.recipes[1:] or ["m-llama"]:
            preview(load_recipe(name, args.overrides, args.seed))
        return []
    if args.recipes[0] == "alignment":
        from training.alignment_page import alignment_page

        return [alignment_page(Path(folder)) for folder in args.recipes[1:]]
    recipes = [load_recipe(name, args.overrides, args.seed) for name in args.recipes]
    if len(recipes) == 1:
        from training.run import train

        return [train(recipes[0], args.out)]
    if args.out:
        raise RepalignError("--out is for one recipe; several go to $REPALIGN_HOME/checkpoints")
    from training.family import train_family

    options = [option for override in args.overrides for option in ("--set", override)]
    options += [] if args.seed is None else ["--seed", str(args.seed)]
    return train_family(recipes, options, args.jobs)


if __name__ == "__main__":
    sys.exit(main())
