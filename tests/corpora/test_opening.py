"""What a corpus is: layouts of folders, columns of tables, names that are paths, and what is refused."""

from __future__ import annotations

import json
import logging
import zipfile

import pandas as pd
import pytest

from repalign.corpora import ParallelCorpus, open_corpus
from repalign.corpora.hub import is_hub_id
from repalign.errors import RepalignError

EN, ZH = ["A cat sleeps.", "Two dogs ran."], ["一只猫在睡觉。", "两只狗跑了。"]


def refused(spec, *parts, languages=None):
    with pytest.raises(RepalignError) as caught:
        open_corpus(str(spec), languages)
    said = str(caught.value)
    assert "\n" not in said
    for part in parts:
        assert part in said, said


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def test_two_scripts_of_a_language_are_kept_apart(tmp_path):
    """FLORES-200 has Arabic twice; its romanised form is the last by name."""
    for code, rows in {
        "eng_Latn": EN,
        "arb_Arab": ["قطة تنام.", "كلبان ركضا."],
        "arb_Latn": ["Qitta tanam.", "Kalban rakada."],
    }.items():
        lines(tmp_path / f"{code}.devtest", rows)
    refused(tmp_path, "'ar' may be any of arb_Arab, arb_Latn", "name one of them", languages=["en", "ar"])
    corpus = open_corpus(str(tmp_path), ["en", "ar-Latn", "arb_Arab"])
    assert corpus.sentences["ar-Latn"][0] == "Qitta tanam."
    assert corpus.sentences["arb_Arab"][0] == "قطة تنام."
    assert open_corpus(str(tmp_path)).languages == ("arb_Arab", "arb_Latn", "eng_Latn")


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["dev/en.txt", "dev/zh.txt", "other/en.txt", "other/zh.txt"], ["several folders", "dev, other"]),
        (["a.en-zh.en", "a.en-zh.zh", "b.en-zh.en", "b.en-zh.zh"], ["several pairs", "a.en-zh, b.en-zh"]),
        (["a.tsv", "b.tsv"], ["several tables", "a.tsv, b.tsv"]),
        (["test-00000-of-00002.parquet"], ["1 of 2 shards"]),
        (["notes.md", "paper.pdf"], ["no parallel text", "notes.md, paper.pdf", ".tmx", "FLORES", ".zst"]),
        ([], ["holds nothing"]),
    ],
)
def test_a_folder_without_one_clear_corpus_is_refused(tmp_path, names, parts):
    for name in names:
        lines(tmp_path / name, EN)
    refused(tmp_path, *parts)


def test_two_files_of_one_language_are_refused(tmp_path):
    lines(tmp_path / "en.txt", EN)
    lines(tmp_path / "zh.txt", ZH)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("en.txt", "A cat.\n")
    (tmp_path / "zh.txt.gz").write_bytes(b"")
    refused(tmp_path, "two files for 'zh'", "zh.txt.gz")


def test_splits_of_one_corpus_are_read_one_at_a_time(tmp_path, caplog):
    for split in ("dev", "devtest"):
        for code, rows in {"eng_Latn": EN, "zho_Hans": ZH}.items():
            lines(tmp_path / split / f"{code}.{split}", rows if split == "dev" else rows[:1])
    with caplog.at_level(logging.INFO, "repalign"):
        assert len(open_corpus(str(tmp_path))) == 1, "devtest comes first, as in the papers"
    assert "read devtest, and not dev; give the folder of another" in caplog.text
    assert len(open_corpus(str(tmp_path / "dev"))) == 2


@pytest.mark.parametrize(
    ("rows", "read"),
    [
        (
            [
                {"doc": "d1", "seg": 1, "en": EN[0], "zh": ZH[0]},
                {"doc": "d1", "seg": 2, "en": EN[1], "zh": ZH[1]},
            ],
            ["en", "zh"],
        ),
        ([{"no": n, "en": EN[n], "zh": ZH[n], "is": True} for n in (0, 1)], ["en", "zh"]),
        ([{"en": EN[n], "zh": ZH[n], "has_image": "no", "iso_15924": "Latn"} for n in (0, 1)], ["en", "zh"]),
        ([{"cat": "news", "en": f"{EN[0]} {n}", "zh": ZH[0] * n} for n in range(1, 30)], ["en", "zh"]),
        ([{"EN": EN[n], "zh-CN": ZH[n], "key": "a"} for n in (0, 1)], ["EN", "zh-CN"]),
    ],
)
def test_columns_that_are_no_languages_are_left_out_and_named(tmp_path, rows, read, caplog):
    path = tmp_path / "a.jsonl"
    lines(path, map(json.dumps, rows))
    with caplog.at_level(logging.INFO, "repalign"):
        assert list(open_corpus(str(path)).languages) == read
    left_out = [column for column in rows[0] if column not in read]
    assert all(column in caplog.text for column in left_out)


