"""The command line: `repalign COMMAND ...`. Each command is one file in `repalign/commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from repalign.commands.console import log_to_stderr
from repalign.errors import exit_code
from repalign.version import __version__

COMMANDS = {
    "layers": "alignment of every layer of one checkpoint or several: scores and a report",
    "compare": "two checkpoints on the same sentences: paired differences and a report",
    "evaluate": "what a checkpoint answers, or two: scores by language, answer languages, consistency, win rates",
    "inside": "which language a model computes in, which neurons carry a language, what taking it out costs",
    "scaling": "how a score grows with sentence pairs, and how to spend a budget of them: a fit, a split, a page",
    "extract": "fill the store of hidden states, without scoring",
    "report": "draw a report or a figure again from saved results, without a model",
    "list": "what is known: checkpoints, corpora, metrics",
    "data": "check parallel text: duplicates, copies, wrong scripts, lengths, tokens",
    "cache": "the store of hidden states and answers: list, verify, prune",
    "check-metric": "run the contract tests on a metric of one's own",
    "doctor": "what works on this machine",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code: see `repalign.errors.exit_code`."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = build_parser(argv[0] if argv else None)
    args = parser.parse_args(argv)
    args.argv = argv
    with log_to_stderr():
        return exit_code("repalign", lambda: args.run(args), resume="what is finished")


def build_parser(chosen: str | None) -> argparse.ArgumentParser:
    """The parser; only the chosen command's module is imported, so that `--help` stays fast."""
    parser = argparse.ArgumentParser(
        prog="repalign",
        description="Where do languages meet inside a language model? Layer by layer, with chance levels and intervals.",
        epilog="`repalign COMMAND --help` shows a command's options. Ctrl-C is safe: finished steps are kept.",
    )
    parser.add_argument("--version", action="version", version=f"repalign {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, line in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if name == chosen:
            module = import_module(f"repalign.commands.{name.replace('-', '_')}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
