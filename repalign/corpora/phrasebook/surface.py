"""Surface realisation: from the phrases of a language module to a written sentence or question.

A language module defines `phrases(meaning, asked)`, the ordered phrases of a sentence or of the question for a
slot, and `quality(meaning)`, the question what the object is like and its answer. SPACE joins words; STOP and
QUESTION end sentences.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from repalign.corpora.phrasebook import ar, el, en, hi, tr, vi, zh
from repalign.corpora.phrasebook.grammar import Meaning
from repalign.corpora.phrasebook.phrase import Phrase
from repalign.errors import unknown

_MODULES = {"en": en, "ar": ar, "el": el, "hi": hi, "tr": tr, "vi": vi, "zh": zh}
LANGUAGES = tuple(_MODULES)


def grammar_of(language: str) -> ModuleType:
    """The module with a language's tables, phrases, questions and prompts.

    Raises:
        RepalignError: the phrasebook does not have the language.
    """
    if language not in _MODULES:
        raise unknown("language of the phrasebook", language, LANGUAGES)
    return _MODULES[language]


def phrases(meaning: Meaning, language: str) -> list[Phrase]:
    """The phrases of a sentence with their roles, in order, without capital and full stop.

    Raises:
        RepalignError: the phrasebook does not have the language.
    """
    return grammar_of(language).phrases(meaning)


def realise(meaning: Meaning, language: str) -> str:
    """The sentence of a meaning, with the language's capital and full stop.

    Raises:
        RepalignError: the phrasebook does not have the language.
    """
    return written([text for _, text in phrases(meaning, language)], language) + grammar_of(language).STOP


def question(meaning: Meaning, language: str, asked: str) -> str:
    """The question for one slot of a meaning, without adverbial details, with the language's question mark.

    Args:
        meaning: meaning of the sentence that answers the question.
        language: language code.
        asked: the slot that the question asks for.

    Raises:
        RepalignError: the phrasebook does not have the language.
    """
    grammar = grammar_of(language)
    if asked == "adjective":
        return written([grammar.quality(meaning)[0]], language) + grammar.QUESTION
    dropped = [slot for slot in ("adjective", "place", "source", "vehicle") if slot != asked]
    bare = replace(meaning, **dict.fromkeys(dropped))
    kept = [text for role, text in grammar.phrases(bare, asked) if role != "time" or asked == "time"]
    return written(kept, language) + grammar.QUESTION


def written(texts: list[str], language: str) -> str:
    """Words or phrases joined in the language's orthography, with an initial capital if the script has one.

    Raises:
        RepalignError: the phrasebook does not have the language.
    """
    text = grammar_of(language).SPACE.join(texts)
    # Python uppercases "i" to "I" in every locale; the Turkish capital keeps its dot.
    initial = "İ" if language == "tr" and text[0] == "i" else text[0].upper()
    return initial + text[1:]
