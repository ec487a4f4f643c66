"""What documents do to intervals and p: `python analyses/documents.py --data FOLDER` writes the tables of docs/statistics.md.

FOLDER holds ntrex/{language}.txt and ntrex/DOCUMENT_IDS.tsv (NTREX-128). In place of a model's states, sentences are
character n-grams, reduced to 96 dims, so that languages in Latin script align by names and cognates.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from repalign import LayerStates, ParallelCorpus, profile

PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"
LANGUAGES = ("en", "de", "fr", "es", "tr", "vi")
DIMS = 96


def main() -> None:
    parser = argparse.ArgumentParser(description="what documents do to intervals and p")
    parser.add_argument("--data", type=Path, default="../shared/data", help="(default: ../shared/data)")
    corpus = ParallelCorpus.named(str(parser.parse_args().data / "ntrex"), LANGUAGES)
    documents = np.unique(np.array(corpus.documents), return_inverse=True)[1]
    arrays, every = n_grams(corpus), np.arange(len(corpus))
    following = every.copy()
    for document in np.unique(documents):
        rows = np.flatnonzero(documents == document)
        following[rows] = np.roll(rows, -1)
    page = PAGE.read_text(encoding="utf-8")
    for name, table in {
        "documents": effects(scored(arrays, every, documents), scored(arrays, every, None)),
        "next": tests(
            scored(arrays, following, documents),
            scored(arrays, following, None),
            scored(arrays, every, documents, same_document=True),
        ),
    }.items():
        page = re.sub(rf"(<!-- {name} -->\n).*?(?=\n\n)", rf"\g<1>{markdown(table)}", page, flags=re.DOTALL)
    PAGE.write_text(page, encoding="utf-8")


def n_grams(corpus: ParallelCorpus) -> dict[str, np.ndarray]:
    """Each language's sentences as float32 [1, sentence, dim]."""
    counts = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True, min_df=3)
    rows = counts.fit_transform([text for language in LANGUAGES for text in corpus.sentences[language]])
    states = TruncatedSVD(DIMS, random_state=0).fit_transform(rows).astype(np.float32)
    return dict(zip(LANGUAGES, states.reshape(len(LANGUAGES), 1, len(corpus), DIMS), strict=True))


def scored(
    arrays: dict[str, np.ndarray], rows: np.ndarray, documents: np.ndarray | None, **options: Any
) -> pd.DataFrame:
    """Scores of English against the `rows` of the other languages, both directions averaged: indexed by metric."""
    moved = {language: array if language == "en" else array[:, rows] for language, array in arrays.items()}
    states = LayerStates.from_arrays(moved, documents=documents)
    profiled = profile(states, variants=["centred"], progress=False, **options)
    labels = profiled.settings["labels"]
    return profiled.table.assign(metric=profiled.table["metric"].map(labels)).set_index("metric")


def effects(known: pd.DataFrame, unknown: pd.DataFrame) -> pd.DataFrame:
    wider = (known["high"] - known["low"]) / (unknown["high"] - unknown["low"])
    table = known.assign(wider=wider).groupby(level=0, sort=False)[["value", "design_effect", "wider"]]
    return table.median().rename(
        columns={"design_effect": "design effect", "wider": "interval, relative to that of sentences"}
    )


def tests(known: pd.DataFrame, unknown: pd.DataFrame, topic: pd.DataFrame) -> pd.DataFrame:
    medians = {
        "next sentence": known["value"],
        "another of the document": topic["value"],
        "p, documents unknown": unknown["p"],
        "p, documents known": known["p"],
    }
    return pd.DataFrame(
        {name: column.groupby(level=0, sort=False).median() for name, column in medians.items()}
    )


def markdown(table: pd.DataFrame) -> str:
    lines = ["| | " + " | ".join(table.columns) + " |", "|---" * (len(table.columns) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(map(shown, row)) + " |" for name, *row in table.itertuples()]
    return "\n".join(lines)


def shown(value: float) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:.1e}" if value < 1e-4 else f"{value:.2g}"


if __name__ == "__main__":
    main()
