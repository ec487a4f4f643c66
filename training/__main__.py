"""`python -m training RECIPE ...`: train checkpoints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from repalign.errors import RepalignError
from training.recipe import load_recipe, recipe_names


def main(argv: Sequence[str] | None = None) -> int:
    """Train. Returns 0 when done, 1 for a user's mistake (one line on stderr), 130 after Ctrl-C."""
    args = _parser().parse_args(argv)
    try:
        if args.recipes[0] == "list":
            for name in recipe_names():
                print(f"{name:20} {load_recipe(name).about}")
            return 0
        for folder in _run(args):
            print(folder)
        return 0
    except RepalignError as error:
        if os.environ.get("REPALIGN_DEBUG"):
            raise
        print(f"training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("training: interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130


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
        "`data RECIPE` shows what a recipe trains on, without training",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="e.g. train.epochs=2",
    )
    parser.add_argument("--seed", type=int, help="replaces the recipe's")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to, for one recipe")
    parser.add_argument("--jobs", type=int, help="how many are trained at a time (default: one a core)")
    return parser


def _run(args: argparse.Namespace) -> list[Path]:
    if args.recipes[0] == "data":
        from training.preview import preview

        for name in args.recipes[1:] or ["m-llama"]:
            preview(load_recipe(name, args.overrides, args.seed))
        return []
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
