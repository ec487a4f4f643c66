"""`repalign demo`: three reports on the checkpoints that are shipped, and a page that lists them."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from repalign.commands.index import write_index
from repalign.commands.options import add_overwrite_option, given_path, say

REPORTS = {
    "m-llama": ("layers", "--ckpt", "m-llama"),
    "alpaca-x-llama-zh": ("compare", "alpaca", "x-llama-zh"),
    "base-m-llama": ("compare", "base", "m-llama"),
}
"""Folder -> command. Nothing is reduced: these are the commands that a user would give, and those of `make demo`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out",
        type=given_path,
        default=Path("repalign-demo"),
        metavar="DIR",
        help="folder of the reports (default: repalign-demo)",
    )
    add_overwrite_option(parser)


def run(args: argparse.Namespace) -> list[Path]:
    from repalign.commands.main import run_command

    os.environ.setdefault(
        "OMP_NUM_THREADS", "1"
    )  # on matrices this small, threads that wait for each other cost more
    began = time.monotonic()
    say(f"{len(REPORTS)} reports on the demo family and 200 sentences in 7 languages, about a minute")
    for folder, words in REPORTS.items():
        argv = [*words, "--out", str(args.out / folder), "--no-train"]
        say(f"$ {' '.join(['repalign', *words])}")
        list(run_command([*argv, "--overwrite"] if args.overwrite else argv))
        print()
    index = write_index(args.out, args.overwrite)
    say(f"done in {time.monotonic() - began:.0f} s; open {index}")
    say("next: `repalign layers --ckpt YOUR-MODEL`, or `repalign init` for a folder to start from")
    return [index]
