"""Parallel text: readers and refusals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from repalign.corpora import EMBEDDED, ParallelCorpus, open_corpus
from repalign.corpora.checks import check
from repalign.corpora.opening import read_hub
from repalign.errors import RepalignError


def refuses(message, call, *args):
    with pytest.raises(RepalignError) as caught:
        call(*args)
    text = str(caught.value)
    assert "\n" not in text
    for part in message:
        assert part in text, text


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "en.txt").write_text("One dog.\nTwo dogs.\n", encoding="utf-8")
    (tmp_path / "zh.txt").write_text("一只狗。\n两只狗。\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_corpora_are_parallel_and_in_seven_languages(name):
    corpus = open_corpus(name)
    assert set(corpus.languages) == {"en", "ar", "el", "hi", "tr", "vi", "zh"}
    assert len(corpus) >= {"everyday": 240, "phrasebook": 200}[name]
    assert check(corpus)["groups"] == len(corpus), "no sentence stands twice in any language"


def test_everyday_has_short_and_long_sentences_of_many_kinds():
    english = open_corpus("everyday", ["en"]).sentences["en"]
    words = np.array([len(sentence.split()) for sentence in english])
    assert words.min() >= 3
    assert words.max() <= 31
    assert np.mean(words <= 7) > 0.15
    assert np.mean(words >= 16) > 0.15
    assert sum(sentence.endswith("?") for sentence in english) >= 20


def test_readers_agree_whatever_the_format(folder, tmp_path):
    expected = open_corpus(str(folder))
    rows = [
        {"id": str(i), "en": e, "zh": z}
        for i, (e, z) in enumerate(zip(*expected.sentences.values(), strict=True))
    ]
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    for suffix in ("tsv", "parquet", "jsonl"):
        assert open_corpus(str(tmp_path / f"a.{suffix}")).digest == expected.digest


def test_a_hub_data_set_saved_as_parquet_is_read(folder, tmp_path, monkeypatch):
    import datasets

    expected = open_corpus(str(folder))
    repo = tmp_path / "hub" / "owner" / "pairs" / "data"
    repo.mkdir(parents=True)
    pairs = [
        {"translation": dict(zip(("en", "zh"), row, strict=True))}
        for row in zip(*expected.sentences.values(), strict=True)
    ]
    datasets.Dataset.from_list(pairs).to_parquet(repo / "test-00000-of-00001.parquet")
    monkeypatch.chdir(tmp_path / "hub")  # the loader takes a folder owner/name for the hub's
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda *args, **options: None)
    assert ParallelCorpus(read_hub("owner/pairs").sentences) == ParallelCorpus(expected.sentences)
    assert read_hub("owner/pairs:default:test", ["zh"]).sentences.keys() == {"zh"}
    refuses(["owner/pairs", "validation"], read_hub, "owner/pairs:default:validation")


def test_languages_are_chosen_in_the_order_asked_for(folder):
    assert open_corpus(str(folder), ["zh", "en"]).languages == ("zh", "en")
    assert open_corpus(str(folder)).select(["zh", "en"], limit=1).languages == ("zh", "en")


def test_id_is_a_row_key_unless_it_is_asked_for(tmp_path):
    (tmp_path / "a.tsv").write_text("id\ten\nsatu\tone\ndua\ttwo\n")
    assert open_corpus(str(tmp_path / "a.tsv")).languages == ("en",)
    assert open_corpus(str(tmp_path / "a.tsv"), ["en", "id"]).languages == ("en", "id")


def test_the_digest_knows_every_character():
    a = ParallelCorpus("a", {"en": ["ab", "c"]})
    b = ParallelCorpus("b", {"en": ["a", "bc"]})
    assert a.digest != b.digest
    assert a.digest != ParallelCorpus("a", {"el": ["ab", "c"]}).digest, "the same text in another language"
    assert a.digest == ParallelCorpus("other name", {"en": ["ab", "c"]}).digest


def test_files_of_different_length_are_named_with_their_counts(folder):
    (folder / "zh.txt").write_text("一只狗。\n")
    refuses(["en.txt has 2", "zh.txt has 1"], open_corpus, str(folder))


def test_an_empty_line_is_named_by_file_and_line(folder):
    for text in ("一只狗。\n  \n", "一只狗。\n\n"):
        (folder / "zh.txt").write_text(text)
        refuses(["zh.txt, line 2"], open_corpus, str(folder))


def test_text_that_is_not_utf8_is_named_by_file_and_line(folder):
    (folder / "zh.txt").write_bytes("一只狗。\n".encode() + "两只狗。\n".encode("gbk"))
    refuses(["zh.txt, line 2", "UTF-8"], open_corpus, str(folder))


def test_unknown_names_get_a_near_miss(folder):
    refuses(["did you mean 'everyday'"], open_corpus, "everydy")
    refuses(["'zx'", "did you mean 'zh'"], open_corpus, str(folder), ["en", "zx"])
    refuses(["no language named 'de'"], open_corpus, "phrasebook", ["de"])


def test_a_row_without_text_is_named(tmp_path):
    pd.DataFrame({"en": ["a", "b"], "zh": ["甲", None]}).to_parquet(tmp_path / "a.parquet")
    refuses(["row 2", "'zh'"], open_corpus, str(tmp_path / "a.parquet"))
    (tmp_path / "a.tsv").write_text("en\tzh\na\t甲\nb\n")
    refuses(["line 3", "1 columns"], open_corpus, str(tmp_path / "a.tsv"))


def test_damaged_and_foreign_files_get_one_line(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    refuses(["a.parquet"], open_corpus, str(tmp_path / "a.parquet"))
    (tmp_path / "a.jsonl").write_text('{"en": "a"}\n{"en": \n')
    refuses(["a.jsonl, line 2"], open_corpus, str(tmp_path / "a.jsonl"))
    (tmp_path / "a.docx").write_text("x")
    refuses([".parquet"], open_corpus, str(tmp_path / "a.docx"))
    refuses(["several tables", "a.jsonl, a.parquet"], open_corpus, str(tmp_path))
