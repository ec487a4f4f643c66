"""Every public shape of parallel text is read whole, as a test of each and as a table in the docs."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from formats import SENTENCES, SHAPES, document_of

from repalign.corpora import open_corpus
from repalign.corpora.languages import canonical

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_row_of_a_public_shape_is_read(shape, tmp_path):
    spec = shape.make(tmp_path, SENTENCES)
    corpus = open_corpus(str(spec), shape.languages or None)
    assert set(corpus.languages) == {code.removeprefix("sentence_") for code in shape.codes}
    for code, short in shape.codes.items():
        assert list(corpus.sentences[code.removeprefix("sentence_")]) == SENTENCES[short]
    assert {canonical(code) for code in corpus.languages} == set(shape.codes.values())
    named = tuple(document_of(row) for row in range(len(corpus)))
    assert corpus.documents == (named if shape.documents else None)


@pytest.mark.parametrize(
    "shape", [shape for shape in SHAPES if not shape.languages], ids=lambda shape: shape.name
)
def test_languages_are_asked_for_in_any_spelling(shape, tmp_path):
    corpus = open_corpus(str(shape.make(tmp_path, SENTENCES)), ["zho_Hans", "en"])
    assert corpus.languages == ("zho_Hans", "en")
    assert list(corpus.sentences["en"]) == SENTENCES["en"]
    assert list(corpus.sentences["zho_Hans"]) == SENTENCES["zh"]
    assert (corpus.documents is not None) == bool(shape.documents)


def test_the_table_of_formats_is_up_to_date():
    formats = runpy.run_path(str(ROOT / "analyses" / "formats.py"))
    written = (ROOT / "docs" / "corpora.md").read_text(encoding="utf-8")
    assert written == formats["page"](written), "run `python analyses/formats.py`"
