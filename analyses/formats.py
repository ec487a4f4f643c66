"""What `--corpus` reads: `python analyses/formats.py` reads every public shape of parallel text and writes docs/corpora.md.

Each row of the table is read as it stands: small files in that shape are made, read, and compared sentence by sentence.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from formats import SENTENCES, SHAPES, Shape  # noqa: E402

from repalign.corpora import open_corpus  # noqa: E402
from repalign.corpora.languages import canonical  # noqa: E402

PAGE = ROOT / "docs" / "corpora.md"
START, END = "<!-- formats -->\n", "<!-- end of formats -->\n"


def table() -> str:
    """The formats as a table in Markdown, with the sentences that were read and those that equal what was written."""
    head = "| format | files | languages x rows | read as written |\n|---|---|---|---|\n"
    return head + "".join(f"| {shape.name} | {shape.files} | {_counted(shape)} |\n" for shape in SHAPES)


def _counted(shape: Shape) -> str:
    with tempfile.TemporaryDirectory() as folder:
        corpus = open_corpus(str(shape.make(Path(folder), SENTENCES)), shape.languages or None)
    equal = sum(
        sentence == written
        for code, sentences in corpus.sentences.items()
        for sentence, written in zip(sentences, SENTENCES[canonical(code)], strict=True)
    )
    count = len(corpus.languages) * len(corpus)
    return f"{len(corpus.languages)} x {len(corpus)} | {equal} of {count}"


def page(text: str) -> str:
    """The page with its table made anew."""
    before, _, rest = text.partition(START)
    return f"{before}{START}{table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
