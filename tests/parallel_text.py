"""Made-up parallel text: lengths and numbers are those of translations, the words mean nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

ALPHABETS = {"en": "aeionrst", "de": "aeinrsuü", "el": "αειοντσκ", "ru": "аеионтсв", "zh": "的一是不了人我在"}
SHARED = Path(__file__).parents[2] / "shared" / "data"
"""Public data beside the checkout; tests that read it are skipped where it is missing."""

Text = dict[str, list[str]]


def made_text(rows: int, languages: str = "en de el ru zh", seed: int = 0) -> Text:
    """Sentences of 20 to 300 characters; one of four has a number, the same in all languages."""
    draw = np.random.default_rng(seed)
    content = draw.normal(4.5, 0.5, size=rows)
    numbers = [f" {draw.integers(2, 2000)}" if draw.random() < 0.25 else "" for _ in range(rows)]
    made = {}
    for language in languages.split():
        lengths = np.exp(content + draw.normal(0, 0.15, size=rows)) / (3 if language == "zh" else 1)
        made[language] = [
            _words(draw, ALPHABETS[language], int(length)) + number
            for length, number in zip(lengths, numbers, strict=True)
        ]
    return made


def write_lines(folder: Path, sentences: Mapping[str, Sequence[str]]) -> Path:
    """A folder of <lang>.txt, which is made."""
    folder.mkdir(parents=True)
    for language, rows in sentences.items():
        (folder / f"{language}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def _words(draw: np.random.Generator, alphabet: str, length: int) -> str:
    letters = draw.choice(
        [*alphabet, " "], size=max(length, 1), p=[0.85 / len(alphabet)] * len(alphabet) + [0.15]
    )
    return f"{alphabet[0]}{''.join(letters)}".strip()


def without(rows: list[str], row: int) -> list[str]:
    """A line is lost, and another stands at the end."""
    return [*rows[:row], *rows[row + 1 :], rows[0]]


def doubled(rows: list[str], row: int) -> list[str]:
    """A line stands twice, and the last is lost."""
    return [*rows[:row], *rows[row:][:1], *rows[row:-1]]


def ntrex() -> Text:
    folder = SHARED / "ntrex"
    return {
        path.stem: path.read_text(encoding="utf-8").splitlines() for path in sorted(folder.glob("??.txt"))
    }


def shared_pairs(language: str, first: int, rows: int) -> Text:
    lines = (
        (SHARED / "pairs" / f"en-{language}.tsv").read_text(encoding="utf-8").split("\n")[1:][first:][:rows]
    )
    cells = [line.split("\t") for line in lines]
    return {"en": [row[0] for row in cells], language: [row[1] for row in cells]}