def test_other_columns_are_read_if_they_are_named(tmp_path):
    pd.DataFrame({"src": EN, "tgt": ZH, "id": [1, 2]}).to_csv(tmp_path / "a.csv", index=False)
    refused(tmp_path / "a.csv", "no language columns", "src, tgt, id", "--langs")
    assert open_corpus(str(tmp_path / "a.csv"), ["src", "tgt"]).sentences == {
        "src": tuple(EN),
        "tgt": tuple(ZH),
    }


def test_a_language_that_the_first_row_lacks_exists(tmp_path):
    lines(tmp_path / "a.jsonl", [json.dumps({"zh": ZH[0]}), json.dumps({"zh": ZH[1], "en": EN[1]})])
    refused(tmp_path / "a.jsonl", "line 1 has no text for 'en'")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (1984, "holds '1984' for 'zh', which is no text"),
        (None, "no text for 'zh'"),
        ("\u200b \u200e", "no text for 'zh'"),
        (["a"], "holds \"['a']\""),
    ],
)
def test_a_cell_that_is_no_sentence_is_named(tmp_path, cell, said):
    lines(
        tmp_path / "a.jsonl", [json.dumps({"en": EN[0], "zh": ZH[0]}), json.dumps({"en": EN[1], "zh": cell})]
    )
    refused(tmp_path / "a.jsonl", "line 2", said)


def test_the_hub_s_translations_into_any_number_of_languages(tmp_path):
    rows = [
        {"translation": {"language": ["en", "zh"], "translation": list(pair)}}
        for pair in zip(EN, ZH, strict=True)
    ]
    lines(tmp_path / "a.jsonl", map(json.dumps, rows))
    assert open_corpus(str(tmp_path / "a.jsonl")).sentences == {"en": tuple(EN), "zh": tuple(ZH)}
    rows[1]["translation"] = {"language": ["en", "zh", "zh"], "translation": [EN[1], ZH[1], ZH[0]]}
    lines(tmp_path / "a.jsonl", map(json.dumps, rows))
    refused(tmp_path / "a.jsonl", "line 2 has 3 translations into 2 languages")


def test_long_tables_are_joined_by_id_and_never_by_order(tmp_path):
    rows = [("eng_Latn", 1, EN[0]), ("zho_Hans", 2, ZH[1]), ("eng_Latn", 2, EN[1]), ("zho_Hans", 1, ZH[0])]
    frame = pd.DataFrame(rows, columns=["lang", "id", "text"])
    frame.to_parquet(tmp_path / "a.parquet")
    assert open_corpus(str(tmp_path / "a.parquet")).sentences == {
        "eng_Latn": tuple(EN),
        "zho_Hans": tuple(ZH),
    }
    frame[:3].to_parquet(tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "1 sentences of 'eng_Latn', such as id 1, are missing for 'zho_Hans'")
    pd.concat([frame, frame[:1]]).to_parquet(tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "row 5", "id 1 occurs twice for 'eng_Latn'")
    frame.drop(columns="id").to_parquet(tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "no id by which they belong together")


def test_variants_of_flores_plus_are_kept_apart(tmp_path):
    rows = [
        {"id": n, "iso_639_3": "cat", "iso_15924": "Latn", "glottocode": code, "text": f"{word} {n}"}
        for code, word in (("stan1289", "aquest"), ("vale1252", "este"))
        for n in (1, 2)
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "a.parquet")
    assert open_corpus(str(tmp_path / "a.parquet")).languages == ("cat_Latn_stan1289", "cat_Latn_vale1252")
    refused(tmp_path / "a.parquet", "'ca' may be any of", languages=["ca"])


