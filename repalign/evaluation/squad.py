"""Exact match and F1 of answers, with the normalisation of SQuAD v1.1 and of MLQA.

SQuAD v1.1 (Rajpurkar et al. 2016, arXiv 1606.05250) lower-cases, strips ASCII punctuation and English
articles. MLQA (Lewis et al. 2020, arXiv 1910.07475) does so for each of its languages: all punctuation of
Unicode (categories P*), the language's articles, and splits Chinese into characters. MLQA's languages are recognised
by any of their codes.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from repalign.corpora.languages import HAN_SCRIPTS, script_of, short

ARTICLES = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": r"\sال^|ال",  # as in MLQA: everywhere, also inside words
}
"""What MLQA removes. Languages that MLQA does not have keep all words."""

HAN = re.compile(r"([\u4e00-\u9fa5])")
WITHOUT_ASCII = str.maketrans(dict.fromkeys(string.punctuation, ""))


@cache
def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def squad_tokens(answer: str, language: str = "en") -> list[str]:
    """Words of an answer after SQuAD v1.1's normalisation, which removes English articles in every language."""
    bare = answer.lower().translate(WITHOUT_ASCII)
    return re.sub(ARTICLES["en"], " ", bare).split()


def mlqa_tokens(answer: str, language: str) -> list[str]:
    """Words of an answer, or its characters in Chinese, after MLQA's normalisation.

    Args:
        answer: as generated, or a reference.
        language: code of the answer's language.
    """
    text = "".join(character for character in answer.lower() if not _is_punctuation(character))
    if articles := ARTICLES.get(short(language)):
        text = re.sub(articles, " ", text)
    if script_of(language) in HAN_SCRIPTS:
        text = HAN.sub(r" \1 ", text)
    return text.split()


Tokens = Callable[[str, str], list[str]]


def exact_match(prediction: str, references: Sequence[str], language: str, tokens: Tokens) -> float:
    """1 if the normalised prediction equals a normalised reference, else 0."""
    predicted = tokens(prediction, language)
    return float(any(predicted == tokens(reference, language) for reference in references))


def f1(prediction: str, references: Sequence[str], language: str, tokens: Tokens) -> float:
    """F1 of words against the best matching reference: harmonic mean of precision and recall, 0 to 1."""
    predicted = Counter(tokens(prediction, language))
    return max(_f1(predicted, Counter(tokens(reference, language))) for reference in references)


def _f1(predicted: Counter[str], reference: Counter[str]) -> float:
    shared = (predicted & reference).total()
    return 2 * shared / (predicted.total() + reference.total()) if shared else 0.0


def contains(prediction: str, references: Sequence[str], language: str) -> float:
    """1 if the lower-cased prediction contains the lower-cased first reference, else 0.

    The criterion of the paper's code. It rewards long answers, and one-character references match too easily.
    """
    return float(references[0].lower() in prediction.lower())
