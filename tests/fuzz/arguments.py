"""Targets: the command line, with odd values in one place of a valid command."""

from __future__ import annotations

import contextlib
import io
import os
import random
from collections.abc import Iterator
from pathlib import Path

from tiny_models import SENTENCES

from fuzz.checkpoints import llama
from fuzz.results import SAMPLES
from fuzz.target import sample, target
from repalign.commands.main import main
from repalign.errors import RepalignError

ODD = (
    "", " ", "0", "-1", "1e9", "99999999999999999999", "nan", "x", ",", "en", "en,en", "zh,en", "0-", "5-2", "0-99999999999", "*",
    "..", "/", "/dev/null", "a\x00b", "a\nb", "\udcff", "x" * 5000, "../" * 500, "<b>", "{x}", "%s", "--", "~", "file:///etc/passwd",
    "chat:x", "😀", "\u202egnp", "None", "[]", "a=b", "=", "zh=-1", "3d", "1e400d",
)  # fmt: skip


def _save_corpus(folder: Path) -> None:
    for language, lines in SENTENCES.items():
        (folder / f"{language}.txt").write_text("\n".join([*lines, *(line + "!" for line in lines)]))


corpus = sample(_save_corpus)

COMMANDS = (
    "layers --ckpt M --corpus C --langs en,zh --pivot en --metrics mexa,cka --draws 10 --layers 0-2 --sentences 8 --no-store --out O",
    "compare M M --corpus C --variants raw --seed 1 --batch-tokens 100 --max-length 30 --draws 10 --out O",
    "extract --ckpt M --corpus C --pooling last --template raw --site resid --clusters 2",
    "inside M --corpus C --neurons 0.01 --random-controls 2 --draws 10 --layers 1 --out O",
    "evaluate M --task translation --data C --langs zh --limit 2 --new-tokens 3 --judge chrf --no-language --draws 10 --out O",
    "data check C --langs en,zh",
    "report R --title T --out P.html", "report R --figure curves --out P.svg",
    "scaling fit runs.csv --score chrf --top 1 --draws 2 --out O", "scaling allocate S/fit.json --budget 100 --available zh=10 --out O",
    "cache list", "cache verify", "cache prune --older 3d", "cache path", "list metrics", "doctor", "check-metric x.py",
)  # fmt: skip


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """The working directory for a while (contextlib.chdir is of Python 3.11)."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@target("command line")
def _command_line(folder: Path, rng: random.Random) -> None:
    """One value is odd; the command ends with one line and 1, with argparse's usage and 2, or well."""
    words = rng.choice(COMMANDS).split()
    place = rng.randrange(len(words))
    words[place] = rng.choice(ODD)
    made = {"M": lambda: llama(folder / "M"), "C": lambda: corpus(folder / "C"), "R": lambda: SAMPLES["profile"](folder / "R"),
            "S": lambda: SAMPLES["study"](folder / "S")}  # fmt: skip
    for word in {word.partition("/")[0] for word in words} & set(made):
        made[word]()
    before = set(folder.rglob("*"))
    errors = io.StringIO()
    with inside(folder), contextlib.redirect_stderr(errors):
        try:
            code = main(words)
        except SystemExit as stop:
            code = stop.code
    assert code in (0, 1, 2), code
    assert "Traceback" not in errors.getvalue(), errors.getvalue()
    if code:
        left = {path for path in folder.rglob("*") if path.is_dir()} - before
        assert not [path for path in left if not any(path.iterdir())], "an empty folder is left"
        raise RepalignError(errors.getvalue().rstrip("\n").rpartition("\n")[2])
