"""Damaged files of questions end in one line, never in a traceback."""

from __future__ import annotations

import random
import shutil

import pytest
from evaluation.factories import json_lines, squad_file
from mutations import mutated, refusal

from repalign.evaluation.tasks import TASKS, Request

EACH = 2_000
SQUAD = [("a", "Cats sleep.", "Who sleeps?", "Cats"), ("b", "Dogs run.", "Who runs?", "Dogs")]
BELEBELE = [
    {"link": "https://x.test", "question_number": n, "flores_passage": "A cat.", "question": "What?", "dialect": "eng_Latn",
     "correct_answer_num": "2", **{f"mc_answer{k}": f"answer {k}" for k in range(1, 5)}}
    for n in (1, 2)
]  # fmt: skip
MMLU = [
    {"sample_id": f"x/{n}", "subject": "maths", "question": "2 + 2?", "answer": "B", "option_a": "3", "option_b": "4",
     "option_c": "5", "option_d": "6"} for n in (1, 2)
]  # fmt: skip

FILES = {
    "squad": lambda folder: squad_file(folder / "squad.en.json", SQUAD),
    "belebele": lambda folder: json_lines(folder / "eng_Latn.jsonl", BELEBELE),
    "global-mmlu": lambda folder: json_lines(folder / "en.jsonl", MMLU),
}


def reads_or_refuses(task, folder, seed):
    rng = random.Random(f"{task} {seed}")
    path = FILES[task](folder)
    path.write_bytes(mutated(path.read_bytes(), rng))
    return refusal(lambda: TASKS[task].read(Request(str(folder)))) is None


@pytest.mark.parametrize("task", FILES)
@pytest.mark.parametrize("count", [100, pytest.param(EACH, marks=pytest.mark.heavy)])
def test_damaged_questions_end_in_one_line(task, count, tmp_path):
    read = 0
    for seed in range(count):
        folder = tmp_path / "questions"
        folder.mkdir()
        read += reads_or_refuses(task, folder, seed)
        shutil.rmtree(folder)
    assert 0 < read < count
