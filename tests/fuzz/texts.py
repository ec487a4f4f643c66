"""Targets: parallel text, documents, training data, questions, prompts."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluation.factories import json_lines, squad_file
from formats import SENTENCES, SHAPES, Shape
from repalign_training.data.filters import ItemFilter
from repalign_training.data.mixture import Term, draw
from repalign_training.data.sources import read_source
from repalign_training.settings import Filters

from fuzz.damage import mutate_file, mutated
from fuzz.target import Case, target
from repalign.corpora import ParallelCorpus, open_corpus
from repalign.corpora.checks import check
from repalign.errors import RepalignError
from repalign.evaluation.prompts import read_prompts
from repalign.evaluation.tasks import TASKS, Request

OTHER_NAMES = ("en.txt", "a.json", "a.tmx", "x.gz", "zh.tsv", "id.csv", "a.parquet")


def _corpus(shape: Shape) -> Case:
    def case(folder: Path, rng: random.Random) -> None:
        spec = shape.make(folder, SENTENCES)
        path = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
        mutate_file(path, rng)
        if rng.random() < 0.05:
            path.rename(path.with_name(rng.choice(OTHER_NAMES)))
        asked = rng.choice([None, shape.languages or None, ["en", "zh"]])
        check(open_corpus(str(spec), asked))

    return case


for _shape in SHAPES:
    target(f"corpus: {_shape.name}")(_corpus(_shape))


@target("clusters")
def _clusters(folder: Path, rng: random.Random) -> None:
    path = folder / "clusters.txt"
    path.write_text("a\na\nb\nb\n")
    mutate_file(path, rng)
    ParallelCorpus("tiny", SENTENCES).with_clusters(str(path))


PAIRS = [{"en": f"The cat sees {n} birds.", "zh": f"猫看见{n}只鸟。"} for n in range(4)]
TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
]
SHAREGPT = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
ALPACA = {"instruction": "Add", "input": "1 and 2", "output": "3"}
LINES = {language: "".join(f"{row[language]}\n" for row in PAIRS) for language in ("en", "zh")}
SOURCES = {
    "pairs": [
        ("a.tsv", "en\tzh\n" + "".join("\t".join(row.values()) + "\n" for row in PAIRS), {}),
        ("a.csv", "en,zh\n" + "".join('"{en}","{zh}"\n'.format(**row) for row in PAIRS), {}),
        ("a.txt", "".join("\t".join(row.values()) + "\n" for row in PAIRS), {"columns": "en,zh"}),
        ("a.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in PAIRS), {}),
        ("a.json", json.dumps([{"translation": row} for row in PAIRS]), {}),
    ],
    "instructions": [
        ("a.json", json.dumps([ALPACA, ALPACA]), {}),
        ("b.jsonl", json.dumps({"messages": TURNS}), {}),
        ("c.json", json.dumps([{"conversations": SHAREGPT}]), {}),
        ("d.jsonl", json.dumps({"instruction": "Add", "context": None, "response": "3"}), {}),
        ("e.jsonl", json.dumps({"prompt": "Add", "completion": "3"}), {}),
    ],
    "repeat": [("a.txt", LINES["en"], {}), ("a.csv", "en,zh\n" + "a,b\n" * 3, {})],
    "text": [("a.txt", LINES["en"] + "\n" + LINES["zh"], {})],
}  # fmt: skip


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Whatever refuses a file names it."""
    try:
        yield
    except RepalignError as error:
        if str(path) not in str(error):
            raise AssertionError(f"a refusal that does not name {path}: {error}") from error
        raise


def _source(kind: str, name: str, text: str, options: dict[str, str]) -> Case:
    languages = ("en", "zh") if kind == "pairs" else ("en",)

    def case(folder: Path, rng: random.Random) -> None:
        """Every item is accounted for, and every refusal names the file."""
        path = folder / name
        path.write_bytes(mutated(text.encode(), rng))
        with naming(path):
            items = read_source("some", languages, {"some": {"kind": kind, "path": str(path), **options}})
        limits = ItemFilter(Filters(script=0.5, length_ratio=3))
        part = draw(Term("some", languages), items, len(items), 0, limits.reason_to_drop)
        assert part.read == len(part.items) + part.dropped.counts.total() == len(items)
        assert len(part.losses.splitlines()) <= 1
        for item in part:
            (item.instruction + item.input + item.output).encode()

    return case


for _kind, _cases in SOURCES.items():
    for _name, _text, _options in _cases:
        target(f"training data: {_kind} {_name}")(_source(_kind, _name, _text, _options))


@target("training data: Moses")
def _moses(folder: Path, rng: random.Random) -> None:
    changed = rng.choice(sorted(LINES))
    for side, text in LINES.items():
        path = folder / f"m.{side}"
        path.write_bytes(mutated(text.encode(), rng) if side == changed else text.encode())
    source = {"kind": "pairs", "path": str(folder / "m.{language}")}
    items = read_source("some", ("en", "zh"), {"some": source})
    assert len(items) == len(PAIRS), "as many as the lines of the whole file"


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
QUESTIONS = {
    "squad": lambda folder: squad_file(folder / "squad.en.json", SQUAD),
    "belebele": lambda folder: json_lines(folder / "eng_Latn.jsonl", BELEBELE),
    "global-mmlu": lambda folder: json_lines(folder / "en.jsonl", MMLU),
}


def _questions(task: str) -> Case:
    def case(folder: Path, rng: random.Random) -> None:
        mutate_file(QUESTIONS[task](folder), rng)
        TASKS[task].read(Request(str(folder)))

    return case


for _task in QUESTIONS:
    target(f"questions: {_task}")(_questions(_task))


@target("prompts")
def _prompts(folder: Path, rng: random.Random) -> None:
    path = folder / "prompts.toml"
    path.write_text('[en]\ninstruction = "Answer."\ninput = "{context}\\n{question}"\n')
    mutate_file(path, rng)
    read_prompts(path)
