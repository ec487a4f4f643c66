"""Files of questions, and items with their references."""

from __future__ import annotations

import json
from pathlib import Path

from repalign.evaluation.items import Item


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
