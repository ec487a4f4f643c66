"""Languages of answers."""

from __future__ import annotations

import pytest
from evaluation.factories import asked

from repalign.evaluation.answer_language import answer_languages, language_table


def test_languages_of_answers_are_counted():
    items = {"en": asked("en", ["x"] * 4), "zh": asked("zh", ["x"] * 4)}
    detected = {"m": {"en": ["en", "zh", "en", None], "zh": ["zh"] * 4}}
    table = language_table(items, detected)
    assert table["answered"].fillna("?").tolist() == ["en", "zh", "?", "zh"]
    assert table["count"].tolist() == [2, 1, 1, 4]
    assert table["share"].tolist() == [0.5, 0.25, 0.25, 1.0]
    assert table["asked"].tolist() == ["en"] * 3 + ["zh"]


def test_languages_are_detected_in_the_spelling_of_the_task():
    pytest.importorskip("lingua")
    chinese, norwegian, greek = (
        "狗在院子里睡觉。",
        "Hunden sover i hagen, og jeg vet ikke hvorfor.",
        "Ο σκύλος κοιμάται.",
    )
    codes = ["zho_Hans", "zh-TW", "nob_Latn", "ell"]
    assert answer_languages([chinese, norwegian, greek], "zh-TW", codes) == ["zh-TW", "nob_Latn", "ell"]
    assert answer_languages([chinese], "nob_Latn", codes) == ["zho_Hans"]
    assert answer_languages(["Magandang umaga sa inyong lahat."], "fil", ["fil", "en"]) == ["fil"]


@pytest.mark.parametrize("code", ["khm_Khmr", "ceb", "arb_Latn", "kbp_Latn"])
def test_answers_in_a_language_that_lingua_does_not_know_are_not_detected(code):
    pytest.importorskip("lingua")
    assert answer_languages(["Maayong buntag."], code, [code, "en", "zh"]) == [None]


def test_answer_languages_are_told_among_those_is_available():
    pytest.importorskip("lingua")
    said = ["The dog sleeps in the garden.", "狗在院子里睡觉。", "Köpek bahçede uyuyor.", "308", ""]
    assert answer_languages(said, "en", ["en", "zh", "tr"]) == ["en", "zh", "tr", None, None]
    assert answer_languages(said[:1], "en", ["en"]) == [None]
