"""Plain English: forms that read as translated, each with what to write instead."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENDINGS = ("*.py", "*.md", "*.html", "*.js", "*.toml")
NOT_OURS = re.compile(
    r"figures/|tests/data/|training/data/\w+\.toml|tests/project/test_wording\.py"
    r"|repalign/corpora/phrasebook/(ar|el|en|hi|tr|vi|zh|prompts)\.py"
)
"""Data, and texts in the languages under study."""

COUNTED = (
    "row|line|number|file|item|mark|colour|figure|picture|style|panel|paragraph|rows|lines|numbers|items|tokens"
    "|nats|bytes|neurons|questions|pairs|draws|mistakes"
)
UNITS = (
    "run|sentence|token|language|checkpoint|layer|batch|line|item|group|score|metric|source|direction|column|pair"
    "|picture|figure|merger|scorer|answer|step|family"
)
FORMS = {
    rf"\b({COUNTED}) an? ({UNITS})\b(?! (may|can|has|have|is|reads|needs|takes)\b)": ("one row a run", "one row per run"),
    r"\bfore(tell|tells|told)\b": ("foretold", "predicted"),
    r"\bmend(s|ed|ing)?\b": ("mend it", "fix it"),
    r"\bone's own\b": ("a metric of one's own", "a custom metric"),
    r"\btaken for\b": ("what it is taken for", "its nearest sentence"),
    r"\bsurely\b": ("surely more", "significantly more"),
    r"\bat hand\b": ("no browser at hand", "no browser available"),
    r"\bwhole or not at all\b": ("written whole or not at all", "written atomically"),
    r"\btold\b": ("told in one line; cannot be told apart", "reported in one line; cannot be distinguished"),
    r"\b(was|were|is|are|one|those|language) asked for\b": ("the language asked for", "the requested language"),
    r"\bgo(es)? on from\b": ("goes on from the last step", "resumes from the last step"),
    r"\bnot there yet\b": ("is not there yet", "does not exist yet"),
    r"\b(draws?|drawn|redraws|made|computed|train) .{0,20}\bagain from\b": ("draw it again from", "redraw it from"),
    r"\blanguages? meets?\b|\bwho meets\b": ("languages meet", "languages align"),
    r"\bhow right\b": ("how right it is", "its accuracy"),
    r"\b(his|her|its|their) own words\b": ("their own words", "words of the same language"),
    r"(?<!`)``(?!`)": ("``code``", "`code`"),
}  # fmt: skip
"""Pattern -> an example, and what to write instead."""


@cache
def files() -> list[str]:
    """Paths below the root of all texts that are ours, tracked or new."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *ENDINGS]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    return [path for path in listed if not NOT_OURS.match(path) and (ROOT / path).is_file()]


def room(path: str) -> str:
    """The folder that a file belongs to: a package of repalign, or a folder of the project."""
    parts = path.split("/")[:-1]
    return "/".join(parts[:2] if parts[:1] == ["repalign"] else parts[:1]) or "."


ROOMS = sorted({room(path) for path in files()})


@pytest.mark.parametrize("folder", ROOMS)
def test_no_text_uses_a_form_that_reads_as_translated(folder):
    lines = []
    for path in files():
        if room(path) != folder:
            continue
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
            lines += [
                f"{path}:{number}: {match[0]!r}; not {example!r} but {instead!r}"
                for form, (example, instead) in FORMS.items()
                for match in re.finditer(form, line, re.IGNORECASE)
            ]
    assert not lines, "\n" + "\n".join(lines)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_found_and_its_replacement_is_not(form):
    example, instead = FORMS[form]
    assert re.search(form, example, re.IGNORECASE)
    assert not any(re.search(other, instead, re.IGNORECASE) for other in FORMS)
