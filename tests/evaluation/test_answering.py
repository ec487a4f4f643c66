"""Answers are kept: a killed run resumes, and other weights or settings are other answers."""

from __future__ import annotations

import pytest

from repalign.checkpoints import Checkpoint
from repalign.evaluation.answer_store import AnswerStore
from repalign.evaluation.answering import answer
from repalign.evaluation.tasks import TASKS, Request
from repalign.models.generation import Generator
from repalign.models.locating import locate


def test_a_killed_run_goes_on_and_nothing_is_asked_twice(llama, questions, monkeypatch, home):
    checkpoint, items = Checkpoint.named(str(llama)), TASKS["xquad"].read(Request(str(questions)))
    whole = answer(checkpoint, items, "xquad", 5, store=False)
    assert not (home / "answers").exists()
    batches, plain = [], Generator._batch

    def killed(self, prompts, new_tokens):
        if len(batches) == 2:
            raise KeyboardInterrupt
        batches.append(len(prompts))
        return plain(self, prompts, new_tokens)

    monkeypatch.setattr(Generator, "_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        answer(checkpoint, items, "xquad", 5, batch_tokens=400)
    (path,) = (home / "answers").glob("*.jsonl")
    path.write_text(path.read_text(encoding="utf-8").rstrip()[:-9], encoding="utf-8")  # a line cut short
    monkeypatch.setattr(Generator, "_batch", plain)
    asked, generate = [], Generator.answer
    monkeypatch.setattr(
        Generator,
        "answer",
        lambda self, prompts, *rest, **more: (
            asked.append(len(prompts)) or generate(self, prompts, *rest, **more)
        ),
    )
    assert answer(checkpoint, items, "xquad", 5) == whole
    assert asked == [len(items) - sum(batches) + 1]
    assert answer(checkpoint, items, "xquad", 5) == whole
    assert len(asked) == 1
    answer(checkpoint, items, "xquad", 6)
    assert asked[1:] == [len(items)]


def test_answers_are_kept_by_weights_precision_and_length(llama, tmp_path, save_model):
    one, two = (locate(Checkpoint.named(str(path))) for path in (llama, save_model(tmp_path / "two", seed=1)))
    kept = [(one, "float32", 5), (two, "float32", 5), (one, "bfloat16", 5), (one, "float32", 6)]
    assert len({AnswerStore(*how).lines.path for how in kept}) == 4
