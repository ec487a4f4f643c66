"""Files of questions, and items with their references."""

from __future__ import annotations

import json
from pathlib import Path

from repalign.evaluation.items import Item

SIZE = 5
"""Questions of a paragraph, as in XQuAD."""


def squad_file(path: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    """A file in SQuAD's format: id, context, question, answer."""
    paragraphs = [
        {
            "context": context,
            "qas": [{"id": key, "question": question, "answers": [{"text": answer, "answer_start": 0}]}],
        }
        for key, context, question, answer in rows
    ]
    path.write_text(json.dumps({"version": "1.1", "data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    return path


def asked(language: str, references: list[str]) -> list[Item]:
    return [Item(str(row), language, "?", "", (text,)) for row, text in enumerate(references)]


def about(paragraphs: int, languages=("en",), size: int = SIZE) -> dict[str, list[Item]]:
    """Questions that ask for a word of their own, so many about each paragraph."""
    return {
        language: [
            Item(f"{row}.{part}", language, "?", "", (f"w{row}",), document=f"{language} paragraph {row}")
            for row in range(paragraphs)
            for part in range(size)
        ]
        for language in languages
    }


def belebele_rows(language: str, count: int = 6) -> list[dict[str, object]]:
    """Rows as Belebele has them; the right answers are those of every language."""
    wording = {
        "eng_Latn": ("The dog sees {n} birds.", "How many birds does it see?"),
        "zho_Hans": ("狗看见{n}只鸟。", "它看见几只鸟？"),
        "ell_Grek": ("Ο σκύλος βλέπει {n} πουλιά.", "Πόσα πουλιά βλέπει; "),
    }
    passage, question = wording[language]
    return [
        {
            "link": f"https://example.org/{n // 2}", "question_number": n % 2 + 1, "flores_passage": passage.format(n=n),
            "question": question, **{f"mc_answer{k}": str((n + k) % 7) for k in range(1, 5)},
            "correct_answer_num": str(n % 4 + 1), "dialect": language, "ds": "2023-05-03",
        }
        for n in range(count)
    ]  # fmt: skip


def mmlu_rows(count: int = 6) -> list[dict[str, object]]:
    """Rows as Global-MMLU has them."""
    return [
        {
            "sample_id": f"anatomy/test/{n}", "subject": "anatomy", "question": f"How many is {n} and {n}? ",
            **{f"option_{letter}": str(2 * n + k) for k, letter in enumerate("abcd")},
            "answer": "ABCD"[n % 4],
        }
        for n in range(count)
    ]  # fmt: skip


def json_lines(path: Path, rows: list[dict[str, object]]) -> Path:
    """A JSONL file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
