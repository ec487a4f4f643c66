"""`repalign init`: a starter folder, in which every command of its README works."""

from __future__ import annotations

import argparse
import os
from importlib.resources import files
from pathlib import Path

from repalign.commands.options import given_path
from repalign.commands.outcome import Outcome, add_printing_options
from repalign.commands.parser import Parser
from repalign.errors import RepalignError
from repalign.writes import check_writable, write_atomically

SENTENCES = 40
REMEDY = "choose another folder"


def add_arguments(parser: Parser) -> None:
    parser.add_examples("repalign init my-study", "repalign init")
    parser.add_argument(
        "folder",
        nargs="?",
        type=given_path,
        default=Path(),
        metavar="FOLDER",
        help="files that exist are never replaced (default: the current folder)",
    )
    add_printing_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    folder: Path = args.folder
    made = starter()
    check_writable(folder, REMEDY)
    if taken := [name for name in made if os.path.lexists(folder / name)]:
        raise RepalignError(f"{folder / taken[0]} exists, and init replaces nothing; {REMEDY}")
    for name, text in made.items():
        write_atomically(folder / name, text.encode(), REMEDY)
    readme = folder / "README.md"
    text = [f"{readme} has five commands to run there"]
    return Outcome(text, {"readme": str(readme)}, [folder / name for name in made])


def starter() -> dict[str, str]:
    """The files of a starter folder: path -> text."""
    from repalign.corpora import ParallelCorpus

    corpus = ParallelCorpus.named("everyday").select(limit=SENTENCES)
    texts = {f"text/{language}.txt": lines for language, lines in corpus.sentences.items()}
    texts["documents.txt"] = [f"sentence-{number}" for number in range(1, SENTENCES + 1)]
    templates = files("repalign.commands") / "starter"
    return {
        **{
            name: (templates / name).read_text(encoding="utf-8")
            for name in ("README.md", "nearest_l1.py", "recipe.toml")
        },
        **{name: "".join(f"{line}\n" for line in lines) for name, lines in texts.items()},
    }
