"""The command line: `repalign COMMAND ...`. Each command is one file in `repalign/commands`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from repalign.errors import RepalignError
from repalign.version import __version__

COMMANDS = {
    "layers": "alignment of every layer of one checkpoint or several: scores and a report",
    "compare": "two checkpoints on the same sentences: paired differences and a report",
    "evaluate": "what a checkpoint answers, or two: scores by language, answer languages, consistency, win rates",
    "extract": "fill the store of hidden states, without scoring",
    "report": "draw a report or a figure again from saved results, without a model",
    "list": "what is known: checkpoints, corpora, metrics",
    "data": "check parallel text: duplicates, copies, wrong scripts, lengths, tokens",
    "cache": "the store of hidden states: list, verify, prune",
    "check-metric": "run the contract tests on a metric of one's own",
    "doctor": "what works on this machine",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 when done, 1 for a user's mistake (one line on stderr), 130 after Ctrl-C."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = build_parser(argv[0] if argv else None)
    args = parser.parse_args(argv)
    args.argv = argv
    try:
        for path in args.run(args):
            print(path)
        return 0
    except RepalignError as error:
        if os.environ.get("REPALIGN_DEBUG"):
            raise
        print(f"repalign: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("repalign: interrupted; the same command goes on from what is finished", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output left, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


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
