"""Documents of sentences: where they are found, what is refused, and clusters that replace them."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from formats import SENTENCES, SHAPES
from parallel_text import SHARED

from repalign.analysis import Analysis
from repalign.corpora import ParallelCorpus, open_corpus
from repalign.corpora.checks import check
from repalign.errors import RepalignError
from repalign.inside.run import look_inside

FOUR = ("doc-0", "doc-0", "doc-0", "doc-1")


def made(name: str, folder: Path) -> Path:
    return next(shape for shape in SHAPES if shape.name == name).make(folder, SENTENCES)


@pytest.fixture
def lines(tmp_path):
    """A folder of four parallel lines."""
    for code in ("en", "zh"):
        (tmp_path / f"{code}.txt").write_text(
            "".join(f"{one}\n" for one in SENTENCES[code]), encoding="utf-8"
        )
    return tmp_path


@pytest.fixture
def corpus():
    return ParallelCorpus({code: SENTENCES[code] for code in ("en", "zh")}, documents=["a", "a", "b", "b"])


def write(path: Path, ids: str, end: str = "\n") -> Path:
    path.write_text("".join(one + end for one in ids.split(" ")), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("shape", "inside"),
    [("NTREX-128", "NTREX-128"), ("FLORES-200", "devtest"), ("FLORES+ of the hub", "devtest")],
)
def test_documents_are_found_from_the_folder_of_the_text_alone(shape, inside, tmp_path):
    assert open_corpus(str(made(shape, tmp_path) / inside)).documents == FOUR


def test_the_documents_of_ntrex_are_found_beside_its_text_and_compressed(tmp_path):
    clone = made("NTREX-128", tmp_path)
    plain = (clone / "DOCUMENT_IDS.tsv").read_bytes()
    (clone / "DOCUMENT_IDS.tsv").unlink()
    text = clone / "NTREX-128"
    assert open_corpus(str(text)).documents is None
    (clone / "DOCUMENT_IDS.tsv.gz").write_bytes(gzip.compress(plain))
    assert [open_corpus(str(folder)).documents for folder in (clone, text)] == [FOUR, FOUR]
    shutil.move(clone / "DOCUMENT_IDS.tsv.gz", text)
    assert [open_corpus(str(folder)).documents for folder in (clone, text)] == [FOUR, FOUR]
    archive = shutil.make_archive(str(tmp_path.parent / "ntrex"), "zip", clone)
    assert open_corpus(archive).documents == FOUR


def test_the_documents_of_each_split_are_its_own(tmp_path):
    folder = made("FLORES-200", tmp_path)
    (folder / "dev" / "zho_Hans.dev").write_text("句子。\n", encoding="utf-8")
    (folder / "metadata_dev.tsv").write_text("URL\tdomain\nhttps://x.test/dev\tnews\n", encoding="utf-8")
    assert open_corpus(str(folder / "dev")).documents == ("https://x.test/dev",)
    assert open_corpus(str(folder)).documents == FOUR


def test_documents_of_another_folder_are_not_those_of_plain_text(lines):
    folder = lines / "text"
    folder.mkdir()
    for code in ("en", "zh"):
        shutil.move(lines / f"{code}.txt", folder)
    for name in ("DOCUMENT_IDS.tsv", "documents.txt"):
        write(lines / name, "a a b b")
    assert open_corpus(str(folder)).documents is None


def test_ids_that_do_not_match_the_sentences_are_refused_with_both_counts(lines, corpus):
    write(lines / "documents.txt", "a a b")
    with pytest.raises(RepalignError, match=r"documents\.txt names the documents of 3 sentences, .* has 4"):
        open_corpus(str(lines))
    with pytest.raises(RepalignError, match="the clusters of 3 sentences are given for 4"):
        corpus.with_clusters(lines / "documents.txt")
    with pytest.raises(RepalignError, match="4 sentences and the documents of 3"):
        ParallelCorpus(corpus.sentences, documents=[1, 1, 2])


@pytest.mark.parametrize("ids", ["a a b b", "a a b b  ", "a a b b c c"])
def test_documents_of_blank_lines_at_the_end_are_dropped_with_them(ids, lines):
    for code in ("en", "zh"):
        with (lines / f"{code}.txt").open("a", encoding="utf-8") as file:
            file.write("\n\n")
    write(lines / "documents.txt", ids)
    assert open_corpus(str(lines)).documents == ("a", "a", "b", "b")


def test_documents_of_blank_rows_of_a_table_are_dropped_with_them(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(
        "doc\ten\tde\na\tOne.\tEins.\n\n\t\t\nb\tTwo.\tZwei.\n".replace("\t\t\n", "  \n"), encoding="utf-8"
    )
    corpus = open_corpus(str(path))
    assert (corpus.sentences["en"], corpus.documents) == (("One.", "Two."), ("a", "b"))


def test_documents_stay_with_their_rows_when_rows_are_chosen(corpus):
    assert corpus.select(limit=3).documents == ("a", "a", "b")
    assert corpus.take([3, 0]).documents == ("b", "a")


def test_documents_of_a_long_table_go_with_the_ids_of_its_sentences(tmp_path):
    rows = [
        {"id": key, "lang": code, "text": f"{code} {key}", "document": document}
        for code, keys in (("en", "cab"), ("de", "bca"))
        for key in keys
        for document in ["same" if key in "ab" else None]
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "long.parquet")
    corpus = open_corpus(str(tmp_path / "long.parquet"))
    assert corpus.sentences["de"] == ("de c", "de a", "de b")
    first, *others = corpus.documents or ()
    assert others == ["same", "same"] != [first, first]


@pytest.mark.parametrize("column", ["doc", "Doc_ID", "DOCID", "document", "document_id", "URL"])
def test_the_column_of_documents_has_one_of_many_names(column, tmp_path):
    frame = pd.DataFrame(
        {"en": ["One.", "Two."], "de": ["Eins.", "Zwei."], column: [7, 7], "url": ["u", "v"]}
    )
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    expected = ("u", "v") if column == "URL" else ("7", "7")
    assert open_corpus(str(tmp_path / "a.jsonl")).documents == expected


def test_rows_without_an_id_are_documents_of_their_own():
    frame = pd.DataFrame({"doc": ["a", None, "", " "]})
    corpus = ParallelCorpus({"en": list("wxyz")}, documents=frame["doc"].tolist())
    assert len({*(corpus.documents or ())}) == 4
    assert check(corpus)["documents"] == 4


def test_documents_are_unknown_where_no_row_names_one(tmp_path):
    pd.DataFrame({"doc": ["", ""], "en": ["One.", "Two."], "de": ["Eins.", "Zwei."]}).to_csv(
        tmp_path / "a.csv", index=False
    )
    corpus = open_corpus(str(tmp_path / "a.csv"))
    assert corpus.documents is None
    assert check(corpus)["documents"] is None


def test_clusters_replace_documents(corpus, tmp_path):
    assert corpus.with_clusters(None).documents == corpus.documents
    assert corpus.with_clusters("none").documents is None
    assert corpus.with_clusters(3).documents == corpus.with_clusters("3").documents == ("0", "0", "0", "1")
    ids = write(tmp_path / "ids", "x y y x")
    assert corpus.with_clusters(ids).documents == corpus.with_clusters(str(ids)).documents == tuple("xyyx")
    assert corpus.with_clusters(np.array([5, 5, 6, 6])).documents == ("5", "5", "6", "6")
    assert corpus.with_clusters(2).sentences == corpus.sentences


@pytest.mark.parametrize(
    ("clusters", "message"),
    [
        (4, "all 4 sentences are of one document"),
        (["a"] * 4, "--clusters none"),
        (0, "clusters of 0 sentences; give a whole number from 1"),
        ("no/such/file", "no file no/such/file"),
        (2.5, "got float"),
        (True, "got bool"),
    ],
)
def test_clusters_that_cannot_be_resampled_are_refused(clusters, message, corpus):
    with pytest.raises(RepalignError, match=message) as caught:
        corpus.with_clusters(clusters)
    assert "\n" not in str(caught.value)


def test_sentences_of_one_document_are_refused_before_a_model_is_read():
    sentences = {code: [f"{code} {row}" for row in range(30)] for code in ("en", "de")}
    one = ParallelCorpus(sentences, "leaflet", documents=["d"] * 30)
    for study in (lambda: Analysis((), one), lambda: look_inside("base", one)):
        with pytest.raises(
            RepalignError, match="corpus 'leaflet': all 30 sentences are of one document"
        ) as caught:
            study()
        assert "--clusters none" in str(caught.value)
    with pytest.raises(RepalignError, match="the clusters of 2 sentences are given for 30"):
        look_inside("base", one, clusters=[1, 2])


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not beside the checkout")
def test_ntrex_has_the_documents_of_its_own_list():
    corpus = open_corpus(str(SHARED / "ntrex"), ["en", "zh"])
    listed = (SHARED / "ntrex" / "DOCUMENT_IDS.tsv").read_text(encoding="utf-8").split()
    assert list(corpus.documents or ()) == listed
    assert check(corpus)["documents"] == len({*listed}) == 123
