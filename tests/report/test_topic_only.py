"""Real text whose sentences are paired with the next one of their document: topic, and no translation."""

from __future__ import annotations

import numpy as np
import pytest
from parallel_text import SHARED

from repalign import LayerStates, profile
from repalign.corpora import open_corpus
from repalign.figures.view import View
from repalign.report.findings import findings
from repalign.results.results import Results
from repalign.scoring import controls

NTREX = SHARED / "ntrex"
SENTENCES = 700

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not NTREX.is_dir(), reason="NTREX is not beside the project"),
]


def of_characters(shift: int) -> LayerStates:
    """Character n-grams of both languages in one space, each target moved on by `shift` within its document."""
    decomposition = pytest.importorskip("sklearn.decomposition")
    text = pytest.importorskip("sklearn.feature_extraction.text")
    corpus = open_corpus(str(NTREX), ["en", "de"]).select(limit=SENTENCES)
    sentences = [*corpus.sentences["en"], *corpus.sentences["de"]]
    counts = text.TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), max_features=20_000, sublinear_tf=True
    )
    states = decomposition.TruncatedSVD(64, random_state=0).fit_transform(counts.fit_transform(sentences))
    documents = np.unique(np.array(corpus.documents), return_inverse=True)[1]
    order = np.arange(SENTENCES)
    for document in np.unique(documents):
        rows = np.flatnonzero(documents == document)
        order[rows] = np.roll(rows, -shift)
    sides = {"en": states[None, :SENTENCES], "de": states[None, SENTENCES:][:, order]}
    return LayerStates.from_arrays(sides, documents=documents, checkpoint="characters")


def claims_of_alignment(states: LayerStates) -> list[object]:
    scores = profile(states, variants=["centred"], draws=300, progress=False)
    control = controls(states, draws=300, progress=False)
    view = View(Results("characters", scores, {"controls": control}))
    found = []
    for choice in view.choices("scores", "metric", "variant"):
        for finding in findings(view, **choice):
            found += [claim for claim in finding.claims if claim.kind in ("aligned", "above chance")]
    return found


def test_no_finding_calls_the_next_sentence_of_a_document_aligned():
    assert claims_of_alignment(of_characters(shift=1)) == []


def test_translations_of_the_same_text_are_found():
    assert claims_of_alignment(of_characters(shift=0))
