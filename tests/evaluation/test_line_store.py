"""Lines that are cut short or hold something else do not count, and several processes may write at once."""

from __future__ import annotations

import json
import os
import sys
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier, Thread

import pytest

from repalign.errors import RepalignError
from repalign.evaluation.answer_store import AnswerStore
from repalign.evaluation.line_store import LineStore
from repalign.evaluation.verdicts import StoredVerdicts, Verdict
from repalign.models.generation import Answer, Prompt

GOOD = {
    "prompt": "p",
    "text": "é\u2028\x1e",
    "tokens": 1,
    "ended": True,
    "prompt_cut": 0,
    "loglikelihoods": [-1, -2.5],
}
ANSWER = Answer("é\u2028\x1e", 1, True, 0, (-1.0, -2.5))


def test_values_are_read_back(tmp_path):
    path = tmp_path / "deep" / "lines.jsonl"
    LineStore(path, Answer).add({"p": ANSWER, "q": Answer("", 0, False, 3)})
    store = LineStore(path, Answer)
    assert store.get("p") == ANSWER
    assert store.get("q") == Answer("", 0, False, 3)
    assert store.get("r") is None


def test_files_of_earlier_versions_are_read(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text("\n" + json.dumps(GOOD, ensure_ascii=False) + "\n", encoding="utf-8")
    assert LineStore(path, Answer).get("p") == ANSWER


BAD = [
    {"prompt": []}, {"prompt": None}, {"text": None}, {"text": 3}, {"tokens": "1"}, {"tokens": True}, {"tokens": 1.5},
    {"ended": 1}, {"prompt_cut": None}, {"loglikelihoods": 3}, {"loglikelihoods": ["a"]},
    {"loglikelihoods": [None]}, {"loglikelihoods": {"0": 1}},
]  # fmt: skip
RAW = [
    "",
    "null",
    "3",
    "[]",
    "{}",
    "[" * 100_000,
    '{"prompt": "p", "x": ' + "[" * 100_000,
    '{"prompt": "p", "text": "\\ud800"}',
    "NaN",
]


@pytest.mark.parametrize(
    "line", [*(json.dumps(GOOD | change) for change in BAD), *RAW, json.dumps(GOOD)[:-1]]
)
def test_a_line_of_another_form_does_not_count(line, tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(
        f"{line}\n".encode() + b"\xff\xfe\0\n" + json.dumps(GOOD | {"prompt": "good"}).encode() + b"\n"
    )
    store = LineStore(path, Answer)
    assert store.get("p") is None
    assert store.get("good") == ANSWER


@pytest.mark.parametrize(
    "line", ['{"prompt": "p", "verdict": 2}', '{"prompt": "p", "verdict": true}', '{"prompt": "p"}']
)
def test_a_verdict_is_one_of_four(line, tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text(f"{line}\n")
    assert LineStore(path, Verdict).get("p") is None
    LineStore(path, Verdict).add({str(one): Verdict(one) for one in (1, 0, -1, None)})
    store = LineStore(path, Verdict)
    assert [store.get(str(one)) for one in (1, 0, -1, None)] == [
        Verdict(1),
        Verdict(0),
        Verdict(-1),
        Verdict(None),
    ]


def test_a_kill_at_any_byte_damages_one_line_only(tmp_path):
    path = tmp_path / "lines.jsonl"
    LineStore(path, Verdict).add({"first": Verdict(1), "last": Verdict(-1)})
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        LineStore(path, Verdict).add({"next": Verdict(0)})
        store = LineStore(path, Verdict)
        assert store.get("next") == Verdict(0)
        assert store.get("first") in (None, Verdict(1))
        assert store.get("last") in (None, Verdict(-1))


def test_an_answer_that_does_not_fit_its_prompt_is_asked_again(tmp_path):
    store = AnswerStore.__new__(AnswerStore)
    store.lines = LineStore(tmp_path / "lines.jsonl", Answer)
    free, closed = Prompt("free"), Prompt("closed", choices=("a", "b"))
    store.add(
        {
            free: ANSWER,
            closed: ANSWER,
            Prompt("less"): Answer("", -1, True, 0),
            Prompt("more"): Answer("", 1, True, 10**30),
        }
    )
    assert (store.get(free), store.get(closed), store.get(Prompt("less")), store.get(Prompt("more"))) == (
        None,
        ANSWER,
        None,
        None,
    )


def _write(path: Path, name: str) -> None:
    for number in range(200):
        LineStore(path, Answer).add({f"{name}{number}": Answer("x" * 5000, number, True, 0)})


@pytest.mark.skipif(sys.platform == "win32", reason="fork")
def test_two_processes_write_at_once(tmp_path):
    path = tmp_path / "lines.jsonl"
    writers = [get_context("fork").Process(target=_write, args=(path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    store = LineStore(path, Answer)
    assert all(store.get(f"{name}{number}").tokens == number for name in "ab" for number in range(200))


def test_two_runs_at_once_ask_each_prompt_once(home):
    asked, both = [], Barrier(2)

    def ask(prompt: str) -> int:
        asked.append(prompt)
        return 1

    def run() -> None:
        judge = StoredVerdicts("https://host/v1", "m", ask)
        both.wait()
        assert {judge(str(number)) for number in range(30)} == {1}

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked) == sorted(map(str, range(30)))


def test_a_store_that_cannot_be_read_or_written(tmp_path, home):
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(
        RepalignError, match=r"cannot read .*folder\.jsonl: Is a directory; set REPALIGN_HOME"
    ):
        LineStore(tmp_path / "folder.jsonl", Verdict)
    judge = StoredVerdicts("https://host/v1", "m", lambda prompt: pytest.fail("asked, and not stored"))
    (home / "verdicts").write_text("a file")
    with pytest.raises(RepalignError, match=r"cannot write .*--no-store"):
        judge("prompt")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk(tmp_path):
    store = LineStore(tmp_path / "lines.jsonl", Verdict)
    store.path.symlink_to("/dev/full")
    with pytest.raises(RepalignError, match=r"cannot write .*No space left on device"):
        store.add({"p": Verdict(1)})
