"""What text is written in, and text that shows nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repalign.corpora.languages import script_of
from repalign.corpora.scripts import is_blank, letters_by_script, script, scripts_of, share_in_script


@pytest.mark.parametrize(
    ("text", "language", "share"),
    [
        ("猫が窓のそばで寝ている。", "ja", 1), ("コーヒー", "jpn_Jpan", 1), ("漢字", "ja", 1), ("猫が", "zh", 0.5),
        ("고양이가 잔다.", "ko", 1), ("漢字 고양이", "kor_Hang", 1), ("窓", "zh_TW", 1), ("ㄅㄆ窓", "cmn", 1),
        ("القط", "ar", 1), ("al-qitt", "ar", 0), ("al-qitt", "arb_Latn", 1), ("القط", "ur", 1), ("گربه", "pes_Arab", 1),
        ("мачка", "sr", 1), ("мачка", "srp_Latn", 0), ("mačka жe", "sr", 1 / 7), ("Ａｂｃ", "en", 1), ("ª", "es", 1),
        *((text, language, 1) for language, text in {
            "ka": "კატა", "gu": "બિલાડી", "mr": "मांजर", "ne": "बिरालो", "mk": "мачка", "kk": "мысық", "am": "ድመት",
            "hy": "կատու", "km": "ឆ្មា", "my": "ကြောင်", "lo": "ແມວ", "si": "පූසා", "pa": "ਬਿੱਲੀ", "ug": "مۈشۈك",
            "ckb": "پشیلە", "zho_Hans": "猫", "zh-CN": "猫", "arb_Arab": "قط", "hin": "बिल्ली", "th": "แมว", "he": "חתול",
        }.items()),
        ("1999!", "ar", 1), ("", "ar", 1), ("anything", "elvish", 1), ("anything", "x1", 1),
    ],
)  # fmt: skip
def test_share_in_script_knows_the_writing_system_of_a_language(text, language, share):
    assert share_in_script(text, language) == pytest.approx(share)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat sleeps.", "Latn"), ("Ο σκύλος", "Grek"), ("猫", "Hani"), ("ねこ", "Hira"), ("コーヒー", "Kana"),
        ("gut und Щ", "Latn"), ("1999!", ""), ("", ""), ("ー", ""),
    ],
)  # fmt: skip
def test_script_is_that_of_most_letters(text, expected):
    assert script(text) == expected


@given(st.text())
def test_letters_by_script_counts_each_letter_once_at_most(text):
    counts = letters_by_script(text)
    assert all(count > 0 for count in counts.values())
    assert sum(counts.values()) <= sum(char.isalpha() for char in text)
    assert counts == letters_by_script(text[::-1])


@given(st.text(), st.sampled_from(["en", "ja", "zho_Hans", "ko", "srp_Latn", "xx"]))
def test_share_in_script_is_that_of_the_letters_that_are_counted(text, language):
    counts, expected = letters_by_script(text), scripts_of(script_of(language))
    shares = [counts[name] / counts.total() for name in expected] if counts else [1.0]
    assert share_in_script(text, language) == pytest.approx(sum(shares) if expected else 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\r\n",
        "\u200b",
        "\u200e\u200f",
        "\ufeff",
        "\u2028\u00a0",
        "\x00\x1b",
        "\u3164",
        "\u2060 \u00ad",
    ],
)
def test_text_that_shows_nothing_is_blank(text):
    assert is_blank(text)


@given(st.text())
def test_text_with_a_letter_or_digit_is_not_blank_and_white_space_changes_nothing(text):
    assert is_blank(text) == is_blank(f"\u200b{text} ")
    if any(unicodedata.category(char) in ("Ll", "Lu", "Nd", "Po") for char in text):
        assert not is_blank(text)
