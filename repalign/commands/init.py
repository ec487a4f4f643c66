"""`repalign init`: a starter folder, in which every command of its README works."""

from __future__ import annotations

import argparse
import os
from importlib.resources import files
from pathlib import Path

from repalign.commands.options import given_path, say
from repalign.errors import RepalignError
from repalign.writes import check_writable, write_atomically

SENTENCES = 40
REMEDY = "choose another folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        nargs="?",
        type=given_path,
        default=Path(),
        metavar="FOLDER",
        help="default: the current folder; files that exist are never replaced",
    )


def run(args: argparse.Namespace) -> list[Path]:
    folder: Path = args.folder
    made = starter()
    check_writable(folder, REMEDY)
    if taken := [name for name in made if os.path.lexists(folder / name)]:
        raise RepalignError(f"{folder / taken[0]} exists, and init replaces nothing; {REMEDY}")
    for name, text in made.items():
        write_atomically(folder / name, text.encode(), REMEDY)
    say(f"{len(made)} files; {folder / 'README.md'} has five commands to run there")
    return [folder / "README.md"]


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
