"""The command line: `repalign COMMAND ...`. Each command is one file in `repalign/commands`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

from repalign import progress
from repalign.commands.console import log_to_stderr
from repalign.commands.parser import Parser
from repalign.errors import exit_code
from repalign.version import __version__

COMMANDS = {
    "demo": "three reports on the checkpoints that are shipped, in about a minute: start here",
    "init": "make a starter folder: a corpus, a metric, a training recipe and commands that use them",
    "layers": "alignment of one or more checkpoints, layer by layer: scores and a report",
    "compare": "compare two checkpoints on the same sentences: paired differences and a report",
    "evaluate": "answers of one or two checkpoints: scores by language, answer languages, consistency, win rates",
    "inside": "language of intermediate predictions, language-specific neurons, and the effect of ablating them",
    "quantisation": "loss, drift and alignment of compressed versions of a model, by language: which breaks first",
    "verify": "check an engine's hidden states against the model, and name what is wrong with them",
    "scaling": "fit how a score grows with sentence pairs, and split a budget of pairs over languages",
    "extract": "compute and store hidden states, without scoring",
    "score": "score stored states, divided among processes or machines, for `layers` and `compare`",
    "plan": "what reading and scoring would take: tokens, hours, memory, bytes, and how to run it",
    "report": "redraw a report or a figure from saved results, without a model",
    "index": "make one page that lists all results in a folder, with links to their pages",
    "list": "list available checkpoints, corpora, metrics, tasks",
    "data": "check parallel text: duplicates, copies, wrong scripts, lengths, tokens; rank rows that seem to be no translations",
    "cache": "list, verify or prune stored hidden states and answers",
    "check-metric": "run the contract tests on a custom metric",
    "doctor": "show versions, devices and folders on this machine",
    "completion": "print a script that completes commands and options in bash, zsh or fish",
}

RESUMED_FROM = {
    "layers": "the stored states",
    "compare": "the stored states",
    "extract": "the stored states",
    "score": "the stored scores",
    "quantisation": "the stored states",
    "evaluate": "the stored answers",
}
"""What an interrupted command resumes from, unless it was asked to store nothing; the others start again."""

EPILOG = """\
Run `repalign COMMAND --help` for the options of a command, with examples.

Results go to stdout, progress and notes to stderr; --json and --quiet change what is printed.
Exit codes: 0 success; 1 an error that its message explains, or a fault that was looked for and found;
2 a command line that cannot be read; 130 Ctrl-C; 143 SIGTERM. Both are safe: finished steps are kept.
Results are written to out/CHECKPOINTS-on-CORPUS unless --out names another folder."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code: see `repalign.errors.exit_code`."""
    argv = sys.argv[1:] if argv is None else list(argv)
    stores = not any(
        option.startswith(("--no-s", "--str")) for option in argv
    )  # --no-store, --stream, also cut short
    with log_to_stderr():
        return exit_code(
            "repalign", lambda: _run(argv), RESUMED_FROM.get(argv[0], "") if argv and stores else ""
        )


def _run(argv: list[str]) -> Iterable[str]:
    """Read the command line, run the command, and print what it found."""
    args = parsed(argv)
    quiet = getattr(args, "quiet", False)
    if quiet:
        logging.getLogger("repalign").setLevel(logging.WARNING)
    progress.quiet(quiet)
    return args.run(args).printed(getattr(args, "json", False), quiet)


def parsed(argv: list[str]) -> argparse.Namespace:
    """The command line as read: `run(args)` of it runs the command."""
    args = build_parser(*argv[:1]).parse_args(argv)
    args.argv = argv
    return args


def build_parser(*chosen: str) -> Parser:
    """The parser of the command line.

    Args:
        chosen: commands whose options are added; the modules of the others are not imported, so that `--help` stays fast.
    """
    parser = Parser(
        prog="repalign",
        description="Where do languages align inside a language model? Layer by layer, with chance levels and intervals.",
        epilog=EPILOG,
    )
    parser.add_examples("repalign layers m-llama", "repalign compare alpaca m-llama", "repalign list")
    parser.add_argument("--version", action="version", version=f"repalign {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for name, line in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if name in chosen:
            module = import_module(f"repalign.commands.{name.replace('-', '_')}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
