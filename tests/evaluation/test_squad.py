"""SQuAD's and MLQA's scores against the official conventions, written again here step by step."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter

import pytest

from repalign.evaluation import squad


def official(answer: str, language: str) -> str:
    """MLQA's evaluation, as its authors describe it: lower case, no punctuation, no articles, cut into words."""
    kept = ""
    for character in answer.lower():
        if character not in string.punctuation and unicodedata.category(character)[0] != "P":
            kept += character
    articles = {
        "en": "a an the",
        "es": "un una unos unas el la los las",
        "vi": "của là cái chiếc những",
        "de": "ein eine einen einem eines einer der die das den dem des",
    }
    if language in articles:
        kept = re.sub(r"\b(" + "|".join(articles[language].split()) + r")\b", " ", kept)
    if language == "ar":
        kept = kept.replace("ال", " ")
    words: list[str] = []
    for piece in kept.split():
        if language != "zh":
            words.append(piece)
            continue
        word = ""
        for character in piece:
            if 0x4E00 <= ord(character) <= 0x9FA5:
                words += [word, character] if word else [character]
                word = ""
            else:
                word += character
        words += [word] if word else []
    return " ".join(words)


def official_f1(answer: str, reference: str, language: str) -> float:
    said, right = official(answer, language).split(), official(reference, language).split()
    same = sum((Counter(said) & Counter(right)).values())
    if same == 0:
        return 0
    precision, recall = same / len(said), same / len(right)
    return 2 * precision * recall / (precision + recall)


CASES = [
    # language, answer, reference, exact, F1: by hand
    ("en", "The 308 points!", "308 points", 1, 1),
    ("en", "an answer, a good one", "good answer", 0, 0.8),
    ("en", "theatre", "the atre", 0, 0),
    ("en", "“yes”", "Yes.", 1, 1),
    ("en", "$5", "5", 1, 1),
    ("en", "€5", "5", 0, 0),
    ("en", "", "308", 0, 0),
    ("es", "el 5 de mayo", "5 de mayo", 1, 1),
    ("es", "¿la casa?", "una casa", 1, 1),
    ("de", "Der Hund des Königs", "Hund Königs", 1, 1),
    ("de", "dieser Hund", "Hund", 0, 2 / 3),
    ("vi", "những con mèo của tôi", "con mèo tôi", 1, 1),
    ("vi", "con chó", "con mèo", 0, 0.5),
    ("ar", "الكتاب، الجديد", "كتاب جديد", 1, 1),
    ("ar", "السلام", "س م", 0, 0),
    ("ar", "هل؟", "هل", 1, 1),
    ("hi", "लाल किताब।", "लाल किताब", 1, 1),
    ("hi", "लाल किताब", "नीली किताब", 0, 0.5),
    ("zh", "308分。", "308 分", 1, 1),
    ("zh", "在第六名", "第六", 0, 2 / 3),
    ("zh", "《NFL》职业碗", "nfl 职业碗", 1, 1),
    ("zh", "AB型12", "ab 型 12", 1, 1),
]


@pytest.mark.parametrize(("language", "answer", "reference", "exact", "f1"), CASES)
def test_scores_equal_mlqas(language, answer, reference, exact, f1):
    assert official(answer, language) == " ".join(squad.mlqa_tokens(answer, language))
    found = squad.exact_match(answer, [reference], language, squad.mlqa_tokens)
    assert found == exact == (official(answer, language) == official(reference, language))
    found = squad.f1(answer, [reference], language, squad.mlqa_tokens)
    assert found == pytest.approx(f1)
    assert found == pytest.approx(official_f1(answer, reference, language))


def test_every_character_is_normalised_as_officially():
    codes = [code for code in range(0x20000) if not 0xD800 <= code < 0xE000]
    text = "".join(f"a{chr(code)}b " for code in codes)
    assert " ".join(squad.mlqa_tokens(text, "zh")) == official(text, "zh")


@pytest.mark.parametrize(
    ("answer", "reference", "exact", "f1"),
    [
        ("The Cat.", "a cat", 1, 1),
        ("an apple pie", "apple", 0, 2 / 3),
        ("“cat”", "cat", 0, 0),  # SQuAD knows ASCII's punctuation only
        ("el gato", "gato", 0, 2 / 3),  # and English articles only
        ("308分", "308 分", 0, 0),
        ("the", "a", 1, 0),  # nothing is left of either: equal, and without overlap
    ],
)
def test_scores_equal_squads(answer, reference, exact, f1):
    assert squad.exact_match(answer, [reference], "zh", squad.squad_tokens) == exact
    assert squad.f1(answer, [reference], "zh", squad.squad_tokens) == pytest.approx(f1)


def test_best_reference_counts_and_contains_looks_at_the_first():
    references = ("red coat", "coat")
    assert squad.exact_match("Coat", references, "en", squad.mlqa_tokens) == 1
    assert squad.f1("the coat", references, "en", squad.mlqa_tokens) == 1
    assert squad.contains("a coat", references, "en") == 0
    assert squad.contains("A RED COAT, I think", references, "en") == 1
