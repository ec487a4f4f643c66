"""Exact match and F1 of answers, by the conventions of SQuAD v1.1 and of MLQA.

SQuAD v1.1 (Rajpurkar et al. 2016, arXiv 1606.05250) lower-cases, strips ASCII punctuation and English
articles. MLQA (Lewis et al. 2020, arXiv 1910.07475) does so for each of its languages: all punctuation of
Unicode (categories P*), the language's own articles, and Chinese cut into characters.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

ARTICLES = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": r"\sال^|ال",  # as MLQA has it: wherever it stands, inside of words too
}
"""What MLQA takes away. Languages that it does not have keep all their words."""

UNSPACED = ("zh",)
"""Languages that MLQA cuts into characters."""

HAN = re.compile(r"([\u4e00-\u9fa5])")
WITHOUT_ASCII = str.maketrans(dict.fromkeys(string.punctuation, ""))


@cache
def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def squad_tokens(answer: str, language: str = "en") -> list[str]:
    """Words of an answer after SQuAD v1.1's normalisation, which is English whatever the language."""
    bare = answer.lower().translate(WITHOUT_ASCII)
    return re.sub(ARTICLES["en"], " ", bare).split()


def mlqa_tokens(answer: str, language: str) -> list[str]:
    """Words of an answer, in Chinese its characters, after MLQA's normalisation.

    Args:
        answer: as generated, or a reference.
        language: code of the language it is to be in; a script or region behind it does not count.
    """
    language = re.split("[-_]", language)[0]
    text = "".join(character for character in answer.lower() if not _is_punctuation(character))
    if language in ARTICLES:
        text = re.sub(ARTICLES[language], " ", text)
    if language in UNSPACED:
        text = HAN.sub(r" \1 ", text)
    return text.split()


Tokens = Callable[[str, str], list[str]]


def exact_match(prediction: str, references: Sequence[str], language: str, tokens: Tokens) -> float:
    """1 where the normalised prediction equals a reference, else 0."""
    said = tokens(prediction, language)
    return float(any(said == tokens(reference, language) for reference in references))


def f1(prediction: str, references: Sequence[str], language: str, tokens: Tokens) -> float:
    """Overlap of words with the nearest reference: harmonic mean of precision and recall."""
    said = Counter(tokens(prediction, language))
    return max(_overlap(said, Counter(tokens(reference, language))) for reference in references)


def _overlap(said: Counter[str], right: Counter[str]) -> float:
    shared = (said & right).total()
    return 2 * shared / (said.total() + right.total()) if shared else 0.0


def contains(prediction: str, references: Sequence[str], language: str) -> float:
    """1 where the first reference, lower-cased, stands somewhere in the prediction, else 0.

    The match of the paper's code. It rewards long answers, and finds references of one character easily.
    """
    return float(references[0].lower() in prediction.lower())
