"""The data manifest: a verdict, and the rows of every finding."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parallel_text import made_text, without

from repalign.corpora import EMBEDDED, ParallelCorpus, open_corpus
from repalign.corpora.checks import check, duplicate_groups, letters_only, normalise, same_text
from repalign.errors import RepalignError

JAPANESE = [
    "猫が窓のそばで寝ている。",
    "東京特許許可局",
    "コーヒーをください。",
    "The cat sleeps by the window.",
    "ねこ",
]


def kinds(manifest: dict, severity: str) -> list[tuple[str, str]]:
    return [(one["kind"], one["language"]) for one in manifest["problems"] if one["severity"] == severity]


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_corpora_are_ok_without_a_note(name):
    manifest = check(open_corpus(name))
    assert manifest["ok"]
    assert manifest["problems"] == []


def test_duplicates_in_any_language_share_a_group():
    sentences = {"en": ["a", "b", "c", "d"], "zh": ["甲", "乙 ", "乙", "丁"], "tr": ["x", "y", "z", "ｘ"]}
    assert duplicate_groups(sentences).tolist() == [0, 1, 1, 0]


def test_the_manifest_finds_what_was_planted():
    corpus = ParallelCorpus(
        "planted",
        {
            "en": [
                "The dog sleeps here.",
                "Where is it?",
                "Good morning to you.",
                "Where is it?",
                "Never mind.",
                "Whoever comes too late will have to wait outside until the doors are opened again.",
            ],
            "el": [
                "Ο σκύλος κοιμάται εδώ.",
                "Πού είναι;",
                "Good morning to you.",
                "Πού είναι αυτό;",
                "Δεν " * 40,
                "Ναι.",
            ],
        },
    )
    found = check(corpus)["languages"]
    assert found["en"]["duplicates"] == [4]
    assert found["el"]["copies"] == [3]
    assert found["el"]["wrong_script"] == [3]
    assert found["el"]["odd_length"] == [5, 6]


def test_the_manifest_is_json_and_rows_count_from_one():
    text = made_text(100)
    text["zh"] = without(text["zh"], 40)
    manifest = check(ParallelCorpus(text))
    assert json.loads(json.dumps(manifest)) == manifest
    (problem,) = [one for one in manifest["problems"] if one["severity"] == "misaligned"]
    assert not manifest["ok"]
    assert (problem["kind"], problem["language"]) == ("shift", "zh")
    assert problem["rows"][-1] == 99
    assert (
        f"rows {problem['rows'][0]} to 99 translate rows {problem['rows'][0] + 1} to 100 of en"
        in problem["message"]
    )


@pytest.mark.parametrize("code", ["en", "eng", "eng_Latn", "en-US"])
def test_english_is_the_pivot_in_every_spelling(code):
    corpus = ParallelCorpus({"arb_Arab": ["قطة"], "eng_Latn": ["cat"]})
    assert check(corpus)["pivot"] == check(corpus, code)["pivot"] == "eng_Latn"
    with pytest.raises(RepalignError, match="'de'"):
        check(corpus, "de")


@pytest.mark.parametrize("code", ["ja", "jpn_Jpan", "jpn", "x1"])
def test_japanese_is_written_in_han_and_both_kana(code):
    checked = check(ParallelCorpus({code: JAPANESE}))["languages"][code]
    assert checked["wrong_script"] == [4]
    assert checked["script"] == "Jpan"


@pytest.mark.parametrize(
    ("code", "row", "script"),
    [
        ("ko", "漢字와 한글", "Kore"),
        ("zh", "猫在窗边睡觉。", "Hans"),
        ("zh_TW", "貓在窗邊睡覺。", "Hant"),
        ("ka", "კატა", "Geor"),
    ],
)
def test_text_in_the_script_of_its_language_is_right(code, row, script):
    manifest = check(ParallelCorpus({"en": ["The cat."], code: [row]}))
    assert manifest["ok"]
    assert manifest["languages"][code]["script"] == script
    assert manifest["languages"][code]["wrong_script"] == []


@pytest.mark.parametrize(
    ("code", "row", "named"),
    [("ar", "al-qitt nāʾim", "mostly Latin, expected Arabic"), ("arb_Arab", "al-qitt", "ar_Latn"), ("zh", "ねこ", "Japanese"),
     ("sr", "mačka spava", "mostly Latin, expected Cyrillic")],
)  # fmt: skip
def test_text_in_another_script_than_its_code_says_is_wrong(code, row, named):
    manifest = check(ParallelCorpus({"en": ["The cat."] * 3, code: [row, row, "123"]}))
    assert ("script", code) in kinds(manifest, "wrong text")
    assert named in next(one["message"] for one in manifest["problems"] if one["kind"] == "script")
    assert manifest["languages"][code]["wrong_script"] == [], "the data decide which rows are exceptions"


def test_a_code_that_names_the_script_is_right():
    manifest = check(ParallelCorpus({"en": ["The cat."], "arb_Latn": ["al-qitt"], "sr_Latn": ["mačka"]}))
    assert manifest["ok"]


def test_many_untranslated_rows_are_wrong_text_and_few_a_note():
    text = made_text(100, "en ru")
    for count, severity in ((3, "note"), (20, "wrong text")):
        mixed = {**text, "ru": [*text["en"][:count], *text["ru"][count:]]}
        manifest = check(ParallelCorpus(mixed))
        assert {("copies", "ru"), ("wrong_script", "ru")} <= set(kinds(manifest, severity))
        assert manifest["ok"] == (severity == "note")


def test_a_file_saved_as_two_languages_is_wrong_text():
    text = made_text(60, "en de el")
    manifest = check(ParallelCorpus({**text, "ru": text["el"]}))
    assert ("same_text", "ru") in kinds(manifest, "wrong text")
    manifest = check(ParallelCorpus({**text, "de": text["en"]}))
    assert ("same_text", "de") in kinds(manifest, "wrong text")
    assert ("copies", "de") not in kinds(manifest, "wrong text"), "said once"


def test_variants_of_a_language_may_share_most_of_their_text():
    british = [f"The colour of cat {row}." if row % 3 == 0 else f"This is cat {row}." for row in range(30)]
    american = [row.replace("colour", "color") for row in british]
    manifest = check(ParallelCorpus({"en-US": american, "en-GB": british}))
    assert manifest["ok"]
    assert ("same_text", "en-GB") in kinds(manifest, "note")
    assert not check(ParallelCorpus({"en-US": british, "en-GB": british}))["ok"]


def test_same_text_needs_more_than_half_of_the_rows():
    assert same_text({"a": ["1", "2"], "b": ["1", "3"]}) == {}
    assert same_text({"a": ["1", "2", "x"], "b": ["1", "2", "y"]}) == {("a", "b"): [1, 2]}


def test_near_duplicates_differ_in_case_punctuation_digits_or_white_space():
    rows = [
        "The cat sleeps.",
        "the  CAT sleeps!",
        "The cat sleeps.",
        "The cat, 2: sleeps",
        "The cats sleep.",
        "12",
        "34",
    ]
    checked = check(ParallelCorpus({"en": rows}))["languages"]["en"]
    assert checked["duplicates"] == [3]
    assert checked["near_duplicates"] == [2, 4]


def test_vowel_signs_are_letters():
    checked = check(ParallelCorpus({"hi": ["कि", "की", "का"]}))["languages"]["hi"]
    assert checked["near_duplicates"] == []


@given(st.text(alphabet=st.characters(codec="utf-8")), st.sampled_from(["!", " ", "7", "…", "٣"]))
def test_letters_only_ignores_what_near_duplicates_differ_in(sentence, added):
    assert letters_only(added + sentence) == letters_only(sentence)


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=8))
def test_duplicates_are_all_rows_but_the_first_of_each_group(rows):
    manifest = check(ParallelCorpus({"en": rows, "xx": [f"{row}{row}" for row in rows]}))
    assert len(manifest["languages"]["en"]["duplicates"]) == len(rows) - manifest["groups"]


FULL_WIDTH = "".join(map(chr, range(0xFF00, 0xFF66)))


@given(st.text(st.characters() | st.sampled_from(FULL_WIDTH + "\u0301\u0327\u3099\u3000 a")))
def test_normalise_is_nfkc_with_single_spaces(text):
    assert normalise(text) == " ".join(unicodedata.normalize("NFKC", text).split())
