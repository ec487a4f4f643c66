"""What `--corpus` reads: `python analyses/formats.py` reads every public shape of parallel text and writes docs/corpora.md.

Each line of its tables is read as it stands. Every shape is made twice, from a few sentences of this project and from
NTREX, and compared with what was written sentence by sentence. Cells that need the shared data beside the checkout stay as they
are where it is missing.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from formats import SENTENCES, SHAPES, Shape, Texts  # noqa: E402
from repalign_training.data.sources import read_source  # noqa: E402

from repalign.corpora import open_corpus  # noqa: E402
from repalign.corpora.languages import canonical  # noqa: E402
from repalign.evaluation.tasks import TASKS, Request  # noqa: E402

PAGE = ROOT / "docs" / "corpora.md"
DATA = ROOT.parent / "shared" / "data"
SPOTS = 50
"""Rows of each real file that are compared with the file, read by plain Python."""


def shapes(written: list[str]) -> str:
    """The table of formats.

    Args:
        written: lines of the page, which keep what is not measured.
    """
    ntrex = _ntrex()
    rows = [
        f"| {shape.name} | {shape.files} | {_equal(shape, SENTENCES)} | "
        f"{_equal(shape, ntrex) if ntrex else _kept(written, shape.name, 3)} | {shape.documents} |\n"
        for shape in SHAPES
    ]
    head = (
        "| format | files | sentences read as written | of NTREX | its documents |\n|---|---|---|---|---|\n"
    )
    return head + "".join(rows)


def _ntrex() -> Texts:
    names = {code: DATA / "ntrex" / f"{code}.txt" for code in SENTENCES}
    return {code: _plain_lines(path) for code, path in names.items() if path.is_file()}


def _plain_lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n")]


def _equal(shape: Shape, texts: Texts) -> str:
    with tempfile.TemporaryDirectory() as folder:
        corpus = open_corpus(str(shape.make(Path(folder), texts)), shape.languages or None)
    equal = sum(
        sentence == text
        for code, sentences in corpus.sentences.items()
        for sentence, text in zip(sentences, texts[canonical(code)], strict=True)
    )
    return f"{equal:,} of {len(corpus.languages) * len(corpus):,}"


def _kept(written: list[str], name: str, column: int) -> str:
    cells = next((line.split(" | ") for line in written if line.startswith(f"| {name} | ")), [])
    return cells[column].removesuffix(" |") if column < len(cells) else ""


def real(written: list[str]) -> str:
    """The table of real files: what each reader counts, what plain Python counts, and the rows that were compared."""
    rows = [
        f"| {name} | {count() if DATA.is_dir() else _kept(written, name, 1)} |\n"
        for name, count in REAL.items()
    ]
    return "| real files | read, and as many in the files; compared |\n|---|---|\n" + "".join(rows)


def _compared(read: dict[str, list[object]], expected: dict[str, list[object]]) -> str:
    """Languages x rows, if all counts agree and random rows are equal.

    Raises:
        AssertionError: they are not.
    """
    assert {key: len(rows) for key, rows in read.items()} == {
        key: len(rows) for key, rows in expected.items()
    }
    for key, rows in read.items():
        for row in random.Random(key).sample(range(len(rows)), min(SPOTS, len(rows))):
            assert rows[row] == expected[key][row], (key, row)
    counts = sorted({len(rows) for rows in read.values()})
    shown = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    return f"{len(read)} x {shown}; {sum(min(SPOTS, len(rows)) for rows in read.values())} rows equal"


def _ntrex_files() -> str:
    corpus = open_corpus(str(DATA / "ntrex"))
    expected = {path.stem: _plain_lines(path) for path in sorted((DATA / "ntrex").glob("*.txt"))}
    return _compared({code: list(rows) for code, rows in corpus.sentences.items()}, expected)


def _pairs() -> str:
    read, expected = {}, {}
    for path in sorted((DATA / "pairs").glob("*.tsv")):
        languages = path.stem.split("-")
        corpus = open_corpus(str(path))
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        places = [lines[0].split("\t").index(language) for language in languages]
        expected[path.stem] = [
            tuple(line.split("\t")[place].strip() for place in places) for line in lines[1:]
        ]
        read[path.stem] = list(zip(*(corpus.sentences[language] for language in languages), strict=True))
    return _compared(read, expected)


def _training_pairs() -> str:
    read, expected = {}, {}
    for path in sorted((DATA / "pairs").glob("*.tsv")):
        source, target = path.stem.split("-")
        options = {"pairs": {"kind": "pairs", "path": str(DATA / "pairs" / "{pair}.tsv")}}
        read[path.stem] = [
            (item.input, item.output) for item in read_source("pairs", (source, target), options)
        ]
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        expected[path.stem] = [tuple(line.split("\t")[:2]) for line in lines[1:]]
    return _compared(read, expected)


def _instructions(folder: str) -> Callable[[], str]:
    def count() -> str:
        read, expected = {}, {}
        for path in sorted((DATA / folder).glob("*.jsonl")):
            options = {"alpaca": {"kind": "instructions", "path": str(path)}}
            read[path.stem] = [
                (i.instruction, i.input, i.output) for i in read_source("alpaca", (path.stem,), options)
            ]
            lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
            rows = [json.loads(line) for line in lines]
            expected[path.stem] = [
                (row["instruction"], row.get("input") or "", row["output"]) for row in rows
            ]
        return _compared(read, expected)

    return count


def _xquad() -> str:
    read: dict[str, list[object]] = {}
    for item in TASKS["xquad"].read(Request(str(DATA / "xquad"))):
        read.setdefault(item.language, []).append((item.id, item.references[0]))
    expected = {}
    for path in sorted((DATA / "xquad").glob("xquad.*.json")):
        paragraphs = [
            p
            for article in json.loads(path.read_text(encoding="utf-8"))["data"]
            for p in article["paragraphs"]
        ]
        expected[path.stem.split(".")[1]] = [
            (q["id"], q["answers"][0]["text"].strip()) for p in paragraphs for q in p["qas"]
        ]
    return _compared(read, expected)


REAL: dict[str, Callable[[], str]] = {
    "NTREX-128, 11 files of lines, as a corpus": _ntrex_files,
    "English with ten languages, TSV, as corpora": _pairs,
    "the same, as training data": _training_pairs,
    "Alpaca in English, Chinese and Vietnamese, JSON lines": _instructions("alpaca"),
    "instructions made of tldr-pages, JSON lines": _instructions("instruct_tldr"),
    "XQuAD, 10 files of SQuAD's JSON": _xquad,
}


def page(text: str) -> str:
    """The page with its tables made anew."""
    written = text.split("\n")
    for name, table in (("formats", shapes), ("real files", real)):
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        before, _, rest = text.partition(start)
        text = f"{before}{start}{table(written)}{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