def test_tables_of_one_language_are_joined_by_id(tmp_path):
    pd.DataFrame({"id": [1, 2], "text": EN}).to_json(
        tmp_path / "eng_Latn.jsonl", orient="records", lines=True
    )
    pd.DataFrame({"id": [2, 1], "text": ZH[::-1]}).to_json(
        tmp_path / "zho_Hans.jsonl", orient="records", lines=True
    )
    assert open_corpus(str(tmp_path)).sentences == {"eng_Latn": tuple(EN), "zho_Hans": tuple(ZH)}
    pd.DataFrame({"body": ZH}).to_json(tmp_path / "zho_Hans.jsonl", orient="records", lines=True)
    refused(tmp_path, "'zho_Hans' has no column text or sentence", "found body")


@pytest.mark.parametrize("name", ["en-de.tsv", "en-de.tmx"])
def test_the_one_file_of_a_folder_may_be_named_by_a_pair(tmp_path, name):
    """en-DE is also the English of Germany, and the file then the only one of one language."""
    if name.endswith("tsv"):
        lines(tmp_path / name, ["en\tde\tsource", "A cat.\tEine Katze.\ttatoeba"])
    else:
        unit = '<tu><tuv xml:lang="en"><seg>A cat.</seg></tuv><tuv xml:lang="de"><seg>Eine Katze.</seg></tuv></tu>'
        (tmp_path / name).write_text(f"<tmx><body>{unit}</body></tmx>")
    assert open_corpus(str(tmp_path)).sentences == {"en": ("A cat.",), "de": ("Eine Katze.",)}


def test_a_quoted_tsv_is_read_once_and_said_to_be_quoted_once(tmp_path, caplog):
    pd.DataFrame({"en": ['She said "no".', "Two"], "zh": ZH}).to_csv(
        tmp_path / "a.tsv", sep="\t", index=False
    )
    with caplog.at_level(logging.INFO, "repalign"):
        assert open_corpus(str(tmp_path / "a.tsv")).sentences["en"][0] == 'She said "no".'
    assert caplog.text.count("quotes are removed") == 1


def test_a_table_without_a_header_is_not_read_as_one(tmp_path):
    path = tmp_path / "a.tsv"
    lines(path, [f"{en}\t{zh}" for en, zh in zip(EN, ZH, strict=True)])
    refused(path, "no language columns", "--langs")
    assert open_corpus(str(path), ["en", "zh"]).sentences == {"en": tuple(EN), "zh": tuple(ZH)}
    refused(path, "no language columns", languages=["en", "zh", "ar"])
    lines(path, ["English\tChinese", *(f"{en}\t{zh}" for en, zh in zip(EN, ZH, strict=True))])
    assert open_corpus(str(path), ["en", "zh"]).sentences == {"en": tuple(EN), "zh": tuple(ZH)}, (
        "that was a header"
    )


def test_files_that_are_not_read_are_refused_with_those_that_are(tmp_path):
    for name in ("a.sgm", "a.docx", "a.tar.gz", "a.txt"):
        (tmp_path / name).write_bytes(b"\x1f\x8b" if name.endswith("gz") else b"x")
        refused(tmp_path / name, name.removesuffix(".gz"), ".tsv", ".tmx", "FLORES")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<tmx><body><tu>", "not TMX"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><tmx>&a;</tmx>', "safe"),
        ("<tmx><body><tu><tuv><seg>a</seg></tuv></tu></body></tmx>", "unit 1: a text without xml:lang"),
        (
            '<tmx><tu><tuv xml:lang="en"><seg>a</seg></tuv><tuv xml:lang="en"><seg>b</seg></tuv></tu></tmx>',
            "two texts in 'en'",
        ),
        (
            '<tmx><tu><tuv xml:lang="en"><seg>a</seg></tuv></tu><tu><tuv xml:lang="zh"><seg>b</seg></tuv></tu></tmx>',
            "unit 2 has no text for 'en'",
        ),
        ("<tmx/>", "no rows"),
    ],
)
def test_tmx_that_is_damaged_or_lacks_text_is_refused(tmp_path, text, said):
    (tmp_path / "a.tmx").write_text(text)
    refused(tmp_path / "a.tmx", "a.tmx", said)


