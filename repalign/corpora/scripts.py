"""What text is written in: scripts of letters, by Unicode, and writing systems of languages, by CLDR."""

from __future__ import annotations

from collections import Counter
from functools import cache, lru_cache

import regex

from repalign.corpora.languages import LETTERS, script_of

OF_ALL_SCRIPTS = {"Zyyy", "Zinh", "Zzzz"}
"""Letters common to several scripts, such as the long vowel mark of both kana, tell none of them."""

NAMES = {"Beng": "Bengali", "Hans": "Han", "Hant": "Han"}
"""Names where CLDR's would mislead: "Bangla"; "Simplified", which letters alone do not distinguish from "Traditional"."""

INVISIBLE = regex.compile(r"[\s\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]*")


def is_blank(text: str) -> bool:
    """Whether text shows nothing: white space, control and formatting characters (U+200B, U+200E, U+FEFF) only."""
    return INVISIBLE.fullmatch(text) is not None


def script(sentence: str) -> str:
    """The script of most letters by ISO 15924, e.g. "Latn", "Arab", "Hani"; "" if there are no letters.

    >>> script("The cat."), script("猫が寝ている。"), script("1999!")
    ('Latn', 'Hira', '')
    """
    counts = letters_by_script(sentence)
    return counts.most_common(1)[0][0] if counts else ""


def share_in_script(text: str, language: str) -> float:
    """Share of letters that belong to the writing system of a language, from 0 to 1.

    >>> share_in_script("猫が寝ている。", "ja"), share_in_script("猫が寝ている。", "zh"), share_in_script("Neko", "jpn_Jpan")
    (1.0, 0.3333333333333333, 0.0)

    Args:
        text: a sentence, or more.
        language: its code; see `repalign.corpora.languages.find`.

    Returns:
        1 for text without letters, and for a language whose writing system is not known.
    """
    expected = scripts_of(script_of(language))
    if not expected or _only(expected).fullmatch(text):
        return 1.0
    return share_in_system(letters_by_script(text), script_of(language))


@lru_cache(maxsize=1024)
def _only(scripts: frozenset[str]) -> regex.Pattern[str]:
    """Matches text whose letters are all of some scripts, or common to several: ten times faster than counting them."""
    properties = "".join(f"\\p{{Script={name}}}" for name in sorted(scripts | OF_ALL_SCRIPTS))
    return regex.compile(rf"[\P{{L}}{properties}]*")


def share_in_system(letters: Counter[str], system: str) -> float:
    """Likewise, of letters by script and a writing system of ISO 15924."""
    expected = scripts_of(system)
    if not expected or not letters:
        return 1.0
    return sum(letters[name] for name in expected) / sum(letters.values())


def writing_system(letters: Counter[str]) -> str:
    """The writing system of most letters by ISO 15924, "" if there are none.

    >>> [writing_system(letters_by_script(text)) for text in ("The cat.", "ねこ", "고양이", "猫")]
    ['Latn', 'Jpan', 'Kore', 'Hans']

    Args:
        letters: see `letters_by_script`.

    Returns:
        That of several scripts where one of them is used: kana are Japanese.
    """
    most = letters.most_common(1)[0][0] if letters else ""
    return next((system for system, scripts in LETTERS.items() if most in scripts.split()), most)


def script_name(system: str) -> str:
    """English name of a script or writing system of ISO 15924; what is no code of one is its own.

    >>> script_name("Arab"), script_name("Jpan"), script_name("Hans")
    ('Arabic', 'Japanese', 'Han')
    """
    from langcodes import Language as Tag
    from langcodes.data_dicts import ALL_SCRIPTS

    if system not in ALL_SCRIPTS:
        return system
    return NAMES.get(system) or Tag.make(script=system).script_name()


def letters_by_script(text: str) -> Counter[str]:
    """Script by ISO 15924 -> number of letters, without those that are common to several scripts."""
    counts = Counter(map(_script_of_character, text))
    del counts[""]
    return counts


@lru_cache(maxsize=1024)
def scripts_of(system: str) -> frozenset[str]:
    """The scripts of Unicode in a writing system of ISO 15924: Hani, Hira and Kana for "Jpan"; none if not known."""
    return frozenset(LETTERS.get(system, system).split()).intersection(_patterns().groupindex)


@lru_cache(maxsize=1 << 16)
def _script_of_character(char: str) -> str:
    """By ISO 15924; "" for what is no letter, or one of several scripts."""
    match = _patterns().match(char) if char.isalpha() else None
    return (match.lastgroup or "") if match else ""


@cache
def _patterns() -> regex.Pattern[str]:
    """One group for each code of ISO 15924 that is also a script of Unicode."""
    from langcodes.data_dicts import ALL_SCRIPTS

    return regex.compile(
        "|".join(f"(?P<{code}>\\p{{Script={code}}})" for code in sorted(ALL_SCRIPTS) if _in_unicode(code))
    )


def _in_unicode(code: str) -> bool:
    try:
        regex.compile(f"\\p{{Script={code}}}")
    except regex.error:
        return False
    return code not in OF_ALL_SCRIPTS
