"""Surface realisation: from the phrases of a language module to a written sentence or question.

A language module gives ``phrases(meaning, asked)``, the phrases in order of a sentence or of the question for
a slot, and ``quality(meaning)``, the question what the object is like with its answer. SPACE joins its words,
STOP and QUESTION end its sentences.
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
    """Look up the module of a language.

    Args:
        language: A language code.

    Returns:
        The module with the language's tables, phrases, questions and prompts.

    Raises:
        RepalignError: If the phrasebook lacks the language.
    """
    if language not in _MODULES:
        raise unknown("language of the phrasebook", language, LANGUAGES)
    return _MODULES[language]


def phrases(meaning: Meaning, language: str) -> list[Phrase]:
    """Split the sentence of a meaning into its phrases.

    Args:
        meaning: What the sentence says.
        language: A language code.

    Returns:
        Each phrase with its role, in the order of the sentence, without capital and full stop.

    Raises:
        RepalignError: If the phrasebook lacks the language.
    """
    return grammar_of(language).phrases(meaning)


def realise(meaning: Meaning, language: str) -> str:
    """Write the sentence of a meaning.

    Args:
        meaning: What the sentence says.
        language: A language code.

    Returns:
        One sentence, with its native capital and full stop.

    Raises:
        RepalignError: If the phrasebook lacks the language.
    """
    return written([text for _, text in phrases(meaning, language)], language) + grammar_of(language).STOP


def question(meaning: Meaning, language: str, asked: str) -> str:
    """Write the question that asks for one slot of a meaning, without the circumstances.

    Args:
        meaning: What the sentence that answers the question says.
        language: A language code.
        asked: The slot to ask for.

    Returns:
        One question, with its native mark.

    Raises:
        RepalignError: If the phrasebook lacks the language.
    """
    grammar = grammar_of(language)
    if asked == "adjective":
        return written([grammar.quality(meaning)[0]], language) + grammar.QUESTION
    dropped = [slot for slot in ("adjective", "place", "source", "vehicle") if slot != asked]
    bare = replace(meaning, **dict.fromkeys(dropped))
    kept = [text for role, text in grammar.phrases(bare, asked) if role != "time" or asked == "time"]
    return written(kept, language) + grammar.QUESTION


def written(texts: list[str], language: str) -> str:
    """Join words or phrases as the language writes them.

    Args:
        texts: Words or phrases in order.
        language: A language code.

    Returns:
        The text with an initial capital where the script has one.

    Raises:
        RepalignError: If the phrasebook lacks the language.
    """
    text = grammar_of(language).SPACE.join(texts)
    # Python maps "i" to "I" in every locale; the Turkish capital keeps its dot.
    initial = "İ" if language == "tr" and text[0] == "i" else text[0].upper()
    return initial + text[1:]
