"""`repalign completion SHELL`: a script that completes commands, options, choices and names."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from shlex import quote

from repalign.commands.outcome import Outcome
from repalign.commands.parser import Parser

INSTALLED = {
    "bash": "repalign completion bash > ~/.local/share/bash-completion/completions/repalign",
    "zsh": "repalign completion zsh > ~/.zfunc/_repalign",
    "fish": "repalign completion fish > ~/.config/fish/completions/repalign.fish",
}
"""The shells, and where the script goes."""


def add_arguments(parser: Parser) -> None:
    parser.add_argument("shell", choices=[*INSTALLED], metavar="SHELL", help=", ".join(INSTALLED))
    parser.add_examples(*INSTALLED.values())


def run(args: argparse.Namespace) -> Outcome:
    import shtab

    return Outcome([shtab.complete(_whole_parser(), args.shell)])


def _whole_parser() -> Parser:
    """The parser with the options of all commands, which knows the checkpoints and corpora that have names."""
    from repalign.checkpoints import catalogue, trained_names
    from repalign.commands.main import COMMANDS, build_parser
    from repalign.corpora import EMBEDDED

    parser = build_parser(*COMMANDS)
    checkpoints = _names("checkpoint", sorted({*catalogue(), *trained_names()}))
    corpora = _names("corpus", sorted(EMBEDDED))
    for action in _actions(parser):
        if action.metavar == "CKPT":
            action.complete = checkpoints  # type: ignore[attr-defined]  # what shtab reads
        elif action.dest == "corpus" or action.dest == "words":
            action.complete = corpora  # type: ignore[attr-defined]
    return parser


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments of a parser and of its subcommands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)


def _names(kind: str, names: Iterable[str]) -> dict[str, object]:
    """Completion by one of the names or a path, as shtab takes it."""
    words, function = quote(" ".join(names)), f"_repalign_{kind}"
    bash = f"{function}() {{ compgen -W {words} -- $1; compgen -f -- $1; }}"
    return {
        "bash": function,
        "zsh": f"({' '.join(names)})",
        "fish": f"(string split ' ' {words}; __fish_complete_path (commandline -ct))",
        "preamble": {"bash": bash},
    }
