"""Checkpoints on the command line: by position or with `--ckpt`, which are the same thing."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from repalign.commands.parser import Parser

HELP = "a name, a local folder, a PEFT adapter folder, a GGUF file or a hub id; NAME~random is a twin with random weights"


def add_checkpoints(
    parser: Parser, expected: str, least: int = 1, most: int | None = None, help: str = ""
) -> None:
    """Add checkpoints by position and `--ckpt`; what is given ends up in `args.ckpt`, a list.

    Args:
        parser: of a command.
        expected: how many, in words, e.g. "two checkpoints, BEFORE and AFTER".
        least, most: how many.
        help: what their number or order means.
    """
    shown = "CKPT ..." if most is None else " ".join(["CKPT"] * least + ["[CKPT]"] * (most - least))
    parser.usage = f"{parser.prog} {shown} [OPTION ...]"
    parser.add_argument("checkpoints", nargs="*", metavar="CKPT", help="; ".join(filter(None, (HELP, help))))
    parser.add_argument(
        "--ckpt", nargs="+", action="extend", default=[], metavar="CKPT", help="the same, as an option"
    )
    parser.checks.append(_given(expected, least, most))


def _given(expected: str, least: int, most: int | None) -> Callable[[argparse.Namespace], str | None]:
    def check(args: argparse.Namespace) -> str | None:
        if args.checkpoints and args.ckpt:
            given = f"{' '.join(args.checkpoints)} by position and --ckpt {' '.join(args.ckpt)}"
            return f"expected {expected}, by position or with --ckpt, not both; got {given}"
        args.ckpt = args.checkpoints or args.ckpt
        if len(args.ckpt) < least or (most is not None and len(args.ckpt) > most):
            got = f"{len(args.ckpt)} ({' '.join(args.ckpt)})" if args.ckpt else "none"
            return f"expected {expected}, got {got}{_swallowed(args)}"
        return None

    return check


def _swallowed(args: argparse.Namespace) -> str:
    taken = getattr(args, "taken", "")
    return f"; `{taken}` takes all words after it, so put checkpoints before the options" if taken else ""


def check_languages(args: argparse.Namespace) -> str | None:
    """Whether a word in `--langs` is rather a checkpoint, which a list of languages took."""
    from repalign.corpora.languages import looks_like_code

    for word in args.langs or ():
        if not looks_like_code(word) and _is_checkpoint(word):
            return (
                f"--langs takes all words after it, also {word!r}, which is no language; "
                "put checkpoints before the options"
            )
    return None


def _is_checkpoint(word: str) -> bool:
    from repalign.checkpoints.checkpoint import catalogue

    return "/" in word or word in catalogue() or os.path.exists(word)