def test_names_of_local_files_are_not_asked_for_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "huggingface_hub.HfApi.dataset_info", lambda *args, **options: pytest.fail("asked the hub")
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mydata").mkdir()
    for spec in (
        "mydata/en-zh.csv",
        "mydata/flores",
        "nowhere/a.tsv",
        "./a/b",
        "/a/b",
        "~/a",
        "a/b/c",
        "data/train.en",
        "a.tsv",
        "x" * 300,
    ):
        refused(spec, spec[:80])
    assert is_hub_id("openlanguagedata/flores_plus")
    assert is_hub_id("Helsinki-NLP/opus-100")
    assert is_hub_id("owner/data-v1.5")


def test_a_data_set_that_the_hub_lacks_is_refused_at_once(monkeypatch):
    def fails(*args, **options):
        raise OSError("Name or service not known")

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", fails)
    monkeypatch.setattr("datasets.load_dataset", lambda *args, **options: pytest.fail("asked again"))
    refused("owner/name", "there is no owner/name here", "cannot be reached", "HF_HUB_OFFLINE=1")


def test_a_corpus_is_selected_by_meaning():
    corpus = ParallelCorpus({"eng_Latn": EN, "zho_Hans": ZH, "zho_Hant": ZH})
    assert corpus.select(["zh-TW", "en"]).languages == ("zh-TW", "en")
    with pytest.raises(RepalignError, match="'zh' may be any of zho_Hans, zho_Hant"):
        corpus.select(["zh"])
    with pytest.raises(RepalignError, match="named twice in en,eng"):
        corpus.select(["en", "eng"])
    assert (
        ParallelCorpus({"en": EN, "zh": ZH}).digest == ParallelCorpus({"cmn_Hans": ZH, "eng_Latn": EN}).digest
    )


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("en.txt", "A cat.\n")
    whole = path.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    for damaged in (
        whole[:-10],
        whole[: directory + 28]
        + b"\0\0"
        + whole[directory + 30 :],  # a member without a name, found by mutation
        whole.replace(b"A cat.", b"A dog."),
    ):
        path.write_bytes(damaged)
        refused(path, "a.zip")


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("a.tsv", "en\teng\nhello\thi\n", ["one language twice, as 'en' and 'eng'"]),
        (
            "a.csv",
            "English,english_text\nhello,hi there\n",
            ["two columns for 'en'", "English", "english_text"],
        ),
        ("train.en", "hello\n", ["holds one language", "train for Moses files"]),
        ("eng_Latn.devtest", "hello\n", ["holds one language", "give the folder"]),
        ("a.tsv", "", ["no rows"]),
        ("a.jsonl", '{"en": "hello", "zh": NaN}\n', ["line 1 has no text for 'zh'"]),
    ],
)
def test_what_looks_like_a_corpus_and_is_none_is_refused(tmp_path, name, text, parts):
    (tmp_path / name).write_text(text)
    refused(tmp_path / name, *parts)


def test_languages_may_be_named_in_english(tmp_path):
    pd.DataFrame({"English": EN, "Chinese": ZH, "Source": ["web", "book"]}).to_csv(
        tmp_path / "a.csv", index=False
    )
    assert open_corpus(str(tmp_path / "a.csv")).sentences == {"en": tuple(EN), "zh": tuple(ZH)}
    frame = pd.DataFrame({"language": ["English", "Chinese"], "id": [1, 1], "text": [EN[0], ZH[0]]})
    frame.to_csv(tmp_path / "b.csv", index=False)
    assert open_corpus(str(tmp_path / "b.csv")).sentences == {"en": (EN[0],), "zh": (ZH[0],)}


@pytest.mark.parametrize("spec", ["", " ", "/dev/null"])
def test_what_is_no_name_of_a_corpus_is_refused(spec):
    refused(spec, "--corpus takes everyday")


def test_suffixes_may_be_upper_case(tmp_path):
    for name, rows in {"EN.TXT": EN, "ZH.TXT": ZH}.items():
        lines(tmp_path / name, rows)
    assert open_corpus(str(tmp_path), ["en", "zh"]).sentences == {"en": tuple(EN), "zh": tuple(ZH)}


def test_moses_files_of_several_splits_are_read_one_at_a_time(tmp_path, caplog):
    for split, count in (("train", 2), ("val", 1)):
        lines(tmp_path / f"{split}.en", EN[:count])
        lines(tmp_path / f"{split}.zh", ZH[:count])
    with caplog.at_level(logging.INFO, "repalign"):
        assert len(open_corpus(str(tmp_path))) == 1
    assert "read val, and not train" in caplog.text
    assert len(open_corpus(str(tmp_path / "train"))) == 2
